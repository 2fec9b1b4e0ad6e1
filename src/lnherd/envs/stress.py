"""A shock in an episode of herding: which, when, and who else runs the same policy."""

from collections.abc import Callable
from dataclasses import dataclass

from lnherd.agents.policy import Policy
from lnherd.agents.rules import DoNothing
from lnherd.envs.scenario import Scenario
from lnherd.errors import InputError
from lnherd.traffic.shocks import Scene, Shock

NO_SHOCK = Shock()


@dataclass(frozen=True)
class Stress:
    """What an episode is put under; nothing by default."""

    shock: Shock = NO_SHOCK
    """What happens."""
    onset_tick: int = 12
    """Decisions before it does."""
    lasting_ticks: int = 8
    """How many ticks what can be over lasts."""
    companion: Callable[[], Policy] = DoNothing
    """What nodes run that the shock turns into agents like the herder."""

    def __post_init__(self) -> None:
        if self.onset_tick < 0 or self.lasting_ticks < 1:
            raise InputError("stress: onset_tick must not be negative and lasting_ticks at least 1")

    def scene(self, scenario: Scenario, seed: int) -> Scene:
        """Where and when, in an episode of ``scenario``."""
        config = scenario.config
        onset_ms = (config.warm_up_ticks + self.onset_tick) * config.tick_ms
        return Scene(
            network=scenario.network,
            node=scenario.node,
            onset_ms=onset_ms,
            end_ms=onset_ms + self.lasting_ticks * config.tick_ms,
            seed=seed,
            trades=scenario.trades,
        )
