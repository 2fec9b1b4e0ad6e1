"""The state of an economy: a NamedTuple of few record arrays, like the engine's.

Agents have at most one call under way, so everything about the present call stands in the agent's record. What an
agent thinks of a service, and the token it holds there, is a *relation*; the relations of an agent are neighbours.
"""

from typing import NamedTuple

import numpy as np

from lnherd.economy.config import N_KINDS
from lnherd.engine.by_reference import by_reference
from lnherd.network.records import Ints, Records

IDLE, THINKING, ASKING, PAYING, WAITING = 0, 1, 2, 3, 4
"""What an agent is doing: nothing, between calls, waiting for a price, for its payment, for the answer."""

SERVED, TOO_DEAR, OVER_BUDGET, UNPAID, REFUSED, LATE = 0, 1, 2, 3, 4, 5
OUTCOMES = ("served", "too_dear", "over_budget", "unpaid", "refused", "late")
"""How a call ended: answered in time; no service was worth its price; not affordable; not paid after all retries;
turned away by the service after all retries; answered, but later than the agent's patience."""

SETTINGS_DTYPE = np.dtype(
    [
        ("seed", "u8"),
        ("notice_ms", "i8"),
        ("http_ms", "f8"),
        ("http_sigma", "f8"),
        ("burst_factor", "f8"),
        ("mean_calm_ms", "f8"),
        ("mean_burst_ms", "f8"),
        ("reprice_ms", "i8"),
        ("margin", "f8"),
        ("surge", "f8"),
        ("start_hour", "f8"),
    ]
)

CLOCK_DTYPE = np.dtype(
    [
        ("now_ms", "i8"),
        ("n_events", "i8"),
        ("n_calls", "i8"),
        ("n_waiting", "i8"),
        ("n_outbox", "i8"),
        ("next_payment", "i8"),
        ("n_moods", "i8"),
        ("is_burst", "?"),
    ]
)

SERVICE_DTYPE = np.dtype(
    [
        ("node", "i4"),
        ("group", "i4"),
        ("kind", "u1"),
        ("pricing", "u1"),
        ("is_up", "?"),
        ("price_msat", "i8"),
        ("first_price_msat", "i8"),
        ("cost_msat", "i8"),
        ("calls_per_payment", "i4"),
        ("valid_ms", "i8"),
        ("slots", "i4"),
        ("busy", "i4"),
        ("service_ms", "f8"),
        ("mean_up_ms", "f8"),
        ("mean_down_ms", "f8"),
        ("n_toggles", "i8"),
        ("window_busy_ms", "i8"),
        # totals
        ("n_requests", "i8"),
        ("n_turned_away", "i8"),
        ("n_challenges", "i8"),
        ("n_sold", "i8"),
        ("n_unpaid", "i8"),
        ("n_served", "i8"),
        ("busy_ms", "i8"),
        ("revenue_msat", "i8"),
        ("costs_msat", "i8"),
    ]
)
"""``n_challenges`` are the 402 answers, ``n_sold`` and ``n_unpaid`` the payments that succeeded and failed."""

GROUP_DTYPE = np.dtype(
    [
        ("tasks_per_ms", "f8"),
        ("min_calls", "i8"),
        ("max_calls", "i8"),
        ("kind_shares", "f8", (N_KINDS,)),
        ("max_price_msat", "i8"),
        ("max_fee_msat", "i8"),
        ("patience_ms", "i8"),
        ("max_retries", "i8"),
        ("backoff_ms", "f8"),
        ("think_ms", "f8"),
        ("delay_msat_per_ms", "f8"),
        ("temperature", "f8"),
        ("learning_rate", "f8"),
        ("forget_ms", "f8"),
        ("branching", "f8"),
        ("trigger_ms", "f8"),
        ("diurnal", "f8"),
        ("peak_hour", "f8"),
        ("moody", "?"),
        ("backlog", "i8"),
    ]
)

AGENT_DTYPE = np.dtype(
    [
        ("node", "i4"),
        ("group", "i4"),
        ("relations_start", "i4"),
        ("relations_end", "i4"),
        ("utility_msat", "i8", (N_KINDS,)),
        ("budget_msat", "i8"),
        ("budget_per_hour_msat", "i8"),
        ("budget_ms", "i8"),
        # the present task and call
        ("phase", "u1"),
        ("kind", "u1"),
        ("failure", "u1"),
        ("last_failure", "u1"),
        ("retries", "i2"),
        ("n_payments", "i2"),
        ("backlog", "i4"),
        ("calls_left", "i4"),
        ("relation", "i4"),
        ("call_ms", "i8"),
        ("try_ms", "i8"),
        ("quote_msat", "i8"),
        ("payment", "i8"),
        ("price_msat", "i8"),
        ("fee_msat", "i8"),
        # counters of random draws and totals
        ("n_arrivals", "i8"),
        ("n_draws", "i8"),
        ("n_tasks", "i8"),
        ("n_tasks_done", "i8"),
        ("n_tasks_lost", "i8"),
        ("n_calls", "i8"),
        ("n_served", "i8"),
        ("value_msat", "i8"),
        ("spent_msat", "i8"),
        ("fees_msat", "i8"),
    ]
)
"""``failure`` is the last payment's, ``last_failure`` (an outcome) the last try's.
``value_msat``: worth of all answers in time; ``spent_msat``, ``fees_msat``: what prices and routing took."""

RELATION_DTYPE = np.dtype(
    [
        ("service", "i4"),
        ("calls_left", "i4"),
        ("valid_until_ms", "i8"),
        ("price_msat", "i8"),
        ("reliability", "f8"),
        ("latency_ms", "f8"),
        ("fee_msat", "f8"),
        ("judged_ms", "i8"),
    ]
)
"""``price_msat`` is the price last heard; ``reliability``, ``latency_ms``, ``fee_msat`` are running means."""

CALL_DTYPE = np.dtype(
    [
        ("start_ms", "i8"),
        ("end_ms", "i8"),
        ("price_msat", "i8"),
        ("fee_msat", "i8"),
        ("agent", "i4"),
        ("service", "i4"),
        ("payments", "i2"),
        ("kind", "u1"),
        ("outcome", "u1"),
        ("failure", "u1"),
    ]
)
"""One finished call: what was paid for it (nothing when a token was left), payments tried, ``outcome`` an index into
OUTCOMES, ``failure`` the last payment's code (``engine.codes.FAILURE_NAMES``), ``service`` -1 where none was chosen."""

EVENT_DTYPE = np.dtype([("time_ms", "i8"), ("order", "i8")])
"""``order`` is kind << 32 | subject: what ties are broken by does not depend on how time was sliced."""


@by_reference
class EconomyState(NamedTuple):
    """Everything that changes while an economy runs."""

    settings: Records  # [1]
    clock: Records  # [1]
    services: Records  # [S]
    groups: Records  # [G] of agents
    agents: Records  # [A]
    relations: Records  # [R] grouped by agent
    events: Records  # binary heap, grows
    calls: Records  # pool, grows
    waiting: Records  # [A] int32: agents whose payment is under way, the first n_waiting
    outbox: Records  # [A] PAYMENT_DTYPE: payments to hand to the engine, the first n_outbox
    outbox_fee_limit_msat: Ints  # [A]
