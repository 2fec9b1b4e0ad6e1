"""Teams of learners against rules, after the practice of Gorsane et al. (NeurIPS 2022).

Every variant is trained several times with the same budget of episodes, evaluated on the same held-out traffic in
held-out networks at fixed steps, the last at the end; rules run on that traffic too. A *society* says which share of
the nodes learns (the rest follows ``shortest``) and for whom. Files, one a training; an interrupted run goes on:

    config.json  runs/NAME-N.json  runs/rule-RULE.json  (and what ``experiments.marl_board`` makes of them)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from lnherd.agents.forwarding_learners import hop_dqn, hop_ppo
from lnherd.agents.rollout import GreedyBehaviour
from lnherd.agents.team import Team, TeamConfig, actor_critics
from lnherd.control.hop_encode import GLOBAL_FEATURES
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_reward import ForwardingReward
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.team_play import ForwardingTeamPlayer, run_team
from lnherd.errors import InputError
from lnherd.experiments.directory import write_json
from lnherd.experiments.forwarding.contenders import LEARNING, NAIVE, NAMES, Contender
from lnherd.experiments.forwarding.fluid import episode_limit
from lnherd.experiments.forwarding.measuring import LOOK_INTERVAL_MS, ForwardingRun, LoadMeter, measured
from lnherd.experiments.forwarding.playing import Player
from lnherd.experiments.forwarding.worlds import FAMILIES, ForwardingWorld, scenario
from lnherd.experiments.jobs import do_all
from lnherd.experiments.seeds import held_out_seeds, training_seeds
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network

RULES = tuple(name for name in NAMES if name not in LEARNING or name == "q-routing")
"""What can be compared with: rules that look at no more than the learners do, and others."""
_PPO = replace(hop_ppo(), credit="payment", learning_rate=1e-3, learning_rate_end=1e-4, entropy=0.003, entropy_end=0.0)
_DQN = replace(hop_dqn(), credit="payment", updates_per_decision=0.01, epsilon_start=0.3, epsilon_end=0.02)
VARIANTS = {
    **actor_critics(_PPO, own_minibatch=256),
    "idqn": TeamConfig(_DQN),
    "mean-field-q": TeamConfig(_DQN, mean_field=True),
}
"""Names on the command line; *own* and *role* say who shares a policy, the rest share one."""
PAYMENT_WORTH_SAT, PAYMENT_WORTH_SHARE = 1.0, 0.01
"""What a payment that arrives is worth, whoever gets it: so much, and so much of its amount. Fees only move money."""
METRICS = (
    "delivered",
    "success",
    "welfare",
    "earned_ppm",
    "paid_ppm",
    "hub_share",
    "hub_gini",
    "latency_s",
    "attempts",
)
"""Of an episode: shares of the value and of the payments that arrived, worth in sat a payment, and
``experiments.forwarding.measuring``."""


@dataclass(frozen=True)
class Society:
    """Who learns, and for whom."""

    share: float
    """Of the nodes that learn; at least one does."""
    cooperation: float
    """Weight of the success of the network in everybody's reward; the rest is the weight of the own fees."""


@dataclass(frozen=True)
class MarlStudy:
    """Sizes of a comparison."""

    family: str = "circulation"
    """Of demand (``experiments.forwarding.worlds``)."""
    nodes: int = 100
    """Of every network."""
    seconds: int = 10
    """Length of an episode."""
    payments_per_s: float = 20.0
    """Over the whole network."""
    candidates: int = 8
    """Most channels to choose from."""
    shares: tuple[float, ...] = (1.0,)
    """Shares of the nodes that learn."""
    cooperations: tuple[float, ...] = (1.0,)
    """From 0, each for itself, to 1, all for delivery."""
    episodes: int = 200
    """Of each training."""
    steps: int = 4
    """Evaluations on the way, the last at the end."""
    trainings: int = 5
    """Of each variant in each society."""
    seeds: int = 10
    """Held-out episodes of an evaluation."""
    networks: int = 5
    """Held-out networks, by turns."""
    same_network: bool = False
    """Whether there is but one network, to learn in and to be measured in."""
    variants: tuple[str, ...] = ("ippo", "mappo", "mean-field-ac")
    """Who is compared."""
    rules: tuple[str, ...] = NAIVE
    """Whom they are compared with."""
    seed: int = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        _known("--family", (self.family,), FAMILIES)
        _known("--variants", self.variants, VARIANTS)
        _known("--rules", self.rules, RULES)
        if min(self.trainings, self.networks, self.seeds - 1) < 1 or not 1 <= self.steps <= self.episodes:
            raise InputError("compare marl: give at least 1 training, 1 network, 2 seeds and as many episodes as steps")
        if not (self.shares and self.cooperations and self.rules) or min(self.shares) <= 0 or max(self.shares) > 1:
            raise InputError("compare marl: give shares above 0 and at most 1, a cooperation and a rule")
        if min(self.cooperations) < 0 or max(self.cooperations) > 1:
            raise InputError("--cooperation: give numbers from 0 to 1")
        own = [name for name in self.variants if VARIANTS[name].sharing == "none"]
        if own and not self.same_network:
            raise InputError(f"--variants: {own[0]} learns a policy for each node of one network; add --same-network")

    def societies(self) -> list[Society]:
        """All of them."""
        return [Society(share, cooperation) for share in self.shares for cooperation in self.cooperations]

    def name(self, variant: str, society: Society) -> str:
        """For tables and files: the variant and what sets the society apart."""
        parts = [variant]
        if len(self.shares) > 1:
            parts.append(f"{100 * society.share:g}%")
        if len(self.cooperations) > 1:
            parts.append({0.0: "competing", 1.0: "cooperating"}.get(society.cooperation, f"{society.cooperation:g}"))
        return " ".join(parts)

    def problem(self, society: Society | None = None) -> ForwardingConfig:
        """The problem; of rules, without a society."""
        base = scenario(self.family, self.nodes, self.seconds, self.payments_per_s)
        if society is None:
            return base
        own, shared = 1.0 - society.cooperation, society.cooperation
        reward = replace(REWARD, fee_weight=own, cooperation=shared)
        simulation = replace(base.simulation, max_candidates=self.candidates)
        return replace(base, simulation=simulation, reward=reward, learning_share=society.share)

    def held_out(self) -> list[tuple[Network, int]]:
        """Network and seed of every episode of an evaluation."""
        seeds = held_out_seeds(self.seed, self.seeds)
        return [(self._network(2 * (position % self.networks) + 1), seed) for position, seed in enumerate(seeds)]

    def training_network(self, seed: int) -> Network:
        """Where the episode of ``seed`` is learned from."""
        return self._network(2 * (seed % N_TRAINING_NETWORKS))

    def _network(self, number: int) -> Network:
        return _network(self.nodes, self.seed, 0 if self.same_network else number)

    def stops(self) -> list[int]:
        """Episodes after which is evaluated."""
        return [round(self.episodes * step / self.steps) for step in range(1, self.steps + 1)]


REWARD = ForwardingReward(failure_sat=0.05, latency_sat_per_s=0.01, amount_power=0.5)
"""What is learned for, but for the weights of fees and of success: that payments arrive, large ones more. A failure
costs little beside what does not arrive, and waiting little beside failing."""
N_TRAINING_NETWORKS = 10


def _known(option: str, names: tuple[str, ...], known: object) -> None:
    assert isinstance(known, tuple | dict)
    for name in names:
        if name not in known:
            raise InputError(f"{option}: {name!r} is unknown; choose from {', '.join(known)}")


@lru_cache
def _network(nodes: int, seed: int, number: int) -> Network:
    return generate(GeneratorConfig(n_nodes=nodes), 7_000 + 100_000 * seed + number)


Point = dict[str, object]
"""An evaluation: ``decisions`` learned from so far, and of each metric a list by held-out episode."""


def point(runs: list[ForwardingRun], decisions: int) -> Point:
    """What the held-out episodes came to."""
    listed = {name: [getattr(run, name) for run in runs] for name in METRICS[3:]}
    delivered, success = [run.success_volume for run in runs], [run.success_rate for run in runs]
    worth = [
        (PAYMENT_WORTH_SAT * run.n_succeeded + PAYMENT_WORTH_SHARE * run.delivered_sat) / max(run.n_payments, 1)
        for run in runs
    ]
    return {"decisions": decisions, "delivered": delivered, "success": success, "welfare": worth, **listed}


@dataclass(frozen=True)
class Job:
    """A rule, or one training of a variant in a society."""

    name: str
    society: Society | None = None
    training: int = 0


@dataclass(frozen=True)
class Runner:
    """Does the jobs of a study, each to a file of its own."""

    study: MarlStudy
    out: Path

    def do(self, job: Job) -> None:
        """Nothing where its file is there."""
        path = self.path(job)
        if not path.exists():
            points = [self._rule(job.name)] if job.society is None else self._training(job, job.society)
            write_json(path, {"points": points})

    def path(self, job: Job) -> Path:
        """Where a job's results are."""
        if job.society is None:
            return self.out / "runs" / f"rule-{job.name}.json"
        name = self.study.name(job.name, job.society).replace(" ", "-")
        return self.out / "runs" / f"{name}-{job.training}.json"

    def _rule(self, rule: str) -> Point:
        study, runs = self.study, []
        for network, seed in study.held_out():
            world = ForwardingWorld(study.family, network, study.problem(), ())
            runs.append(Player(Contender(rule), world).play(seed))
        return point(runs, 0)

    def _training(self, job: Job, society: Society) -> list[Point]:
        study, config = self.study, self.study.problem(society)
        settings, points = VARIANTS[job.name], list[Point]()
        number = study.seed * 1_000 + job.training
        n_groups = int(settings.groups(study.training_network(0)).max()) + 1
        team = Team(settings, n_groups, GLOBAL_FEATURES, number)

        def on_batch(done: int) -> None:
            n_due = sum(stop <= done for stop in study.stops()) - len(points)
            if n_due > 0:  # more than one where a batch is longer than a step
                behaviours = team.behaviours()
                runs = [play(settings, behaviours, config, *episode) for episode in study.held_out()]
                points.extend([point(runs, team.decisions)] * n_due)

        player = ForwardingTeamPlayer(settings, lambda seed: (config, study.training_network(seed)))
        team.train(player, study.episodes, training_seeds(number, study.episodes), on_batch)
        return points


def play(
    settings: TeamConfig, behaviours: list[GreedyBehaviour], config: ForwardingConfig, network: Network, seed: int
) -> ForwardingRun:
    """One episode of a trained team."""
    task, load = ForwardingTask(config, network), LoadMeter()
    task.watch(load.look, LOOK_INTERVAL_MS)
    simulation = run_team(settings, behaviours, task, seed)
    return measured(simulation, load, config.duration_ms, policy="", training=0, seed=seed, wall_s=0.0)


def jobs(study: MarlStudy) -> list[Job]:
    """Everything that is to be played, one training of each variant after another."""
    trainings = [
        Job(variant, society, training)
        for training in range(study.trainings)
        for society in study.societies()
        for variant in study.variants
    ]
    return [*(Job(rule) for rule in study.rules), *trainings]


def run(study: MarlStudy, out: Path, n_workers: int, on_progress: Callable[[int], None]) -> None:
    """Do what is not done yet."""
    do_all(partial(Runner, study, out), jobs(study), n_workers, on_progress)


def fluid_limits(study: MarlStudy) -> list[float]:
    """Of every held-out episode the most value that any forwarding could deliver, as a share."""
    return [episode_limit(study.problem(), network, seed)[0] for network, seed in study.held_out()]
