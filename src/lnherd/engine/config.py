"""How a simulation behaves: one frozen dataclass, translated once into the engine's settings record."""

from dataclasses import dataclass, fields, replace
from typing import Any

from lnherd.engine.codes import (
    ESTIMATOR_APRIORI,
    ESTIMATOR_BIMODAL,
    LATENCY_CLOTH,
    LATENCY_LOG_NORMAL,
    POLICY_BALANCE,
    POLICY_CHEAPEST,
    POLICY_EXTERNAL,
    POLICY_NETWORK,
    POLICY_RANDOM,
    POLICY_SHORTEST,
    SENDER_CHEAPEST,
    SENDER_LND,
    SENDER_MINCOSTFLOW,
    SENDER_SHORTEST,
)
from lnherd.engine.hop_state import MAX_CANDIDATES
from lnherd.engine.state import MAX_HOPS, SETTINGS_DTYPE
from lnherd.errors import InputError
from lnherd.network.records import Records, zero_records
from lnherd.units import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE

SENDERS = {
    "lnd": SENDER_LND,
    "cheapest": SENDER_CHEAPEST,
    "shortest": SENDER_SHORTEST,
    "mincostflow": SENDER_MINCOSTFLOW,
    "policy": SENDER_LND,  # for payments whose channels are prescribed
}
HOP_POLICIES = {
    "random": POLICY_RANDOM,
    "shortest": POLICY_SHORTEST,
    "cheapest": POLICY_CHEAPEST,
    "balance": POLICY_BALANCE,
    "network": POLICY_NETWORK,
    "external": POLICY_EXTERNAL,
}
ESTIMATORS = {"apriori": ESTIMATOR_APRIORI, "bimodal": ESTIMATOR_BIMODAL}
LATENCIES = {"log-normal": LATENCY_LOG_NORMAL, "cloth": LATENCY_CLOTH}
FEE_LIMITS = ("lnd", "none")
MAX_PARTS = 64
"""As many records as one event may take from a pool (``loop.HEADROOM``)."""
_ANY = 1 << 60
LIMITS = {
    "max_parts": (1, MAX_PARTS),
    "min_part_msat": (1, _ANY),
    "payment_timeout_ms": (0, _ANY),
    "policy_attempts": (1, 4000),
    "trampoline_fee_base_msat": (0, _ANY),
    "trampoline_fee_ppm": (0, 1_000_000),
    "decision_interval_ms": (0, 10**9),
    "max_candidates": (1, MAX_CANDIDATES),
    "attempt_cost_msat": (0, _ANY),
    "attempt_cost_ppm": (0, 1_000_000),
    "risk_factor": (0, 1),
    "hop_probability": (0, 1),
    "apriori_weight": (0, 1),
    "success_probability": (0, 1),
    "half_life_ms": (0, _ANY),
    "capacity_fraction": (0, 1),
    "capacity_smearing": (0, 1),
    "bimodal_scale_msat": (1, _ANY),
    "bimodal_node_weight": (0, 1),
    "bimodal_decay_ms": (1, _ANY),
    "knowledge_ms": (1, _ANY),
    "hop_limit": (1, MAX_HOPS),
    "cltv_limit": (0, 1 << 30),
    "max_outgoing_cltv": (0, 1 << 30),
    "final_cltv": (0, 1 << 30),
    "latency_median_ms": (0, 10**9),
    "latency_sigma": (0, 10**6),
    "stuck_probability": (0, 1),
    "stuck_median_ms": (0, 10**9),
    "gossip_delay_ms": (0, 10**12),
    "gossip_sigma": (0, 5),
    "update_burst": (1, 10**6),
    "update_interval_ms": (0, 10**12),
    "mean_availability": (0.01, 1),
    "mean_downtime_ms": (1, 10**12),
    "churn_sigma": (0, 5),
    "disable_timeout_ms": (0, 10**12),
    "enable_timeout_ms": (0, 10**12),
    "reserve_ppm": (0, 1_000_000),
    "max_htlcs": (0, 1 << 30),
    "max_htlcs_cln": (0, 1 << 30),
    "max_in_flight_ppm": (0, 1_000_000),
    "dust_limit_msat": (0, _ANY),
    "max_dust_msat": (0, _ANY),
    "block_interval_ms": (1, 10**12),
    "feerate_median_msat_per_vb": (0, 10**9),
    "feerate_sigma": (0, 5),
    "feerate_reversion": (0, 1),
    "feerate_jump_probability": (0, 1),
    "feerate_jump_mean": (0, 5),
    "open_confirmations": (0, 10**6),
    "announce_confirmations": (0, 10**6),
    "close_confirmations": (0, 10**6),
    "swap_confirmations": (0, 10**6),
    "splice_confirmations": (0, 10**6),
    "claim_confirmations": (0, 10**6),
    "outgoing_broadcast_delta": (0, 10**6),
    "incoming_broadcast_delta": (0, 10**6),
    "outgoing_reject_delta": (0, 10**6),
    "final_reject_delta": (0, 10**6),
    "swap_fee_ppm": (0, 1_000_000),
}
"""Least and most each setting may be: the ranges within which the engine's integers and laws hold."""


@dataclass(frozen=True)
class SimulationConfig:
    """Behaviour of senders, channels, messages and chain. Defaults are LND's (reference: lnd 90ea05d)."""

    sender: str = "lnd"
    """How payers find routes: lnd, cheapest, shortest or mincostflow; or policy: hop by hop, without a route."""
    hop_policy: str = "shortest"
    """Hop by hop, how nodes choose: random, shortest, cheapest, balance, network or external (asked from outside)."""
    policy_attempts: int = 16
    """Hop by hop, attempts of one payment, parts counted one by one, after which it fails."""
    trampoline_fee_base_msat: int = 4_000
    """Hop by hop, what a payer offers for fees, fixed part (Phoenix: 4 sat + 0.4 %), within the fee limit."""
    trampoline_fee_ppm: int = 4_000
    """Hop by hop, what a payer offers for fees, share of the amount."""
    decision_interval_ms: int = 0
    """Hop by hop, nodes decide at multiples of this (LND commits in batches every 50 ms); 0 decides at once."""
    max_candidates: int = 16
    """Hop by hop, channels offered to a network or from outside: the nearest to the receiver, then the cheapest."""
    estimator: str = "apriori"
    """What the lnd sender takes the chances of a hop from: apriori or bimodal."""
    mpp: bool = True
    """Whether payments may be split into parts."""
    max_parts: int = 16
    """Most parts of one payment at a time."""
    min_part_msat: int = 10_000_000
    """Smallest part a payment is split into (LND DefaultShardMinAmt)."""
    payment_timeout_ms: int = 60_000
    """No new attempt starts later than this after the payment's start."""
    fee_limit: str = "lnd"
    """What a payer spends on fees at most: lnd (100 % up to 1,000 sat, 5 % above) or none."""
    attempt_cost_msat: int = 100_000
    """Virtual cost of a failed attempt, fixed part."""
    attempt_cost_ppm: int = 1_000
    """Virtual cost of a failed attempt, share of the amount."""
    risk_factor: float = 15e-9
    """Cost of locking one unit for one block."""
    hop_probability: float = 0.6
    """Prior that an untried hop succeeds."""
    apriori_weight: float = 0.5
    """Weight of the prior against a node's record."""
    success_probability: float = 0.95
    """Probability of a pair that succeeded before."""
    half_life_ms: float = 1.0 * MS_PER_HOUR
    """Time after which half of a failure is forgiven."""
    min_probability: float = 0.01
    """Routes less likely than this are not tried."""
    capacity_fraction: float = 0.9999
    """Share of a capacity at which its probability factor is one half."""
    capacity_smearing: float = 0.025
    """Width of that transition; 0 switches the factor off."""
    bimodal_scale_msat: float = 300_000_000.0
    """How far the liquidity of a channel strays from its ends (LND DefaultBimodalScaleMsat)."""
    bimodal_node_weight: float = 0.2
    """Weight of another channel of the node against the channel itself."""
    bimodal_decay_ms: float = 7.0 * MS_PER_DAY
    """Time after which news has faded to 1/e."""
    knowledge_ms: float = 1.0 * MS_PER_HOUR
    """Time after which a mincostflow sender has forgotten what it learned of a channel (CLN renepay, askrene-age)."""
    hop_limit: int = 20
    """Longest route."""
    cltv_limit: int = 2016
    """Most blocks a payment may stay locked."""
    final_cltv: int = 40
    """Blocks the receiver asks for."""
    any_failure_counts: bool = False
    """CLoTH: a failure of any amount counts against every amount, and success restores nothing."""
    parts_split_once: bool = False
    """CLoTH: one split into two halves, only when the very first search finds nothing."""
    parts_settle_alone: bool = False
    """CLoTH: parts settle one by one, so a failed payment may be half paid."""
    search_before_start: bool = False
    """CLoTH: the first route is computed without what the sender has learned."""
    strict_forwarding: bool = False
    """CLoTH: a node uses the very channel the onion names, never a parallel one that could carry the HTLC."""
    max_outgoing_cltv: int = 2016
    """Most blocks a node lets an HTLC it forwards stay locked (LND DefaultMaxOutgoingCltvExpiry)."""
    latency: str = "log-normal"
    """What the time per hop and direction is drawn from: log-normal or cloth."""
    latency_median_ms: float = 100.0
    """Median time for one message over one hop (an assumption; CLoTH's mean)."""
    latency_sigma: float = 0.5
    """Spread of the log (or, for cloth, of the milliseconds)."""
    stuck_probability: float = 0.0
    """Chance that an HTLC gets stuck at a hop."""
    stuck_median_ms: float = 10.0 * MS_PER_MINUTE
    """Median time an HTLC is stuck."""
    gossip_delay_ms: int = 90_000
    """Time until a new policy is heard by everybody (LND trickle)."""
    gossip_sigma: float = 0.0
    """Spread of the logarithm of that time, drawn for every update."""
    update_burst: int = 10
    """Updates of one direction of a channel that are relayed at once (LND ``max-channel-update-burst``)."""
    update_interval_ms: int = MS_PER_MINUTE
    """Time after which one more is (LND ``channel-update-interval``); what came too early is heard then."""
    mean_availability: float = 1.0
    """Share of the time a node is online; 1 means that none ever leaves by itself."""
    mean_downtime_ms: float = 1.0 * MS_PER_HOUR
    """Mean time a node that left stays away (an assumption)."""
    churn_sigma: float = 1.5
    """Spread of the logarithm of the times online and offline: most are short, a few very long."""
    disable_timeout_ms: int = 20 * MS_PER_MINUTE
    """How long a peer is away until its channels are announced disabled (LND ``chan-disable-timeout``)."""
    enable_timeout_ms: int = 19 * MS_PER_MINUTE
    """How long it is back until they are announced enabled (LND ``chan-enable-timeout``)."""
    reserve_ppm: int = 10_000
    """Channel reserve, share of the capacity (BOLT 2 suggests 1 %)."""
    max_htlcs: int = 483
    """Accepted HTLCs per direction (BOLT 2 maximum, LND's default)."""
    max_htlcs_cln: int = 30
    """The same for receiving nodes that announce Core Lightning's default time lock of 34 blocks."""
    max_in_flight_ppm: int = 990_000
    """Value in flight per direction, share of the capacity."""
    dust_limit_msat: int = 354_000
    """Below this an HTLC has no output (BOLT 2)."""
    max_dust_msat: int = 500_000_000
    """Most dust pending on one direction (LND MaxFeeExposure)."""
    block_interval_ms: float = 10.0 * MS_PER_MINUTE
    """Mean time between blocks."""
    feerate_median_msat_per_vb: float = 3_000.0
    """Median on-chain fee rate."""
    feerate_sigma: float = 0.03
    """Noise of its logarithm per block."""
    feerate_reversion: float = 0.005
    """Share of the deviation of the logarithm that decays per block."""
    feerate_jump_probability: float = 0.0
    """Chance per block that the mempool floods and the logarithm jumps up."""
    feerate_jump_mean: float = 1.5
    """Mean of such a jump, which is exponential: 1.5 is a factor of 4.5."""
    open_confirmations: int = 3
    """Blocks until an opened channel is usable."""
    announce_confirmations: int = 6
    """Blocks until it is announced, so that others route over it (BOLT 7); its own nodes may before."""
    close_confirmations: int = 3
    """Blocks until a closed channel's funds are back."""
    splice_confirmations: int = 6
    """Blocks until a splice counts: the depth at which the new funding is announced (BOLT 7)."""
    claim_confirmations: int = 1
    """Blocks until an HTLC claimed or timed out on chain counts as resolved."""
    outgoing_broadcast_delta: int = 0
    """Blocks before the expiry of an HTLC it offered at which a node force-closes (LND)."""
    incoming_broadcast_delta: int = 16
    """The same for an HTLC whose preimage it knows (LND)."""
    outgoing_reject_delta: int = 3
    """Blocks that must be left to an HTLC for a node to forward it (LND)."""
    final_reject_delta: int = 19
    """Blocks that must be left for the receiver to accept it (LND), if it asked for as many."""
    swap_confirmations: int = 2
    """Blocks until the on-chain leg of a swap counts."""
    swap_fee_ppm: int = 5_000
    """What a swap service charges (Boltz: 0.5 % out)."""

    def __post_init__(self) -> None:
        _require(self.sender in SENDERS, "sender", f"one of {', '.join(SENDERS)}")
        _require(self.estimator in ESTIMATORS, "estimator", f"one of {', '.join(ESTIMATORS)}")
        quirks = self.parts_split_once or self.search_before_start
        has_quirks = quirks and self.sender == "mincostflow"
        _require(not has_quirks, "sender", "lnd, cheapest or shortest with CLoTH's way to split and search")
        is_apriori = self.estimator == "apriori"
        _require(is_apriori or self.sender == "lnd", "estimator", "apriori unless the sender is lnd")
        _require(is_apriori or not self.any_failure_counts, "estimator", "apriori where any failure counts (CLoTH)")
        _require(self.hop_policy in HOP_POLICIES, "hop_policy", f"one of {', '.join(HOP_POLICIES)}")
        _require(self.latency in LATENCIES, "latency", f"one of {', '.join(LATENCIES)}")
        _require(self.fee_limit in FEE_LIMITS, "fee_limit", f"one of {', '.join(FEE_LIMITS)}")
        _require(0 < self.min_probability <= 1, "min_probability", "above 0 and at most 1")
        for name, (least, most) in LIMITS.items():
            _require(least <= getattr(self, name) <= most, name, f"between {least} and {most}")
        if self.latency == "log-normal":
            _require(self.latency_sigma <= 5, "latency_sigma", "at most 5, a spread of the logarithm")

    def to_settings(self, seed: int, swap_node: int) -> Records:
        """The record the compiled engine reads, ``[1]``."""
        settings = zero_records(1, SETTINGS_DTYPE)
        record = settings[0]
        for name in SETTINGS_DTYPE.names or ():
            if name in _FIELDS:
                setattr(record, name, getattr(self, name))
        record.seed = seed
        record.swap_node = swap_node
        record.sender_kind = SENDERS[self.sender]
        record.hop_by_hop = self.sender == "policy"
        record.estimator_kind = ESTIMATORS[self.estimator]
        record.latency_kind = LATENCIES[self.latency]
        record.max_parts = self.max_parts if self.mpp else 1
        return settings


_FIELDS = frozenset(field.name for field in fields(SimulationConfig))


def _require(condition: bool, name: str, rule: str) -> None:
    if not condition:
        raise InputError(f"simulation setting {name!r} must be {rule}")


CLOTH = SimulationConfig(
    fee_limit="none",
    attempt_cost_ppm=0,
    half_life_ms=24.0 * MS_PER_MINUTE,
    capacity_smearing=0.0,
    hop_limit=27,
    cltv_limit=2016 + 40,
    any_failure_counts=True,
    parts_split_once=True,
    parts_settle_alone=True,
    search_before_start=True,
    strict_forwarding=True,
    max_outgoing_cltv=1 << 30,
    latency="cloth",
    latency_sigma=1.0,
    reserve_ppm=0,
    max_htlcs=1 << 30,
    max_htlcs_cln=1 << 30,
    max_in_flight_ppm=1_000_000,
    max_dust_msat=1 << 60,
)
"""CLoTH's semantics on CLoTH's input, quirks included (docs/cloth.md)."""

PROFILES = {"default": SimulationConfig(), "cloth": CLOTH}


def profile(name: str, **changes: Any) -> SimulationConfig:
    """A named profile with changes; raises InputError for an unknown name."""
    if name not in PROFILES:
        raise InputError(f"--profile {name!r} is unknown; choose one of {', '.join(PROFILES)}")
    return replace(PROFILES[name], **changes)
