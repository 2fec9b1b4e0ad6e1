"""What an evaluation of detectors hands over: a table, the figures in JSON, a page with the operating curves."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from html import escape
from pathlib import Path
from typing import Any

from lnherd.anomaly.signals import SIGNALS
from lnherd.anomaly.watch_file import write_watch
from lnherd.experiments.detection.config import SEVERE, DetectionConfig
from lnherd.experiments.detection.summary import BEARABLE, IN_TIME, Detection, Score
from lnherd.experiments.directory import write_csv, write_json, write_text
from lnherd.experiments.json_config import to_json
from lnherd.experiments.report.document import document, figure, provenance_section
from lnherd.experiments.report.figures import DASHES, LEARNERS, RULES, Figure

COLUMNS = (
    "detector",
    "sensitivity",
    "false_alarms_a_week",
    "recall",
    "precision",
    "case",
    "case_recall",
    "case_precision",
    "median_delay_min",
)
"""Columns of ``results.csv``: one row for each detector, sensitivity and case."""
WATCH_FILE = "watch.json"
"""The watch, calibrated: what ``--watch`` of other commands takes."""
FEWEST = 0.05
"""Where curves that have no false alarm are drawn: the axis is logarithmic."""


def publish(
    out: Path, config: DetectionConfig, detection: Detection, origin: str, provenance: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """Write table, figures, the calibrated watch and the report into ``out``; returns the JSON and the files."""
    table, figures, report = out / "results.csv", out / "results.json", out / "report.html"
    watch = out / WATCH_FILE
    content = {
        "chosen": [asdict(each) for each in detection.chosen],
        "curves": [asdict(each) for each in detection.curves],
        "watch": to_json(detection.watch),
        "config": to_json(config),
        "provenance": dict(provenance),
    }
    write_csv(table, COLUMNS, [row for each in detection.curves for row in _rows(each)])
    write_json(figures, content)
    write_watch(detection.watch, watch)
    write_text(report, render(config, detection, origin, provenance))
    return content, (table, figures, watch, report)


def _rows(each: Score) -> list[list[Any]]:
    head = [each.setting.detector, each.setting.sensitivity, each.false_alarms_a_week.value, each.recall.value]
    return [[*head, each.precision, *astuple(case)] for case in each.cases]


def table_rows(detection: Detection) -> list[tuple[str, ...]]:
    """Operating points, one row a detector: false alarms a week, share of severe shocks in time, precision."""
    return [
        (
            each.setting.detector,
            f"{each.setting.sensitivity:g}",
            f"{each.false_alarms_a_week.value:.2f} ({each.false_alarms_a_week.low:.2f} to "
            f"{each.false_alarms_a_week.high:.2f})",
            f"{each.recall.value:.0%} ({each.recall.low:.0%} to {each.recall.high:.0%})",
            f"{each.precision:.2f}",
        )
        for each in detection.chosen
    ]


def render(config: DetectionConfig, detection: Detection, origin: str, provenance: Mapping[str, Any]) -> str:
    """The page."""
    ours = detection.chosen[0]
    recall, alarms = ours.recall, ours.false_alarms_a_week
    severe = [case for case in SEVERE if case in config.cases]
    sections = [
        f'<p class="eyebrow">Anomaly detection for a {escape(config.scenario.role)}</p>',
        f"<h1>The watch notices <strong>{recall.value:.0%} of severe shocks</strong> within {IN_TIME} minutes, at "
        f"{alarms.value:.2g} false alarms a week.</h1>",
        f'<p class="lead">Held-out: {config.calm_weeks} calm weeks and {config.seeds} shocks of each kind, a look '
        f"every minute, while the node runs {escape(config.policy)}. 95 % intervals: {recall.low:.0%} to "
        f"{recall.high:.0%}; {alarms.low:.2g} to {alarms.high:.2g}.</p>",
        f"<p>{escape(origin[:1].upper() + origin[1:])}. Severe: {', '.join(severe)}.</p>",
        "<h2>Operating curves</h2>",
        *figure(
            "curves",
            "Recall against false alarms for each detector",
            f"Share of severe shocks noticed within {IN_TIME} minutes against false alarms in calm weeks. Large marks: "
            f"the operating points, set on other weeks: the watch calibrated to {config.alarms_a_week:g} a week, the "
            f"others as sensitive as keeps within {BEARABLE:g}. No false alarm is drawn at {FEWEST:g}.",
        ),
        *_points_table(detection),
        *_delays_table(detection.chosen),
        *_thresholds_table(detection),
        *provenance_section({"command": provenance["command"], "lnherd": provenance["lnherd"]}, "settings"),
    ]
    return document("Anomaly detection", sections, {"curves": curves_figure(detection)})


def curves_figure(detection: Detection) -> Figure:
    """One line for each detector, its operating point marked."""
    names = [each.setting.detector for each in detection.chosen]
    colours = dict(zip(names, (LEARNERS[0], *RULES), strict=False))
    data = []
    for name, dash in zip(names, ("solid", *DASHES), strict=False):
        points = sorted((each for each in detection.curves if each.setting.detector == name), key=_weekly)
        data.append(_trace(points, name, colours[name], {"mode": "lines+markers", "line": {"dash": dash}}, 5))
    for each in detection.chosen:
        name = each.setting.detector
        data.append(_trace([each], name, colours[name], {"mode": "markers", "showlegend": False}, 15))
    layout = {
        "height": 420,
        "xaxis": {"type": "log", "title": {"text": "false alarms a week"}},
        "yaxis": {"range": [0, 1.03], "tickformat": ".0%", "title": {"text": f"noticed within {IN_TIME} minutes"}},
    }
    return {"data": data, "layout": layout}


def _weekly(each: Score) -> tuple[float, float]:
    return each.false_alarms_a_week.value, each.recall.value


def _trace(points: Sequence[Score], name: str, colour: str, kind: dict[str, Any], size: int) -> Figure:
    return {
        "type": "scatter",
        "x": [max(FEWEST, each.false_alarms_a_week.value) for each in points],
        "y": [each.recall.value for each in points],
        "text": [f"{each.setting.sensitivity:g}" for each in points],
        "name": name,
        "marker": {"color": colour, "size": size},
        "hovertemplate": f"{name} at %{{text}}<br>%{{x:.2f}} false alarms a week, %{{y:.0%}} in time<extra></extra>",
        **kind,
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    )
    titles = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    return [f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>']


def _points_table(detection: Detection) -> list[str]:
    head = ("detector", "sensitivity", "false alarms a week", f"severe, within {IN_TIME} min", "precision")
    return ["<h2>Operating points</h2>", *_table(head, table_rows(detection))]


def _delays_table(chosen: Sequence[Score]) -> list[str]:
    head = ("shock", *(each.setting.detector for each in chosen))
    cells = {
        (each.setting.detector, case.case): f"{case.recall:.0%}"
        + (f", {case.delay:.0f} min, {case.precision:.2f}" if case.delay is not None else "")
        for each in chosen
        for case in each.cases
    }
    cases = [case.case for case in chosen[0].cases]
    rows = [[case, *(cells[each.setting.detector, case] for each in chosen)] for case in cases]
    caption = (
        f"<p>Share noticed within {IN_TIME} minutes, the median delay of those noticed while the shock "
        "lasts, and the share of alarms that are right where one such shock a week happens.</p>"
    )
    return ["<h2>Shock by shock</h2>", caption, *_table(head, rows)]


def _thresholds_table(detection: Detection) -> list[str]:
    watch = detection.watch
    rows = [
        (name, f"{threshold:.1f}", f"{allowance:.2f}")
        for name, threshold, allowance in zip(SIGNALS, watch.thresholds, watch.allowances, strict=True)
    ]
    return ["<h2>The watch, calibrated</h2>", *_table(("signal", "threshold", "allowance"), rows)]
