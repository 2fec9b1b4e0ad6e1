"""Random small worlds with everything in them: bad channels, bursts, splits, stuck HTLCs, nodes that act.

Hypothesis draws what matters (sizes, behaviours, the acts); a generator seeded by it fills in the rest.
"""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from lnherd.engine.config import CLOTH, SimulationConfig
from lnherd.engine.sizes import SPLICE_OUT_VBYTES
from lnherd.engine.splicing import pending_splice
from lnherd.engine.state import NONE
from lnherd.network.graph import CHANNEL_DTYPE, EDGE_DTYPE, Network
from lnherd.network.records import Records, zero_records
from lnherd.traffic.demand import PAYMENT_DTYPE


@dataclass(frozen=True)
class Act:
    """Something done from outside at ``time_ms``; ``pick`` chooses among what exists then."""

    time_ms: int
    kind: str
    pick: int


@dataclass(frozen=True)
class Scenario:
    """A simulation from start to end."""

    network: Network
    payments: Records
    config: SimulationConfig
    seed: int
    acts: tuple[Act, ...]


ON_CHAIN = ("open", "close", "force_close", "swap_out", "swap_in", "splice_in", "splice_out", "splice_out")
SHOCKS = ("leave", "leave", "return", "hold", "refuse", "behave", "feerate", "shift")
HOP_POLICIES = ("random", "shortest", "cheapest", "balance")
ON_POLICIES = ("fees", "fees", "inbound", "inbound", "disable", "enable", "limits", "hop_policy")
ACTS = (*ON_POLICIES, "rebalance", "send", *ON_CHAIN, *SHOCKS)


def random_network(rng: np.random.Generator, n_nodes: int, n_channels: int) -> Network:
    """A connected-ish network with parallel channels, dead directions and odd policies."""
    channels = zero_records(n_channels, CHANNEL_DTYPE)
    channels.node1 = rng.integers(0, n_nodes, n_channels)
    channels.node2 = (channels.node1 + 1 + rng.integers(0, n_nodes - 1, n_channels)) % n_nodes
    for channel in np.flatnonzero(rng.random(n_channels) < 0.3):  # parallel to another
        twin = rng.integers(n_channels)
        channels.node1[channel], channels.node2[channel] = channels.node2[twin], channels.node1[twin]
    ring = min(n_nodes, n_channels)
    channels.node1[:ring] = np.arange(ring)
    channels.node2[:ring] = (np.arange(ring) + 1) % n_nodes
    channels.capacity_msat = rng.choice([20_000, 100_000, 1_000_000], n_channels) * 1_000 + rng.integers(
        0, 9_999, n_channels
    )
    channels.scid = -1
    near_msat = (channels.capacity_msat * rng.choice([0.0, 0.2, 0.5, 0.8, 1.0], n_channels)).astype(np.int64)
    balance_msat = np.stack([near_msat, channels.capacity_msat - near_msat], axis=1).reshape(-1)
    node_ids = np.array([f"n{index}" for index in range(n_nodes)])
    return Network(node_ids, channels, random_policies(rng, channels), balance_msat=balance_msat)


def random_policies(rng: np.random.Generator, channels: Records) -> Records:
    """Policies ``[2C]`` from a few values each, so that ties and limits are met often."""
    n_edges = 2 * len(channels)
    edges = zero_records(n_edges, EDGE_DTYPE)
    edges.base_fee_msat = rng.choice([0, 1, 1_000, 5_000], n_edges)
    edges.fee_ppm = rng.choice([0, 1, 100, 2_500, 50_000, 2**32 - 1], n_edges, p=[0.2, 0.2, 0.3, 0.19, 0.1, 0.01])
    has_inbound = rng.random(n_edges) < 0.2
    edges.inbound_base_fee_msat = np.where(has_inbound, rng.choice([-1_000, -1, 0, 500], n_edges), 0)
    edges.inbound_fee_ppm = np.where(has_inbound, rng.choice([-2_000, -100, 0, 300], n_edges), 0)
    edges.htlc_min_msat = rng.choice([0, 1, 1_000, 1_000_000], n_edges, p=[0.3, 0.3, 0.3, 0.1])
    capacity_msat = np.repeat(channels.capacity_msat, 2)
    share = rng.choice([0.0, 0.1, 0.99, 1.0], n_edges, p=[0.2, 0.2, 0.4, 0.2])
    edges.htlc_max_msat = (capacity_msat * share).astype(np.int64)
    edges.cltv_delta = rng.choice([18, 34, 40, 144], n_edges)
    edges.enabled = rng.random(n_edges) < 0.9
    return edges


def random_payments(rng: np.random.Generator, n_nodes: int, n_payments: int, span_ms: int) -> Records:
    """Payments of very different sizes, many at the same moment."""
    payments = zero_records(n_payments, PAYMENT_DTYPE)
    payments.start_ms = np.sort(rng.integers(0, span_ms // 50 + 1, n_payments) * 50)
    payments.sender = rng.integers(0, n_nodes, n_payments)
    payments.receiver = (payments.sender + 1 + rng.integers(0, n_nodes - 1, n_payments)) % n_nodes
    payments.amount_msat = np.exp(rng.uniform(np.log(1), np.log(400_000_000), n_payments)).astype(np.int64)
    return payments


@st.composite
def configs(draw, outside: bool) -> SimulationConfig:
    """Either profile, with behaviours and limits that small worlds run into."""
    base = draw(st.sampled_from([SimulationConfig(), SimulationConfig(), CLOTH]))
    changes = {
        "sender": st.sampled_from(["lnd", "lnd", "cheapest", "shortest", "policy", "policy"]),
        "hop_policy": st.sampled_from([*HOP_POLICIES, "external", "external"] if outside else HOP_POLICIES),
        "decision_interval_ms": st.sampled_from([0, 50, 1_000]),
        "policy_attempts": st.sampled_from([1, 5, 16]),
        "trampoline_fee_ppm": st.sampled_from([0, 4_000, 100_000]),
        "max_candidates": st.sampled_from([1, 4, 16]),
        "mpp": st.booleans(),
        "max_parts": st.sampled_from([2, 4, 16]),
        "min_part_msat": st.sampled_from([1, 100_000, 10_000_000]),
        "payment_timeout_ms": st.sampled_from([0, 1_500, 60_000]),
        "fee_limit": st.sampled_from(["lnd", "none"]),
        "stuck_probability": st.sampled_from([0.0, 0.0, 0.2]),
        "stuck_median_ms": st.sampled_from([5_000.0, 200_000.0]),
        "gossip_delay_ms": st.sampled_from([0, 3_000, 90_000]),
        "gossip_sigma": st.sampled_from([0.0, 0.0, 1.0]),
        "update_burst": st.sampled_from([1, 2, 10]),
        "update_interval_ms": st.sampled_from([0, 5_000, 60_000]),
        "feerate_jump_probability": st.sampled_from([0.0, 0.2]),
        "feerate_jump_mean": st.sampled_from([0.05]),
        "announce_confirmations": st.sampled_from([1, 6]),
        "latency_sigma": st.sampled_from([0.0, 0.5, 1.5]),
        "max_outgoing_cltv": st.sampled_from([60, 2016, 2016, 1 << 30]),
        "strict_forwarding": st.booleans(),
        "block_interval_ms": st.sampled_from([600_000.0, 1_000.0]),
        "final_reject_delta": st.sampled_from([0, 19]),
        "mean_availability": st.sampled_from([1.0, 1.0, 0.8]),
        "mean_downtime_ms": st.sampled_from([2_000.0, 60_000.0]),
        "disable_timeout_ms": st.sampled_from([0, 1_000, 1_200_000]),
        "enable_timeout_ms": st.sampled_from([0, 700, 1_140_000]),
    }
    drawn = {name: draw(values) for name, values in changes.items()}
    if base is not CLOTH and draw(st.integers(0, 3)) == 0:
        drawn |= {"sender": "mincostflow", "knowledge_ms": draw(st.sampled_from([2_000.0, 3_600_000.0]))}
    if drawn["sender"] == "lnd" and not base.any_failure_counts and draw(st.booleans()):
        drawn |= {
            "estimator": "bimodal",
            "bimodal_scale_msat": draw(st.sampled_from([1_000_000.0, 30_000_000.0, 300_000_000.0])),
            "bimodal_node_weight": draw(st.sampled_from([0.0, 0.2, 1.0])),
            "bimodal_decay_ms": draw(st.sampled_from([2_000.0, 60_000.0, 604_800_000.0])),
        }
    if drawn["mean_availability"] < 1:  # while blocks are waited for, nodes come and go
        drawn["block_interval_ms"] = 1_000.0
    if base is not CLOTH:
        drawn |= {
            "max_htlcs": draw(st.sampled_from([1, 3, 483])),
            "max_htlcs_cln": draw(st.sampled_from([1, 2, 30])),
            "max_in_flight_ppm": draw(st.sampled_from([300_000, 990_000])),
            "max_dust_msat": draw(st.sampled_from([300_000, 500_000_000])),
            "reserve_ppm": draw(st.sampled_from([0, 10_000, 100_000])),
            "parts_settle_alone": draw(st.sampled_from([False, False, False, True])),
            "capacity_smearing": draw(st.sampled_from([0.0, 0.025])),
        }
    return replace(base, **drawn)


@st.composite
def scenarios(draw, acts: bool = True, outside: bool = False) -> Scenario:
    """A random world; ``acts`` adds policy changes, rebalances, chain operations along the way.

    ``outside``: some nodes may ask from outside where to send what goes hop by hop.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_nodes = draw(st.integers(5, 12))
    n_channels = draw(st.integers(n_nodes, 3 * n_nodes))
    span_ms = draw(st.sampled_from([500, 5_000, 60_000]))
    n_payments = draw(st.integers(1, 30))
    act = st.builds(Act, st.integers(0, 2 * span_ms), st.sampled_from(ACTS), st.integers(0, 10**6))
    network = random_network(rng, n_nodes, n_channels)
    return Scenario(
        network=network,
        payments=random_payments(rng, n_nodes, n_payments, span_ms),
        config=draw(configs(outside)),
        seed=draw(st.integers(0, 2**64 - 1)),
        acts=tuple(sorted(draw(st.lists(act, max_size=8)), key=lambda one: one.time_ms)) if acts else (),
    )


def calls(act: Act, state) -> list[tuple[str, tuple, dict]]:
    """What ``act`` means in the engine's present ``state``: methods to call, on the engine and on its twin alike."""
    rng = np.random.default_rng(act.pick)
    n_edges, n_nodes = len(state.edges), len(state.nodes)
    edge = int(rng.integers(n_edges))
    node, peer = int(state.edges.source[edge]), int(rng.integers(n_nodes))
    amount_msat = int(rng.choice([100_000, 2_000_000, 30_000_000]))
    if act.kind == "fees":
        changes = {"base_fee_msat": int(rng.integers(0, 9_000)), "fee_ppm": int(rng.integers(0, 9_000))}
    elif act.kind in ("disable", "enable"):
        changes = {"enabled": act.kind == "enable"}
    elif act.kind == "hop_policy":
        return [("set_hop_policy", (node, str(rng.choice(HOP_POLICIES))), {})]
    elif act.kind == "inbound":
        changes = {"inbound_base_fee_msat": int(rng.integers(-999, 2_000)), "inbound_fee_ppm": 400}
    elif act.kind == "limits":
        changes = {"htlc_min_msat": 5_000, "htlc_max_msat": int(rng.integers(10_000, 10**8)), "cltv_delta": 100}
    elif act.kind == "send":
        limits = {"first_edge": edge, "fee_limit": int(rng.choice([0, 5_000, 10**9]))}
        return [("send", (node, peer, amount_msat), limits)] if peer != node else []
    elif act.kind == "rebalance":
        ways = [other for other in range(n_edges) if state.edges.source[other] == node and other >> 1 != edge >> 1]
        ends = {"first_edge": edge, "last_edge": int(rng.choice(ways)) ^ 1} if ways else {}
        return [("send", (node, node, amount_msat), ends)] if ways else []
    elif act.kind in SHOCKS:
        return _shocks(act, state, edge, rng)
    else:
        return [("fund", (node, 200_000_000), {}), *_calls_on_chain(act, state, (edge, node, peer), amount_msat)]
    return [("set_policy", (edge,), changes)]


def _calls_on_chain(act: Act, state, where, amount_msat: int) -> list[tuple[str, tuple, dict]]:
    edge, node, peer = where
    if act.kind == "open" and node != peer:
        return [("open_channel", (node, peer, 50_000_000), {})]
    if act.kind == "close" and state.edges[edge].is_open:
        return [("close_channel", (edge,), {})]
    if act.kind == "force_close" and state.edges[edge].is_open:
        return [("force_close", (edge,), {})]
    if act.kind in ("splice_in", "splice_out") and can_splice(act.kind, state, edge, amount_msat):
        return [(act.kind, (edge, amount_msat), {})]
    if act.kind in ("swap_out", "swap_in") and node != state.settings[0].swap_node:
        return [(act.kind, (edge, 5_000_000 + amount_msat), {})]
    return []


def can_splice(kind: str, state, edge: int, amount_msat: int) -> bool:
    """Whether a splice is no bad input: the channel open and at rest, the amount above the fee and there to be had."""
    near, far = state.edges[edge], state.edges[edge ^ 1]
    if not near.is_open or pending_splice(state, edge) != NONE:
        return False
    worth_msat = near.balance_msat + near.in_flight_msat + far.balance_msat + far.in_flight_msat
    is_there = amount_msat <= near.balance_msat - near.reserve_msat and amount_msat < worth_msat
    fee_msat = SPLICE_OUT_VBYTES * state.clock[0].feerate_msat_per_vb
    return kind == "splice_in" or bool(is_there and amount_msat > fee_msat)


def _shocks(act: Act, state, edge: int, rng: np.random.Generator) -> list[tuple[str, tuple, dict]]:
    node = int(state.edges.source[edge])
    conducts = {
        "hold": {"hold_probability": 0.7, "hold_median_ms": 8_000.0, "hold_sigma": float(rng.choice([0.0, 1.0]))},
        "refuse": {"refuse_probability": float(rng.choice([0.5, 1.0]))},
        "behave": {},
    }
    if act.kind in conducts:
        return [("set_conduct", (node,), conducts[act.kind])]
    if act.kind in ("leave", "return"):
        return [("set_online", (node, act.kind == "return"), {})]
    if act.kind == "feerate":
        return [("set_feerate", (int(rng.integers(1_000, 30_000)),), {})]
    if not state.edges.is_open[edge]:
        return []
    return [("shift_liquidity", (edge, int(state.edges.balance_msat[edge]) // int(rng.integers(1, 4))), {})]
