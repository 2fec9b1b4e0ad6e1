"""Herding: one node manages its channels in a living network, tick by tick.

    decision -> plan -> carried out and paid for in the simulation -> reward R = S - F - C -> next decision

The same seed brings the same traffic, balances, blocks and fee rates, whatever the herder does.
"""

from dataclasses import replace

from lnherd.control.decision import Decision, Plan, StepResult, as_actions, decide
from lnherd.engine import Simulation
from lnherd.envs.acting import Actor
from lnherd.envs.crowd import Crowd
from lnherd.envs.gossip import Gossip
from lnherd.envs.lookout import Lookout, See, Sentinel
from lnherd.envs.observing import Observer
from lnherd.envs.reward import Ledger, wanted_sat
from lnherd.envs.scenario import HerdingConfig, Scenario, build_scenario
from lnherd.envs.stress import Stress
from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.traffic.shocks import Act, Timeline


class HerdingTask:
    """The world of one herder: ``reset(seed) -> Decision``, ``step(plan) -> StepResult``.

    ``scenario`` says what is fixed; ``simulation`` is the world of the running episode. ``stress`` and ``on_minute``,
    which is shown the node every minute of an episode, may be changed between episodes.
    """

    def __init__(
        self, config: HerdingConfig | None = None, network: Network | None = None, stress: Stress | None = None
    ) -> None:
        """Lay out the scenario on ``network`` (a synthetic one if not given), with ``stress`` in it if any.

        Raises:
            InputError: when the network has no node that could be the herder.
        """
        self.config = config or HerdingConfig()
        self.scenario: Scenario = build_scenario(self.config, network)
        self.node = self.scenario.node
        self._gossip = Gossip(self.scenario.network)
        self.tick = self.config.horizon
        self.stress = stress or Stress()
        self.on_minute: See | None = None
        self._sentinel: Sentinel | None = None
        self.simulation: Simulation
        self._crowd: Crowd
        self._actor: Actor
        self._observer: Observer
        self._ledger: Ledger

    def reset(self, seed: int) -> Decision:
        """Start an episode and live through its warm-up."""
        config, scenario = self.config, self.scenario
        payments = scenario.payments(seed)
        scene = self.stress.scene(scenario, seed)
        shock = self.stress.shock
        self.simulation = simulation = Simulation(
            scenario.network,
            shock.payments(payments, scene),
            config=config.simulation,
            seed=seed,
            balance_msat=scenario.balances_msat(seed),
        )
        simulation.fund(self.node, config.wallet_msat)
        timeline = Timeline(simulation, (*shock.acts(scene), *self._looks()))
        self._actor = Actor(simulation, self.node, config.menu, timeline.run)
        self._crowd = Crowd(simulation, shock.companions(scene), self.stress.companion, config, self._gossip, seed)
        self._observer = Observer(simulation, self.node, config.role, config.tick_ms, self._gossip)
        self.tick = 0
        decision = self._look()
        for warm_up in range(config.warm_up_ticks):
            self._actor.advance((warm_up + 1) * config.tick_ms)
            decision = self._look()
        self._ledger = Ledger(simulation, self.node, config.role, config.reward, payments)
        return decision

    def step(self, plan: Plan) -> StepResult:
        """Carry out ``plan`` and live through one tick.

        Raises:
            InputError: when the episode is over or has not begun.
        """
        config = self.config
        if self.tick >= config.horizon:
            raise InputError("herding: the episode is over; call reset first")
        refused = self._actor.carry_out(as_actions(plan))
        if self.tick >= self.stress.onset_tick:
            self._crowd.act()
        self.tick += 1
        self._actor.advance((config.warm_up_ticks + self.tick) * config.tick_ms)
        self._crowd.follow_up()
        reward, terms = self._ledger.close_tick(config.tick_ms)
        return StepResult(
            decision=self._look(),
            reward=reward,
            terms=terms,
            truncated=self.tick == config.horizon,
            refused=tuple(refused),
            wanted=wanted_sat(config.role, config.reward, terms),
        )

    def _looks(self) -> tuple[Act, ...]:
        """Those of whoever is shown the node, and of the watch, which begins with the first decision."""
        config = self.config
        looks: list[Act] = []
        if self.on_minute is not None:
            looks += Lookout(self.node, config.role, self.on_minute).acts(0, config.duration_ms)
        if config.watch is not None:
            self._sentinel = Sentinel(config.watch)
            lookout = Lookout(self.node, config.role, self._sentinel.see)
            looks += lookout.acts(config.warm_up_ticks * config.tick_ms, config.duration_ms)
        return tuple(looks)

    def _look(self) -> Decision:
        actor = self._actor
        view = self._observer.look(actor.pending(), actor.take_failures(), actor.take_rebalanced())
        if self._sentinel is not None:
            view = replace(view, alarm_levels=self._sentinel.take())
        return decide(view, self.config.menu)
