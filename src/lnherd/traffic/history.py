"""What a node forwarded: LND's ``ForwardingHistory`` and Core Lightning's ``listforwards``, read and written.

Only forwards that settled count. Channels are named by short channel id; networks without ids (synthetic ones) use
the channel's index in its place.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Indices, Ints, Records, zero_records
from lnherd.network.snapshots.columns import MAX_MSAT
from lnherd.network.snapshots.documents import Entries
from lnherd.network.snapshots.opening import read_text
from lnherd.network.snapshots.saving import save_text
from lnherd.network.snapshots.scids import parse_scids, scid_text
from lnherd.units import MS_PER_SECOND

FORWARD_DTYPE = np.dtype(
    [("time_ms", "i8"), ("in_msat", "i8"), ("out_msat", "i8"), ("in_channel", "i4"), ("out_channel", "i4")]
)
"""One settled forward; the difference of the amounts is the fee earned. Time is Unix time (or simulated) in ms."""
NS_PER_MS = 1_000_000


def read_forwards(path: Path | str, network: Network) -> Records:
    """Forwards of either format as FORWARD_DTYPE records, sorted by time.

    Raises:
        InputError: when the file is neither, or names a channel that the network has not.
    """
    document, source = _document(path), str(path)
    if "forwarding_events" in document:
        forwards = _from_lnd(_entries(document["forwarding_events"], source, "forwarding event"), network)
    elif "forwards" in document:
        forwards = _from_cln(_entries(document["forwards"], source, "forward"), network)
    else:
        raise InputError(
            f"{source}: has neither 'forwarding_events' (lncli fwdinghistory) nor 'forwards' "
            "(lightning-cli listforwards); save one of these"
        )
    ordered: Records = forwards[np.argsort(forwards.time_ms, kind="stable")]
    return ordered


def _document(path: Path | str) -> Mapping[str, Any]:
    try:
        document = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: is not JSON ({error}); save the node's answer again") from None
    if not isinstance(document, dict):
        raise InputError(f"{path}: holds no JSON object; save the node's whole answer")
    return document


def _entries(items: Any, source: str, what: str) -> Entries:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InputError(f"{source}: is no list of {what}s; save the node's answer again")
    return Entries(items, lambda index: f"{source}: {what} {index}: ")


def _from_lnd(events: Entries, network: Network) -> Records:
    forwards = zero_records(len(events), FORWARD_DTYPE)
    seconds = events.integers("timestamp", 0)
    precise = events.integers("timestamp_ns", 0) // NS_PER_MS
    forwards.time_ms = np.where(precise > 0, precise, seconds * MS_PER_SECOND)
    forwards.in_msat = events.integers("amt_in_msat", high=MAX_MSAT)
    forwards.out_msat = events.integers("amt_out_msat", high=MAX_MSAT)
    forwards.in_channel = _channels(events, "chan_id_in", network)
    forwards.out_channel = _channels(events, "chan_id_out", network)
    return forwards


def _from_cln(entries: Entries, network: Network) -> Records:
    settled = Entries([item for item in entries.items if item.get("status") == "settled"], entries.label)
    forwards = zero_records(len(settled), FORWARD_DTYPE)
    times = settled.values("received_time")
    if not all(isinstance(value, int | float) for value in times):
        raise InputError(f"{settled.label(0)}received_time: is not a number; save the node's answer again")
    forwards.time_ms = np.rint(np.array(times, dtype=np.float64) * MS_PER_SECOND)
    for field in ("in_msat", "out_msat"):
        values = [str(value).removesuffix("msat") for value in settled.values(field)]
        forwards[field] = Entries([{field: value} for value in values], settled.label).integers(field, high=MAX_MSAT)
    forwards.in_channel = _channels(settled, "in_channel", network)
    forwards.out_channel = _channels(settled, "out_channel", network)
    return forwards


def _channels(entries: Entries, field: str, network: Network) -> Indices:
    """Channel indices of a column of ids."""
    ids = parse_scids(entries.values(field), entries.where(field))
    known = channel_ids(network)
    order = np.argsort(known, kind="stable")
    position = np.minimum(np.searchsorted(known[order], ids), max(0, len(known) - 1))
    channels = order[position] if len(known) else np.zeros(len(ids), dtype=np.int64)
    unknown = known[channels] != ids if len(known) else np.ones(len(ids), dtype=np.bool_)
    entries.reject(unknown, field, f"is no channel of {network.name}; give a snapshot that holds the node's channels")
    return channels.astype(np.int32)


def channel_ids(network: Network) -> Ints:
    """``[C]`` by what histories call channels: short channel ids, or indices where there are none."""
    scid = network.channels.scid
    ids: Ints = np.where(scid >= 0, scid, np.arange(network.n_channels))
    return ids


def write_lnd_history(forwards: Records, network: Network, path: Path | str) -> None:
    """Write FORWARD_DTYPE records as LND answers ``/v1/switch``; numbers are strings there."""
    ids = channel_ids(network)
    events = [
        {
            "timestamp": str(int(each.time_ms) // MS_PER_SECOND),
            "chan_id_in": str(ids[each.in_channel]),
            "chan_id_out": str(ids[each.out_channel]),
            "amt_in_msat": str(each.in_msat),
            "amt_out_msat": str(each.out_msat),
            "fee_msat": str(each.in_msat - each.out_msat),
            "timestamp_ns": str(int(each.time_ms) * NS_PER_MS),
        }
        for each in forwards
    ]
    save_text(Path(path), json.dumps({"forwarding_events": events, "last_offset_index": len(events)}, indent=1) + "\n")


def write_cln_history(forwards: Records, network: Network, path: Path | str) -> None:
    """Write FORWARD_DTYPE records as Core Lightning answers ``listforwards``."""
    ids = channel_ids(network)
    entries = [
        {
            "in_channel": scid_text(int(ids[each.in_channel])),
            "out_channel": scid_text(int(ids[each.out_channel])),
            "in_msat": int(each.in_msat),
            "out_msat": int(each.out_msat),
            "fee_msat": int(each.in_msat - each.out_msat),
            "status": "settled",
            "received_time": int(each.time_ms) / MS_PER_SECOND,
        }
        for each in forwards
    ]
    save_text(Path(path), json.dumps({"forwards": entries}, indent=1) + "\n")
