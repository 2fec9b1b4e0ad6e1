"""Core Lightning's compressed gossip map, ``GOSSMAP_COMPRESSv1``.

After the magic everything is a "bigsize" integer (BOLT 1): the number of channels; the start node of
every channel; the end node of every channel; the disabled directions (``2 * channel + direction``),
ended by a number that is no direction; and six blocks, each a list of distinct values followed by one
index into that list per channel (capacity, in satoshi) or per direction (htlc_min, htlc_max, base fee,
proportional fee, time-lock delta, the amounts in msat). An htlc_max of 0 stands for the capacity, 1 for
99 % of it. Disabled directions have all zeros: their policy is unknown. There are no short channel ids,
and nodes are bare indices; a node map beside the file (``X.compressed`` -> ``X-node-map.xz``) names them.
"""

from pathlib import Path

import numpy as np

from lnherd.errors import InputError
from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import Bools, Ints, Records, zero_records
from lnherd.network.snapshots.columns import INT64_MAX, MAX_SAT, UINT16_MAX, UINT32_MAX
from lnherd.network.snapshots.node_names import NodeNames, anonymous, read_indexed_names
from lnherd.network.snapshots.opening import find_beside, without_compression
from lnherd.units import MSAT_PER_SAT

MAGIC = b"GOSSMAP_COMPRESSv"
_VERSION = b"1\0"
_AT_CAPACITY, _AT_99_PERCENT = 0, 1

_POLICY_BLOCKS = (
    ("htlc_min_msat", INT64_MAX),
    ("htlc_max_msat", INT64_MAX),
    ("base_fee_msat", UINT32_MAX),
    ("fee_ppm", UINT32_MAX),
    ("cltv_delta", UINT16_MAX),
)
"""Blocks after the capacities, in their order: (field of an edge, largest value)."""


def read_gossmap(data: bytes, path: Path, nodes: Path | None) -> Network:
    """Build the network of a compressed gossip map that came from ``path``; ``nodes`` is its node map.

    Raises:
        InputError: when the version is unknown, the file is cut short, or a value is out of range.
    """
    if not data.startswith(MAGIC + _VERSION):
        version = data[len(MAGIC) : len(MAGIC) + 8].partition(b"\0")[0].decode("ascii", errors="replace")
        raise InputError(f"{path}: compressed gossip map of version {version!r}; only version 1 can be read")
    stream = _Integers(bigsizes(data, len(MAGIC + _VERSION), str(path)), str(path))
    n_channels = stream.one("number of channels")
    ends = np.stack([stream.take(n_channels, "start nodes"), stream.take(n_channels, "end nodes")], axis=1)
    enabled = ~_disabled(stream, n_channels)
    channels = zero_records(n_channels, CHANNEL_DTYPE)
    channels.capacity_msat = MSAT_PER_SAT * stream.block(n_channels, "capacity", MAX_SAT)
    edges = _edges(stream, channels.capacity_msat, enabled)
    stream.require_end()
    names = _node_names(ends, path, nodes)
    channels.node1, channels.node2 = ends.T
    channels.scid = -1
    return Network(names.id_array(), channels, edges, aliases=names.alias_array(), name=path.name)


class _Integers:
    """The numbers of the file, taken one part after the other."""

    def __init__(self, numbers: Ints, source: str) -> None:
        self._numbers = numbers
        self._source = source
        self._position = 0

    def take(self, count: int, part: str) -> Ints:
        """The next ``count`` numbers."""
        end = self._position + count
        if end > len(self._numbers):
            raise InputError(f"{self._source}: ends within the {part}; fetch the file again")
        taken = self._numbers[self._position : end]
        self._position = end
        return taken

    def one(self, part: str) -> int:
        """The next number."""
        return int(self.take(1, part)[0])

    def until(self, bound: int, part: str) -> Ints:
        """The numbers before the next that is at least ``bound``, which is skipped."""
        beyond = np.flatnonzero(self._numbers[self._position :] >= bound)
        taken = self.take(int(beyond[0]) if len(beyond) else len(self._numbers), part)
        self._position += 1
        return taken

    def block(self, count: int, part: str, high: int) -> Ints:
        """``count`` values of a block of distinct values and indices."""
        values = self.take(self.one(part), part)
        indices = self.take(count, part)
        if count and indices.max() >= len(values):
            raise InputError(f"{self._source}: {part} refers beyond its {len(values)} values; fetch the file again")
        if len(values) and values.max() > high:
            raise InputError(f"{self._source}: {part} {values.max()} is above {high}; fetch the file again")
        return values[indices]

    def require_end(self) -> None:
        """Nothing is left."""
        left = len(self._numbers) - self._position
        if left:
            raise InputError(f"{self._source}: has {left} numbers after its end; fetch the file again")


def bigsizes(data: bytes, start: int, source: str) -> Ints:
    """All "bigsize" integers (BOLT 1) from byte ``start`` on; those beyond 63 bits are read as the largest.

    Raises:
        InputError: when the last one is cut short.
    """
    numbers: list[int] = []
    append = numbers.append
    position, end = start, len(data)
    while position < end:
        first = data[position]
        position += 1
        if first < 0xFD:
            append(first)
            continue
        width = 1 << (first - 0xFC)
        append(int.from_bytes(data[position : position + width], "big"))
        position += width
    if position > end:
        raise InputError(f"{source}: ends within a number; fetch the file again")
    return np.fromiter((min(number, INT64_MAX) for number in numbers), np.int64, len(numbers))


def _disabled(stream: _Integers, n_channels: int) -> Bools:
    """``[2C]`` which directions are off."""
    disabled = np.zeros(2 * n_channels, dtype=np.bool_)
    disabled[stream.until(2 * n_channels, "disabled directions")] = True
    return disabled


def _edges(stream: _Integers, capacity_msat: Ints, enabled: Bools) -> Records:
    edges = empty_edges(len(capacity_msat))
    for name, high in _POLICY_BLOCKS:
        edges[name] = stream.block(len(edges), name, high)
    capacity = np.repeat(capacity_msat, 2)
    coded = np.where(edges.htlc_max_msat == _AT_CAPACITY, capacity, capacity // 100 * 99)
    edges.htlc_max_msat = np.where(edges.htlc_max_msat <= _AT_99_PERCENT, coded, edges.htlc_max_msat)
    edges[~enabled] = 0
    edges.enabled = enabled
    return edges


def _node_names(ends: Ints, path: Path, nodes: Path | None) -> NodeNames:
    nodes = nodes or _node_map_beside(path)
    highest = int(ends.max()) if len(ends) else -1
    if nodes is None:
        return anonymous(highest + 1, str(path))
    names = read_indexed_names(nodes)
    if highest >= len(names.ids):
        raise InputError(
            f"{path}: a channel leads to node {highest}, but {nodes} lists {len(names.ids)}; give its own map"
        )
    return names


def _node_map_beside(path: Path) -> Path | None:
    stem = without_compression(path).name.removesuffix(".compressed")
    return find_beside(path.with_name(f"{stem}-node-map"))
