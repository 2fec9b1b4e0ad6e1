"""The fee game: nodes set the fee rate they charge, payments find their way, and everybody sees what it earned.

    game.reset(seed)
    while not game.is_over:
        earned = game.step(levels)

One move an interval; a node charges one rate on all its channels. Whoever does not play keeps the fees it has. The same
seed brings the same traffic and balances, whatever is charged.
"""

from dataclasses import dataclass, field

import numpy as np

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.codes import SUCCEEDED
from lnherd.errors import InputError
from lnherd.network.generate import GeneratorConfig, draw_balances, generate
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Ints, plain
from lnherd.traffic.demand import Demand, retail
from lnherd.units import MS_PER_MINUTE, MSAT_PER_SAT, PPM


@dataclass(frozen=True)
class FeeGameConfig:
    """One game. Defaults: 40 nodes, 120 intervals of ten minutes, senders that route as LND does."""

    n_nodes: int = 40
    """Size of the synthetic network."""
    network_seed: int = 0
    """Seed of the synthetic network, and of the order in which nodes join the players."""
    playing_share: float = 1.0
    """Share of the nodes that play, at least one; those of a small share are among those of a larger one."""
    rates_ppm: tuple[int, ...] = (0, 25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400)
    """What a player may charge, ascending; its base fee is 0."""
    interval_ms: int = 10 * MS_PER_MINUTE
    """Time between moves."""
    n_intervals: int = 120
    """Moves in an episode."""
    demand: Demand = field(default_factory=lambda: retail(0.5))
    """Payments of everybody."""
    simulation: SimulationConfig = field(default_factory=SimulationConfig)
    """How the world behaves."""
    willingness_ppm: float = 3_000.0
    """Median of what a payment is worth to its payer, as a share of its amount; nobody pays more in fees."""
    willingness_sigma: float = 1.0
    """Spread of its logarithm."""
    cooperation: float = 0.0
    """0 rewards a player with the fees it earned, 1 with the mean welfare of all, between them a mixture."""

    def __post_init__(self) -> None:
        if not 0 < self.playing_share <= 1 or not 0 <= self.cooperation <= 1:
            raise InputError("fee game: playing_share must be above 0 and at most 1, cooperation from 0 to 1")
        if list(self.rates_ppm) != sorted(set(self.rates_ppm)) or min(self.rates_ppm, default=-1) < 0:
            raise InputError("fee game: rates_ppm must ascend from 0 or more")
        if self.interval_ms < 1 or self.n_intervals < 1:
            raise InputError("fee game: interval_ms and n_intervals must be positive")

    def players(self, network: Network) -> Ints:
        """The nodes of ``network`` that play, in ascending order."""
        n_players = max(1, round(self.playing_share * network.n_nodes))
        order = np.random.default_rng([self.network_seed, 4]).permutation(network.n_nodes)
        return np.sort(order[:n_players])


@dataclass(frozen=True)
class IntervalFigures:
    """What one interval brought the network."""

    success: float
    """Share of the payments that ended with success."""
    delivered: float
    """And of their value."""
    fee_ppm: float
    """What payers paid, of what was delivered."""
    welfare_sat: float
    """What was delivered is worth so much to its payers; fees only change hands."""
    concentration: float
    """Herfindahl index of the fees earned: 1 where one node earns all, 1 / N where all earn alike."""


class FeeGame:
    """One world of payers and of nodes that set fees."""

    def __init__(self, config: FeeGameConfig | None = None, network: Network | None = None) -> None:
        """Lay out the game on ``network`` or, without one, on the configuration's synthetic network."""
        self.config = config or FeeGameConfig()
        self.network = network or generate(GeneratorConfig(n_nodes=self.config.n_nodes), self.config.network_seed)
        self.players = self.config.players(self.network)
        self._rates = np.array(self.config.rates_ppm, dtype=np.int64)
        self.simulation: Simulation
        self.interval = self.config.n_intervals

    @property
    def is_over(self) -> bool:
        """No interval is left."""
        return self.interval >= self.config.n_intervals

    def reset(self, seed: int) -> None:
        """Start an episode."""
        config = self.config
        balances = draw_balances(self.network, "bimodal", np.random.default_rng([seed, 0]))
        duration_ms = config.n_intervals * config.interval_ms
        payments = config.demand.sample(self.network, duration_ms=duration_ms, rng=np.random.default_rng([seed, 1]))
        self.simulation = Simulation(self.network, payments, config=config.simulation, seed=seed, balance_msat=balances)
        self._worth_msat = self._draw_worth(payments.amount_msat, np.random.default_rng([seed, 2]))
        limits = plain(self.simulation.payments)["fee_limit_msat"]
        np.minimum(limits, self._worth_msat, out=limits)
        self._earned_msat, self._ended = np.zeros(self.network.n_nodes, dtype=np.int64), np.zeros(len(payments), bool)
        self._levels = np.full(len(self.players), -1, dtype=np.int64)
        self.interval = 0

    def _draw_worth(self, amounts_msat: Ints, rng: np.random.Generator) -> Ints:
        """``[n]`` what each payment is worth to its payer, in msat."""
        config = self.config
        share = rng.lognormal(np.log(config.willingness_ppm), config.willingness_sigma, len(amounts_msat)) / PPM
        worth: Ints = (amounts_msat * np.minimum(share, 1.0)).astype(np.int64)
        return worth

    def step(self, levels: Ints | None) -> tuple[Floats, IntervalFigures]:
        """Charge ``rates_ppm[levels]`` (``levels [P]``) for an interval; rewards ``[P]`` in msat and its figures.

        None leaves all fees as they are.

        Raises:
            InputError: when the game is over or a level does not exist.
        """
        if self.is_over:
            raise InputError("fee game: it is over; call reset first")
        if levels is not None:
            self._charge(levels)
        self.interval += 1
        self.simulation.run(self.interval * self.config.interval_ms)
        return self._results()

    def _charge(self, levels: Ints) -> None:
        if levels.shape != self.players.shape or levels.min() < 0 or levels.max() >= len(self._rates):
            raise InputError(f"fee game: give {len(self.players)} levels from 0 to {len(self._rates) - 1}")
        for player in np.flatnonzero(levels != self._levels).tolist():
            for edge in self.network.out_edges(int(self.players[player])).tolist():
                self.simulation.set_policy(edge, base_fee_msat=0, fee_ppm=int(self._rates[levels[player]]))
        self._levels = levels.copy()

    def _results(self) -> tuple[Floats, IntervalFigures]:
        flows, source = plain(self.simulation.state.flows), plain(self.simulation.state.edges)["source"]
        total = np.zeros(self.network.n_nodes, dtype=np.int64)
        np.add.at(total, source, flows["fees_msat"])
        earned, self._earned_msat = total - self._earned_msat, total
        figures = self._figures(earned)
        mean_msat = figures.welfare_sat * MSAT_PER_SAT / self.network.n_nodes
        weight = self.config.cooperation
        rewards = (1.0 - weight) * earned[self.players] + weight * mean_msat
        return np.asarray(rewards, dtype=np.float64), figures

    def _figures(self, earned_msat: Ints) -> IntervalFigures:
        payments = plain(self.simulation.payments)
        has_ended = payments["status"] >= SUCCEEDED
        new, self._ended = has_ended & ~self._ended, has_ended
        arrived = new & (payments["status"] == SUCCEEDED)
        amounts = payments["amount_msat"]
        delivered_msat, offered_msat = int(amounts[arrived].sum()), int(amounts[new].sum())
        shares = earned_msat / max(int(earned_msat.sum()), 1)
        return IntervalFigures(
            success=float(arrived.sum() / max(int(new.sum()), 1)),
            delivered=delivered_msat / max(offered_msat, 1),
            fee_ppm=float(payments["fee_msat"][arrived].sum()) / max(delivered_msat, 1) * PPM,
            welfare_sat=float(self._worth_msat[arrived].sum()) / MSAT_PER_SAT,
            concentration=float((shares**2).sum()),
        )
