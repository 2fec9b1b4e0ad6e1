"""What became of an economy: tidy tables and one dictionary of figures. Sat in tables, msat inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lnherd.economy.config import KINDS
from lnherd.economy.economy import Economy
from lnherd.economy.state import OUTCOMES, SERVED
from lnherd.engine import Simulation
from lnherd.engine.codes import FAILED, FAILURE_NAMES, SUCCEEDED
from lnherd.network.records import Bools, Floats, Ints, Records
from lnherd.units import MS_PER_HOUR, MSAT_PER_SAT

DRAINED = 0.1
"""A channel is drained when one side has less than this share of what both sides have."""
INTERVAL_COLUMNS = (
    "start_h", "calls", *OUTCOMES, "payments", "payments_succeeded", "spent_sat", "fees_sat", "fee_share",
    "cost_per_call_sat", "latency_p50_s", "latency_p95_s", "drained_share",
)  # fmt: skip
SERVICE_COLUMNS = (
    "service", "node", "kind", "first_price_sat", "price_sat", "requests", "turned_away", "challenges", "sold",
    "unpaid", "served", "utilisation", "revenue_sat", "costs_sat", "profit_sat",
)  # fmt: skip
AGENT_COLUMNS = (
    "agent", "node", "group", "tasks", "tasks_done", "tasks_lost", "calls", "served", "value_sat", "spent_sat",
    "fees_sat", "surplus_sat",
)  # fmt: skip
CALL_COLUMNS = (
    "start_ms", "end_ms", "agent", "service", "kind", "outcome", "payments", "failure", "price_msat", "fee_msat"
)  # fmt: skip


@dataclass(frozen=True)
class DepletionSample:
    """How drained channels were at one time."""

    time_ms: int
    """When."""
    drained_share: float
    """Share of the channels in use that were drained."""
    gini: float
    """Gini coefficient of their imbalance, |near - far| / (near + far)."""


def sample_depletion(simulation: Simulation) -> DepletionSample:
    """Look at the channels that have carried a payment so far."""
    used = _used(simulation)
    near = simulation.state.edges.balance_msat.reshape(-1, 2)[used]
    share = near[:, 0] / np.maximum(1, near.sum(axis=1))
    drained = float(_drained(share).mean()) if len(share) else 0.0
    return DepletionSample(simulation.now_ms, drained, gini(np.abs(2 * share - 1)))


def _used(simulation: Simulation) -> Bools:
    """``[C]`` channels over which something has settled."""
    used: Bools = (simulation.state.flows.n_settled.reshape(-1, 2) > 0).any(axis=1)
    return used


def _drained(share: Floats) -> Bools:
    drained: Bools = (share < DRAINED) | (share > 1 - DRAINED)
    return drained


def drained_at_first(simulation: Simulation) -> float:
    """Share of the channels in use by now that were drained before anything happened."""
    used = _used(simulation)
    near = simulation.state.edges.initial_balance_msat.reshape(-1, 2)[used]
    return float(_drained(near[:, 0] / np.maximum(1, near.sum(axis=1))).mean()) if used.any() else 0.0


def gini(values: Floats | Ints) -> float:
    """Gini coefficient of non-negative values: 0 when all are equal, towards 1 when one has all; 0 of nothing."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    total = ordered.sum()
    if not total > 0:
        return 0.0
    rank = np.arange(1, len(ordered) + 1)
    return float((2 * rank - len(ordered) - 1) @ ordered / (len(ordered) * total))


def summarise(economy: Economy) -> dict[str, Any]:
    """Figures of the whole run. Transfers cancel in the welfare: it is the worth of answers less their costs."""
    calls, services, agents, simulation = economy.calls, economy.services, economy.agents, economy.simulation
    payments = machine_payments(economy)
    is_paid = payments.status == SUCCEEDED
    n_served = max(1, int((calls.outcome == SERVED).sum()))
    value, spent, fees = (int(agents[name].sum()) for name in ("value_msat", "spent_msat", "fees_msat"))
    revenue, costs = int(services.revenue_msat.sum()), int(services.costs_msat.sum())
    return {
        "simulated_h": economy.now_ms / MS_PER_HOUR,
        "agents": len(agents),
        "services": len(services),
        "nodes": simulation.network.n_nodes,
        "channels": simulation.network.n_channels,
        "tasks": int(agents.n_tasks.sum()),
        "tasks_done": int(agents.n_tasks_done.sum()),
        "tasks_lost": int(agents.n_tasks_lost.sum()),
        "calls": len(calls),
        **{f"calls_{name}": int((calls.outcome == code).sum()) for code, name in enumerate(OUTCOMES)},
        "served_share": _share(calls.outcome == SERVED),
        "payments": len(payments),
        "payment_success": _share(is_paid),
        "payment_failures": _failures(payments),
        "background_payments": int(simulation.state.clock[0].n_scheduled),
        "background_success": _background_success(economy),
        **_latencies(calls[calls.outcome == SERVED]),
        "payment_s_median": _median((payments.end_ms - payments.start_ms)[is_paid]) / 1_000,
        "cost_per_call_sat": (spent + fees) / n_served / MSAT_PER_SAT,
        "price_per_call_sat": spent / n_served / MSAT_PER_SAT,
        "fee_share_of_price": fees / max(1, spent),
        "value_sat": value / MSAT_PER_SAT,
        "agents_surplus_sat": (value - spent - fees) / MSAT_PER_SAT,
        "services_profit_sat": (revenue - costs) / MSAT_PER_SAT,
        "routing_fees_sat": fees / MSAT_PER_SAT,
        "welfare_sat": (value - costs) / MSAT_PER_SAT,
        "gini_service_revenue": gini(services.revenue_msat),
        "gini_agent_value": gini(agents.value_msat),
        "gini_channel_imbalance": sample_depletion(simulation).gini,
        "channels_used": int(_used(simulation).sum()),
        "drained_share_at_first": drained_at_first(simulation),
        "drained_share": sample_depletion(simulation).drained_share,
    }


def machine_payments(economy: Economy) -> Records:
    """The payments for calls that have ended; those of the background were there from the start."""
    payments = economy.simulation.payments[economy.simulation.state.clock[0].n_scheduled :]
    ended: Records = payments[payments.status >= SUCCEEDED]
    return ended


def _background_success(economy: Economy) -> float | None:
    background = economy.simulation.payments[: economy.simulation.state.clock[0].n_scheduled]
    ended = background[background.status >= SUCCEEDED]
    return _share(ended.status == SUCCEEDED) if len(ended) else None


def _failures(payments: Records) -> dict[str, int]:
    codes, counts = np.unique(payments.failure[payments.status == FAILED], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {FAILURE_NAMES[int(codes[index])]: int(counts[index]) for index in order}


def _latencies(served: Records) -> dict[str, float | None]:
    taken_s = (served.end_ms - served.start_ms) / 1_000
    names = {"latency_p50_s": 50, "latency_p95_s": 95, "latency_p99_s": 99}
    return {name: float(np.percentile(taken_s, rank)) if len(taken_s) else None for name, rank in names.items()}


def _share(mask: Bools) -> float:
    return float(np.mean(mask)) if len(mask) else 0.0


def _median(values: Records) -> float:
    return float(np.median(values)) if len(values) else 0.0


def interval_rows(economy: Economy, samples: Sequence[DepletionSample]) -> list[tuple[Any, ...]]:
    """One row for each interval between two samples of the channels (the first at time 0), INTERVAL_COLUMNS."""
    calls, payments = economy.calls, machine_payments(economy)
    rows = []
    for start, end in pairwise(samples):
        part = calls[np.searchsorted(calls.end_ms, start.time_ms) : np.searchsorted(calls.end_ms, end.time_ms)]
        paid = payments[(payments.end_ms >= start.time_ms) & (payments.end_ms < end.time_ms)]
        rows.append((start.time_ms / MS_PER_HOUR, *_interval(part, paid), round(end.drained_share, 5)))
    return rows


def _interval(calls: Records, payments: Records) -> tuple[Any, ...]:
    outcomes = np.bincount(calls.outcome, minlength=len(OUTCOMES)).tolist()
    spent_sat, fees_sat = calls.price_msat.sum() / MSAT_PER_SAT, calls.fee_msat.sum() / MSAT_PER_SAT
    latency = _latencies(calls[calls.outcome == SERVED])
    return (
        len(calls),
        *outcomes,
        len(payments),
        int((payments.status == SUCCEEDED).sum()),
        float(spent_sat),
        float(fees_sat),
        float(fees_sat / spent_sat) if spent_sat else None,
        float((spent_sat + fees_sat) / outcomes[SERVED]) if outcomes[SERVED] else None,
        latency["latency_p50_s"],
        latency["latency_p95_s"],
    )


def service_rows(economy: Economy) -> list[tuple[Any, ...]]:
    """One row a service, SERVICE_COLUMNS."""
    return [
        (
            index, int(each.node), KINDS[each.kind], each.first_price_msat / 1e3, each.price_msat / 1e3,
            int(each.n_requests), int(each.n_turned_away), int(each.n_challenges), int(each.n_sold),
            int(each.n_unpaid), int(each.n_served), round(each.busy_ms / (int(each.slots) * max(1, economy.now_ms)), 6),
            each.revenue_msat / 1e3, each.costs_msat / 1e3, (each.revenue_msat - each.costs_msat) / 1e3,
        )
        for index, each in enumerate(economy.services)
    ]  # fmt: skip


def agent_rows(economy: Economy) -> list[tuple[Any, ...]]:
    """One row an agent, AGENT_COLUMNS."""
    return [
        (
            index, int(each.node), int(each.group), int(each.n_tasks), int(each.n_tasks_done), int(each.n_tasks_lost),
            int(each.n_calls), int(each.n_served), each.value_msat / 1e3, each.spent_msat / 1e3, each.fees_msat / 1e3,
            (each.value_msat - each.spent_msat - each.fees_msat) / 1e3,
        )
        for index, each in enumerate(economy.agents)
    ]  # fmt: skip


def call_rows(calls: Records) -> list[tuple[Any, ...]]:
    """One row a call, CALL_COLUMNS."""
    return [
        (
            int(each.start_ms), int(each.end_ms), int(each.agent), int(each.service), KINDS[each.kind],
            OUTCOMES[each.outcome], int(each.payments), FAILURE_NAMES[int(each.failure)], int(each.price_msat),
            int(each.fee_msat),
        )
        for each in calls
    ]  # fmt: skip
