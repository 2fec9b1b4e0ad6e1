"""Mean actions of neighbourhoods, worked out by hand."""

import numpy as np
import pytest
from hop_batches import batch_of
from small_networks import network_of

from lnherd.agents.mean_field import FARTHER, GIVES_UP, NEARER, NeighbourhoodActions

SAT = 1_000_000
NETWORK = network_of([(0, 1, SAT, SAT), (1, 2, SAT, SAT), (1, 3, SAT, SAT)])


def test_neighbours_are_heard_with_equal_weights():
    actions = NeighbourhoodActions(NETWORK, step_column=0, memory=2)
    batch = batch_of((0, 3, -1, 10, [0], False), (2, 3, -1, 10, [3], False), (2, 3, -1, 10, [3], False))
    batch.candidates[:, 2, 0] = [1.0, -1.0, -1.0]
    actions.note(batch, np.array([2, 2, 0]))  # node 0 goes nearer; node 2 first farther, then gives up
    of_1, of_0 = actions.of_neighbours(np.array([1, 0]))
    assert of_1[NEARER] == pytest.approx((1.0 + 0.25 + 1.0) / 3)
    assert of_1[FARTHER] == pytest.approx(0.25 / 3) and of_1[GIVES_UP] == pytest.approx(0.5 / 3)
    assert of_0[NEARER] == 1.0 and of_1.sum() == pytest.approx(1.0)
