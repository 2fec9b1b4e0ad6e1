"""What can happen, as small integers: plain constants, because compiled kernels store and compare them."""

# Status of a payment.
PENDING, ACTIVE, SUCCEEDED, FAILED = 0, 1, 2, 3
PAYMENT_STATUS = ("pending", "active", "succeeded", "failed")

# Status of an attempt (one onion, a chain of HTLCs).
FREE, FORWARDING, HELD, SETTLING, FAILING = 0, 1, 2, 3, 4
DECIDING = 5  # hop by hop, until its holder has chosen; at the source without an HTLC

# Why an HTLC or a payment failed. The first group is BOLT 4 failure messages, the second the sender's own verdicts.
NO_FAILURE = 0
TEMPORARY_CHANNEL_FAILURE = 1
FEE_INSUFFICIENT = 2
AMOUNT_BELOW_MINIMUM = 3
AMOUNT_ABOVE_MAXIMUM = 4
INCORRECT_CLTV_EXPIRY = 5
EXPIRY_TOO_FAR = 6
UNKNOWN_NEXT_PEER = 7
CHANNEL_DISABLED = 8
TOO_MANY_HTLCS = 9
MAX_IN_FLIGHT_EXCEEDED = 10
DUST_EXPOSURE_EXCEEDED = 11
MPP_TIMEOUT = 12
INCORRECT_PAYMENT_DETAILS = 13
PERMANENT_CHANNEL_FAILURE = 14
EXPIRY_TOO_SOON = 15
TEMPORARY_TRAMPOLINE_FAILURE = 16
NO_ROUTE = 20
PAYMENT_TIMEOUT = 21
INSUFFICIENT_LOCAL_BALANCE = 22
SENDER_OFFLINE = 23

FAILURE_NAMES = {
    NO_FAILURE: "",
    TEMPORARY_CHANNEL_FAILURE: "temporary_channel_failure",
    FEE_INSUFFICIENT: "fee_insufficient",
    AMOUNT_BELOW_MINIMUM: "amount_below_minimum",
    AMOUNT_ABOVE_MAXIMUM: "amount_above_maximum",
    INCORRECT_CLTV_EXPIRY: "incorrect_cltv_expiry",
    EXPIRY_TOO_FAR: "expiry_too_far",
    UNKNOWN_NEXT_PEER: "unknown_next_peer",
    CHANNEL_DISABLED: "channel_disabled",
    TOO_MANY_HTLCS: "too_many_htlcs",
    MAX_IN_FLIGHT_EXCEEDED: "max_in_flight_exceeded",
    DUST_EXPOSURE_EXCEEDED: "dust_exposure_exceeded",
    MPP_TIMEOUT: "mpp_timeout",
    INCORRECT_PAYMENT_DETAILS: "incorrect_or_unknown_payment_details",
    PERMANENT_CHANNEL_FAILURE: "permanent_channel_failure",
    EXPIRY_TOO_SOON: "expiry_too_soon",
    TEMPORARY_TRAMPOLINE_FAILURE: "temporary_trampoline_failure",
    NO_ROUTE: "no_route",
    PAYMENT_TIMEOUT: "timeout",
    INSUFFICIENT_LOCAL_BALANCE: "insufficient_local_balance",
    SENDER_OFFLINE: "sender_offline",
}

# Kinds of event. Ties in time go by priority (lower first), then by order of scheduling.
HTLC_ARRIVES = 0
PREIMAGE_ARRIVES = 1
FAILURE_ARRIVES = 2
PAYMENT_STARTS = 3
PAYMENT_EXPIRES = 4
POLICY_HEARD = 5
BLOCK_FOUND = 6
NODE_SWITCHES = 7
PRESENCE_HEARD = 8
DECISION_DUE = 15  # after all else of its time, so that decisions of one moment see the same world

# Senders: how a payer finds its routes.
SENDER_LND = 0
SENDER_CHEAPEST = 1
SENDER_SHORTEST = 2
SENDER_MINCOSTFLOW = 3

# How a node chooses the next channel of a payment that goes hop by hop.
POLICY_RANDOM, POLICY_SHORTEST, POLICY_CHEAPEST, POLICY_BALANCE, POLICY_NETWORK, POLICY_EXTERNAL = 0, 1, 2, 3, 4, 5
# What it may choose instead of an edge.
GIVE_UP, SPLIT = -1, -2

# What a sender takes the chances of a hop from.
ESTIMATOR_APRIORI = 0
ESTIMATOR_BIMODAL = 1

# Operations on the chain and their status.
OPEN_CHANNEL, CLOSE_CHANNEL, SWAP_OUT, SWAP_IN, FORCE_CLOSE, HTLC_CLAIM, SPLICE_IN, SPLICE_OUT = range(8)
OPERATION_KIND = ("open", "close", "swap_out", "swap_in", "force_close", "htlc_claim", "splice_in", "splice_out")
OP_OFF_CHAIN, OP_CONFIRMING, OP_MATURING, OP_DONE, OP_FAILED = 0, 1, 2, 3, 4  # up to OP_MATURING it is pending

# What a hop's latency is drawn from.
LATENCY_LOG_NORMAL = 0
LATENCY_CLOTH = 1
