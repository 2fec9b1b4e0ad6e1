"""The fluid limit of an episode: the most value that any forwarding could deliver (Spider, NSDI 2020, section 4).

Payments become divisible flows and time disappears. What remains: each pair of neighbours can pass on, net and in
either direction, what that side owns above its reserves. One linear program on HiGHS, with one commodity for each
receiver, since flows to the same receiver need not be told apart, and one signed variable for each commodity and pair
of neighbours, since only net flows matter:

    maximise sum_i x_i  subject to  out(v, d) - in(v, d) = sum of x_i from v to d  for all receivers d, nodes v != d
                                    -owned(c, far side) <= sum_d g(c, d) <= owned(c, near side)  for all neighbours c
                                    0 <= x_i <= wanted_i  for all pairs of payer and receiver

A payment larger than all channels of its payer, or of its receiver, together is left out: all its parts have to be
under way at once. Fees are left out as well; they move money too, some thousandths of what is delivered, so the bound
holds up to those. With nothing owned by anybody what remains is the circulation: what could go on forever.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from lnherd.envs.forwarding_scenario import ForwardingConfig, build_simulation
from lnherd.errors import InvariantError
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Ints, plain
from lnherd.units import MSAT_PER_SAT

UNIT_MSAT = 1_000_000 * MSAT_PER_SAT
"""The solver's unit of money: numbers around 1 keep its tolerances small."""


@dataclass(frozen=True, eq=False)
class EpisodeDemand:
    """What the payments of an episode want in all: ``pairs [P, 2]`` payer and receiver, ``wanted [P]`` msat."""

    pairs: Ints
    wanted: Floats


def episode_limit(config: ForwardingConfig, network: Network, seed: int) -> tuple[float, float]:
    """``(limit, circulation)`` as shares of the value that the episode of ``seed`` offers."""
    simulation = build_simulation(config, network, seed)
    payments, edges = plain(simulation.payments), plain(simulation.state.edges)
    total = max(float(payments["amount_msat"].sum()), 1.0)
    capacity = np.bincount(network.edge_source, weights=np.repeat(network.channels.capacity_msat, 2))
    fits = payments["amount_msat"] <= np.minimum(capacity[payments["sender"]], capacity[payments["receiver"]])
    demand = in_all(*(payments[name][fits] for name in ("sender", "receiver", "amount_msat")))
    owned = np.where(edges["enabled"], np.maximum(edges["balance_msat"] - edges["reserve_msat"], 0), 0)
    limit, circulation = (fluid_limit(network, each, demand) / total for each in (owned, np.zeros_like(owned)))
    return limit, circulation


def in_all(sender: Ints, receiver: Ints, amount_msat: Ints) -> EpisodeDemand:
    """Payments of the same pair added up."""
    pairs, place = np.unique(np.stack([sender, receiver], axis=1), axis=0, return_inverse=True)
    return EpisodeDemand(pairs.astype(np.int64), np.bincount(place.reshape(-1), weights=amount_msat).astype(np.float64))


def fluid_limit(network: Network, owned_msat: Ints, demand: EpisodeDemand) -> float:
    """Most msat that can be delivered where the near end of each edge may pass on ``owned_msat [E]``.

    Raises:
        InvariantError: when the solver fails.
    """
    if len(demand.pairs) == 0:
        return 0.0
    links = _links(network, owned_msat)
    receivers, commodity = np.unique(demand.pairs[:, 1], return_inverse=True)
    n_commodities, n_links, n_pairs = len(receivers), len(links.ends), len(demand.pairs)
    wishes = np.stack([np.zeros(n_pairs), demand.wanted / UNIT_MSAT], axis=1)
    solution = linprog(
        np.concatenate([np.zeros(n_commodities * n_links), -np.ones(n_pairs)]),
        A_eq=_conservation(links.ends, network.n_nodes, demand.pairs[:, 0], commodity.reshape(-1), receivers),
        b_eq=np.zeros(n_commodities * (network.n_nodes - 1)),
        A_ub=_passing(n_links, n_commodities, n_pairs),
        b_ub=links.owned.T.reshape(-1),
        bounds=np.concatenate([np.tile(links.ranges, (n_commodities, 1)), wishes]),
        method="highs-ipm",  # half a second where the simplex method takes minutes
    )
    if solution.status != 0:
        raise InvariantError(f"fluid limit: the solver ended with {solution.message}")
    return -float(solution.fun) * UNIT_MSAT


@dataclass(frozen=True, eq=False)
class _Links:
    """Neighbours: ``ends [L, 2]``, ``owned [L, 2]`` in UNIT_MSAT by either, ``ranges [L, 2]`` of the net flow."""

    ends: Ints
    owned: Floats
    ranges: Floats


def _links(network: Network, owned_msat: Ints) -> _Links:
    """Channels between the same two nodes taken together."""
    source, target = network.edge_source.astype(np.int64), network.edge_target.astype(np.int64)
    pair = np.minimum(source, target) * network.n_nodes + np.maximum(source, target)
    ends, link = np.unique(pair, return_inverse=True)
    link, side = link.reshape(-1), (source > target).astype(np.int64)
    owned, enabled = np.zeros((len(ends), 2)), np.zeros((len(ends), 2), dtype=np.bool_)
    np.add.at(owned, (link, side), owned_msat / UNIT_MSAT)
    np.logical_or.at(enabled, (link, side), network.edges.enabled)
    ranges = np.where(enabled[:, ::-1], np.array([-np.inf, np.inf]), 0.0)
    return _Links(np.stack(np.divmod(ends, network.n_nodes), axis=1), owned, ranges)


def _conservation(ends: Ints, n_nodes: int, payer: Ints, commodity: Ints, receivers: Ints) -> coo_array:
    """Rows (commodity, node other than its receiver): net flow out of the node - what is paid from there = 0."""
    n_links, n_commodities = len(ends), len(receivers)
    each = np.repeat(np.arange(n_commodities), n_links)
    flows = np.arange(n_commodities * n_links)
    out, into = (each * n_nodes + np.tile(ends[:, side], n_commodities) for side in (0, 1))
    rows = np.concatenate([out, into, commodity * n_nodes + payer])
    columns = np.concatenate([flows, flows, len(flows) + np.arange(len(payer))])
    values = np.concatenate([np.ones(len(flows)), -np.ones(len(flows)), -np.ones(len(payer))])
    kept = np.ones(n_commodities * n_nodes, dtype=np.bool_)
    kept[np.arange(n_commodities) * n_nodes + receivers] = False
    number, used = np.cumsum(kept) - 1, kept[rows]
    shape = (int(kept.sum()), len(flows) + len(payer))
    return coo_array((values[used], (number[rows[used]], columns[used])), shape=shape)


def _passing(n_links: int, n_commodities: int, n_pairs: int) -> coo_array:
    """Rows (direction, link): net flow of all commodities in that direction."""
    flows = np.arange(n_commodities * n_links)
    rows = np.tile(np.arange(n_links), n_commodities)
    values = np.ones(len(flows))
    both = (np.concatenate([rows, n_links + rows]), np.concatenate([flows, flows]))
    return coo_array((np.concatenate([values, -values]), both), shape=(2 * n_links, len(flows) + n_pairs))
