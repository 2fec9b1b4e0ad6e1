"""What the snapshot tests share: fixtures' folder, comparison of networks, builders of binary files."""

import struct
from pathlib import Path

import numpy as np
import pytest

from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import zero_records

A, B, C, D = ("02" + "aa" * 32, "02" + "bb" * 32, "03" + "cc" * 32, "03" + "dd" * 32)


def _same_aliases(left, right):
    return (left is None) == (right is None) and (left is None or left.tolist() == right.tolist())


def check_networks_equal(left: Network, right: Network) -> None:
    assert left.node_ids.tolist() == right.node_ids.tolist()
    assert _same_aliases(left.aliases, right.aliases)
    assert left.channels.tolist() == right.channels.tolist()
    assert left.edges.tolist() == right.edges.tolist()
    assert (left.balance_msat is None) == (right.balance_msat is None)
    assert left.balance_msat is None or left.balance_msat.tolist() == right.balance_msat.tolist()


@pytest.fixture
def check_same():
    """Two networks hold the same facts (their names may differ)."""
    return check_networks_equal


@pytest.fixture
def keys():
    """Public keys of the fixtures: Alice, Bob, Carol, Dave."""
    return A, B, C, D


@pytest.fixture(scope="session")
def files() -> Path:
    """The folder of hand-made snapshots."""
    return Path(__file__).parents[3] / "fixtures" / "snapshots"


@pytest.fixture
def tiny() -> Network:
    """Three nodes, two channels, one direction never announced, inbound fees, no balances."""
    channels = zero_records(2, CHANNEL_DTYPE)
    channels.node1, channels.node2 = [0, 1], [1, 2]
    channels.capacity_msat = [300_000_000, 20_000_000]
    channels.scid = [555417199300182016, 555418298771505153]
    edges = empty_edges(2)
    for edge, policy in enumerate([(1000, 1, 0, 0, 1000, 297_000_000, 144, True), (0, 250, -5, -100, 1, 1, 40, False)]):
        edges[edge] = policy
    edges[2] = (1, 10, 0, 0, 0, 20_000_000, 14, True)
    return Network(np.array([A, B, C]), channels, edges, aliases=np.array(["Alice ⚡", 'Bob, "the"\nbuilder', ""]))


def crc32c_bitwise(data: bytes, seed: int) -> int:
    """CRC-32C one bit at a time, independent of the tables under test."""
    state = seed ^ 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


class StoreBuilder:
    """Writes gossip_store files record by record, as the format's description has them."""

    def __init__(self, version: int = 14) -> None:
        self.data = bytes([version])

    def record(self, message: bytes, flags: int = 0, timestamp: int = 0, crc: int | None = None) -> "StoreBuilder":
        crc = crc32c_bitwise(message, timestamp) if crc is None else crc
        self.data += struct.pack(">HHII", flags, len(message), crc, timestamp) + message
        return self

    def announce(self, scid: int, node1: str, node2: str, flags: int = 0, features: bytes = b"") -> "StoreBuilder":
        body = bytes(4 * 64) + struct.pack(">H", len(features)) + features + bytes(32) + struct.pack(">Q", scid)
        return self.record(
            struct.pack(">H", 256) + body + bytes.fromhex(node1) + bytes.fromhex(node2) + bytes(66), flags, 1700000000
        )

    def amount(self, sat: int, flags: int = 0) -> "StoreBuilder":
        return self.record(struct.pack(">HQ", 4101, sat), flags)

    def channel(self, scid: int, node1: str, node2: str, sat: int) -> "StoreBuilder":
        return self.announce(scid, node1, node2).amount(sat)

    def update(self, scid: int, direction: int, policy: tuple, *, extension: bytes = b"", flags: int = 0):
        """``policy`` is (disabled, cltv, htlc_min, base, ppm, htlc_max or None)."""
        disabled, cltv, htlc_min, base, ppm, htlc_max = policy
        body = bytes(64 + 32) + struct.pack(">QI", scid, 1700000000)
        body += struct.pack(">BBH", htlc_max is not None, direction | 2 * disabled, cltv)
        body += struct.pack(">QII", htlc_min, base, ppm) + (b"" if htlc_max is None else struct.pack(">Q", htlc_max))
        return self.record(struct.pack(">H", 258) + body + extension, flags, 1700000000)

    def node(self, key: str, alias: bytes, features: bytes = b"\x08") -> "StoreBuilder":
        body = bytes(64) + struct.pack(">H", len(features)) + features + struct.pack(">I", 1700000000)
        body += bytes.fromhex(key) + b"\x33\x99\xff" + alias.ljust(32, b"\0") + struct.pack(">H", 0)
        return self.record(struct.pack(">H", 257) + body, 0, 1700000000)

    def delete(self, scid: int) -> "StoreBuilder":
        return self.record(struct.pack(">HQ", 4103, scid))


@pytest.fixture
def store():
    """Builder of gossip_store files: ``store(version).channel(...).update(...).data``."""
    return StoreBuilder


@pytest.fixture
def crc_bitwise():
    """CRC-32C of one piece, slowly."""
    return crc32c_bitwise


def _bigsize(number: int) -> bytes:
    for width, first in ((2, b"\xfd"), (4, b"\xfe"), (8, b"\xff")):
        if number < 0xFD:
            return bytes([number])
        if number < 1 << (8 * width):
            return first + number.to_bytes(width, "big")
    raise ValueError(number)


def _block(values: list[int]) -> list[int]:
    distinct = sorted(set(values))
    return [len(distinct), *distinct, *(distinct.index(value) for value in values)]


def build_gossmap(ends, capacities, policies, magic=b"GOSSMAP_COMPRESSv1\0") -> bytes:
    """``policies [2C]``: None when disabled, else (htlc_min, htlc_max code, base, ppm, cltv)."""
    numbers = [len(ends), *(a for a, _ in ends), *(b for _, b in ends)]
    numbers += [edge for edge, policy in enumerate(policies) if policy is None] + [len(policies)]
    numbers += _block(capacities)
    for position in range(5):
        numbers += _block([0 if policy is None else policy[position] for policy in policies])
    return magic + b"".join(map(_bigsize, numbers))


@pytest.fixture
def gossmap_bytes():
    """Builder of compressed gossip maps (not gzipped)."""
    return build_gossmap
