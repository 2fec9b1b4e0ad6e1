"""States in compiled code: one pointer, through which kernels read and write the very arrays."""

import re
from typing import NamedTuple

import numba
import numpy as np
import pytest

from lnherd.engine.by_reference import by_reference
from lnherd.engine.jit import jit
from lnherd.network.records import zero_records

PAIR = np.dtype([("small", "i4"), ("large", "i8")])


@by_reference
class Shelf(NamedTuple):
    """Two arrays."""

    pairs: np.ndarray
    numbers: np.ndarray


@jit
def swap(shelf, index):
    pair = shelf.pairs[index]
    shelf.numbers[index] = pair.large
    pair.large = len(shelf.numbers) + pair.small


@jit
def swap_all(shelf):
    for index in range(len(shelf.pairs)):
        swap(shelf, index)


def filled(n):
    pairs = zero_records(n, PAIR)
    pairs.small, pairs.large = np.arange(n), 10 * np.arange(n)
    return Shelf(pairs, np.zeros(n + 1, dtype=np.int64))


@pytest.mark.parametrize("n", [0, 1, 5])
def test_kernels_that_call_kernels_work_on_the_arrays_themselves(n):
    shelf = filled(n)
    swap_all(shelf)
    assert shelf.numbers[:n].tolist() == (10 * np.arange(n)).tolist()
    assert shelf.pairs.large.tolist() == (n + 1 + np.arange(n)).tolist()


def test_a_replaced_array_is_the_one_that_is_used():
    shelf = filled(2)
    longer = shelf._replace(numbers=np.zeros(7, dtype=np.int64))
    swap(longer, 1)
    assert longer.numbers[1] == 10
    assert shelf.numbers[1] == 0
    assert shelf.pairs.large[1] == 7 + 1


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
def test_the_state_is_one_argument_in_machine_code():
    fresh = numba.njit(_nrt=False)(swap.py_func)  # code from the cache cannot be looked at
    fresh(filled(1), 0)
    code = fresh.inspect_llvm(fresh.signatures[0])
    definition = re.search(r"^define [^@]*@\S*swap\S*?\((.*)\)", code, re.MULTILINE)
    assert definition is not None
    arguments = [each.split()[-1] for each in re.sub(r"\([^()]*\)", "", definition[1]).split(", ")]
    assert arguments == ["%retptr", "%excinfo", "%arg.shelf", "%arg.index"]


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
def test_one_type_for_all_states():
    assert numba.typeof(filled(1)) is numba.typeof(filled(3))
