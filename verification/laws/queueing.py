"""HTLCs as customers: M/G/infinity where nothing limits them, Erlang's loss formula where slots do.

HTLCs come to the first hop as a Poisson process and, delayed by independent times, to all later hops as well
(displacement theorem). An HTLC on hop h of n stays until the preimage is back: 2 (n - h) message times.

* Unlimited: the number in flight is Poisson with mean rate x mean holding time, whatever the distribution of that
  time (Little 1961 for the mean; Takacs 1962 for M/G/infinity).
* c slots and no retry: the share refused is Erlang's B(c, rate x mean holding time), again whatever the
  distribution (Sevastyanov 1957).

The engine's clock ticks in milliseconds and truncates message times, which takes half a millisecond off their mean.
"""

from dataclasses import replace

import numpy as np
from scipy import stats

from laws.checks import Check, Findings, Panel, against, chi_squared, histogram, mean_check, quantile_of
from laws.worlds import PLAIN, along_rows, rows
from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.codes import FAILED
from lnherd.network.records import Ints, Records
from lnherd.units import MS_PER_SECOND

TRUNCATION_MS = 0.5
AMPLE_MSAT = 10**11


def mean_message_ms(config: SimulationConfig, *, forth: bool = False) -> float:
    """Mean time of one message; on the way forth HTLCs may get stuck (a log-normal time with sigma 1)."""
    usual = config.latency_median_ms * np.exp(config.latency_sigma**2 / 2.0)
    stuck = config.stuck_probability * config.stuck_median_ms * np.exp(0.5) if forth else 0.0
    return float(usual + stuck - TRUNCATION_MS)


def occupancy(simulation: Simulation, edges: Ints, times_s: range) -> Ints:
    """``[len(times_s), len(edges)]`` HTLCs on ``edges`` at each time."""
    counts = []
    for second in times_s:
        simulation.run(second * MS_PER_SECOND)
        counts.append(simulation.state.edges.n_htlcs[edges].astype(np.int64))
    return np.array(counts)


def in_flight() -> Findings:
    """HTLCs in flight on every hop of a route, and on one whose HTLCs get stuck."""
    checks, panels = _on_three_hops()
    more_checks, more_panels = _with_stuck_htlcs()
    return Findings("in-flight", (*checks, *more_checks), (*panels, *more_panels))


def _on_three_hops() -> tuple[list[Check], list[Panel]]:
    n_rows, n_hops, rate, duration = 50, 3, 20.0, 220
    network = rows(n_rows, n_hops, AMPLE_MSAT)
    simulation = Simulation(network, along_rows(network, n_rows, rate, duration, 11), config=PLAIN, seed=11)
    edges = 2 * np.arange(n_rows * n_hops)
    counts = occupancy(simulation, edges, range(10, duration, 5)).reshape(-1, n_rows, n_hops)
    checks: list[Check] = []
    panels = []
    for hop in range(n_hops):
        mean = rate / MS_PER_SECOND * 2 * (n_hops - hop) * mean_message_ms(PLAIN)
        name = f"hop {hop + 1} of {n_hops}"
        checks += _poisson_checks(name, counts[:, :, hop].ravel(), mean)
        panels.append(_poisson_panel(name, counts[:, :, hop].ravel(), mean))
    return checks, panels


def _with_stuck_htlcs() -> tuple[list[Check], list[Panel]]:
    n_rows, rate, duration = 200, 2.0, 660
    config = replace(PLAIN, stuck_probability=0.1, stuck_median_ms=5_000.0)
    network = rows(n_rows, 1, AMPLE_MSAT)
    simulation = Simulation(network, along_rows(network, n_rows, rate, duration, 12), config=config, seed=12)
    counts = occupancy(simulation, 2 * np.arange(n_rows), range(120, duration, 60)).ravel()
    mean = rate / MS_PER_SECOND * (mean_message_ms(config, forth=True) + mean_message_ms(config))
    name = "10 % stuck for long"
    return _poisson_checks(name, counts, mean), [_poisson_panel(name, counts, mean)]


def _poisson_checks(name: str, counts: Ints, mean: float) -> list[Check]:
    length = int(mean + 10 * np.sqrt(mean)) + 2
    seen = histogram(counts, length)

    def p_at(skew: float) -> float:
        return chi_squared(seen, stats.poisson.pmf(np.arange(length), skew * mean))

    return [
        mean_check(f"Little's law, HTLCs in flight, {name}", counts, mean, variance=mean),
        Check(f"in flight is Poisson, variance over mean, {name}", len(counts), counts.var(ddof=1) / counts.mean(),
              1.0, p_at, "chi-squared"),
    ]  # fmt: skip


def _poisson_panel(name: str, counts: Ints, mean: float) -> Panel:
    pmf = stats.poisson.pmf(np.arange(int(mean + 10 * np.sqrt(mean)) + 10), mean)
    return against(f"In flight, {name}: Poisson({mean:.2f})", counts, quantile_of(pmf), "HTLCs")


def erlang_b(slots: int, load: float) -> float:
    """Share of arrivals that ``slots`` refuse under an offered ``load`` (Erlang 1917), by its recursion."""
    blocked = 1.0
    for size in range(1, slots + 1):
        blocked = load * blocked / (size + load * blocked)
    return blocked


def slot_blocking() -> Findings:
    """Ten slots, the same mean holding time in three very different distributions."""
    checks: list[Check] = []
    panels = []
    for number, (sigma, name) in enumerate(((0.0, "constant"), (0.5, "log-normal 0.5"), (1.5, "log-normal 1.5"))):
        blocked, counts = _lossy_hop(sigma, seed=20 + number)
        found, panel = _erlang_checks(name, blocked, counts)
        checks += found
        panels.append(panel)
    return Findings("slots", tuple(checks), tuple(panels))


SLOTS, ERLANG_RATE, HOLDING_MS = 10, 8.0, 1_000.0


def _lossy_hop(sigma: float, seed: int) -> tuple[Ints, Ints]:
    """Blocked shares per row, and numbers in flight, of rows whose second hop has SLOTS slots."""
    n_rows, duration, warm_up = 100, 220, 20
    median = (HOLDING_MS / 2 + TRUNCATION_MS) / np.exp(sigma**2 / 2)
    config = replace(PLAIN, latency_sigma=sigma, latency_median_ms=median, max_htlcs_cln=SLOTS)
    network = rows(n_rows, 2, AMPLE_MSAT)
    network.edges.cltv_delta[3::4] = 34  # the last node announces Core Lightning's time lock, hence its slots
    simulation = Simulation(network, along_rows(network, n_rows, ERLANG_RATE, duration, seed), config=config, seed=seed)
    counts = occupancy(simulation, 4 * np.arange(n_rows) + 2, range(warm_up, duration, 10))
    simulation.run()
    return _shares(simulation.payments, n_rows, warm_up * MS_PER_SECOND), counts.ravel()


def _shares(payments: Records, n_rows: int, from_ms: int) -> Ints:
    late = payments.start_ms >= from_ms
    row = payments.sender[late] // 3
    failed = payments.status[late] == FAILED
    return np.bincount(row, weights=failed, minlength=n_rows) / np.bincount(row, minlength=n_rows)


def _erlang_checks(name: str, blocked: Ints, counts: Ints) -> tuple[list[Check], Panel]:
    load = ERLANG_RATE * HOLDING_MS / MS_PER_SECOND
    seen = histogram(counts, SLOTS + 1)

    def occupied(offered: float) -> np.ndarray:
        pmf = stats.poisson.pmf(np.arange(SLOTS + 1), offered)
        return pmf / pmf.sum()

    mean, error = float(blocked.mean()), float(blocked.std(ddof=1) / np.sqrt(len(blocked)))
    checks = [
        Check(f"Erlang B, refused by {SLOTS} slots, {name} holding", len(blocked), mean, erlang_b(SLOTS, load),
              lambda skew: float(2 * stats.t.sf(abs(mean - erlang_b(SLOTS, skew * load)) / error, len(blocked) - 1)),
              "t over rows"),
        Check(f"slots in use, {name} holding", len(counts), float(counts.mean()),
              float(occupied(load) @ np.arange(SLOTS + 1)), lambda skew: chi_squared(seen, occupied(skew * load)),
              "chi-squared"),
    ]  # fmt: skip
    panel = against(f"Slots in use, {name}: truncated Poisson", counts, quantile_of(occupied(load)), "HTLCs")
    return checks, panel
