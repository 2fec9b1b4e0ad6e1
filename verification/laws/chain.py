"""The clocks: blocks, fee rates, message times.

* Blocks come as a Poisson process, so the gaps are exponential; the first is due one mean gap after the start.
* The logarithm of the fee rate is an AR(1) process: what a block adds is normal and independent of the block before.
* A payment over one hop takes two message times, log-normal each, rounded down to whole milliseconds.
"""

from dataclasses import replace

import numpy as np
from scipy import stats

from laws.checks import Check, Findings, Floats, against, chi_squared, histogram, quantile_of, two_sided
from laws.worlds import PLAIN, along_rows, payments_of, rows
from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.loop import NEVER
from lnherd.network.records import Ints

N_BLOCKS = 10_000


def blocks() -> Findings:
    """Gaps between blocks, and what each does to the fee rate."""
    config = SimulationConfig()
    gaps, logs = _chain(config)
    noise = (logs[1:] - (1.0 - config.feerate_reversion) * logs[:-1]) / config.feerate_sigma
    mean_ms = config.block_interval_ms
    echo = float(np.corrcoef(noise[:-1], noise[1:])[0, 1])
    checks = (
        Check("gaps between blocks are exponential, s", len(gaps), float(gaps.mean()) / 1_000, mean_ms / 1_000,
              lambda skew: float(stats.kstest(gaps, stats.expon(scale=skew * mean_ms).cdf).pvalue),
              "Kolmogorov-Smirnov"),
        Check("what a block adds to the log fee rate is normal, sigma", len(noise),
              float(noise.std()) * config.feerate_sigma, config.feerate_sigma,
              lambda skew: float(stats.kstest(noise, stats.norm(scale=skew).cdf).pvalue), "Kolmogorov-Smirnov"),
        Check("and independent of what the last one added, correlation", len(noise), echo, 0.0,
              lambda skew: two_sided((echo - (skew - 1.0)) * np.sqrt(len(noise))), "z"),
    )  # fmt: skip
    panels = (
        against("Gaps between blocks: exponential", gaps / 1_000, stats.expon(scale=mean_ms / 1_000).ppf, "s"),
        against("Log fee rate added by a block: normal", noise, stats.norm.ppf, "standard deviations"),
    )
    return Findings("blocks", checks, panels)


def _chain(config: SimulationConfig) -> tuple[Floats, Floats]:
    """Gaps in ms and log fee rates of N_BLOCKS blocks."""
    network = rows(1, 1, 1_000_000_000)
    nobody: Ints = np.zeros(0, dtype=np.int64)
    simulation = Simulation(network, payments_of(nobody, nobody, nobody, 1), config=config, seed=80)
    clock = simulation.state.clock[0]
    found_ms, logs = [], []
    for _ in range(N_BLOCKS):
        simulation.run(NEVER - 1, max_events=1)
        found_ms.append(int(clock.now_ms))
        logs.append(float(clock.feerate_log))
    return np.diff(found_ms).astype(float), np.array(logs)


def message_times() -> Findings:
    """How long payments over one hop take."""
    config = replace(PLAIN, latency_median_ms=300.0)
    network = rows(20, 1, 10**11)
    simulation = Simulation(network, along_rows(network, 20, 5.0, 200, 81), config=config, seed=81)
    simulation.run()
    took = (simulation.payments.end_ms - simulation.payments.start_ms).astype(np.int64)
    seen = histogram(took, 8_000)
    law = _two_messages(config.latency_median_ms, config.latency_sigma)
    check = Check(
        "time of a payment over one hop, ms", len(took), float(took.mean()), float(law @ np.arange(len(law))),
        lambda skew: chi_squared(seen, _two_messages(skew * config.latency_median_ms, config.latency_sigma)),
        "chi-squared",
    )  # fmt: skip
    panel = against("Payments over one hop: two log-normal times", took, quantile_of(law), "ms")
    return Findings("messages", (check,), (panel,))


def _two_messages(median_ms: float, sigma: float) -> Floats:
    """Law on 0, 1, ... ms of the sum of two log-normal times, each rounded down but at least 1 ms."""
    edges = np.arange(8_001, dtype=float)
    one = np.diff(stats.lognorm(sigma, scale=median_ms).cdf(edges))
    one[1], one[0] = one[0] + one[1], 0.0
    law: Floats = np.convolve(one, one)[:8_000]
    return law
