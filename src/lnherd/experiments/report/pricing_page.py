"""The figure of learned and fixed prices, and the page around it."""

from collections.abc import Mapping, Sequence

from lnherd.experiments.pricing import ALWAYS, PricingResult
from lnherd.experiments.report.document import document, figure, provenance, table
from lnherd.experiments.report.figures import DASHES, LEARNERS, NOTHING, RULES, Figure
from lnherd.experiments.statistics import Estimate

COLUMNS = ("policy", "profit", "less the fixed price's", "less the best constant price's")
"""Head of :func:`table_rows`."""


def profits(results: Sequence[PricingResult]) -> Figure:
    """Profit of every constant price as a curve, of policies as levels across it."""
    constants = {float(each.policy.removeprefix(ALWAYS)): each.mean for each in _constants(results)}
    means = list(constants.values())
    curve = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "one price for ever",
        "x": list(constants),
        "y": [each.value for each in means],
        "error_y": {
            "array": [each.high - each.value for each in means],
            "arrayminus": [each.value - each.low for each in means],
        },
        "line": {"color": NOTHING},
    }
    others = [each for each in results if each not in _constants(results)]
    ends = [min(constants), max(constants)]
    levels = [_level(each, ends, index) for index, each in enumerate(others)]
    layout = {
        "height": 420,
        "xaxis": {
            "type": "log",
            "title": {"text": "constant price, multiple of the first"},
            "tickvals": [ends[0], 1, ends[1]],
        },
        "yaxis": {"title": {"text": "profit of half a day, sat"}, "rangemode": "tozero"},
    }
    return {"data": [curve, *levels], "layout": layout}


def _constants(results: Sequence[PricingResult]) -> list[PricingResult]:
    return [each for each in results if each.policy.startswith(ALWAYS)]


def _level(each: PricingResult, ends: list[float], index: int) -> Figure:
    is_learner = len(each.profit_sat) > 1
    colour = LEARNERS[index % len(LEARNERS)] if is_learner else RULES[index % len(RULES)]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": each.policy,
        "x": ends,
        "y": [each.mean.value] * 2,
        "line": {"color": colour, "width": 3 if is_learner else 2, "dash": "solid" if is_learner else DASHES[index]},
    }


def table_rows(results: Sequence[PricingResult]) -> list[tuple[str, ...]]:
    """One row a policy, the most profitable first."""
    ordered = sorted(results, key=lambda each: -each.mean.value)
    return [(each.policy, *map(_interval, (each.mean, each.against_fixed, each.against_best))) for each in ordered]


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:,.0f} ({estimate.low:,.0f} to {estimate.high:,.0f})"


def render(results: Sequence[PricingResult], facts: Mapping[str, str]) -> str:
    """The whole page."""
    n_seeds = len(results[0].profit_sat[0])
    body = [
        '<p class="eyebrow">Machine economy</p>',
        "<h1>What should a service charge?</h1>",
        '<p class="lead">One of several like services sets its price every half hour. Profit of half a day on '
        f"{n_seeds} held-out seeds, the same for all: whoever buys, when, and from where.</p>",
        *figure("profits", "Profit by price; the numbers are in the table", "The curve is the profit of one price for "
                "ever, 95 % intervals over seeds; levels are policies that may change theirs, solid ones have learned "
                "on other seeds."),
        *table(COLUMNS, table_rows(results)),
        "<p>Means with 95 % bootstrap intervals over trainings and seeds; differences are interquartile means of "
        "pairs. The best constant price is chosen on these very seeds, which nobody can.</p>",
    ]  # fmt: skip
    body += provenance(facts, "Made by lnherd. Every episode is in <code>pricing.csv</code>.")
    return document("Pricing", body, {"profits": profits(results)})
