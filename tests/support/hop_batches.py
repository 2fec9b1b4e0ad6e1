"""Decision batches written by hand, for policies that choose the next channel."""

import numpy as np

from lnherd.control.hop_decision import DecisionBatch
from lnherd.engine.hop_state import OUTCOME_DTYPE
from lnherd.network.records import zero_records


def batch_of(*decisions, outcomes=(), now_ms=0, first=0):
    """``(node, receiver, incoming, amount_sat, edges, may_split)`` each; ``outcomes`` are (decision, succeeded)."""
    n_choices = 2 + max((len(each[4]) for each in decisions), default=0)
    edges = np.full((len(decisions), n_choices), -1, dtype=np.int32)
    mask = np.zeros((len(decisions), n_choices), dtype=np.bool_)
    for row, (_, _, _, _, own, may_split) in enumerate(decisions):
        edges[row, 1], mask[row, :2] = -2, (True, may_split)
        edges[row, 2 : 2 + len(own)], mask[row, 2 : 2 + len(own)] = own, True
    told = zero_records(len(outcomes), OUTCOME_DTYPE)
    for record, (decision, succeeded) in zip(told, outcomes, strict=True):
        record.decision, record.succeeded = decision, succeeded

    def column(place):
        return np.array([each[place] for each in decisions], dtype=np.int32)

    return DecisionBatch(
        context=np.zeros((len(decisions), 1), dtype=np.float32),
        candidates=np.zeros((*mask.shape, 1), dtype=np.float32),
        mask=mask,
        edges=edges,
        number=first + np.arange(len(decisions)),
        node=column(0),
        receiver=column(1),
        payment=np.arange(len(decisions), dtype=np.int32),
        incoming=column(2),
        amount_msat=1_000 * column(3).astype(np.int64),
        now_ms=now_ms,
        outcomes=told,
        rewards=np.zeros(len(outcomes)),
        is_over=not decisions,
    )
