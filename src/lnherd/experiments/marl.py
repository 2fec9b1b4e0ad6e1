"""Teams of learners against rules, after the practice of Gorsane et al. (NeurIPS 2022).

Every variant is trained several times with the same budget, evaluated on the same held-out traffic at fixed steps, and
once more at the end; rules run on that traffic too. Files, one a training, so that an interrupted run goes on:

    config.json  runs/VARIANT-N.json  runs/rule-RULE.json  results.json  marl-eval.json  marl.svg
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from lnherd.agents.forwarding_learners import hop_dqn, hop_ppo
from lnherd.agents.team import Team, TeamConfig
from lnherd.control.hop_encode import GLOBAL_FEATURES
from lnherd.engine.codes import SUCCEEDED
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_reward import ForwardingReward
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.team_play import ForwardingTeamPlayer, run_team
from lnherd.errors import InputError
from lnherd.experiments.directory import read_json, write_json
from lnherd.experiments.forwarding.fluid import episode_limit
from lnherd.experiments.forwarding.playing import episode
from lnherd.experiments.forwarding.worlds import FAMILIES, scenario
from lnherd.experiments.jobs import do_all
from lnherd.experiments.seeds import held_out_seeds, training_seeds
from lnherd.experiments.statistics import Estimate, interquartile_mean_interval, paired_difference
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.network.records import plain

RULES = ("random", "shortest", "cheapest", "balance")
"""Compiled rules that look at no more than the learners do."""
_PPO = replace(hop_ppo(), credit="own", minibatch=512)
_DQN = replace(hop_dqn(), credit="own", warm_up=1_000, updates_per_decision=0.05, minibatch=256, batch_episodes=4)
VARIANTS = {
    "ippo": TeamConfig(_PPO),
    "mappo": TeamConfig(_PPO, central=True),
    "mean-field-ac": TeamConfig(_PPO, mean_field=True),
    "ippo-own": TeamConfig(replace(_PPO, minibatch=128), sharing="none"),
    "ippo-role": TeamConfig(_PPO, sharing="role"),
    "idqn": TeamConfig(_DQN),
    "mean-field-q": TeamConfig(_DQN, mean_field=True),
}
"""Names on the command line; *own* and *role* say who shares a policy, the rest share one."""
METRICS = ("delivered", "success")
"""Shares of the value and of the payments that arrived."""


@dataclass(frozen=True)
class MarlStudy:
    """Sizes of a comparison."""

    family: str = "mixed"
    """Of demand (``experiments.forwarding.worlds``)."""
    nodes: int = 30
    """Of the network, which is the same for all."""
    seconds: int = 10
    """Length of an episode."""
    payments_per_s: float = 20.0
    """Over the whole network."""
    candidates: int = 4
    """Most channels to choose from."""
    cooperation: float = 1.0
    """Weight of the success of the network in everybody's reward; the rest is the weight of the own fees."""
    episodes: int = 60
    """Of each training."""
    steps: int = 3
    """Evaluations on the way, the last at the end."""
    trainings: int = 10
    """Of each variant."""
    seeds: int = 10
    """Held-out episodes of an evaluation."""
    variants: tuple[str, ...] = ("ippo", "mappo", "mean-field-ac")
    """Who is compared."""
    seed: int = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise InputError(f"--family {self.family!r} is unknown; choose one of {', '.join(FAMILIES)}")
        for name in self.variants:
            if name not in VARIANTS:
                raise InputError(f"--variants: {name!r} is unknown; choose from {', '.join(VARIANTS)}")
        if min(self.steps, self.trainings, self.seeds - 1) < 1 or not 1 <= self.steps <= self.episodes:
            raise InputError("compare marl: give at least 1 training, 2 seeds and as many episodes as steps")

    def world(self) -> tuple[ForwardingConfig, Network]:
        """The problem and its topology."""
        base = scenario(self.family, self.nodes, self.seconds, self.payments_per_s)
        simulation = replace(base.simulation, max_candidates=self.candidates)
        own, shared = 1.0 - self.cooperation, self.cooperation
        reward = ForwardingReward(amount_power=0.5, fee_weight=own, cooperation=shared)
        return replace(base, simulation=simulation, reward=reward), _network(self.nodes, self.seed)

    def stops(self) -> list[int]:
        """Episodes after which is evaluated."""
        return [round(self.episodes * step / self.steps) for step in range(1, self.steps + 1)]


@lru_cache
def _network(nodes: int, seed: int) -> Network:
    return generate(GeneratorConfig(n_nodes=nodes), 7_000 + seed)


@dataclass(frozen=True)
class _Evaluation:
    """Held-out episodes after some training, in the order of the seeds."""

    decisions: int
    """Learned from so far."""
    delivered: list[float]
    success: list[float]


def evaluate(study: MarlStudy, play: Callable[[int], ForwardingTask], decisions: int) -> _Evaluation:
    """Play every held-out seed."""
    delivered, success = [], []
    for seed in held_out_seeds(study.seed, study.seeds):
        payments = plain(play(seed).simulation.payments)
        arrived = payments["status"] == SUCCEEDED
        delivered.append(float(payments["amount_msat"][arrived].sum() / max(payments["amount_msat"].sum(), 1)))
        success.append(float(arrived.mean()))
    return _Evaluation(decisions, delivered, success)


@dataclass(frozen=True)
class Runner:
    """Does the trainings and the rules of a study, each to a file of its own."""

    study: MarlStudy
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
        return self.out / "runs" / (f"rule-{job[0]}.json" if job[0] in RULES else f"{job[0]}-{job[1]}.json")

    def _rule(self, rule: str) -> _Evaluation:
        config, network = self.study.world()
        task = ForwardingTask(replace(config, learner="nobody", others=rule), network)

        def play(seed: int) -> ForwardingTask:
            episode(task, None, seed)
            return task

        return evaluate(self.study, play, 0)

    def _training(self, variant: str, number: int) -> list[_Evaluation]:
        study, (config, network) = self.study, self.study.world()
        settings = VARIANTS[variant]
        team = Team(settings, int(settings.groups(network).max()) + 1, GLOBAL_FEATURES, study.seed * 1_000 + number)
        task, points = ForwardingTask(config, network), list[_Evaluation]()

        def play(seed: int) -> ForwardingTask:
            run_team(settings, team.behaviours(), task, seed)
            return task

        def on_batch(done: int) -> None:
            if len(points) < len(study.stops()) and done >= study.stops()[len(points)]:
                points.append(evaluate(study, play, team.decisions))

        seeds = training_seeds(study.seed * 1_000 + number, study.episodes)
        team.train(ForwardingTeamPlayer(settings, lambda seed: (config, network)), study.episodes, seeds, on_batch)
        return points


def jobs(study: MarlStudy) -> list[tuple[str, int]]:
    """Everything that is to be played, one training of each variant after another."""
    trainings = [(variant, number) for number in range(study.trainings) for variant in study.variants]
    return [*((rule, 0) for rule in RULES), *trainings]


def run(study: MarlStudy, out: Path, n_workers: int, on_progress: Callable[[int], None]) -> None:
    """Do what is not done yet."""
    do_all(partial(Runner, study, out), jobs(study), n_workers, on_progress)


@dataclass(frozen=True)
class MarlRow:
    """One policy at the end of its training."""

    name: str
    delivered: Estimate
    success: Estimate
    gain: Estimate
    """Over the best rule, paired by seed."""
    of_limit: float
    """Delivered as a share of what the fluid limit allows."""


def leaderboard(study: MarlStudy, out: Path) -> list[MarlRow]:
    """Rules and variants, the best first."""
    runner = Runner(study, out)
    points: dict[str, list[list[dict[str, Any]]]] = {}
    for job in jobs(study):
        points.setdefault(job[0], []).append(read_json(runner.path(job))["points"])
    final = {
        name: {metric: [each[-1][metric] for each in trainings] for metric in METRICS}
        for name, trainings in points.items()
    }
    best = max(RULES, key=lambda rule: sum(final[rule]["delivered"][0]))
    config, network = study.world()
    limits = [episode_limit(config, network, seed)[0] for seed in held_out_seeds(study.seed, study.seeds)]
    rows = [_row(name, scores, final[best]["delivered"], sum(limits) / len(limits)) for name, scores in final.items()]
    write_json(out / "marl-eval.json", {"lnherd/Forwarding-v0": {study.family: _marl_eval(points, study)}})
    return sorted(rows, key=lambda row: -row.delivered.value)


def _row(name: str, scores: dict[str, list[list[float]]], best: list[list[float]], limit: float) -> MarlRow:
    delivered, success = (interquartile_mean_interval([scores[metric]], seed=0) for metric in METRICS)
    gain = paired_difference([scores["delivered"]], [best], seed=0)
    return MarlRow(name, delivered, success, gain, delivered.value / max(limit, 1e-9))


def _marl_eval(points: dict[str, list[list[dict[str, Any]]]], study: MarlStudy) -> dict[str, Any]:
    """Runs and steps in the schema of marl-eval; a rule's evaluation stands for all of its."""
    algorithms: dict[str, Any] = {}
    for name, trainings in points.items():
        runs = {}
        for number in range(study.trainings):
            steps = trainings[min(number, len(trainings) - 1)]
            steps = steps * study.steps if len(steps) == 1 else steps
            entries = {
                f"step_{place}": {"step_count": step["decisions"], **{metric: step[metric] for metric in METRICS}}
                for place, step in enumerate(steps)
            }
            runs[f"run_{number}"] = entries | {"absolute_metrics": {metric: steps[-1][metric] for metric in METRICS}}
        algorithms[name] = runs
    return algorithms
