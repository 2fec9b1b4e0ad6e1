"""The standard hyper-parameters of learners of forwarding."""

from dataclasses import replace

from lnherd.agents.binning import Binning, Bins
from lnherd.agents.configs import HOP_SPACES, DQNConfig, NetworkConfig, PPOConfig
from lnherd.agents.learners import LearnerConfig
from lnherd.agents.qlearning import QConfig
from lnherd.errors import InputError

HOP_NETWORK = NetworkConfig(hidden=(32, 32), wait_logit=3.0)
"""Small, since every hop of every payment runs it; at the start it prefers any channel to giving up and splitting."""

_LAST = (("is_split", -100.0), ("is_give_up", -125.0))
BEGINNINGS: dict[str, tuple[tuple[str, float], ...]] = {
    "nothing": (),
    "shortest": (("distance", -75.0), *_LAST),
    "careful": (("distance", -75.0), ("was_tried", -22.5), *_LAST),
    "patient": (
        ("step", 15.0),
        ("was_tried * failed_amount", -40.0),
        ("is_split", -20.0),
        ("is_give_up", -125.0),
    ),
}
"""Rules that a network can begin as, and learn to depart from: any channel; the nearest to the receiver; the nearest,
where one over which this payment has failed counts as three hops farther; the nearest over which as much has not failed
yet, and two halves once it has over all channels of the payer. A hop is worth 7.5, so what is drawn is almost always
as near as can be; giving up comes last."""
TELL_BALANCES = ("room", "n_candidates", "balance", "amount_of_balance", "in_flight", "slots")
"""Inputs by which a node sees what its channels can send now; gossip does not tell them."""

HOP_BINNING = Binning(
    context=(Bins("is_source", (0.5,)), Bins("distance", (0.15, 0.25, 0.35)), Bins("attempts", (0.1,))),
    candidate=(
        Bins("step", (-0.25, 0.25)),
        Bins("amount_of_balance", (0.1, 0.5)),
        Bins("fee_of_budget", (0.2, 0.6)),
        Bins("success_rate", (0.4, 0.6, 0.8)),
        Bins("was_tried", (0.5,)),
    ),
    n_kinds=3,
    context_names=HOP_SPACES.context,
    candidate_names=HOP_SPACES.candidate,
)
"""Where the part is; where a channel leads, how much of it the part takes, its price, and how it has done."""


def hop_ppo() -> PPOConfig:
    """Worlds give tens of thousands of decisions a second: large batches, few passes."""
    return PPOConfig(
        spaces=HOP_SPACES,
        network=HOP_NETWORK,
        discount=0.98,
        trace=0.9,
        credit="path",
        epochs=4,
        minibatch=2_048,
        learning_rate=3e-3,
        learning_rate_end=3e-4,
        entropy=0.01,
        entropy_end=0.001,
        target_kl=None,
        batch_episodes=4,
        greedy=True,
    )


def hop_dqn() -> DQNConfig:
    """Exploration draws among all choices alike."""
    return DQNConfig(
        spaces=HOP_SPACES,
        network=HOP_NETWORK,
        discount=0.98,
        credit="path",
        n_steps=3,
        capacity=200_000,
        warm_up=5_000,
        updates_per_decision=0.02,
        minibatch=512,
        explore_kinds=0,
        batch_episodes=2,
    )


def hop_q() -> QConfig:
    """What was never tried counts as a success: else nodes that gave up once, and lost no time, do so for ever."""
    return QConfig(
        binning=HOP_BINNING,
        discount=0.98,
        n_steps=1,
        initial=1.0,
        min_visits=0,
        confidence=0.0,
        epsilon_start=0.3,
        epsilon_end=0.02,
        learning_rate_min=0.002,
        batch_episodes=2,
    )


def hop_learner_config(algorithm: str, beginning: str = "nothing", *, blind: bool = False) -> LearnerConfig:
    """By name: ppo, dqn or qlearning; of networks what they begin as (BEGINNINGS), and whether they see balances.

    Raises:
        InputError: for a beginning or blindness of a table.
    """
    if algorithm == "qlearning":
        if blind or beginning != "nothing":
            raise InputError(
                "--algo q: a table begins with nothing and sees its bins; begin-as and blind are for ppo, dqn"
            )
        return hop_q()
    network = replace(HOP_NETWORK, prior=BEGINNINGS[beginning], ignored=TELL_BALANCES if blind else ())
    if algorithm == "dqn":
        return replace(hop_dqn(), network=network)
    config = replace(hop_ppo(), network=network)
    return config if beginning == "nothing" else _departing(config)


def _departing(config: PPOConfig) -> PPOConfig:
    """For a policy that is good at the start: small steps, and no reward for drawing at random."""
    return replace(config, learning_rate=5e-4, learning_rate_end=5e-5, entropy=0.0, entropy_end=0.0, batch_episodes=8)
