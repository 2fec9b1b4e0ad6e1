"""The state of a simulation: a NamedTuple of few record arrays (those of the hop-by-hop mode: ``hop_state``).

Identity is fixed (a NamedTuple cannot be assigned to), contents are mutable, one record holds what is
used together, mutable scalars live in ``clock[0]``, parameters in ``settings[0]``. The whole state is
NumPy: it can be copied, pickled and looked at from Python between two calls of the compiled loop.

The laws, checked by :mod:`lnherd.engine.audit`; ``e`` and ``e ^ 1`` are the two directions of a channel:

* ``balance[e] + balance[e ^ 1] + in_flight[e] + in_flight[e ^ 1] == capacity`` (less what is being spliced out),
  nothing negative;
* ``in_flight[e]`` and ``n_htlcs[e]`` are the sums over attempts that hold an HTLC on ``e``;
* adding an HTLC never leaves the adding side below its reserve (BOLT 2).

An *attempt* is one onion on its way: the chain of HTLCs on ``edges[0 .. hop]`` of its route. HTLC ``h`` of
an attempt carries ``amounts[h]`` over ``edges[h]`` and expires ``cltv[h]`` blocks from when it was sent.
"""

from typing import NamedTuple

import numpy as np

from lnherd.engine.by_reference import by_reference
from lnherd.network.records import Records

MAX_HOPS = 27
"""Longest route: BOLT 4's fixed-size onion carried 20; 27 is what LND 0.10 and CLoTH allow."""
NONE = -1
"""No edge, no attempt, no record: the end of every list."""
NEVER = -1
"""The time of what has not happened."""

SETTINGS_DTYPE = np.dtype(
    [
        ("seed", "u8"),
        # sender
        ("sender_kind", "i8"),
        ("estimator_kind", "i8"),
        ("attempt_cost_msat", "i8"),
        ("attempt_cost_ppm", "i8"),
        ("risk_factor", "f8"),
        ("hop_probability", "f8"),
        ("apriori_weight", "f8"),
        ("success_probability", "f8"),
        ("half_life_ms", "f8"),
        ("min_probability", "f8"),
        ("capacity_fraction", "f8"),
        ("capacity_smearing", "f8"),
        ("bimodal_scale_msat", "f8"),
        ("bimodal_node_weight", "f8"),
        ("bimodal_decay_ms", "f8"),
        ("knowledge_ms", "f8"),
        ("hop_limit", "i8"),
        ("cltv_limit", "i8"),
        ("final_cltv", "i8"),
        ("payment_timeout_ms", "i8"),
        ("max_parts", "i8"),
        ("min_part_msat", "i8"),
        # hop by hop
        ("hop_by_hop", "?"),
        ("policy_attempts", "i8"),
        ("trampoline_fee_base_msat", "i8"),
        ("trampoline_fee_ppm", "i8"),
        ("decision_interval_ms", "i8"),
        ("max_candidates", "i8"),
        # quirks of CLoTH, each an option of its own
        ("any_failure_counts", "?"),
        ("parts_split_once", "?"),
        ("parts_settle_alone", "?"),
        ("search_before_start", "?"),
        ("strict_forwarding", "?"),
        ("max_outgoing_cltv", "i8"),
        # time
        ("latency_kind", "i8"),
        ("latency_median_ms", "f8"),
        ("latency_sigma", "f8"),
        ("stuck_probability", "f8"),
        ("stuck_median_ms", "f8"),
        ("gossip_delay_ms", "i8"),
        ("gossip_sigma", "f8"),
        ("update_burst", "i8"),
        ("update_interval_ms", "i8"),
        # presence
        ("mean_availability", "f8"),
        ("mean_downtime_ms", "f8"),
        ("churn_sigma", "f8"),
        ("disable_timeout_ms", "i8"),
        ("enable_timeout_ms", "i8"),
        # channels
        ("reserve_ppm", "i8"),
        ("max_in_flight_ppm", "i8"),
        ("dust_limit_msat", "i8"),
        ("max_dust_msat", "i8"),
        # chain
        ("block_interval_ms", "f8"),
        ("feerate_median_msat_per_vb", "f8"),
        ("feerate_sigma", "f8"),
        ("feerate_reversion", "f8"),
        ("feerate_jump_probability", "f8"),
        ("feerate_jump_mean", "f8"),
        ("open_confirmations", "i8"),
        ("close_confirmations", "i8"),
        ("announce_confirmations", "i8"),
        ("swap_confirmations", "i8"),
        ("splice_confirmations", "i8"),
        ("claim_confirmations", "i8"),
        ("outgoing_broadcast_delta", "i8"),
        ("incoming_broadcast_delta", "i8"),
        ("outgoing_reject_delta", "i8"),
        ("final_reject_delta", "i8"),
        ("swap_fee_ppm", "i8"),
        ("swap_node", "i8"),
    ]
)

CLOCK_DTYPE = np.dtype(
    [
        ("now_ms", "i8"),
        ("sequence", "i8"),
        ("n_events", "i8"),
        ("n_processed", "i8"),
        ("n_payments", "i8"),
        ("n_scheduled", "i8"),
        ("next_payment", "i8"),
        ("n_attempts", "i8"),
        ("n_live", "i8"),
        ("free_attempt", "i8"),
        ("n_memory", "i8"),
        ("n_lessons", "i8"),
        ("free_lesson", "i8"),
        ("n_operations", "i8"),
        ("attempts_total", "i8"),
        ("searches_total", "i8"),
        ("forwards_total", "i8"),
        ("decisions_total", "i8"),
        ("n_pending", "i8"),
        ("n_outcomes", "i8"),
        ("query", "i8"),
        ("height", "i8"),
        ("next_block_ms", "i8"),
        ("feerate_msat_per_vb", "i8"),
        ("feerate_log", "f8"),
        ("n_on_chain", "i8"),
        ("n_offline", "i8"),
        ("n_waiting", "i8"),
        ("n_churning", "i8"),
        ("n_background", "i8"),
        ("has_conduct", "?"),
    ]
)
"""``n_scheduled`` payments are sorted by start; later ones, added while running, start by an event. ``n_background``
events of the agenda are nodes that come and go: nothing is run for their sake."""

EDGE_STATE_DTYPE = np.dtype(
    [
        ("balance_msat", "i8"),
        ("initial_balance_msat", "i8"),
        ("in_flight_msat", "i8"),
        ("reserve_msat", "i8"),
        ("max_in_flight_msat", "i8"),
        ("dust_msat", "i8"),
        ("htlc_min_msat", "i8"),
        ("htlc_max_msat", "i8"),
        ("base_fee_msat", "i8"),
        ("fee_ppm", "i8"),
        ("inbound_base_fee_msat", "i8"),
        ("inbound_fee_ppm", "i8"),
        ("cltv_delta", "i4"),
        ("n_htlcs", "i4"),
        ("max_htlcs", "i4"),
        ("source", "i4"),
        ("target", "i4"),
        ("parallel", "i4"),
        ("n_heard", "i4"),
        ("log_capacity", "f4"),
        ("enabled", "?"),
        ("is_open", "?"),
        ("is_on_chain", "?"),
    ]
)
"""One direction of a channel as its owner enforces it. ``parallel`` is the next edge between the same two
nodes, a ring: an edge without a twin points to itself. ``n_heard`` counts how often gossip brought
its policy; ``log_capacity`` is log10 of 1 + the channel's capacity in sat; ``is_on_chain`` once it has been
force-closed. Only :mod:`channels` writes balances and HTLCs."""

GOSSIP_DTYPE = np.dtype(
    [
        ("base_fee_msat", "i8"),
        ("fee_ppm", "i8"),
        ("htlc_min_msat", "i8"),
        ("htlc_max_msat", "i8"),
        ("capacity_msat", "i8"),
        ("inbound_base_fee_msat", "i8"),
        ("inbound_fee_ppm", "i8"),
        ("edge", "i4"),
        ("source", "i4"),
        ("cltv_delta", "i4"),
        ("enabled", "?"),
    ]
)
"""What senders believe about one edge, laid out so that all edges *into* a node are neighbours in memory:
routes are searched from the receiver. ``inbound_*`` is what the node the edge leads *to* charges for what
comes in over it. ``htlc_max_msat`` is already cut to the capacity."""

NODE_STATE_DTYPE = np.dtype(
    [
        ("wallet_msat", "i8"),
        ("gossip_start", "i4"),
        ("gossip_end", "i4"),
        ("memory_head", "i4"),
        ("memory_tail", "i4"),
        ("capacity_msat", "i8"),
        ("n_memory", "i4"),
        ("first_lesson", "i4"),
        ("hop_policy", "u1"),
        ("online", "?"),
        ("visit", "i8"),
    ]
)
"""``capacity_msat`` is that of all its channels at the start."""

UPDATES_DTYPE = np.dtype([("spent_until_ms", "i8"), ("deferred_ms", "i8")])
"""The token bucket of one direction's channel updates; see :mod:`lnherd.engine.gossip`."""

CONDUCT_DTYPE = np.dtype(
    [
        ("availability", "f8"),
        ("hold_probability", "f8"),
        ("hold_median_ms", "f8"),
        ("hold_sigma", "f8"),
        ("refuse_probability", "f8"),
        ("changed_ms", "i8"),
        ("n_switches", "i4"),
        ("first_waiting", "i4"),
        ("last_waiting", "i4"),
        ("is_written_off", "?"),
    ]
)
"""How a node behaves: its comings and goings (``changed_ms`` is the last of them; attempts whose message found
it offline wait in a list), whether its peers have announced their channels to it disabled, and what it does
with HTLCs that reach it. Apart from the nodes because path search never reads it."""

PAYMENT_STATE_DTYPE = np.dtype(
    [
        ("start_ms", "i8"),
        ("end_ms", "i8"),
        ("amount_msat", "i8"),
        ("fee_limit_msat", "i8"),
        ("fee_msat", "i8"),
        ("dispatched_msat", "i8"),
        ("held_msat", "i8"),
        ("settled_msat", "i8"),
        ("sender", "i4"),
        ("receiver", "i4"),
        ("first_edge", "i4"),
        ("last_edge", "i4"),
        ("first_attempt", "i4"),
        ("operation", "i4"),
        ("attempts", "i4"),
        ("parts", "i2"),
        ("live_parts", "i2"),
        ("hops", "i2"),
        ("kind", "u1"),
        ("status", "u1"),
        ("failure", "u1"),
    ]
)
"""``dispatched_msat`` is on its way or held, ``held_msat`` waits at the receiver for the other parts,
``settled_msat`` is paid. ``first_edge`` / ``last_edge`` restrict the route (a rebalance sets both)."""

ATTEMPT_DTYPE = np.dtype(
    [
        ("payment", "i4"),
        ("next", "i4"),
        ("number", "i4"),
        ("next_waiting", "i4"),
        ("sent_height", "i4"),
        ("claim", "i4"),
        ("n_hops", "i2"),
        ("hop", "i2"),
        ("failed_hop", "i2"),
        ("status", "u1"),
        ("failure", "u1"),
        ("is_waiting", "?"),
        ("amount_msat", "i8"),
        ("edges", "i4", (MAX_HOPS,)),
        ("amounts", "i8", (MAX_HOPS,)),
        ("cltv", "i4", (MAX_HOPS,)),
        ("decision", "i8", (MAX_HOPS,)),
        ("added_ms", "i8", (MAX_HOPS,)),
    ]
)
"""``next`` links the live attempts of a payment, or the free list. ``number`` is the payment's own count.
``claim`` is the operation that resolves the HTLC of the current hop on chain, NONE while it is not there;
``next_waiting`` links those whose message waits for the same offline node. An attempt that goes hop by hop has
``n_hops`` 0 until it reaches the receiver, and ``hop`` -1 as long as it is at the source; ``decision`` says which
choice put its HTLC on each hop. ``added_ms`` is when the HTLC of each hop so far was added."""

EVENT_DTYPE = np.dtype([("time_ms", "i8"), ("order", "i8"), ("kind", "i4"), ("subject", "i4")])
"""``order`` is priority << 48 | sequence: ties are broken by it, so a run is bit-reproducible."""

MEMORY_DTYPE = np.dtype(
    [
        ("fail_ms", "i8"),
        ("fail_amount_msat", "i8"),
        ("success_ms", "i8"),
        ("success_amount_msat", "i8"),
        ("source", "i4"),
        ("target", "i4"),
        ("next", "i4"),
        ("next_of_source", "i4"),
        ("next_of_target", "i4"),
        ("odds", "i4"),
        ("weight", "f8"),
    ]
)
"""What one sender remembers of one pair of nodes (LND mission control). Records are handed out in blocks, so
that a sender's are mostly neighbours in memory; ``next`` of the first of a block is the sender's next block.
``next_of_*`` (chains of one source or target), ``odds`` and ``weight`` hold while a route is being searched.
A time of -1 means never. See :mod:`lnherd.engine.liquidity`."""

LESSON_DTYPE = np.dtype(
    [
        ("base_fee_msat", "i8"),
        ("fee_ppm", "i8"),
        ("htlc_min_msat", "i8"),
        ("htlc_max_msat", "i8"),
        ("inbound_base_fee_msat", "i8"),
        ("inbound_fee_ppm", "i8"),
        ("edge", "i4"),
        ("next", "i4"),
        ("n_heard", "i4"),
        ("cltv_delta", "i4"),
        ("enabled", "?"),
    ]
)
"""A policy that one sender learned from an error, valid while the edge's ``n_heard`` is the same. ``next`` links the
lessons of a sender, or the free list. See :mod:`lnherd.engine.lessons`."""

FLOW_DTYPE = np.dtype(
    [
        ("n_settled", "i8"),
        ("settled_msat", "i8"),
        ("n_forwards", "i8"),
        ("forwarded_msat", "i8"),
        ("fees_msat", "i8"),
        ("assisted_msat", "i8"),
        ("n_refused", "i8"),
        ("refused_msat", "i8"),
        ("hold_ms", "i8"),
    ]
)
"""Totals since the start for one edge: HTLCs settled over it, those of them that its source forwarded for
others with the fees earned, fees that its target earned by sending on what came over it (``assisted``), and forwards
refused there for lack of balance or slots. ``hold_ms`` is how long those settled were pending, each from being added
to being settled at its near end."""

OPERATION_DTYPE = np.dtype(
    [
        ("kind", "u1"),
        ("status", "u1"),
        ("node", "i4"),
        ("edge", "i4"),
        ("payment", "i4"),
        ("attempt", "i4"),
        ("amount_msat", "i8"),
        ("fee_msat", "i8"),
        ("confirm_height", "i8"),
    ]
)
"""Something that waits for the chain; ``fee_msat`` is what it cost its node (chain and service fees)."""

ROUTE_DTYPE = np.dtype(
    [
        ("n_hops", "i4"),
        ("fee_msat", "i8"),
        ("probability", "f8"),
        ("edges", "i4", (MAX_HOPS,)),
        ("amounts", "i8", (MAX_HOPS,)),
        ("cltv", "i4", (MAX_HOPS,)),
    ]
)
"""The answer of a path search, in the shape of an attempt."""


LABEL_DTYPE = np.dtype(
    [
        ("query", "i8"),
        ("estimate", "f8"),
        ("weight", "f8"),
        ("probability", "f8"),
        ("out_msat", "i8"),
        ("in_msat", "i8"),
        ("position", "i4"),
        ("cltv", "i4"),
        ("n_hops", "i4"),
        ("table", "i4"),
        ("settled", "?"),
    ]
)
"""The best known way from one node to the receiver; valid if ``query`` is the running one. The node sends
``out_msat`` over gossip record ``position`` and must receive ``in_msat`` (before any inbound fee), locked for
``cltv`` blocks. ``estimate`` bounds the cost of a route that starts at the sender and passes here."""

RECALL_DTYPE = np.dtype(
    [
        ("query", "i8"),
        ("lowest_msat", "i8"),
        ("highest_msat", "i8"),
        ("failure_weight", "f8"),
        ("success_weight", "f8"),
        ("n_successes", "i4"),
        ("of_source", "i4"),
        ("of_target", "i4"),
        ("pair_target", "i4"),
        ("pair_record", "i4"),
        ("weighed_msat", "i8"),
        ("usual_odds", "i4"),
        ("least_odds", "i4"),
        ("exception_source", "i4"),
        ("exception_odds", "i4"),
    ]
)
"""What the sender of the running query remembers of one node: heads of its chains of records, and a tally of
those that count for amounts between ``lowest_msat`` and ``highest_msat``. The rest belongs to
:mod:`lnherd.engine.vicinity`."""

BALL_DTYPE = np.dtype([("node", "i4"), ("next", "i4")])
"""An entry of a bucket of :mod:`lnherd.engine.vicinity`; a node has one for each time its distance fell."""

FRONTIER_DTYPE = np.dtype([("key", "f8"), ("phase", "i4"), ("node", "i4")])
"""A node waiting to be settled (``phase`` NONE) or to have the edges from ``odds_past == phase`` looked at."""

MAX_TABLES = 4
"""Amounts for which a query knows the distances from its sender."""
MAX_FAILED = 64
"""Failures from which those amounts are chosen."""

SEARCH_DTYPE = np.dtype(
    [
        ("query", "i8"),
        ("sender", "i8"),
        ("receiver", "i8"),
        ("amount_msat", "i8"),
        ("fee_limit_msat", "i8"),
        ("first_edge", "i8"),
        ("last_edge", "i8"),
        ("ignores_past", "?"),
        # cost of a route: weight + attempt_cost / probability
        ("weighs_chances", "?"),
        ("attempt_cost", "f8"),
        ("least_cost", "f8"),
        ("hop_cost", "f8"),
        ("risk_factor", "f8"),
        ("min_probability", "f8"),
        ("least_at_best", "f8"),
        # what the hops from the sender can be at best
        ("scan_budget", "i8"),
        ("n_tables", "i8"),
        ("least_msat", "i8", (MAX_TABLES,)),
        ("failed_msat", "i8", (MAX_FAILED,)),
        ("horizon", "i8", (MAX_TABLES,)),
        ("prior_odds", "i8"),
        ("likely_odds", "i8"),
        ("chance", "f8", (256,)),
        ("bucket", "i4", (256,)),
        # the best complete route so far
        ("estimate", "f8"),
        ("probability", "f8"),
        ("edge", "i8"),
        ("sent_msat", "i8"),
        # bookkeeping
        ("n_frontier", "i8"),
        ("n_peers_left", "i8"),
        ("n_ball", "i8"),
        ("n_pending", "i8"),
        ("n_recalled", "i8"),
        ("n_settled", "i8"),
        ("n_scanned", "i8"),
        ("n_offers", "i8"),
    ]
)
"""The running query of the path search; see :mod:`lnherd.engine.routing`."""

FLOW_PROBLEM_DTYPE = np.dtype(
    [
        ("problem", "i8"),
        ("solution", "i8"),
        ("search", "i8"),
        ("sender", "i8"),
        ("receiver", "i8"),
        ("unit_msat", "i8"),
        ("n_units", "i8"),
        ("price_msat", "i8"),
        ("most_fee_msat", "i8"),
        ("n_arcs", "i8"),
        ("n_heap", "i8"),
        ("last_settled", "i8"),
    ]
)
"""The running problem of a min-cost-flow sender; see :mod:`lnherd.engine.mincostflow`."""

FLOW_NODE_DTYPE = np.dtype(
    [
        ("problem", "i8"),
        ("solution", "i8"),
        ("search", "i8"),
        ("potential", "i8"),
        ("distance", "i8"),
        ("way", "i4"),
        ("settled_before", "i4"),
        ("first_in", "i4"),
        ("first_out", "i4"),
        ("settled", "?"),
    ]
)
"""A node of it: heads of its arcs are valid in ``problem``, the potential in ``solution``, the rest in ``search``."""

FLOW_ARC_DTYPE = np.dtype(
    [
        ("edge", "i4"),
        ("units", "i4"),
        ("most_units", "i4"),
        ("left", "i4"),
        ("reserved_msat", "i8"),
        ("planned_msat", "i8"),
        ("next_in", "i4"),
        ("next_out", "i4"),
    ]
)
"""An edge that carries ``units`` of flow, at most ``most_units``, beside what the payment's earlier parts hold."""


STATIC_FIELDS = ("gossip_position", "peers", "distances", "destinations")
"""Never written to: a changed topology replaces them. Copies of a simulation share them."""


@by_reference
class State(NamedTuple):
    """Everything that changes while a simulation runs. Lengths: N nodes, E edges; pools grow."""

    settings: Records  # [1]
    clock: Records  # [1]
    nodes: Records  # [N]
    conduct: Records  # [N]
    edges: Records  # [E] by edge id
    gossip: Records  # [E] grouped by the node the edge leads to
    gossip_position: Records  # [E] int32: edge id -> index into gossip
    updates: Records  # [E] by edge id
    flows: Records  # [E] by edge id
    payments: Records  # pool
    attempts: Records  # pool with a free list
    events: Records  # binary heap
    memory: Records  # pool
    lessons: Records  # pool with a free list
    operations: Records  # pool
    route: Records  # [1] scratch: the last route found
    search: Records  # [1] scratch: the running query
    labels: Records  # [N] scratch of the path search
    recall: Records  # [N] scratch: the sender's memory, by node
    frontier: Records  # scratch: heap of the path search
    peers: Records  # [E] int32: sources of gossip; leaves are N + their index
    odds_to: Records  # [MAX_TABLES * 2N] uint8 scratch: distance from the sender; 0 for leaves
    odds_past: Records  # [MAX_TABLES * 2N] uint8 scratch: the same and one hop more; LEAF for leaves
    is_own_peer: Records  # [N] bool scratch: the sender can send to it
    ball: Records  # [2E] scratch: buckets of the distances
    mcf: Records  # [1] scratch: the running min-cost-flow problem
    mcf_nodes: Records  # [N] its nodes; this and what follows only for senders that need it
    mcf_arcs: Records  # pool of its arcs
    mcf_heap: Records  # heap of its searches
    hops: Records  # [1] scratch of the choice of a hop
    pending: Records  # [B] int32: attempts that wait for a choice from outside
    outcomes: Records  # pool: what came of those choices, until they are fetched
    tracks: Records  # [E * N_REGIONS] by edge, then region
    crowd: Records  # [N] what neighbours and central critics go by
    scorer: Records  # float32: weights of the scoring networks, then their scratch
    log: Records  # pool: choices recorded
    log_rows: Records  # pool: what was possible in each of them, one after another
    distances: Records  # [rows * N] uint8, static: hops to the destination of a row
    destinations: Records  # [N] static
