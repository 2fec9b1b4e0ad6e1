"""The report of a stress test: valid figures, every case told, nothing of the data taken for markup."""

import json
import re

import plotly.graph_objects as go
import pytest

from lnherd.experiments.report.stress_page import DIVERGING, StressReport, heat_map, render
from lnherd.experiments.statistics import Estimate
from lnherd.experiments.stress.publish import described, table_rows
from lnherd.experiments.stress.summary import CaseSummary
from lnherd.traffic.shocks import CASES


def summary(policy, case, change):
    estimate = Estimate(change, change - 1.0, change + 1.0)
    return CaseSummary(
        policy=policy, case=case, R=estimate, revenue=estimate, net_sat=estimate, costs=estimate, success_rate=estimate,
        attempts=estimate, drained_min=estimate, drained_max=estimate, recovery_h=estimate, unrecovered=0.5,
        breaches=estimate, fee_ppm=estimate, refused=estimate, slots=estimate, drained=estimate,
        fee_updates=estimate, channels_lost=estimate, is_untouched=change == 0,
    )  # fmt: skip


SUMMARIES = (
    summary("rule <b>", "control", 0.0),
    summary("rule <b>", "fee-war", -900.0),
    summary("other", "control", 0.0),
    summary("other", "fee-war", 25.0),
)


@pytest.fixture(scope="module")
def page():
    report = StressReport(
        title="Stress test", setting="A <node>.", summaries=SUMMARIES,
        descriptions={case: described(case) for case in ("control", "fee-war")},
        onset_h=6.0, lasts_h=4.0, budget_sat=10_000, seeds=10, facts={"seed": "0"},
    )  # fmt: skip
    return render(report)


def test_figures_are_valid_and_hold_the_values(page):
    blob = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.S).group(1)
    figures = json.loads(blob)
    assert set(figures) == {"reward", "success", "recovery"}
    for name, figure in figures.items():
        go.Figure(figure)
        assert f'id="{name}"' in page
    assert "900" in figures["reward"]["data"][0]["text"][0][1]


def test_the_worst_case_is_the_headline_and_names_are_escaped(page):
    assert "900 sat a day" in page and "Fee-war costs rule &lt;b&gt;" in page
    assert "rule <b>" not in page.partition("<script")[0]


def test_stars_mark_what_is_clear_of_zero():
    figure = heat_map(SUMMARIES, lambda each: each.R, str, "sat", DIVERGING)["data"][0]
    assert [[text.endswith("*") for text in row] for row in figure["text"]] == [[False, True], [False, True]]
    assert figure["z"][0] == [0.0, -1.0] and 0 < figure["z"][1][1] < 0.2


def test_control_that_differs_is_told():
    lying = (summary("rule", "control", 3.0),)
    report = StressReport("t", "s", lying, {"control": "c"}, 6.0, 4.0, 1, 2, {})
    assert "something is wrong" in render(report)


def test_every_case_has_a_description_of_one_sentence():
    for case in CASES:
        assert described(case).endswith("."), case


def test_rows_for_terminals():
    rows = table_rows(SUMMARIES)
    assert [row[1] for row in rows] == ["control", "fee-war"] * 2
    assert len({len(row) for row in rows}) == 1
