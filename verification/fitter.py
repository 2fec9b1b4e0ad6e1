"""Hold the traffic fitter to a simulated node's own history: fit a week, compare with the week after.

    python verification/fitter.py [--plots DIRECTORY]

A router on the synthetic network of 200 nodes forwards the trades of its peers, which follow the hours of the day, for
two weeks. Its history of the first is exported as LND exports it, read back and fitted; what is drawn from the fit is
held against the second. Each comparison is also made with a demand that is wrong (no hours, amounts a quarter larger,
every pair reversed) and must reject that. Exits with 1 when a comparison fails.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lnherd.control.view import Role
from lnherd.engine import Simulation
from lnherd.engine.forward_log import record_forwards
from lnherd.envs.scenario import HerdingConfig, Scenario, build_scenario
from lnherd.network.records import Records
from lnherd.traffic.arrivals import Hourly
from lnherd.traffic.fitting import fit_demand
from lnherd.traffic.history import read_forwards, write_lnd_history
from lnherd.units import MS_PER_DAY, MS_PER_HOUR, MSAT_PER_SAT

matplotlib.use("Agg")
DAYS, DRAWN_DAYS, SEED = 7, 70, 1
DAYLIGHT = tuple(1.0 + 0.8 * np.cos((hour - 15) * np.pi / 12) for hour in range(24))
LEAST_P = 0.01 / 4
"""Four comparisons: a sound fitter fails one of them for one seed in a hundred."""
CONFIG = HerdingConfig(
    role=Role.ROUTER, horizon=2 * DAYS * 48, warm_up_ticks=0, asymmetry=0.5, own_arrivals=Hourly(DAYLIGHT)
)
"""Trade that flows both ways alike: a node that drains away has no usual traffic to fit."""


@dataclass(frozen=True)
class Traffic:
    """What is compared: when (hour of the day), how much, from whom to whom."""

    hour: NDArray[np.int64]
    amount_msat: NDArray[np.int64]
    pair: NDArray[np.int64]
    weight: float
    """How many observations each entry stands for."""


def traffic(times_ms: Records, amounts: Records, first: Records, second: Records, weight: float = 1.0) -> Traffic:
    """From columns; nodes below 2^20."""
    pair = first.astype(np.int64) << 20 | second.astype(np.int64)
    return Traffic(times_ms // MS_PER_HOUR % 24, amounts.astype(np.int64), pair, weight)


def history(scenario: Scenario) -> Records:
    """Two weeks of what the node forwards."""
    simulation = Simulation(
        scenario.network, scenario.payments(SEED), config=CONFIG.simulation, seed=SEED,
        balance_msat=scenario.balances_msat(SEED),
    )  # fmt: skip
    return record_forwards(simulation, scenario.node, 2 * DAYS * MS_PER_DAY)


def compare(drawn: Traffic, real: Traffic) -> dict[str, tuple[float, float]]:
    """Name -> (distance, p). A fit knows no more than the week it was fitted to, so what is drawn weighs as that."""
    hours = [np.bincount(each.hour, minlength=24) * each.weight for each in (drawn, real)]
    pairs = np.unique(np.concatenate([drawn.pair, real.pair]))
    counts = [np.array([(each.pair == pair).sum() for pair in pairs]) * each.weight for each in (drawn, real)]
    n_drawn, n_real = len(drawn.hour) * drawn.weight, float(len(real.hour))
    ks = stats.ks_2samp(drawn.amount_msat, real.amount_msat).statistic
    effective = n_drawn * n_real / (n_drawn + n_real)
    return {
        "forwards a day": (n_drawn / n_real - 1, 2 * stats.norm.sf(abs(n_drawn - n_real) / np.sqrt(n_drawn + n_real))),
        "hours of the day": _shares(*hours),
        "amounts": (ks, float(stats.kstwobign.sf(ks * np.sqrt(effective)))),
        "from whom to whom": _shares(*counts),
    }


def _shares(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """Total variation distance of two histograms, and the p-value of their being the same."""
    distance = np.abs(first / first.sum() - second / second.sum()).sum() / 2
    return float(distance), float(stats.chi2_contingency(np.stack([first, second])).pvalue)


def wrong(drawn: Traffic) -> Traffic:
    """A demand that is wrong in everything."""
    rng, low = np.random.default_rng(0), (1 << 20) - 1
    reversed_pairs = (drawn.pair & low) << 20 | drawn.pair >> 20
    hours = rng.integers(0, 24, len(drawn.hour))
    return Traffic(hours, drawn.amount_msat * 5 // 4, reversed_pairs, drawn.weight * 1.25)


def draw(path: Path, drawn: Traffic, real: Traffic) -> None:
    """Three panels: forwards by hour, amounts, pairs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    hours, amounts, pairs = figure.subplots(1, 3)
    for each, colour, name in ((real, "#8a8a84", "the week after"), (drawn, "#d55e00", "drawn from the fit")):
        per_hour = np.bincount(each.hour, minlength=24) * each.weight / DAYS
        hours.step(range(24), per_hour, where="mid", color=colour, label=name, linewidth=2)
        sat = np.sort(each.amount_msat) / MSAT_PER_SAT
        amounts.plot(sat, np.linspace(0, 1, len(sat)), color=colour, label=name, linewidth=2)
    every = np.unique(np.concatenate([drawn.pair, real.pair]))
    shares = [[(each.pair == pair).mean() for pair in every] for each in (real, drawn)]
    pairs.plot([0, max(shares[0])], [0, max(shares[0])], color="#8a8a84", linewidth=1)
    pairs.scatter(*shares, s=18, color="#d55e00")
    hours.set(xlabel="hour of the day", ylabel="forwards an hour", ylim=(0, None))
    amounts.set(xlabel="amount, sat", ylabel="share of forwards", xscale="log")
    pairs.set(xlabel="share of a pair of peers, the week after", ylabel="drawn from the fit")
    hours.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> int:
    """Simulate, fit, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plots", type=Path, default=Path("verify-plots"), help="where to save the plot")
    arguments = parser.parse_args()
    scenario, half_ms = build_scenario(CONFIG), DAYS * MS_PER_DAY
    forwards = history(scenario)
    first, second = forwards[forwards.time_ms < half_ms], forwards[forwards.time_ms >= half_ms]
    with tempfile.TemporaryDirectory() as folder:
        write_lnd_history(first, scenario.network, Path(folder) / "history.json")
        known = read_forwards(Path(folder) / "history.json", scenario.network)
    fit = fit_demand(known, scenario.network, scenario.node, span_ms=(0, half_ms))
    payments = fit.demand.sample(scenario.network, duration_ms=DRAWN_DAYS * MS_PER_DAY, rng=np.random.default_rng(SEED))
    drawn = traffic(payments.start_ms, payments.amount_msat, payments.sender, payments.receiver, DAYS / DRAWN_DAYS)
    ends = np.stack([scenario.network.channels.node1, scenario.network.channels.node2], axis=1)
    peers = [ends[channels].sum(axis=1) - scenario.node for channels in (second.in_channel, second.out_channel)]
    keep = peers[0] != peers[1]
    real = traffic(second.time_ms[keep], second.out_msat[keep], peers[0][keep], peers[1][keep])
    found, blind = compare(drawn, real), compare(wrong(drawn), real)
    print(f"{fit.n_forwards} forwards fitted, {len(fit.demand.components)} pairs of peers; {len(real.hour)} compared")
    good = True
    for name, (distance, p) in found.items():
        verdict = p >= LEAST_P > blind[name][1]
        good &= verdict
        print(f"{name:<20} off by {distance:+8.2%}   p {p:6.3f}   p if the fit were wrong {blind[name][1]:8.1e}   "
              f"{'pass' if verdict else 'FAIL'}")  # fmt: skip
    path = arguments.plots / "verify-fitter.png"
    draw(path, drawn, real)
    print(f"saved {path}", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
