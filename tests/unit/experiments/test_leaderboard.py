"""The leaderboard, on made-up episodes whose scores are known."""

import numpy as np
import pytest

from lnherd.experiments.episodes import Episode
from lnherd.experiments.leaderboard import THRESHOLDS, Runs, leaderboard
from lnherd.experiments.standard import Played
from lnherd.experiments.standard_report import cell_table, figures, losses, page
from lnherd.experiments.suites import SuiteConfig

TOTALS = dict.fromkeys(("S", "F", "C", "forward_fees", "successes", "failures"), 1.0)


def played(cell, policy, rewards, training=0):
    return [
        Played(cell, Episode(policy, training, seed, {**TOTALS, "reward": float(r)}, {}, 4, 0, 0.5), seed % 2, 1_000.0)
        for seed, r in enumerate(rewards)
    ]


def two_cells():
    """In a, the rule gains 100 and the learner 150; in b, no rule gains and the learner loses 20."""
    noise = np.arange(8.0)
    a = played("a", "do-nothing", noise) + played("a", "rule", 100 + noise)
    b = played("b", "do-nothing", noise) + played("b", "rule", noise - 50)
    for training in range(2):
        a += played("a", "q-learning", 150 + noise, training)
        b += played("b", "q-learning", noise - 20, training)
    return Runs([*a, *b], days=1.0)


@pytest.fixture(scope="module")
def found():
    return leaderboard(two_cells(), seed=0)


def row_of(found, cell, policy):
    (row,) = [row for row in found.cells if (row.cell, row.policy) == (cell, policy)]
    return row


def test_scores_are_shares_of_the_best_rules_gain(found):
    assert found.best == {"a": "rule", "b": "do-nothing"}
    assert row_of(found, "a", "rule").score == pytest.approx(1.0)
    assert row_of(found, "a", "q-learning").score == pytest.approx(1.5)
    assert row_of(found, "a", "do-nothing").score == 0.0


def test_where_no_rule_gains_the_unit_is_a_part_of_the_room_below_the_bound(found):
    room = 1_000 - np.arange(8.0).mean()
    assert row_of(found, "b", "q-learning").score == pytest.approx(-20 / (0.02 * room))


def test_differences_are_paired_so_that_noise_cancels(found):
    difference = row_of(found, "a", "q-learning").against_best
    assert (difference.low, difference.value, difference.high) == pytest.approx((50, 50, 50))


def test_wins_and_losses_against_the_best_rule(found):
    (learner,) = [row for row in found.rows if row.policy == "q-learning"]
    assert (learner.cells, learner.wins, learner.losses) == (2, 1, 1)
    assert learner.profile.value[np.searchsorted(THRESHOLDS, 1.0)] == pytest.approx(1 / 2)


def test_the_page_says_where_learning_loses(found):
    rows = [row for row in found.cells if row.cell == "b"]
    assert losses(rows) == ["**Learning loses here**: q-learning earns less than the best rule.\n"]
    text = page(SuiteConfig(), found, {"command": "lnherd", "lnherd": "0", "commit": "c"})
    assert "## a\n\nBest rule in hindsight: rule.\n" in text
    assert "generated look-alikes" in text
    assert [line[0] for line in cell_table(rows)] == ["do-nothing", "q-learning", "rule"]


def test_figures_hold_everybody(found):
    scores, profiles = figures(found)
    assert "q-learning" in scores and "rule" in profiles
    assert scores.count("<circle") == 2


def test_a_policy_with_a_missing_episode_is_left_out_of_its_cell():
    noise = np.arange(8.0)
    runs = Runs([*played("a", "do-nothing", noise), *played("a", "rule", noise)[:-1]], days=1.0)
    assert runs.policies("a") == ["do-nothing"]
