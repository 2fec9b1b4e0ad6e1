"""LND ``describegraph`` JSON, of 2019 and of today.

Shape: ``nodes`` (``pub_key``, ``alias``) and ``edges`` (``channel_id``, ``node1_pub``, ``node2_pub``,
``capacity`` in satoshi, ``node1_policy``, ``node2_policy``). ``node1_policy`` is what node1 announced:
the policy of edge ``2c``. A policy is null where nobody announced one. Numbers that need 64 bits come as
strings, others as integers; both are read for every field. Protocol buffers may leave out what is zero
or false, so a missing policy field is zero, and a missing or zero ``max_htlc_msat`` (it did not exist in
2019) is the capacity. ``fee_rate_milli_msat`` is parts per million, whatever its name says.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.errors import InputError
from lnherd.network.graph import CHANNEL_DTYPE, Network, channel_label, empty_edges
from lnherd.network.records import Indices, Ints, Records, zero_records
from lnherd.network.snapshots.columns import INT64_MAX, MAX_SAT, UINT16_MAX, UINT32_MAX, quoted
from lnherd.network.snapshots.documents import Entries, entries
from lnherd.network.snapshots.policies import INBOUND_LIMITS, announced, capped
from lnherd.network.snapshots.saving import save_text
from lnherd.network.snapshots.scids import FIRST_REAL_SCID, UNKNOWN_SCID, real_scids
from lnherd.units import MSAT_PER_SAT

_POLICY_FIELDS: dict[str, tuple[str, dict[str, Any]]] = {
    "time_lock_delta": ("cltv_delta", {"high": UINT16_MAX}),
    "fee_base_msat": ("base_fee_msat", {"high": UINT32_MAX}),
    "fee_rate_milli_msat": ("fee_ppm", {"high": UINT32_MAX}),
    "min_htlc": ("htlc_min_msat", {"saturate": True}),
    "max_htlc_msat": ("htlc_max_msat", {"saturate": True}),
    "inbound_fee_base_msat": ("inbound_base_fee_msat", INBOUND_LIMITS),
    "inbound_fee_rate_milli_msat": ("inbound_fee_ppm", INBOUND_LIMITS),
}
"""LND's name -> (ours, limits)."""


def read_describegraph(document: dict[str, Any], path: Path) -> Network:
    """Build the network of a parsed ``describegraph`` document that came from ``path``.

    Raises:
        InputError: naming the channel or node and the field that is wrong.
    """
    nodes = entries(document, "nodes", str(path), "node", "pub_key")
    nodes.reject_repeated("pub_key")
    node_ids = nodes.strings("pub_key")
    named = any("alias" in node for node in nodes.items)
    listed = entries(document, "edges", str(path), "channel", "channel_id")
    channels = _channels(listed, {key: index for index, key in enumerate(node_ids)})
    edges = empty_edges(len(channels))
    for side in (0, 1):
        _read_policies(listed, side, edges, channels.capacity_msat)
    return Network(
        node_ids=np.array(node_ids, dtype=np.str_),
        channels=channels,
        edges=edges,
        aliases=np.array(nodes.strings("alias", ""), dtype=np.str_) if named else None,
        name=path.name,
    )


def _channels(listed: Entries, index_of: dict[str, int]) -> Records:
    channels = zero_records(len(listed), CHANNEL_DTYPE)
    # Aliases of unannounced channels (block 16,000,000 up) do not fit signed 64 bits: no place on a chain.
    scids = listed.integers("channel_id", saturate=True)
    channels.scid = np.where(scids == INT64_MAX, UNKNOWN_SCID, real_scids(scids))
    listed.reject_repeated("channel_id")
    channels.capacity_msat = MSAT_PER_SAT * listed.integers("capacity", low=1, high=MAX_SAT)
    channels.node1 = _indices(listed, "node1_pub", index_of)
    channels.node2 = _indices(listed, "node2_pub", index_of)
    listed.reject(channels.node1 == channels.node2, "node2_pub", "is node1_pub too; remove the channel")
    return channels


def _indices(listed: Entries, field: str, index_of: dict[str, int]) -> Indices:
    keys = listed.strings(field)
    indices = np.fromiter((index_of.get(key, -1) for key in keys), np.int32, len(keys))
    if (unknown := indices < 0).any():
        key = quoted(keys[int(np.argmax(unknown))])
        listed.reject(unknown, field, f"is {key}, which is not among the nodes; add the node or remove the channel")
    return indices


def _read_policies(listed: Entries, side: int, edges: Records, capacity_msat: Ints) -> None:
    """Fill ``edges`` of direction ``side`` from ``node1_policy`` or ``node2_policy``."""
    channel, policies = listed.inner(f"node{side + 1}_policy")
    edge = 2 * channel + side
    for field, (column, limits) in _POLICY_FIELDS.items():
        edges[column][edge] = policies.integers(field, 0, **limits)
    edges.enabled[edge] = ~policies.flags("disabled", False)
    edges.htlc_max_msat[edge] = capped(edges.htlc_max_msat[edge], capacity_msat[channel])


def write_describegraph(network: Network, path: Path | str) -> None:
    """Write ``network`` as today's ``describegraph`` JSON (compressed when ``path`` ends in .gz or .xz).

    The format has no place for balances. A direction that is disabled and all zero is written as null,
    "never announced"; a channel without short channel id gets its index, which reads back as unknown.

    Raises:
        InputError: when a capacity is not whole satoshi, or the file cannot be written.
    """
    broken = network.channels.capacity_msat % MSAT_PER_SAT != 0
    if broken.any():
        label = channel_label(network, int(np.argmax(broken)))
        raise InputError(f"{path}: describegraph has no parts of a satoshi, but channel {label} has; write CSV")
    document = {"nodes": _node_entries(network), "edges": _edge_entries(network)}
    save_text(Path(path), json.dumps(document, indent=1) + "\n")


def _node_entries(network: Network) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = [{"last_update": 0, "pub_key": str(node)} for node in network.node_ids]
    if network.aliases is not None:
        for entry, alias in zip(listed, network.aliases, strict=True):
            entry["alias"] = str(alias)
    for entry in listed:
        entry.update(addresses=[], color="#000000", features={}, custom_records={})
    return listed


def _edge_entries(network: Network) -> list[dict[str, Any]]:
    node_ids = network.node_ids.tolist()
    policies = _policy_entries(network.edges)
    return [
        {
            "channel_id": str(scid if scid >= FIRST_REAL_SCID else channel),
            "chan_point": "",
            "last_update": 0,
            "node1_pub": node_ids[node1],
            "node2_pub": node_ids[node2],
            "capacity": str(capacity_msat // MSAT_PER_SAT),
            "node1_policy": policies[2 * channel],
            "node2_policy": policies[2 * channel + 1],
            "custom_records": {},
        }
        for channel, (node1, node2, capacity_msat, scid) in enumerate(network.channels.tolist())
    ]


def _policy_entries(edges: Records) -> list[dict[str, Any] | None]:
    return [
        {
            "time_lock_delta": edge["cltv_delta"],
            "min_htlc": str(edge["htlc_min_msat"]),
            "fee_base_msat": str(edge["base_fee_msat"]),
            "fee_rate_milli_msat": str(edge["fee_ppm"]),
            "disabled": not edge["enabled"],
            "max_htlc_msat": str(edge["htlc_max_msat"]),
            "last_update": 0,
            "custom_records": {},
            "inbound_fee_base_msat": edge["inbound_base_fee_msat"],
            "inbound_fee_rate_milli_msat": edge["inbound_fee_ppm"],
        }
        if known
        else None
        for edge, known in zip(_as_dicts(edges), announced(edges).tolist(), strict=True)
    ]


def _as_dicts(edges: Records) -> list[dict[str, Any]]:
    names = edges.dtype.names
    return [dict(zip(names, values, strict=True)) for values in edges.tolist()]
