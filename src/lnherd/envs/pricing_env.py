"""Pricing as a Gymnasium environment, ``lnherd/Pricing-v0``: one service of the machine economy sets its price."""

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from lnherd.economy import AgentGroup, Economy, EconomyConfig, ServiceGroup, settle
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.units import MS_PER_HOUR, MS_PER_MINUTE, MS_PER_SECOND, MSAT_PER_SAT

Observation = NDArray[np.float32]
FEATURES = ("own_price", "rivals_price", "load", "turned_away", "demand", "day_sin", "day_cos")
"""Of an observation, each in [-1, 1]: logarithms of the own and the rivals' median price over the first price; share of
slots in use, share of requests turned away and requests over capacity during the last tick; the hour of the day."""
MULTIPLES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Prices to choose from, over the first price."""
OWN = 0
"""Index of the service that sets its price."""
LOG_SPAN = float(np.log(8.0))
"""A price eight times the first, or an eighth of it, is at the end of the scale."""


@dataclass(frozen=True)
class PricingConfig:
    """The market: like services on a small network, agents that compare them, a daily cycle and bursts."""

    nodes: int = 100
    """Nodes of the generated network."""
    network_seed: int = 0
    """Of the network; episodes differ in everything else."""
    rivals: int = 4
    """Services that sell the same at prices of their own, which they keep."""
    agents: int = 120
    """Buyers."""
    tasks_per_hour: float = 0.6
    """Of one agent."""
    price_sat: float = 10.0
    """First price of the service, median of the rivals' prices."""
    slots: int = 1
    """Calls served at a time: small, so that there is something to ration."""
    service_ms: float = 15.0 * MS_PER_SECOND
    """Median time of a call."""
    tick_ms: int = 30 * MS_PER_MINUTE
    """Time between two decisions."""
    ticks: int = 24
    """Decisions of an episode: half a day."""
    notice_ms: int = 500
    """See ``EconomyConfig``; longer slices make episodes cheaper."""

    def __post_init__(self) -> None:
        if self.nodes < 50 or min(self.rivals, self.agents, self.tick_ms, self.ticks) < 1:
            raise InputError("pricing: give at least 50 nodes and at least one rival, agent, millisecond and tick")

    def economy(self) -> EconomyConfig:
        """The economy of an episode; the learner is its first service."""
        own = ServiceGroup(
            count=1,
            price_sat=self.price_sat,
            price_sigma=0.0,
            slots=self.slots,
            service_ms=self.service_ms,
            mean_up_ms=0.0,
            pricing="set",
        )
        rivals = ServiceGroup(
            count=self.rivals, price_sat=self.price_sat, slots=self.slots, service_ms=self.service_ms, mean_up_ms=0.0
        )
        buyers = AgentGroup(
            count=self.agents, tasks_per_hour=self.tasks_per_hour, max_calls=12, diurnal=0.6, moody=True, knows=5
        )
        return EconomyConfig((own, rivals), (buyers,), notice_ms=self.notice_ms, start_hour=6.0)


class PricingEnv(gymnasium.Env[Observation, np.int64]):
    """The action is an index into MULTIPLES, the reward the profit of a tick in sat (revenue less cost of calls).

    Observation: float32 [7], see FEATURES. ``info`` holds the totals of the tick. Episodes only end by truncation.
    """

    def __init__(self, config: PricingConfig | None = None) -> None:
        self.config = config or PricingConfig()
        self.network: Network = generate(GeneratorConfig(n_nodes=self.config.nodes), self.config.network_seed)
        self.observation_space = spaces.Box(-1.0, 1.0, (len(FEATURES),), np.float32)
        self.action_space = spaces.Discrete(len(MULTIPLES))
        self._economy: Economy | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; its seed is ``options["episode_seed"]`` or drawn, so episodes after one another differ."""
        super().reset(seed=seed)
        episode_seed = int(self.np_random.integers(2**31)) if not options else int(options["episode_seed"])
        duration_ms = self.config.ticks * self.config.tick_ms
        self._economy = settle(self.network, self.config.economy(), seed=episode_seed, duration_ms=duration_ms)
        self._tick = 0
        return self._observe(self._totals(), self._totals()), {"episode_seed": episode_seed}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Set the price and live through one tick."""
        if self._economy is None:
            raise gymnasium.error.ResetNeeded("call reset before step")
        before = self._totals()
        price_sat = self.config.price_sat * MULTIPLES[int(action)]
        self._economy.services[OWN].price_msat = round(price_sat * MSAT_PER_SAT)
        self._tick += 1
        self._economy.run(self._tick * self.config.tick_ms)
        after = self._totals()
        info = {name: after[name] - before[name] for name in after} | {"price_sat": price_sat}
        profit_sat = (info["revenue_msat"] - info["costs_msat"]) / MSAT_PER_SAT
        truncated = self._tick >= self.config.ticks
        return self._observe(before, after), float(profit_sat), False, truncated, info

    def _totals(self) -> dict[str, int]:
        assert self._economy is not None
        own = self._economy.services[OWN]
        names = ("n_requests", "n_turned_away", "n_served", "busy_ms", "revenue_msat", "costs_msat")
        return {name: int(own[name]) for name in names}

    def _observe(self, before: dict[str, int], after: dict[str, int]) -> Observation:
        assert self._economy is not None
        config, services = self.config, self._economy.services
        tick = {name: after[name] - before[name] for name in after}
        capacity = config.slots * config.tick_ms
        hour = self._economy.now_ms / MS_PER_HOUR + self._economy.config.start_hour
        features = (
            np.log(services[OWN].price_msat / (config.price_sat * MSAT_PER_SAT)) / LOG_SPAN,
            np.log(np.median(services.price_msat[1:]) / (config.price_sat * MSAT_PER_SAT)) / LOG_SPAN,
            tick["busy_ms"] / capacity,
            tick["n_turned_away"] / max(1, tick["n_requests"]),
            tick["n_requests"] * config.service_ms / capacity,
            np.sin(hour * np.pi / 12),
            np.cos(hour * np.pi / 12),
        )
        return np.clip(np.array(features, dtype=np.float32), -1.0, 1.0)
