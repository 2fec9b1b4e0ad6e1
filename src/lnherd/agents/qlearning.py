"""Tabular Q-learning (Watkins 1989) over binned candidates, with n-step returns.

    Q(s_t, a_t) <- Q(s_t, a_t) + alpha * (G - Q(s_t, a_t))
    G = r_t + gamma r_{t+1} + ... + gamma^{n-1} r_{t+n-1} + gamma^n max_a Q(s_{t+n}, a)

With a temperature the policy is Boltzmann's instead, and what follows is worth what that policy expects: with the mean
action of the neighbours among the context that is mean-field Q-learning (MF-Q, Yang et al. 2018, arXiv 1802.05438).

    pi(a | s) = exp(Q(s, a) / T) / sum_b exp(Q(s, b) / T),    v(s) = sum_a pi(a | s) Q(s, a)

Returns are cut at the first exploratory action (Watkins' cut), where the maximum takes over. The maximum
runs over unmasked candidates only; at a truncation it is taken as anywhere else, at a termination it is 0.
Episodes of one batch are played with the same table and may run in parallel; updates are in the order of
episodes, so the result depends on (config, seed, task seeds) alone.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np

from lnherd.agents.binning import Binning, Bins
from lnherd.agents.learner import Progress, Totals
from lnherd.agents.qtable import QPolicy, QTable, TableBehaviour
from lnherd.agents.rollout import EpisodeKey, Played, Player
from lnherd.control.decision import Decision, Task
from lnherd.errors import InputError
from lnherd.network.records import Ints

FORMAT = "lnherd-q-table-1"
ARRAYS = ("values", "variances", "visits")

HERDING_BINNING = Binning(
    context=(Bins("need", (0.4, 0.6, 0.8, 0.95)), Bins("pending", (0.1,))),
    candidate=(Bins("runway_before", (0.2,)), Bins("runway_after", (0.4, 0.6, 0.8)), Bins("cost_share", (0.6,))),
)
"""What matters for channel management: how soon liquidity runs out and what is under way; how long the act's side
lasts before and after it, at what price."""


@dataclass(frozen=True)
class QConfig:
    """Hyper-parameters of :class:`QLearner`."""

    binning: Binning = HERDING_BINNING
    """Rows of the table."""
    discount: float = 0.95
    """gamma, per tick."""
    n_steps: int = 8
    """Longest return before the table is asked; 1 is the classic update."""
    epsilon_start: float = 0.5
    """Share of exploratory actions in the first episode."""
    epsilon_end: float = 0.05
    """And from ``exploration_share`` of the training on."""
    exploration_share: float = 0.8
    """Part of the training over which epsilon falls, linearly."""
    temperature: float | None = None
    """T of a Boltzmann policy, in units of reward, for worlds that play themselves (``rollout.Player``); None is
    epsilon-greedy."""
    learning_rate: float = 1.0
    """alpha of the first visit to a row."""
    learning_rate_power: float = 0.7
    """alpha falls with ``visits ** -power``: 1 averages, 0 keeps it constant."""
    learning_rate_min: float = 0.01
    """alpha never falls below this, so that the table can follow changes."""
    credit: str = "own"
    """In forwarding, which later decisions one answers for: own, path, payment or stream (``agents.credit``)."""
    initial: float = 0.0
    """Value of rows that were never tried; more than can be had makes a learner try everything."""
    min_visits: int = 3
    """Rows tried less often are unknown: not chosen greedily, not bootstrapped from."""
    confidence: float = 1.0
    """The learned policy acts only where that beats waiting by so many standard errors: what makes no difference is
    not done. Training itself is greedy without it."""
    batch_episodes: int = 4
    """Episodes played with the same table."""
    workers: int = 1
    """Threads that play a batch; tasks spend their time in compiled code without the GIL."""

    def __post_init__(self) -> None:
        if not 0 <= self.discount <= 1:
            raise InputError(f"q-learning: discount is {self.discount}; it must lie between 0 and 1")
        if min(self.n_steps, self.batch_episodes, self.workers) < 1:
            raise InputError("q-learning: n_steps, batch_episodes and workers must be at least 1")
        if self.temperature is not None and self.temperature <= 0:
            raise InputError(f"q-learning: temperature is {self.temperature}; it must be positive, or None")

    def epsilon(self, progress: float) -> float:
        """Exploration when ``progress`` (0 to 1) of the training is done."""
        passed = min(progress / self.exploration_share, 1.0) if self.exploration_share > 0 else 1.0
        return self.epsilon_start + passed * (self.epsilon_end - self.epsilon_start)


@dataclass(eq=False)
class _Episode:
    """One played episode: T steps, and the T + 1 decisions around them as rows of the table."""

    chosen: list[int] = field(default_factory=list)
    greedy: list[bool] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    options: list[Ints] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    terminated: bool = False


PlayBatch: TypeAlias = Callable[[list[int], float], "Sequence[_Episode | Played]"]
"""Seeds and epsilon -> the episodes played."""


class QLearner:
    """Learns a :class:`QTable` by playing tasks."""

    def __init__(self, config: QConfig | None = None, seed: int = 0) -> None:
        self.config = config or QConfig()
        self.seed = seed
        self.table = QTable.empty(self.config.binning, self.config.min_visits, self.config.initial)
        self.episodes_played = 0

    def train(
        self,
        task_factory: Callable[[], Task] | Player,
        episodes: int,
        seeds: Sequence[int],
        on_progress: Callable[[Progress], None] | None = None,
        *,
        first: int = 0,
        last: int | None = None,
        pool: Executor | None = None,
    ) -> list[float]:
        """Play ``episodes`` episodes, the k-th on seed ``seeds[k % len(seeds)]``; returns their returns.

        ``task_factory`` is called once for each worker, or plays by itself. Calling ``train`` again goes on from
        the table as it is, with the exploration schedule starting anew. A table is read in this process: ``pool``
        is not used. To train in pieces, play the episodes from
        ``first`` up to ``last`` of the schedule at a time: whole batches give what one call gives.

        Raises:
            InputError: without seeds.
        """
        if not seeds:
            raise InputError("q-learning: there are no training seeds; give at least one")
        config, returns = self.config, list[float]()
        if isinstance(task_factory, Player):
            play = self._player_playing(task_factory)
        else:
            play = self._tasks_playing(task_factory)
        end = episodes if last is None else min(last, episodes)
        for start in range(first, end, config.batch_episodes):
            batch = range(start, min(start + config.batch_episodes, end))
            epsilon = config.epsilon(start / episodes)
            played = play([seeds[k % len(seeds)] for k in batch], epsilon)
            for number, episode in zip(batch, played, strict=True):
                self.learn(episode)
                returns.append(sum(episode.rewards))
                if on_progress:
                    on_progress(Progress(number + 1, episodes, returns[-1], epsilon, episode.totals))
        return returns

    def _player_playing(self, player: Player) -> PlayBatch:
        """Episodes that are played elsewhere by the table as it is."""

        def play(seeds: list[int], epsilon: float) -> Sequence[Played]:
            keys = [EpisodeKey(seed, (self.seed, self.episodes_played + k)) for k, seed in enumerate(seeds)]
            self.episodes_played += len(seeds)
            return player.collect(TableBehaviour(self.table, epsilon, self.config.temperature), keys)

        return play

    def behaviour(self, progress: float) -> TableBehaviour:
        """How to act when ``progress`` (0 to 1) of the training is done."""
        return TableBehaviour(self.table, self.config.epsilon(progress), self.config.temperature)

    def deployed_behaviour(self) -> TableBehaviour:
        """How what was learned is used."""
        return TableBehaviour(self.table, 0.0, self.config.temperature, self.config.confidence)

    def improve(self, played: Sequence[Played], progress: float) -> dict[str, float]:
        """Learn from what was played elsewhere."""
        for each in played:
            self.learn(each)
        return {}

    def _tasks_playing(self, task_factory: Callable[[], Task]) -> PlayBatch:
        """Episodes played here, one a seed; worker w takes every ``len(tasks)``-th of them."""
        tasks = [task_factory() for _ in range(min(self.config.workers, self.config.batch_episodes))]

        def play(seeds: list[int], epsilon: float) -> Sequence[_Episode]:
            numbers = range(self.episodes_played, self.episodes_played + len(seeds))
            self.episodes_played += len(seeds)
            played: list[_Episode] = [_Episode() for _ in seeds]

            def work(worker: int) -> None:
                for k in range(worker, len(seeds), len(tasks)):
                    rng = np.random.default_rng([self.seed, numbers[k]])
                    self._play(tasks[worker], seeds[k], epsilon, rng, played[k])

            with ThreadPoolExecutor(len(tasks)) as pool:
                list(pool.map(work, range(len(tasks))))
            return played

        return play

    def _play(self, task: Task, task_seed: int, epsilon: float, rng: np.random.Generator, episode: _Episode) -> None:
        """Play one episode epsilon-greedily into ``episode``; the table is only read."""
        decision = task.reset(task_seed)
        while True:
            index, rows = self.table.rows(decision)
            best = self.table.best(rows)
            explore = rng.random() < epsilon
            choice = self._exploratory(decision, index, rng) if explore else best
            result = task.step(decision.candidates[int(index[choice])])
            episode.options.append(rows)
            episode.chosen.append(int(rows[choice]))
            episode.greedy.append(bool(rows[choice] == rows[best]))
            episode.rewards.append(result.reward)
            episode.totals.add(result)
            decision = result.decision
            if result.terminated or result.truncated:
                episode.terminated = result.terminated
                episode.options.append(self.table.rows(decision)[1])
                return

    def _exploratory(self, decision: Decision, index: Ints, rng: np.random.Generator) -> int:
        """Any kind of act, equally often, then any candidate of it: a long menu of swaps is not all there is."""
        kinds = decision.features[index, : self.config.binning.n_kinds].argmax(axis=1)
        kind = rng.choice(np.unique(kinds))
        return int(rng.choice(np.flatnonzero(kinds == kind)))

    def learn(self, episode: "_Episode | Played") -> None:
        """Update every visited row, from the last step to the first, so that news travel back at once."""
        if not isinstance(episode, _Episode):
            self._learn_linked(episode)
            return
        for step in reversed(range(len(episode.chosen))):
            row = episode.chosen[step]
            self.table.visits[row] += 1
            self.table.update(row, self._target(episode, step), self._learning_rate(row))

    def _learn_linked(self, played: Played) -> None:
        """Decisions of a player, each with links to those it answers for; what follows is valued once, before."""
        config, decisions = self.config, played.decisions
        rows = self.table.binning.packed_rows(decisions)
        worth = self.table.worth(decisions, rows, config.temperature)
        returns, following, weights = played.transitions(
            n_steps=config.n_steps, discount=config.discount, credit=config.credit
        )
        targets = (returns + weights * worth[following]).tolist()
        chosen = rows[decisions.starts[played.taken] + played.chosen].tolist()
        for row, target in zip(reversed(chosen), reversed(targets), strict=True):
            self.table.visits[row] += 1
            self.table.update(row, target, self._learning_rate(row))

    def _learning_rate(self, row: int) -> float:
        config, visits = self.config, float(self.table.visits[row])
        rate: float = config.learning_rate * visits**-config.learning_rate_power
        return max(rate, config.learning_rate_min)

    def _target(self, episode: _Episode, step: int) -> float:
        """The n-step return from ``step``, cut before the next exploratory action."""
        n_played, gamma = len(episode.chosen), self.config.discount
        target, weight, at = 0.0, 1.0, step
        while at < n_played and at - step < self.config.n_steps and (at == step or episode.greedy[at]):
            target += weight * episode.rewards[at]
            weight *= gamma
            at += 1
        if at == n_played and episode.terminated:
            return target
        return target + weight * self.table.maximum(episode.options[at])

    @property
    def batch_episodes(self) -> int:
        """Episodes between two updates."""
        return self.config.batch_episodes

    def policy(self) -> QPolicy:
        """What has been learned so far, frozen."""
        return QPolicy(self.table.copy(), self.config.confidence)

    def save_policy(self, path: Path | str) -> None:
        """The table is the policy: see :meth:`save`."""
        self.save(path)

    def save(self, path: Path | str) -> None:
        """Write table, configuration and seed as ``.npz``.

        Raises:
            InputError: when the file cannot be written.
        """
        about = {
            "format": FORMAT,
            "config": asdict(self.config),
            "seed": self.seed,
            "episodes_played": self.episodes_played,
        }
        try:
            with Path(path).open("wb") as file:
                arrays = {name: getattr(self.table, name) for name in ARRAYS}
                np.savez_compressed(file, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from None

    @classmethod
    def load(cls, path: Path | str) -> "QLearner":
        """Read what :meth:`save` wrote.

        Raises:
            InputError: when there is no such file, or it is not a Q-table of this version.
        """
        try:
            with np.load(BytesIO(Path(path).read_bytes()), allow_pickle=False) as stored:
                about = json.loads(str(stored["about"]))
                if about.get("format") != FORMAT:
                    raise ValueError(f"its format is {about.get('format')!r}")
                learner = cls(_config_from(about["config"]), int(about["seed"]))
                learner.episodes_played = int(about["episodes_played"])
                for name in ARRAYS:
                    getattr(learner.table, name)[:] = stored[name]
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; train one with lnherd train") from None
        except InputError:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, BadZipFile) as error:
            raise InputError(f"{path}: not a saved Q-table ({error}); train one with lnherd train") from None
        return learner


def _config_from(stored: dict[str, Any]) -> QConfig:
    """A QConfig from its JSON form, where tuples have become lists."""
    binning = dict(stored["binning"])
    for name in ("context", "candidate"):
        binning[name] = tuple(Bins(each["feature"], tuple(each["edges"])) for each in binning[name])
    for name in ("context_names", "candidate_names"):
        binning[name] = tuple(binning[name])
    return QConfig(**{**stored, "binning": Binning(**binning)})
