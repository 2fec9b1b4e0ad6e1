"""Rules that operators run, one file each (B0 ... in reference order), as policies."""

from collections.abc import Callable

from lnherd.agents.policy import Policy
from lnherd.agents.rules.combined import Combined
from lnherd.agents.rules.do_nothing import DoNothing
from lnherd.agents.rules.proportional import Proportional
from lnherd.agents.rules.random_choice import RandomChoice
from lnherd.agents.rules.rebalance_half import RebalanceHalf
from lnherd.agents.rules.threshold_swap import ThresholdSwap


def proportional_and_rebalance() -> Combined:
    """Proportional fees and economic rebalancing together: what hobbyists really run."""
    return Combined((Proportional(), RebalanceHalf()), "proportional+rebalance")


RULES: dict[str, Callable[[], Policy]] = {
    "do-nothing": DoNothing,
    "proportional": Proportional,
    "rebalance-half": RebalanceHalf,
    "proportional+rebalance": proportional_and_rebalance,
    "threshold-swap": ThresholdSwap,
    "random": RandomChoice,
}
"""Every rule by the name it has in tables, with its published defaults."""

__all__ = [
    "RULES",
    "Combined",
    "DoNothing",
    "Proportional",
    "RandomChoice",
    "RebalanceHalf",
    "ThresholdSwap",
    "proportional_and_rebalance",
]
