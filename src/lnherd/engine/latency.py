"""How long one message takes over one hop, in whole milliseconds."""

import math

from lnherd.engine.codes import LATENCY_CLOTH
from lnherd.engine.jit import jit
from lnherd.engine.rng import STREAM_LATENCY, STREAM_STUCK, standard_normal, uniform
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
