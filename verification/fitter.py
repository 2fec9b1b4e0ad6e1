"""Hold the traffic fitter to a simulated node's own history: fit a week, compare with the week after.

    python verification/fitter.py [--plots DIRECTORY]

A router on the synthetic network of 200 nodes forwards the trades of its peers, which follow the hours of the day, for
two weeks. Its history of the first is exported as LND exports it, read back and fitted. What is drawn from the fit must
have the statistics of that week, and be no further from the second week than the two weeks are from each other, give
or take a quarter: routes and balances move, and no fit knows of next week. Each comparison is also made with a demand
that is wrong (no hours, amounts a quarter larger, every pair reversed) and must reject it. Exits with 1 when one fails.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
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

DAYS, DRAWN_DAYS, SEED = 7, 70, 1
DAYLIGHT = tuple(1.0 + 0.8 * np.cos((hour - 15) * np.pi / 12) for hour in range(24))
LEAST_P = 0.01 / 4
"""Four comparisons: a sound fitter fails one of them for one seed in a hundred."""
SLACK = 1.25
"""How much further from the second week than the first is, what is drawn may be."""
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
    days: float


def traffic(times_ms: Records, amounts: Records, first: Records, second: Records, days: float) -> Traffic:
    """From columns; nodes below 2^20."""
    pair = first.astype(np.int64) << 20 | second.astype(np.int64)
    return Traffic(times_ms // MS_PER_HOUR % 24, amounts.astype(np.int64), pair, days)


def forwarded(forwards: Records, scenario: Scenario) -> Traffic:
    """A week of history, peers in place of channels; forwards back to where they came from are nobody's payment."""
    ends = np.stack([scenario.network.channels.node1, scenario.network.channels.node2], axis=1)
    peers = [ends[channels].sum(axis=1) - scenario.node for channels in (forwards.in_channel, forwards.out_channel)]
    keep = peers[0] != peers[1]
    return traffic(forwards.time_ms[keep], forwards.out_msat[keep], peers[0][keep], peers[1][keep], DAYS)


def history(scenario: Scenario) -> Records:
    """Two weeks of what the node forwards."""
    simulation = Simulation(
        scenario.network, scenario.payments(SEED), config=CONFIG.simulation, seed=SEED,
        balance_msat=scenario.balances_msat(SEED),
    )  # fmt: skip
    return record_forwards(simulation, scenario.node, 2 * DAYS * MS_PER_DAY)


def distances(one: Traffic, other: Traffic) -> dict[str, float]:
    """How far two are from each other: of rates the ratio, of shares half the sum of differences, of amounts KS."""
    return {
        "forwards a day": abs(len(one.hour) / one.days / (len(other.hour) / other.days) - 1),
        "hours of the day": _total_variation(*(np.bincount(each.hour, minlength=24) for each in (one, other))),
        "amounts": float(stats.ks_2samp(one.amount_msat, other.amount_msat).statistic),
        "from whom to whom": _total_variation(*_pair_counts(one, other)),
    }


def chances(drawn: Traffic, fitted: Traffic) -> dict[str, float]:
    """p-values of having drawn this much, and these shares, from the fitted week taken as the truth."""
    expected = len(fitted.hour) / fitted.days * drawn.days
    hours = [np.bincount(each.hour, minlength=24) for each in (drawn, fitted)]
    ks = stats.ks_2samp(drawn.amount_msat, fitted.amount_msat).statistic
    return {
        "forwards a day": float(2 * stats.norm.sf(abs(len(drawn.hour) - expected) / np.sqrt(expected))),
        "hours of the day": _goodness(*hours),
        "amounts": float(stats.kstwobign.sf(ks * np.sqrt(len(drawn.hour)))),
        "from whom to whom": _goodness(*_pair_counts(drawn, fitted)),
    }


def _pair_counts(one: Traffic, other: Traffic) -> list[NDArray[np.int64]]:
    pairs = np.unique(np.concatenate([one.pair, other.pair]))
    return [np.array([(each.pair == pair).sum() for pair in pairs]) for each in (one, other)]


def _total_variation(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)


def _goodness(counts: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Chi-square; what the truth does not know at all is impossible."""
    if counts[truth == 0].any():
        return 0.0
    known = truth > 0
    return float(stats.chisquare(counts[known], truth[known] / truth.sum() * counts.sum()).pvalue)


def wrong(drawn: Traffic) -> Traffic:
    """A demand that is wrong in everything."""
    rng, low = np.random.default_rng(0), (1 << 20) - 1
    reversed_pairs = (drawn.pair & low) << 20 | drawn.pair >> 20
    hours = rng.integers(0, 24, len(drawn.hour))
    return Traffic(hours, drawn.amount_msat * 5 // 4, reversed_pairs, drawn.days * 1.25)


def draw(path: Path, drawn: Traffic, real: Traffic) -> None:
    """Three panels: forwards by hour, amounts, pairs."""
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    hours, amounts, pairs = figure.subplots(1, 3)
    for each, colour, name in ((real, "#8a8a84", "the week after"), (drawn, "#d55e00", "drawn from the fit")):
        per_hour = np.bincount(each.hour, minlength=24) / each.days
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
    drawn = traffic(payments.start_ms, payments.amount_msat, payments.sender, payments.receiver, DRAWN_DAYS)
    fitted, after = forwarded(first, scenario), forwarded(second, scenario)
    n_pairs = len(fit.demand.components)
    print(f"{fit.n_forwards} forwards fitted, {n_pairs} pairs of peers; {len(after.hour)} forwards in the week after")
    near, far, weeks = distances(drawn, fitted), distances(drawn, after), distances(fitted, after)
    p, blind = chances(drawn, fitted), chances(wrong(drawn), fitted)
    good = True
    for name in near:
        verdict = p[name] >= LEAST_P > blind[name] and far[name] <= SLACK * weeks[name]
        good &= verdict
        print(f"{name:<18} from the week fitted {near[name]:6.2%} (p {p[name]:5.3f}, if wrong {blind[name]:7.1e}), "
              f"from the week after {far[name]:6.2%}, the weeks from each other {weeks[name]:6.2%}   "
              f"{'pass' if verdict else 'FAIL'}")  # fmt: skip
    path = arguments.plots / "verify-fitter.png"
    draw(path, drawn, after)
    print(f"saved {path}", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
