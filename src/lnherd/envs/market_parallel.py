"""The market as a PettingZoo ParallelEnv: forwarding, with buyers and sellers.

A view of :class:`lnherd.envs.market.MarketTask`. Agents ``node_0``, ... forward and buy; agents ``seller_0``, ... are
the same nodes at their price lists.
"""

from typing import Any, cast

import numpy as np
from gymnasium import spaces

from lnherd.engine.hop_features import N_CONTEXT
from lnherd.envs.choice_spaces import Observation, choice_spaces
from lnherd.envs.dealing import Dealer
from lnherd.envs.market import PRICE_DIGITS, MarketTask
from lnherd.envs.market_scenario import PRODUCTS, SOLD_FEATURES, MarketConfig
from lnherd.envs.multi_agent import ParallelEnv, Roster, metadata_of, node_name
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Ints
from lnherd.units import MSAT_PER_SAT

SALES_DIGITS = 4.0


class MarketParallelEnv(Roster, ParallelEnv[str, Observation, np.int64]):
    """Nodes act as in :class:`~lnherd.envs.forwarding_parallel.ForwardingParallelEnv`, with the choices of the market.

    A seller's action is ``information * L + priority``, both numbers of a price (of L). It counts whenever
    ``info["sets_prices"]``; otherwise its mask leaves action 0 alone, which then has no effect. It sees, for each
    product, log10 of 1 + its price in msat over 6 and log10 of 1 + its sales since the last price over 4. Its reward
    is what it earned, in sat.
    """

    metadata = metadata_of("lnherd_market_v0")

    def __init__(self, config: MarketConfig | None = None, network: Network | None = None) -> None:
        self.task = MarketTask(config, network)
        nodes = self.task.config.forwarding.deciders(self.task.network).tolist()
        self.nodes = [node_name(node) for node in nodes]
        self.sellers = [f"seller_{node}" for node in range(self.task.network.n_nodes)]
        sizes, self._n_levels = (self.task.n_choices, len(SOLD_FEATURES)), len(self.task.config.prices_msat)
        traders = {name: choice_spaces(N_CONTEXT, *sizes) for name in self.nodes}
        self._enlist(traders | {name: _seller_spaces(self._n_levels**2) for name in self.sellers})
        self._dealer = Dealer(nodes, *sizes)
        self._sales_before: Ints
        self._earned_msat: Ints

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Start an episode; episodes after one another differ, a seed starts the same row of episodes anew."""
        self._dealer.deal(self.task.reset(self._call_all(seed)))
        self._sales_before = self.task.ledger.sales.copy()
        self._earned_msat = self.task.ledger.earned_msat.sum(axis=1)
        return self._observations(), self._infos()

    def step(
        self, actions: dict[str, np.int64]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Take everybody's prices where they are due, and one choice of everybody who has to decide.

        Raises:
            InputError: when the episode is over or has not begun.
        """
        if not self.agents:
            raise InputError("market: the episode is over; call reset first")
        if self.task.prices_due:
            asked = np.array([int(actions.get(seller, 0)) for seller in self.sellers])
            self.task.set_prices(np.stack(np.divmod(asked, self._n_levels), axis=1))
            self._sales_before = self.task.ledger.sales.copy()
        dealer, rewards = self._dealer, np.zeros(len(self.nodes))
        if dealer.answer([int(actions.get(node, 0)) for node in self.nodes]) and not dealer.batch.is_over:
            dealer.deal(self.task.step(dealer.choices))
            rewards = dealer.rewards()
        is_over = dealer.batch.is_over
        earned = dict(zip(self.agents, [*rewards.tolist(), *self._revenue_sat().tolist()], strict=True))
        over, never = dict.fromkeys(self.agents, is_over), dict.fromkeys(self.agents, False)
        results = self._observations(), earned, over, never, self._infos()
        if is_over:
            self.agents = []
        return results

    def _revenue_sat(self) -> Floats:
        """``[S]`` since the last step."""
        before, self._earned_msat = self._earned_msat, self.task.ledger.earned_msat.sum(axis=1)
        revenue: Floats = (self._earned_msat - before) / MSAT_PER_SAT
        return revenue

    def _observations(self) -> dict[str, Observation]:
        prices = np.log10(1.0 + self.task.prices_msat) / PRICE_DIGITS
        sales = np.log10(1.0 + self.task.ledger.sales - self._sales_before) / SALES_DIGITS
        seen = np.clip(np.concatenate([prices, sales], axis=1), 0.0, 1.0).astype(np.float32)
        mask = np.full(self._n_levels**2, self.task.prices_due, dtype=np.int8)
        mask[0] = 1
        lists: list[Observation] = [{"context": row, "action_mask": mask} for row in seen]
        return dict(zip(self.agents, [*self._dealer.observations(), *lists], strict=True))

    def _infos(self) -> dict[str, dict[str, Any]]:
        lists = [{"sets_prices": self.task.prices_due} for _ in self.sellers]
        return dict(zip(self.agents, [*self._dealer.infos(), *lists], strict=True))


def _seller_spaces(n_actions: int) -> tuple[spaces.Space[Observation], spaces.Discrete]:
    parts: dict[str, spaces.Space[Any]] = {
        "context": spaces.Box(0.0, 1.0, (2 * len(PRODUCTS),), np.float32),
        "action_mask": spaces.Box(0, 1, (n_actions,), np.int8),
    }
    return cast("spaces.Space[Observation]", spaces.Dict(parts)), spaces.Discrete(n_actions)
