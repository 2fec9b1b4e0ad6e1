import json
import math
from hashlib import sha256

import pytest

from lnherd.errors import InputError, InvariantError
from lnherd.l402 import caveats, headers, macaroon
from lnherd.l402.macaroon import Identifier, Macaroon
from lnherd.l402.offers import Offer, TokenRecord
from lnherd.l402.server_flow import ACCEPTS, TRANSITIONS, ServerConfig, ServerFlow, State, token_key
from lnherd.l402.server_steps import (
    Allow,
    Basis,
    CheckSettled,
    Denied,
    FindToken,
    Issued,
    IssueInvoice,
    Request,
    Respond,
    Saved,
    SaveToken,
    Settlement,
    Spend,
    Spent,
    Token,
)

NOW = 1_700_000_000.0
PREIMAGE = b"\x05" * 32
HASH = sha256(PREIMAGE).digest()
IDENTIFIER = Identifier(HASH, b"\x02" * 32)
KEY = token_key(IDENTIFIER.encode())
ROOT = b"\x07" * 32
RECORD = TokenRecord(ROOT, "api", 10_000, NOW - 60)
OFFER = Offer(10_000, "api")
MINTED = macaroon.mint(ROOT, IDENTIFIER.encode(), OFFER.conditions(NOW))
GOOD = headers.authorization(MINTED.to_text(), PREIMAGE)


def entropy(n):
    return b"\x09" * n


def flow(offer=OFFER, config=None):
    return ServerFlow(offer, entropy, config)


ISSUED = Issued("lnbc1x", b"\x01" * 32)


def run(server, request, *, records=None, settled=True, units_left=5, invoice=ISSUED):
    """Drive a flow to its decision; gives the decision and all steps on the way."""
    records = {KEY: RECORD} if records is None else records
    steps = []
    event = request
    while True:
        step = server.receive(event)
        steps.append(step)
        match step:
            case FindToken(key):
                event = Token(records.get(key))
            case CheckSettled():
                event = Settlement(settled)
            case Spend():
                event = Spent(units_left)
            case IssueInvoice():
                event = invoice
            case SaveToken():
                event = Saved()
            case _:
                assert server.state is State.DONE
                return step, steps


def ask(*authorization, **options):
    offer, config = options.pop("offer", OFFER), options.pop("config", None)
    return run(flow(offer, config), Request(NOW, authorization), **options)


def reason(*authorization, **options):
    decision, _ = ask(*authorization, **options)
    assert isinstance(decision, Respond)
    assert decision.status == 402
    assert json.loads(decision.body)["reason"] == decision.reason
    return decision.reason


def test_without_a_credential_there_is_a_challenge():
    decision, steps = ask(offer=Offer(1_500, "api", valid_for_s=60, units=3, description="three answers"))
    assert [type(step) for step in steps] == [IssueInvoice, SaveToken, Respond]
    assert steps[0] == IssueInvoice(1_500, "three answers", 600)
    assert steps[1].record == TokenRecord(entropy(32), "api", 1_500, NOW, NOW + 60, 3)
    assert decision.status == 402
    body = json.loads(decision.body)
    assert body == {
        "error": "payment_required",
        "reason": "payment_required",
        "message": "this resource is paid for over Lightning",
        "macaroon": body["macaroon"],
        "invoice": "lnbc1x",
        "payment_hash": "01" * 32,
        "amount_msat": 1_500,
        "price_sats": 2,
        "service": "api",
        "units": 3,
        "expires_at": int(NOW) + 60,
    }
    lines = [value for name, value in decision.headers if name == "WWW-Authenticate"]
    assert headers.read_challenges(lines) == [headers.Challenge(body["macaroon"], "lnbc1x")]
    assert ("Cache-Control", "no-store") in decision.headers
    minted = macaroon.from_text(body["macaroon"])
    assert minted.identifier == Identifier(b"\x01" * 32, entropy(32)).encode()
    assert token_key(minted.identifier) == steps[1].key
    assert macaroon.verify(minted, macaroon.signing_key(steps[1].record.root_key))
    assert [c.condition.decode() for c in minted.caveats] == ["services=api:0", f"api_valid_until={int(NOW) + 60}"]


def test_a_paid_token_opens_the_route():
    decision, steps = ask(GOOD)
    assert [type(step) for step in steps] == [FindToken, Allow]
    claims = decision.claims
    assert claims.key == KEY
    assert claims.payment_hash == HASH.hex()
    assert claims.token_id == "02" * 32
    assert (claims.service, claims.price_msat, claims.units_left, claims.expires_s) == ("api", 10_000, None, None)
    assert claims.conditions == ("services=api:0",)


def test_every_carrier_is_read():
    assert isinstance(ask("Basic eA==", GOOD)[0], Allow)
    assert isinstance(ask(f"Bearer x, {GOOD}")[0], Allow)
    carried = MINTED.restrict(f"preimage={PREIMAGE.hex()}").encode().hex()
    decision, _ = run(flow(), Request(NOW, (), (carried,)))
    assert isinstance(decision, Allow)


def with_conditions(*conditions):
    return headers.authorization(macaroon.mint(ROOT, IDENTIFIER.encode(), conditions).to_text(), PREIMAGE)


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        ("L402 nonsense", "malformed_credential"),
        (headers.authorization(MINTED.to_text(), b"\x06" * 32), "wrong_preimage"),
        (headers.authorization(macaroon.mint(ROOT, b"short").to_text(), PREIMAGE), "malformed_credential"),
        (
            headers.authorization(macaroon.mint(ROOT, Identifier(HASH, bytes(32)).encode()).to_text(), PREIMAGE),
            "unknown_token",
        ),
        (headers.authorization(macaroon.mint(b"x" * 32, IDENTIFIER.encode()).to_text(), PREIMAGE), "bad_signature"),
        (headers.authorization(Macaroon(IDENTIFIER.encode(), bytes(32)).to_text(), PREIMAGE), "bad_signature"),
        (with_conditions(), "wrong_service"),
        (with_conditions("services=other:0"), "wrong_service"),
        (with_conditions("services=api:0", "api_valid_until=1"), "token_expired"),
        (with_conditions("services=api:0", "services=api:9"), "widened_caveat"),
        (with_conditions("services=api:0", "junk"), "bad_caveat"),
    ],
)
def test_bad_credentials_get_a_fresh_challenge_and_the_reason(credential, expected):
    assert reason(credential) == expected


def test_holders_may_restrict_but_not_extend():
    restricted = MINTED.restrict(f"api_valid_until={int(NOW) + 10}")
    assert isinstance(ask(headers.authorization(restricted.to_text(), PREIMAGE))[0], Allow)
    extended = MINTED.restrict("services=api:0,admin:255")
    assert reason(headers.authorization(extended.to_text(), PREIMAGE)) == "widened_caveat"


def test_expired_and_revoked_records():
    assert reason(GOOD, records={KEY: RECORD._replace(expires_s=NOW)}) == "token_expired"
    assert reason(GOOD, records={}) == "unknown_token"


def test_capabilities_and_custom_rules():
    granted = with_conditions("services=api:0", caveats.capabilities_caveat("api", ["read"]))
    assert isinstance(ask(granted, offer=Offer(1, "api", capability="read"))[0], Allow)
    assert reason(granted, offer=Offer(1, "api", capability="write")) == "wrong_capability"
    limited = with_conditions("services=api:0", "api_max_tokens=10")
    rules = {"api_max_tokens": caveats.at_most("tokens")}
    assert isinstance(ask(limited, offer=Offer(1, "api", rules=rules, facts={"tokens": 10}))[0], Allow)
    assert reason(limited, offer=Offer(1, "api", rules=rules, facts={"tokens": 11})) == "caveat_denies"


def test_prices_that_rise_only_matter_where_asked():
    assert isinstance(ask(GOOD, offer=Offer(20_000, "api"))[0], Allow)
    assert reason(GOOD, offer=Offer(20_000, "api", at_current_price=True)) == "price_rose"
    assert isinstance(ask(GOOD, offer=Offer(10_000, "api", at_current_price=True))[0], Allow)


def test_settlement_can_be_checked():
    config = ServerConfig(check_settlement=True)
    decision, steps = ask(GOOD, config=config)
    assert isinstance(decision, Allow)
    assert CheckSettled(HASH) in steps
    assert reason(GOOD, config=config, settled=False) == "not_settled"


def test_units_are_spent():
    records = {KEY: RECORD._replace(units=5)}
    decision, steps = ask(GOOD, offer=Offer(1, "api", units=5, cost=2), records=records, units_left=3)
    assert Spend(KEY, 2) in steps
    assert decision.claims.units_left == 3
    assert reason(GOOD, records=records, units_left=None) == "used_up"
    _, steps = ask(GOOD, config=ServerConfig(check_settlement=True), records=records)
    assert [type(step) for step in steps] == [FindToken, CheckSettled, Spend, Allow]


USED = RECORD._replace(used=True)
UNTIL_90 = with_conditions(*OFFER.conditions(NOW), f"api_valid_until={int(NOW) + 90}")


@pytest.mark.parametrize(
    ("credential", "record", "options", "until_s"),
    [
        (GOOD, USED, {}, math.inf),
        (GOOD, USED._replace(expires_s=NOW + 60), {}, NOW + 60),
        (UNTIL_90, USED, {}, NOW + 90),
        (UNTIL_90, USED._replace(expires_s=NOW + 60), {}, NOW + 60),
        (GOOD, RECORD, {}, None),
        (GOOD, USED._replace(units=9), {}, None),
        (f"L402 AgE=:{'0' * 64}, {GOOD}", USED, {}, None),
        (GOOD, USED, {"config": ServerConfig(check_settlement=True)}, None),
        (GOOD, USED, {"offer": Offer(10_000, "api", at_current_price=True)}, None),
        (GOOD, USED, {"offer": Offer(10_000, "api", rules={"api_max": caveats.at_most("size")})}, None),
    ],
)
def test_a_decision_says_what_it_rests_on(credential, record, options, until_s):
    decision, _ = ask(credential, records={KEY: record}, **options)
    assert isinstance(decision, Allow)
    assert decision.basis == (None if until_s is None else Basis(record, until_s))


def test_the_second_credential_is_tried_when_the_first_is_bad():
    decision, steps = ask(with_conditions("services=other:0"), "L402 junk", GOOD)
    assert isinstance(decision, Allow)
    assert [type(step) for step in steps] == [FindToken, FindToken, Allow]
    units = {KEY: RECORD._replace(units=1)}
    _, steps = ask(GOOD, GOOD, records=units, units_left=None)
    assert [type(step) for step in steps] == [FindToken, Spend, FindToken, Spend, IssueInvoice, SaveToken, Respond]


def test_malformed_can_be_answered_with_400_and_no_invoice():
    config = ServerConfig(malformed_status=400)
    decision, steps = ask("L402 junk", config=config)
    assert decision.status == 400
    assert steps == [decision]
    assert isinstance(ask("L402 junk", GOOD, config=config)[0], Allow)
    assert ask("Basic x", config=config)[0].status == 402


def test_no_invoice_no_challenge():
    decision, steps = ask(invoice=Denied(429, "too many unpaid invoices", 30))
    assert decision.status == 429
    assert ("Retry-After", "30") in decision.headers
    assert json.loads(decision.body)["message"] == "too many unpaid invoices"
    assert [type(step) for step in steps] == [IssueInvoice, Respond]


def test_the_tables_agree_with_each_other():
    assert set(ACCEPTS) == set(TRANSITIONS) == set(State)
    for steps in TRANSITIONS.values():
        for step, state in steps.items():
            assert (state is State.DONE) == (step in (Allow, Respond))
    reachable = {State.START} | {state for steps in TRANSITIONS.values() for state in steps.values()}
    assert reachable == set(State)


@pytest.mark.parametrize("event", [Token(None), Settlement(True), Spent(1), Saved(), Issued("x", b""), Denied(503, "")])
def test_events_out_of_turn_are_a_bug_of_the_shell(event):
    with pytest.raises(InvariantError, match="START"):
        flow().receive(event)
    finished = flow()
    run(finished, Request(NOW))
    for late in (event, Request(NOW)):
        with pytest.raises(InvariantError, match="DONE"):
            finished.receive(late)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Offer(0, "api"),
        lambda: Offer(1, "a b"),
        lambda: Offer(1, "api", tier=256),
        lambda: Offer(1, "api", units=1, cost=2),
        lambda: Offer(1, "api", units=1, cost=0),
        lambda: ServerConfig(invoice_expiry_s=0),
        lambda: ServerConfig(malformed_status=500),
    ],
)
def test_impossible_settings_are_refused(make):
    with pytest.raises(InputError):
        make()
