"""The page of emergent hubs: the network with nodes as large as what they forward, a slider over the training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lnherd.experiments.forwarding.hubs import HubStage
from lnherd.experiments.report.document import document, figure, provenance, table
from lnherd.experiments.report.figures import Figure
from lnherd.experiments.report.layout import positions
from lnherd.experiments.report.network_map import node_label
from lnherd.network.graph import Network
from lnherd.network.records import Floats

LEAST, MOST = 4.0, 44.0
"""Diameter of nodes that forward nothing, and of the one that ever forwards most."""
COLUMNS = ("stage", "success volume", "Gini of forwarded volume", "busiest 5 % forward", "correlation with betweenness")
HUB, LINE = "#d55e00", "#8a8a84"


def render(title: str, setting: str, network: Network, stages: Sequence[HubStage], facts: Mapping[str, str]) -> str:
    """The whole page."""
    sections = [
        f"<h1>{title}</h1>",
        f"<p>{setting}</p>",
        *figure("map", "network map with a slider", "Area of a node: what it forwarded. Move the slider."),
        *figure("course", "concentration by stage", "Concentration of the forwarded volume, stage by stage."),
        *table(COLUMNS, stage_rows(stages)),
        *provenance(facts, "Made by lnherd. All figures of this page are in <code>hubs.json</code> beside it."),
    ]
    return document(title, sections, {"map": hub_map(network, stages), "course": course(stages)})


def stage_rows(stages: Sequence[HubStage]) -> list[list[str]]:
    """One line a stage."""
    return [
        [
            each.label,
            f"{each.success_volume:.1%}",
            f"{each.hub_gini:.3f}",
            f"{each.hub_share:.1%}",
            f"{each.centrality:.2f}",
        ]
        for each in stages
    ]


def hub_map(network: Network, stages: Sequence[HubStage]) -> Figure:
    """Plotly JSON: channels, nodes, and a slider that changes the nodes' sizes."""
    place = positions(network, int(np.argmax(network.degree)))
    most = max((float(each.volume_sat.max(initial=0.0)) for each in stages), default=1.0) or 1.0
    sizes = [_sizes(each.volume_sat, most) for each in stages]
    texts = [_texts(network, each.volume_sat) for each in stages]
    nodes: Figure = {
        "type": "scatter",
        "mode": "markers",
        "x": _short(place[:, 0]),
        "y": _short(place[:, 1]),
        "marker": {"size": sizes[0], "color": HUB, "opacity": 0.8, "line": {"color": "card", "width": 1}},
        "text": texts[0],
        "hovertemplate": "%{text}<extra></extra>",
    }
    steps = [
        {"label": each.label, "method": "restyle", "args": [{"marker.size": [size], "text": [text]}, [1]]}
        for each, size, text in zip(stages, sizes, texts, strict=True)
    ]
    axis = {"visible": False}
    layout: Figure = {
        "height": 640,
        "showlegend": False,
        "xaxis": axis,
        "yaxis": axis | {"scaleanchor": "x"},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 110},
        "sliders": [{"steps": steps, "active": 0, "pad": {"t": 20}, "x": 0.06, "len": 0.88}],
    }
    return {"data": [_channels(network, place), nodes], "layout": layout}


def _sizes(volume_sat: Floats, most: float) -> list[float]:
    return _short(LEAST + (MOST - LEAST) * np.sqrt(volume_sat / most))


def _texts(network: Network, volume_sat: Floats) -> list[str]:
    share = volume_sat / max(float(volume_sat.sum()), 1e-9)
    return [f"{node_label(network, node)}<br>{share[node]:.1%} of all forwards" for node in range(network.n_nodes)]


def _channels(network: Network, place: Floats) -> dict[str, Any]:
    ends = place[np.stack([network.channels.node1, network.channels.node2], axis=1)]
    gap = np.full((len(ends), 1, 2), np.nan)
    x, y = np.concatenate([ends, gap], axis=1).reshape(-1, 2).T
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [None if np.isnan(value) else round(float(value), 4) for value in x],
        "y": [None if np.isnan(value) else round(float(value), 4) for value in y],
        "line": {"color": LINE, "width": 0.6},
        "opacity": 0.35,
        "hoverinfo": "skip",
    }


def _short(values: Floats) -> list[float]:
    return [round(float(value), 4) for value in values]


def course(stages: Sequence[HubStage]) -> Figure:
    """Concentration and success by stage."""
    labels = [each.label for each in stages]
    lines = {
        "Gini": [each.hub_gini for each in stages],
        "busiest 5 %": [each.hub_share for each in stages],
        "success volume": [each.success_volume for each in stages],
    }
    data = [
        {"type": "scatter", "mode": "lines+markers", "name": name, "x": labels, "y": _short(np.array(values))}
        for name, values in lines.items()
    ]
    return {"data": data, "layout": {"height": 340, "yaxis": {"range": [0, 1]}, "xaxis": {"type": "category"}}}
