import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from lnherd.errors import InputError
from lnherd.l402 import bech32, bolt11
from lnherd.l402.bitcoin import Fallback, Network
from lnherd.l402.bolt11 import Invoice
from lnherd.l402.bolt11_fields import Feature, Hop, write_field

SPEC = json.loads((Path(__file__).parents[2] / "golden" / "bolt11_spec.json").read_text(encoding="utf-8"))
KEY = bytes.fromhex(SPEC["private_key"])
VALID = [pytest.param(vector, id=vector["name"]) for vector in SPEC["valid"]]
REWRITABLE = [pytest.param(vector, id=vector["name"]) for vector in SPEC["valid"] if vector["order"]]
INVALID = [pytest.param(vector, id=vector["name"]) for vector in SPEC["invalid"]]


def expected(vector):
    network = Network(vector["network"])
    hashed = vector["description_of_hash"]
    return Invoice(
        network=network,
        amount_msat=vector["amount_msat"],
        timestamp_s=vector["timestamp_s"],
        payment_hash=bytes.fromhex(vector["payment_hash"]),
        payment_secret=bytes.fromhex(vector["payment_secret"]),
        description=vector["description"],
        description_hash=sha256(hashed.encode()).digest() if hashed else None,
        expiry_s=vector["expiry_s"],
        min_final_cltv_delta=vector["min_final_cltv_delta"],
        fallbacks=tuple(Fallback.from_address(address, network) for address in vector["fallbacks"]),
        routes=tuple(tuple(Hop(bytes.fromhex(hop[0]), *hop[1:]) for hop in route) for route in vector["routes"]),
        features=sum(1 << bit for bit in vector["features"]),
        metadata=bytes.fromhex(vector["metadata"]) if vector["metadata"] else None,
        payee=bytes.fromhex(vector["payee"]),
        text=vector["invoice"].lower(),
    )


def make(**changes):
    fields = {
        "network": Network.REGTEST,
        "amount_msat": 1_000,
        "timestamp_s": 1_700_000_000,
        "payment_hash": bytes(32),
        "payment_secret": bytes(range(32)),
        "description": "one answer",
    }
    return Invoice(**(fields | changes))


def forge(*fields, human_part="lnbcrt10n"):
    """A well-signed invoice made of raw fields ``(letter, digits)``."""
    body = bech32.base32(1_700_000_000, 7) + "".join(write_field(letter, digits) for letter, digits in fields)
    signature = bolt11.PrivateKey(KEY).sign_recoverable(bolt11._digest(human_part, body), hasher=None)
    return bech32.encode(human_part, body + bech32.from_bytes(signature))


HASH = ("p", bech32.from_bytes(bytes(32)))
SECRET = ("s", bech32.from_bytes(bytes(32)))
TEXT = ("d", bech32.from_bytes(b"tea"))
BASE = (HASH, SECRET, TEXT)


@pytest.mark.parametrize("vector", VALID)
def test_decodes_the_examples_of_the_specification(vector):
    assert bolt11.decode(vector["invoice"]) == expected(vector)


@pytest.mark.parametrize("vector", REWRITABLE)
def test_signs_the_examples_of_the_specification_to_the_letter(vector):
    unsigned = replace(expected(vector), payee=b"", text="")
    assert bolt11.sign(unsigned, KEY, order=vector["order"]) == expected(vector)


@pytest.mark.parametrize("vector", INVALID)
def test_refuses_the_invalid_examples_of_the_specification(vector):
    with pytest.raises(InputError, match=vector["says"]):
        bolt11.decode(vector["invoice"])


def test_describes_by_text_and_by_hash():
    assert make().describes("one answer")
    assert not make().describes("two answers")
    hashed = make(description=None, description_hash=sha256(b"a long story").digest())
    assert hashed.describes("a long story")
    assert not hashed.describes("another")


def test_expiry():
    invoice = make(expiry_s=60)
    assert invoice.expires_s == 1_700_000_060
    assert not invoice.expired(1_700_000_059.9)
    assert invoice.expired(1_700_000_060)


def test_uri_prefix_and_surrounding_space():
    signed = bolt11.sign(make(), KEY)
    assert bolt11.decode(f" lightning:{signed.text}\n") == signed
    assert bolt11.decode(f"LIGHTNING:{signed.text.upper()}") == signed


@pytest.mark.parametrize("network", Network)
def test_every_network(network):
    signed = bolt11.sign(make(network=network), KEY)
    assert signed.text.startswith(f"ln{network.value}10n1")
    assert bolt11.decode(signed.text) == signed


@pytest.mark.parametrize(
    ("amount_msat", "written"),
    [(1, "10p"), (99, "990p"), (100, "1n"), (101, "1010p"), (1_000, "10n"), (100_000, "1u"), (100_000_000, "1m"),
     (100_000_000_000, "1"), (110_000_000_000, "1100m"), (21 * 10**17, "21000000"), (None, "")],
)  # fmt: skip
def test_amounts_use_the_shortest_form(amount_msat, written):
    signed = bolt11.sign(make(amount_msat=amount_msat), KEY)
    assert signed.text.startswith(f"lnbcrt{written}1")
    assert bolt11.decode(signed.text).amount_msat == amount_msat


@pytest.mark.parametrize(
    "human_part",
    [
        "lnbcrt0",
        "lnbcrt01u",
        "lnbcrtu",
        "lnbcrt1.5u",
        "lnbcrt-1u",
        "lnxx1u",
        "bcrt1u",
        "lnbcrt1uu",
        "lnbcrt9" + "0" * 30,
    ],
)
def test_bad_human_parts(human_part):
    with pytest.raises(InputError, match="not a known network"):
        bolt11.decode(forge(*BASE, human_part=human_part))


def test_named_payee_is_used_and_checked():
    signed = bolt11.sign(make(), KEY, name_payee=True)
    assert bolt11.decode(signed.text) == signed
    stranger = ("n", bech32.from_bytes(bolt11.node_id(bytes([7] * 32))))
    with pytest.raises(InputError, match="not by the node it names"):
        bolt11.decode(forge(*BASE, stranger))
    with pytest.raises(InputError, match="signature"):
        bolt11.decode(forge(*BASE, ("n", bech32.from_bytes(bytes(33)))))


def test_named_payee_holds_whatever_the_recovery_id_says():
    """The n field replaces recovery, so a wrong recovery id must not matter."""
    prefix, digits, _ = bech32.decode(bolt11.sign(make(), KEY, name_payee=True).text)
    flipped = digits[:-1] + bech32.DIGITS[int(digits[-1], 32) ^ 1]
    assert bolt11.decode(bech32.encode(prefix, flipped)).payee == bolt11.node_id(KEY)


def test_routes_of_several_hops_and_several_routes():
    hop = Hop(bolt11.node_id(KEY), 2**64 - 1, 2**32 - 1, 2**32 - 1, 2**16 - 1)
    invoice = make(routes=((hop,), (hop, hop), (hop,) * 5))
    assert bolt11.decode(bolt11.sign(invoice, KEY).text).routes == invoice.routes


@pytest.mark.parametrize("n_bits", [0, 400, 480, 416])
def test_route_hints_are_whole_hops(n_bits):
    with pytest.raises(InputError, match="whole hops"):
        bolt11.decode(forge(*BASE, ("r", bech32.from_bytes(bytes(n_bits // 8)))))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ((SECRET, TEXT), "payment hash"),
        ((HASH, TEXT), "payment secret"),
        ((HASH, SECRET), "exactly one of a description"),
        ((*BASE, ("h", bech32.from_bytes(bytes(32)))), "exactly one of a description"),
        ((("p", bech32.from_bytes(bytes(31))), SECRET, TEXT), "payment hash"),
        ((("s", bech32.from_bytes(bytes(33))), HASH, TEXT), "payment secret"),
        ((HASH, SECRET, ("d", bech32.from_bytes(b"\xff\xfe"))), "UTF-8"),
        ((*BASE, ("x", "0u")), "shortest form"),
        ((*BASE, ("c", "")), "empty"),
        ((*BASE, ("x", "v" * 13)), "too large"),
        ((*BASE, ("9", "0g80")), "shortest form"),
        ((*BASE, ("9", "1000000")), "feature 30"),
        ((*BASE, ("9", "4000")), "basic_mpp without payment_secret"),
        ((*BASE, ("f", "1" + bech32.from_bytes(bytes(20)))), "version 1 cannot hold 20"),
        ((*BASE, ("m", "1")), "padding"),
    ],
)
def test_forged_fields_are_refused(fields, says):
    with pytest.raises(InputError, match=says):
        bolt11.decode(forge(*fields))


@pytest.mark.parametrize("field", [("q", "123"), ("f", "j0000"), ("f", ""), ("f", "20"), ("n", "0" * 52)])
def test_fields_nobody_knows_are_skipped(field):
    invoice = bolt11.decode(
        forge(*BASE, ("f", "0" + bech32.from_bytes(bytes(20))), field) if field[0] != "q" else forge(*BASE)
    )
    assert invoice.payment_hash == bytes(32)
    assert len(invoice.fallbacks) <= 1


def test_the_first_of_several_counts():
    second = ("p", bech32.from_bytes(bytes([1] * 32)))
    assert bolt11.decode(forge(*BASE, second)).payment_hash == bytes(32)


def test_truncated_fields():
    prefix, digits, _ = bech32.decode(bolt11.sign(make(), KEY).text)
    for cut in (1, 2, 3, 4, 5, 7, 8, 9):  # six digits are the whole last field
        body = digits[: -104 - cut]
        signature = bolt11.PrivateKey(KEY).sign_recoverable(bolt11._digest(prefix, body), hasher=None)
        with pytest.raises(InputError):
            bolt11.decode(bech32.encode(prefix, body + bech32.from_bytes(signature)))


def test_features_that_are_known_are_kept():
    features = sum(1 << feature for feature in Feature) | 1 << 99
    assert bolt11.decode(bolt11.sign(make(features=features), KEY).text).features == features


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"payment_hash": b""}, "32 bytes"),
        ({"description": None}, "exactly one"),
        ({"amount_msat": 0}, "positive amount"),
        ({"timestamp_s": 1 << 35}, "35 bits"),
        ({"expiry_s": 0}, "positive"),
        ({"features": 1 << 100}, "feature 100"),
        ({"description": "x" * 640}, "at most 1023"),
        ({"routes": ((Hop(bytes(33), 1 << 64, 0, 0, 0),),)}, "outside its range"),
    ],
)
def test_unwritable_invoices_are_refused(changes, says):
    with pytest.raises(InputError, match=says):
        bolt11.sign(make(**changes), KEY)


def test_bad_private_keys_are_refused():
    for key in (bytes(32), b"", bytes([255] * 32)):
        with pytest.raises(InputError, match="private key"):
            bolt11.sign(make(), key)
