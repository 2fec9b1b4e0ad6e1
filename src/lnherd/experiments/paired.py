"""Paired training: what doing nothing earns in the same tick of the same episode is taken off the reward.

An episode's outside events follow from its seed, so what doing nothing earns does not depend on what is done: taking it
off leaves every advantage as it is and takes most of the noise, and the differences between worlds, out of the returns
(a control variate; difference rewards after Wolpert & Tumer 2001). It costs one more episode a seed, once.
"""

from dataclasses import dataclass, field, replace

from lnherd.control.action import WAIT
from lnherd.control.decision import Decision, Plan, StepResult, Task


@dataclass(eq=False)
class PairedTask:
    """``task`` with ``StepResult.wanted`` being what doing nothing earned in that tick.

    The accounting ends with the episode: nothing that is left then is worth anything, as in every score.
    """

    task: Task
    """What is learned."""
    idle: dict[int, list[float]] = field(default_factory=dict)
    """Rewards of doing nothing, by seed."""

    def reset(self, seed: int) -> Decision:
        """Start an episode; the first time also live through it idly."""
        if seed not in self.idle:
            self.idle[seed] = self._idly(seed)
        self._rewards = iter(self.idle[seed])
        return self.task.reset(seed)

    def _idly(self, seed: int) -> list[float]:
        self.task.reset(seed)
        rewards, over = list[float](), False
        while not over:
            result = self.task.step(WAIT)
            rewards.append(result.reward)
            over = result.terminated or result.truncated
        return rewards

    def step(self, plan: Plan) -> StepResult:
        """One tick."""
        result = self.task.step(plan)
        over = result.terminated or result.truncated
        return replace(result, wanted=next(self._rewards), terminated=over, truncated=False)
