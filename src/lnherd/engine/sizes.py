"""Sizes of transactions in virtual bytes: BOLT 3 appendix A (anchor outputs) and submarine-swap practice."""

OPEN_VBYTES = 153
CLOSE_VBYTES = 169
SPLICE_IN_VBYTES = 249
"""Funding output and one P2WPKH input in, funding output and change out."""
SPLICE_OUT_VBYTES = 181
"""Funding output in, funding output and one P2WPKH output out."""
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
