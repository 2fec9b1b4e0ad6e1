"""The leaderboard of forwarding: shares of the limit, paired differences, who beats the best naive rule."""

import pytest
from tests.support.made_up_forwarding import played_of

from lnherd.experiments.forwarding.board import Episodes, board

PLAYED = [
    *played_of("a-mixed", "shortest", [40, 50, 60, 50]),
    *played_of("a-mixed", "random", [30, 40, 45, 40]),
    *played_of("a-mixed", "lnd", [42, 52, 62, 52]),
    *played_of("a-mixed", "q-routing", [50, 60, 70, 60]),
    *played_of("a-flip", "shortest", [20, 20, 20, 20]),
    *played_of("a-flip", "random", [24, 24, 24, 24]),
    *played_of("a-flip", "lnd", [20, 21, 22, 23]),
    *played_of("a-flip", "q-routing", [16, 16, 16, 16]),
]


def rows_of(found, policy):
    return {row.cell: row for row in found.cells if row.policy == policy}


def test_scores_are_shares_of_the_limit_and_differences_are_paired():
    found = board(Episodes(PLAYED), seed=0)
    row = rows_of(found, "q-routing")["a-mixed"]
    assert row.volume.value == pytest.approx(0.6)
    assert row.of_limit.value == pytest.approx(0.75)
    assert (row.against_naive.value, row.against_naive.low) == (pytest.approx(0.1), pytest.approx(0.1))
    assert row.against_lnd.value == pytest.approx(0.08)
    assert row.figures["success_rate"] == 0.5 and row.figures["hop_fee_ppm"] == pytest.approx(500.0)


def test_the_best_naive_rule_is_chosen_cell_by_cell():
    found = board(Episodes(PLAYED), seed=0)
    assert found.best_naive == {"a-mixed": "shortest", "a-flip": "random"}
    assert rows_of(found, "lnd")["a-flip"].against_naive.value == pytest.approx(-0.025)


def test_the_board_counts_cells_won_and_lost():
    found = board(Episodes(PLAYED), seed=0)
    row = next(row for row in found.rows if row.policy == "q-routing")
    assert (row.cells, row.wins, row.losses) == (2, 1, 1)
    assert [row.score.value for row in found.rows] == sorted((row.score.value for row in found.rows), reverse=True)


def test_who_has_not_played_all_is_left_out():
    episodes = Episodes([*PLAYED, *played_of("a-mixed", "backpressure", [90, 90])])
    assert "backpressure" not in episodes.policies("a-mixed")
    assert set(episodes.policies("a-flip")) == {"shortest", "random", "lnd", "q-routing"}


def test_trainings_of_one_policy_count_together():
    played = [*PLAYED, *played_of("a-mixed", "ppo", [60, 60, 60, 60], training=0)]
    played += played_of("a-mixed", "ppo", [80, 80, 80, 80], training=1)
    row = rows_of(board(Episodes(played), seed=0), "ppo")["a-mixed"]
    assert row.volume.value == pytest.approx(0.7)
    assert row.volume.low == pytest.approx(0.6) and row.volume.high == pytest.approx(0.8)


def test_without_naive_rules_the_weakest_is_what_others_are_held_against():
    found = board(Episodes([each for each in PLAYED if each.run.policy in ("lnd", "q-routing")]), seed=0)
    assert found.best_naive == {"a-mixed": "lnd", "a-flip": "q-routing"}
