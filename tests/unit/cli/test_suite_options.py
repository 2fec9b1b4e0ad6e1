"""Options of ``lnherd compare herding --suite``."""

import pytest

from lnherd.cli.suites import chosen, chosen_cells
from lnherd.errors import InputError
from lnherd.experiments.suites import SuiteConfig


def test_all_cells_or_those_named():
    assert len(chosen_cells(SuiteConfig(), None)) == 9
    assert chosen_cells(SuiteConfig(), "router-drained, consumer-mainnet") == ["router-drained", "consumer-mainnet"]
    with pytest.raises(InputError, match="'router' is not in the suite"):
        chosen_cells(SuiteConfig(), "router")


def test_doing_nothing_is_always_there_and_the_order_is_the_suites():
    assert chosen("threshold-swap,q-learning") == ["do-nothing", "q-learning", "threshold-swap"]
    assert {"ppo", "dqn", "clboss", "random"} <= set(chosen(None))
    with pytest.raises(InputError, match="'magic' is not in the suite"):
        chosen("magic")
