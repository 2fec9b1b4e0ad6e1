"""What an experiment does to the world between two runs: shocks, outages, jammers.

Everything here takes effect at the present time. Together with ``set_policy``, ``send`` and the operations on
the chain it is enough to write any shock: run until its time, pull the levers, run on.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from lnherd.engine.codes import DECISION_DUE
from lnherd.engine.heap import schedule
from lnherd.engine.presence import switch
from lnherd.errors import InputError
from lnherd.network.records import Ints

if TYPE_CHECKING:
    from lnherd.engine.simulation import Simulation

LEAST_FEERATE_MSAT_PER_VB = 1_000
"""One satoshi a virtual byte: below it nodes relay nothing."""
MOST_HOLD_MS = 10**10
MOST_SIGMA = 5.0


def set_online(simulation: "Simulation", node: int, online: bool) -> None:
    """Take ``node`` offline or bring it back; it then stays so, whatever churn the simulation has.

    Offline, it neither sends nor forwards; what is on its way to it waits for its return. Its channels are
    announced disabled after LND's 20 minutes.

    Raises:
        InputError: for an unknown node.
    """
    _check_node(simulation, node)
    simulation.make_room()
    simulation.state.conduct[node].availability = 1.0
    switch(simulation.state, node, bool(online))


def set_conduct(
    simulation: "Simulation",
    node: int,
    *,
    hold_probability: float = 0.0,
    hold_median_ms: float = 0.0,
    hold_sigma: float = 0.0,
    refuse_probability: float = 0.0,
) -> None:
    """What ``node`` does with HTLCs sent to it from now on; without arguments it behaves again.

    Args:
        simulation: where.
        node: a forwarder or a receiver.
        hold_probability: share of HTLCs it sits on before it turns to them.
        hold_median_ms: median of the log-normal time for which it does.
        hold_sigma: spread of its logarithm.
        refuse_probability: share of HTLCs it then turns away: as a forwarder it pretends that its channel is
            empty (a black hole), as a receiver that it does not know the payment, which ends it.

    Raises:
        InputError: for an unknown node or a number out of range.
    """
    _check_node(simulation, node)
    limits = {"hold_probability": 1.0, "hold_median_ms": MOST_HOLD_MS, "hold_sigma": MOST_SIGMA}
    given = {"hold_probability": hold_probability, "hold_median_ms": hold_median_ms, "hold_sigma": hold_sigma}
    for name, value in {**given, "refuse_probability": refuse_probability}.items():
        most = limits.get(name, 1.0)
        if not 0 <= value <= most:
            raise InputError(f"{name} of node {node} must be between 0 and {most:g}, got {value}")
        setattr(simulation.state.conduct[node], name, value)
    conduct = simulation.state.conduct
    simulation.state.clock[0].has_conduct = bool((conduct.hold_probability + conduct.refuse_probability).any())


def set_feerate(simulation: "Simulation", feerate_msat_per_vb: int) -> None:
    """Set the on-chain fee rate (at least 1 sat/vB); from the next block on it reverts to its median again.

    Raises:
        InputError: if the rate is below what nodes relay.
    """
    if feerate_msat_per_vb < LEAST_FEERATE_MSAT_PER_VB:
        raise InputError(f"the fee rate must be at least 1000 msat/vB, got {feerate_msat_per_vb}")
    clock = simulation.state.clock[0]
    clock.feerate_msat_per_vb = feerate_msat_per_vb
    clock.feerate_log = math.log(feerate_msat_per_vb / max(1.0, simulation.config.feerate_median_msat_per_vb))


def shift_liquidity(simulation: "Simulation", edge: int, amount_msat: int) -> None:
    """Move an amount from the near to the far side of the channel of ``edge``, as if paid long ago.

    The capacity stays what it is. Nobody is told, no fee is paid, reserves may be broken into.

    Raises:
        InputError: if the channel is closed or its near side owns less.
    """
    simulation.check_edge(edge)
    near, far = simulation.state.edges[edge], simulation.state.edges[edge ^ 1]
    if not near.is_open:
        raise InputError(f"channel {edge >> 1} is not open, so its balance cannot be shifted")
    if not 0 <= amount_msat <= near.balance_msat:
        raise InputError(f"edge {edge} owns {near.balance_msat} msat, of which {amount_msat} cannot be shifted")
    near.balance_msat -= amount_msat
    far.balance_msat += amount_msat


def put_off(simulation: "Simulation", rows: Ints, delay_ms: int) -> None:
    """Ask about ``rows`` of the decisions that wait again after ``delay_ms``, at the next multiple of the interval.

    The part stays where it is and holds what it holds; its holder is waiting for something else, say an answer.

    Raises:
        InputError: for a delay that is not positive.
    """
    if delay_ms < 1:
        raise InputError(f"a decision is put off by 1 ms or more, got {delay_ms}")
    simulation.make_room()
    state, waiting = simulation.state, simulation.pending
    clock, interval_ms = state.clock[0], max(int(state.settings[0].decision_interval_ms), 1)
    due_ms = -(-(int(clock.now_ms) + delay_ms) // interval_ms) * interval_ms
    for attempt in waiting[rows].tolist():
        schedule(state, due_ms, DECISION_DUE, attempt)
    kept = np.delete(waiting, rows)
    state.pending[: len(kept)] = kept
    clock.n_pending = len(kept)


def _check_node(simulation: "Simulation", node: int) -> None:
    n_nodes = simulation.network.n_nodes
    if not 0 <= node < n_nodes:
        raise InputError(f"there is no node {node}; the network has nodes 0..{n_nodes - 1}")
