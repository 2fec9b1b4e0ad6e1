"""An economy seen from Python: takes turns with the simulation, slice by slice, exactly.

Agents hear of a payment's outcome ``notice_ms`` after its end. A slice is that long at most, so whatever an outcome
changes lies beyond the slice it happens in: the economy can live through a slice knowing only the payments that
ended before it, then the engine lives through the same slice with the payments the economy started in it (the
conservative look-ahead of Chandy & Misra, CACM 24(4), 1981). The result does not depend on how long slices are.
"""

from dataclasses import replace

import numpy as np

from lnherd.economy.agenda import MOOD_TURNS, REPRICES, SERVICE_TOGGLES, schedule
from lnherd.economy.arrivals import schedule_arrival
from lnherd.economy.building import initial_state
from lnherd.economy.config import EconomyConfig
from lnherd.economy.draws import STREAM_MOOD, STREAM_OUTAGE, spell_ms
from lnherd.economy.loop import SPACE_NEEDED, step
from lnherd.economy.state import EconomyState
from lnherd.engine import Simulation, SimulationConfig
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Ints, Records, grown, plain, zero_records
from lnherd.traffic.demand import PAYMENT_DTYPE


class Economy:
    """Services and agents that trade calls over a simulated network.

    The same (network, balances, config, seed) gives the same bytes, however ``run`` is cut into chunks.
    """

    def __init__(self, simulation: Simulation, config: EconomyConfig, *, seed: int = 0) -> None:
        """Settle on ``simulation``'s network; see :func:`settle` for one that is made for the economy.

        Raises:
            InputError: when services and agents do not fit the network, or time has already passed.
        """
        if simulation.now_ms > 0:
            raise InputError("economy: the simulation has already run; start both at time 0")
        self.simulation, self.config, self.seed = simulation, config, seed
        self.state: EconomyState = initial_state(simulation.network, config, seed=seed)
        self._clock = plain(self.state.clock)
        with np.errstate(over="ignore"):
            self._schedule_first_events()

    @property
    def now_ms(self) -> int:
        """The present, the simulation's too."""
        return self.simulation.now_ms

    @property
    def services(self) -> Records:
        """All services (``state.SERVICE_DTYPE``), a live view. Prices may be set between two runs."""
        return self.state.services

    @property
    def agents(self) -> Records:
        """All agents (``state.AGENT_DTYPE``), a live view."""
        return self.state.agents

    @property
    def calls(self) -> Records:
        """All finished calls (``state.CALL_DTYPE``) in order of their end, a live view."""
        return self.state.calls[: self._clock["n_calls"][0]]

    def run(self, until_ms: int) -> None:
        """Advance economy and simulation to ``until_ms`` (inclusive).

        Raises:
            InputError: if ``until_ms`` lies in the past.
        """
        now_ms = self.simulation.now_ms
        if until_ms < now_ms:
            raise InputError(f"cannot run until {until_ms} ms: it is already {now_ms} ms")
        with np.errstate(over="ignore"):  # as in Simulation.run
            while now_ms < until_ms:
                now_ms = min(until_ms, self._end_of_slice(now_ms))
                self._live_through(now_ms)

    def _end_of_slice(self, now_ms: int) -> int:
        """How far the economy can go without knowing how the payments under way end."""
        notice_ms = self.config.notice_ms
        if self._clock["n_waiting"][0] > 0:
            return now_ms + notice_ms
        next_ms = int(self.state.events[0].time_ms) if self._clock["n_events"][0] else now_ms
        return max(now_ms + 1, next_ms) + notice_ms - 1

    def _live_through(self, until_ms: int) -> None:
        simulation = self.simulation
        first = int(simulation.state.clock[0].n_payments)
        while step(self.state, simulation.state.payments, until_ms, first) == SPACE_NEEDED:
            self._make_room()
        n_posted = int(self._clock["n_outbox"][0])
        if n_posted:
            simulation.submit(self.state.outbox, self.state.outbox_fee_limit_msat, n_posted)
            self._clock["n_outbox"][0] = 0
        simulation.run(until_ms=until_ms)

    def _make_room(self) -> None:
        events, calls = self.state.events, self.state.calls
        self.state = self.state._replace(events=grown(events, 2 * len(events)), calls=grown(calls, 2 * len(calls)))

    def _schedule_first_events(self) -> None:
        state, config = self.state, self.config
        for agent_id in range(len(state.agents)):
            schedule_arrival(state, agent_id)
        for service_id, service in enumerate(state.services):
            schedule(state, config.reprice_ms, REPRICES, service_id)
            if service.mean_up_ms > 0 and service.mean_down_ms > 0:
                wait_ms = spell_ms(state, STREAM_OUTAGE, service_id, 0, service.mean_up_ms)
                schedule(state, wait_ms, SERVICE_TOGGLES, service_id)
        if any(group.moody for group in config.agents):
            schedule(state, spell_ms(state, STREAM_MOOD, 0, 0, config.mean_calm_ms), MOOD_TURNS, 0)


def settle(
    network: Network,
    config: EconomyConfig,
    *,
    seed: int,
    duration_ms: int,
    balance_msat: Ints | None = None,
    behaviour: SimulationConfig | None = None,
) -> Economy:
    """An economy on a simulation of its own, whose payments time out when their invoices expire.

    Args:
        network: where services and agents live.
        config: who they are; its ``background`` payments start within ``duration_ms``.
        seed: of everything random.
        duration_ms: how long it is going to run.
        balance_msat: ``[E]``; the network's own if not given.
        behaviour: of senders, channels and chain; LND's defaults if not given.
    """
    payments = zero_records(0, PAYMENT_DTYPE)
    if config.background is not None:
        rng = np.random.default_rng([seed, 1])
        payments = config.background.sample(network, duration_ms=duration_ms, rng=rng)
    settings = replace(behaviour or SimulationConfig(), payment_timeout_ms=config.invoice_expiry_ms)
    simulation = Simulation(network, payments, config=settings, seed=seed, balance_msat=balance_msat)
    return Economy(simulation, config, seed=seed)
