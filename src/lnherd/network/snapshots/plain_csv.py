"""Our own CSV: ``X-edges.csv``, one row per direction, and ``X-nodes.csv`` beside it.

Edges: ``channel, src, dst``, ``capacity_sat`` (``capacity_msat`` where a capacity is not whole satoshi),
``enabled`` (1/0), ``base_msat, ppm, cltv_delta, htlc_min_msat, htlc_max_msat`` (empty where the direction
is off and its policy unknown) and, as far as known, ``inbound_base_msat, inbound_ppm``, ``balance_msat``
(what ``src`` owns) and ``scid`` (``505149x622x0``). Two rows per channel, the first of them becomes edge
``2c``; channels are numbered in order of their ``channel`` value. Nodes: ``node, pubkey`` and ``alias``;
without a nodes file the nodes are called by their index.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import Bools, Ints, Records, zero_records
from lnherd.network.snapshots.columns import MAX_MSAT, MAX_SAT, UINT16_MAX, UINT32_MAX, Table, integers, read_table
from lnherd.network.snapshots.node_names import NodeNames, anonymous, read_indexed_names
from lnherd.network.snapshots.opening import find_beside, without_compression
from lnherd.network.snapshots.policies import INBOUND_LIMITS, announced
from lnherd.network.snapshots.saving import save_text
from lnherd.network.snapshots.scids import parse_scids, scid_text
from lnherd.units import MSAT_PER_SAT

_POLICY_COLUMNS: dict[str, tuple[str, dict[str, Any]]] = {
    "base_msat": ("base_fee_msat", {"high": UINT32_MAX}),
    "ppm": ("fee_ppm", {"high": UINT32_MAX}),
    "cltv_delta": ("cltv_delta", {"high": UINT16_MAX}),
    "htlc_min_msat": ("htlc_min_msat", {}),
    "htlc_max_msat": ("htlc_max_msat", {}),
    "inbound_base_msat": ("inbound_base_fee_msat", INBOUND_LIMITS),
    "inbound_ppm": ("inbound_fee_ppm", INBOUND_LIMITS),
}
"""Column -> (field of an edge, limits). The values are empty where a direction is off and its policy unknown."""

_OPTIONAL_COLUMNS = ("inbound_base_msat", "inbound_ppm")
_REQUIRED = ("channel", "src", "dst", "enabled", *(name for name in _POLICY_COLUMNS if name not in _OPTIONAL_COLUMNS))
_MAX_NODE = 2**31 - 2


def read_csv(text: str, path: Path, nodes: Path | None) -> Network:
    """Build the network of an edges CSV that came from ``path``; ``nodes`` is its nodes CSV, if not beside it.

    Raises:
        InputError: naming the line and column that is wrong.
    """
    has_msat = "capacity_msat" in text.partition("\n")[0]
    table = read_table(text, str(path), (*_REQUIRED, "capacity_msat" if has_msat else "capacity_sat"))
    order = _paired_rows(table)
    ends = np.stack([table.integers("src", high=_MAX_NODE), table.integers("dst", high=_MAX_NODE)], axis=1)
    names = _node_names(table, ends, nodes or find_beside(nodes_path(path)))
    channels = _channels(table, ends, order)
    balances = "balance_msat" in table.columns
    return Network(
        node_ids=names.id_array(),
        channels=channels,
        edges=_edges(table, order),
        aliases=names.alias_array(),
        balance_msat=_balances(table, channels, order) if balances else None,
        name=path.name,
    )


def nodes_path(edges_path: Path) -> Path:
    """Where the nodes of an edges CSV lie: ``X-edges.csv.xz`` -> ``X-nodes.csv.xz``, ``X.csv`` -> ``X-nodes.csv``."""
    plain = without_compression(edges_path)
    compression = edges_path.name.removeprefix(plain.name)
    stem = plain.stem.removesuffix("edges") + "nodes" if plain.stem.endswith("edges") else f"{plain.stem}-nodes"
    return edges_path.with_name(stem + plain.suffix + compression)


def _paired_rows(table: Table) -> Ints:
    """Row numbers ``[2C]`` in order of edges: the two rows of each channel next to each other."""
    channel = table.integers("channel")
    _, group, count = np.unique(channel, return_inverse=True, return_counts=True)
    table.reject(count[group] > 2, "channel {channel} has more than two rows; keep one per direction")
    table.reject(
        count[group] < 2, "channel {channel} has only this row; add the other direction or fetch the file again"
    )
    return np.argsort(channel, kind="stable")


def _node_names(table: Table, ends: Ints, nodes: Path | None) -> NodeNames:
    names = anonymous(int(ends.max()) + 1, table.source) if nodes is None else read_indexed_names(nodes)
    for column, end in (("src", ends[:, 0]), ("dst", ends[:, 1])):
        unknown = f"{column} {{{column}}} is not among the {len(names.ids)} nodes of {names.source}; add it there"
        table.reject(end >= len(names.ids), unknown)
    table.reject(ends[:, 0] == ends[:, 1], "channel {channel} joins node {src} to itself; remove the channel")
    return names


def _channels(table: Table, ends: Ints, order: Ints) -> Records:
    capacity_msat, scids = _capacity_msat(table), _scids(table)
    there, back = order[::2], order[1::2]
    for what, differs in (
        (
            "does not lead back along its other row; correct src and dst",
            (ends[there] != ends[back][:, ::-1]).any(axis=1),
        ),
        (
            "has another capacity than in its other row; correct one of them",
            capacity_msat[there] != capacity_msat[back],
        ),
        ("has another scid than in its other row; correct one of them", scids[there] != scids[back]),
    ):
        table.reject(_marked(back, differs, table), f"channel {{channel}} {what}")
    again = _again(scids[there])
    table.reject(_marked(there, again, table), "scid {scid} belongs to another channel already; correct one of them")
    channels = zero_records(len(there), CHANNEL_DTYPE)
    channels.node1, channels.node2 = ends[there].T
    channels.capacity_msat = capacity_msat[there]
    channels.scid = scids[there]
    return channels


def _marked(rows: Ints, marks: Bools, table: Table) -> Bools:
    """``marks [C]`` as marks on the rows ``[C]`` of the whole table."""
    marked = np.zeros(table.n_rows, dtype=np.bool_)
    marked[rows] = marks
    return marked


def _again(scids: Ints) -> Bools:
    """``[C]`` whether a known short channel id belongs to an earlier channel too."""
    order = np.argsort(scids, kind="stable")
    again = np.zeros(len(scids), dtype=np.bool_)
    again[order[1:]] = (np.diff(scids[order]) == 0) & (scids[order[1:]] >= 0)
    return again


def _capacity_msat(table: Table) -> Ints:
    if "capacity_msat" in table.columns:
        return table.integers("capacity_msat", low=1, high=MAX_MSAT)
    return MSAT_PER_SAT * table.integers("capacity_sat", low=1, high=MAX_SAT)


def _scids(table: Table) -> Ints:
    values: Sequence[str] = table.columns.get("scid", ("",) * table.n_rows)
    return parse_scids(values, table.where("scid"))


def _edges(table: Table, order: Ints) -> Records:
    edges = empty_edges(len(order) // 2)
    enabled = table.integers("enabled", high=1) == 1
    edges.enabled = enabled[order]
    for column, (name, limits) in _POLICY_COLUMNS.items():
        if column not in table.columns:
            continue
        values = table.columns[column]
        if "" in values:
            filled = np.fromiter(map(bool, values), np.bool_, len(values))
            table.reject(enabled & ~filled, f"{column} is empty though the direction is enabled; fill it or disable it")
            values = [value or "0" for value in values]
        edges[name] = integers(values, table.where(column), **limits)[order]
    return edges


def _balances(table: Table, channels: Records, order: Ints) -> Ints:
    balance_msat = table.integers("balance_msat", high=MAX_MSAT)[order]
    wrong = balance_msat[::2] + balance_msat[1::2] != channels.capacity_msat
    unbalanced = "the two balances of channel {channel} do not sum to its capacity; correct them"
    table.reject(_marked(order[1::2], wrong, table), unbalanced)
    return balance_msat


def write_csv(network: Network, path: Path | str) -> tuple[Path, Path]:
    """Write the edges to ``path`` and the nodes beside it (:func:`nodes_path`), compressed as the name says.

    Optional columns are written where there is something to say. What is written reads back the same.

    Returns:
        The paths of the edges file and of the nodes file.

    Raises:
        InputError: when a file cannot be written.
    """
    path = Path(path)
    columns = _edge_columns(network)
    # The edges come last: whoever finds them finds their nodes too.
    # Minimal quoting overlooks a carriage return in a name, which reading would take for the end of a line.
    save_text(nodes_path(path), _csv_text(_node_header(network), _node_rows(network), csv.QUOTE_NONNUMERIC))
    save_text(path, _csv_text(list(columns), zip(*columns.values(), strict=True)))
    return path, nodes_path(path)


def _node_header(network: Network) -> list[str]:
    return ["node", "pubkey"] if network.aliases is None else ["node", "pubkey", "alias"]


def _node_rows(network: Network) -> Iterable[tuple[Any, ...]]:
    indices, ids = range(network.n_nodes), network.node_ids.tolist()
    if network.aliases is None:
        return zip(indices, ids, strict=True)
    return zip(indices, ids, network.aliases.tolist(), strict=True)


def _edge_columns(network: Network) -> dict[str, list[Any]]:
    channels, edges = network.channels, network.edges
    whole_sat = not (channels.capacity_msat % MSAT_PER_SAT).any()
    capacity = channels.capacity_msat // MSAT_PER_SAT if whole_sat else channels.capacity_msat
    columns: dict[str, list[Any]] = {
        "channel": np.repeat(np.arange(network.n_channels), 2).tolist(),
        "src": network.edge_source.tolist(),
        "dst": network.edge_target.tolist(),
        "capacity_sat" if whole_sat else "capacity_msat": np.repeat(capacity, 2).tolist(),
        "enabled": edges.enabled.astype(np.int64).tolist(),
    }
    known = announced(edges).tolist()
    for column, (name, _) in _POLICY_COLUMNS.items():
        if column not in _OPTIONAL_COLUMNS or edges[name].any():
            columns[column] = [value if say else "" for value, say in zip(edges[name].tolist(), known, strict=True)]
    if network.balance_msat is not None:
        columns["balance_msat"] = network.balance_msat.tolist()
    if (channels.scid >= 0).any():
        columns["scid"] = [scid_text(scid) for scid in np.repeat(channels.scid, 2).tolist()]
    return columns


def _csv_text(header: list[str], rows: Iterable[Iterable[Any]], quoting: Literal[0, 2] = csv.QUOTE_MINIMAL) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerow(header)
    csv.writer(stream, lineterminator="\n", quoting=quoting).writerows(rows)
    return stream.getvalue()
