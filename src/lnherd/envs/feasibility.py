"""Routing information: a truthful answer to "can this node forward this amount towards this destination now?".

A node can if it is the destination, or if one of its channels that leads no farther from it could take the amount as
an HTLC at this moment: open, enabled, its far end online, balance above the reserve, a free slot, room for value in
flight. It answers for itself alone; what happens farther on it does not know either. Asked about two hops, it passes
the question on to the far ends of the channels that could take the amount, and says yes if one of them does.
"""

import numpy as np

from lnherd.agents.packing import stretches
from lnherd.engine import Simulation
from lnherd.engine.distances import FAR
from lnherd.network.records import Bools, Ints, plain


def can_forward(simulation: Simulation, nodes: Ints, receivers: Ints, amounts_msat: Ints, hops: int = 1) -> Bools:
    """``[Q]`` what ``nodes`` truthfully answer about ``amounts_msat`` to ``receivers``. Needs ``sender="policy"``."""
    start, order = simulation.network.outgoing
    counts = (start[nodes + 1] - start[nodes]).astype(np.int64)
    edges = order.astype(np.int64)[stretches(start[nodes].astype(np.int64), counts)]
    question = np.repeat(np.arange(len(nodes)), counts)
    receiver, amount_msat = receivers[question], amounts_msat[question]
    target = simulation.network.edge_target[edges].astype(np.int64)
    here = hops_to(simulation, nodes, receivers)[question]
    leads_on = hops_to(simulation, target, receiver) <= here
    answers: Bools = nodes == receivers
    answers = answers.copy()
    on = np.flatnonzero(leads_on & _has_room(simulation, edges, amount_msat))
    if hops > 1:
        on = on[can_forward(simulation, target[on], receiver[on], amount_msat[on], hops - 1)]
    answers[question[on]] = True
    return answers


def hops_to(simulation: Simulation, nodes: Ints, receivers: Ints) -> Ints:
    """``[Q]`` hops by the tables of :mod:`lnherd.engine.distances`, at most ``FAR``."""
    entry = plain(simulation.state.destinations)[receivers]
    table = simulation.state.distances.reshape(-1, simulation.network.n_nodes)
    hops: Ints = table[entry["row"], nodes].astype(np.int64) + entry["offset"]
    return np.where(nodes == receivers, 0, np.minimum(hops, FAR))


def _has_room(simulation: Simulation, edges: Ints, amount_msat: Ints) -> Bools:
    """``[n]`` whether an HTLC of the amount could be added now (``engine.channels.refusal``, dust aside)."""
    own = plain(simulation.state.edges)[edges]
    online = plain(simulation.state.nodes)["online"][own["target"]]
    is_usable: Bools = own["is_open"] & own["enabled"] & online & (own["n_htlcs"] < own["max_htlcs"])
    within = (amount_msat >= own["htlc_min_msat"]) & (amount_msat <= own["htlc_max_msat"])
    is_funded = amount_msat <= own["balance_msat"] - own["reserve_msat"]
    is_usable &= within & is_funded & (own["in_flight_msat"] + amount_msat <= own["max_in_flight_msat"])
    return is_usable
