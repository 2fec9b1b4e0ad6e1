"""Shocks: timed, seeded changes of network, balances, traffic or chain around one node."""

from lnherd.traffic.shocks.attacks import FastJamming, Probing, SinkAttack, SlowJamming
from lnherd.traffic.shocks.markets import CorrelatedAgents, FeeWar, FlowFlip, WhaleDrain
from lnherd.traffic.shocks.outages import BlackHole, HubOutage, MassClosure, OnChainSpike, StaleGossip
from lnherd.traffic.shocks.shock import Act, Placebo, Scene, Shock, Timeline

CONTROL = "control"
"""The case in which nothing happens."""
CASES: dict[str, Shock] = {
    CONTROL: Placebo(),
    "hub-outage": HubOutage(),
    "mass-closure": MassClosure(),
    "slow-jamming": SlowJamming(),
    "fast-jamming": FastJamming(),
    "sink-attack": SinkAttack(),
    "whale-drain": WhaleDrain(),
    "flow-flip": FlowFlip(),
    "fee-war": FeeWar(),
    "on-chain-spike": OnChainSpike(),
    "probing": Probing(),
    "black-hole": BlackHole(),
    "stale-gossip": StaleGossip(),
    "correlated-agents": CorrelatedAgents(),
}
"""The stress suite: every case by name, with its defaults."""

__all__ = ["CASES", "CONTROL", "Act", "Scene", "Shock", "Timeline"]
