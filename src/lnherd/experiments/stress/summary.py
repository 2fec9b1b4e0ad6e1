"""What shocks do: each run against the calm run of the same policy on the same day."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from lnherd.experiments import statistics
from lnherd.experiments.statistics import Estimate
from lnherd.experiments.stress.config import CALM, SHOULD_MOVE, StressConfig
from lnherd.experiments.stress.runs import StressRun
from lnherd.network.records import Floats
from lnherd.units import MS_PER_HOUR

RECOVERED = 0.9
"""Share of the calm run's successes at which a run has recovered."""
WINDOW_TICKS = 4
"""Successes are counted over so many ticks (two hours)."""
RESAMPLES = 4_000
MONEY = ("R", "revenue", "net_sat", "costs")
MEANS = ("success_rate", "attempts", "fee_ppm", "refused", "slots", "drained", "channels_lost", "fee_updates")
"""Figures that are compared with the calm, by interquartile mean and by mean."""


@dataclass(frozen=True)
class CaseSummary:
    """One policy in one case. Intervals are 95 % bootstrap intervals over days; differences are paired by day."""

    policy: str
    case: str
    R: Estimate
    """Change of the reward, interquartile mean, sat a day."""
    revenue: Estimate
    """Change of the forwarding fees earned, likewise."""
    net_sat: Estimate
    """Change of what was earned less what was paid, likewise."""
    costs: Estimate
    """Change of the costs of channel management, likewise."""
    success_rate: Estimate
    """Change of the share of trades begun while the shock lasts that arrive, mean."""
    attempts: Estimate
    """Change of the attempts for such a trade, mean."""
    fee_ppm: Estimate
    """Change of the routing fees they pay, mean."""
    refused: Estimate
    """Change of the forwards refused while the shock lasts, mean."""
    slots: Estimate
    """Change of the fullest channel's share of HTLC slots in use, mean."""
    drained: Estimate
    """Change of the share of own channels drained since the onset, mean."""
    channels_lost: Estimate
    """Change of the own channels lost since the onset, mean."""
    fee_updates: Estimate
    """Change of the number of own fee changes since the onset, mean."""
    drained_min: Estimate
    """Lowest share of own channels drained since the onset, mean; no difference."""
    drained_max: Estimate
    """Highest."""
    recovery_h: Estimate
    """Hours to 90 % of the calm, mean; a day that does not recover counts with all that is left of it."""
    unrecovered: float
    """Share of days that do not recover."""
    breaches: Estimate
    """Ticks since the onset that ended with the day's budget overspent, mean."""
    is_untouched: bool
    """Whether no day differs from the calm in anything."""

    @property
    def moved(self) -> tuple[str, ...]:
        """Figures whose change has a 95 % interval clear of zero."""
        return tuple(name for name in (*MONEY, *MEANS) if getattr(self, name).excludes_zero)

    @property
    def moves_as_meant(self) -> bool:
        """Whether one of the figures that the case is meant to move did; the control is meant to move none."""
        meant = SHOULD_MOVE[self.case]
        return any(name in self.moved for name in meant) if meant else not self.moved


def summarise(config: StressConfig, runs: Sequence[StressRun], tick_ms: int) -> tuple[CaseSummary, ...]:
    """One summary for each policy and case, in the order of the runs."""
    by_place: dict[tuple[str, str], list[StressRun]] = {}
    for run in runs:
        by_place.setdefault((run.policy, run.case), []).append(run)
    return tuple(
        _summary(config, by_place[policy, CALM], shocked, tick_ms)
        for (policy, case), shocked in by_place.items()
        if case != CALM
    )


def _summary(config: StressConfig, calm: list[StressRun], shocked: list[StressRun], tick_ms: int) -> CaseSummary:
    hours = [recovery_h(config, was, now, tick_ms) for was, now in zip(calm, shocked, strict=True)]
    left_h = (len(calm[0].successes) - config.onset_tick) * tick_ms / MS_PER_HOUR
    waited = [left_h if hour is None else hour for hour in hours]
    changes = {name: _change(name, calm, shocked, config.seed) for name in (*MONEY, *MEANS)}
    return CaseSummary(
        policy=shocked[0].policy,
        case=shocked[0].case,
        **changes,
        drained_min=_mean([run.drained_min for run in shocked], config.seed),
        drained_max=_mean([run.drained_max for run in shocked], config.seed),
        recovery_h=_mean(waited, config.seed),
        unrecovered=float(np.mean([hour is None for hour in hours])),
        breaches=_mean([run.breaches for run in shocked], config.seed),
        is_untouched=all(_same(was, now) for was, now in zip(calm, shocked, strict=True)),
    )


def _change(name: str, calm: list[StressRun], shocked: list[StressRun], seed: int) -> Estimate:
    """Money by its interquartile mean, the rest by its mean."""
    now, was = (np.array([getattr(run, name) for run in side], dtype=float) for side in (shocked, calm))
    if name in MEANS:
        return _mean(now - was, seed)
    return statistics.paired_difference(now, was, seed=seed, resamples=RESAMPLES)


def _mean(values: Floats | Sequence[float], seed: int) -> Estimate:
    return statistics.mean_interval(values, seed=seed, resamples=RESAMPLES)


def _same(calm: StressRun, shocked: StressRun) -> bool:
    """Equal in every figure, to the last digit."""
    names = [field.name for field in fields(StressRun) if field.name != "case"]
    return all(getattr(calm, name) == getattr(shocked, name) for name in names)


def recovery_h(config: StressConfig, calm: StressRun, shocked: StressRun, tick_ms: int) -> float | None:
    """Hours from the onset until successes are back at 90 % of the calm run's, having fallen below; None: never.

    Successes are counted over the last WINDOW_TICKS ticks, all of them after the onset. A day on which they never
    fall below takes 0 hours.
    """
    now, was = (
        np.convolve(run.successes[config.onset_tick :], np.ones(WINDOW_TICKS), "valid") for run in (shocked, calm)
    )
    low = now < RECOVERED * was
    if not low.any():
        return 0.0
    fell = int(np.argmax(low))
    back = np.flatnonzero(~low[fell:])
    return float((fell + back[0] + WINDOW_TICKS) * tick_ms / MS_PER_HOUR) if len(back) else None
