from dataclasses import dataclass
from enum import StrEnum

import pytest

from lnherd.errors import InputError
from lnherd.experiments.json_config import from_json, to_json


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    tiers: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Outer:
    name: str
    colour: Colour = Colour.RED
    inner: Inner = Inner()
    path: str | None = None
    pair: tuple[int, float] = (1, 2.0)
    on: bool = False


@pytest.mark.parametrize(
    "config", [Outer("x"), Outer("y", Colour.BLUE, Inner(1.0, ()), "p", (4, 0.25), True), Outer("z", path="")]
)
def test_round_trip(config):
    assert from_json(Outer, to_json(config), "config.json") == config


def test_missing_fields_keep_their_defaults():
    assert from_json(Outer, {"name": "x", "inner": {"rate": 2}}, "c") == Outer("x", inner=Inner(2.0))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (3, "c: is 3 where an object is needed"),
        ({}, "c: the field 'name' is missing"),
        ({"name": "x", "colr": 1}, "c: 'colr' is not a field of Outer"),
        ({"name": 1}, "c: name is 1; give a value of type str"),
        ({"name": "x", "on": 1}, "c: on is 1; give a value of type bool"),
        ({"name": "x", "colour": "green"}, "c: colour is 'green'; give one of red, blue"),
        ({"name": "x", "inner": {"rate": "fast"}}, "c: inner: rate is 'fast'; give a value of type float"),
        ({"name": "x", "inner": {"tiers": 1}}, "c: inner: tiers is 1; give a list"),
        ({"name": "x", "inner": {"tiers": [True]}}, "c: inner: tiers is True; give a value of type int"),
        ({"name": "x", "pair": [1]}, "c: pair has 1 entries; give 2"),
        ({"name": "x", "path": 4}, "c: path is 4; give a value of type str"),
    ],
)
def test_bad_values_are_named(value, problem):
    with pytest.raises(InputError, match=problem):
        from_json(Outer, value, "c")
