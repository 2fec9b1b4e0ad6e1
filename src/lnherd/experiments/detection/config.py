"""What an evaluation of detectors is: scenario, policy, calm weeks, shocks."""

from dataclasses import dataclass, field

from lnherd.anomaly.calibration import ALARMS_A_WEEK
from lnherd.anomaly.watch import WatchConfig
from lnherd.errors import InputError
from lnherd.experiments.config import ScenarioConfig, distinct_seeds
from lnherd.traffic.shocks import CASES, CONTROL

SHOCKS = tuple(case for case in CASES if case != CONTROL)
MOST_ALARMS = 10
CALM = "calm"
"""Weeks without a shock."""
SEVERE = ("hub-outage", "mass-closure", "slow-jamming", "fast-jamming", "on-chain-spike")
"""Cases that must be noticed: sudden, and they leave the node unable to work (peers gone, channels closed, slots taken,
the chain too dear). The others are measured beside them; who lures, undercuts, drains or probes looks like business."""


@dataclass(frozen=True)
class DetectionConfig:
    """One evaluation. Seeds are apart: calm weeks to calibrate on, calm weeks to measure on, shocks."""

    scenario: ScenarioConfig = field(default_factory=ScenarioConfig)
    """Where."""
    policy: str = "proportional+rebalance"
    """What the node runs meanwhile; its own doings must not sound the alarm."""
    cases: tuple[str, ...] = SHOCKS
    """Which shocks."""
    calm_weeks: int = 10
    """Weeks to calibrate on, and as many to measure false alarms on."""
    calm_days: int = 7
    """Length of such a week, beyond the warm-up."""
    seeds: int = 10
    """Shocks of each case."""
    onset_ticks: tuple[int, int] = (48, 72)
    """A shock sets in at a tick drawn from here: in the second day's first half."""
    lasting_ticks: int = 8
    """How many ticks (of half an hour) what can be over lasts; it is watched as long."""
    seed: int = 0
    """Of everything."""
    alarms_a_week: float = ALARMS_A_WEEK
    """False alarms that the watch is calibrated to: its operating point, chosen beforehand."""
    watch: WatchConfig = field(default_factory=WatchConfig)
    """How the node is watched; its thresholds are calibrated."""

    def __post_init__(self) -> None:
        for name, most in (("calm_weeks", 1_000), ("calm_days", 365), ("seeds", 10_000)):
            if not 1 <= getattr(self, name) <= most:
                raise InputError(f"--{name.replace('_', '-')} is {getattr(self, name)}; give 1 to {most}")
        if not 0 < self.alarms_a_week <= MOST_ALARMS:
            raise InputError(f"--alarms-a-week is {self.alarms_a_week}; give more than 0, at most {MOST_ALARMS}")
        for case in self.cases:
            if case not in SHOCKS:
                raise InputError(
                    f"--cases: {case!r} is no shock; choose from {', '.join(c for c in CASES if c != CONTROL)}"
                )

    def jobs(self) -> tuple[tuple[str, int], ...]:
        """(case, seed) of every run: calm weeks to calibrate on, calm weeks to measure on, shocks."""
        seeds = distinct_seeds(self.seed, 2 * self.calm_weeks + self.seeds)
        calm, shocked = seeds[: 2 * self.calm_weeks], seeds[2 * self.calm_weeks :]
        return tuple((CALM, seed) for seed in calm) + tuple((case, seed) for case in self.cases for seed in shocked)
