"""The one fee formula (BOLT 7 ``htlc_maximum_msat``/fee fields; bLIP 18 inbound fees).

Plain functions on plain integers: the engine compiles these very functions, everything else calls
them as they are.
"""


def outbound_fee_msat(amount_msat: int, base_fee_msat: int, fee_ppm: int) -> int:
    """Fee for forwarding ``amount_msat`` out of a channel (BOLT 7): base + amount * ppm / 1e6, floored."""
    return base_fee_msat + amount_msat * fee_ppm // 1_000_000


def inbound_fee_msat(amount_msat: int, base_fee_msat: int, fee_ppm: int) -> int:
    """Signed fee of the incoming channel (bLIP 18), on the amount that came in before this fee.

    LND rounds the proportional part towards zero, so that a discount is never overstated.
    """
    proportional = amount_msat * fee_ppm
    if proportional >= 0:
        return base_fee_msat + proportional // 1_000_000
    return base_fee_msat - (-proportional) // 1_000_000


def forward_fee_msat(
    amount_out_msat: int,
    base_fee_msat: int,
    fee_ppm: int,
    inbound_base_fee_msat: int,
    inbound_fee_ppm: int,
) -> int:
    """What a node keeps for sending ``amount_out_msat`` on: outbound plus inbound fee, never negative."""
    outbound = outbound_fee_msat(amount_out_msat, base_fee_msat, fee_ppm)
    total = outbound + inbound_fee_msat(amount_out_msat + outbound, inbound_base_fee_msat, inbound_fee_ppm)
    return total if total > 0 else 0
