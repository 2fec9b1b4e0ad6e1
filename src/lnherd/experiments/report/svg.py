"""Figures for pages in the documentation: small SVG files, written by hand so that they need nothing to be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil

import numpy as np

from lnherd.experiments.statistics import Band
from lnherd.network.records import Floats

FONT = 'font-family="system-ui, sans-serif" font-size="13"'
COLOURS = ("#c2410c", "#3b7ea1", "#4c8c4a", "#7a6fb0", "#9a5f86", "#6b7f2a", "#00868b", "#555555")


@dataclass(frozen=True)
class Bar:
    """A value with an interval."""

    label: str
    value: float
    low: float
    high: float
    strong: bool = False
    """Drawn in the accent colour."""


def intervals(title: str, bars: Sequence[Bar], marks: Sequence[tuple[float, str]] = ()) -> str:
    """Values with their intervals, one a line; ``marks`` are vertical lines with a label."""
    points = [x for bar in bars for x in (bar.low, bar.high)] + [x for x, _ in marks]
    low, high = min(points), max(points)
    margin = 0.04 * (high - low or 1.0)
    low, high = low - margin, high + margin
    left, width, line = 190, 560, 24
    height = 60 + line * len(bars)

    def x(value: float) -> float:
        return left + width * (value - low) / (high - low)

    parts = [f'<text x="12" y="20" {FONT} font-weight="600">{escape(title)}</text>']
    for value, label in marks:
        parts.append(f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="44" y2="{height - 8}" stroke="#999"/>')
        parts.append(f'<text x="{x(value):.1f}" y="40" {FONT} fill="#666" text-anchor="middle">{escape(label)}</text>')
    for row, bar in enumerate(bars):
        y = 60 + line * row
        colour = COLOURS[0] if bar.strong else COLOURS[1]
        parts.append(f'<text x="{left - 10}" y="{y + 4}" {FONT} text-anchor="end">{escape(bar.label)}</text>')
        parts.append(
            f'<line x1="{x(bar.low):.1f}" x2="{x(bar.high):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3"/>'
        )
        parts.append(
            f'<circle cx="{x(bar.value):.1f}" cy="{y}" r="5" fill="{colour}"><title>{bar.value:,.2f}</title></circle>'
        )
    return _page(left + width + 100, height, parts)


def curves(title: str, across: Floats, lines: Sequence[tuple[str, Floats]], labels: tuple[str, str]) -> str:
    """Curves over a common axis, values between 0 and 1; ``labels`` name the two axes."""
    left, top, width, height = 60, 40, 460, 280
    span = float(across[-1] - across[0]) or 1.0

    def place(x: float, y: float) -> str:
        return f"{left + width * (x - float(across[0])) / span:.1f},{top + height * (1 - y):.1f}"

    parts = [f'<text x="12" y="20" {FONT} font-weight="600">{escape(title)}</text>']
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = top + height * (1 - tick)
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" {FONT} text-anchor="end">{tick:g}</text>')
    step = max(1, round(span / 10))
    for tick in range(ceil(across[0]), int(across[-1]) + 1, step):
        x = left + width * (tick - float(across[0])) / span
        parts.append(f'<text x="{x:.1f}" y="{top + height + 18}" {FONT} text-anchor="middle">{tick}</text>')
    for number, (label, values) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(place(float(x), float(y)) for x, y in zip(across, values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{left + width + 12}" y="{top + 14 + 20 * number}" {FONT} fill="{colour}">{escape(label)}</text>'
        )
    parts.append(
        f'<text x="{left + width / 2}" y="{top + height + 38}" {FONT} text-anchor="middle">{escape(labels[0])}</text>'
    )
    parts.append(f'<text x="{left - 44}" y="{top - 8}" {FONT}>{escape(labels[1])}</text>')
    return _page(left + width + 190, top + height + 50, parts)


def round_ticks(low: float, high: float) -> Floats:
    """Three to seven multiples of 1, 2 or 5 times a power of ten that enclose ``low`` and ``high``."""
    span = (high - low) or 1.0
    power = 10.0 ** np.floor(np.log10(span / 4.0))
    step = next(power * factor for factor in (1, 2, 5, 10) if span <= 5.0 * power * factor)
    ticks: Floats = step * np.arange(np.floor(low / step), np.ceil(high / step) + 1)
    return ticks


def bands(title: str, across: Floats, lines: Sequence[tuple[str, Band]], labels: tuple[str, str]) -> str:
    """Curves with their intervals in units of their own, over a common axis; ``labels`` name the two axes."""
    left, top, width, height = 80, 56, 460, 280
    ticks = round_ticks(
        min(float(band.low.min()) for _, band in lines), max(float(band.high.max()) for _, band in lines)
    )
    low, rise = float(ticks[0]), float(ticks[-1] - ticks[0])
    span = float(across[-1] - across[0]) or 1.0

    def place(x: float, y: float) -> str:
        return f"{left + width * (x - float(across[0])) / span:.1f},{top + height * (1 - (y - low) / rise):.1f}"

    parts = [f'<text x="12" y="20" {FONT} font-weight="600">{escape(title)}</text>']
    for tick in ticks:
        x, y = place(float(across[0]), float(tick)).split(",")
        parts.append(f'<line x1="{x}" x2="{left + width}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{float(y) + 4:.1f}" {FONT} text-anchor="end">{tick:,.0f}</text>')
    for tick in across:
        x, _ = place(float(tick), low).split(",")
        parts.append(f'<text x="{x}" y="{top + height + 18}" {FONT} text-anchor="middle">{tick:,.0f}</text>')
    for number, (label, band) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        there = [place(float(x), float(y)) for x, y in zip(across, band.high, strict=True)]
        back = [place(float(x), float(y)) for x, y in zip(across, band.low, strict=True)]
        middle = [place(float(x), float(y)) for x, y in zip(across, band.value, strict=True)]
        parts.append(f'<polygon points="{" ".join([*there, *back[::-1]])}" fill="{colour}" fill-opacity="0.15"/>')
        parts.append(f'<polyline points="{" ".join(middle)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        row = top + 14 + 20 * number
        parts.append(f'<text x="{left + width + 12}" y="{row}" {FONT} fill="{colour}">{escape(label)}</text>')
    centre = left + width / 2
    parts.append(f'<text x="{centre}" y="{top + height + 40}" {FONT} text-anchor="middle">{escape(labels[0])}</text>')
    parts.append(f'<text x="12" y="44" {FONT}>{escape(labels[1])}</text>')
    return _page(left + width + 190, top + height + 52, parts)


def _page(width: float, height: float, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    box = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    paper = '<rect width="100%" height="100%" fill="white"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>\n{paper}\n{body}\n</svg>\n'
