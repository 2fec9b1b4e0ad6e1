"""The reward R = S - F - C, in sat, and the books it is read from.

* S: value of the role's successful payments (consumer: sent, provider: received, router: forwards);
* F: routing fees paid for own payments;
* C: costs of channel management: circular payments, swaps, on-chain transactions.

Opt-in terms: what forwarding for others earns, and a price on the capital that sits in channels. Costs are
booked when they are committed, refunds (a swap that failed) when they come back.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.control.view import Role
from lnherd.engine import Simulation
from lnherd.engine.codes import FAILED, SUCCEEDED, SWAP_IN, SWAP_OUT
from lnherd.engine.state import NONE
from lnherd.network.records import Records, plain
from lnherd.units import MS_PER_DAY, MSAT_PER_SAT, PPM

TERMS = ("S", "F", "C", "revenue", "capital")
"""Terms of the reward in sat: R = S - F - C + revenue - capital, the last two only if opted in."""
DETAILS = ("rebalance_fees", "swap_fees", "chain_fees", "forward_fees", "successes", "failures")
"""Logged besides: the parts of C (in sat), fees earned (whether or not they count), and payments by outcome."""


@dataclass(frozen=True)
class RewardConfig:
    """What a success is worth, and which terms count."""

    value_per_success_sat: float = 10.0
    """Worth of one successful payment of the role."""
    count_revenue: bool = False
    """Whether fees earned by forwarding count."""
    capital_cost_ppm_per_day: float = 0.0
    """Price of the money in own channels; 0 switches it off."""


def wanted_sat(role: Role, config: RewardConfig, terms: dict[str, float]) -> float:
    """Value of the payments that ended in a tick, had all succeeded; what passes by a router depends on it."""
    if role == Role.ROUTER:
        return 0.0
    return config.value_per_success_sat * (terms["successes"] + terms["failures"])


@dataclass(frozen=True, eq=False)
class Books:
    """Totals since the start of one simulation, in msat and counts."""

    successes: int
    failures: int
    routing_fees: int
    rebalance_fees: int
    swap_fees: int
    chain_fees: int
    forward_fees: int


class Ledger:
    """Reads the books of one node and turns what changed since the last reading into reward terms."""

    def __init__(self, simulation: Simulation, node: int, role: Role, config: RewardConfig, scheduled: Records) -> None:
        """``scheduled`` are the payments the simulation started with, as the role meant them; only they can be
        successes, whichever way a shock has turned them."""
        self._simulation, self._node, self._role, self._config = simulation, node, role, config
        self._trades = np.flatnonzero((scheduled.receiver if role == Role.PROVIDER else scheduled.sender) == node)
        self._sent = np.flatnonzero(simulation.payments.sender[: len(scheduled)] == node)
        self._last = self.books()

    def books(self) -> Books:
        """Totals so far."""
        simulation, node = self._simulation, self._node
        state = simulation.state
        own = plain(state.flows)[plain(state.edges)["source"] == node]
        operations = plain(simulation.operations)
        operations = operations[operations["node"] == node]
        swaps = np.isin(operations["kind"], (SWAP_OUT, SWAP_IN))
        payments = plain(simulation.payments)
        added = payments[int(state.clock[0].n_scheduled) :]
        mine = (added["sender"] == node) & (added["status"] == SUCCEEDED)
        of_swaps = mine & (added["operation"] != NONE)
        paid = payments["status"][self._sent] == SUCCEEDED
        successes, failures = self._outcomes(own, payments["status"])
        return Books(
            successes=successes,
            failures=failures,
            routing_fees=int(payments["fee_msat"][self._sent[paid]].sum()),
            rebalance_fees=int(added["fee_msat"][mine & ~of_swaps].sum()),
            swap_fees=int(operations["fee_msat"][swaps].sum() + added["fee_msat"][of_swaps].sum()),
            chain_fees=int(operations["fee_msat"][~swaps].sum()),
            forward_fees=int(own["fees_msat"].sum()),
        )

    def _outcomes(self, own_flows: Records, status: Records) -> tuple[int, int]:
        """Successes and failures that count for the role."""
        if self._role == Role.ROUTER:
            return int(own_flows["n_forwards"].sum()), int(own_flows["n_refused"].sum())
        chosen = status[self._trades]
        return int((chosen == SUCCEEDED).sum()), int((chosen == FAILED).sum())

    def close_tick(self, tick_ms: int) -> tuple[float, dict[str, float]]:
        """Reward and terms of what happened since the last call."""
        now, last = self.books(), self._last
        self._last = now
        change = {name: getattr(now, name) - getattr(last, name) for name in vars(now)}
        sat = {name: value / MSAT_PER_SAT for name, value in change.items() if name.endswith("_fees")}
        terms = {
            "S": self._config.value_per_success_sat * change["successes"],
            "F": sat["routing_fees"],
            "C": sat["rebalance_fees"] + sat["swap_fees"] + sat["chain_fees"],
            "revenue": sat["forward_fees"] if self._config.count_revenue else 0.0,
            "capital": self._capital_sat(tick_ms),
        }
        reward = terms["S"] - terms["F"] - terms["C"] + terms["revenue"] - terms["capital"]
        details = {name: float(sat.get(name, change.get(name, 0.0))) for name in DETAILS}
        return reward, {**terms, **details}

    def _capital_sat(self, tick_ms: int) -> float:
        """Price of the own money that sits in channels during one tick."""
        if self._config.capital_cost_ppm_per_day == 0:
            return 0.0
        edges = self._simulation.state.edges
        own = edges[edges.source == self._node]
        locked_sat = float((own.balance_msat + own.in_flight_msat).sum()) / MSAT_PER_SAT
        return locked_sat * self._config.capital_cost_ppm_per_day / PPM * tick_ms / MS_PER_DAY
