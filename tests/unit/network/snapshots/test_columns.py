"""Columns: conversion at once, faults one by one."""

import pytest

from lnherd.errors import InputError
from lnherd.network.snapshots.columns import INT64_MAX, clean, integers, quoted, read_table


def where(index):
    return f"row {index}"


def test_numbers_and_their_text():
    assert integers([1, "2", "-3"], where, low=-5).tolist() == [1, 2, -3]
    assert integers([], where).tolist() == []


@pytest.mark.parametrize("value", [None, True, 1.0, "", "1.5", "x", [1], "9" * 5000])
def test_what_is_no_whole_number(value):
    with pytest.raises(InputError, match=r"^row 1 is .*, not a whole number; correct it$"):
        integers([7, value, None], where)


@pytest.mark.parametrize(
    ("value", "problem"), [(-1, "below 0"), (11, "above 10"), (2**70, "above 10"), (-(2**70), "below 0")]
)
def test_what_is_out_of_range(value, problem):
    with pytest.raises(InputError, match=f"row 2 is {value}, {problem}"):
        integers([1, "2", value], where, high=10)


def test_saturation_at_the_top_only():
    assert integers([2**64 - 1, "18446744073709551615", 5], where, saturate=True).tolist() == [INT64_MAX, INT64_MAX, 5]
    assert integers([5, 12], where, high=10, saturate=True).tolist() == [5, 10]
    with pytest.raises(InputError, match=r"row 0 is .*, below 0"):
        integers([-(2**64), 2**64], where, saturate=True)
    with pytest.raises(InputError, match=r"row 1 is 'x', not a whole number"):
        integers([2**64, "x"], where, saturate=True)


def test_cleaned_text_survives_every_file():
    assert clean("abc\0\0") == "abc"
    assert clean("a\ud800b") == "a?b"
    assert clean("⚡🐙") == "⚡🐙"


def test_quoting_is_one_short_line():
    assert quoted("a\nb") == "'a\\nb'"
    assert len(quoted("x" * 1000)) == 40


def test_table_by_columns():
    table = read_table(" b ,a\r\n1,2\r\n\r\n3,4\r\n", "t.csv", ("a", "b"))
    assert table.integers("a").tolist() == [2, 4]
    assert table.n_rows == 2


def test_line_numbers_count_quoted_and_blank_lines():
    table = read_table('a,b\n1,"x\ny"\n\nz,3\n', "t.csv", ("a", "b"))
    with pytest.raises(InputError, match=r"t.csv, line 5: a is 'z', not a whole number"):
        table.integers("a")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no column 'a'; it needs a, b"),
        ("a,c\n1,2\n", "has no column 'b'"),
        ("a,b,a\n1,2,3\n", "column 3 of the header occurs twice .'a'."),
        ("a,b\n", "has a header but no rows"),
        ("a,b\n1,2\n3\n", "line 3: has 1 fields where the header names 2; the file may be cut short"),
        ("a,b\n1,2,3\n", "line 2: has 3 fields where the header names 2"),
        ("a,b\n" + "x" * 200_000 + ",1\n", "not a CSV file .field larger than field limit"),
    ],
)
def test_broken_tables(text, problem):
    with pytest.raises(InputError, match=f"^t.csv.*{problem}"):
        read_table(text, "t.csv", ("a", "b"))
