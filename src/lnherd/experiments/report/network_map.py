"""The network around the herder, drawn: its own channels bright, the rest behind."""

from html import escape
from typing import Any

import numpy as np

from lnherd.experiments.report.layout import hops_from, positions
from lnherd.network.graph import Network
from lnherd.network.records import Bools, Floats

MOST_NODES = 260
"""Beyond this a drawing shows nothing but itself; the nearest nodes are drawn."""
CROWDED = 800
"""From so many channels on they are drawn fainter."""
N_NAMED = 4
"""Peers that are named on the map."""
OWN, OTHER = "#d55e00", "#8a8a84"


def network_map(network: Network, node: int) -> dict[str, Any]:
    """Plotly JSON of the live network near ``node``; nodes are as large as the capacity of their channels."""
    part, herder = surroundings(network, node)
    place = positions(part, herder)
    capacity = node_capacity_msat(part)
    own = (part.channels.node1 == herder) | (part.channels.node2 == herder)
    data = [
        _channels(part, place, ~own, OTHER, 0.6, 0.35 if part.n_channels < CROWDED else 0.15),
        _channels(part, place, own, OWN, 2.2, 0.9),
        _nodes(part, place, capacity, herder),
    ]
    axis = {"visible": False, "fixedrange": False}
    layout = {
        "height": 560,
        "showlegend": False,
        "xaxis": axis,
        "yaxis": axis | {"scaleanchor": "x"},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "annotations": _names(part, place, capacity, herder, own),
    }
    return {"data": data, "layout": layout}


def surroundings(network: Network, node: int) -> tuple[Network, int]:
    """The live part of at most MOST_NODES nodes around ``node``, nearest and best connected first, and its index."""
    live = network.induced(np.ones(network.n_nodes, dtype=np.bool_), network.live_channels)
    hops = hops_from(live, node)
    order = np.lexsort((-live.degree, np.where(hops < 0, np.iinfo(np.int64).max, hops)))
    keep = np.zeros(live.n_nodes, dtype=np.bool_)
    keep[order[:MOST_NODES]] = True
    keep &= hops >= 0
    return live.induced(keep), int(np.count_nonzero(keep[:node]))


def node_capacity_msat(network: Network) -> Floats:
    """``[N]`` capacity of all channels of each node."""
    capacity = np.zeros(network.n_nodes)
    np.add.at(capacity, network.channels.node1, network.channels.capacity_msat)
    np.add.at(capacity, network.channels.node2, network.channels.capacity_msat)
    return capacity


def _channels(network: Network, place: Floats, which: Bools, tint: str, width: float, opacity: float) -> dict[str, Any]:
    """All marked channels as one line, interrupted between them."""
    ends = np.stack([network.channels.node1[which], network.channels.node2[which]], axis=1)
    path = np.full((len(ends), 3, 2), np.nan)
    path[:, :2] = place[ends]
    x, y = path.reshape(-1, 2).T
    return {
        "type": "scatter",
        "mode": "lines",
        "x": _with_gaps(x),
        "y": _with_gaps(y),
        "line": {"color": tint, "width": width},
        "opacity": opacity,
        "hoverinfo": "skip",
    }


def _with_gaps(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 4) for value in values]


def _nodes(network: Network, place: Floats, capacity: Floats, herder: int) -> dict[str, Any]:
    share = np.sqrt(capacity / max(float(capacity.max(initial=0.0)), 1.0))
    size = 5 + 21 * share
    size[herder] = max(size[herder], 16)
    colours = [OWN if node == herder else "node" for node in range(network.n_nodes)]
    text = [
        f"{node_label(network, node)}<br>{int(network.degree[node])} channels, {_btc(capacity[node])}"
        for node in range(network.n_nodes)
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": _with_gaps(place[:, 0]),
        "y": _with_gaps(place[:, 1]),
        "marker": {
            "size": [round(float(value), 1) for value in size],
            "color": colours,
            "opacity": 1,
            "line": {"color": "card", "width": 1},
        },
        "text": text,
        "hovertemplate": "%{text}<extra></extra>",
    }


def _names(network: Network, place: Floats, capacity: Floats, herder: int, own: Bools) -> list[dict[str, Any]]:
    """Labels of the herder and its largest peers."""
    ends = np.concatenate([network.channels.node1[own], network.channels.node2[own]])
    peers = np.setdiff1d(ends, [herder])
    largest = peers[np.argsort(-capacity[peers], kind="stable")][:N_NAMED]
    return [_name(network, place, herder, "the herder")] + [
        _name(network, place, int(peer), node_label(network, int(peer))) for peer in largest
    ]


def _name(network: Network, place: Floats, node: int, text: str) -> dict[str, Any]:
    outward = place[node] / max(float(np.linalg.norm(place[node])), 1e-9)  # the herder is at the origin
    x, y = outward if outward.any() else (0.0, 1.0)
    return {
        "x": round(float(place[node, 0]), 4),
        "y": round(float(place[node, 1]), 4),
        "text": f"<b>{text}</b>" if text == "the herder" else text,
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1,
        "ax": round(42 * float(x)),
        "ay": round(-34 * float(y)),
        "bgcolor": "card",
        "borderpad": 3,
    }


def node_label(network: Network, node: int) -> str:
    """Alias where there is one, else the beginning of the key. Anybody may announce any alias: markup is escaped."""
    alias = "" if network.aliases is None else str(network.aliases[node]).strip()
    name = alias or str(network.node_ids[node])
    return escape(name if len(name) <= 20 else f"{name[:18]}…")


def _btc(msat: float) -> str:
    sat = msat / 1_000
    return f"{sat / 1e8:,.2f} BTC" if sat >= 1e6 else f"{sat:,.0f} sat"
