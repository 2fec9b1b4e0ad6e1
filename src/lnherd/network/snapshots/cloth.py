"""CLoTH's input: ``nodes_ln.csv``, ``channels_ln.csv`` and ``edges_ln.csv`` in a folder or a tar, balances included.

``channels``: ``id, edge1_id, edge2_id, node1_id, node2_id, capacity`` (msat). ``edges``: ``id, channel_id,
counter_edge_id, from_node_id, to_node_id, balance`` (msat), ``fee_base`` (msat), ``fee_proportional`` (ppm),
``min_htlc`` (msat), ``timelock`` (blocks). Edge ids are CLoTH's; ours are 2c and 2c + 1 in order of the
channels file, node1 -> node2 first. The format knows neither a largest HTLC (we take the capacity) nor
disabled directions (all are enabled). Nodes are called by their id.
"""

import io
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import numpy as np

from lnherd.errors import InputError
from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import Ints, Records, zero_records
from lnherd.network.snapshots.columns import MAX_MSAT, UINT16_MAX, UINT32_MAX, Table, read_table
from lnherd.network.snapshots.opening import decoded, decompressed, read_bytes, without_compression

_COLUMNS = {
    "nodes": ("id",),
    "channels": ("id", "edge1_id", "edge2_id", "node1_id", "node2_id", "capacity"),
    "edges": (
        *("id", "channel_id", "counter_edge_id", "from_node_id", "to_node_id", "balance"),
        *("fee_base", "fee_proportional", "min_htlc", "timelock"),
    ),
}
"""The three files and the columns they must have."""

_POLICY_COLUMNS = {
    "fee_base": ("base_fee_msat", UINT32_MAX),
    "fee_proportional": ("fee_ppm", UINT32_MAX),
    "min_htlc": ("htlc_min_msat", MAX_MSAT),
    "timelock": ("cltv_delta", UINT16_MAX),
}
"""Column of the edges -> (field of an edge, largest value)."""

Contents: TypeAlias = Mapping[str, Callable[[], bytes]]
"""Names of the files in a folder or archive -> how to get their (decompressed) content."""


def folder_contents(path: Path) -> Contents:
    """The files directly in the folder ``path``.

    Raises:
        InputError: when the folder may not be read.
    """

    def content(name: str) -> Callable[[], bytes]:
        return lambda: read_bytes(path / name)

    try:
        return {entry.name: content(entry.name) for entry in sorted(path.iterdir()) if entry.is_file()}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def is_tar(data: bytes) -> bool:
    """Whether ``data`` are a tar archive."""
    return data[257:262] == b"ustar"


def tar_contents(data: bytes, source: str) -> Contents:
    """The files in a tar archive, in whatever folders.

    Raises:
        InputError: when the archive is broken.
    """
    contents: dict[str, Callable[[], bytes]] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    contents[member.name] = _constant(file.read(), f"{source}/{member.name}")
    except (tarfile.TarError, EOFError) as error:
        raise InputError(f"{source}: broken tar archive ({error}); fetch the file again") from None
    return contents


def _constant(data: bytes, source: str) -> Callable[[], bytes]:
    return lambda: decompressed(data, source)


def holds_cloth(names: Iterable[str]) -> bool:
    """Whether a folder or archive with these files holds CLoTH's channels."""
    return any(_kind(name) == "channels" for name in names)


def _kind(name: str) -> str | None:
    """Which of the three files ``name`` is, if any: ``edges_ln.csv.xz`` and ``edges.csv`` are edges."""
    stem = without_compression(Path(PurePosixPath(name).name)).name
    return next((kind for kind in _COLUMNS if stem in (f"{kind}_ln.csv", f"{kind}.csv")), None)


@dataclass(frozen=True)
class _Tables:
    nodes: Table
    channels: Table
    edges: Table


def read_cloth(contents: Contents, path: Path) -> Network:
    """Build the network of CLoTH's three files among the ``contents`` of the folder or archive ``path``.

    Raises:
        InputError: when one of them is missing, or naming the file, line and column that is wrong.
    """
    tables = _tables(contents, path)
    _require_counting(tables.nodes)
    channels, rows = _channels(tables)
    edges, balance_msat = _edges(tables.edges, channels, rows)
    _reject_unbalanced(tables.channels, channels, balance_msat)
    node_ids = np.array(tables.nodes.columns["id"], dtype=np.str_)
    return Network(node_ids=node_ids, channels=channels, edges=edges, balance_msat=balance_msat, name=path.name)


def _tables(contents: Contents, path: Path) -> _Tables:
    found: dict[str, Table] = {}
    for kind, columns in _COLUMNS.items():
        names = [name for name in contents if _kind(name) == kind]
        if len(names) != 1:
            count = "no" if not names else "more than one"
            raise InputError(f"{path}: holds {count} file {kind}_ln.csv; give a folder or archive with exactly one")
        source = f"{path}/{names[0]}"
        found[kind] = read_table(decoded(contents[names[0]](), source), source, columns)
    return _Tables(**found)


def _require_counting(nodes: Table) -> None:
    wrong = nodes.integers("id") != np.arange(nodes.n_rows)
    nodes.reject(wrong, "node id {id} is out of turn; ids count from 0 without gaps")


def _channels(tables: _Tables) -> tuple[Records, Ints]:
    """The channels, and the row of the edges file ``[2C]`` that describes each of our edges."""
    table, edges = tables.channels, tables.edges
    _reject_repeated_ids(table)
    _reject_repeated_ids(edges)
    ends = _ends(table, "node1_id", "node2_id", tables.nodes)
    table.reject(ends[:, 0] == ends[:, 1], "channel {id} joins node {node1_id} to itself; remove the channel")
    rows = np.stack([_rows_of_edges(tables, "edge1_id"), _rows_of_edges(tables, "edge2_id")], axis=1)
    edge_ends = _ends(edges, "from_node_id", "to_node_id", tables.nodes)
    swapped = (edge_ends[rows[:, 0]] != ends).any(axis=1)
    rows[swapped] = rows[swapped][:, ::-1]
    wrong = (edge_ends[rows[:, 0]] != ends).any(axis=1) | (edge_ends[rows[:, 1]] != ends[:, ::-1]).any(axis=1)
    table.reject(wrong, "edges {edge1_id} and {edge2_id} do not lead to and fro between its nodes; correct them")
    used = np.zeros(edges.n_rows, dtype=np.bool_)
    used[rows] = True
    edges.reject(~used, "edge {id} belongs to no channel of the channels file; remove it")
    channels = zero_records(table.n_rows, CHANNEL_DTYPE)
    channels.node1, channels.node2 = ends.T
    channels.capacity_msat = table.integers("capacity", low=1, high=MAX_MSAT)
    channels.scid = -1
    return channels, rows.reshape(-1)


def _ends(table: Table, first: str, second: str, nodes: Table) -> Ints:
    ends = np.stack([table.integers(first), table.integers(second)], axis=1)
    for column, end in zip((first, second), ends.T, strict=True):
        table.reject(end >= nodes.n_rows, f"{column} {{{column}}} is not in {nodes.source}; add the node there")
    return ends


def _rows_of_edges(tables: _Tables, column: str) -> Ints:
    """Rows ``[C]`` of the edges file that ``column`` of the channels file refers to."""
    channels, edges = tables.channels, tables.edges
    edge_ids, wanted = edges.integers("id"), channels.integers(column)
    order = np.argsort(edge_ids, kind="stable")
    rows = order[np.minimum(np.searchsorted(edge_ids[order], wanted), len(order) - 1)]
    channels.reject(edge_ids[rows] != wanted, f"{column} {{{column}}} is not in {edges.source}; add the edge there")
    astray = edges.integers("channel_id")[rows] != channels.integers("id")
    channels.reject(astray, f"{column} {{{column}}} names an edge of another channel; correct one of them")
    return rows


def _reject_repeated_ids(table: Table) -> None:
    ids = table.integers("id")
    order = np.argsort(ids, kind="stable")
    again = np.zeros(table.n_rows, dtype=np.bool_)
    again[order[1:]] = np.diff(ids[order]) == 0
    table.reject(again, "id {id} occurs twice; remove one of the rows")


def _edges(table: Table, channels: Records, rows: Ints) -> tuple[Records, Ints]:
    """Our edges and their balances ``[2C]``, in our order."""
    edges = empty_edges(len(channels))
    for column, (name, high) in _POLICY_COLUMNS.items():
        edges[name] = table.integers(column, high=high)[rows]
    edges.htlc_max_msat = np.repeat(channels.capacity_msat, 2)
    edges.enabled = True
    return edges, table.integers("balance", high=MAX_MSAT)[rows]


def _reject_unbalanced(table: Table, channels: Records, balance_msat: Ints) -> None:
    unbalanced = balance_msat.reshape(-1, 2).sum(axis=1) != channels.capacity_msat
    table.reject(unbalanced, "the balances of the edges of channel {id} do not sum to its capacity; correct them")
