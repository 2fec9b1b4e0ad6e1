"""The compiled engine and its plain-Python twin agree event for event, whatever the world."""

from hypothesis import HealthCheck, given, settings
from lockstep import run_in_lockstep
from scenarios import Scenario, scenarios

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=QUIET)
@given(scenario=scenarios(outside=True))
def test_engine_and_twin_agree_event_for_event(scenario: Scenario):
    engine, twin = run_in_lockstep(scenario)
    assert len(twin.trace) == engine.state.clock[0].n_processed
