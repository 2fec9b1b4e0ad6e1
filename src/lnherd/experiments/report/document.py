"""A report as one HTML file: text, tables, figures, Plotly itself; it loads nothing from anywhere."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files

from lnherd.experiments.report.figures import Figure


def document(title: str, sections: Sequence[str], figures: Mapping[str, Figure]) -> str:
    """The page: ``sections`` are HTML, ``figures`` are drawn into the places that :func:`figure` made."""
    blob = json.dumps(figures, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    plotly = files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)} · lnherd</title>",
            f"<style>{_asset('report.css')}</style></head><body><main>",
            *sections,
            "</main>",
            f'<script type="application/json" id="figures">{blob}</script>',
            f"<script>{plotly}</script>",
            f"<script>{_asset('report.js')}</script>",
            "</body></html>\n",
        ]
    )


def figure(name: str, label: str, caption: str) -> list[str]:
    """A place for a figure; ``caption`` is HTML."""
    return [
        f'<figure><div class="figure" id="{name}" role="img" aria-label="{escape(label)}"></div>',
        f"<figcaption>{caption}</figcaption></figure>",
    ]


def card(value: str, unit: str, label: str) -> str:
    """One number that matters."""
    return (
        f'<div class="card"><div class="value">{escape(value)} <span class="unit">{escape(unit)}</span></div>'
        f'<div class="label">{escape(label)}</div></div>'
    )


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table of text; the first column heads its row."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in columns)
    lines = []
    for first, *rest in rows:
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    return [f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>', *lines, "</tbody></table></div>"]


def provenance_section(facts: Mapping[str, str], rows: str) -> list[str]:
    """Where the page comes from, and where its numbers are; ``rows`` says what a row of the table is, in the plural."""
    note = f"Made by lnherd. All {rows} are in <code>results.csv</code>, all figures of this page in "
    return provenance(facts, note + "<code>results.json</code> beside it.")


def provenance(facts: Mapping[str, str], note: str) -> list[str]:
    """Where the page comes from; ``note`` (HTML) says where its numbers are."""
    pairs = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return ["<h2>Provenance</h2>", f"<dl class='sans'>{pairs}</dl>", f"<footer>{note}</footer>"]


def _asset(name: str) -> str:
    return files("lnherd.experiments.report").joinpath(name).read_text(encoding="utf-8")
