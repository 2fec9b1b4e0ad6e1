import json
from dataclasses import replace
from hashlib import sha256

import pytest

from lnherd.errors import InputError, InvariantError
from lnherd.l402 import bolt11, headers, macaroon
from lnherd.l402.bitcoin import Network
from lnherd.l402.client_flow import ACCEPTS, TRANSITIONS, ClientFlow, ClientPolicy, State, stated_price_msat
from lnherd.l402.client_steps import (
    Answer,
    Begin,
    Deliver,
    Forget,
    Forgotten,
    Granted,
    Keep,
    Kept,
    Origin,
    Paid,
    Pay,
    PaymentFailed,
    Refuse,
    Reserve,
    Send,
    Shared,
    Withheld,
)
from lnherd.l402.macaroon import Identifier

NOW = 1_700_000_000.0
HERE = Origin("https", "api.example.org", 443)
THERE = Origin("https", "evil.example.org", 443)
PREIMAGE = b"\x05" * 32
HASH = sha256(PREIMAGE).digest()
POLICY = ClientPolicy(Network.REGTEST)


def invoice(**changes):
    fields = {
        "network": Network.REGTEST,
        "amount_msat": 10_000,
        "timestamp_s": int(NOW),
        "payment_hash": HASH,
        "payment_secret": bytes(32),
        "description": "an answer",
    }
    return bolt11.sign(bolt11.Invoice(**(fields | changes)), b"\x01" * 32).text


TOKEN = macaroon.mint(b"r" * 32, Identifier(HASH, b"\x02" * 32).encode(), ("services=api:0",)).to_text()
CREDENTIAL = headers.authorization(TOKEN, PREIMAGE)
OK = Answer(NOW, HERE, 200)


def challenge(text=None, token=TOKEN, origin=HERE, body=b""):
    values = [value for _, value in headers.challenge_headers(token, text or invoice())]
    return Answer(NOW, origin, 402, values, body)


def talk(client, *events):
    """Feed events one by one; gives the last step."""
    for event in events:
        step = client.receive(event)
    return step


def refusal(answer, policy=POLICY, origin=HERE):
    step = talk(ClientFlow(policy), Begin(origin), answer)
    assert isinstance(step, Refuse), step
    assert step.message
    return step.code


def test_a_purchase_from_beginning_to_end():
    client = ClientFlow(POLICY)
    assert client.receive(Begin(HERE)) == Send(None)
    assert client.receive(challenge()) == Reserve(HERE, 10_000, 10_000, HASH, headers.Challenge(TOKEN, invoice()), True)
    assert client.receive(Granted()) == Pay(invoice(), 10_000, 10_000, HASH)
    assert client.receive(Paid(PREIMAGE, 7)) == Keep(HERE, CREDENTIAL, HASH, 7)
    assert client.receive(Kept()) == Send(CREDENTIAL)
    assert client.receive(OK) == Deliver()
    assert client.state is State.DONE


def test_what_costs_nothing_is_delivered():
    for answer in (OK, Answer(NOW, HERE, 402), Answer(NOW, HERE, 402, ['Basic realm="x"']), Answer(NOW, THERE, 500)):
        assert talk(ClientFlow(POLICY), Begin(HERE), answer) == Deliver()


def test_a_stored_token_is_used():
    client = ClientFlow(POLICY)
    assert client.receive(Begin(HERE, CREDENTIAL)) == Send(CREDENTIAL)
    assert client.receive(OK) == Deliver()


def test_a_stored_token_that_is_no_longer_honoured_is_forgotten_and_replaced():
    client = ClientFlow(POLICY)
    assert talk(client, Begin(HERE, "L402 old:00"), challenge()) == Forget("L402 old:00")
    assert isinstance(client.receive(Forgotten()), Reserve)


def test_a_402_after_paying_ends_it():
    client = ClientFlow(POLICY)
    step = talk(client, Begin(HERE), challenge(), Granted(), Paid(PREIMAGE), Kept(), challenge())
    assert (step.code, client.state) == ("not_honoured", State.DONE)


def test_somebody_elses_purchase_is_tried_once():
    client = ClientFlow(POLICY)
    assert talk(client, Begin(HERE), challenge(), Shared(CREDENTIAL)) == Send(CREDENTIAL)
    assert client.receive(challenge()) == Forget(CREDENTIAL)
    reserve = client.receive(Forgotten())
    assert isinstance(reserve, Reserve)
    assert not reserve.shareable
    assert talk(client, Granted(), Paid(PREIMAGE), Kept(), OK) == Deliver()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (challenge(invoice(payment_hash=b"\x06" * 32)), "wrong_hash"),
        (challenge(invoice(network=Network.MAINNET)), "wrong_network"),
        (challenge(invoice(timestamp_s=int(NOW) - 3600)), "invoice_expired"),
        (challenge(invoice(expiry_s=5)), "invoice_expired"),
        (challenge(invoice(amount_msat=None)), "no_amount"),
        (challenge(invoice(amount_msat=50_000_000)), "too_expensive"),
        (challenge(body=b'{"price_sats": 1}'), "price_mismatch"),
        (challenge(body=b'{"amount_msat": 9999, "price_sats": 10}'), "price_mismatch"),
        (challenge("lnbcrt1junk"), "bad_invoice"),
        (challenge(origin=THERE), "redirected"),
        (challenge(origin=HERE._replace(scheme="http", port=80)), "redirected"),
    ],
)
def test_adversaries_cost_nothing(answer, code):
    assert refusal(answer) == code


def test_a_redirected_402_does_not_cost_the_stored_token():
    step = talk(ClientFlow(POLICY), Begin(HERE, CREDENTIAL), challenge(origin=THERE))
    assert step.code == "redirected"


def test_the_stated_price_may_equal_or_exceed_the_invoice():
    for body in (b'{"price_sats": 10}', b'{"amount_msat": 10000}', b'{"price_sats": 11}', b"{}", b"[1]", b"nonsense"):
        assert isinstance(talk(ClientFlow(POLICY), Begin(HERE), challenge(body=body)), Reserve)


def test_allow_list():
    policy = replace(POLICY, allowed_hosts=frozenset({"api.example.org"}))
    assert isinstance(talk(ClientFlow(policy), Begin(HERE), challenge()), Reserve)
    assert refusal(challenge(origin=THERE), policy, THERE) == "host_not_allowed"


@pytest.mark.parametrize(
    ("host", "pays"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("x.onion", True),
        ("api.localhost", True),
        ("example.org", False),
        ("127.0.0.1.evil.org", False),
        ("127.evil.example.org", False),
        ("localhost.evil.org", False),
    ],
)
def test_plain_http_only_where_nobody_listens(host, pays):
    origin = Origin("http", host, 80)
    step = talk(ClientFlow(POLICY), Begin(origin), challenge(origin=origin))
    assert isinstance(step, Reserve) if pays else step.code == "insecure"
    relaxed = replace(POLICY, https_only=False)
    assert isinstance(talk(ClientFlow(relaxed), Begin(origin), challenge(origin=origin)), Reserve)


def test_opaque_tokens():
    answer = challenge(token="eyJoYXNoIjoieCJ9")
    assert isinstance(talk(ClientFlow(POLICY), Begin(HERE), answer), Reserve)
    assert refusal(answer, replace(POLICY, opaque_tokens=False)) == "opaque_token"


def test_the_first_good_offer_is_taken():
    dear = f'L402 token="{TOKEN}", invoice="{invoice(amount_msat=10**9)}"'
    cheap = f'L402 token="{TOKEN}", invoice="{invoice()}"'
    step = talk(ClientFlow(POLICY), Begin(HERE), Answer(NOW, HERE, 402, [dear, cheap]))
    assert step.amount_msat == 10_000


def test_servers_that_only_know_lsat_are_answered_so():
    client = ClientFlow(POLICY)
    answer = Answer(NOW, HERE, 402, [f'LSAT macaroon="{TOKEN}", invoice="{invoice()}"'])
    keep = talk(client, Begin(HERE), answer, Granted(), Paid(PREIMAGE))
    assert keep.authorization == CREDENTIAL.replace("L402", "LSAT")


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([Withheld("over_budget", "the hour is spent")], "over_budget"),
        ([Granted(), PaymentFailed("no route")], "payment_failed"),
        ([Granted(), PaymentFailed("still on its way", pending=True)], "payment_pending"),
        ([Granted(), Paid(b"\x06" * 32)], "wrong_preimage"),
        ([Granted(), Paid(b"")], "wrong_preimage"),
    ],
)
def test_what_can_go_wrong_after_the_challenge(events, code):
    step = talk(ClientFlow(POLICY), Begin(HERE), challenge(), *events)
    assert step.code == code


@pytest.mark.parametrize(
    ("body", "price"),
    [
        (b'{"amount_msat": 5}', 5),
        (b' {"price_sats": 2, "amount_msat": 2500}', 2_000),
        (b'{"price_sat": 0.5}', 500),
        (b'{"price_sats": true}', None),
        (b'{"price_sats": "7"}', None),
        (b'{"price_sats": -7}', None),
        (b'{"price_sats": NaN}', None),
        (b'{"price_sats": Infinity}', None),
        (b'{"price_sats": 1' + b"0" * 5000 + b"}", None),
        (b'{"price_sats": 1e300}', None),
        (b"[" * 50_000, None),
        (b'{"a":' * 10_000, None),
        (b"\xff\xfe{", None),
        (b"{\xff", None),
        (json.dumps({"price_sats": 1, "pad": "x" * 70_000}).encode(), None),
    ],
)
def test_stated_prices(body, price):
    assert stated_price_msat(body) == price


def test_the_tables_agree_with_each_other():
    assert set(ACCEPTS) == set(TRANSITIONS) == set(State)
    for steps in TRANSITIONS.values():
        for step, state in steps.items():
            assert (state is State.DONE) == (step in (Deliver, Refuse))
    assert {State.START} | {state for steps in TRANSITIONS.values() for state in steps.values()} == set(State)


@pytest.mark.parametrize(
    "event", [OK, Granted(), Paid(PREIMAGE), Kept(), Forgotten(), Shared(""), Withheld("", ""), PaymentFailed("")]
)
def test_events_out_of_turn_are_a_bug_of_the_shell(event):
    with pytest.raises(InvariantError, match="START"):
        ClientFlow(POLICY).receive(event)


def test_policies_are_checked():
    with pytest.raises(InputError):
        ClientPolicy(Network.MAINNET, max_amount_msat=-1)
