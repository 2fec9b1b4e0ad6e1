import made_up_results as made
import pytest

from lnherd.experiments.report import words
from lnherd.experiments.results import summarise
from lnherd.experiments.statistics import Estimate


def summaries(gain, learned=("q-learning",)):
    return summarise(made.results(gain=gain), learned, seed=0)


@pytest.mark.parametrize(
    ("gain", "text"),
    [
        (500.0, "Q-learning earns 501 sat a day more than doing nothing."),
        (-1_300.0, "Q-learning earns 1,299 sat a day less than doing nothing."),
        (-1.0, "Q-learning cannot be told apart from doing nothing on this evidence."),
    ],
)
def test_headline_says_what_the_interval_says(gain, text):
    assert "".join(words.headline(summaries(gain))) == text


def test_headline_is_about_the_learner_even_when_a_rule_is_better():
    assert words.leading(summaries(100.0)).name == "q-learning"
    assert words.best_rule(summaries(100.0)).name == "threshold-swap"
    assert words.leading(summaries(0.0, learned=())).name == "threshold-swap"


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (Estimate(300.0, 200.0, 400.0), "It is 300 sat a day ahead of threshold-swap"),
        (Estimate(-300.0, -400.0, -200.0), "It is 300 sat a day behind threshold-swap"),
        (Estimate(30.0, -20.0, 40.0), "It cannot be told apart from threshold-swap"),
    ],
)
def test_against_the_best_rule(difference, text):
    _, rule, learner = summaries(500.0)
    sentence = words.against_best_rule(learner, rule, difference)
    assert sentence.startswith(text) and "chosen" not in sentence


def test_reasons_add_up():
    text = words.reasons(summaries(500.0))
    assert "gets 521 sat a day more in payments that succeed" in text
    assert "0 sat more in routing fees and 20.0 sat more for managing channels" in text


def test_acts():
    nothing, _, learner = summaries(500.0)
    assert words.acts(learner) == "Q-learning a day: open 2.0."
    assert words.acts(nothing) == "Do-nothing only waits."


@pytest.mark.parametrize(
    ("value", "plain", "signed"),
    [
        (0.0, "0", "0"),
        (1234.4, "1,234", "+1,234"),
        (-1234.6, "−1,235", "−1,235"),
        (12.34, "12.3", "+12.3"),
        (-0.004, "0.00", "0.00"),
        (0.25, "0.25", "+0.25"),
    ],
)
def test_amounts(value, plain, signed):
    assert (words.sat(value), words.signed(value)) == (plain, signed)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100.0 %"),
        (0.9999, "99.99 %"),
        (0.5, "50.0 %"),
        (0.0, "0.0 %"),
        (0.0002, "0.02 %"),
        (1 - 1e-12, "100.0 %"),
    ],
)
def test_shares_are_not_rounded_to_certainty(share, text):
    assert words.percent(share) == text
