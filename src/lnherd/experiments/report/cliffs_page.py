"""The figure of the cliffs, six panels in one, and the page around it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lnherd.experiments.report.document import document, figure, provenance, table
from lnherd.experiments.report.figures import Figure

if TYPE_CHECKING:
    from lnherd.experiments.cliffs import Cliff, Line

COLOURS = ("#d55e00", "#3b7ea1", "#8a8a84")
LABEL_AT = ((0.1, "right"), (0.9, "left"))
"""How far along the first and the second line their names stand, and on which side of that point."""
ROOM_ABOVE = 0.3
"""Names stand below their line from here on."""
COLUMNS, GAP_X, GAP_Y = 2, 0.1, 0.11


def panels(cliffs: Sequence["Cliff"]) -> Figure:
    """All panels in one figure; dashed verticals are where arithmetic puts the cliffs."""
    n_rows = -(-len(cliffs) // COLUMNS)
    data: list[Figure] = []
    layout: Figure = {"height": 330 * n_rows, "showlegend": False, "annotations": [], "shapes": []}
    layout["margin"] = {"l": 50, "r": 20, "t": 34, "b": 48}
    for index, cliff in enumerate(cliffs):
        number = "" if index == 0 else str(index + 1)
        _place(layout, cliff, number, *_domain(index, n_rows))
        data += _curves(cliff, number)
    return {"data": data, "layout": layout}


def _domain(index: int, n_rows: int) -> tuple[list[float], list[float]]:
    row, column = divmod(index, COLUMNS)
    width, height = (1 - GAP_X * (COLUMNS - 1)) / COLUMNS, (1 - GAP_Y * (n_rows - 1)) / n_rows
    left, top = column * (width + GAP_X), 1 - row * (height + GAP_Y)
    return [left, left + width], [top - height, top]


def _place(layout: Figure, cliff: "Cliff", number: str, x: list[float], y: list[float]) -> None:
    layout[f"xaxis{number}"] = {
        "domain": x, "anchor": f"y{number}", "title": {"text": cliff.x_title}, "tickformat": "~g",
        "type": "log" if cliff.log_x else "linear", "dtick": 1 if cliff.log_x else None,
    }  # fmt: skip
    layout[f"yaxis{number}"] = {"domain": y, "anchor": f"x{number}", "range": [-0.04, 1.08], "tickformat": ".0%"}
    layout["annotations"].append(
        {"text": f"<b>{cliff.title}</b>", "x": x[0], "y": y[1], "xref": "paper", "yref": "paper", "xanchor": "left",
         "yanchor": "bottom", "showarrow": False, "font": {"size": 14}}
    )  # fmt: skip
    for edge in cliff.edges:
        layout["shapes"].append(
            {"type": "line", "x0": edge, "x1": edge, "y0": -0.04, "y1": 1.08, "xref": f"x{number}",
             "yref": f"y{number}", "line": {"color": "#8a8a84", "width": 1.5, "dash": "dash"}}
        )  # fmt: skip


def _curves(cliff: "Cliff", number: str) -> list[Figure]:
    measured = [line for line in cliff.lines if not line.theory]
    curves = [_curve(line, COLOURS[index], number, LABEL_AT[index]) for index, line in enumerate(measured)]
    curves += [_curve(line, COLOURS[2], number, None) for line in cliff.lines if line.theory]
    return curves


def _curve(line: "Line", colour: str, number: str, label_at: tuple[float, str] | None) -> Figure:
    """``label_at`` is where its name stands (LABEL_AT); a line of theory has none."""
    along, side = label_at or (1.0, "left")
    labelled = -1 if label_at is None else round(along * (len(line.x) - 1))
    return {
        "type": "scatter", "mode": "lines" if line.theory else "lines+markers+text", "x": list(line.x),
        "y": [round(value, 4) for value in line.y], "name": line.label,
        "text": [line.label if index == labelled else "" for index in range(len(line.x))],
        "textposition": f"{'bottom' if line.y[labelled] > ROOM_ABOVE else 'top'} {side}",
        "textfont": {"color": colour, "size": 12}, "cliponaxis": False, "xaxis": f"x{number}", "yaxis": f"y{number}",
        "line": {"color": colour, "width": 1.5 if line.theory else 2.5, "dash": "dot" if line.theory else "solid"},
        "marker": {"color": colour, "size": 6},
    }  # fmt: skip


def render(cliffs: Sequence["Cliff"], table_rows: Sequence[Sequence[str]], facts: Mapping[str, str]) -> str:
    """The whole page."""
    body = [
        '<p class="eyebrow">Machine economy</p>',
        "<h1>The cliffs of micro-payments</h1>",
        '<p class="lead">Where a small change of price, fee, load or time ends the trade. Dashed lines are where '
        "arithmetic puts the cliff, dots are what the simulation does, dotted lines are Erlang's loss formula.</p>",
        *figure("cliffs", "Six panels, one a cliff; the numbers are in cliffs.csv", "Share of calls served "
                      "unless the label says otherwise. Agents pay any price and try once."),
        "<h2>Where they are</h2>",
        *table(("panel", "line", "arithmetic says", "falls below half between"), table_rows),
    ]  # fmt: skip
    note = "Made by lnherd. Every point is in <code>cliffs.csv</code>."
    body += provenance(facts, note)
    return document("Cliffs of micro-payments", body, {"cliffs": panels(cliffs)})
