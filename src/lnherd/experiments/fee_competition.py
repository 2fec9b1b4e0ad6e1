"""Fees when nodes learn to set them: each for itself or all for all, a few of them or everybody.

Every player searches the price that rewards it most (:class:`~lnherd.agents.market_seller.PriceSearch`), knowing
nothing of the others; payments route around whoever is dear. The price of anarchy (Koutsoupias and Papadimitriou 1999)
is the welfare when all play for all over the welfare when each plays for itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from lnherd.agents.market_seller import PriceSearch, SellerConfig
from lnherd.envs.fee_game import FeeGame, FeeGameConfig, IntervalFigures
from lnherd.experiments.oscillation import periodic_share, turns
from lnherd.experiments.statistics import Estimate, mean_interval
from lnherd.network.records import Ints

STATIC = "nobody learns"
COUNTED = 0.5
"""The last part of an episode: by then players know their prices."""


@dataclass(frozen=True)
class Society:
    """Who plays, and for whom."""

    name: str
    """In tables."""
    share: float
    """Of the nodes that play; 0 is nobody."""
    cooperation: float = 0.0
    """See :class:`FeeGameConfig`."""


SOCIETIES = (
    Society(STATIC, 0.0),
    Society("1 % for themselves", 0.01),
    Society("10 % for themselves", 0.1),
    Society("50 % for themselves", 0.5),
    Society("all for themselves", 1.0),
    Society("all, mixed", 1.0, 0.5),
    Society("all for all", 1.0, 1.0),
)


@dataclass(frozen=True)
class SocietyFigures:
    """One episode, over its counted part."""

    success: float
    """Share of the payments that arrived."""
    delivered: float
    """Share of the value that arrived."""
    fee_ppm: float
    """What payers paid."""
    welfare_sat: float
    """Value of what arrived, an interval."""
    concentration: float
    """Herfindahl index of the fees earned."""
    rate_ppm: float
    """Median rate of the players."""
    changes: float
    """Share of the moves that changed a rate."""
    turns: float
    """Share of these changes that took back the direction of the one before."""
    oscillating: float
    """Share of the players whose rates swing with a period."""


def play(config: FeeGameConfig, society: Society, seed: int, search: SellerConfig) -> SocietyFigures:
    """One episode in which everybody starts without knowing anything."""
    game = FeeGame(replace(config, playing_share=society.share or 1e-9, cooperation=society.cooperation))
    game.reset(seed)
    prices = PriceSearch(len(game.players), 1, len(config.rates_ppm), search)
    prices.begin(seed)
    history, figures = list[Ints](), list[IntervalFigures]()
    while not game.is_over:
        levels = prices.levels[:, 0].copy() if society.share else None
        rewards, interval = game.step(levels)
        figures.append(interval)
        if levels is not None:
            history.append(levels)
            prices.learn(np.rint(rewards).astype(np.int64)[:, None])
    return _figures(config, history, figures)


def _figures(config: FeeGameConfig, history: list[Ints], figures: list[IntervalFigures]) -> SocietyFigures:
    counted = slice(int(len(figures) * COUNTED), None)
    means = {
        name: float(np.mean([getattr(each, name) for each in figures[counted]]))
        for name in IntervalFigures.__annotations__
    }
    if not history:
        return SocietyFigures(**means, rate_ppm=0.0, changes=0.0, turns=0.0, oscillating=0.0)
    rates = np.array(config.rates_ppm, dtype=np.float64)[np.stack(history[counted])]
    return SocietyFigures(
        **means,
        rate_ppm=float(np.median(rates)),
        changes=float((np.diff(rates, axis=0) != 0).mean()),
        turns=float(np.mean([turns(series) for series in rates.T])),
        oscillating=periodic_share(np.log1p(rates)),
    )


def compare(
    config: FeeGameConfig, *, seeds: int, search: SellerConfig | None = None, on_done: Callable[[], None] = lambda: None
) -> dict[Society, list[SocietyFigures]]:
    """Every society on the same seeds."""
    results: dict[Society, list[SocietyFigures]] = {}
    for society in SOCIETIES:
        results[society] = []
        for seed in range(seeds):
            results[society].append(play(config, society, seed, search or SellerConfig()))
            on_done()
    return results


def estimates(episodes: list[SocietyFigures]) -> dict[str, Estimate]:
    """Means with intervals by field."""
    return {
        name: mean_interval([getattr(each, name) for each in episodes], seed=0)
        for name in SocietyFigures.__annotations__
    }


def price_of_anarchy(results: dict[Society, list[SocietyFigures]]) -> Estimate:
    """Welfare of all for all over that of all for themselves, by seed."""
    welfare = {society.name: [each.welfare_sat for each in episodes] for society, episodes in results.items()}
    together, apart = welfare["all for all"], welfare["all for themselves"]
    return mean_interval([a / b for a, b in zip(together, apart, strict=True)], seed=0)
