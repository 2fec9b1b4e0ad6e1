"""CRC-32C (Castagnoli, RFC 3720 appendix B.4) of many pieces of one buffer at once."""

import numpy as np
from numpy.typing import NDArray

from lnherd.network.records import Ints

_POLYNOMIAL = 0x82F63B78
"""Reversed, as the bytes go through lowest bit first."""
_ONES = np.uint32(0xFFFFFFFF)


def _table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


_TABLE = _table()


def crc32c(data: bytes, starts: Ints, lengths: Ints, seeds: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Checksums ``[N]`` of ``data[start:start + length]``, each continued from ``seeds [N]`` (0: a fresh one).

    All pieces advance together byte by byte, the longest first, so the cost is a few NumPy operations
    per byte of the *longest* piece and not one Python step per byte of the file.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    state = seeds[order] ^ _ONES
    for offset in range(int(lengths[0]) if len(lengths) else 0):
        live = int(np.searchsorted(-lengths, -offset))
        piece = state[:live]
        state[:live] = _TABLE[(piece ^ buffer[starts[:live] + offset]) & 0xFF] ^ (piece >> 8)
    checksums = np.empty_like(state)
    checksums[order] = state ^ _ONES
    return checksums
