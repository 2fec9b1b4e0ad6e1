import pytest

from lnherd.errors import InputError
from lnherd.l402 import caveats
from lnherd.l402.caveats import Context, Requirement
from lnherd.l402.macaroon import Caveat

NOW = Context(1_000.0)
GOOD = "services=api:1"


def check(*conditions, requirement=None, context=NOW):
    requirement = requirement or Requirement("api", tier=1, capability="read")
    refusal = requirement.check([Caveat(condition.encode()) for condition in conditions], context)
    return refusal.code if refusal else None


@pytest.mark.parametrize(
    ("conditions", "code"),
    [
        ((GOOD,), None),
        (("services=api:255",), None),
        (("services=web:0,api:1",), None),
        ((GOOD, "api_valid_until=1001"), None),
        ((GOOD, "api_capabilities=read,write"), None),
        ((GOOD, "someone_elses=1", "web_valid_until=1"), None),
        ((GOOD, "note=a=b"), None),
        ((), "wrong_service"),
        (("services=api:0",), "wrong_service"),
        (("services=web:1",), "wrong_service"),
        ((GOOD, "api_valid_until=1000"), "token_expired"),
        ((GOOD, "api_capabilities=write"), "wrong_capability"),
        ((GOOD, "api_capabilities="), "wrong_capability"),
        ((GOOD, "nonsense"), "bad_caveat"),
        ((GOOD, "=x"), "bad_caveat"),
        ((GOOD, ""), "bad_caveat"),
        (("services=",), "bad_caveat"),
        (("services=api",), "bad_caveat"),
        (("services=api:256",), "bad_caveat"),
        (("services=api:-1",), "bad_caveat"),
        (("services=api:1,",), "bad_caveat"),
        (("services=api:٣",), "bad_caveat"),
        ((GOOD, "api_valid_until=+9999"), "bad_caveat"),
        ((GOOD, "api_valid_until=1_000_000"), "bad_caveat"),
        ((GOOD, "api_valid_until=" + "9" * 19), "bad_caveat"),
        ((GOOD, "api_valid_until=" + "9" * 5000), "bad_caveat"),
    ],
)
def test_single_caveats(conditions, code):
    assert check(*conditions) == code


@pytest.mark.parametrize(
    ("conditions", "code"),
    [
        (("services=api:1,web:2", "services=api:1"), None),
        (("services=api:9", "services=api:1"), None),
        (("services=api:9", "services=api:0"), "wrong_service"),
        (("services=api:1", "services=api:2"), "widened_caveat"),
        (("services=web:1", "services=api:1"), "widened_caveat"),
        ((GOOD, "api_valid_until=3000", "api_valid_until=2000"), None),
        ((GOOD, "api_valid_until=3000", "api_valid_until=900"), "token_expired"),
        ((GOOD, "api_valid_until=900", "api_valid_until=3000"), "widened_caveat"),
        ((GOOD, "api_capabilities=read,write", "api_capabilities=read"), None),
        ((GOOD, "api_capabilities=read,write", "api_capabilities=write"), "wrong_capability"),
        ((GOOD, "api_capabilities=write", "api_capabilities=read"), "widened_caveat"),
    ],
)
def test_repetitions_may_only_narrow(conditions, code):
    assert check(*conditions) == code


def test_a_route_without_capability_ignores_capabilities():
    assert check(GOOD, "api_capabilities=write", requirement=Requirement("api")) is None


def test_custom_rules():
    custom = {"api_max_tokens": caveats.at_most("tokens"), "api_methods": caveats.one_of("method")}
    requirement = Requirement("api", custom=custom)

    def ask(*conditions, **facts):
        return check(GOOD, *conditions, requirement=requirement, context=Context(0, facts))

    assert ask("api_max_tokens=10", tokens=10) is None
    assert ask("api_max_tokens=10", tokens=11) == "caveat_denies"
    assert ask("api_max_tokens=10") == "caveat_denies"
    assert ask("api_max_tokens=10", "api_max_tokens=11", tokens=1) == "widened_caveat"
    assert ask("api_methods=GET,HEAD", method="GET") is None
    assert ask("api_methods=GET,HEAD", method="POST") == "caveat_denies"
    assert ask(tokens=10**9) is None


def test_third_party_caveats_and_bad_bytes():
    requirement = Requirement("api")
    assert requirement.check([Caveat(b"services=api:0", b"vid")], NOW).code == "bad_caveat"
    assert requirement.check([Caveat(b"services=api:0"), Caveat(b"\xff=1")], NOW).code == "bad_caveat"


def test_writers_and_readers_agree():
    assert caveats.services_caveat({"api": 0, "web/v1": 255}) == "services=api:0,web/v1:255"
    assert caveats.parse_services("api:0,web/v1:255") == {"api": 0, "web/v1": 255}
    assert caveats.capabilities_caveat("api", ["r", "w"]) == "api_capabilities=r,w"
    assert caveats.valid_until_caveat("api", 7) == "api_valid_until=7"


@pytest.mark.parametrize("name", ["", "a,b", "a:b", "a=b", "a b", "ü", "a\n"])
def test_names_that_would_not_parse(name):
    for make in (
        lambda: caveats.services_caveat({name: 0}),
        lambda: caveats.capabilities_caveat(name, []),
        lambda: caveats.capabilities_caveat("api", [name]),
        lambda: caveats.valid_until_caveat(name, 1),
        lambda: Requirement(name),
    ):
        with pytest.raises(InputError, match="cannot stand in a caveat"):
            make()


def test_tiers_out_of_range():
    for tier in (-1, 256):
        with pytest.raises(InputError, match="outside 0-255"):
            Requirement("api", tier=tier)
        with pytest.raises(InputError, match="outside 0-255"):
            caveats.services_caveat({"api": tier})
