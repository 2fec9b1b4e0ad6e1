"""CRC-32C against its published check values and a bit-by-bit computation."""

import numpy as np
import pytest

from lnherd.network.snapshots.crc32c import crc32c


def checksums(pieces, seeds):
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return crc32c(b"".join(pieces), starts, lengths, np.array(seeds, dtype=np.uint32)).tolist()


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (b"123456789", 0xE3069283),  # the "check" value of the catalogue
        (bytes(32), 0x8A9136AA),  # RFC 3720, appendix B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"", 0),
    ],
)
def test_published_values(piece, expected):
    assert checksums([piece], [0]) == [expected]


def test_many_pieces_of_many_lengths_and_seeds(crc_bitwise):
    rng = np.random.default_rng(5)
    pieces = [rng.bytes(int(length)) for length in rng.integers(0, 60, size=40)]
    seeds = rng.integers(0, 2**32, size=40).tolist()
    assert checksums(pieces, seeds) == [crc_bitwise(piece, seed) for piece, seed in zip(pieces, seeds, strict=True)]


def test_continuing_is_the_same_as_one_piece():
    (first,) = checksums([b"light"], [0])
    assert checksums([b"ning"], [first]) == checksums([b"lightning"], [0])


def test_no_pieces():
    assert checksums([b""][:0] or [], []) == []
