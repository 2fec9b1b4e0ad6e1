"""Whatever bytes come in, the codecs answer or raise InputError; what we write, we read."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnherd.errors import InputError
from lnherd.l402 import bech32, bolt11, headers, macaroon
from lnherd.l402.bitcoin import P2PKH, P2SH, Fallback, Network
from lnherd.l402.bolt11_fields import Feature, Hop, read_fields

DIGITS = st.text(bech32.DIGITS)
HASHES = st.binary(min_size=32, max_size=32)
KEYS = st.integers(1, 2**250).map(lambda number: number.to_bytes(32))
FALLBACKS = st.one_of(
    st.builds(Fallback, st.sampled_from([0, P2PKH, P2SH]), st.binary(min_size=20, max_size=20)),
    st.builds(Fallback, st.sampled_from([0, 1]), st.binary(min_size=32, max_size=32)),
    st.builds(Fallback, st.integers(2, 16), st.binary(min_size=2, max_size=40)),
)
HOPS = st.builds(
    Hop,
    st.binary(min_size=33, max_size=33),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**16 - 1),
)
OPTIONAL_BITS = st.sets(st.sampled_from(Feature).map(lambda feature: feature + 1))
INVOICES = st.builds(
    bolt11.Invoice,
    network=st.sampled_from(Network),
    amount_msat=st.none() | st.integers(1, 21 * 10**17),
    timestamp_s=st.integers(0, 2**35 - 1),
    payment_hash=HASHES,
    payment_secret=HASHES,
    description=st.text(max_size=150),
    expiry_s=st.integers(1, 2**60 - 1),
    min_final_cltv_delta=st.integers(1, 2**60 - 1),
    fallbacks=st.lists(FALLBACKS, max_size=3).map(tuple),
    routes=st.lists(st.lists(HOPS, min_size=1, max_size=3).map(tuple), max_size=2).map(tuple),
    features=OPTIONAL_BITS.map(lambda bits: sum(1 << bit for bit in bits) | bolt11.DEFAULT_FEATURES),
    metadata=st.none() | st.binary(max_size=60),
)


@given(INVOICES, KEYS, st.permutations(bolt11.FIELD_ORDER), st.booleans())
def test_what_is_signed_is_read(invoice, key, order, name_payee):
    signed = bolt11.sign(invoice, key, order=order, name_payee=name_payee)
    assert bolt11.decode(signed.text) == signed
    assert signed.payee == bolt11.node_id(key)


@given(INVOICES, KEYS, st.data())
def test_any_altered_digit_is_noticed(invoice, key, data):
    """With the checksum made good again, the signature (or a rule) must still tell."""
    signed = bolt11.sign(invoice, key, name_payee=True)
    prefix, digits, _ = bech32.decode(signed.text)
    place = data.draw(st.integers(0, len(digits) - 3))  # the last two digits are the recovery id
    digit = data.draw(st.sampled_from(bech32.DIGITS).filter(lambda digit: digit != digits[place]))
    altered = bech32.encode(prefix, digits[:place] + digit + digits[place + 1 :])
    try:
        read = bolt11.decode(altered)
    except InputError:
        return
    assert read.payee != signed.payee  # the n field itself was broken, so the payee was recovered


@given(
    st.text()
    | st.text("lnbcrt1qpzry9x8gf2tvdw0s3j54kh", max_size=300)
    | st.binary().map(lambda raw: raw.decode("latin-1"))
)
def test_nonsense_is_refused(text):
    with pytest.raises(InputError):
        bolt11.decode(text)


@given(DIGITS, st.sampled_from(["lnbc1u", "lntb", "lnbcrt25m", "ln", "lnbc10p"]))
def test_any_digits_under_a_good_checksum(digits, human_part):
    try:
        bolt11.decode(bech32.encode(human_part, digits + "0" * 104))
    except InputError as error:
        assert str(error)


@given(DIGITS)
def test_fields_of_any_digits(digits):
    try:
        read_fields(digits)
    except InputError as error:
        assert str(error)


@given(st.binary(max_size=80))
def test_bytes_round_trip(data):
    assert bech32.to_bytes(bech32.from_bytes(data)) == data


@given(FALLBACKS, st.sampled_from(Network))
def test_addresses_round_trip(fallback, network):
    assert Fallback.from_address(fallback.address(network), network) == fallback


@given(st.text(max_size=100), st.sampled_from(Network))
def test_any_text_as_an_address(text, network):
    try:
        Fallback.from_address(text, network)
    except InputError as error:
        assert str(error)


@given(st.text(max_size=2_000))
def test_description_hash(text):
    invoice = bolt11.Invoice(
        Network.MAINNET, None, 0, bytes(32), bytes(32), None, sha256(text.encode("utf-8", "replace")).digest()
    )
    assert invoice.describes(text.encode("utf-8", "replace").decode())


CONDITIONS = st.lists(st.text(max_size=200), max_size=4).map(tuple)


@given(HASHES, st.binary(max_size=200), CONDITIONS, st.text(max_size=150))
def test_macaroons_round_trip_and_verify(root, identifier, conditions, location):
    minted = macaroon.mint(root, identifier, conditions, location)
    assert macaroon.decode(minted.encode()) == minted
    assert macaroon.from_text(minted.to_text()) == minted
    assert macaroon.verify(minted, macaroon.signing_key(root))


@given(HASHES, CONDITIONS, st.data())
def test_any_altered_byte_of_a_macaroon_is_noticed(root, conditions, data):
    raw = bytearray(macaroon.mint(root, bytes(66), conditions, "").encode())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        altered = macaroon.decode(bytes(raw))
    except InputError:
        return
    assert not macaroon.verify(altered, macaroon.signing_key(root))


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda raw: b"\x02" + raw))
def test_any_bytes_as_a_macaroon(data):
    try:
        assert macaroon.decode(data).encode()
    except InputError as error:
        assert str(error)


HEADER_SOUP = st.lists(
    st.sampled_from(
        [
            "L402",
            "LSAT",
            "Basic",
            " ",
            ",",
            "=",
            '"',
            "\\",
            ":",
            "token",
            "macaroon",
            "invoice",
            "AgE=",
            "0" * 64,
            "\t",
            "é",
        ]
    )
).map("".join)


@given(st.lists(st.text(max_size=100) | HEADER_SOUP, max_size=3), st.lists(st.text(max_size=50), max_size=2))
def test_any_headers(values, macaroons):
    for challenge in headers.read_challenges(values):
        assert challenge.token and challenge.invoice
    for credential in headers.read_credentials(values, macaroons):
        assert isinstance(credential, headers.Credential | headers.Malformed)


PARAMETER = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60)


@given(PARAMETER, PARAMETER)
def test_challenges_round_trip_whatever_they_hold(token, invoice):
    values = [value for _, value in headers.challenge_headers(token, invoice)]
    assert headers.read_challenges(values) == [headers.Challenge(token, invoice)]
    assert headers.read_challenges([", ".join(values)]) == [headers.Challenge(token, invoice)]


@given(HASHES, CONDITIONS, HASHES)
def test_credentials_round_trip(root, conditions, preimage):
    minted = macaroon.mint(root, bytes(66), conditions)
    value = headers.authorization(minted.to_text(), preimage)
    assert headers.read_credentials([value]) == [headers.Credential((minted,), preimage)]
