"""Figures for the documentation."""

import re

import numpy as np
import pytest

from lnherd.experiments.report.svg import bands, curves, round_ticks
from lnherd.experiments.statistics import Band


@pytest.mark.parametrize(("low", "high"), [(-24_235.0, 20_020.0), (0.0, 1.0), (7.3, 7.4), (998.0, 7_811.0)])
def test_ticks_are_round_and_enclose_the_values(low, high):
    ticks = round_ticks(low, high)
    assert ticks[0] <= low + 1e-9 and high - 1e-9 <= ticks[-1] and 3 <= len(ticks) <= 7
    step = ticks[1] - ticks[0]
    assert f"{step:.0e}"[0] in "125" and step == pytest.approx(float(f"{step:.0e}"))


def test_every_line_has_its_band_and_name():
    lines = [(name, Band(np.array([1.0, 2.0]), np.zeros(2), np.full(2, 4.0))) for name in ("a<b", "c")]
    picture = bands("Curves", np.array([0.0, 8.0]), lines, ("episodes", "R"))
    assert picture.count("<polygon") == picture.count("<polyline") == 2
    assert "a&lt;b" in picture and ">8</text>" in picture


def test_no_mark_of_the_axis_lies_beside_it():
    """An axis from 2.5 on has no room for a mark at 2."""
    drawn = curves("windows", np.array([2.5, 7.5, 12.5]), [("one", np.array([0.1, 0.2, 0.3]))], ("seconds", "share"))
    marks = [(float(x), label) for x, label in re.findall(r'<text x="([\d.]+)" y="338"[^>]*>(\d+)</text>', drawn)]
    assert marks[0][1] == "3"
    assert all(60 <= x <= 520 for x, _ in marks)
