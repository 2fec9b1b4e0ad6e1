"""Whole forwarding episodes inside compiled code: nodes choose by a network, what they chose is recorded.

A :class:`ForwardingPlayer` plays for learners (``agents.rollout.Player``): the engine scores, draws and records every
decision, so Python is called twice an episode instead of twice a batch.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lnherd.agents.hop_scorer import choices_at, packed_hops
from lnherd.agents.hop_trajectory import ATTEMPT_BITS, HopTrajectory
from lnherd.agents.learner import DECISIONS, REWARD
from lnherd.agents.packing import Packed
from lnherd.agents.rollout import Behaviour, EpisodeKey, GreedyBehaviour, SoftmaxBehaviour
from lnherd.agents.scorer import Scorer
from lnherd.control.hop_decision import DecisionBatch
from lnherd.control.hop_encode import N_FEATURES
from lnherd.engine import Simulation
from lnherd.engine.codes import SUCCEEDED
from lnherd.engine.hop_network import Exploration, ScoringNetwork
from lnherd.engine.hop_state import CHOICE_DTYPE, OUTCOME_DTYPE
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Ints, Records, zero_records
from lnherd.units import MS_PER_SECOND, MSAT_PER_SAT

EpisodeFactory = Callable[[int], tuple[ForwardingConfig, Network]]
"""Seed of an episode -> its problem and topology (``Curriculum.draw``)."""
COMPILED_POLICY = "network"


class ForwardingPlayer:
    """Plays episodes of forwarding, each by itself; several at once in threads, with the same result."""

    def __init__(self, draw: EpisodeFactory, n_threads: int = 1) -> None:
        self._draw, self._n_threads = draw, n_threads

    def collect(self, behaviour: Behaviour, keys: Sequence[EpisodeKey]) -> list[HopTrajectory]:
        """One trajectory a key, in their order."""
        if self._n_threads <= 1:
            return [self.play(behaviour, key) for key in keys]
        with ThreadPoolExecutor(self._n_threads) as threads:
            return list(threads.map(lambda key: self.play(behaviour, key), keys))

    def play(self, behaviour: Behaviour, key: EpisodeKey) -> HopTrajectory:
        """One episode."""
        config, network = self._draw(key.seed)
        if not isinstance(behaviour, SoftmaxBehaviour | GreedyBehaviour):
            return play_asking(config, network, behaviour, key)
        simulation = run_compiled(config, network, key.seed, behaviour.scorer, exploration_of(behaviour, key))
        return recorded(simulation, config)


def exploration_of(behaviour: SoftmaxBehaviour | GreedyBehaviour, key: EpisodeKey) -> Exploration:
    """How the compiled engine draws what ``behaviour`` would."""
    epsilon = behaviour.epsilon if isinstance(behaviour, GreedyBehaviour) else None
    draws = int(np.random.SeedSequence(key.draws).generate_state(1, np.uint64)[0] >> np.uint64(1))
    return Exploration(draws, epsilon)


def scoring_network(scorer: Scorer) -> ScoringNetwork:
    """The weights for the compiled engine. A constant in all scores (``b3``) changes no choice and is left out."""
    return ScoringNetwork(scorer.w1, scorer.b1, scorer.w2, scorer.b2, scorer.w3)


def run_compiled(
    config: ForwardingConfig, network: Network, seed: int, scorer: Scorer, exploration: Exploration | None = None
) -> Simulation:
    """Play one episode to its end with a learned policy inside the loop; without ``exploration`` it is greedy."""
    task = ForwardingTask(config, network)
    task.begin(seed, COMPILED_POLICY)
    task.simulation.use_network(scoring_network(scorer), exploration)
    task.run_out()
    return task.simulation


def play_asking(config: ForwardingConfig, network: Network, behaviour: Behaviour, key: EpisodeKey) -> HopTrajectory:
    """Play one episode in which a behaviour outside compiled code is asked, batch by batch."""
    task, rng = ForwardingTask(config, network), np.random.default_rng(key.draws)
    batch, asked = task.reset(key.seed), Asked(task)
    while not batch.is_over:
        decisions = packed_hops(batch)
        chosen, logs = behaviour.choose(decisions, [rng] * len(decisions.counts))
        batch = asked.step(batch, decisions, chosen, logs)
    return asked.trajectory()


class Asked:
    """Steps a task by choices from outside and takes them down as the engine would record its own."""

    def __init__(self, task: ForwardingTask) -> None:
        self._task = task
        self._choices, self._outcomes = list[Records](), list[Records]()
        self._rows = [np.zeros((0, N_FEATURES), dtype=np.float32)]

    def step(self, batch: DecisionBatch, decisions: Packed, chosen: Ints, logs: Floats) -> DecisionBatch:
        """Carry out the choices at the positions ``chosen [B]``, drawn with the log-probabilities ``logs [B]``."""
        noted = noted_choices(self._task.simulation, batch, decisions, chosen)
        noted.log_probability = logs
        is_choice = decisions.counts > 1
        self._choices.append(noted[is_choice])
        self._rows.append(decisions.features[np.repeat(is_choice, decisions.counts)])
        following = self._task.step(choices_at(chosen, decisions, batch))
        self._outcomes.append(following.outcomes)
        return following

    def trajectory(self) -> HopTrajectory:
        """What was decided in an episode that is over."""
        choices, outcomes = joined_records(self._choices, CHOICE_DTYPE), joined_records(self._outcomes, OUTCOME_DTYPE)
        return trajectory(self._task.simulation, self._task.config, choices, np.concatenate(self._rows), outcomes)


def noted_choices(simulation: Simulation, batch: DecisionBatch, decisions: Packed, chosen: Ints) -> Records:
    """Decisions that wait as the engine would record them."""
    noted = zero_records(len(chosen), CHOICE_DTYPE)
    noted.decision, noted.payment, noted.node = batch.number, batch.payment, batch.node
    noted.attempt = simulation.state.attempts.number[simulation.pending]
    noted.n_choices, noted.chosen, noted.context = decisions.counts, chosen, batch.context
    noted.neighbours, noted.beyond = simulation.beyond()
    return noted


def joined_records(parts: Sequence[Records], dtype: DTypeLike) -> Records:
    """One after another."""
    return np.concatenate([zero_records(0, dtype), *parts]).view(np.recarray)


def recorded(simulation: Simulation, config: ForwardingConfig) -> HopTrajectory:
    """What was recorded in a simulation that is over, with what came of it."""
    choices, rows = simulation.fetch_choices()
    return trajectory(simulation, config, choices, rows.features, simulation.fetch_outcomes())


def trajectory(
    simulation: Simulation,
    config: ForwardingConfig,
    choices: Records,
    features: NDArray[np.float32],
    outcomes: Records,
) -> HopTrajectory:
    """Recorded ``choices [T]`` in order, their possibilities ``[N, F]``, and outcomes in any order, put together."""
    rewards, fees, lost = (np.zeros(len(choices)) for _ in range(3))
    is_split = np.zeros(len(choices), dtype=np.bool_)
    if len(choices):
        at = np.minimum(np.searchsorted(choices.decision, outcomes.decision), len(choices) - 1)
        is_known = choices.decision[at] == outcomes.decision  # where nothing was to choose nothing is recorded
        at, known = at[is_known], outcomes[is_known]
        rewards[at] = config.reward.of(known)
        fees[at] = config.reward.fee_weight * known.fee_msat / MSAT_PER_SAT
        lost[at] = config.reward.lost(known)
        is_split[at] = known.succeeded & (known.latency_ms == 0)
    payments, hops = simulation.payments, simulation.state.hops[0]
    context = [choices.context, choices.neighbours] if hops.hears_neighbours else [choices.context]
    beyond = np.ascontiguousarray(choices.beyond) if hops.sees_all else None
    return HopTrajectory(
        Packed(np.concatenate(context, axis=1), features, choices.n_choices.astype(np.int64), beyond),
        choices.chosen.astype(np.int64),
        choices.log_probability.copy(),
        rewards,
        fees,
        lost,
        choices.node.astype(np.int64),
        (choices.payment.astype(np.int64) << ATTEMPT_BITS) + choices.attempt,
        is_split,
        payments.amount_msat[choices.payment] / MSAT_PER_SAT,
        {REWARD: float(rewards.sum()), DECISIONS: float(len(choices)), **payment_totals(payments)},
    )


def payment_totals(payments: Records) -> dict[str, float]:
    """Sums over all payments of an episode, volumes and fees in sat, and the share of the volume that arrived."""
    is_paid = payments.status == SUCCEEDED
    paid = payments[is_paid]
    volume, delivered = (float(each.amount_msat.sum()) / MSAT_PER_SAT for each in (payments, paid))
    return {
        "payments": float(len(payments)),
        "successes": float(is_paid.sum()),
        "volume": volume,
        "delivered": delivered,
        "success_volume": delivered / max(volume, 1.0),
        "fees": float(paid.fee_msat.sum()) / MSAT_PER_SAT,
        "latency_s": float((paid.end_ms - paid.start_ms).sum()) / MS_PER_SECOND,
    }
