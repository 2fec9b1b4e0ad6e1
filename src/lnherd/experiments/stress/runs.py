"""Playing: one policy through one case on some days, kept in a file of its own.

A file is written whole when all its days are done, so an interrupted test goes on where it stopped.
"""

from collections.abc import Callable
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lnherd.agents.policy import Policy
from lnherd.control.action import ActionKind
from lnherd.control.decision import Plan, StepResult, as_actions
from lnherd.control.view import share
from lnherd.engine.codes import FAILED, SUCCEEDED
from lnherd.envs.herding import HerdingTask
from lnherd.envs.stress import Stress
from lnherd.errors import InputError
from lnherd.experiments.directory import read_json, write_json
from lnherd.experiments.json_config import from_json
from lnherd.experiments.stress.config import CALM, StressConfig
from lnherd.experiments.workers import Candidate, TaskMaker, n_cores, own_task, workers
from lnherd.network.records import plain
from lnherd.traffic.shocks import CASES
from lnherd.units import MS_PER_DAY, PPM

DRAINED = 0.1
"""A channel is drained where one side holds less than this share of it."""
FEE_CHANGES = (ActionKind.FEE_UP, ActionKind.FEE_DOWN, ActionKind.SET_FEE)
"""Actions that announce a new fee."""


@dataclass(frozen=True)
class StressRun:
    """One day of one policy in one case. Money in sat; shares and counts from the onset on."""

    policy: str
    case: str
    seed: int
    R: float
    """Reward of the day."""
    revenue: float
    """Forwarding fees earned."""
    net_sat: float
    """Forwarding fees earned less routing fees and costs of channel management."""
    costs: float
    """Of channel management."""
    success_rate: float
    """Share of the payments the node lives from, begun while the shock lasted and ended, that arrived."""
    attempts: float
    """Attempts for each of those payments."""
    fee_ppm: float
    """Routing fees of those that arrived, over their amounts."""
    refused: int
    """Forwards that the node refused for want of balance or slots while the shock lasted."""
    slots: float
    """Highest share of a channel's HTLC slots in use at the end of a tick, while it lasted."""
    drained: float
    """Share of own channels that were drained, on average since the onset."""
    drained_min: float
    """Lowest."""
    drained_max: float
    """Highest."""
    breaches: int
    """Ticks since the onset that began with the day's budget overspent."""
    fee_updates: int
    """Changes of own fees since the onset."""
    channels_lost: int
    """Own channels that were open at the onset and are not in the end."""
    successes: tuple[float, ...]
    """What counts for the role, in each tick of the day."""


class _Meter:
    """Reads one day while it goes on."""

    def __init__(self, task: HerdingTask, seed: int, budget_sat: int) -> None:
        self._task, self._budget_sat = task, budget_sat
        foreseen = task.scenario.payments(seed)
        scene = task.stress.scene(task.scenario, seed)
        begun = (foreseen.start_ms >= scene.onset_ms) & (foreseen.start_ms < scene.end_ms)
        self._trades = np.flatnonzero(task.scenario.trades(foreseen) & begun)
        self._day_ticks = MS_PER_DAY // task.config.tick_ms
        self._ticks: list[dict[str, float]] = []
        self._drained: list[float] = []
        self._open: list[int] = []
        self._breaches = self._fee_updates = self._refused = 0
        self._slots = 0.0

    def step(self, plan: Plan, result: StepResult) -> None:
        """Note one tick."""
        view, stress = result.decision.view, self._task.stress
        channels = view.channels
        self._ticks.append({"R": result.reward, **result.terms})
        self._open.append(len(channels))
        since = len(self._ticks) - stress.onset_tick
        if since <= 0:
            return
        if since <= stress.lasting_ticks:
            self._refused += view.n_refused
            self._slots = max(self._slots, share(channels.n_htlcs, channels.max_htlcs).max(initial=0.0))
        ours = view.local_share
        self._drained.append(float(((ours < DRAINED) | (ours > 1 - DRAINED)).mean()) if len(channels) else 1.0)
        self._breaches += sum(tick["C"] for tick in self._ticks[-self._day_ticks :]) > self._budget_sat
        self._fee_updates += sum(action.kind in FEE_CHANGES for action in as_actions(plan))

    def run(self, policy: str, case: str, seed: int) -> StressRun:
        """The day as a whole."""
        trades = plain(self._task.simulation.payments)[self._trades]
        trades = trades[np.isin(trades["status"], (SUCCEEDED, FAILED))]
        arrived = trades[trades["status"] == SUCCEEDED]
        revenue, paid, costs = (self._total(term) for term in ("forward_fees", "F", "C"))
        return StressRun(
            policy=policy,
            case=case,
            seed=seed,
            R=self._total("R"),
            revenue=revenue,
            net_sat=revenue - paid - costs,
            costs=costs,
            success_rate=len(arrived) / len(trades) if len(trades) else 1.0,
            attempts=float(trades["attempts"].mean()) if len(trades) else 0.0,
            fee_ppm=float(PPM * arrived["fee_msat"].sum() / max(1, arrived["amount_msat"].sum())),
            refused=self._refused,
            slots=float(self._slots),
            drained=float(np.mean(self._drained)) if self._drained else 0.0,
            drained_min=min(self._drained, default=0.0),
            drained_max=max(self._drained, default=0.0),
            breaches=self._breaches,
            fee_updates=self._fee_updates,
            channels_lost=max(0, self._open[self._task.stress.onset_tick - 1] - self._open[-1]),
            successes=tuple(tick["successes"] for tick in self._ticks),
        )

    def _total(self, term: str) -> float:
        return float(sum(tick[term] for tick in self._ticks))


def play_day(task: HerdingTask, policy: Policy, case: str, seed: int, *, name: str, budget_sat: int) -> StressRun:
    """Let ``policy`` live through the day of ``seed``, under the stress that ``task`` has."""
    decision, over = task.reset(seed), False
    policy.reset(seed)
    meter = _Meter(task, seed, budget_sat)
    while not over:
        plan = policy.act(decision)
        result = task.step(plan)
        meter.step(plan, result)
        decision, over = result.decision, result.terminated or result.truncated
    return meter.run(name, case, seed)


def play_case(config: StressConfig, candidate: Candidate, case: str) -> tuple[StressRun, ...]:
    """Job: all days of one policy in one case."""
    task = own_task()
    assert isinstance(task, HerdingTask)
    policy = candidate.policy()
    shock = CASES.get(case)  # none in the calm
    if shock is not None:
        task.stress = Stress(shock, config.onset_tick, config.lasting_ticks, candidate.policy)
    else:
        task.stress = Stress(onset_tick=config.onset_tick, lasting_ticks=config.lasting_ticks)
    return tuple(
        play_day(task, policy, case, seed, name=candidate.name, budget_sat=config.budget_sat) for seed in config.days()
    )


def run_path(out: Path, candidate: Candidate, case: str) -> Path:
    """Where the days of one policy in one case are; a saved policy that has changed has others."""
    name = "-".join(filter(None, (candidate.name, candidate.fingerprint())))
    return out / "runs" / f"{name.replace(':', '-')}--{case}.json"


def play_all(
    config: StressConfig,
    candidates: tuple[Candidate, ...],
    out: Path,
    make_task: TaskMaker,
    on_progress: Callable[[int], None],
) -> list[StressRun]:
    """Play what is not yet in ``out``, in as many processes as there are cores; the calm comes first."""
    places = [(each, case) for each in candidates for case in (CALM, *config.cases)]
    open_ones = [place for place in places if not run_path(out, *place).exists()]
    done = len(places) - len(open_ones)
    on_progress(done)
    if open_ones:
        with workers(make_task, min(n_cores(), len(open_ones))) as pool:
            jobs = {pool.submit(play_case, config, *place): place for place in open_ones}
            for job in as_completed(jobs):
                candidate, case = jobs[job]
                write_json(run_path(out, candidate, case), {"runs": [asdict(run) for run in job.result()]})
                done += 1
                on_progress(done)
    return [run for candidate, case in places for run in read_runs(run_path(out, candidate, case))]


def read_runs(path: Path) -> tuple[StressRun, ...]:
    """Days that an earlier run has kept.

    Raises:
        InputError: when the file is not what :func:`play_all` wrote.
    """
    runs: Any = read_json(path).get("runs")
    if not isinstance(runs, list):
        raise InputError(f"{path}: holds no runs; remove it and run the same command again")
    return tuple(from_json(StressRun, run, str(path)) for run in runs)
