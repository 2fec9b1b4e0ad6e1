"""What models of neighbours bring: one rule, three kinds of beliefs, on the same worlds of the forwarding suite."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lnherd.agents.belief_router import BELIEFS, BeliefConfig, BeliefRouter
from lnherd.agents.neighbours import NeighbourConfig, NeighbourModel
from lnherd.engine.codes import SUCCEEDED
from lnherd.engine.hop_features import CANDIDATE_FEATURES
from lnherd.envs.forwarding import ForwardingTask
from lnherd.experiments.forwarding.playing import episode
from lnherd.experiments.forwarding.worlds import scenario
from lnherd.experiments.seeds import held_out_seeds
from lnherd.experiments.statistics import Estimate, mean_interval, paired_difference
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.records import plain

HALF_LIVES_S = (5.0, 120.0)
"""The model forgets by half in so many seconds."""


@dataclass(frozen=True)
class AblationRow:
    """One kind of beliefs in one family of demand: shares of value and of payments that arrived."""

    family: str
    beliefs: str
    delivered: Estimate
    success: Estimate
    gain: Estimate
    """Value delivered over the record, paired by seed."""


def ablation(
    families: tuple[str, ...],
    *,
    nodes: int,
    seconds: int,
    seeds: int,
    on_done: Callable[[], None] = lambda: None,
) -> list[AblationRow]:
    """Every family, every kind of beliefs, on the same held-out seeds."""
    network = generate(GeneratorConfig(n_nodes=nodes), 7_000)
    rows = []
    for family in families:
        task = ForwardingTask(scenario(family, nodes, seconds, 20.0), network)
        scores = {}
        for name, policy in _policies(task).items():
            scores[name] = [_play(task, policy, seed) for seed in held_out_seeds(0, seeds)]
            on_done()
        reference = [each[0] for each in scores["record"]]
        for name, episodes in scores.items():
            delivered, success = (list(column) for column in zip(*episodes, strict=True))
            estimates = mean_interval(delivered, seed=0), mean_interval(success, seed=0)
            rows.append(AblationRow(family, name, *estimates, paired_difference(delivered, reference, seed=0)))
    return rows


def n_policies() -> int:
    """Kinds of beliefs that are compared."""
    return len(BELIEFS) - 1 + len(HALF_LIVES_S)


def _policies(task: ForwardingTask) -> dict[str, BeliefRouter]:
    task.reset(0)
    region = plain(task.simulation.state.destinations)["region"].astype(np.int64)

    def router(beliefs: str, half_life_s: float) -> BeliefRouter:
        config = NeighbourConfig(half_life_ms=1_000.0 * half_life_s)

        def make_model() -> NeighbourModel:
            return NeighbourModel(region, task.network.n_edges, config)

        return BeliefRouter(CANDIDATE_FEATURES, make_model, BeliefConfig(beliefs))

    plain_ones = {beliefs: router(beliefs, HALF_LIVES_S[0]) for beliefs in BELIEFS if beliefs != "model"}
    return plain_ones | {f"model, {half:g} s": router("model", half) for half in HALF_LIVES_S}


def _play(task: ForwardingTask, policy: BeliefRouter, seed: int) -> tuple[float, float]:
    """``(share of the value, share of the payments)`` that arrived."""
    episode(task, policy, seed)
    payments = plain(task.simulation.payments)
    arrived = payments["status"] == SUCCEEDED
    return float(payments["amount_msat"][arrived].sum() / payments["amount_msat"].sum()), float(arrived.mean())
