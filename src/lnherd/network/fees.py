"""The one fee formula (BOLT 7 ``channel_update``; inbound fees as LND announces them, bLIP 18).

A plain function on plain integers that calls nothing: the engine compiles this very function,
everything else calls it as it is.
"""


def forward_fee_msat(
    amount_out_msat: int, base_fee_msat: int, fee_ppm: int, inbound_base_fee_msat: int, inbound_fee_ppm: int
) -> int:
    """What a node keeps for sending ``amount_out_msat`` on: outbound plus inbound fee, never negative.

    The outbound fee is base + amount * ppm / 1e6, floored (BOLT 7). The signed inbound fee of the channel
    the money came in over applies to the amount with the outbound fee on top; its proportional part is
    rounded towards zero, so that a discount is never overstated (LND).
    """
    outbound = base_fee_msat + amount_out_msat * fee_ppm // 1_000_000
    proportional = (amount_out_msat + outbound) * inbound_fee_ppm
    inbound = proportional // 1_000_000 if proportional >= 0 else -(-proportional // 1_000_000)
    total = outbound + inbound_base_fee_msat + inbound
    return total if total > 0 else 0
