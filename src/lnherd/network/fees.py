"""The one fee formula (BOLT 7 ``channel_update``; inbound fees as LND announces them, bLIP 18).

A plain function on plain integers that calls nothing: the engine compiles this very function,
everything else calls it as it is.
"""

PPM = 1_000_000


def forward_fee_msat(
    amount_out_msat: int, base_fee_msat: int, fee_ppm: int, inbound_base_fee_msat: int, inbound_fee_ppm: int
) -> int:
    """What a node keeps for sending ``amount_out_msat`` on: outbound plus inbound fee, never negative.

    The outbound fee is base + amount * ppm / 1e6, floored (BOLT 7). The signed inbound fee of the channel
    the money came in over applies to the amount with the outbound fee on top; its proportional part is
    rounded towards zero, so that a discount is never overstated (LND).

    Whole millions and the rest are multiplied apart, which gives the same number but keeps every product
    within 64 bits, even at the 4,294,967,295 ppm that gossip can announce.
    """
    outbound = base_fee_msat + amount_out_msat // PPM * fee_ppm + amount_out_msat % PPM * fee_ppm // PPM
    total = outbound + inbound_base_fee_msat
    if inbound_fee_ppm != 0:
        amount_msat, rate = amount_out_msat + outbound, abs(inbound_fee_ppm)
        inbound = amount_msat // PPM * rate + amount_msat % PPM * rate // PPM
        total += inbound if inbound_fee_ppm > 0 else -inbound
    return total if total > 0 else 0
