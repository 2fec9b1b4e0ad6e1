"""The market against no market and against free information, on the same traffic; and what lying does to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from lnherd.agents.market_buyer import BuyerConfig, MarketBuyer
from lnherd.agents.market_seller import PriceSearch, SellerConfig
from lnherd.engine import SimulationConfig
from lnherd.engine.codes import SUCCEEDED
from lnherd.envs import ForwardingConfig
from lnherd.envs.market import MarketTask
from lnherd.envs.market_scenario import INFORMATION, PRIORITY, SOLD_FEATURES, MarketConfig
from lnherd.experiments.statistics import Estimate, mean_interval, paired_difference
from lnherd.network.graph import Network
from lnherd.network.records import Ints, plain
from lnherd.traffic.demand import Demand, l402, retail
from lnherd.units import MSAT_PER_SAT, PPM

TRAINING_SEEDS = 1 << 31
"""Seeds from here on are for sellers to find their prices, those below are held out."""
NO_MARKET = "no market"


@dataclass(frozen=True)
class Condition:
    """One way to organise the same world."""

    name: str
    """In tables."""
    information: str = "none"
    """See :class:`MarketConfig`."""
    priority: str = "none"
    """See :class:`MarketConfig`."""
    liars: float = 0.0
    """Share of sellers that always say yes."""
    learns_sellers: bool = True
    """Whether buyers judge sellers by what came of their answers."""
    prices_msat: tuple[int, ...] | None = None
    """What sellers may ask; None is the default list, one price is a posted one."""
    information_hops: int = 1
    """See :class:`MarketConfig`."""
    answer_ms: int = 0
    """See :class:`MarketConfig`."""


CONDITIONS = (
    Condition(NO_MARKET),
    Condition("free information", information="free"),
    Condition("information sold", information="sold"),
    Condition("two hops answered", information="sold", information_hops=2),
    Condition("answers take 200 ms", information="sold", answer_ms=200),
    Condition("priority sold", priority="sold"),
    Condition("priority at 2 sat", priority="sold", prices_msat=(2_000,)),
    Condition("both sold", information="sold", priority="sold"),
)
LIARS = tuple(
    Condition(f"{share:.0%} lie, {'judged' if judged else 'believed'}", "sold", "none", share, judged)
    for share in (0.1, 0.5, 1.0)
    for judged in (True, False)
)


@dataclass(frozen=True)
class MarketStudy:
    """Sizes of the comparison. Defaults: twenty congested seconds among 30 nodes, few slots a channel."""

    n_nodes: int = 30
    """Nodes of the synthetic network."""
    machines_per_s: float = 80.0
    """Micro-payments of L402 agents: many, small."""
    people_per_s: float = 20.0
    """Retail payments: few, a thousand times larger."""
    reserved_share: float = 0.34
    """Of a channel's slots, for priority where it is sold."""
    slots: int = 3
    """HTLCs a channel takes in each direction: what congestion is about."""
    duration_ms: int = 20_000
    """Length of an episode."""
    rehearsals: int = 3
    """Episodes in which sellers find their prices before any is counted."""
    seeds: int = 10
    """Held-out episodes."""
    network_seed: int = 0
    """Of the network."""

    def config(self, condition: Condition) -> MarketConfig:
        """The world under ``condition``."""
        simulation = SimulationConfig(
            sender="policy",
            decision_interval_ms=50,
            max_candidates=6,
            max_htlcs=self.slots,
            max_htlcs_cln=self.slots,
        )
        forwarding = ForwardingConfig(
            n_nodes=self.n_nodes,
            network_seed=self.network_seed,
            demand=Demand((*l402(self.machines_per_s).components, *retail(self.people_per_s).components)),
            duration_ms=self.duration_ms,
            simulation=simulation,
        )
        config = MarketConfig(
            forwarding,
            information=condition.information,
            priority=condition.priority,
            reserved_share=self.reserved_share,
            information_hops=condition.information_hops,
            answer_ms=condition.answer_ms,
            liars=condition.liars,
        )
        return config if condition.prices_msat is None else replace(config, prices_msat=condition.prices_msat)


@dataclass(frozen=True)
class Outcome:
    """What one episode came to."""

    success: float
    """Share of the payments that arrived."""
    delivered: float
    """Share of the offered value that arrived."""
    latency_s: float
    """Median time of the payments that arrived."""
    attempts: float
    """Mean attempts a payment."""
    welfare_sat: float
    """What the delivered payments are worth, a payment: value less what failed; prices cancel out."""
    buyers_sat: float
    """The same less what was spent, a payment."""
    sellers_sat: float
    """What was earned, a payment."""
    questions: float
    """Answers sold, a payment."""
    priorities: float
    """Priorities sold, a payment."""
    information_price_msat: float
    """Median price of the answers sold; 0 without any."""
    priority_price_msat: float
    """And of priority."""


def play(task: MarketTask, buyer: MarketBuyer, sellers: PriceSearch | None, seed: int) -> Outcome:
    """One episode; sellers go on learning in it."""
    batch = task.reset(seed)
    buyer.begin(seed)
    if sellers is not None:
        sellers.begin(seed)
        task.set_prices(sellers.levels)
    before, sold = task.ledger.earned_msat.copy(), _Sales()
    while not batch.is_over:
        if sellers is not None and task.prices_due:
            earned = task.ledger.earned_msat - before
            before = task.ledger.earned_msat.copy()
            sold.note(task)
            sellers.learn(earned)
            task.set_prices(sellers.levels)
        batch = task.step(buyer.choose(batch))
    sold.note(task)
    return _outcome(task, sold)


class _Sales:
    """Prices at which things were sold, by interval."""

    def __init__(self) -> None:
        self._sales: Ints | None = None
        self.prices: tuple[list[int], list[int]] = ([], [])

    def note(self, task: MarketTask) -> None:
        """Take down what was sold since the last call at the prices that hold."""
        sales = task.ledger.sales
        new = sales if self._sales is None else sales - self._sales
        self._sales = sales.copy()
        for product in (INFORMATION, PRIORITY):
            self.prices[product].extend(np.repeat(task.prices_msat[:, product], new[:, product]).tolist())


def _outcome(task: MarketTask, sold: _Sales) -> Outcome:
    payments, config = plain(task.simulation.payments), task.config
    arrived = payments["status"] == SUCCEEDED
    amounts, n = payments["amount_msat"], len(payments)
    reward = config.forwarding.reward
    value_sat = reward.success_sat * arrived.sum() + (amounts[arrived] * (config.value_ppm / PPM)).sum() / MSAT_PER_SAT
    welfare_sat = float(value_sat - reward.failure_sat * (~arrived).sum())
    earned_sat = float(task.ledger.totals_msat.sum()) / MSAT_PER_SAT
    latency_ms = payments["end_ms"][arrived] - payments["start_ms"][arrived]
    return Outcome(
        success=float(arrived.mean()),
        delivered=float(amounts[arrived].sum() / amounts.sum()),
        latency_s=float(np.median(latency_ms)) / 1_000.0,
        attempts=float(payments["attempts"].mean()),
        welfare_sat=welfare_sat / n,
        buyers_sat=(welfare_sat - earned_sat) / n,
        sellers_sat=earned_sat / n,
        questions=float(task.ledger.sales[:, INFORMATION].sum()) / n,
        priorities=float(task.ledger.sales[:, PRIORITY].sum()) / n,
        information_price_msat=float(median(sold.prices[INFORMATION] or [0])),
        priority_price_msat=float(median(sold.prices[PRIORITY] or [0])),
    )


def run_condition(
    study: MarketStudy, condition: Condition, network: Network, on_episode: Callable[[], None] = lambda: None
) -> list[Outcome]:
    """Let sellers find their prices, then play the held-out seeds, each with the sellers as they then were."""
    config = study.config(condition)
    task = MarketTask(config, network)
    beliefs = BuyerConfig(
        success_sat=config.forwarding.reward.success_sat,
        value_ppm=config.value_ppm,
        failure_sat=config.forwarding.reward.failure_sat,
        learns_sellers=condition.learns_sellers,
    )
    buyer = MarketBuyer(SOLD_FEATURES, network.n_edges, beliefs)
    is_sold = "sold" in (condition.information, condition.priority)
    sellers = PriceSearch(network.n_nodes, 2, len(config.prices_msat), SellerConfig()) if is_sold else None
    for rehearsal in range(study.rehearsals if is_sold else 0):
        play(task, buyer, sellers, TRAINING_SEEDS + rehearsal)
        on_episode()
    outcomes = []
    for seed in range(study.seeds):
        outcomes.append(play(task, buyer, sellers, seed))
        on_episode()
    return outcomes


@dataclass(frozen=True)
class MarketRow:
    """One condition in the table: means with 95 % intervals, and gains over no market, seed by seed."""

    condition: Condition
    means: dict[str, Estimate]
    """By field of :class:`Outcome`."""
    gains: dict[str, Estimate]
    """Interquartile mean of paired differences."""


def summarise(results: dict[Condition, Sequence[Outcome]]) -> list[MarketRow]:
    """Rows in the order of ``results``, whose first is compared against."""
    columns = {
        condition: {name: [float(getattr(each, name)) for each in outcomes] for name in Outcome.__annotations__}
        for condition, outcomes in results.items()
    }
    baseline = next(iter(columns.values()))
    return [
        MarketRow(
            condition,
            {name: mean_interval(values, seed=0) for name, values in of.items()},
            {name: paired_difference(values, baseline[name], seed=0) for name, values in of.items()},
        )
        for condition, of in columns.items()
    ]
