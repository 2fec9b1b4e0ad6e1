"""Other nodes that act for themselves, each with a policy of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from lnherd.agents.policy import Policy
from lnherd.control.decision import as_actions, decide
from lnherd.control.menu import MenuConfig
from lnherd.engine import Simulation
from lnherd.envs.acting import Actor
from lnherd.envs.gossip import Gossip
from lnherd.envs.observing import Observer
from lnherd.envs.scenario import HerdingConfig


@dataclass(frozen=True, eq=False)
class _Member:
    observer: Observer
    actor: Actor
    policy: Policy

    def act(self, menu: MenuConfig) -> None:
        actor = self.actor
        view = self.observer.look(actor.pending(), actor.take_failures(), actor.take_rebalanced())
        if len(view.channels):
            actor.carry_out(as_actions(self.policy.act(decide(view, menu))))


class Crowd:
    """Nodes beside the herder that see and do what it could see and do in their place."""

    def __init__(
        self,
        simulation: Simulation,
        nodes: tuple[int, ...],
        make_policy: Callable[[], Policy],
        config: HerdingConfig,
        gossip: Gossip,
        seed: int,
    ) -> None:
        """Give every one of ``nodes`` a policy and the herder's money on chain."""
        self._menu, self._simulation = config.menu, simulation
        self._members: list[_Member] = []
        for node in nodes:
            simulation.fund(node, config.wallet_msat)
            policy = make_policy()
            policy.reset(seed + node)
            observer = Observer(simulation, node, config.role, config.tick_ms, gossip)
            self._members.append(_Member(observer, Actor(simulation, node, config.menu), policy))

    def act(self) -> None:
        """One decision each, in order of the nodes."""
        for member in self._members:
            member.act(self._menu)

    def follow_up(self) -> None:
        """Look after rebalances under way; time does not pass."""
        for member in self._members:
            member.actor.advance(self._simulation.now_ms)
