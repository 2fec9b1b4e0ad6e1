"""The report of a comparison: finding, table, learning, reasons, setting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from lnherd.experiments.curves import Curve
from lnherd.experiments.report import figures, words
from lnherd.experiments.report.document import card, document, figure, provenance_section
from lnherd.experiments.report.figures import Figure, Style, styles
from lnherd.experiments.report.network_map import network_map
from lnherd.experiments.results import BASELINE, PolicySummary, Results
from lnherd.experiments.statistics import Estimate
from lnherd.network.graph import Network

NO_BREAK = "\u00a0"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything a report tells."""

    title: str
    """What was compared, a few words."""
    setting: str
    """The task in one or two sentences: node, role, network, traffic."""
    results: Results
    """All episodes."""
    summaries: tuple[PolicySummary, ...]
    """One a policy, in the order of the table."""
    curves: tuple[Curve, ...]
    """One a learner; none when nothing was trained."""
    against_rule: Estimate | None
    """The leading learner's R minus the best rule's, paired."""
    network: Network
    """Where it happened."""
    node: int
    """The herder's index in it."""
    facts: Mapping[str, str]
    """Configuration and provenance, as name and value."""


def render(comparison: Comparison) -> str:
    """The whole page."""
    sections = [
        *_opening(comparison),
        *_table_section(comparison),
        *_learning_section(comparison),
        *_why_section(comparison),
        *_setting_section(comparison),
        *_reading_section(comparison),
        *provenance_section(comparison.facts, "episodes"),
    ]
    return document(comparison.title, sections, _figures(comparison))


def _figures(comparison: Comparison) -> dict[str, Figure]:
    results, summaries = comparison.results, comparison.summaries
    others = [summary for summary in summaries if summary.name != BASELINE]
    base, style = results.per_day(BASELINE), styles(summaries)
    apart = [results.per_day(summary.name) - base for summary in others]
    drawn = {
        "advantage": figures.forest(others, [summary.advantage for summary in others], apart, style),
        "profiles": figures.profiles(results, summaries, style),
        "terms": figures.term_bars(summaries),
        "actions": figures.action_bars(others),
        "map": network_map(comparison.network, comparison.node),
    }
    if comparison.curves:
        drawn["learning"] = figures.learning_curves(comparison.curves, summaries, style)
    return drawn


def _opening(comparison: Comparison) -> list[str]:
    summaries, results = comparison.summaries, comparison.results
    best, rule = words.leading(summaries), words.best_rule(summaries)
    who, amount, rest = words.headline(summaries)
    lead = f"The 95 % interval of the difference is {words.interval(best.advantage)} sat a day, "
    lead += f"over {len(results.seeds)} held-out days of traffic that every policy met alike. "
    if rule is not None and comparison.against_rule is not None:
        lead += words.against_best_rule(best, rule, comparison.against_rule)
    return [
        f'<p class="eyebrow">{escape(comparison.title)}</p>',
        f"<h1>{escape(who)}<strong>{escape(amount.replace(' ', NO_BREAK))}</strong>{escape(rest)}</h1>",
        f'<p class="lead">{escape(lead)}</p>',
        '<div class="cards">',
        *_cards(summaries, best, rule),
        "</div>",
    ]


def _cards(summaries: Sequence[PolicySummary], best: PolicySummary, rule: PolicySummary | None) -> list[str]:
    nothing = next(summary for summary in summaries if summary.name == BASELINE)
    shown = [best, nothing] if rule is None or rule is best else [best, rule, nothing]
    cards = [card(words.sat(each.reward.value), "sat a day", f"R of {each.name}") for each in shown]
    success = f"{words.percent(best.success_rate.value)}"
    about = f"of payments succeed with {best.name}; {words.percent(nothing.success_rate.value)} when nothing is done"
    return [*cards, card(success, "", about)]


def _table_section(comparison: Comparison) -> list[str]:
    head = (
        "policy",
        "R<br>sat a day",
        "gain over<br>doing nothing",
        "chance to beat<br>doing nothing",
        "payments<br>that succeed",
        "net sats<br>a day",
        "wall time<br>per tick",
    )
    style = styles(comparison.summaries)
    rows = [_row(summary, style[summary.name]) for summary in comparison.summaries]
    return [
        "<h2>The comparison</h2>",
        '<div class="scroll"><table>',
        "<thead><tr>" + "".join(f'<th scope="col">{cell}</th>' for cell in head) + "</tr></thead>",
        f"<tbody>{''.join(rows)}</tbody></table></div>",
        *figure(
            "advantage",
            "Difference to doing nothing for each policy, with intervals; the numbers are in the table above",
            "Difference to doing nothing on the same traffic. Faint dots are single runs, the large mark is their "
            "interquartile mean, the bar its 95 % interval: clear of zero means better, or worse, than doing nothing.",
        ),
        *figure(
            "profiles",
            "Share of runs above each level of R, one line a policy",
            "Performance profile: how many of a policy's runs earn more than a given R. A line above another "
            "everywhere means a better policy whichever average one prefers.",
        ),
    ]


def _row(summary: PolicySummary, style: Style) -> str:
    base = summary.name == BASELINE
    name = f'<span class="dot" style="background:{style.colour}"></span>{escape(summary.name)}'
    if summary.trainings:
        name += f"<small>{summary.trainings} training{'s' if summary.trainings > 1 else ''}</small>"
    advantage = "reference" if base else words.signed(summary.advantage.value) + _small(summary.advantage)
    improvement = "reference" if base else _percents(summary.improvement)
    cells = (
        words.sat(summary.reward.value) + _small(summary.reward),
        advantage,
        improvement,
        _percents(summary.success_rate),
        words.sat(summary.net_sat.value) + _small(summary.net_sat),
        f"{summary.decision_ms:,.1f} ms",
    )
    kind = ' class="learned"' if summary.trainings else ""
    return f'<tr{kind}><th scope="row">{name}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _small(estimate: Estimate) -> str:
    return f"<small>{words.interval(estimate)}</small>"


def _percents(estimate: Estimate) -> str:
    low, high = words.percent(estimate.low), words.percent(estimate.high)
    return f"{words.percent(estimate.value)}<small>{low} to {high}</small>"


def _learning_section(comparison: Comparison) -> list[str]:
    if not comparison.curves:
        return []
    return [
        "<h2>How it learned</h2>",
        "<p>After every stretch of training the policy so far was run, without exploration, on the held-out seeds. "
        "It never trains on them and nothing is chosen by them.</p>",
        *figure(
            "learning",
            "Held-out R against training, with band; rules as horizontal lines",
            "Interquartile mean over trainings and held-out seeds; the band is its pointwise 95 % interval. "
            "Horizontal lines are the rules. The buttons change what the axis counts.",
        ),
    ]


def _why_section(comparison: Comparison) -> list[str]:
    best = words.leading(comparison.summaries)
    return [
        "<h2>Where the difference comes from</h2>",
        f"<p>{escape(words.reasons(comparison.summaries))}</p>",
        *figure(
            "terms",
            "S, F and C of each policy as bars, R as a mark",
            "R taken apart, mean per day: value of successes to the right, routing fees and channel costs to the "
            "left, their sum R as an upright mark.",
        ),
        *figure(
            "actions",
            "Acts per day of each policy by kind",
            f"What the policies do: acts per day, waiting left out. {escape(words.acts(best))}",
        ),
    ]


def _setting_section(comparison: Comparison) -> list[str]:
    return [
        "<h2>The node and its network</h2>",
        f"<p>{escape(comparison.setting)}</p>",
        *figure(
            "map",
            "Map of the network around the herder",
            "The herder is in the middle, its own channels are orange; the farther out, the more hops. Nodes are as "
            "large as the capacity of their channels. Hover for names.",
        ),
    ]


def _reading_section(comparison: Comparison) -> list[str]:
    n_seeds = len(comparison.results.seeds)
    return [
        "<h2>How to read this</h2>",
        "<ul>",
        "<li><b>R = S − F − C</b>, in sat: the value of payments that succeeded, less the routing fees the node "
        "paid for them, less what managing channels cost (swaps, rebalances, on-chain transactions). Every cost is "
        "paid inside the simulation. <b>Net sats</b> leave the value of successes out: fees earned less what was "
        "paid.</li>",
        f"<li><b>Same traffic for all.</b> A seed fixes payments, balances, fee rates and delays. All policies met the "
        f"same {n_seeds} seeds, none of them seen in training, so differences are taken seed by seed.</li>",
        "<li><b>Interquartile mean</b>: the mean of the middle half of the runs; a lucky or unlucky run does not move "
        "it. <b>95 % intervals</b> come from a bootstrap over seeds and, for learners, over trainings "
        "(Agarwal et al., NeurIPS 2021). With a single training they say nothing about the luck of training.</li>",
        "<li><b>The best rule is chosen after the fact</b>, on the very seeds it is quoted on, which flatters it.</li>",
        "<li>This is a simulation. It says what would happen on this network under this traffic, not what will "
        "happen on yours.</li>",
        "</ul>",
    ]
