"""The fluid limit of an episode: the most value that any forwarding could deliver (Spider, NSDI 2020, section 4).

Payments become divisible flows and time disappears. What remains: each channel can pass on, net and in either
direction, what that side owns above its reserve. One linear program on HiGHS, with one commodity for each receiver,
since flows to the same receiver need not be told apart, and one signed variable for each channel and commodity, since
only net flows matter:

    maximise sum_i x_i  subject to  out(v, d) - in(v, d) = sum of x_i from v to d  for all receivers d, nodes v != d
                                    -owned(c, far side) <= sum_d g(c, d) <= owned(c, near side)  for all channels c
                                    0 <= x_i <= wanted_i  for all pairs of payer and receiver

Fees are left out; they move money as well, some thousandths of what is delivered, so the bound holds up to those. With
nothing owned by anybody what remains is the circulation: the part of the demand that could go on forever.
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
    demand = in_all(payments["sender"], payments["receiver"], payments["amount_msat"])
    owned = np.maximum(edges["balance_msat"] - edges["reserve_msat"], 0).astype(np.float64)
    total = max(float(demand.wanted.sum()), 1.0)
    limit, circulation = (fluid_limit(network, each, demand) / total for each in (owned, np.zeros_like(owned)))
    return limit, circulation


def in_all(sender: Ints, receiver: Ints, amount_msat: Ints) -> EpisodeDemand:
    """Payments of the same pair added up."""
    pairs, place = np.unique(np.stack([sender, receiver], axis=1), axis=0, return_inverse=True)
    return EpisodeDemand(pairs.astype(np.int64), np.bincount(place.reshape(-1), weights=amount_msat).astype(np.float64))


def fluid_limit(network: Network, owned_msat: Floats, demand: EpisodeDemand) -> float:
    """Most msat that can be delivered where the near end of each edge may pass on ``owned_msat [E]``.

    Raises:
        InvariantError: when the solver fails.
    """
    if len(demand.pairs) == 0:
        return 0.0
    receivers, commodity = np.unique(demand.pairs[:, 1], return_inverse=True)
    n_pairs, n_channels, n_nodes = len(demand.pairs), network.n_channels, network.n_nodes
    n_flows = len(receivers) * n_channels
    enabled = network.edges.enabled
    lowest, highest = (np.where(enabled[side::2], sign * np.inf, 0.0) for side, sign in ((1, -1.0), (0, 1.0)))
    flows = np.stack([np.tile(lowest, len(receivers)), np.tile(highest, len(receivers))], axis=1)
    wishes = np.stack([np.zeros(n_pairs), demand.wanted / UNIT_MSAT], axis=1)
    conserved = _conservation(network, demand.pairs[:, 0], commodity.reshape(-1), receivers)
    passing = _passing(n_channels, len(receivers), n_pairs)
    owned = owned_msat / UNIT_MSAT
    solution = linprog(
        np.concatenate([np.zeros(n_flows), -np.ones(n_pairs)]),
        A_eq=conserved,
        b_eq=np.zeros(len(receivers) * n_nodes - len(receivers)),
        A_ub=passing,
        b_ub=np.concatenate([owned[0::2], owned[1::2]]),
        bounds=np.concatenate([flows, wishes]),
        method="highs",
    )
    if solution.status != 0:
        raise InvariantError(f"fluid limit: the solver ended with {solution.message}")
    return -float(solution.fun) * UNIT_MSAT


def _conservation(network: Network, payer: Ints, commodity: Ints, receivers: Ints) -> coo_array:
    """Rows (commodity, node other than its receiver): net flow out of the node - what is paid from there = 0."""
    n_nodes, n_channels, n_commodities = network.n_nodes, network.n_channels, len(receivers)
    each = np.repeat(np.arange(n_commodities), n_channels)
    ends = [np.tile(network.channels.node1, n_commodities), np.tile(network.channels.node2, n_commodities)]
    columns = np.arange(n_commodities * n_channels)
    rows = np.concatenate([each * n_nodes + ends[0], each * n_nodes + ends[1], commodity * n_nodes + payer])
    values = np.concatenate([np.ones(len(columns)), -np.ones(len(columns)), -np.ones(len(payer))])
    columns = np.concatenate([columns, columns, n_commodities * n_channels + np.arange(len(payer))])
    kept = np.ones(n_commodities * n_nodes, dtype=np.bool_)
    kept[np.arange(n_commodities) * n_nodes + receivers] = False
    number, used = np.cumsum(kept) - 1, kept[rows]
    shape = (int(kept.sum()), n_commodities * n_channels + len(payer))
    return coo_array((values[used], (number[rows[used]], columns[used])), shape=shape)


def _passing(n_channels: int, n_commodities: int, n_pairs: int) -> coo_array:
    """Rows (direction, channel): net flow of all commodities in that direction."""
    columns = np.arange(n_commodities * n_channels)
    rows = np.tile(np.arange(n_channels), n_commodities)
    values = np.ones(len(columns))
    shape = (2 * n_channels, len(columns) + n_pairs)
    both = (np.concatenate([rows, n_channels + rows]), np.concatenate([columns, columns]))
    return coo_array((np.concatenate([values, -values]), both), shape=shape)
