"""What the node that holds a part knows when it chooses, as numbers within [-1, 1] (``control.hop_encode``).

The shortlist: of the holder's channels that nothing speaks against, the ``max_candidates`` nearest to the receiver,
then the cheapest. Around it, the choices are numbered alike for every node: 0 gives up, 1 splits, the rest are the
shortlist in order. The holder sees its own channels, announced policies and degrees, its own record with each channel
and what the payment brings along; never another node's balance.
"""

import math

import numpy as np
from numpy.typing import NDArray

from lnherd.control.hop_encode import CANDIDATE_FEATURES, CONTEXT_FEATURES, FIRST_CHANNEL, N_CONTEXT, N_FEATURES
from lnherd.engine.channels import spendable_msat
from lnherd.engine.codes import GIVE_UP, NO_FAILURE, SPLIT
from lnherd.engine.distances import hops_between
from lnherd.engine.hop_state import N_REGIONS
from lnherd.engine.hops import holder, is_over, may_split, objection_to, onward_msat
from lnherd.engine.jit import jit
from lnherd.engine.state import State

HALF_LIFE_MS = 10_000.0
"""Age at which news counts half."""
LOG2_SHARES = np.log2(1.0 + np.arange(4095)) / 12.0
"""By number of channels; from 4,095 on it is 1."""
Numbers = NDArray[np.float32]

__all__ = [
    "CANDIDATE_FEATURES",
    "CONTEXT_FEATURES",
    "FIRST_CHANNEL",
    "N_CONTEXT",
    "N_FEATURES",
    "Numbers",
    "choice_of",
    "describe_choice",
    "describe_context",
    "is_possible",
    "shortlist",
]


@jit
def shortlist(state: State, attempt_id: int) -> None:
    """Write the candidates to ``state.hops``. Needs :func:`lnherd.engine.hops.mark_path`."""
    hops, limit = state.hops[0], state.settings[0].max_candidates
    node_id, least_msat = holder(state, attempt_id), state.attempts[attempt_id].amount_msat
    receiver, stamp = state.payments[state.attempts[attempt_id].payment].receiver, hops.stamp
    hops.n_candidates, hops.distance_here = 0, hops_between(state, node_id, receiver)
    if is_over(state, attempt_id):
        return
    for position in range(state.nodes[node_id].gossip_start, state.nodes[node_id].gossip_end):
        peer, edge = state.gossip[position].source, state.gossip[position].edge ^ 1
        # the two objections that are met most go first
        if state.nodes[peer].visit == stamp or spendable_msat(state, edge) < least_msat:
            continue
        distance = hops_between(state, peer, receiver)
        if hops.n_candidates == limit and distance > hops.distance[limit - 1]:
            continue
        amount_msat = onward_msat(state, attempt_id, edge)
        if objection_to(state, attempt_id, edge, amount_msat) == NO_FAILURE:
            _insert(state, position, distance, amount_msat, _fee_msat(state, attempt_id, amount_msat))


@jit
def _fee_msat(state: State, attempt_id: int, amount_msat: int) -> int:
    """What the holder earns where ``amount_msat`` goes on."""
    attempt = state.attempts[attempt_id]
    return int(attempt.amounts[attempt.hop] - amount_msat) if attempt.hop >= 0 else 0


@jit
def _insert(state: State, position: int, distance: int, amount_msat: int, fee_msat: int) -> None:
    """Keep the shortlist in order of distance, fee and the node's own order; the last falls off its end."""
    hops, limit = state.hops[0], state.settings[0].max_candidates
    place = hops.n_candidates
    while place > 0:
        before = hops.distance[place - 1]
        if before < distance or (before == distance and hops.fee_msat[place - 1] <= fee_msat):
            break
        place -= 1
        if place + 1 < limit:
            hops.position[place + 1] = hops.position[place]
            hops.distance[place + 1] = hops.distance[place]
            hops.onward_msat[place + 1] = hops.onward_msat[place]
            hops.fee_msat[place + 1] = hops.fee_msat[place]
    if place < limit:
        hops.position[place], hops.distance[place] = position, distance
        hops.onward_msat[place], hops.fee_msat[place] = amount_msat, fee_msat
        hops.n_candidates = min(limit, hops.n_candidates + 1)


@jit
def is_possible(state: State, attempt_id: int, index: int) -> bool:
    """Whether choice ``index`` is not masked. Giving up always is possible."""
    if index == 1:
        return may_split(state, attempt_id)
    return bool(index - FIRST_CHANNEL < state.hops[0].n_candidates)


@jit
def choice_of(state: State, index: int) -> int:
    """Number of a choice -> what :func:`lnherd.engine.hops.carry_out` takes."""
    if index < FIRST_CHANNEL:
        return GIVE_UP if index == 0 else SPLIT
    return int(state.gossip[state.hops[0].position[index - FIRST_CHANNEL]].edge ^ 1)


@jit
def _share(part: float, whole: float) -> float:
    """``part / whole`` within [0, 1]; of nothing, 1."""
    if part <= 0.0:
        return 0.0
    return part / whole if part < whole else 1.0


@jit
def describe_context(state: State, attempt_id: int, out: Numbers, at: int) -> None:
    """Write ``CONTEXT_FEATURES`` to ``out[at:]``. Needs :func:`shortlist`."""
    attempt, settings, hops = state.attempts[attempt_id], state.settings[0], state.hops[0]
    payment, hop = state.payments[attempt.payment], attempt.hop
    node = state.nodes[holder(state, attempt_id)]
    left_ms = payment.start_ms + settings.payment_timeout_ms - state.clock[0].now_ms
    fee_left_msat = (
        attempt.amounts[hop] - attempt.amount_msat if hop >= 0 else payment.fee_limit_msat - payment.fee_msat
    )
    out[at] = _share(math.log10(1.0 + attempt.amount_msat / 1000.0), 8.0)
    out[at + 1] = _share(left_ms, settings.payment_timeout_ms)
    out[at + 2] = _share(fee_left_msat, 0.05 * attempt.amount_msat)
    out[at + 3] = _share(settings.hop_limit - 1 - hop, settings.hop_limit)
    out[at + 4] = _share(attempt.cltv[hop] - settings.final_cltv, settings.cltv_limit) if hop >= 0 else 1.0
    out[at + 5] = 1.0 if hop < 0 else 0.0
    out[at + 6] = _share(hops.distance_here, 10.0)
    out[at + 7] = _share(hops.n_candidates, settings.max_candidates)
    out[at + 8] = _share(payment.attempts, settings.policy_attempts)
    out[at + 9] = _share(payment.live_parts, settings.max_parts)
    out[at + 10] = _share_of_degree(node.gossip_end - node.gossip_start)
    out[at + 11] = _share(attempt.amount_msat, _most_spendable_msat(state))


@jit
def _most_spendable_msat(state: State) -> int:
    """Of one candidate; 0 without any."""
    hops, most_msat = state.hops[0], 0
    for rank in range(hops.n_candidates):
        most_msat = max(most_msat, spendable_msat(state, state.gossip[hops.position[rank]].edge ^ 1))
    return most_msat


@jit
def describe_choice(state: State, attempt_id: int, index: int, out: Numbers, at: int) -> None:
    """Write ``CANDIDATE_FEATURES`` of choice ``index`` to ``out[at:]``. Needs :func:`shortlist`."""
    if index >= FIRST_CHANNEL:
        _describe_channel(state, attempt_id, index - FIRST_CHANNEL, out, at)
        return
    for feature in range(N_FEATURES):
        out[at + feature] = 0.0
    out[at + 1 + index] = 1.0


@jit
def _describe_channel(state: State, attempt_id: int, rank: int, out: Numbers, at: int) -> None:
    attempt, hops = state.attempts[attempt_id], state.hops[0]
    gossip, distance, fee_msat = state.gossip[hops.position[rank]], hops.distance[rank], hops.fee_msat[rank]
    edge_id = gossip.edge ^ 1
    edge, peer = state.edges[edge_id], state.nodes[gossip.source]
    spendable = spendable_msat(state, edge_id)
    amount_msat = hops.onward_msat[rank]
    receiver = state.payments[attempt.payment].receiver
    track = state.tracks[edge_id * N_REGIONS + state.destinations[receiver].region]
    n_known = float(track.successes) + float(track.failures)
    out[at], out[at + 1], out[at + 2] = 1.0, 0.0, 0.0
    out[at + 3] = _share(spendable, gossip.capacity_msat)
    out[at + 4] = _share(amount_msat, spendable)
    out[at + 5] = _share(amount_msat, gossip.capacity_msat)
    out[at + 6] = _share(edge.in_flight_msat, edge.max_in_flight_msat)
    out[at + 7] = _share(edge.n_htlcs, edge.max_htlcs)
    out[at + 8] = _share(edge.log_capacity, 10.0)
    out[at + 9] = _share(fee_msat, fee_msat + amount_msat - attempt.amount_msat)
    out[at + 10] = _share(fee_msat, 0.01 * attempt.amount_msat)
    out[at + 11] = _share(distance, 10.0)
    out[at + 12] = max(-1.0, min(1.0, 0.5 * (hops.distance_here - distance)))
    out[at + 13] = 1.0 if gossip.source == receiver else 0.0
    out[at + 14] = (track.successes + 1.0) / (n_known + 2.0)
    out[at + 15] = _share(n_known, 64.0)
    out[at + 16] = _share_of_news(amount_msat, track.failed_msat)
    out[at + 17] = _lateness(state, track.failed_msat, track.failed_ms)
    out[at + 18] = _share_of_news(amount_msat, track.passed_msat)
    out[at + 19] = _lateness(state, track.passed_msat, track.passed_ms)
    out[at + 20] = 1.0 if track.failed_msat > 0 and track.failed_payment == attempt.payment else 0.0
    n_channels = peer.gossip_end - peer.gossip_start
    out[at + 21] = _share_of_degree(n_channels)
    out[at + 22] = _share(float(amount_msat) * n_channels, peer.capacity_msat)
    out[at + 23] = _share(edge.cltv_delta, 144.0)


@jit
def _share_of_degree(n_channels: int) -> float:
    return float(LOG2_SHARES[n_channels]) if n_channels < len(LOG2_SHARES) else 1.0


@jit
def _share_of_news(amount_msat: float, news_msat: float) -> float:
    """The amount as a share of one that failed or passed; 0 where none did."""
    return _share(amount_msat, news_msat) if news_msat > 0.0 else 0.0


@jit
def _lateness(state: State, news_msat: float, news_ms: float) -> float:
    if news_msat <= 0.0:
        return 0.0
    return float(HALF_LIFE_MS / (HALF_LIFE_MS + state.clock[0].now_ms - news_ms))
