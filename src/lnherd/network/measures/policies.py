"""What nodes announce: marginals of the routing policies and how they hang together within a node."""

import numpy as np

from lnherd.network.graph import Network
from lnherd.network.measures.distributions import (
    POLICY_LEVELS,
    between_group_share,
    correlation,
    percentiles,
    share,
)
from lnherd.network.records import Bools, Floats, Indices, Ints
from lnherd.units import MSAT_PER_SAT, PPM

REFERENCE_PAYMENT_MSAT = 50_000 * MSAT_PER_SAT
_MANY = 3


def summarise_policies(network: Network) -> dict[str, float]:
    """Marginals and structure of the enabled directions, and how many are not enabled."""
    enabled = np.flatnonzero(network.edges.enabled).astype(np.int32)
    return _marginals(network, enabled) | _structure(network, enabled) | _disabled(network)


def htlc_max_ratio(network: Network, edges: Indices) -> Floats:
    """Largest HTLC that each of ``edges`` accepts, as a share of its channel's capacity."""
    ratio: Floats = network.edges.htlc_max_msat[edges] / network.channels.capacity_msat[edges >> 1]
    return ratio


def _marginals(network: Network, enabled: Indices) -> dict[str, float]:
    policy = network.edges[enabled]
    base, ppm, cltv = policy.base_fee_msat, policy.fee_ppm, policy.cltv_delta
    ratio = htlc_max_ratio(network, enabled)
    fee = base + REFERENCE_PAYMENT_MSAT * ppm // PPM  # BOLT 7, over the whole array
    return {
        **percentiles("base_fee_msat", base, POLICY_LEVELS),
        **{f"base_fee_{value}_share": share(base == value) for value in (0, 1000)},
        **percentiles("fee_ppm", ppm, POLICY_LEVELS),
        **{f"fee_ppm_{value}_share": share(ppm == value) for value in (0, 1, 100, 500)},
        **{f"base_{b}_ppm_{p}_share": share((base == b) & (ppm == p)) for b, p in ((1000, 1), (0, 0), (0, 1))},
        **percentiles("fee_on_50k_sat_msat", fee, POLICY_LEVELS),
        **percentiles("cltv_delta", cltv, POLICY_LEVELS),
        **{f"cltv_delta_{value}_share": share(cltv == value) for value in (34, 40, 80, 100, 144)},
        **percentiles("htlc_min_msat", policy.htlc_min_msat, POLICY_LEVELS),
        **{f"htlc_min_{value}_share": share(policy.htlc_min_msat == value) for value in (1, 1000)},
        **percentiles("htlc_max_ratio", ratio, POLICY_LEVELS),
        "htlc_max_ratio_0_99_share": share(np.abs(ratio - 0.99) < 0.0005),
    }


def _structure(network: Network, enabled: Indices) -> dict[str, float]:
    owner = network.edge_source[enabled]
    policy = network.edges[enabled]
    ln_ppm = np.log1p(policy.fee_ppm.astype(np.float64))
    ln_capacity = np.log(network.channels.capacity_msat[enabled >> 1].astype(np.float64))
    default = (policy.base_fee_msat == 1000) & (policy.fee_ppm == 1)
    return {
        "fee_ppm_between_node_variance_share": between_group_share(ln_ppm, owner, network.n_nodes),
        "fee_ppm_capacity_correlation": correlation(ln_ppm, ln_capacity),
        "fee_ppm_degree_correlation": correlation(ln_ppm, np.log(network.degree[owner])),
        "fee_ppm_two_directions_correlation": _two_directions(network),
        "nodes_with_one_fee_ppm_share": _of_one_value(policy.fee_ppm, owner, network.n_nodes),
        "nodes_with_one_base_fee_share": _of_one_value(policy.base_fee_msat, owner, network.n_nodes),
        "nodes_with_one_cltv_delta_share": _of_one_value(policy.cltv_delta, owner, network.n_nodes),
        **_default_by_degree(default, network.degree[owner]),
    }


def _default_by_degree(default: Bools, degree: Ints) -> dict[str, float]:
    """How common LND's default fees (1000 msat, 1 ppm) are among directions of small and large nodes."""
    classes = {"1": (1, 1), "2_to_9": (2, 9), "10_to_49": (10, 49), "50_plus": (50, np.iinfo(np.int64).max)}
    return {
        f"default_fees_at_degree_{name}_share": share(default[(degree >= low) & (degree <= high)])
        for name, (low, high) in classes.items()
    }


def _two_directions(network: Network) -> float:
    both = network.edges.enabled.reshape(-1, 2).all(axis=1)
    ln_ppm = np.log1p(network.edges.fee_ppm.reshape(-1, 2)[both].astype(np.float64))
    return correlation(ln_ppm.reshape(-1), ln_ppm[:, ::-1].reshape(-1))


def _of_one_value(values: Ints, owner: Indices, n_nodes: int) -> float:
    """Of the nodes with three enabled outgoing directions or more, the share that uses one value for all."""
    lowest = np.full(n_nodes, np.iinfo(np.int64).max)
    highest = np.full(n_nodes, np.iinfo(np.int64).min)
    np.minimum.at(lowest, owner, values)
    np.maximum.at(highest, owner, values)
    many = np.bincount(owner, minlength=n_nodes) >= _MANY
    return share(lowest[many] == highest[many])


def _disabled(network: Network) -> dict[str, float]:
    off = (~network.edges.enabled).reshape(-1, 2).sum(axis=1)
    return {
        "directions_off_share": share(~network.edges.enabled),
        "channels_with_one_direction_off_share": share(off == 1),
        "channels_with_both_directions_off_share": share(off == 2),
    }
