"""When payments start: rates and clustering of the traffic models.

The index of dispersion, variance over mean of the number of arrivals in a window t, tells the models apart:

* Poisson: 1 for every window.
* Two-state MMPP with rates a, b, stationary shares x, y, relaxation r = 1/calm + 1/busy and mean rate m
  (Fischer & Meier-Hellstern 1993): 1 + 2 x y (a - b)^2 / (m r) (1 - (1 - e^(-r t)) / (r t)).
* Tool loops (Bartlett-Lewis clusters of geometrically many calls, mean M = 1/s, exponential gaps of mean g):
  1 + 2 (1 - s) / s (1 - (1 - e^(-s t/g)) / (s t/g)), which grows to 2 M - 1.
"""

import numpy as np
from scipy import stats

from laws.checks import (
    Check,
    Findings,
    Floats,
    Panel,
    against,
    chi_squared,
    histogram,
    mean_check,
    quantile_of,
    variance_check,
)
from lnherd.network.records import Ints
from lnherd.traffic.arrivals import Arrivals, Mmpp, Poisson, ToolLoops
from lnherd.units import MS_PER_SECOND

RATE_PER_S = 1.0
N_WINDOWS = 20_000
WINDOWS_S = (10, 100, 1_000)


def arrivals() -> Findings:
    """Rate, dispersion and gaps of every model."""
    mmpp, loops = Mmpp(burst_factor=10.0, mean_calm_s=200.0, mean_busy_s=50.0), ToolLoops(mean_calls=10, mean_gap_s=2.0)
    checks: list[Check] = []
    for seed, (name, process, index) in enumerate(
        (
            ("Poisson", Poisson(), lambda window: 1.0),
            ("MMPP", mmpp, lambda window: _mmpp_index(mmpp, window)),
            ("tool loops", loops, lambda window: _loops_index(loops, window)),
        )
    ):
        for window_s in WINDOWS_S:
            counts = _counts(process, window_s, seed=70 + seed)
            about = f"{name}, windows of {window_s:,} s"
            expected = RATE_PER_S * window_s
            checks += [
                mean_check(f"arrivals, {about}", counts, expected),
                variance_check(f"index of dispersion, {about}", counts, index(window_s), scale=expected),
            ]
    gaps, calls = _gaps(), _calls_a_loop(loops)
    checks += [_exponential_gaps(gaps), _geometric_calls(calls, loops.mean_calls)]
    return Findings("arrivals", tuple(checks), tuple(_panels(gaps, calls, loops.mean_calls)))


def _counts(process: Arrivals, window_s: int, seed: int) -> Floats:
    """Arrivals in ``N_WINDOWS`` independent windows (fewer where they are long), each begun in the stationary state."""
    rng = np.random.default_rng([seed, window_s])
    n = N_WINDOWS if window_s < WINDOWS_S[-1] else N_WINDOWS // 2
    samples = [len(process.sample(RATE_PER_S, window_s * MS_PER_SECOND, rng)[0]) for _ in range(n)]
    return np.array(samples, dtype=float)


def _rise(x: float) -> float:
    """1 - (1 - e^-x) / x: how much of the clustering a window of x relaxation times sees."""
    return float(1.0 + np.expm1(-x) / x)


def _mmpp_index(process: Mmpp, window_s: float) -> float:
    busy = process.busy_share
    calm_rate = RATE_PER_S / (1.0 + busy * (process.burst_factor - 1.0))
    relaxation = 1.0 / process.mean_calm_s + 1.0 / process.mean_busy_s
    spread = busy * (1.0 - busy) * (calm_rate * (process.burst_factor - 1.0)) ** 2
    return 1.0 + 2.0 * spread / (RATE_PER_S * relaxation) * _rise(relaxation * window_s)


def _loops_index(process: ToolLoops, window_s: float) -> float:
    stop = 1.0 / process.mean_calls
    return 1.0 + 2.0 * (1.0 - stop) / stop * _rise(stop * window_s / process.mean_gap_s)


def _gaps() -> Floats:
    """Seconds between Poisson arrivals, spread over the millisecond they are rounded down to."""
    rng = np.random.default_rng(79)
    start_ms = np.sort(Poisson().sample(RATE_PER_S, 20_000 * MS_PER_SECOND, rng)[0] + rng.random())
    return np.diff(start_ms + rng.random(len(start_ms))) / MS_PER_SECOND


def _exponential_gaps(gaps: Floats) -> Check:
    return Check(
        "gaps between Poisson arrivals are exponential, s", len(gaps), float(gaps.mean()), 1.0 / RATE_PER_S,
        lambda skew: float(stats.kstest(gaps, stats.expon(scale=skew / RATE_PER_S).cdf).pvalue), "Kolmogorov-Smirnov",
    )  # fmt: skip


def _geometric_calls(calls: Ints, mean: float) -> Check:
    seen, sizes = histogram(calls, 200), np.arange(200)
    return Check(
        "calls of a tool loop are geometric, mean", len(calls), float(calls.mean()), mean,
        lambda skew: chi_squared(seen, stats.geom(1.0 / (skew * mean)).pmf(sizes)), "chi-squared",
    )  # fmt: skip


def _panels(gaps: Floats, calls: Ints, mean: float) -> list[Panel]:
    scale = 1.0 / RATE_PER_S
    return [
        against("Gaps between Poisson arrivals: exponential", gaps, stats.expon(scale=scale).ppf, "s"),
        against("Calls of a tool loop: geometric", calls, stats.geom(1.0 / mean).ppf, "calls"),
        against(
            "Poisson arrivals in 10 s",
            _counts(Poisson(), 10, seed=70),
            quantile_of(stats.poisson.pmf(np.arange(60), 10.0)),
            "arrivals",
        ),
    ]


def _calls_a_loop(loops: ToolLoops) -> Ints:
    """Sizes of loops in a span so long that few are cut off at its ends."""
    _, session = loops.sample(RATE_PER_S, 200_000 * MS_PER_SECOND, np.random.default_rng(78))
    return np.bincount(session)
