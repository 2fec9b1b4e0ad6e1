"""The agents' side of L402: tasks as chains of calls, each request -> 402 -> payment -> access, with retries."""

import math

from lnherd.economy.agenda import ASKED, CALL_BEGINS, OUTCOME_HEARD, TRIES_AGAIN, USED, schedule
from lnherd.economy.choice import choose_relation, holds_token, judge, worth
from lnherd.economy.draws import agent_exponential_ms, agent_uniform, http_leg_ms
from lnherd.economy.state import (
    ASKING,
    IDLE,
    LATE,
    OVER_BUDGET,
    PAYING,
    REFUSED,
    SERVED,
    THINKING,
    TOO_DEAR,
    UNPAID,
    WAITING,
    EconomyState,
)
from lnherd.engine.codes import SUCCEEDED
from lnherd.engine.jit import jit
from lnherd.engine.state import NONE
from lnherd.network.records import Records
from lnherd.units import MS_PER_HOUR

LND_FULL_FEE_MSAT = 1_000_000
"""Up to here LND lets fees be as large as the payment, above 5 % of it (``lnwallet/parameters.go``)."""
L402 = 0
"""``traffic.demand.PAYMENT_KINDS``."""


@jit
def take_task(economy: EconomyState, agent_id: int) -> None:
    """A task has come: begin it, let it wait, or lose it."""
    agent = economy.agents[agent_id]
    agent.n_tasks += 1
    if agent.phase == IDLE:
        agent.calls_left = _length(economy, agent_id)
        begin_call(economy, agent_id)
    elif agent.backlog < economy.groups[agent.group].backlog:
        agent.backlog += 1
    else:
        agent.n_tasks_lost += 1


@jit
def _length(economy: EconomyState, agent_id: int) -> int:
    """Calls of a task, log-uniform."""
    group = economy.groups[economy.agents[agent_id].group]
    spread = math.log((group.max_calls + 1.0) / group.min_calls)
    return int(group.min_calls * math.exp(spread * agent_uniform(economy, agent_id)))


@jit
def begin_call(economy: EconomyState, agent_id: int) -> None:
    """The next call of the chain."""
    agent = economy.agents[agent_id]
    agent.n_calls += 1
    agent.kind = _kind_needed(economy, agent_id)
    agent.retries = agent.n_payments = 0
    agent.failure = 0
    agent.relation = NONE
    agent.price_msat = agent.fee_msat = 0
    agent.call_ms = economy.clock[0].now_ms
    choose(economy, agent_id)


@jit
def _kind_needed(economy: EconomyState, agent_id: int) -> int:
    shares = economy.groups[economy.agents[agent_id].group].kind_shares
    left = agent_uniform(economy, agent_id)
    for kind in range(len(shares) - 1):
        left -= shares[kind]
        if left < 0.0:
            return kind
    return len(shares) - 1


@jit
def choose(economy: EconomyState, agent_id: int) -> None:
    """Turn to a service, with the token if one is left; or give the call up: nothing is worth it (any more)."""
    agent = economy.agents[agent_id]
    chosen = choose_relation(economy, agent_id)
    if chosen == NONE:
        _give_up(economy, agent_id, TOO_DEAR if agent.retries == 0 else agent.last_failure)
        return
    agent.relation, agent.try_ms = chosen, economy.clock[0].now_ms
    _turn_to_service(economy, agent_id)


@jit
def _turn_to_service(economy: EconomyState, agent_id: int) -> None:
    agent = economy.agents[agent_id]
    is_paid = holds_token(economy, agent.relation)
    agent.phase = WAITING if is_paid else ASKING
    arrival_ms = economy.clock[0].now_ms + http_leg_ms(economy, agent_id)
    schedule(economy, arrival_ms, USED if is_paid else ASKED, agent_id)


@jit
def hear_price(economy: EconomyState, agent_id: int) -> None:
    """402: pay if the price is worth it and affordable."""
    agent = economy.agents[agent_id]
    relation, group = economy.relations[agent.relation], economy.groups[agent.group]
    relation.price_msat = agent.quote_msat
    if agent.quote_msat > group.max_price_msat or worth(economy, agent_id, agent.relation) < 0.0:
        _retry(economy, agent_id, TOO_DEAR)
        return
    _refill(economy, agent_id)
    if agent.quote_msat > agent.budget_msat:
        _give_up(economy, agent_id, OVER_BUDGET)
        return
    agent.budget_msat -= agent.quote_msat
    agent.phase = PAYING
    agent.n_payments += 1
    _post_payment(economy, agent_id)


@jit
def _refill(economy: EconomyState, agent_id: int) -> None:
    agent, now_ms = economy.agents[agent_id], economy.clock[0].now_ms
    earned = agent.budget_per_hour_msat * (now_ms - agent.budget_ms) // MS_PER_HOUR
    agent.budget_msat = min(agent.budget_per_hour_msat, agent.budget_msat + earned)
    agent.budget_ms = now_ms


@jit
def _post_payment(economy: EconomyState, agent_id: int) -> None:
    clock, agent = economy.clock[0], economy.agents[agent_id]
    payment = economy.outbox[clock.n_outbox]
    payment.start_ms, payment.amount_msat = clock.now_ms, agent.quote_msat
    payment.sender, payment.kind = agent.node, L402
    payment.receiver = economy.services[economy.relations[agent.relation].service].node
    limit = agent.quote_msat if agent.quote_msat <= LND_FULL_FEE_MSAT else agent.quote_msat // 20
    economy.outbox_fee_limit_msat[clock.n_outbox] = min(limit, economy.groups[agent.group].max_fee_msat)
    agent.payment = clock.next_payment
    clock.next_payment += 1
    clock.n_outbox += 1
    economy.waiting[clock.n_waiting] = agent_id
    clock.n_waiting += 1


@jit
def note_outcomes(economy: EconomyState, payments: Records) -> None:
    """Put the outcome of every finished payment on the agenda, ``notice_ms`` after its end."""
    clock, position = economy.clock[0], 0
    while position < clock.n_waiting:
        agent_id = economy.waiting[position]
        payment = payments[economy.agents[agent_id].payment]
        if payment.status < SUCCEEDED:
            position += 1
            continue
        schedule(economy, payment.end_ms + economy.settings[0].notice_ms, OUTCOME_HEARD, agent_id)
        clock.n_waiting -= 1
        economy.waiting[position] = economy.waiting[clock.n_waiting]


@jit
def hear_outcome(economy: EconomyState, payments: Records, agent_id: int) -> None:
    """The wallet reports: with a preimage the service is used, without one the call is tried again."""
    agent = economy.agents[agent_id]
    payment, relation = payments[agent.payment], economy.relations[agent.relation]
    service = economy.services[relation.service]
    if payment.status != SUCCEEDED:
        service.n_unpaid += 1
        agent.budget_msat += agent.quote_msat
        agent.failure = payment.failure
        judge(economy, agent_id, False)
        _retry(economy, agent_id, UNPAID)
        return
    service.n_sold += 1
    service.revenue_msat += agent.quote_msat
    agent.budget_msat -= payment.fee_msat
    agent.price_msat += agent.quote_msat
    agent.fee_msat += payment.fee_msat
    rate = economy.groups[agent.group].learning_rate
    relation.fee_msat += rate * (payment.fee_msat - relation.fee_msat)
    if relation.valid_until_ms <= economy.clock[0].now_ms:
        relation.calls_left = 0
    relation.calls_left += service.calls_per_payment
    relation.valid_until_ms = economy.clock[0].now_ms + service.valid_ms
    _turn_to_service(economy, agent_id)


@jit
def is_turned_away(economy: EconomyState, agent_id: int) -> None:
    """503: the service is down or full."""
    judge(economy, agent_id, False)
    _retry(economy, agent_id, REFUSED)


@jit
def is_answered(economy: EconomyState, agent_id: int) -> None:
    """The answer is there; the task goes on or is done."""
    agent, now_ms = economy.agents[agent_id], economy.clock[0].now_ms
    judge(economy, agent_id, True)
    is_late = now_ms - agent.call_ms > economy.groups[agent.group].patience_ms
    _log_call(economy, agent_id, LATE if is_late else SERVED)
    if not is_late:
        agent.n_served += 1
        agent.value_msat += agent.utility_msat[agent.kind]
    agent.calls_left -= 1
    if agent.calls_left > 0:
        _think(economy, agent_id)
        return
    agent.n_tasks_done += 1
    _rest(economy, agent_id)


@jit
def _think(economy: EconomyState, agent_id: int) -> None:
    agent, now_ms = economy.agents[agent_id], economy.clock[0].now_ms
    agent.phase = THINKING
    pause_ms = agent_exponential_ms(economy, agent_id, economy.groups[agent.group].think_ms)
    schedule(economy, now_ms + pause_ms, CALL_BEGINS, agent_id)


@jit
def _retry(economy: EconomyState, agent_id: int, reason: int) -> None:
    """Try the call again after a pause, unless patience or tries have run out."""
    agent, now_ms = economy.agents[agent_id], economy.clock[0].now_ms
    group = economy.groups[agent.group]
    agent.retries += 1
    agent.last_failure = reason
    if agent.retries > group.max_retries or now_ms - agent.call_ms > group.patience_ms:
        _give_up(economy, agent_id, reason)
        return
    agent.phase = ASKING
    mean_ms = group.backoff_ms * 2.0 ** (agent.retries - 1)
    schedule(economy, now_ms + agent_exponential_ms(economy, agent_id, mean_ms), TRIES_AGAIN, agent_id)


@jit
def _give_up(economy: EconomyState, agent_id: int, outcome: int) -> None:
    """The call, and with it its task, is lost."""
    agent = economy.agents[agent_id]
    _log_call(economy, agent_id, outcome)
    agent.n_tasks_lost += 1
    _rest(economy, agent_id)


@jit
def _rest(economy: EconomyState, agent_id: int) -> None:
    """Nothing is left of the task; begin the next that waits, after a pause."""
    agent = economy.agents[agent_id]
    agent.calls_left = 0
    agent.phase = IDLE
    if agent.backlog > 0:
        agent.backlog -= 1
        agent.calls_left = _length(economy, agent_id)
        _think(economy, agent_id)


@jit
def _log_call(economy: EconomyState, agent_id: int, outcome: int) -> None:
    clock, agent = economy.clock[0], economy.agents[agent_id]
    call = economy.calls[clock.n_calls]
    clock.n_calls += 1
    call.start_ms, call.end_ms = agent.call_ms, clock.now_ms
    call.agent, call.kind, call.outcome = agent_id, agent.kind, outcome
    call.service = NONE if agent.relation == NONE else economy.relations[agent.relation].service
    call.price_msat, call.fee_msat = agent.price_msat, agent.fee_msat
    call.payments, call.failure = agent.n_payments, agent.failure
    agent.spent_msat += agent.price_msat
    agent.fees_msat += agent.fee_msat
