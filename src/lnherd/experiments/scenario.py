"""From the configuration of a scenario to the world: reads or generates the network, finds the herder."""

from dataclasses import dataclass
from pathlib import Path

from lnherd.envs.herding import HerdingTask
from lnherd.envs.scenario import HerdingConfig, choose_node
from lnherd.experiments.config import ScenarioConfig
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.network.neighbourhood import neighbourhood
from lnherd.network.snapshots import read_network
from lnherd.units import MS_PER_DAY


@dataclass(frozen=True, eq=False)
class World:
    """A scenario laid out: what every worker of a comparison needs, and a report shows."""

    config: HerdingConfig
    """The herding problem, its ``node`` set."""
    network: Network
    """Where it happens."""
    origin: str
    """Where the network comes from, in words."""

    @property
    def node(self) -> int:
        """The herder."""
        assert self.config.node is not None
        return self.config.node

    @property
    def n_channels(self) -> int:
        """Live channels of the herder."""
        return int(self.network.live_channels[self.network.out_edges(self.node) >> 1].sum())

    @property
    def episode_ms(self) -> int:
        """Simulated length of an episode, warm-up left out."""
        return self.config.horizon * self.config.tick_ms

    @property
    def days(self) -> float:
        """The same in days."""
        return self.episode_ms / MS_PER_DAY

    def task(self) -> HerdingTask:
        """A task of its own."""
        return HerdingTask(self.config, self.network)


def build_world(scenario: ScenarioConfig) -> World:
    """Lay out ``scenario``.

    Raises:
        InputError: when the snapshot cannot be read, or has no such node.
    """
    if scenario.network is None:
        network = generate(GeneratorConfig(n_nodes=scenario.nodes), scenario.network_seed)
        origin = f"a synthetic network of {network.n_nodes} nodes, calibrated to the 2026 mainnet"
        node = choose_node(network) if scenario.node is None else network.node_index(scenario.node)
    else:
        whole = read_network(Path(scenario.network)).live()
        centre = choose_node(whole) if scenario.node is None else whole.node_index(scenario.node)
        network = neighbourhood(whole, centre, scenario.nodes)
        node = network.node_index(str(whole.node_ids[centre]))
        origin = f"the {network.n_nodes} nodes around it, of {whole.n_nodes:,} live ones in {whole.name}"
    config = HerdingConfig(role=scenario.role, n_nodes=network.n_nodes, network_seed=scenario.network_seed, node=node)
    return World(config, network, origin)
