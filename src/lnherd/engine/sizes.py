"""Sizes of transactions in virtual bytes: BOLT 3 appendix A (anchor outputs) and submarine-swap practice."""

OPEN_VBYTES = 153
CLOSE_VBYTES = 169
SWAP_OUT_VBYTES = 150
"""The claim of the on-chain HTLC by its preimage."""
SWAP_IN_VBYTES = 153
"""The deposit: the size of a funding transaction."""
COMMITMENT_VBYTES = 281
"""A commitment transaction without HTLCs."""
HTLC_OUTPUT_VBYTES = 43
"""What each HTLC that is not dust adds to it."""
HTLC_TIMEOUT_VBYTES = 167
HTLC_SUCCESS_VBYTES = 177
