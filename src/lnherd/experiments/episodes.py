"""One policy through one episode: what came of it."""

import time
from collections import Counter, defaultdict
from dataclasses import dataclass

from lnherd.agents.policy import Policy
from lnherd.control.decision import Task, as_actions

REWARD = "reward"
"""Column of the sum of rewards, beside the task's own terms."""


@dataclass(frozen=True)
class Episode:
    """Totals of one episode."""

    policy: str
    """Name in tables."""
    training: int
    """Which of the policy's trainings; 0 for a rule."""
    seed: int
    """Seed of the outside events."""
    totals: dict[str, float]
    """Sums over the episode: ``reward`` in sat and every term the task logs."""
    actions: dict[str, int]
    """How often each kind of act was chosen, by name; waiting counts."""
    n_decisions: int
    """Ticks."""
    n_refused: int
    """Acts that could not be carried out."""
    wall_s: float
    """Time it took, building the task not included."""


def play(task: Task, policy: Policy, seed: int, *, name: str | None = None, training: int = 0) -> Episode:
    """Let ``policy`` act through the episode that ``seed`` stands for."""
    started = time.perf_counter()
    totals: defaultdict[str, float] = defaultdict(float)
    actions: Counter[str] = Counter()
    n_decisions = n_refused = 0
    decision, over = task.reset(seed), False
    policy.reset(seed)
    while not over:
        plan = policy.act(decision)
        actions.update(action.kind.name.lower() for action in as_actions(plan))
        result = task.step(plan)
        for term, value in {REWARD: result.reward, **result.terms}.items():
            totals[term] += value
        n_decisions += 1
        n_refused += len(result.refused)
        decision, over = result.decision, result.terminated or result.truncated
    return Episode(
        policy=name or policy.name,
        training=training,
        seed=seed,
        totals=dict(totals),
        actions=dict(actions),
        n_decisions=n_decisions,
        n_refused=n_refused,
        wall_s=time.perf_counter() - started,
    )
