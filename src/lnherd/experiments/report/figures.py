"""The figures of a report as Plotly JSON (``data`` and ``layout``), without colours of the page: it has two themes.

Plain dictionaries, so that writing a report does not load Plotly's Python side; its tests validate them there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from lnherd.experiments.curves import Curve
from lnherd.experiments.results import BASELINE, PolicySummary, Results
from lnherd.experiments.statistics import Estimate, curve_band
from lnherd.network.records import Floats

Figure: TypeAlias = dict[str, Any]

LEARNERS = ("#d55e00", "#c2185b", "#a67c00")
RULES = ("#3b7ea1", "#7a6fb0", "#4c8c4a", "#00868b", "#9a5f86", "#6b7f2a")
DASHES = ("dot", "dash", "dashdot", "longdash", "longdashdot", "dot")
NOTHING = "#8a8a84"
VALUE, REVENUE, FEES, COSTS, CAPITAL = "#2a9d76", "#a39a4d", "#56a5d8", "#b5739d", "#8a8a84"
KINDS = {
    "rebalance": "#2a9d76",
    "swap_in": "#56a5d8",
    "swap_out": "#1f6f8b",
    "open": "#d55e00",
    "close": "#e0a030",
    "fee_up": "#b5739d",
    "fee_down": "#7a6fb0",
    "set_fee": "#a39a4d",
}
"""Distinguishable without colour vision (after Okabe and Ito), readable on light and dark ground."""
SEED = 0
"""Of the bootstrap bands: a report drawn twice is the same report."""


@dataclass(frozen=True)
class Style:
    """How one policy looks in every figure and in the table."""

    colour: str
    dash: str
    width: float
    symbol: str


def styles(summaries: Sequence[PolicySummary]) -> dict[str, Style]:
    """Learners stand out, the baseline steps back, rules differ in colour and dash."""
    chosen, n_learners, n_rules = {}, 0, 0
    for summary in summaries:
        if summary.name == BASELINE:
            chosen[summary.name] = Style(NOTHING, "solid", 2.0, "circle")
        elif summary.trainings:
            chosen[summary.name] = Style(LEARNERS[n_learners % len(LEARNERS)], "solid", 3.0, "diamond")
            n_learners += 1
        else:
            chosen[summary.name] = Style(RULES[n_rules % len(RULES)], DASHES[n_rules % len(DASHES)], 2.0, "circle")
            n_rules += 1
    return chosen


def forest(
    summaries: Sequence[PolicySummary],
    estimates: Sequence[Estimate],
    runs: Sequence[Floats],
    style: Mapping[str, Style],
) -> Figure:
    """One line a policy: every run a faint dot, the interquartile mean and its interval on top."""
    data: list[Figure] = []
    for summary, estimate, points in zip(summaries, estimates, runs, strict=True):
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": _rounded(points.ravel()),
                "y": [summary.name] * points.size,
                "marker": {"color": style[summary.name].colour, "size": 6, "opacity": 0.22},
                "hovertemplate": "%{x:,.0f} sat a day<extra>one run</extra>",
            }
        )
        data.append(_interval_marker(summary, estimate, style[summary.name]))
    return {"data": data, "layout": _forest_layout(summaries)}


def _interval_marker(summary: PolicySummary, estimate: Estimate, style: Style) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [round(estimate.value, 2)],
        "y": [summary.name],
        "marker": {"color": style.colour, "size": 12, "symbol": style.symbol},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [round(estimate.high - estimate.value, 2)],
            "arrayminus": [round(estimate.value - estimate.low, 2)],
            "color": style.colour,
            "thickness": 2.5,
            "width": 5,
        },
        "hovertemplate": f"%{{x:,.0f}} sat a day<br>{estimate.low:,.0f} to {estimate.high:,.0f}"
        f"<extra>{summary.name}</extra>",
    }


def _forest_layout(summaries: Sequence[PolicySummary]) -> Figure:
    return {
        "height": 110 + 44 * len(summaries),
        "showlegend": False,
        "xaxis": {"title": {"text": "sat per day"}, "zeroline": True, "tickformat": "~s"},
        "yaxis": {
            "categoryorder": "array",
            "categoryarray": [summary.name for summary in reversed(summaries)],
            "showgrid": False,
            "automargin": True,
        },
    }


PARTS = (
    ("S", 1, "S, value of successes", VALUE),
    ("revenue", 1, "revenue, forwarding fees", REVENUE),
    ("F", -1, "F, routing fees", FEES),
    ("C", -1, "C, channel costs", COSTS),
    ("capital", -1, "price of capital", CAPITAL),
)
"""Term, sign, name and colour of each part of R."""


def term_bars(summaries: Sequence[PolicySummary]) -> Figure:
    """What R is made of: what it adds to the right, what it takes to the left, R as a mark."""
    names = [summary.name for summary in summaries]
    data, total = [], np.zeros(len(summaries))
    for term, sign, name, tint in PARTS:
        values = np.array([sign * summary.terms[term] for summary in summaries])
        total += values
        if term in ("S", "F", "C") or values.any():
            data.append(_bar(name, tint, names, values))
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "R, the sum",
            "x": _rounded(total),
            "y": names,
            "marker": {"symbol": "line-ns-open", "size": 22, "line": {"width": 3}, "color": "ink"},
            "hovertemplate": "R %{x:,.0f} sat a day<extra>%{y}</extra>",
        }
    )
    layout = _forest_layout(summaries) | {"barmode": "relative", "bargap": 0.35, "showlegend": True}
    return {"data": data, "layout": layout | {"height": 150 + 44 * len(summaries), "legend": _legend_on_top()}}


def _bar(name: str, tint: str, names: list[str], values: Iterable[float]) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": _rounded(values),
        "y": names,
        "marker": {"color": tint},
        "hovertemplate": f"{name}: %{{x:,.0f}} sat a day<extra>%{{y}}</extra>",
    }


def action_bars(summaries: Sequence[PolicySummary]) -> Figure:
    """Acts per day by kind."""
    kinds = [kind for kind in KINDS if any(kind in summary.actions for summary in summaries)]
    names = [summary.name for summary in summaries]
    data = []
    for kind in kinds:
        bar = _bar(
            kind.replace("_", " "), KINDS[kind], names, [summary.actions.get(kind, 0.0) for summary in summaries]
        )
        data.append(bar | {"hovertemplate": f"{bar['name']}: %{{x:,.1f}} a day<extra>%{{y}}</extra>"})
    layout = _forest_layout(summaries) | {"barmode": "stack", "bargap": 0.35, "showlegend": bool(kinds)}
    layout |= {"xaxis": {"title": {"text": "acts per day"}, "rangemode": "tozero"}, "legend": _legend_on_top()}
    return {"data": data, "layout": layout | {"height": 150 + 44 * len(summaries)}}


def learning_curves(curves: Sequence[Curve], summaries: Sequence[PolicySummary], style: Mapping[str, Style]) -> Figure:
    """Held-out R during training with its band, over episodes, decisions or wall time; rules as lines."""
    data: list[Figure] = []
    for curve in curves:
        band = curve_band(curve.held_out_per_day, seed=SEED)
        outline = np.concatenate([band.high, band.low[::-1]])
        steps = np.concatenate([curve.episodes, curve.episodes[::-1]])
        data.append(_area(steps, outline, style[curve.policy]))
        data.append(_line(curve.episodes, band.value, curve.policy, style[curve.policy], "lines+markers"))
    end = max((float(curve.episodes[-1]) for curve in curves), default=1.0)
    for summary in summaries:
        if not summary.trainings:
            level = np.array([summary.reward.value, summary.reward.value])
            data.append(_line(np.array([0.0, end]), level, summary.name, style[summary.name], "lines"))
    layout: Figure = {
        "height": 440,
        "xaxis": {"title": {"text": "training episodes"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "R on held-out seeds, sat per day"}, "tickformat": "~s"},
        "legend": _legend_on_top(),
    }
    if curves:
        layout["updatemenus"] = [_abscissa_menu(curves, len(data))]
    return {"data": data, "layout": layout}


def _area(x: Floats, y: Floats, style: Style) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": _rounded(x),
        "y": _rounded(y),
        "fill": "toself",
        "fillcolor": f"{style.colour}2b",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _line(x: Floats, y: Floats, name: str, style: Style, mode: str) -> Figure:
    return {
        "type": "scatter",
        "mode": mode,
        "x": _rounded(x),
        "y": _rounded(y),
        "name": name,
        "line": {"color": style.colour, "width": style.width, "dash": style.dash},
        "marker": {"size": 8, "color": style.colour},
        "hovertemplate": "%{y:,.0f} sat a day<extra>" + name + "</extra>",
    }


def _abscissa_menu(curves: Sequence[Curve], n_traces: int) -> Figure:
    """Buttons that change what the horizontal axis counts."""
    choices = (("episodes", "training episodes"), ("decisions", "training decisions"), ("wall_s", "seconds"))
    buttons = []
    for field, title in choices:
        xs: list[list[float]] = []
        for curve in curves:
            steps = getattr(curve, field)
            xs += [_rounded(np.concatenate([steps, steps[::-1]])), _rounded(steps)]
        last = max(float(getattr(curve, field)[-1]) for curve in curves)
        xs += [[0.0, last]] * (n_traces - len(xs))
        buttons.append({"label": title, "method": "update", "args": [{"x": xs}, {"xaxis.title.text": title}]})
    return {
        "type": "buttons",
        "direction": "right",
        "buttons": buttons,
        "x": 0,
        "xanchor": "left",
        "y": -0.2,
        "yanchor": "top",
        "pad": {"t": 8},
    }


def profiles(results: Results, summaries: Sequence[PolicySummary], style: Mapping[str, Style]) -> Figure:
    """Share of runs whose R exceeds a level, for every level: the whole distribution, not one number of it."""
    runs = {summary.name: results.per_day(summary.name) for summary in summaries}
    levels = np.linspace(min(r.min() for r in runs.values()), max(r.max() for r in runs.values()), 160)
    data: list[Figure] = []
    for name, scores in runs.items():
        shares = (scores.reshape(-1, 1) > levels).mean(axis=0)
        line = _line(levels, shares, name, style[name], "lines")
        line["line"] |= {"shape": "hv"}
        data.append(line | {"hovertemplate": f"%{{y:.0%}} of runs above %{{x:,.0f}} sat a day<extra>{name}</extra>"})
    layout = {
        "height": 360,
        "xaxis": {"title": {"text": "R, sat per day"}, "tickformat": "~s"},
        "yaxis": {"title": {"text": "share of runs above"}, "tickformat": ".0%", "range": [0, 1.02]},
        "legend": _legend_on_top(),
    }
    return {"data": data, "layout": layout}


def _legend_on_top() -> Figure:
    return {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}


def _rounded(values: Any) -> list[float]:
    """Numbers short enough for a page."""
    return [round(float(value), 3) for value in values]
