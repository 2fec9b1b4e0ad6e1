"""Settings: what is refused, what reaches the engine."""

from dataclasses import fields

import pytest

from lnherd.engine.codes import LATENCY_CLOTH, SENDER_CHEAPEST
from lnherd.engine.config import CLOTH, LIMITS, MAX_PARTS, SimulationConfig, profile
from lnherd.engine.loop import HEADROOM
from lnherd.errors import InputError


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sender": "lightning"}, "simulation setting 'sender' must be one of lnd, cheapest, shortest, mincostflow"),
        ({"sender": "mincostflow", "parts_split_once": True}, "simulation setting 'sender' must be lnd, cheapest or"),
        ({"estimator": "ldk"}, "simulation setting 'estimator' must be one of apriori, bimodal"),
        (
            {"estimator": "bimodal", "sender": "cheapest"},
            "simulation setting 'estimator' must be apriori unless the sender",
        ),
        (
            {"estimator": "bimodal", "any_failure_counts": True},
            "simulation setting 'estimator' must be apriori where any",
        ),
        ({"latency": "zero"}, "simulation setting 'latency' must be one of log-normal, cloth"),
        ({"fee_limit": "5%"}, "simulation setting 'fee_limit' must be one of lnd, none"),
        ({"hop_limit": 28}, "simulation setting 'hop_limit' must be between 1 and 27"),
        ({"max_parts": 65}, "simulation setting 'max_parts' must be between 1 and 64"),
        ({"min_part_msat": 0}, "simulation setting 'min_part_msat' must be between 1 and"),
        ({"min_probability": 0.0}, "simulation setting 'min_probability' must be above 0 and at most 1"),
        ({"stuck_probability": float("nan")}, "simulation setting 'stuck_probability' must be between 0 and 1"),
        ({"latency_median_ms": -5.0}, "simulation setting 'latency_median_ms' must be between 0 and"),
        ({"latency_sigma": 6.0}, "simulation setting 'latency_sigma' must be at most 5, a spread of the logarithm"),
    ],
)
def test_bad_settings_are_named(changes, sentence):
    with pytest.raises(InputError) as caught:
        SimulationConfig(**changes)
    assert str(caught.value).startswith(sentence)


def test_every_number_has_limits():
    numbers = {field.name for field in fields(SimulationConfig) if field.type in (int, float)}
    assert numbers - {"min_probability"} <= LIMITS.keys()


def test_an_event_never_needs_more_records_than_the_loop_keeps_free():
    assert MAX_PARTS <= HEADROOM


def test_settings_reach_the_engine():
    config = SimulationConfig(sender="cheapest", latency="cloth", final_cltv=77, half_life_ms=5.5)
    settings = config.to_settings(seed=2**64 - 1, swap_node=3)[0]
    assert settings.sender_kind == SENDER_CHEAPEST
    assert settings.latency_kind == LATENCY_CLOTH
    assert (settings.final_cltv, settings.half_life_ms) == (77, 5.5)
    assert (int(settings.seed), settings.swap_node) == (2**64 - 1, 3)


def test_without_multi_path_there_is_one_part():
    assert SimulationConfig(mpp=False, max_parts=16).to_settings(0, 0)[0].max_parts == 1
    assert SimulationConfig(mpp=True, max_parts=16).to_settings(0, 0)[0].max_parts == 16


def test_profiles_are_known_by_name_and_may_be_changed():
    assert profile("default") == SimulationConfig()
    assert profile("cloth", mpp=False).mpp is False
    assert profile("cloth").parts_split_once == CLOTH.parts_split_once
    with pytest.raises(InputError, match="--profile 'clot' is unknown; choose one of default, cloth"):
        profile("clot")
