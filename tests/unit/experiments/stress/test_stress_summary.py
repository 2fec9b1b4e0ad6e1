"""Pairing, recovery and the control."""

from dataclasses import replace

import pytest

from lnherd.errors import InputError
from lnherd.experiments.stress.config import CALM, StressConfig
from lnherd.experiments.stress.runs import StressRun
from lnherd.experiments.stress.summary import recovery_h, summarise
from lnherd.units import MS_PER_HOUR

CONFIG = StressConfig(cases=("control", "fee-war"), seeds=3, onset_tick=4, lasting_ticks=2)
DAY = StressRun(
    policy="do-nothing", case=CALM, seed=1, R=100.0, revenue=20.0, net_sat=10.0, costs=5.0, success_rate=0.9,
    attempts=1.5, fee_ppm=900.0, refused=3, slots=0.1, drained=0.3,
    drained_min=0.2, drained_max=0.4, breaches=0, fee_updates=0, channels_lost=0, successes=(10.0,) * 16,
)  # fmt: skip


def after(*successes):
    """A day whose successes since the onset begin like this and are then as in the calm."""
    series = (*(10.0,) * 4, *successes)
    return replace(DAY, successes=(*series, *(10.0,) * (16 - len(series))))


@pytest.mark.parametrize(
    ("successes", "hours"),
    [
        ((), 0.0),
        ((9, 9, 9, 9, 9), 0.0),  # exactly 90 % is no fall
        ((0,), 5.0),  # the four hours that hold the bad one are over after five
        ((10, 10, 0, 0), 8.0),
        ((10, 10, 10, 10, 10, 10, 0, 0, 0, 0, 0, 0), None),
        ((0, 20, 20, 20), 0.0),
    ],
)
def test_recovery_is_when_two_hours_are_back_at_ninety_percent(successes, hours):
    assert recovery_h(CONFIG, DAY, after(*successes), MS_PER_HOUR) == hours


def test_what_comes_before_the_onset_does_not_count():
    broken_before = replace(DAY, successes=(0.0,) * 4 + (10.0,) * 12)
    assert recovery_h(CONFIG, DAY, broken_before, MS_PER_HOUR) == 0.0


def days(case, **changes):
    return [replace(DAY, case=case, seed=seed, R=DAY.R + seed, **changes) for seed in (1, 2, 3)]


def test_differences_are_paired_by_day():
    shocked = [replace(day, R=day.R - 30.0, success_rate=0.4) for day in days("fee-war")]
    control, war = summarise(CONFIG, [*days(CALM), *days("control"), *shocked], MS_PER_HOUR)
    assert (war.R.value, war.R.low, war.R.high) == (-30.0, -30.0, -30.0)
    assert war.success_rate.value == pytest.approx(-0.5)
    assert not war.is_untouched
    assert control.is_untouched and control.R.value == control.R.low == control.R.high == 0.0


def test_the_least_difference_is_noticed_in_the_control():
    control = days("control")
    control[1] = replace(control[1], successes=(*DAY.successes[:-1], 11.0))
    (summary,) = summarise(CONFIG, [*days(CALM), *control], MS_PER_HOUR)
    assert not summary.is_untouched


def test_days_that_never_recover_count_with_what_is_left():
    lost = [replace(day, successes=(10.0,) * 4 + (0.0,) * 12) for day in days("fee-war")]
    (summary,) = summarise(CONFIG, [*days(CALM), *lost], MS_PER_HOUR)
    assert summary.unrecovered == 1.0 and summary.recovery_h.value == 12.0


def test_a_case_is_told_to_move_what_it_is_meant_to():
    dearer = [replace(day, fee_ppm=day.fee_ppm + 50.0) for day in days("fee-war")]
    slower = [replace(day, attempts=day.attempts + 1.0) for day in days("fee-war")]
    for shocked, moved, as_meant in ((dearer, ("fee_ppm",), True), (slower, ("attempts",), False)):
        control, war = summarise(CONFIG, [*days(CALM), *days("control"), *shocked], MS_PER_HOUR)
        assert (war.moved, war.moves_as_meant) == (moved, as_meant)
        assert (control.moved, control.moves_as_meant) == ((), True)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"cases": ("fee-war",)}, "control"),
        ({"cases": ("control", "meteor")}, "meteor"),
        ({"seeds": 0}, "--seeds"),
        ({"budget_sat": -1}, "--budget"),
        ({"policies": ()}, "--policies"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(changes, word):
    with pytest.raises(InputError, match=word):
        StressConfig(**changes)
