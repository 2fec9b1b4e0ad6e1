"""From the configuration of a scenario to the world: reads or generates the network, finds the herder."""

from dataclasses import dataclass, replace
from pathlib import Path

from lnherd.anomaly.watch_file import read_watch
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
        InputError: when the snapshot or the watch cannot be read, or there is no such node.
    """
    watch = None if scenario.watch is None else read_watch(scenario.watch)
    herding = HerdingConfig(role=scenario.role, n_nodes=scenario.nodes, network_seed=scenario.network_seed, watch=watch)
    if scenario.network is None:
        network = generate(GeneratorConfig(n_nodes=scenario.nodes), scenario.network_seed)
        origin = f"a synthetic network of {network.n_nodes} nodes, calibrated to the 2026 mainnet"
        node = _find(network, scenario.node, herding)
    else:
        whole = read_network(Path(scenario.network)).live()
        centre = _find(whole, scenario.node, herding)
        network = neighbourhood(whole, centre, scenario.nodes)
        node = network.node_index(str(whole.node_ids[centre]))
        origin = f"its neighbourhood of {network.n_nodes} nodes, cut out of {whole.n_nodes:,} live ones in {whole.name}"
    return World(replace(herding, n_nodes=network.n_nodes, node=node), network, origin)


def _find(network: Network, name: str | None, herding: HerdingConfig) -> int:
    """The node that is asked for, or one that suits the role."""
    return choose_node(herding, network) if name is None else network.node_index(name)
