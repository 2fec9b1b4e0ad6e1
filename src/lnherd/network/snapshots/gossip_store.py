"""Core Lightning ``gossip_store``: the gossip messages a node keeps, with a little bookkeeping between them.

One version byte (upper three bits: major, must be 0; lower five: minor), then records::

    u16 flags | u16 length | u32 crc | u32 timestamp | message (length bytes)

all big-endian. The checksum is CRC-32C of the message, continued from the timestamp as the initial
value. A message begins with its type: those of BOLT 7 (channel_announcement 256, node_announcement 257,
channel_update 258) or of the store itself (channel_amount 4101, right after the announcement it belongs
to; delete_chan 4103). As the format's own description asks, unknown types and flags are passed over and
later records overrule earlier ones. Deleted and zombie records, unannounced channels (4102, 4104) and
updates for channels that are gone are left out; channels whose funding has been spent but which the
node still keeps ("dying") are not.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lnherd.errors import InputError
from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import Ints, Records, zero_records
from lnherd.network.snapshots.columns import INT64_MAX, MAX_SAT, clean
from lnherd.network.snapshots.crc32c import crc32c
from lnherd.network.snapshots.policies import capped
from lnherd.network.snapshots.scids import real_scids, scid_text
from lnherd.units import MSAT_PER_SAT

CHANNEL_ANNOUNCEMENT, NODE_ANNOUNCEMENT, CHANNEL_UPDATE = 256, 257, 258
CHANNEL_AMOUNT, PRIVATE_UPDATE, DELETE_CHAN, PRIVATE_CHANNEL, ENDED, CHAN_DYING, UUID = range(4101, 4108)
_TYPES = (CHANNEL_ANNOUNCEMENT, NODE_ANNOUNCEMENT, CHANNEL_UPDATE, *range(CHANNEL_AMOUNT, UUID + 1))

_OLDEST_MINOR = 7
"""Records had no timestamp before (2019)."""
_LAST_MINOR_WITH_ZOMBIES = 13
_DELETED, _ZOMBIE = 0x8000, 0x1000
_DISABLED = 2
"""Of ``channel_flags`` (BOLT 7)."""
_INBOUND_FEES = 55555
"""TLV type of inbound fees in a channel_update (bLIP 18): two signed 32-bit integers."""

_HEADER = struct.Struct(">HHII")
_TYPE = struct.Struct(">H")
_U64 = struct.Struct(">Q")
_UPDATE = struct.Struct(">98xQ4xBBHQII")
_INBOUND = struct.Struct(">ii")
_SIGNATURES = 4 * 64


class _Record(NamedTuple):
    at: int
    """Byte of the file where its header begins."""
    kind: int
    message: bytes


@dataclass
class _Channel:
    node1: str
    node2: str
    capacity_sat: int = -1
    updates: list[tuple[int, ...] | None] = field(default_factory=lambda: [None, None])
    """The policy of each direction in the order of :data:`_POLICY`; None before any update."""


_POLICY = (
    "enabled",
    "cltv_delta",
    "htlc_min_msat",
    "base_fee_msat",
    "fee_ppm",
    "htlc_max_msat",
    "inbound_base_fee_msat",
    "inbound_fee_ppm",
)


def is_gossip_store(data: bytes) -> bool:
    """Whether ``data`` look like a gossip store of any version: a plausible first record follows the first byte."""
    kinds = [int.from_bytes(data[at : at + 2], "big") for at in (1 + _HEADER.size, 1 + 8)]
    return len(data) > 1 + _HEADER.size and (kinds[0] in _TYPES or kinds[1] in range(4096, 4102))


def read_gossip_store(data: bytes, path: Path) -> Network:
    """Build the network of a gossip store that came from ``path``.

    Raises:
        InputError: when the version is unknown, or naming the byte where a record is cut short or corrupt.
    """
    source = str(path)
    _require_version(data[0], source)
    channels: dict[int, _Channel] = {}
    aliases: dict[str, str] = {}
    last_announced = -1
    for record in _records(data, source):
        try:
            last_announced = _apply(record, channels, aliases, last_announced)
        except struct.error:
            raise InputError(
                f"{source}: the message of type {record.kind} at byte {record.at} is too short; fetch the file again"
            ) from None
        except _RecordError as fault:
            raise InputError(f"{source}: {fault} (byte {record.at}); fetch the file again") from None
    for scid, channel in channels.items():
        if channel.capacity_sat < 0:
            raise InputError(f"{source}: channel {scid_text(scid)} has no amount after it; fetch the file again")
    return _network(channels, aliases, path)


class _RecordError(Exception):
    """What is wrong with a record; the reader adds where."""


def _require_version(version: int, source: str) -> None:
    major, minor = version >> 5, version & 0x1F
    if major != 0:
        raise InputError(f"{source}: gossip_store of major version {major}; only major version 0 can be read")
    if minor < _OLDEST_MINOR:
        raise InputError(f"{source}: gossip_store of version {minor}; versions from {_OLDEST_MINOR} on can be read")


def _records(data: bytes, source: str) -> Iterator[_Record]:
    """The records that count, in order; kind 0 stands where one was deleted."""
    ignored = _DELETED | (_ZOMBIE if data[0] & 0x1F <= _LAST_MINOR_WITH_ZOMBIES else 0)
    headers = _headers(data, source)
    kept = headers[:, 1] & ignored == 0
    _check(data, headers[kept], source)
    for (at, _, length, _, _), keep in zip(headers.tolist(), kept.tolist(), strict=True):
        start = at + _HEADER.size
        message = data[start : start + length]
        yield _Record(at, _TYPE.unpack_from(message)[0] if keep and length >= _TYPE.size else 0, message)


def _headers(data: bytes, source: str) -> Ints:
    """``[R, 5]``: where each record begins, its flags, length, checksum and timestamp."""
    headers: list[tuple[int, ...]] = []
    at, end = 1, len(data)
    while at + _HEADER.size <= end:
        header = _HEADER.unpack_from(data, at)
        headers.append((at, *header))
        at += _HEADER.size + header[1]
    if at != end:
        at = headers[-1][0] if at > end else at
        raise InputError(f"{source}: the record at byte {at} is cut short; fetch the file again, or end it there")
    return np.array(headers, dtype=np.int64).reshape(-1, 5)


def _check(data: bytes, headers: Ints, source: str) -> None:
    at, _, lengths, expected, timestamps = headers.T
    wrong = crc32c(data, at + _HEADER.size, lengths, timestamps.astype(np.uint32)) != expected
    if wrong.any():
        first = at[np.argmax(wrong)]
        raise InputError(f"{source}: the record at byte {first} does not match its checksum; fetch the file again")


def _apply(record: _Record, channels: dict[int, _Channel], aliases: dict[str, str], last_announced: int) -> int:
    """Take in one record; returns the channel it announced, or -1: an amount belongs to the record before it."""
    message = record.message
    if record.kind == CHANNEL_ANNOUNCEMENT:
        return _announce(message, channels)
    if record.kind == CHANNEL_UPDATE:
        _update(message, channels)
    elif record.kind == CHANNEL_AMOUNT and last_announced >= 0:
        channels[last_announced].capacity_sat = _amount(message)
    elif record.kind == NODE_ANNOUNCEMENT:
        _name(message, aliases)
    elif record.kind == DELETE_CHAN:
        channels.pop(_U64.unpack_from(message, 2)[0], None)
    return -1


def _announce(message: bytes, channels: dict[int, _Channel]) -> int:
    at = 2 + _SIGNATURES
    at += 2 + int(_TYPE.unpack_from(message, at)[0]) + 32  # features and the chain's hash
    scid = int(_U64.unpack_from(message, at)[0])
    node1, node2 = struct.unpack_from("33s33s", message, at + 8)
    if scid in channels:
        raise _RecordError(f"channel {scid_text(scid)} occurs twice")
    if node1 == node2:
        raise _RecordError(f"channel {scid_text(scid)} joins a node to itself")
    channels[scid] = _Channel(node1.hex(), node2.hex())
    return scid


def _amount(message: bytes) -> int:
    amount_sat = int(_U64.unpack_from(message, 2)[0])
    if not 0 < amount_sat <= MAX_SAT:
        raise _RecordError(f"a capacity of {amount_sat} sat")
    return amount_sat


def _update(message: bytes, channels: dict[int, _Channel]) -> None:
    scid, has_max, flags, cltv_delta, htlc_min, base_fee, ppm = _UPDATE.unpack_from(message)
    if scid not in channels:
        return
    # Until 2022 (store version 10) an update could do without a largest HTLC: then the capacity is the limit.
    htlc_max = _U64.unpack_from(message, _UPDATE.size)[0] if has_max & 1 else 0
    inbound = _inbound_fees(message[_UPDATE.size + (_U64.size if has_max & 1 else 0) :])
    channels[scid].updates[flags & 1] = (
        int(flags & _DISABLED == 0),
        cltv_delta,
        min(htlc_min, INT64_MAX),
        base_fee,
        ppm,
        min(htlc_max, INT64_MAX),
        *inbound,
    )


def _inbound_fees(extension: bytes) -> tuple[int, int]:
    """Base and proportional inbound fee among the TLV records at the end of an update; zero without."""
    at = 0
    while at < len(extension):
        kind, at = _bigsize(extension, at)
        length, at = _bigsize(extension, at)
        if kind == _INBOUND_FEES and length == _INBOUND.size:
            base, ppm = _INBOUND.unpack_from(extension, at)
            return base, ppm
        at += length
    return 0, 0


def _bigsize(data: bytes, at: int) -> tuple[int, int]:
    """The bigsize integer (BOLT 1) at ``at``, and where it ends."""
    first = data[at] if at < len(data) else 0
    width = 0 if first < 0xFD else 1 << (first - 0xFC)
    return (int.from_bytes(data[at + 1 : at + 1 + width], "big") if width else first), at + 1 + width


def _name(message: bytes, aliases: dict[str, str]) -> None:
    at = 2 + 64
    at += 2 + int(_TYPE.unpack_from(message, at)[0]) + 4  # features and timestamp
    node, alias = struct.unpack_from("33s3x32s", message, at)
    aliases[node.hex()] = clean(alias.rstrip(b"\0").decode("utf-8", errors="replace"))


def _network(announced: dict[int, _Channel], aliases: dict[str, str], path: Path) -> Network:
    node_ids = list(dict.fromkeys(key for channel in announced.values() for key in (channel.node1, channel.node2)))
    index_of = {key: index for index, key in enumerate(node_ids)}
    channels = zero_records(len(announced), CHANNEL_DTYPE)
    channels.node1 = [index_of[channel.node1] for channel in announced.values()]
    channels.node2 = [index_of[channel.node2] for channel in announced.values()]
    channels.capacity_msat = [MSAT_PER_SAT * channel.capacity_sat for channel in announced.values()]
    channels.scid = real_scids(np.array([min(scid, INT64_MAX) for scid in announced], dtype=np.int64))
    return Network(
        node_ids=np.array(node_ids, dtype=np.str_),
        channels=channels,
        edges=_edges(list(announced.values()), channels.capacity_msat),
        aliases=np.array([aliases.get(key, "") for key in node_ids], dtype=np.str_),
        name=path.name,
    )


def _edges(announced: list[_Channel], capacity_msat: Ints) -> Records:
    edges = empty_edges(len(announced))
    updates = [update for channel in announced for update in channel.updates]
    known = np.array([edge for edge, update in enumerate(updates) if update is not None], dtype=np.int64)
    values = np.array([update for update in updates if update is not None], dtype=np.int64).reshape(-1, len(_POLICY))
    for name, column in zip(_POLICY, values.T, strict=True):
        edges[name][known] = column
    edges.htlc_max_msat[known] = capped(edges.htlc_max_msat[known], capacity_msat[known >> 1])
    return edges
