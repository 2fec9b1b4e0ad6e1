"""The report of an economy: who was served at what cost, and what it did to the channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from lnherd.economy.outcomes import INTERVAL_COLUMNS, SERVICE_COLUMNS
from lnherd.economy.state import OUTCOMES
from lnherd.experiments.report import words
from lnherd.experiments.report.document import card, document, figure, provenance, table
from lnherd.experiments.report.figures import Figure

Row = tuple[Any, ...]
COLOURS = {
    "served": "#2a9d76",
    "too_dear": "#a39a4d",
    "over_budget": "#b5739d",
    "unpaid": "#d55e00",
    "refused": "#7a6fb0",
    "late": "#8a8a84",
}
"""Of OUTCOMES, distinguishable without colour vision."""
KIND_COLOURS = {"inference": "#d55e00", "search": "#56a5d8", "data": "#2a9d76", "tool": "#7a6fb0"}
ZOOMED = {"title": {"text": "share"}, "tickformat": ".1%", "rangemode": "normal"}
"""An axis for shares close to one."""
BLUE, ORANGE = "#3b7ea1", "#d55e00"


@dataclass(frozen=True, eq=False)
class EconomyReport:
    """Everything the page tells."""

    preset: str
    """Name of the economy."""
    summary: Mapping[str, Any]
    """``outcomes.summarise`` and the CPU time."""
    intervals: Sequence[Row]
    """Rows of INTERVAL_COLUMNS."""
    services: Sequence[Row]
    """Rows of SERVICE_COLUMNS."""
    facts: Mapping[str, str]
    """Configuration and provenance."""


def render(report: EconomyReport) -> str:
    """The whole page."""
    body = [*_opening(report), *_time_section(), *_money_section(report), *_channel_section(report), *_closing(report)]
    return document(f"Economy {report.preset}", body, _figures(report))


def _column(rows: Sequence[Row], columns: Sequence[str], name: str) -> list[Any]:
    index = columns.index(name)
    return [row[index] for row in rows]


def _opening(report: EconomyReport) -> list[str]:
    figures = report.summary
    lead = (
        f"{figures['agents']:,} agents and {figures['services']} services on {figures['nodes']:,} nodes traded for "
        f"{figures['simulated_h']:g} simulated hours: {figures['payments']:,} payments, of which "
        f"{words.percent(figures['payment_success'])} succeeded. {figures['tasks_done']:,} of {figures['tasks']:,} "
        f"tasks were done, {figures['tasks_lost']:,} lost."
    )
    return [
        f'<p class="eyebrow">Machine economy · {escape(report.preset)}</p>',
        f"<h1><strong>{figures['calls']:,}</strong> API calls, "
        f"<strong>{words.percent(figures['served_share'])}</strong> served</h1>",
        f'<p class="lead">{escape(lead)}</p>',
        '<div class="cards">',
        card(words.sat(figures["welfare_sat"]), "sat", "welfare: worth of answers less their cost"),
        card(words.sat(figures["cost_per_call_sat"]), "sat", "a served call cost its agent, fees included"),
        card(words.percent(figures["fee_share_of_price"]), "", "routing fees, share of the price"),
        card(f"{figures['latency_p50_s'] or 0:.1f}", "s", "median time from decision to answer"),
        "</div>",
    ]


def _time_section() -> list[str]:
    return [
        "<h2>Over the day</h2>",
        *figure("calls", "Calls by outcome over time", "Calls that ended in each interval, by outcome."),
        *figure(
            "success",
            "Success over time",
            "Share of the calls that were served and of the payments that succeeded, by the time they ended.",
        ),
        *figure("latency", "Latency over time", "Time from the decision to call to the answer, served calls."),
        *figure(
            "price", "Cost of a call over time", "What a served call cost its agent, price and fees, per interval."
        ),
        *figure(
            "cost", "Routing fees over time", "What routing adds to prices: fees paid over prices paid, per interval."
        ),
    ]


def _money_section(report: EconomyReport) -> list[str]:
    figures = report.summary
    rows = [
        ("worth of answers", words.sat(figures["value_sat"])),
        ("agents' surplus", words.sat(figures["agents_surplus_sat"])),
        ("services' profit", words.sat(figures["services_profit_sat"])),
        ("routing fees", words.sat(figures["routing_fees_sat"])),
        ("Gini of services' revenue", f"{figures['gini_service_revenue']:.3f}"),
        ("Gini of agents' worth", f"{figures['gini_agent_value']:.3f}"),
    ]
    return [
        "<h2>Who gets what</h2>",
        *table(("", "sat"), rows),
        *figure("welfare", "Who gets what", "The worth of all answers, shared out: what services' calls cost to serve, "
                      "what services, forwarders and agents keep."),
        *figure("services", "Services by price and calls", "Each service: its price per call at the end and the "
                      "calls it served. Popular and cheap ones share the market."),
        *figure("lorenz", "Lorenz curve of revenue", "Share of all revenue that the poorest services get."),
    ]  # fmt: skip


def _channel_section(report: EconomyReport) -> list[str]:
    figures = report.summary
    failures = ", ".join(f"{name} {count:,}" for name, count in figures["payment_failures"].items()) or "none"
    text = (
        f"{figures['channels_used']:,} of {figures['channels']:,} channels carried something. Of these "
        f"{words.percent(figures['drained_share_at_first'])} were drained at first (one side below 10 %), "
        f"{words.percent(figures['drained_share'])} at the end. Payments that failed: {failures}."
    )
    return [
        "<h2>What it does to channels</h2>",
        f"<p>{escape(text)}</p>",
        *figure("drained", "Share of drained channels over time", "Channels in use so far with one side below "
                      "10 % of what both sides have."),
    ]  # fmt: skip


def _closing(report: EconomyReport) -> list[str]:
    note = (
        "Made by lnherd. Tables: <code>intervals.csv</code>, <code>services.csv</code>, <code>agents.csv</code>; "
        "figures: <code>summary.json</code>. Prices, worths and arrival rates are assumptions: no L402 payment trace "
        "is public."
    )
    return provenance(report.facts, note)


def _figures(report: EconomyReport) -> dict[str, Figure]:
    def column(name: str) -> list[Any]:
        return _column(report.intervals, INTERVAL_COLUMNS, name)

    hours = column("start_h")
    calls = [_bars(hours, column(name), name) for name in OUTCOMES if any(column(name))]
    lines = [
        _line(hours, column("latency_p50_s"), "median", BLUE),
        _line(hours, column("latency_p95_s"), "95 %", ORANGE),
    ]
    return {
        "calls": {"data": calls, "layout": _layout("calls", hours="hour") | {"barmode": "stack", "bargap": 0.08}},
        "success": {"data": _success(report.intervals, hours),
                    "layout": _layout("share", hours="hour", tickformat=".1%") | {"yaxis": ZOOMED}},
        "price": {"data": [_line(hours, column("cost_per_call_sat"), "a served call", BLUE)],
                  "layout": _layout("sat", hours="hour")},
        "welfare": _welfare(report.summary),
        "latency": {"data": lines, "layout": _layout("seconds", hours="hour")},
        "cost": {"data": [_line(hours, column("fee_share"), "fees over prices", BLUE)],
                 "layout": _layout("share", hours="hour", tickformat=".0%")},
        "drained": {"data": [_line(hours, column("drained_share"), "drained", ORANGE)],
                    "layout": _layout("share of channels in use", hours="hour", tickformat=".0%")},
        "services": _market(report.services),
        "lorenz": _lorenz(_column(report.services, SERVICE_COLUMNS, "revenue_sat")),
    }  # fmt: skip


def _success(intervals: Sequence[Row], hours: Sequence[float]) -> list[Figure]:
    pairs = (
        ("served", "calls", "calls served", BLUE),
        ("payments_succeeded", "payments", "payments succeeded", ORANGE),
    )
    lines = []
    for part, whole, name, colour in pairs:
        counts = zip(*(_column(intervals, INTERVAL_COLUMNS, each) for each in (part, whole)), strict=True)
        lines.append(_line(hours, [good / of if of else None for good, of in counts], name, colour))
    return lines


def _welfare(summary: Mapping[str, Any]) -> Figure:
    """One bar of the worth of all answers; agents' surplus may be negative."""
    kept = {
        "cost of serving": summary["value_sat"] - summary["welfare_sat"],
        "services": summary["services_profit_sat"],
        "forwarders": summary["routing_fees_sat"],
        "agents": summary["agents_surplus_sat"],
    }
    data = {"type": "bar", "x": list(kept), "y": list(kept.values()), "marker": {"color": BLUE}, "name": "sat"}
    return {"data": [data], "layout": _layout("sat", hours="")}


def _layout(title: str, *, hours: str, tickformat: str = "~s") -> Figure:
    return {
        "height": 320,
        "xaxis": {"title": {"text": hours}},
        "yaxis": {"title": {"text": title}, "rangemode": "tozero", "tickformat": tickformat},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    }


def _bars(x: Sequence[float], y: Sequence[int], name: str) -> Figure:
    return {"type": "bar", "x": list(x), "y": list(y), "name": name.replace("_", " "),
            "marker": {"color": COLOURS[name]}}  # fmt: skip


def _line(x: Sequence[float], y: Sequence[Any], name: str, colour: str) -> Figure:
    return {"type": "scatter", "mode": "lines", "x": list(x), "y": list(y), "name": name,
            "line": {"color": colour, "width": 2.5}}  # fmt: skip


def _market(services: Sequence[Row]) -> Figure:
    kinds = _column(services, SERVICE_COLUMNS, "kind")
    price = _column(services, SERVICE_COLUMNS, "price_sat")
    served = _column(services, SERVICE_COLUMNS, "served")
    data = []
    for kind, colour in KIND_COLOURS.items():
        chosen = [index for index, each in enumerate(kinds) if each == kind]
        if chosen:
            data.append({"type": "scatter", "mode": "markers", "name": kind, "x": [price[i] for i in chosen],
                         "y": [served[i] for i in chosen], "marker": {"size": 9, "color": colour}})  # fmt: skip
    layout = _layout("calls served", hours="price of a payment, sat")
    layout["xaxis"] |= {"type": "log"}
    return {"data": data, "layout": layout}


def _lorenz(revenue: Sequence[float]) -> Figure:
    ordered = np.sort(np.array(revenue, dtype=np.float64))
    share = np.concatenate([[0.0], np.cumsum(ordered) / max(ordered.sum(), 1e-9)])
    x = np.linspace(0, 1, len(share))
    equal = {"type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "name": "equal shares",
             "line": {"color": "#8a8a84", "dash": "dot"}}  # fmt: skip
    layout = _layout("share of revenue", hours="share of services", tickformat=".0%")
    layout["xaxis"] |= {"tickformat": ".0%"}
    curve = _line(np.round(x, 4).tolist(), np.round(share, 4).tolist(), "services", BLUE)
    return {"data": [curve, equal], "layout": layout}
