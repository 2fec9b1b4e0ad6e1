"""Playing: a contender through one episode of a forwarding world."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from lnherd.agents.hop_policy import HopPolicy
from lnherd.agents.hop_scorer import HopScorerPolicy
from lnherd.engine import Simulation
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_play import COMPILED_POLICY, scoring_network
from lnherd.experiments.forwarding.contenders import Contender
from lnherd.experiments.forwarding.measuring import LOOK_INTERVAL_MS, ForwardingRun, LoadMeter, measured
from lnherd.experiments.forwarding.worlds import ForwardingWorld


@dataclass(eq=False)
class Player:
    """A contender at home in one world: its task, and the policy of the nodes that decide."""

    contender: Contender
    world: ForwardingWorld

    def __post_init__(self) -> None:
        config = self.contender.settings(self.world.config)
        self.task = ForwardingTask(config, self.world.network)
        self.policy = self.contender.policy(config, self.world.network, lambda: self.task.simulation)
        for seed in self.contender.warm_up(self.world.training_seeds):
            episode(self.task, self.policy, seed)
            self.contender.keep(self.policy)
        self.contender.freeze(self.policy, config)

    def play(self, seed: int, on_end: Callable[[Simulation], None] | None = None) -> ForwardingRun:
        """The episode of ``seed``; ``on_end`` sees the simulation when it is over."""
        load, started = LoadMeter(), time.perf_counter()
        self.task.watch(load.look, LOOK_INTERVAL_MS)
        episode(self.task, self.policy, seed)
        simulation = self.task.simulation
        if on_end is not None:
            on_end(simulation)
        return measured(
            simulation,
            load,
            self.task.config.duration_ms,
            policy=self.contender.name,
            training=self.contender.training,
            seed=seed,
            wall_s=time.perf_counter() - started,
        )


def episode(task: ForwardingTask, policy: HopPolicy | str | None, seed: int) -> None:
    """From the first payment to the end of the last; without a policy nobody is asked.

    Rules by name, and networks that take the best choice, decide inside the compiled loop.
    """
    if isinstance(policy, str) or (isinstance(policy, HopScorerPolicy) and policy.greedy):
        task.begin(seed, policy if isinstance(policy, str) else COMPILED_POLICY)
        if isinstance(policy, HopScorerPolicy):
            task.simulation.use_network(scoring_network(policy.scorer))
        task.run_out()
        return
    batch = task.reset(seed)
    if policy is None:
        return
    policy.begin(seed)
    while not batch.is_over:
        batch = task.step(policy.choose(batch))
    policy.choose(batch)
