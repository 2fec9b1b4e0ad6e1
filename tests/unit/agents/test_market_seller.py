"""The price search finds the price that earns most, and moves when demand does."""

import numpy as np
import pytest

from lnherd.agents.market_seller import PriceSearch, SellerConfig
from lnherd.errors import InputError

PRICES = np.array([1, 2, 5, 10, 20, 50])


def sold(levels, limits, rng):
    """Each of twenty buyers an interval pays up to a limit drawn around the good's."""
    limit = limits * rng.uniform(0.8, 1.2, (20, *levels.shape))
    price = PRICES[levels]
    return price * (limit >= price).sum(axis=0)


def test_prices_go_where_demand_is_and_follow_it():
    rng, search = np.random.default_rng(0), PriceSearch(8, 2, len(PRICES), SellerConfig(exploration=0.2))
    search.begin(1)
    for limits, best in (((25.0, 6.0), (4, 2)), ((7.0, 25.0), (2, 4))):
        for _ in range(400):
            search.learn(sold(search.levels, np.array(limits), rng))
        favourite = search._mean.argmax(axis=2)
        assert (favourite == best).mean() > 0.85


def test_settings_without_sense_are_refused():
    for changes in ({"exploration": 2.0}, {"step": 0.0}):
        with pytest.raises(InputError):
            SellerConfig(**changes)
