"""Source mode: the sender rolls a forwarding policy out over gossip into a whole route, as onions need it.

For each part the sender lays out what it believes: the announced channels, half of each capacity on either side, its
own balances as they are, and less than what failed wherever one of its own attempts has failed. In this imagined world
the compiled policy forwards the part alone; the channels it takes are the route. Where that ends in a dead end, the
last channel is ruled out and the policy asked again. The real part then follows that route whatever the nodes on the
way know, which is what LND's SendToRoute and CLN's sendpay do.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lnherd.agents.scorer import Scorer
from lnherd.control.hop_decision import DecisionBatch
from lnherd.engine import Simulation
from lnherd.engine.codes import SUCCEEDED
from lnherd.engine.hop_state import N_REGIONS
from lnherd.envs.forwarding_play import COMPILED_POLICY, scoring_network
from lnherd.network.records import Bools, Ints, zero_records
from lnherd.traffic.demand import PAYMENT_DTYPE

GIVE_UP, SPLIT = 0, 1
"""Numbers of choices."""
ROLLOUTS = 5
"""Tries to find a route; where one ends, the next does not go."""


@dataclass(eq=False)
class SourceModePolicy:
    """A ``HopPolicy`` in which only sources decide; all others follow the route of the part they hold."""

    scorer: Scorer
    """The forwarding policy that is rolled out."""
    simulation: Callable[[], Simulation]
    """The world that is played in: a sender reads its own balances there, and nothing else."""
    name: str = "source-mode"
    """Short name for tables."""

    def begin(self, seed: int) -> None:
        """Forget routes and failures."""
        self._routes: dict[int, list[int]] = {}
        self._ceilings: dict[tuple[int, int], int] = {}
        self._imagined: Simulation | None = None

    def choose(self, batch: DecisionBatch) -> Ints:
        """``[B]`` choices."""
        choices = np.zeros(len(batch.number), dtype=np.int64)
        real = self.simulation()
        for row, attempt_id in enumerate(real.pending.tolist()):
            if real.state.attempts[attempt_id].hop < 0:
                choices[row] = self._at_source(batch, row, attempt_id)
            else:
                choices[row] = self._on_way(batch, row, attempt_id)
        return choices

    def _at_source(self, batch: DecisionBatch, row: int, attempt_id: int) -> int:
        """The first channel of a route, if one is found; else half of the part may find one."""
        amount_msat = int(self.simulation().state.attempts[attempt_id].amount_msat)
        route = self.route(int(batch.node[row]), int(batch.receiver[row]), amount_msat)
        choice = _number(batch, row, route[0]) if route else GIVE_UP
        if choice == GIVE_UP:
            return SPLIT if batch.mask[row, SPLIT] else GIVE_UP
        self._routes[attempt_id] = route[1:]
        return choice

    def _on_way(self, batch: DecisionBatch, row: int, attempt_id: int) -> int:
        """The next channel of the route; where it cannot be taken the sender hears which one it was."""
        edge = self._routes[attempt_id].pop(0)
        choice = _number(batch, row, edge)
        if choice == GIVE_UP:
            attempt = self.simulation().state.attempts[attempt_id]
            sender = int(self.simulation().payments.sender[attempt.payment])
            self._ceilings[sender, edge] = int(attempt.amount_msat)
        return choice

    def route(self, sender: int, receiver: int, amount_msat: int) -> list[int]:
        """Edges from ``sender`` to ``receiver``, or none where the policy does not get there."""
        believed, dead_ends = self._believed(sender), list[int]()
        for _ in range(ROLLOUTS):
            world = believed.copy()
            for edge in dead_ends:
                _cap(world, edge, 0)
            payment = world.send(sender, receiver, amount_msat)
            world.run()
            if world.payments.status[payment] == SUCCEEDED:
                return _in_order(world, np.flatnonzero(world.state.flows.n_settled > 0), sender)
            way = _in_order(world, np.flatnonzero(_was_tried(world)), sender)
            if not way:
                break
            dead_ends.append(way[-1])
        return []

    def _believed(self, sender: int) -> Simulation:
        """The world as ``sender`` imagines it, with nothing on its way."""
        if self._imagined is None:
            self._imagined = _at_rest(self.simulation(), self.scorer)
        world, real = self._imagined.copy(), self.simulation()
        edges, capacity = world.state.edges, world.capacity_msat
        edges.enabled[:] = real.state.edges.enabled  # announced
        own = world.network.out_edges(sender)
        edges.balance_msat[own] = real.state.edges.balance_msat[own]
        edges.balance_msat[own ^ 1] = capacity[own >> 1] - edges.balance_msat[own]
        for (who, edge), ceiling_msat in self._ceilings.items():
            if who == sender and edges.source[edge] != sender:
                _cap(world, edge, ceiling_msat // 2)
        return world


def _cap(world: Simulation, edge: int, most_msat: int) -> None:
    """Let ``edge`` send ``most_msat`` at most."""
    edges = world.state.edges
    capacity_msat = int(edges.balance_msat[edge] + edges.balance_msat[edge ^ 1])
    edges.balance_msat[edge] = min(int(edges.balance_msat[edge]), most_msat + int(edges.reserve_msat[edge]))
    edges.balance_msat[edge ^ 1] = capacity_msat - edges.balance_msat[edge]


def _was_tried(world: Simulation) -> Bools:
    """``[E]`` edges over which the imagined part went before it failed."""
    failed: Bools = world.state.tracks.failures.reshape(-1, N_REGIONS).any(axis=1)
    return failed


def _in_order(world: Simulation, edges: Ints, sender: int) -> list[int]:
    """The edges of one way, from ``sender`` on."""
    onward = {int(world.network.edge_source[edge]): int(edge) for edge in edges}
    way, node = list[int](), sender
    while node in onward:
        way.append(onward.pop(node))
        node = int(world.network.edge_target[way[-1]])
    return way


def _at_rest(real: Simulation, scorer: Scorer) -> Simulation:
    """The same network without payments, each side owning half of its channels, all nodes following ``scorer``."""
    halves = np.repeat(real.network.channels.capacity_msat // 2, 2)
    halves[1::2] = real.network.channels.capacity_msat - halves[::2]
    config = replace(
        real.config, sender="policy", hop_policy=COMPILED_POLICY, max_parts=1, policy_attempts=1, decision_interval_ms=0
    )
    world = Simulation(real.network, zero_records(0, PAYMENT_DTYPE), config=config, balance_msat=halves)
    world.use_network(scoring_network(scorer))
    return world


def _number(batch: DecisionBatch, row: int, edge: int) -> int:
    """Number of the choice that is ``edge``, or to give up where it is not possible."""
    found = np.flatnonzero(batch.mask[row] & (batch.edges[row] == edge))
    return int(found[0]) if len(found) else GIVE_UP
