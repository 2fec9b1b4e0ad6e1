"""Nodes that come and go: churn, messages that wait for an absent node, channels announced disabled.

Each node is an alternating renewal process: times online and offline are log-normal, so that most are short
and a few very long, and independent. It starts in its stationary state: the time a running period has lasted
is a uniform share of a length-biased draw, which for a log-normal is again log-normal (Cox, Renewal Theory, 1962).

Peers keep the HTLCs and messages for an absent node until it is back. They announce their channels to it
disabled once it has been away for LND's ``chan-disable-timeout``, and enabled again once it has been back for
``chan-enable-timeout``; what has changed again by then is never announced.
"""

import math

from lnherd.engine.codes import (
    DECIDING,
    DECISION_DUE,
    FAILURE_ARRIVES,
    FORWARDING,
    HTLC_ARRIVES,
    NODE_SWITCHES,
    PREIMAGE_ARRIVES,
    PRESENCE_HEARD,
    SETTLING,
)
from lnherd.engine.gossip import hear_direction
from lnherd.engine.heap import schedule
from lnherd.engine.jit import jit
from lnherd.engine.rng import STREAM_CHURN, STREAM_PRESENCE, standard_normal, uniform
from lnherd.engine.state import NONE, State


@jit
def _schedule(state: State, time_ms: int, kind: int, node: int) -> None:
    state.clock[0].n_background += 1
    schedule(state, time_ms, kind, node)


@jit
def switch(state: State, node: int, online: bool) -> None:
    """``node`` comes or goes now. The messages that waited for it reach it; its peers tell the others later."""
    clock, conduct = state.clock[0], state.conduct[node]
    if state.nodes[node].online == online:
        return
    state.nodes[node].online = online
    conduct.changed_ms = clock.now_ms
    clock.n_offline += -1 if online else 1
    if online:
        _deliver_waiting(state, node)
    if online == conduct.is_written_off:
        _schedule(state, clock.now_ms + _silence_ms(state, online), PRESENCE_HEARD, node)


@jit
def _silence_ms(state: State, online: bool) -> int:
    """Time until everybody has heard that a node is back, or gone."""
    settings = state.settings[0]
    timeout_ms = settings.enable_timeout_ms if online else settings.disable_timeout_ms
    return int(timeout_ms + settings.gossip_delay_ms)


@jit
def hear_presence(state: State, node: int) -> None:
    """If nothing has changed since, the channels *to* ``node`` are believed disabled, or no longer so."""
    conduct, online = state.conduct[node], state.nodes[node].online
    state.clock[0].n_background -= 1
    if conduct.changed_ms + _silence_ms(state, online) == state.clock[0].now_ms:
        conduct.is_written_off = not online
        for position in range(state.nodes[node].gossip_start, state.nodes[node].gossip_end):
            hear_direction(state, state.gossip[position].edge)


@jit
def must_wait(state: State, attempt_id: int) -> bool:
    """Whether the attempt's message has reached a node that is offline; it then waits for its return."""
    attempt = state.attempts[attempt_id]
    edge = state.edges[attempt.edges[attempt.hop]]
    node = edge.target if attempt.status == FORWARDING else edge.source
    if state.nodes[node].online:
        return False
    conduct = state.conduct[node]
    if conduct.first_waiting == NONE:
        conduct.first_waiting = attempt_id
    else:
        state.attempts[conduct.last_waiting].next_waiting = attempt_id
    conduct.last_waiting = attempt_id
    attempt.next_waiting = NONE
    attempt.is_waiting = True
    state.clock[0].n_waiting += 1
    return True


@jit
def stop_waiting(state: State, attempt_id: int) -> None:
    """Take the attempt's message away from where it waits."""
    attempt = state.attempts[attempt_id]
    edge = state.edges[attempt.edges[attempt.hop]]
    conduct = state.conduct[edge.target if attempt.status == FORWARDING else edge.source]
    attempt.is_waiting = False
    state.clock[0].n_waiting -= 1
    if conduct.first_waiting == attempt_id:
        conduct.first_waiting = attempt.next_waiting
        return
    before = conduct.first_waiting
    while state.attempts[before].next_waiting != attempt_id:
        before = state.attempts[before].next_waiting
    state.attempts[before].next_waiting = attempt.next_waiting
    if conduct.last_waiting == attempt_id:
        conduct.last_waiting = before


@jit
def message_kind(status: int) -> int:
    """The event by which news of an attempt of this status arrive."""
    if status == FORWARDING:
        return HTLC_ARRIVES
    if status == DECIDING:
        return DECISION_DUE
    return PREIMAGE_ARRIVES if status == SETTLING else FAILURE_ARRIVES


@jit
def _deliver_waiting(state: State, node: int) -> None:
    clock, conduct = state.clock[0], state.conduct[node]
    attempt_id = conduct.first_waiting
    while attempt_id != NONE:
        attempt = state.attempts[attempt_id]
        attempt.is_waiting = False
        clock.n_waiting -= 1
        schedule(state, clock.now_ms, message_kind(attempt.status), attempt_id)
        attempt_id = attempt.next_waiting
    conduct.first_waiting = conduct.last_waiting = NONE


@jit
def switch_by_itself(state: State, node: int) -> None:
    """A time online or offline is over, unless the node has been taken out of the process by hand."""
    conduct, clock = state.conduct[node], state.clock[0]
    clock.n_background -= 1
    if conduct.availability >= 1.0:
        clock.n_churning -= 1
        return
    switch(state, node, not state.nodes[node].online)
    conduct.n_switches += 1
    sigma = state.settings[0].churn_sigma
    normal = standard_normal(state.settings[0].seed, STREAM_CHURN, node, conduct.n_switches)
    period_ms = _mean_period_ms(state, node) * math.exp(sigma * normal - 0.5 * sigma * sigma)
    _schedule(state, clock.now_ms + max(1, int(period_ms)), NODE_SWITCHES, node)


@jit
def _mean_period_ms(state: State, node: int) -> float:
    """Mean time in the present state: downtime given, uptime such that the availability comes out."""
    down_ms, availability = state.settings[0].mean_downtime_ms, state.conduct[node].availability
    return float(down_ms * availability / (1.0 - availability) if state.nodes[node].online else down_ms)


@jit
def begin_churn(state: State) -> None:
    """Put every node into the stationary state of its process. Room for two events a node must be there."""
    for node in range(len(state.nodes)):
        state.conduct[node].availability = state.settings[0].mean_availability
        state.clock[0].n_churning += 1
        _begin(state, node)


@jit
def _begin(state: State, node: int) -> None:
    settings, conduct, clock = state.settings[0], state.conduct[node], state.clock[0]
    online = uniform(settings.seed, STREAM_PRESENCE, node, 0) < conduct.availability
    state.nodes[node].online = online
    sigma = settings.churn_sigma
    normal = standard_normal(settings.seed, STREAM_CHURN, node, 0)
    period_ms = _mean_period_ms(state, node) * math.exp(sigma * normal + 0.5 * sigma * sigma)
    past_ms = int(period_ms * uniform(settings.seed, STREAM_PRESENCE, node, 1))
    _schedule(state, max(1, int(period_ms) - past_ms), NODE_SWITCHES, node)
    if online:
        return
    clock.n_offline += 1
    conduct.changed_ms = -past_ms
    heard_ms = _silence_ms(state, False) - past_ms
    if heard_ms > 0:
        _schedule(state, heard_ms, PRESENCE_HEARD, node)
        return
    conduct.is_written_off = True
    for position in range(state.nodes[node].gossip_start, state.nodes[node].gossip_end):
        hear_direction(state, state.gossip[position].edge)
