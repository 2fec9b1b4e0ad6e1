"""The services' side of L402: quote a price, serve who has paid, be down at times, look at the price now and then."""

from lnherd.economy.agenda import (
    ANSWERED,
    CHALLENGED,
    REPRICES,
    SERVICE_TOGGLES,
    SLOT_FREED,
    TURNED_AWAY,
    schedule,
)
from lnherd.economy.draws import STREAM_OUTAGE, agent_log_normal_ms, http_leg_ms, spell_ms
from lnherd.economy.state import EconomyState
from lnherd.engine.jit import jit

SERVICE_SIGMA = 0.5
"""Spread of the logarithm of the time an answer takes."""
FIXED, COST_PLUS, SURGE, SET = 0, 1, 2, 3
"""As in ``config.PRICING``."""


@jit
def is_asked(economy: EconomyState, agent_id: int) -> None:
    """A request without a token: 402 with a price, or 503 when the service is down or full."""
    agent, now_ms = economy.agents[agent_id], economy.clock[0].now_ms
    service = economy.services[economy.relations[agent.relation].service]
    service.n_requests += 1
    back_ms = now_ms + http_leg_ms(economy, agent_id)
    if not service.is_up or service.busy >= service.slots:
        service.n_turned_away += 1
        schedule(economy, back_ms, TURNED_AWAY, agent_id)
        return
    service.n_challenges += 1
    agent.quote_msat = service.price_msat
    schedule(economy, back_ms, CHALLENGED, agent_id)


@jit
def is_used(economy: EconomyState, agent_id: int) -> None:
    """A request with a paid token: it takes a slot and is answered, or turned away and keeps its token."""
    agent, now_ms = economy.agents[agent_id], economy.clock[0].now_ms
    relation = economy.relations[agent.relation]
    service = economy.services[relation.service]
    if not service.is_up or service.busy >= service.slots:
        service.n_turned_away += 1
        schedule(economy, now_ms + http_leg_ms(economy, agent_id), TURNED_AWAY, agent_id)
        return
    relation.calls_left -= 1
    taken_ms = agent_log_normal_ms(economy, agent_id, service.service_ms, SERVICE_SIGMA)
    service.busy += 1
    service.busy_ms += taken_ms
    service.window_busy_ms += taken_ms
    service.n_served += 1
    service.costs_msat += service.cost_msat
    schedule(economy, now_ms + taken_ms, SLOT_FREED, relation.service)
    schedule(economy, now_ms + taken_ms + http_leg_ms(economy, agent_id), ANSWERED, agent_id)


@jit
def toggle(economy: EconomyState, service_id: int) -> None:
    """An outage begins or ends; calls being served are still answered."""
    service = economy.services[service_id]
    service.is_up = not service.is_up
    service.n_toggles += 1
    mean_ms = service.mean_up_ms if service.is_up else service.mean_down_ms
    wait_ms = spell_ms(economy, STREAM_OUTAGE, service_id, service.n_toggles, mean_ms)
    schedule(economy, economy.clock[0].now_ms + wait_ms, SERVICE_TOGGLES, service_id)


@jit
def reprice(economy: EconomyState, service_id: int) -> None:
    """Set the price by the service's rule and look again later."""
    service, settings = economy.services[service_id], economy.settings[0]
    load = service.window_busy_ms / (service.slots * settings.reprice_ms)
    if service.pricing == COST_PLUS:
        service.price_msat = int(service.cost_msat * service.calls_per_payment * (1.0 + settings.margin))
    elif service.pricing == SURGE:
        above_half = min(1.0, max(0.0, 2.0 * load - 1.0))
        service.price_msat = int(service.first_price_msat * (1.0 + settings.surge * above_half))
    service.price_msat = max(1, service.price_msat)
    service.window_busy_ms = 0
    schedule(economy, economy.clock[0].now_ms + settings.reprice_ms, REPRICES, service_id)
