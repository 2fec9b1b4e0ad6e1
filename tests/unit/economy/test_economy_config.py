"""Groups and economies refuse what makes no sense, by name."""

import pytest

from lnherd.economy import AgentGroup, EconomyConfig, ServiceGroup, preset, scaled
from lnherd.errors import InputError


@pytest.mark.parametrize(
    ("kind", "changes", "problem"),
    [
        (ServiceGroup, {"kind": "pizza"}, "services: kind 'pizza' is unknown; choose one of inference"),
        (ServiceGroup, {"pricing": "greedy"}, "services: pricing 'greedy' is unknown"),
        (ServiceGroup, {"price_sat": 0.0}, "services: price_sat is 0.0; it must be positive"),
        (ServiceGroup, {"mean_down_ms": -1.0}, "services: mean_down_ms is -1.0; it must not be negative"),
        (AgentGroup, {"count": 0}, "agents: count is 0; it must be positive"),
        (AgentGroup, {"min_calls": 5, "max_calls": 4}, "max_calls is 4, below min_calls 5"),
        (AgentGroup, {"branching": 1.0}, "branching is 1.0; give a number from 0 to 0.95"),
        (AgentGroup, {"kind_shares": (1.0,)}, "need one value for each of inference, search, data, tool"),
    ],
)
def test_groups_refuse(kind, changes, problem):
    with pytest.raises(InputError, match=problem):
        kind(**changes)


def test_an_economy_needs_both_sides():
    with pytest.raises(InputError, match="at least one group of services and one of agents"):
        EconomyConfig((), (AgentGroup(),))
    with pytest.raises(InputError, match="notice_ms is 0; it must be positive"):
        EconomyConfig((ServiceGroup(),), (AgentGroup(),), notice_ms=0)


def test_presets_by_name_and_size():
    swarm = preset("agent-swarm")
    assert swarm.calls_per_day > 1_000_000
    assert scaled(swarm, 0.1).calls_per_day == pytest.approx(swarm.calls_per_day / 10)
    with pytest.raises(InputError, match="economy 'bazaar' is unknown; choose one of inference, data-feeds"):
        preset("bazaar")
    with pytest.raises(InputError, match="the scale is 0"):
        scaled(swarm, 0)
