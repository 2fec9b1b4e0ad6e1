"""Per-hop credit: which later decisions a forwarding decision answers for.

* ``own``: what came of the decision itself, nothing else;
* ``path``: from hop to hop along the way of the payment's part. A decision's reward already tells what came of the
  whole rest of the way, so a step is worth what it *adds* to the next one's: its share of the latency, the fee
  earned, and at the last hop the outcome;
* ``payment``: along the way too, and where that failed from its last decision on to the source's next attempt, if there
  is one: a failure costs what it keeps the payment from, not a lost payment each time;
* ``stream``: the node's own later decisions, in order, each with its own outcome: what a choice does to the
  channels that the node will need.

A split is worth what becomes of the half that stays with it, under every kind of credit.
"""

import numpy as np

from lnherd.network.records import Bools, Floats, Ints


def followers(keys: Ints) -> Ints:
    """``[T]`` the next decision with the same key, in order of time; -1 for the last."""
    order = np.argsort(keys, kind="stable")
    following = np.full(len(keys), -1, dtype=np.int64)
    is_same = keys[order[1:]] == keys[order[:-1]]
    following[order[:-1][is_same]] = order[1:][is_same]
    return following


def increments(rewards: Floats, fees: Floats, following: Ints, is_split: Bools) -> Floats:
    """``[T]`` rewards along a way: each less what the rest of the way tells of again, fees apart; a split tells of
    nothing."""
    on_way = (following >= 0) & ~is_split
    added = rewards.copy()
    added[on_way] -= (rewards - fees)[following[on_way]]
    return added


def retries(payment: Ints, way: Ints, starts: Ints) -> Ints:
    """``[T]`` for the last decision of each way the first of the payment's next way, begun later; else -1.

    ``way [T]`` is the next decision on the same way or -1, ``starts [T]`` the first decision of the way.
    """
    firsts = np.flatnonzero(starts == np.arange(len(starts)))
    order = firsts[np.lexsort((firsts, payment[firsts]))]
    keys = payment[order] * (len(payment) + 1) + order
    ends = np.flatnonzero(way < 0)
    at = np.searchsorted(keys, payment[ends] * (len(payment) + 1) + ends, side="right")
    found = order[np.minimum(at, max(len(order) - 1, 0))]
    again = np.full(len(payment), -1, dtype=np.int64)
    is_retry = (at < len(order)) & (payment[found] == payment[ends])
    again[ends[is_retry]] = found[is_retry]
    return again


def linked_gae(rewards: Floats, values: Floats, following: Ints, *, discount: float, trace: float) -> Floats:
    """``[T]`` generalised advantages along links to later decisions (``-1``: the return ends).

    ``A_t = r_t + gamma V(next) - V_t + gamma lambda A_next``; :func:`lnherd.agents.returns.gae` where ``next`` is
    ``t + 1``.
    """
    padded = np.append(values, 0.0)
    surprises: list[float] = (rewards + discount * padded[following] - values).tolist()
    decay, links = discount * trace, following.tolist()
    for step in range(len(surprises) - 1, -1, -1):
        link = links[step]
        if link >= 0:
            surprises[step] += decay * surprises[link]
    return np.array(surprises)


def linked_returns(rewards: Floats, following: Ints, *, n_steps: int, discount: float) -> tuple[Floats, Ints, Floats]:
    """``(returns [T], next [T], weights [T])`` as :func:`lnherd.agents.returns.n_step`, along links.

    ``next`` is the decision whose value, times ``weights``, completes the return; where the links end the weight is 0.
    """
    returns, at = rewards.copy(), following.copy()
    weights: Floats = np.where(at >= 0, discount, 0.0)
    for _ in range(1, n_steps):
        on: Bools = at >= 0
        if not on.any():
            break
        returns[on] += weights[on] * rewards[at[on]]
        at[on] = following[at[on]]
        weights = np.where(at >= 0, weights * discount, 0.0)
    return returns, np.maximum(at, 0), weights
