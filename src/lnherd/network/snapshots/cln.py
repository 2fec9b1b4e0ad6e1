"""Core Lightning ``listchannels`` JSON: one object per *direction*, channels found by their short channel id.

A row's policy belongs to its ``source``. BOLT 7 orders the ends of a channel by public key, so edge
``2c`` is the direction whose source is the smaller key; a direction that is not listed was never
announced. Amounts came as ``satoshis``, then as ``"123msat"`` strings, today as integers. Unannounced
channels (``public`` false) are left out: nobody else knows them. Nodes are those that have channels;
``listnodes`` only adds their aliases.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import Bools, Ints, Records, zero_records
from lnherd.network.snapshots.columns import MAX_MSAT, UINT16_MAX, UINT32_MAX, integers
from lnherd.network.snapshots.documents import Entries, entries
from lnherd.network.snapshots.node_names import read_node_names
from lnherd.network.snapshots.opening import find_beside
from lnherd.network.snapshots.policies import capped
from lnherd.network.snapshots.scids import parse_scids, real_scids
from lnherd.units import MSAT_PER_SAT

_DISABLED_BIT = 2
"""Of ``channel_flags`` (BOLT 7); bit 0 is the direction."""


def read_listchannels(document: dict[str, Any], path: Path, nodes: Path | None) -> Network:
    """Build the network of a parsed ``listchannels`` document that came from ``path``.

    Aliases come from the ``listnodes`` file ``nodes``, else from the file beside ``path`` whose name
    says ``listnodes`` where that of ``path`` says ``listchannels``, if there is one.

    Raises:
        InputError: naming the channel and the field that is wrong.
    """
    rows = entries(document, "channels", str(path), "channel", "short_channel_id")
    rows = rows.kept(rows.flags("public", True))
    node_ids, ends, backward = _ends(rows)
    channels, edge = _channels(rows, ends, backward)
    edges = empty_edges(len(channels))
    _read_policies(rows, edge, edges, channels.capacity_msat)
    aliases = _aliases(node_ids, nodes or _listnodes_beside(path))
    return Network(
        node_ids=np.array(node_ids, dtype=np.str_), channels=channels, edges=edges, aliases=aliases, name=path.name
    )


def _ends(rows: Entries) -> tuple[list[str], Ints, Bools]:
    """Public keys as first mentioned; the ends ``[R, 2]`` of each row, smaller key first; whether it leads back."""
    sources, targets = rows.strings("source"), rows.strings("destination")
    pairs = list(zip(sources, targets, strict=True))
    node_ids = list(dict.fromkeys(key for pair in pairs for key in pair))
    index_of = {key: index for index, key in enumerate(node_ids)}
    backward = np.array([source > target for source, target in pairs], dtype=np.bool_)
    ends = np.array([[index_of[source], index_of[target]] for source, target in pairs], dtype=np.int64).reshape(-1, 2)
    ends[backward] = ends[backward][:, ::-1]
    rows.reject(ends[:, 0] == ends[:, 1], "destination", "is the source too; remove the channel")
    return node_ids, ends, backward


def _channels(rows: Entries, ends: Ints, backward: Bools) -> tuple[Records, Ints]:
    """Channels in order of first mention, and the edge ``[R]`` that each row speaks of."""
    scid = parse_scids(rows.values("short_channel_id"), rows.where("short_channel_id"))
    capacity_msat = _capacity_msat(rows)
    first, channel = _grouped(scid)
    rows.reject((ends != ends[first[channel]]).any(axis=1), "destination", "is not as in its first row; correct it")
    rows.reject(capacity_msat != capacity_msat[first[channel]], "amount_msat", "is not as in its first row; correct it")
    edge = 2 * channel + backward
    again = np.ones(len(edge), dtype=np.bool_)
    again[_grouped(edge)[0]] = False
    rows.reject(again, "source", "has a row already for this direction; remove one of them")
    channels = zero_records(len(first), CHANNEL_DTYPE)
    channels.node1, channels.node2 = ends[first].T
    channels.capacity_msat = capacity_msat[first]
    channels.scid = real_scids(scid[first])
    return channels, edge


def _grouped(values: Ints) -> tuple[Ints, Ints]:
    """The row ``[G]`` where each distinct value first occurs, in order of rows, and the group ``[R]`` of each row."""
    _, first, group = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[group]


def _capacity_msat(rows: Entries) -> Ints:
    field = "amount_msat"
    if any(field in row for row in rows.items):
        return integers(_plain_msat(rows.values(field)), rows.where(field), low=1, high=MAX_MSAT)
    return MSAT_PER_SAT * rows.integers("satoshis", low=1, high=MAX_MSAT // MSAT_PER_SAT)


def _plain_msat(values: list[Any]) -> list[Any]:
    """``"123msat"`` as ``"123"``; everything else as it is."""
    return [value.removesuffix("msat") if isinstance(value, str) else value for value in values]


def _read_policies(rows: Entries, edge: Ints, edges: Records, capacity_msat: Ints) -> None:
    edges.base_fee_msat[edge] = rows.integers("base_fee_millisatoshi", high=UINT32_MAX)
    edges.fee_ppm[edge] = rows.integers("fee_per_millionth", high=UINT32_MAX)
    edges.cltv_delta[edge] = rows.integers("delay", high=UINT16_MAX)
    # Neither HTLC limit was shown in 2019: nothing is too small, and the capacity is the limit.
    for field, column in (("htlc_minimum_msat", edges.htlc_min_msat), ("htlc_maximum_msat", edges.htlc_max_msat)):
        column[edge] = integers(_plain_msat(rows.values(field, 0)), rows.where(field), saturate=True)
    edges.htlc_max_msat[edge] = capped(edges.htlc_max_msat[edge], capacity_msat[edge >> 1])
    disabled = rows.integers("channel_flags", 0) & _DISABLED_BIT != 0
    edges.enabled[edge] = rows.flags("active", True) & ~disabled


def _listnodes_beside(path: Path) -> Path | None:
    name = path.name.replace("listchannels", "listnodes")
    return None if name == path.name else find_beside(path.with_name(name))


def _aliases(node_ids: list[str], nodes: Path | None) -> NDArray[np.str_] | None:
    """Aliases ``[N]`` from a file of node names; None without one."""
    if nodes is None:
        return None
    names = read_node_names(nodes)
    alias_of = dict(zip(names.ids, names.aliases or [""] * len(names.ids), strict=True))
    return np.array([alias_of.get(key, "") for key in node_ids], dtype=np.str_)
