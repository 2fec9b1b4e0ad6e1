"""The counter-based generator: known values, independence of its arguments, moments."""

import numpy as np
import pytest

from lnherd.engine import rng
from lnherd.reference import randomness
from lnherd.reference.randomness import Stream

pytestmark = pytest.mark.filterwarnings("ignore:overflow")  # the hash wraps, of which uncompiled code warns

SPLITMIX64_FROM_1234567 = [
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
]
"""The first outputs of SplitMix64 seeded with 1234567 (Rosetta Code, after Vigna's reference implementation)."""


def test_the_mixer_is_that_of_splitmix64():
    outputs = [
        randomness.mix((1234567 + (step + 1) * randomness.GOLDEN) & randomness.WORD)
        for step in range(len(SPLITMIX64_FROM_1234567))
    ]
    assert outputs == SPLITMIX64_FROM_1234567


def test_the_compiled_numbers_are_those_of_the_plain_integers():
    for seed in (0, 1, 2**63, 2**64 - 1):
        for stream in Stream:
            for first, second in [(0, 0), (1, 0), (0, 1), (2**40, 107), (12345, 2**31)]:
                arguments = (np.uint64(seed), int(stream), first, second)
                plain = (seed, stream, first, second)
                assert rng.uniform(*arguments) == randomness.uniform(*plain)
                assert rng.standard_normal(*arguments) == randomness.standard_normal(*plain)
                assert rng.exponential(*arguments) == randomness.exponential(*plain)


def test_known_values_stay():
    """Results of earlier versions can be reproduced only while these hold."""
    assert rng.uniform(np.uint64(42), 1, 2, 3) == 0.24892237592789002
    assert rng.standard_normal(np.uint64(42), 1, 2, 3) == pytest.approx(0.6731313155410811, rel=1e-15)


def test_every_argument_matters():
    base = (7, Stream.LATENCY, 3, 4)
    changed = [(8, *base[1:]), (7, Stream.STUCK, 3, 4), (7, Stream.LATENCY, 5, 4), (7, Stream.LATENCY, 3, 5)]
    numbers = {randomness.uniform(*arguments) for arguments in [base, *changed]}
    assert len(numbers) == 5


def test_first_and_second_counter_are_not_interchangeable():
    assert randomness.uniform(7, Stream.LATENCY, 3, 4) != randomness.uniform(7, Stream.LATENCY, 4, 3)


def test_moments_over_both_counters():
    """Bounds are five standard errors of the mean and variance of that many independent draws."""
    n_draws = 20_000
    seed = np.uint64(5)
    uniforms = np.array([rng.uniform(seed, 1, index // 100, index % 100) for index in range(n_draws)])
    normals = np.array([rng.standard_normal(seed, 1, index // 100, index % 100) for index in range(n_draws)])
    exponentials = np.array([rng.exponential(seed, 3, index, 0) for index in range(n_draws)])
    bound = 5 / np.sqrt(n_draws)
    assert uniforms.min() >= 0 and uniforms.max() < 1
    assert abs(uniforms.mean() - 0.5) < bound * np.sqrt(1 / 12)
    assert abs(normals.mean()) < bound
    assert abs(normals.var() - 1) < bound * np.sqrt(2)
    assert abs(exponentials.mean() - 1) < bound
    assert abs(np.corrcoef(uniforms[:-1], uniforms[1:])[0, 1]) < bound
