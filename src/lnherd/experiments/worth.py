"""The fluid bound of a herding episode: what its role's payments could be worth at most."""

import numpy as np

from lnherd.control.costs import SWAP_VBYTES
from lnherd.control.view import Role
from lnherd.envs.scenario import Scenario
from lnherd.experiments.bounds import payments_worth
from lnherd.units import MSAT_PER_SAT

LEAST_FEERATE_SAT = 1.0
"""Nothing is mined for less, per vbyte."""


def worth_bound(scenario: Scenario, seed: int) -> float:
    """Most R of one episode: payments divisible, the network no obstacle, liquidity beyond the own at the least price.

    Liquidity is not counted against a router (circles may renew it): there it is the value of all that wants to pass.
    """
    config, node = scenario.config, scenario.node
    payments = scenario.payments(seed)
    begins = config.warm_up_ticks * config.tick_ms
    payments = payments[payments.start_ms >= begins - config.tick_ms]
    value = config.reward.value_per_success_sat
    if config.role == Role.ROUTER:
        pairs = np.array(scenario.corridors)
        passing = np.zeros(len(payments), dtype=np.bool_)
        for first, second in pairs.tolist():
            there = (payments.sender == first) & (payments.receiver == second)
            passing |= there | ((payments.sender == second) & (payments.receiver == first))
        return value * float(passing.sum())
    own = scenario.network.out_edges(node).astype(np.int64)
    consumer = config.role == Role.CONSUMER
    amounts = payments.amount_msat[(payments.sender if consumer else payments.receiver) == node] / MSAT_PER_SAT
    side = own if consumer else own ^ 1
    liquidity = float(scenario.balances_msat(seed)[side].sum()) / MSAT_PER_SAT
    return payments_worth(amounts, value, liquidity, 0.0, SWAP_VBYTES * LEAST_FEERATE_SAT)
