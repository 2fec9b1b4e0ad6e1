"""False alarms and delays of each detector, at each sensitivity; the one an operator would choose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lnherd.anomaly.calibration import calibrate
from lnherd.anomaly.watch import WatchConfig
from lnherd.experiments import statistics
from lnherd.experiments.detection.config import CALM, SEVERE, DetectionConfig
from lnherd.experiments.detection.detectors import WATCH, Setting, river_alarms, watch_alarms
from lnherd.experiments.detection.runs import Recording, read_recording
from lnherd.experiments.statistics import Estimate
from lnherd.network.records import Bools, Ints

QUIET_LOOKS = 60
"""An alarm that falls silent for less than an hour and sounds again is the same alarm."""
IN_TIME = 30
"""Minutes within which a shock must be noticed."""
BEARABLE = 1.0
"""False alarms a week."""
LOOKS_PER_WEEK = 7 * 24 * 60


@dataclass(frozen=True)
class Outcome:
    """One detector at one sensitivity over one recording."""

    case: str
    false_alarms: int
    """Alarms that began before the shock, or in a calm week."""
    looks: int
    """Looks before the shock."""
    delay: int | None
    """Looks from the shock to the first alarm that began after it; None: it was missed, or there was none."""


def outcome(case: str, alarms: Bools, onset: int) -> Outcome:
    """What became of one recording."""
    starts = alarm_starts(alarms)
    noticed = starts[starts >= onset]
    delay = int(noticed[0] - onset + 1) if len(noticed) and case != CALM else None
    return Outcome(case, int((starts < onset).sum()), onset, delay)


def alarm_starts(alarms: Bools) -> Ints:
    """Indices of looks at which an alarm begins."""
    sounding = np.flatnonzero(alarms)
    is_new = np.diff(sounding, prepend=-QUIET_LOOKS - 1) > QUIET_LOOKS
    return sounding[is_new]


@dataclass(frozen=True)
class CaseScore:
    """One detector at one sensitivity over the shocks of one case."""

    case: str
    recall: float
    """Share noticed in time."""
    precision: float
    """Share of alarms that are right where one such shock a week happens."""
    delay: float | None
    """Median delay in minutes of those noticed while the shock lasts; None if none was."""


@dataclass(frozen=True)
class Score:
    """One detector at one sensitivity, over many recordings."""

    setting: Setting
    false_alarms_a_week: Estimate
    """In calm weeks, mean with a 95 % bootstrap interval over weeks."""
    recall: Estimate
    """Share of severe shocks noticed in time, likewise over shocks."""
    precision: float
    """Share of alarms that are right where one severe shock a week happens."""
    cases: tuple[CaseScore, ...]
    """Case by case."""


def score(setting: Setting, outcomes: Sequence[Outcome], seed: int) -> Score:
    """Sum up; ``outcomes`` are of held-out calm weeks and of shocks."""
    calm = np.array([each.false_alarms * LOOKS_PER_WEEK / each.looks for each in outcomes if each.case == CALM])
    severe = np.array([_is_in_time(each) for each in outcomes if each.case in SEVERE], dtype=np.float64)
    alarms, recall = statistics.mean_interval(calm, seed=seed), statistics.mean_interval(severe, seed=seed)
    names = dict.fromkeys(each.case for each in outcomes if each.case != CALM)
    cases = tuple(_of_case(name, outcomes, alarms.value) for name in names)
    return Score(setting, alarms, recall, _precision(recall.value, alarms.value), cases)


def _is_in_time(each: Outcome) -> bool:
    return each.delay is not None and each.delay <= IN_TIME


def _of_case(case: str, outcomes: Sequence[Outcome], false_alarms: float) -> CaseScore:
    its = [each for each in outcomes if each.case == case]
    delays = [each.delay for each in its if each.delay is not None]
    recall = float(np.mean([_is_in_time(each) for each in its]))
    return CaseScore(case, recall, _precision(recall, false_alarms), float(np.median(delays)) if delays else None)


def _precision(right: float, wrong: float) -> float:
    return right / (right + wrong) if right + wrong else 0.0


def most_sensitive(calm: dict[Setting, list[Outcome]]) -> dict[str, Setting]:
    """For each detector the setting with most false alarms that are still bearable in the weeks it was calibrated on.

    Where not even the dullest setting is bearable, that one.
    """
    chosen: dict[str, tuple[tuple[bool, float], Setting]] = {}
    for setting, outcomes in calm.items():
        weekly = sum(each.false_alarms for each in outcomes) * LOOKS_PER_WEEK / sum(each.looks for each in outcomes)
        rank = (weekly <= BEARABLE, weekly if weekly <= BEARABLE else -weekly)
        if setting.detector not in chosen or rank > chosen[setting.detector][0]:
            chosen[setting.detector] = rank, setting
    return {detector: setting for detector, (_, setting) in chosen.items()}


@dataclass(frozen=True)
class Detection:
    """The whole evaluation."""

    watch: WatchConfig
    """The watch as it was calibrated, with what it knew after the last week of the calibration."""
    curves: tuple[Score, ...]
    """Every detector at every sensitivity, on held-out weeks and shocks."""
    chosen: tuple[Score, ...]
    """Those of them at the operating point, one for each detector: the watch at its calibrated thresholds."""


def summarise(config: DetectionConfig, out: Path) -> Detection:
    """Calibrate on the first half of the calm weeks in ``out``, measure on everything else."""
    recordings = [read_recording(out, *job) for job in config.jobs()]
    calibration, held_out = recordings[: config.calm_weeks], recordings[config.calm_weeks :]
    watch = calibrate([each.scores for each in calibration], config.watch, alarms_a_week=config.alarms_a_week)
    chosen = most_sensitive(_outcomes(calibration, watch)) | {WATCH: Setting(WATCH, 1.0)}
    curves = {
        setting: score(setting, outcomes, config.seed) for setting, outcomes in _outcomes(held_out, watch).items()
    }
    watch = replace(watch, past=calibration[-1].past)
    return Detection(watch, tuple(curves.values()), tuple(curves[setting] for setting in chosen.values()))


def _outcomes(recordings: Sequence[Recording], watch: WatchConfig) -> dict[Setting, list[Outcome]]:
    found: dict[Setting, list[Outcome]] = {}
    for each in recordings:
        for setting, alarms in (watch_alarms(each.scores, watch) | river_alarms(each.scores)).items():
            found.setdefault(setting, []).append(outcome(each.case, alarms, each.onset))
    return found
