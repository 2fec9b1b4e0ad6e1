"""How long one message takes over one hop, in whole milliseconds."""

import math

from lnherd.engine.codes import LATENCY_CLOTH
from lnherd.engine.jit import jit
from lnherd.engine.rng import STREAM_HOLD, STREAM_LATENCY, STREAM_REFUSE, STREAM_STUCK, standard_normal, uniform
from lnherd.engine.state import MAX_HOPS, State

FORTH, BACK = 0, 1


@jit
def hop_latency_ms(state: State, payment: int, number: int, hop: int, direction: int) -> int:
    """Draw the time from one node to the next for attempt ``number`` of ``payment`` on ``hop``.

    Log-normal by default, as measured round trips are skewed; CLoTH draws Normal(100, 1), truncated.
    On the way forth a hop may get stuck (an unresponsive peer, a hold): a heavy log-normal delay on top.
    """
    settings = state.settings[0]
    first = (int(payment) << 12) + number
    second = (hop << 1) + direction
    normal = standard_normal(settings.seed, STREAM_LATENCY, first, second)
    if settings.latency_kind == LATENCY_CLOTH:
        return max(1, int(settings.latency_median_ms + settings.latency_sigma * normal))
    delay = settings.latency_median_ms * math.exp(settings.latency_sigma * normal)
    if direction == FORTH and settings.stuck_probability > 0.0:
        delay += _stuck_ms(state, first, second)
    return max(1, int(delay))


@jit
def _stuck_ms(state: State, first: int, second: int) -> float:
    settings = state.settings[0]
    if uniform(settings.seed, STREAM_STUCK, first, second + (MAX_HOPS << 2)) >= settings.stuck_probability:
        return 0.0
    return float(settings.stuck_median_ms * math.exp(standard_normal(settings.seed, STREAM_STUCK, first, second)))


@jit
def arrival_delay_ms(state: State, attempt_id: int) -> int:
    """Time until the HTLC of the current hop has reached its far end and that end turns to it.

    A node may hold what reaches it (a jammer, a hold invoice): a log-normal time on top, drawn when it is sent.
    """
    attempt = state.attempts[attempt_id]
    delay = hop_latency_ms(state, attempt.payment, attempt.number, attempt.hop, FORTH)
    if not state.clock[0].has_conduct:
        return delay
    conduct, seed = state.conduct[state.edges[attempt.edges[attempt.hop]].target], state.settings[0].seed
    first, hop = (int(attempt.payment) << 12) + attempt.number, int(attempt.hop)
    if uniform(seed, STREAM_HOLD, first, hop + (MAX_HOPS << 2)) >= conduct.hold_probability:
        return delay
    normal = standard_normal(seed, STREAM_HOLD, first, hop)
    return delay + int(conduct.hold_median_ms * math.exp(conduct.hold_sigma * normal))


@jit
def refuses_at_will(state: State, attempt_id: int) -> bool:
    """Whether the far end of the current hop turns the HTLC away whatever it carries (a black hole, a griefer)."""
    if not state.clock[0].has_conduct:
        return False
    attempt = state.attempts[attempt_id]
    conduct = state.conduct[state.edges[attempt.edges[attempt.hop]].target]
    first = (int(attempt.payment) << 12) + attempt.number
    draw = uniform(state.settings[0].seed, STREAM_REFUSE, first, int(attempt.hop))
    return bool(draw < conduct.refuse_probability)
