"""The sentences of a report: what the numbers say, and no more than that."""

from collections.abc import Sequence

from lnherd.experiments.results import BASELINE, PolicySummary
from lnherd.experiments.statistics import Estimate

MINUS = "\u2212"
NAMES = {BASELINE: "doing nothing"}


def sat(value: float) -> str:
    """An amount with thousands separators and a real minus sign."""
    digits = 0 if abs(value) >= 100 or value == 0 else 1 if abs(value) >= 1 else 2
    text = f"{abs(value):,.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and text.strip("0.,") else text


def signed(value: float) -> str:
    """:func:`sat` with a plus sign where it is positive."""
    text = sat(value)
    return f"+{text}" if value > 0 and text.strip("0.,") else text


def interval(estimate: Estimate) -> str:
    """Both ends."""
    return f"{sat(estimate.low)} to {sat(estimate.high)}"


def percent(value: float) -> str:
    """A share, in percent, never rounded up to all or down to nothing."""
    digits = 2 if 1e-6 < value < 0.0005 or 0.9995 < value < 1 - 1e-6 else 1
    return f"{100 * value:.{digits}f} %"


def headline(summaries: Sequence[PolicySummary]) -> tuple[str, str, str]:
    """The finding in three pieces: who, how much against doing nothing (to be set in bold), and the rest."""
    best = leading(summaries)
    who = best.name[:1].upper() + best.name[1:]
    low, high = best.advantage.low, best.advantage.high
    if low > 0:
        return f"{who} earns ", f"{sat(best.advantage.value)} sat a day more", " than doing nothing."
    if high < 0:
        return f"{who} earns ", f"{sat(-best.advantage.value)} sat a day less", " than doing nothing."
    return f"{who} ", "cannot be told apart", " from doing nothing on this evidence."


def leading(summaries: Sequence[PolicySummary]) -> PolicySummary:
    """The policy a report is about: the best learner, or without learners the best rule."""
    learners = [summary for summary in summaries if summary.trainings]
    rules = [summary for summary in summaries if not summary.trainings and summary.name != BASELINE]
    return max(learners or rules or list(summaries), key=lambda summary: summary.reward.value)


def best_rule(summaries: Sequence[PolicySummary]) -> PolicySummary | None:
    """The best rule besides the baseline, chosen in hindsight."""
    rules = [summary for summary in summaries if not summary.trainings and summary.name != BASELINE]
    return max(rules, key=lambda summary: summary.reward.value) if rules else None


def against_best_rule(learner: PolicySummary, rule: PolicySummary, difference: Estimate) -> str:
    """How the learner compares with the best rule, which was chosen after the fact."""
    about = f"{rule.name}, the best of the rules here"
    if difference.low > 0:
        verdict = f"is {sat(difference.value)} sat a day ahead of {about}"
    elif difference.high < 0:
        verdict = f"is {sat(-difference.value)} sat a day behind {about}"
    else:
        verdict = f"cannot be told apart from {about}: the difference is {signed(difference.value)} sat a day"
    return f"It {verdict} (95 % interval {interval(difference)})."


def reasons(summaries: Sequence[PolicySummary]) -> str:
    """Where the leading policy's advantage comes from, term by term."""
    best = leading(summaries)
    nothing = next(summary for summary in summaries if summary.name == BASELINE)
    if best is nothing:
        return "Only doing nothing was run."
    value, fees, costs = (best.terms[term] - nothing.terms[term] for term in ("S", "F", "C"))
    gained = f"{sat(abs(value))} sat a day {'more' if value >= 0 else 'less'} in payments that succeed"
    spent = f"{_more(fees)} in routing fees and {_more(costs)} for managing channels"
    return f"Against doing nothing, {best.name} gets {gained}, and pays {spent} (means)."


def _more(value: float) -> str:
    return f"{sat(abs(value))} sat {'more' if value >= 0 else 'less'}"


def acts(summary: PolicySummary) -> str:
    """What a policy does in a day, most frequent first."""
    kinds = sorted(summary.actions.items(), key=lambda item: -item[1])
    if not kinds:
        return f"{summary.name[:1].upper() + summary.name[1:]} only waits."
    listed = ", ".join(f"{kind.replace('_', ' ')} {count:,.1f}" for kind, count in kinds)
    refused = f"; {summary.refused:,.1f} of them could not be carried out" if summary.refused >= 0.05 else ""
    return f"{summary.name[:1].upper() + summary.name[1:]} a day: {listed}{refused}."
