"""The report of a stress test: heat maps of policy by case, the table, what each case is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from lnherd.experiments.report import words
from lnherd.experiments.report.document import document, figure, provenance_section
from lnherd.experiments.report.figures import Figure
from lnherd.experiments.statistics import Estimate
from lnherd.experiments.stress.config import SHOULD_MOVE
from lnherd.experiments.stress.summary import CaseSummary
from lnherd.traffic.shocks import CONTROL

Scale: TypeAlias = list[list[float | str]]

DIVERGING: Scale = [[0.0, "#b2542c"], [0.25, "#e3a587"], [0.5, "#f2f0ec"], [0.75, "#8dbac9"], [1.0, "#1f6f8b"]]
SEQUENTIAL: Scale = [[0.0, "#f2f0ec"], [0.5, "#e3a587"], [1.0, "#b2542c"]]
"""Told apart without colour vision; the ink of labels is readable on all but the ends."""


@dataclass(frozen=True, eq=False)
class StressReport:
    """Everything the page tells."""

    title: str
    """What was tested, a few words."""
    setting: str
    """The task in one or two sentences."""
    summaries: tuple[CaseSummary, ...]
    """One for each policy and case."""
    descriptions: Mapping[str, str]
    """Case -> what happens, one sentence."""
    onset_h: float
    """Hours of the day before a shock."""
    lasts_h: float
    """How long what can be over lasts."""
    budget_sat: int
    """A day's budget."""
    seeds: int
    """Days for each policy and case."""
    facts: Mapping[str, str]
    """Configuration and provenance."""


def render(report: StressReport) -> str:
    """The whole page."""
    sections = [
        *_opening(report),
        *_maps_section(report),
        *_moved_section(report.summaries),
        *_table_section(report),
        *_cases_section(report),
        *_reading_section(report),
        *provenance_section(report.facts, "days"),
    ]
    return document(report.title, sections, _figures(report.summaries))


def _figures(summaries: Sequence[CaseSummary]) -> dict[str, Figure]:
    return {
        "reward": heat_map(summaries, lambda each: each.R, words.signed, "sat a day", DIVERGING),
        "success": heat_map(summaries, lambda each: _points(each.success_rate), _one_digit, "points", DIVERGING),
        "recovery": heat_map(summaries, lambda each: each.recovery_h, _hours, "hours", SEQUENTIAL),
    }


def heat_map(
    summaries: Sequence[CaseSummary],
    of: Callable[[CaseSummary], Estimate],
    written: Callable[[float], str],
    unit: str,
    colours: Scale,
) -> Figure:
    """Policies down, cases across; an asterisk where the 95 % interval is clear of zero."""
    policies = list(dict.fromkeys(each.policy for each in summaries))
    cases = list(dict.fromkeys(each.case for each in summaries))
    cells = {(each.policy, each.case): of(each) for each in summaries}
    rows = [[cells[policy, case] for case in cases] for policy in policies]
    largest = max((abs(cell.value) for row in rows for cell in row), default=0.0) or 1.0
    data = {
        "type": "heatmap",
        "x": cases,
        "y": policies,
        "z": [[_compressed(cell.value, largest) for cell in row] for row in rows],
        "text": [[written(cell.value) + ("*" if cell.excludes_zero else "") for cell in row] for row in rows],
        "texttemplate": "%{text}",
        "textfont": {"color": "#22211f", "size": 11},
        "customdata": [[f"{written(cell.low)} to {written(cell.high)} {unit}" for cell in row] for row in rows],
        "hovertemplate": "%{y}, %{x}<br>%{text} (%{customdata})<extra></extra>",
        "zmin": -1.0 if colours is DIVERGING else 0.0,
        "zmax": 1.0,
        "colorscale": colours,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    layout = {
        "height": 150 + 40 * len(policies),
        "xaxis": {"tickangle": -40, "showgrid": False, "side": "bottom"},
        "yaxis": {"autorange": "reversed", "showgrid": False},
    }
    return {"data": [data], "layout": layout}


def _compressed(value: float, largest: float) -> float:
    """Between -1 and 1, small values spread out (square root)."""
    root: float = (abs(value) / largest) ** 0.5
    return round(root if value >= 0 else -root, 4)


def _points(estimate: Estimate) -> Estimate:
    return Estimate(100 * estimate.value, 100 * estimate.low, 100 * estimate.high)


def _one_digit(value: float) -> str:
    return f"{value:+.1f}".replace("-", words.MINUS) if abs(value) >= 0.05 else "0"


def _hours(value: float) -> str:
    return f"{value:.1f}" if value else "0"


def _opening(report: StressReport) -> list[str]:
    hardest = min(report.summaries, key=lambda each: each.R.value)
    untouched = all(each.is_untouched for each in report.summaries if each.case == CONTROL)
    control = "In the control, where nothing happens, no figure of any day differs." if untouched else (
        "The control differs from the calm: something is wrong with this test."
    )  # fmt: skip
    lead = (
        f"Each policy lived through {report.seeds} days twice: calm, and with a shock {report.onset_h:g} hours "
        f"into the day. {control}"
    )
    finding, loss = f"{hardest.case} costs {hardest.policy}", words.sat(-hardest.R.value)
    return [
        f'<p class="eyebrow">{escape(report.title)}</p>',
        f"<h1>{escape(finding[:1].upper() + finding[1:])} <strong>{escape(loss)} sat a day</strong>, the most.</h1>",
        f'<p class="lead">{escape(lead)}</p>',
        f"<p>{escape(report.setting)}</p>",
    ]


def _maps_section(report: StressReport) -> list[str]:
    star = "An asterisk marks a 95 % interval clear of zero; colours follow the square root of the figure."
    return [
        "<h2>Policy by case</h2>",
        *figure("reward", "Heat map of the change of R", f"Change of R against the same calm day, sat a day. {star}"),
        *figure(
            "success",
            "Heat map of the change of the success rate",
            f"Change of the share of trades begun while the shock lasts that arrive, in percentage points. {star}",
        ),
        *figure(
            "recovery",
            "Heat map of the time to recover",
            "Hours until the successes of two hours are back at 90 % of those on the calm day; a day on which they do "
            "not come back counts with all that is left of it.",
        ),
    ]


def _moved_section(summaries: Sequence[CaseSummary]) -> list[str]:
    policies = list(dict.fromkeys(each.policy for each in summaries))
    cells = {(each.policy, each.case): _moved(each) for each in summaries}
    rows = "".join(
        f'<tr><th scope="row">{escape(case)}</th><td>{", ".join(map(_named, SHOULD_MOVE[case])) or "nothing"}</td>'
        + "".join(f"<td>{cells[policy, case]}</td>" for policy in policies)
        + "</tr>"
        for case in dict.fromkeys(each.case for each in summaries)
    )
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("case", "meant to move", *policies))
    return [
        "<h2>Does every case move what it should?</h2>",
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>',
        "<p>All figures whose 95 % interval is clear of zero; bold where one of those meant is among them.</p>",
    ]


def _moved(each: CaseSummary) -> str:
    names = ", ".join(map(_named, each.moved)) or "nothing"
    return f"<b>{names}</b>" if each.moves_as_meant else names


def _named(figure: str) -> str:
    return figure.removesuffix("_sat").replace("_", " ")


def _table_section(report: StressReport) -> list[str]:
    head = (
        "policy", "case", "R<br>sat a day", "revenue<br>sat a day", "net<br>sat a day", "success<br>points",
        "attempts<br>a trade", "fees<br>ppm of a trade", "refused<br>forwards", "slots<br>points", "drained<br>points",
        "drained<br>least to most", "to 90 %<br>hours", "over budget<br>ticks",
    )  # fmt: skip
    rows = "".join(_row(each) for each in report.summaries)
    return [
        "<h2>All figures</h2>",
        '<div class="scroll"><table>',
        "<thead><tr>" + "".join(f'<th scope="col">{cell}</th>' for cell in head) + "</tr></thead>",
        f"<tbody>{rows}</tbody></table></div>",
    ]


def _row(each: CaseSummary) -> str:
    success = _points(each.success_rate)
    cells = (
        escape(each.case),
        _with_interval(each.R, words.signed),
        _with_interval(each.revenue, words.signed),
        _with_interval(each.net_sat, words.signed),
        _with_interval(success, _one_digit),
        _with_interval(each.attempts, lambda value: f"{value:+.2f}".replace("-", words.MINUS)),
        _with_interval(each.fee_ppm, words.signed),
        _with_interval(each.refused, words.signed),
        _with_interval(_points(each.slots), _one_digit),
        _with_interval(_points(each.drained), _one_digit),
        f"{words.percent(each.drained_min.value)} to {words.percent(each.drained_max.value)}",
        _hours(each.recovery_h.value) + (f"<small>{each.unrecovered:.0%} never</small>" if each.unrecovered else ""),
        f"{each.breaches.value:.1f}",
    )
    return f'<tr><th scope="row">{escape(each.policy)}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _with_interval(estimate: Estimate, written: Callable[[float], str]) -> str:
    return f"{written(estimate.value)}<small>{written(estimate.low)} to {written(estimate.high)}</small>"


def _cases_section(report: StressReport) -> list[str]:
    cases = dict.fromkeys(each.case for each in report.summaries)
    items = "".join(f"<dt>{escape(case)}</dt><dd>{escape(report.descriptions[case])}</dd>" for case in cases)
    return ["<h2>The cases</h2>", f"<dl class='sans'>{items}</dl>"]


def _reading_section(report: StressReport) -> list[str]:
    return [
        "<h2>How to read this</h2>",
        "<ul>",
        "<li><b>Paired.</b> A day with a shock and its calm twin share payments, balances, delays and blocks; they "
        "differ by the shock and what follows from it. Money is the interquartile mean of the differences, shares and "
        "counts are means; 95 % intervals are bootstrapped over days.</li>",
        f"<li><b>A shock</b> sets in {report.onset_h:g} hours into the day; what can be over lasts {report.lasts_h:g} "
        "hours.</li>",
        "<li><b>Success, attempts, fees</b> are those of the trades begun while the shock lasts, <b>refused</b> and "
        "<b>slots</b> of the same hours; the rest of the day shows in R and in the time to recover.</li>",
        "<li><b>Drained</b>: share of own channels of which one side holds less than a tenth, since the onset.</li>",
        f"<li><b>Over budget</b>: ticks since the onset that ended with more than {report.budget_sat:,} sat spent on "
        "managing channels that day, on shocked days.</li>",
        "</ul>",
    ]
