"""A channel between two nodes that pay each other one unit at a time is a random walk.

With n units in the channel, k of them ours, and chance p that the next payment is ours, the first payment that
fails is the walk from k + 1 being absorbed at 0 (we are drained) or n + 2 (they are): gambler's ruin. Absorption
probabilities and expected duration as in Feller I, chapter XIV; the law of the duration by powers of the transition
matrix. Later payments fail without moving anything, so in the long run the balance has the stationary law of a
reflected walk, proportional to (q / p)^balance.
"""

from dataclasses import replace

import numpy as np

from laws.checks import Check, Findings, against, chi_squared, histogram, mean_check, quantile_of, share_check
from laws.worlds import PLAIN, payments_of, rows
from lnherd.engine import Simulation
from lnherd.engine.codes import FAILED
from lnherd.network.records import Bools, Floats, Ints
from lnherd.units import MS_PER_SECOND

UNIT_MSAT = 1_000_000
N_CHANNELS, N_STEPS = 4_000, 300
CASES = ((10, 5, 0.5), (10, 3, 0.6))
"""Units in the channel, units that are ours, chance that we pay."""


def depletion() -> Findings:
    """Who is drained first, when, and where the balance is in the long run."""
    checks: list[Check] = []
    panels = []
    for seed, (n, k, p) in enumerate(CASES, start=30):
        we_paid, failed, ours = _walks(n, k, p, seed)
        name = f"{k} of {n} units, p = {p}"
        first = np.where(failed.any(axis=1), failed.argmax(axis=1), N_STEPS)
        drained = failed.any(axis=1) & we_paid[np.arange(N_CHANNELS), np.minimum(first, N_STEPS - 1)]
        law = _duration_law(n, k, p)
        steps = np.arange(1, N_STEPS + 1)
        mean = expected_duration(n, k, p)
        variance = float(law @ steps**2 - (law @ steps) ** 2)
        checks += [
            share_check(f"gambler's ruin, we are drained first, {name}", int(drained.sum()), N_CHANNELS,
                        ruin_probability(n, k, p), wrong=1.2),
            mean_check(f"payments until the first fails, {name}", first + 1, mean, variance),
            _law_check(f"law of the time to the first failure, median, {name}", first, n, k, p),
            _stationary_check(f"balance in the long run, mean units, {name}", ours, n, p),
        ]  # fmt: skip
        panels += [
            against(f"Payments until the first fails, {name}", first + 1, quantile_of(law, first=1), "payments"),
            against(f"Balance after {N_STEPS}, {name}", ours, quantile_of(stationary(n, p)), "units"),
        ]
    return Findings("depletion", tuple(checks), tuple(panels))


def _walks(n: int, k: int, p: float, seed: int) -> tuple[Bools, Bools, Ints]:
    """``[channels, steps]`` whether we paid and whether it failed, and ``[channels]`` units in the end."""
    network = rows(N_CHANNELS, 1, n * UNIT_MSAT)
    we_pay = np.random.default_rng(seed).random((N_STEPS, N_CHANNELS)) < p
    row = np.tile(2 * np.arange(N_CHANNELS), N_STEPS)
    start_ms = np.repeat(np.arange(N_STEPS) * MS_PER_SECOND, N_CHANNELS)
    payments = payments_of(start_ms, row + ~we_pay.ravel(), row + we_pay.ravel(), UNIT_MSAT)
    balance_msat = np.tile(np.array([k * UNIT_MSAT, (n - k) * UNIT_MSAT]), N_CHANNELS)
    config = replace(PLAIN, latency_sigma=0.0)  # 0.2 s a payment: never two at once
    simulation = Simulation(network, payments, config=config, seed=seed, balance_msat=balance_msat)
    simulation.run()
    failed = (simulation.payments.status == FAILED).reshape(N_STEPS, N_CHANNELS)
    return we_pay.T, failed.T, simulation.state.edges.balance_msat[::2] // UNIT_MSAT


def ruin_probability(n: int, k: int, p: float) -> float:
    """Chance that the walk from k + 1 reaches 0 before n + 2."""
    start, end = k + 1, n + 2
    if p == 0.5:
        return 1.0 - start / end
    ratio = p / (1.0 - p)
    return (ratio**end - ratio**start) / (ratio**end - 1.0)


def expected_duration(n: int, k: int, p: float) -> float:
    """Expected steps of the walk from k + 1 until it reaches 0 or n + 2."""
    start, end = k + 1, n + 2
    if p == 0.5:
        return float(start * (end - start))
    ratio, drift = p / (1.0 - p), p - (1.0 - p)
    return (start - end * (1.0 - ratio**start) / (1.0 - ratio**end)) / drift


def _duration_law(n: int, k: int, p: float) -> Floats:
    """``[N_STEPS]`` chance of absorption at step 1, 2, ... by powers of the transition matrix."""
    inside = np.zeros(n + 1)
    inside[k] = 1.0
    law = np.empty(N_STEPS)
    for step in range(N_STEPS):
        law[step] = p * inside[0] + (1.0 - p) * inside[-1]
        inside = np.append(p * inside[1:], 0.0) + np.append(0.0, (1.0 - p) * inside[:-1])
    return law


def _law_check(name: str, first: Ints, n: int, k: int, p: float) -> Check:
    seen = histogram(first, N_STEPS + 1)
    expected = float(quantile_of(_duration_law(n, k, p), first=1)(np.array([0.5]))[0])

    def p_at(skew: float) -> float:
        return chi_squared(seen, _duration_law(n, k, skew * p))

    return Check(name, len(first), float(np.median(first + 1)), expected, p_at, "chi-squared", wrong=1.2)


def stationary(n: int, p: float) -> Floats:
    """``[n + 1]`` long-run law of our units."""
    weights: Floats = ((1.0 - p) / p) ** np.arange(n + 1)
    return weights / weights.sum()


def _stationary_check(name: str, ours: Ints, n: int, p: float) -> Check:
    seen = histogram(ours, n + 1)
    expected = float(stationary(n, p) @ np.arange(n + 1))

    def p_at(skew: float) -> float:
        return chi_squared(seen, stationary(n, skew * p))

    return Check(name, len(ours), float(ours.mean()), expected, p_at, "chi-squared")
