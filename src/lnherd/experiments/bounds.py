"""Bounds: what no policy can exceed, so that results can be quoted as a share of what is possible.

* *Fluid limits*: payments become divisible flows and time disappears; what remains is a linear program (multi-commodity
  flow with circulation, as in Spider, NSDI 2020), solved by HiGHS. Whatever happens in a simulation is feasible in it,
  so its value is an upper bound.
* *Hindsight*: the best of some policies, chosen after the fact on the very seeds that are scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog
from scipy.sparse import coo_array

from lnherd.errors import InvariantError
from lnherd.experiments.statistics import interquartile_mean
from lnherd.network.records import Floats, Ints


@dataclass(frozen=True, eq=False)
class FluidProblem:
    """Who wants to pay whom, over which channels, and what moving liquidity costs; any one unit of money.

    ``channels [C, 2]`` are the nodes of each channel and ``balances [C, 2]`` what each of them owns of it.
    ``pairs [K, 2]`` are senders and receivers, ``wanted [K]`` what they want to send within the horizon, ``value [K]``
    what a unit of it is worth. ``deposit_cost`` is the price of a unit of balance brought in from the chain to either
    side of any channel, at the cost of the other side's; None where that is impossible.
    """

    channels: Ints
    balances: Floats
    pairs: Ints
    wanted: Floats
    value: Floats
    deposit_cost: float | None = None


@dataclass(frozen=True, eq=False)
class FluidSolution:
    """The optimum."""

    value: float
    """Worth of what is sent less the cost of deposits."""
    sent: Floats
    """``[K]`` of each pair's wish."""
    flow: Floats
    """``[C, 2]`` that crosses each channel from either side, all pairs together."""
    deposited: Floats
    """``[C, 2]`` balance brought to either side."""


def fluid_limit(problem: FluidProblem) -> FluidSolution:
    """The most that can be worth sending, were money divisible and time no object.

    maximise sum_k value_k x_k - cost sum d  subject to  flow conservation of every pair at every node, and for each
    channel and side: net flow out <= balance of that side + deposits there - deposits on the other side. Circular flows
    (rebalancing) are free: they cost fees in the simulation, so leaving those out keeps it a bound.

    Raises:
        InvariantError: when the solver fails.
    """
    n_pairs, n_edges = len(problem.pairs), 2 * len(problem.channels)
    n_nodes = int(max(problem.channels.max(), problem.pairs.max())) + 1
    source = problem.channels.reshape(-1)
    target = problem.channels[:, ::-1].reshape(-1)
    n_flow = n_pairs * n_edges
    cost = np.concatenate([-problem.value, np.zeros(n_flow), np.full(n_edges, problem.deposit_cost or 0.0)])
    most = 0.0 if problem.deposit_cost is None else np.inf
    bounds = [(0.0, float(w)) for w in problem.wanted] + [(0.0, None)] * n_flow + [(0.0, most)] * n_edges
    solution = linprog(
        cost,
        A_eq=_conservation(problem.pairs, source, target, n_nodes),
        b_eq=np.zeros(n_pairs * n_nodes),
        A_ub=_balance_limits(n_pairs, n_edges),
        b_ub=problem.balances.reshape(-1).astype(np.float64),
        bounds=bounds,
        method="highs",
    )
    if solution.status != 0:
        raise InvariantError(f"fluid limit: the solver ended with {solution.message}")
    flows = solution.x[n_pairs : n_pairs + n_flow].reshape(n_pairs, n_edges).sum(axis=0)
    deposits = solution.x[n_pairs + n_flow :]
    return FluidSolution(-float(solution.fun), solution.x[:n_pairs], flows.reshape(-1, 2), deposits.reshape(-1, 2))


def _conservation(pairs: Ints, source: Ints, target: Ints, n_nodes: int) -> coo_array:
    """Rows (pair, node): flow out - flow in = +x at the sender, -x at the receiver, 0 elsewhere."""
    n_pairs, n_edges = len(pairs), len(source)
    pair = np.repeat(np.arange(n_pairs), n_edges)
    column = n_pairs + np.arange(n_pairs * n_edges)
    every = np.arange(n_pairs)
    rows = [pair * n_nodes + np.tile(source, n_pairs), pair * n_nodes + np.tile(target, n_pairs)]
    rows += [every * n_nodes + pairs[:, 0], every * n_nodes + pairs[:, 1]]
    columns = [column, column, every, every]
    values = [np.ones(len(pair)), -np.ones(len(pair)), -np.ones(n_pairs), np.ones(n_pairs)]
    shape = (n_pairs * n_nodes, n_pairs + n_pairs * n_edges + n_edges)
    return coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def _balance_limits(n_pairs: int, n_edges: int) -> coo_array:
    """Rows edge: what leaves over it, less what comes back, less deposits here, plus deposits there."""
    edge = np.tile(np.arange(n_edges), n_pairs)
    column = n_pairs + np.arange(n_pairs * n_edges)
    sides = np.arange(n_edges)
    deposit = n_pairs + n_pairs * n_edges + sides
    rows = [edge, edge ^ 1, sides, sides ^ 1]
    columns = [column, column, deposit, deposit]
    values = [np.ones(len(edge)), -np.ones(len(edge)), -np.ones(n_edges), np.ones(n_edges)]
    shape = (n_edges, n_pairs + n_pairs * n_edges + n_edges)
    return coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def relay_fluid_bound(
    offered: Sequence[float],
    *,
    capacity: float = 1_000.0,
    chain: float = 1_000.0,
    fee: float = 0.01,
    swap_fee: float = 0.005,
    miner_fee: float = 2.0,
) -> float:
    """Most profit of the relay-node scenario when ``offered`` (L to R, R to L) is all that wants to pass.

    Variables: flows x_lr, x_rl and swaps in and out of either channel, all divisible. Balances have to end within the
    channels, the chain not below zero. A swap moves at most a channel's capacity, so that its miner's fee is at least
    ``miner_fee / capacity`` a unit.
    """
    out_fee = swap_fee / (1.0 + swap_fee) + miner_fee / (1.0 + swap_fee) / capacity
    swap_fee += miner_fee / capacity
    # x_lr, x_rl, in_l, in_r, out_l, out_r
    gain = np.array([fee, fee, -swap_fee, -swap_fee, -out_fee, -out_fee])
    local_l = np.array([1.0, -(1.0 - fee), 1.0, 0.0, -1.0, 0.0])
    local_r = np.array([-(1.0 - fee), 1.0, 0.0, 1.0, 0.0, -1.0])
    spent = np.array([0.0, 0.0, 1.0 + swap_fee, 1.0 + swap_fee, -(1.0 - out_fee), -(1.0 - out_fee)])
    solution = linprog(
        -gain,
        A_ub=np.stack([local_l, -local_l, local_r, -local_r, spent]),
        b_ub=np.array([capacity / 2] * 4 + [chain]),
        bounds=[(0.0, float(offered[0])), (0.0, float(offered[1])), *[(0.0, None)] * 4],
        method="highs",
    )
    if solution.status != 0:
        raise InvariantError(f"relay bound: the solver ended with {solution.message}")
    return -float(solution.fun)


def payments_worth(amounts: ArrayLike, value: float, liquidity: float, unit_cost: float, entry_cost: float) -> float:
    """Most that payments of ``amounts``, worth ``value`` each, can bring a node with ``liquidity`` in their direction.

    The fluid limit of one node cut off from the network: payments are divisible, smallest first; more liquidity costs
    ``unit_cost`` a unit and ``entry_cost`` once. Nobody who has to route and to pay whole amounts does better.
    """
    sizes = np.sort(np.asarray(amounts, dtype=np.float64))
    if len(sizes) == 0:
        return 0.0
    reached = np.cumsum(sizes)
    whole = int(np.searchsorted(reached, liquidity, side="right"))
    used = reached[whole - 1] if whole else 0.0
    free = value * (whole + ((liquidity - used) / sizes[whole] if whole < len(sizes) else 0.0))
    worth_buying = sizes * unit_cost < value
    bought = np.maximum(reached[worth_buying] - liquidity, 0.0)
    total = value * np.arange(1, len(bought) + 1) - unit_cost * bought - entry_cost * (bought > 0)
    return float(max(free, total.max(initial=0.0)))


def best_in_hindsight(scores: Mapping[str, ArrayLike]) -> tuple[str, float]:
    """The policy with the highest interquartile mean of its own scores, and that mean."""
    means = {name: interquartile_mean(values) for name, values in scores.items()}
    best = max(means, key=lambda name: means[name])
    return best, means[best]
