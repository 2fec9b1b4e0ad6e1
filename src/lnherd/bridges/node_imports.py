"""Estimates and routes in the words of real nodes: Core Lightning's askrene layers, LND's mission control.

Core Lightning: the commands fill a layer, which ``getroutes`` and ``xpay`` take by name (``layers``). LND: the
object is the body of ``POST /v2/router/x/importhistory``; LND keeps it in memory and lets it fade like its own results.
"""

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from lnherd.bridges.liquidity_estimates import LiquidityEstimates
from lnherd.bridges.route_quotes import RouteQuote
from lnherd.errors import InputError
from lnherd.network.graph import Network, channel_label

_KEY_BYTES = 33


def short_channel_id_dir(network: Network, edge: int) -> str:
    """``block x transaction x output / direction``; direction 0 leads away from the lesser key (BOLT 7).

    Raises:
        InputError: for a channel without a short channel id: no node would know which one is meant.
    """
    if network.channels.scid[edge >> 1] < 0:
        raise InputError(
            f"{network.name}: channel {edge >> 1} has no short channel id, so no node can be told about it"
        )
    source, target = network.node_ids[network.edge_source[edge]], network.node_ids[network.edge_target[edge]]
    return f"{channel_label(network, edge >> 1)}/{int(source > target)}"


def _known_id(network: Network, edge: int) -> str | None:
    return short_channel_id_dir(network, edge) if network.channels.scid[edge >> 1] >= 0 else None


def route_object(network: Network, quote: RouteQuote) -> dict[str, Any]:
    """A quote as ``getroutes`` of Core Lightning words it, with the keys that LND's BuildRoute asks for.

    Channels whose id the network's source kept to itself have null for one.
    """
    nodes = [str(network.node_ids[node]) for node in network.edge_target[quote.edges]]
    return {
        "probability_ppm": round(quote.chance * 1_000_000),
        "fee_msat": quote.fee_msat,
        "path": [
            {
                "short_channel_id_dir": _known_id(network, int(edge)),
                "next_node_id": node,
                "amount_msat": int(amount_msat),
                "delay": int(delay),
            }
            for edge, node, amount_msat, delay in zip(quote.edges, nodes, quote.amounts_msat, quote.delays, strict=True)
        ],
        "hop_pubkeys": nodes,
    }


def liquidity_object(estimates: LiquidityEstimates, edge: int) -> dict[str, Any]:
    """What is believed about one edge."""
    network = estimates.network
    low_msat, high_msat = estimates.bounds_msat(edge)
    return {
        "short_channel_id_dir": _known_id(network, edge),
        "source": str(network.node_ids[network.edge_source[edge]]),
        "destination": str(network.node_ids[network.edge_target[edge]]),
        "capacity_msat": int(network.channels.capacity_msat[edge >> 1]),
        "minimum_msat": low_msat,
        "maximum_msat": high_msat,
    }


def askrene_commands(estimates: LiquidityEstimates, edges: Iterable[int], layer: str) -> list[dict[str, Any]]:
    """JSON-RPC requests (method and params) that put the bounds of ``edges`` into a layer."""
    commands = [{"method": "askrene-create-layer", "params": {"layer": layer}}]
    for edge in edges:
        low_msat, high_msat = estimates.bounds_msat(edge)
        channel = {"layer": layer, "short_channel_id_dir": short_channel_id_dir(estimates.network, edge)}
        bounds = [("constrained", high_msat + 1)]  # "failed with this": can pass one less at most
        if low_msat > 0:
            bounds.append(("unconstrained", low_msat))
        commands += [
            {"method": "askrene-inform-channel", "params": {**channel, "amount_msat": amount, "inform": inform}}
            for inform, amount in bounds
        ]
    return commands


def mission_control_import(estimates: LiquidityEstimates, edges: Iterable[int], now_s: int) -> dict[str, Any]:
    """Body of LND's XImportMissionControl. LND thinks in pairs of nodes: the best of parallel channels counts.

    Raises:
        InputError: where nodes are not called by their public keys.
    """
    network = estimates.network
    bounds: dict[tuple[int, int], tuple[int, int]] = {}
    for edge in edges:
        pair = int(network.edge_source[edge]), int(network.edge_target[edge])
        low, high = bounds.get(pair, (0, 0))
        edge_low, edge_high = estimates.bounds_msat(edge)
        bounds[pair] = max(low, edge_low), max(high, edge_high)
    return {"pairs": [_pair(network, pair, bound, now_s) for pair, bound in bounds.items()], "force": False}


def _pair(network: Network, pair: tuple[int, int], bound: tuple[int, int], now_s: int) -> dict[str, Any]:
    low_msat, high_msat = bound
    history = {"fail_time": str(now_s), "fail_amt_msat": str(high_msat + 1)}
    if low_msat > 0:
        history |= {"success_time": str(now_s), "success_amt_msat": str(low_msat)}
    return {"node_from": _key(network, pair[0]), "node_to": _key(network, pair[1]), "history": history}


def _key(network: Network, node: int) -> str:
    name = str(network.node_ids[node])
    try:
        key = bytes.fromhex(name)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise InputError(f"{network.name}: {name!r} is not the public key of a node, so LND cannot be told about it")
    return b64encode(key).decode()
