"""Teams of herders against rules: several nodes of one network manage their channels at once.

The same practice as in :mod:`lnherd.experiments.marl`: every variant is trained several times with one budget and
evaluated on the same held-out days, beside doing nothing and beside rules that know their role. One file a training:

    config.json  runs/VARIANT-N.json  runs/RULE-0.json  results.json  marl-eval.json  marl.svg
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.agents.binning import Bins
from lnherd.agents.configs import DQNConfig, PPOConfig, Spaces
from lnherd.agents.policy import Policy
from lnherd.agents.qlearning import HERDING_BINNING, QConfig
from lnherd.agents.rules import DoNothing, RebalanceHalf, TopCentrality
from lnherd.agents.team import Team, TeamConfig, actor_critics
from lnherd.control.decision import Decision, Plan
from lnherd.control.encode import CONTEXT_FEATURES, MEAN_KINDS
from lnherd.control.view import Role
from lnherd.envs.flock import FlockConfig, FlockStep, FlockTask
from lnherd.envs.flock_play import FlockTeamPlayer, TeamAct, herder_groups, play
from lnherd.envs.flock_state import flock_state_names
from lnherd.envs.scenario import HerdingConfig
from lnherd.errors import InputError
from lnherd.experiments.directory import read_json, write_json
from lnherd.experiments.jobs import do_all
from lnherd.experiments.marl_board import marl_eval
from lnherd.experiments.oscillation import SHORTEST, periodic_share
from lnherd.experiments.seeds import held_out_seeds, training_seeds
from lnherd.experiments.statistics import Estimate, interquartile_mean_interval, paired_difference
from lnherd.units import MS_PER_DAY, MSAT_PER_SAT

DO_NOTHING, ROLE_RULES = "do-nothing", "role-rules"
RULES: dict[str, dict[Role, Callable[[], Policy]]] = {
    DO_NOTHING: dict.fromkeys(Role, DoNothing),
    ROLE_RULES: {
        Role.CONSUMER: partial(TopCentrality, max_channels=10, max_size_msat=1_000_000 * MSAT_PER_SAT),
        Role.PROVIDER: DoNothing,
        Role.ROUTER: RebalanceHalf,
    },
}
"""Rules by role. In this world's training days the consumer's was the best of eight settings; of twelve settings of
threshold-swap none gained anything for the provider, nor did any other rule."""
METRICS = ("reward", "success", "oscillating")
"""R in sat a day, mean over the herders; share of their payments that arrived; share of herders whose outbound share
swings with a period (0 where an episode is too short to tell)."""
_PPO = PPOConfig(batch_episodes=4, minibatch=128)
_DQN = DQNConfig(batch_episodes=4, warm_up=384, minibatch=128, updates_per_decision=0.25)
_TABLE = QConfig(batch_episodes=4, epsilon_start=0.3, n_steps=1)
_CROWD = replace(
    HERDING_BINNING,
    context=(*HERDING_BINNING.context, Bins("others_wait", (0.75,))),
    context_names=(*CONTEXT_FEATURES, *MEAN_KINDS),
)
"""Whether the others mostly wait."""


def variants(n_herders: int) -> dict[str, TeamConfig]:
    """Ways to learn together, by name; *own* and *role* say who shares a policy, the rest share one."""
    mixed = replace(_DQN, agents=n_herders)
    return {
        **actor_critics(_PPO, own_minibatch=64),
        "idqn": TeamConfig(_DQN),
        "vdn": TeamConfig(replace(mixed, mixer="sum")),
        "qmix": TeamConfig(replace(mixed, mixer="monotonic")),
        "iql": TeamConfig(_TABLE),
        "mf-q": TeamConfig(replace(_TABLE, binning=_CROWD, temperature=20.0), mean_field=True),
    }


@dataclass(frozen=True)
class HerdStudy:
    """Sizes of a comparison. Defaults: half a day of four herders, agents' and APIs' in turn, that soon run dry."""

    nodes: int = 60
    """Of the network, which is the same for all."""
    herders: int = 4
    """Who learn, or follow rules."""
    ticks: int = 24
    """Decisions of each in an episode, one every half hour."""
    start_hours: float = 2.0
    """Hours of demand that their liquidity covers at the start."""
    cooperation: float = 1.0
    """Weight of the mean of all herders' rewards in each one's."""
    episodes: int = 120
    """Of each training."""
    steps: int = 3
    """Evaluations on the way, the last at the end."""
    trainings: int = 3
    """Of each variant."""
    seeds: int = 10
    """Held-out episodes of an evaluation."""
    variants: tuple[str, ...] = ("ippo", "mappo", "idqn", "vdn", "qmix")
    """Who is compared."""
    seed: int = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        known = variants(2)
        for name in self.variants:
            if name not in known:
                raise InputError(f"--variants: {name!r} is unknown; choose from {', '.join(known)}")
        if min(self.steps, self.trainings, self.seeds - 1) < 1 or not 1 <= self.steps <= self.episodes:
            raise InputError("compare marl: give at least 1 training, 2 seeds and as many episodes as steps")

    def task(self) -> FlockTask:
        """The world."""
        herding = HerdingConfig(n_nodes=self.nodes, horizon=self.ticks, start_hours=self.start_hours)
        return FlockTask(FlockConfig(herding, n_herders=self.herders, cooperation=self.cooperation))

    def stops(self) -> list[int]:
        """Episodes after which is evaluated."""
        return [round(self.episodes * step / self.steps) for step in range(1, self.steps + 1)]


@dataclass(frozen=True)
class HerdPoint:
    """Held-out episodes after some training, in the order of the seeds; fields as ``METRICS``."""

    decisions: int
    reward: list[float]
    success: list[float]
    oscillating: list[float]


Act = Callable[[tuple[Decision, ...]], Sequence[Plan]]


def evaluate(study: HerdStudy, task: FlockTask, act_of: Callable[[int], Act], decisions: int) -> HerdPoint:
    """Play every held-out seed; ``act_of`` begins an episode."""
    figures = [_figures(task, play(task, act_of(seed), seed)) for seed in held_out_seeds(study.seed, study.seeds)]
    reward, success, oscillating = (list(column) for column in zip(*figures, strict=True))
    return HerdPoint(decisions, reward, success, oscillating)


def _figures(task: FlockTask, steps: list[FlockStep]) -> tuple[float, float, float]:
    days = len(steps) * task.config.herding.tick_ms / MS_PER_DAY
    reward = sum(float(step.rewards.mean()) for step in steps) / days
    counts = {name: sum(terms[name] for step in steps for terms in step.terms) for name in ("successes", "failures")}
    outbound = CONTEXT_FEATURES.index("outbound_share")
    shares = np.array([[each.context[outbound] for each in step.decisions] for step in steps])
    success = counts["successes"] / max(sum(counts.values()), 1.0)
    return reward, success, periodic_share(shares) if len(steps) >= SHORTEST else 0.0


@dataclass(frozen=True)
class Runner:
    """Does the trainings and the rules of a study, each to a file of its own."""

    study: HerdStudy
    out: Path

    def do(self, job: tuple[str, int]) -> None:
        """``(variant or rule, number of the training)``; nothing where its file is there."""
        path = self.path(job)
        if path.exists():
            return
        points = [self._rule(job[0])] if job[0] in RULES else self._training(*job)
        write_json(path, {"points": [asdict(point) for point in points]})

    def path(self, job: tuple[str, int]) -> Path:
        """Where a job's results are."""
        return self.out / "runs" / f"{job[0]}-{job[1]}.json"

    def _rule(self, name: str) -> HerdPoint:
        task = self.study.task()

        def act_of(seed: int) -> Act:
            policies: list[Policy] = [RULES[name][role]() for role in task.roles]
            for place, policy in enumerate(policies):
                policy.reset(seed + place)
            return lambda decisions: [policy.act(each) for policy, each in zip(policies, decisions, strict=True)]

        return evaluate(self.study, task, act_of, 0)

    def _training(self, variant: str, number: int) -> list[HerdPoint]:
        study, task = self.study, self.study.task()
        settings, seed = variants(study.herders)[variant], study.seed * 1_000 + number
        n_groups = int(herder_groups(settings, task).max()) + 1
        team = Team(settings, n_groups, flock_state_names(study.herders), seed, Spaces())
        points, stops = list[HerdPoint](), study.stops()

        def act_of(episode_seed: int) -> Act:
            return TeamAct(settings, team.deployed(), task, (episode_seed, 4))

        def on_batch(done: int) -> None:
            n_due = sum(stop <= done for stop in stops) - len(points)
            if n_due > 0:  # more than one where a batch is longer than a step
                points.extend([evaluate(study, task, act_of, team.decisions)] * n_due)

        team.train(FlockTeamPlayer(settings, task), study.episodes, training_seeds(seed, study.episodes), on_batch)
        return points


def jobs(study: HerdStudy) -> list[tuple[str, int]]:
    """Everything that is to be played, one training of each variant after another."""
    trainings = [(variant, number) for number in range(study.trainings) for variant in study.variants]
    return [*((rule, 0) for rule in RULES), *trainings]


def run(study: HerdStudy, out: Path, n_workers: int, on_progress: Callable[[int], None]) -> None:
    """Do what is not done yet."""
    do_all(partial(Runner, study, out), jobs(study), n_workers, on_progress)


@dataclass(frozen=True)
class HerdRow:
    """One policy at the end of its training."""

    name: str
    reward: Estimate
    """Sat a day and herder."""
    success: Estimate
    gain: Estimate
    """Over doing nothing, paired by seed."""
    over_rules: Estimate
    """Over the rules of the roles, paired by seed."""
    oscillating: Estimate


def leaderboard(study: HerdStudy, out: Path) -> list[HerdRow]:
    """Rules and variants, the best first."""
    runner = Runner(study, out)
    points: dict[str, list[list[dict[str, Any]]]] = {}
    for job in jobs(study):
        points.setdefault(job[0], []).append(read_json(runner.path(job))["points"])
    final = {
        name: {metric: [each[-1][metric] for each in trainings] for metric in METRICS}
        for name, trainings in points.items()
    }
    content = marl_eval(points, study.trainings, study.steps, METRICS)
    write_json(out / "marl-eval.json", {"lnherd/Herding-v0": {"flock": content}})
    return sorted((_row(name, scores, final) for name, scores in final.items()), key=lambda row: -row.reward.value)


def _row(name: str, scores: dict[str, list[list[float]]], final: dict[str, dict[str, list[list[float]]]]) -> HerdRow:
    reward, success, oscillating = (interquartile_mean_interval([scores[metric]], seed=0) for metric in METRICS)
    gain, over_rules = (
        paired_difference([scores["reward"]], [final[rule]["reward"]], seed=0) for rule in (DO_NOTHING, ROLE_RULES)
    )
    return HerdRow(name, reward, success, gain, over_rules, oscillating)
