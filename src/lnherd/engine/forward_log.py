"""A node's own forwarding history, one record a forward, from a running simulation.

The engine keeps totals only. Here it goes event by event under the eyes of Python, some ten microseconds each:
for export and tests, not for days of a large network.
"""

import numpy as np

from lnherd.engine.codes import PREIMAGE_ARRIVES
from lnherd.engine.simulation import ExitReason, Simulation
from lnherd.network.records import Records, plain
from lnherd.traffic.history import FORWARD_DTYPE


def record_forwards(simulation: Simulation, node: int, until_ms: int) -> Records:
    """Run until ``until_ms`` and return what ``node`` forwarded meanwhile (``FORWARD_DTYPE``), by time of settling."""
    is_own = simulation.state.edges.source == node
    found: list[tuple[int, int, int, int, int]] = []
    reason = ExitReason.EVENTS_SPENT
    while reason is ExitReason.EVENTS_SPENT:
        state = simulation.state
        events, flows = plain(state.events), plain(state.flows)
        kind, attempt_id = int(events["kind"][0]), int(events["subject"][0])
        watched = state.clock[0].n_events > 0 and kind == PREIMAGE_ARRIVES
        attempt = plain(state.attempts)[attempt_id] if watched else None
        hop = int(attempt["hop"]) if attempt is not None else 0
        edge = int(attempt["edges"][hop]) if attempt is not None else 0
        if attempt is None or hop == 0 or not is_own[edge]:
            reason = simulation.run(until_ms, max_events=1)
            continue
        before = int(flows["n_forwards"][edge])
        record = (int(attempt["amounts"][hop - 1]), int(attempt["amounts"][hop]), int(attempt["edges"][hop - 1]) >> 1)
        reason = simulation.run(until_ms, max_events=1)
        if int(plain(simulation.state.flows)["n_forwards"][edge]) > before:
            found.append((simulation.now_ms, *record, edge >> 1))
    forwards: Records = np.array(found, dtype=FORWARD_DTYPE).view(np.recarray)
    return forwards
