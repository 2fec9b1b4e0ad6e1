"""What acts of channel management cost, as a node can estimate beforehand.

Sizes of transactions after BOLT 3 appendix A (cooperative forms), in vbytes. The engine charges what
really happened; these estimates order candidates and feed the features.
"""

from lnherd.control.action import Action, ActionKind

OPEN_VBYTES = 153
"""Funding transaction: one P2WPKH input, P2WSH output, change."""
CLOSE_VBYTES = 169
"""Cooperative close with two outputs."""
SWAP_VBYTES = 153
"""The on-chain leg of a submarine swap that its client pays for."""
REBALANCE_PPM = 1_000
"""Typical routing fees of a circular payment on the 2026 network."""


def estimated_cost_msat(action: Action, feerate_msat_per_vb: int, swap_fee_ppm: int) -> int:
    """Expected cost of ``action`` in msat (0 for waiting and for fee changes)."""
    if action.kind == ActionKind.OPEN:
        return OPEN_VBYTES * feerate_msat_per_vb
    if action.kind == ActionKind.CLOSE:
        return CLOSE_VBYTES * feerate_msat_per_vb
    if action.kind in (ActionKind.SWAP_OUT, ActionKind.SWAP_IN):
        return SWAP_VBYTES * feerate_msat_per_vb + action.amount_msat * swap_fee_ppm // 1_000_000
    if action.kind == ActionKind.REBALANCE:
        return action.amount_msat * REBALANCE_PPM // 1_000_000
    return 0
