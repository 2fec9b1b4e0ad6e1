"""The books of a market: every micro-payment, by who paid and who was paid. What is spent is what is earned."""

import numpy as np

from lnherd.engine import Simulation
from lnherd.envs.market_scenario import PRODUCTS
from lnherd.network.records import Ints


class MarketLedger:
    """Settles micro-payments between neighbours in the balance of the channel they share.

    Buyer and seller are the two ends of the channel the payment at hand would take, so the price moves over that very
    channel, as a direct payment of one hop does: no fee, no third party, and the channel keeps its capacity.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        n_nodes = simulation.network.n_nodes
        self.spent_msat = np.zeros((n_nodes, len(PRODUCTS)), dtype=np.int64)
        """``[N, 2]`` by buyer and product."""
        self.earned_msat = np.zeros((n_nodes, len(PRODUCTS)), dtype=np.int64)
        """``[N, 2]`` by seller and product."""
        self.sales = np.zeros((n_nodes, len(PRODUCTS)), dtype=np.int64)
        """``[N, 2]`` how many, by seller and product."""

    def pay(self, edge: int, price_msat: int, product: int) -> bool:
        """The near end of ``edge`` pays its far end; whether its balance above the reserve allowed it."""
        own = self._simulation.state.edges[edge]
        if not own.is_open or price_msat > own.balance_msat - own.reserve_msat:
            return False
        self._simulation.shift_liquidity(edge, price_msat)
        self.spent_msat[own.source, product] += price_msat
        self.earned_msat[own.target, product] += price_msat
        self.sales[own.target, product] += 1
        return True

    @property
    def totals_msat(self) -> Ints:
        """``[2]`` turnover by product."""
        turnover: Ints = self.earned_msat.sum(axis=0)
        return turnover
