"""What forwarding policies see, by name. The compiled engine works the numbers out (``engine.hop_features``)."""

CONTEXT_FEATURES = (
    "amount",
    "time_left",
    "fee_left",
    "hops_left",
    "cltv_left",
    "is_source",
    "distance",
    "n_candidates",
    "attempts",
    "live_parts",
    "degree",
    "room",
)
"""Of the choice as a whole: log10 of the amount in sat over 8; shares of the payment's time, of 5 % of the amount,
of the hops and of the blocks that are left; hops to the receiver over 10; how many candidates, attempts, parts; log2
of the holder's channels over 12; the amount as a share of the most that one of its candidates can take."""
CANDIDATE_FEATURES = (
    "is_channel",
    "is_give_up",
    "is_split",
    "balance",
    "amount_of_balance",
    "amount_of_capacity",
    "in_flight",
    "slots",
    "capacity",
    "fee_of_budget",
    "fee_of_amount",
    "distance",
    "step",
    "is_receiver",
    "success_rate",
    "record",
    "failed_amount",
    "failed_lately",
    "passed_amount",
    "passed_lately",
    "was_tried",
    "peer_degree",
    "peer_room",
    "cltv",
)
"""Of one choice: shares of the capacity that can be spent, of the former and the latter that the part would take; of
value in flight and slots in use; log10 of the capacity in sat over 10; fee as shares of what is left and of 1 % of the
amount; hops left afterwards over 10, and nearer or farther by; what became of the HTLCs sent that way to that region
and how many of the last 64; the amount as a share of the one that failed there last and of the one that passed, and
how lately (10 s over 10 s and their age); whether it was this payment that failed; log2 of the peer's channels over 12,
the amount as a share of what their mean capacity is, blocks asked for, of 144."""
MEAN_ACTIONS = ("mean_gives_up", "mean_splits", "mean_nearer", "mean_sideways", "mean_farther")
"""Columns that follow the context where a policy hears its neighbours: shares of their late actions (mean field)."""
GLOBAL_FEATURES = (
    "receiver_room",
    "receiver_slots",
    "open_way",
    "open_hops",
    "open_candidates",
    "depleted",
    "in_flight",
    "slots_used",
    "success_lately",
)
"""What only a central critic sees, from 0 to 1. Of one decision: the most that any channel can bring the receiver now,
as a share of the amount, and how many of its channels can bring all; whether some way has room for the amount on every
channel now, its hops over 10, and the share of the candidates from which the rest of a shortest one goes on. Of the
network: channels with next to nothing to send, value in flight and slots in use; success of late."""
N_CONTEXT = len(CONTEXT_FEATURES)
N_FEATURES = len(CANDIDATE_FEATURES)
FIRST_CHANNEL = 2
"""Number of the first channel among the choices: 0 gives up, 1 splits."""
