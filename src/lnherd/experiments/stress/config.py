"""What a stress test is: scenario, policies, cases, seeds."""

from dataclasses import dataclass, field

from lnherd.errors import InputError
from lnherd.experiments.config import ScenarioConfig, distinct_seeds
from lnherd.experiments.results import BASELINE
from lnherd.traffic.shocks import CASES, CONTROL

CALM = "calm"
"""The run that every other one is held against."""

SHOULD_MOVE = {
    CONTROL: (),
    "hub-outage": ("success_rate", "attempts"),
    "mass-closure": ("channels_lost", "success_rate"),
    "slow-jamming": ("slots", "refused"),
    "fast-jamming": ("refused", "success_rate"),
    "sink-attack": ("R", "attempts"),
    "whale-drain": ("refused", "R"),
    "flow-flip": ("drained", "success_rate"),
    "fee-war": ("fee_ppm", "R"),
    "on-chain-spike": ("costs",),
    "probing": ("refused",),
    "black-hole": ("success_rate", "attempts"),
    "stale-gossip": ("attempts", "fee_ppm"),
    "correlated-agents": ("fee_ppm", "R"),
}
"""Which figures (fields of ``StressRun``) a case is meant to move, at least one of them for some policy: the suite
tests itself by them."""


@dataclass(frozen=True)
class StressConfig:
    """One stress test."""

    scenario: ScenarioConfig = field(default_factory=ScenarioConfig)
    """Where."""
    policies: tuple[str, ...] = (BASELINE,)
    """Rules, saved policies or directories of trainings."""
    cases: tuple[str, ...] = tuple(CASES)
    """Which shocks; the control is always among them."""
    seeds: int = 10
    """Simulated days for each policy and case."""
    seed: int = 0
    """Of the days and the bootstrap."""
    onset_tick: int = 12
    """Decisions before the shock (6 hours)."""
    lasting_ticks: int = 8
    """How long what can be over lasts (4 hours)."""
    budget_sat: int = 10_000
    """What managing channels may cost a day (an assumption)."""

    def __post_init__(self) -> None:
        if not 1 <= self.seeds <= 10_000:
            raise InputError(f"--seeds is {self.seeds}; give 1 to 10000")
        for case in self.cases:
            if case not in CASES:
                raise InputError(f"--cases: {case!r} is not known; choose from {', '.join(CASES)}")
        if CONTROL not in self.cases:
            raise InputError(f"--cases must include {CONTROL}: it shows that nothing else differs")
        if not self.policies:
            raise InputError("--policies names none; give at least one")
        if self.budget_sat < 0:
            raise InputError(f"--budget is {self.budget_sat}; it must not be negative")

    def days(self) -> tuple[int, ...]:
        """Seed of each day, all different; none is ever a training seed."""
        return tuple(distinct_seeds(self.seed, self.seeds))
