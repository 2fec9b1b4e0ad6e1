import base64

import pytest
from pymacaroons import Macaroon as Oracle
from pymacaroons import Verifier
from pymacaroons.serializers import BinarySerializer

from lnherd.errors import InputError
from lnherd.l402 import macaroon
from lnherd.l402.macaroon import Caveat, Identifier, Macaroon

ROOT = b"\x07" * 32
IDENTIFIER = Identifier(b"\x01" * 32, b"\x02" * 32)
# The bytes which npm macaroon 3.0.4 (by the author of Go's macaroon.v2) and pymacaroons 0.13 agree on.
VECTOR = bytes.fromhex(
    "0201046c73617402420000" + "01" * 32 + "02" * 32 + "00020e73657276696365733d7376633a3000000620"
    "8cd3276e26bb51337352d94b4326c09368b3fc66525451ee706cc31e982b234f"
)


def oracle(conditions=(), location="lsat"):
    made = Oracle(location=location, identifier=IDENTIFIER.encode(), key=ROOT, version=2)
    for condition in conditions:
        made.add_first_party_caveat(condition)
    return made


def oracle_bytes(made):
    return BinarySerializer().serialize_raw(made)


def test_the_published_vector_byte_for_byte():
    minted = macaroon.mint(ROOT, IDENTIFIER.encode(), ("services=svc:0",))
    assert len(VECTOR) == 128
    assert minted.encode() == VECTOR
    assert macaroon.decode(VECTOR) == minted
    assert minted.to_text() == base64.b64encode(VECTOR).decode()


@pytest.mark.parametrize(
    "conditions", [(), ("a=b",), ("services=x:0", "x_valid_until=1", "x_capabilities=r,w"), ("y" * 200,)]
)
@pytest.mark.parametrize(
    "location", ["l", "lsat", "https://example.org/" + "p" * 120]
)  # pymacaroons writes an empty one
def test_byte_equal_to_pymacaroons(conditions, location):
    minted = macaroon.mint(ROOT, IDENTIFIER.encode(), conditions, location)
    theirs = oracle(conditions, location=location)
    assert minted.encode() == oracle_bytes(theirs)
    assert minted.signature.hex() == theirs.signature


def test_pymacaroons_verifies_ours_and_we_theirs():
    verifier = Verifier()
    verifier.satisfy_exact("services=svc:0")
    ours = macaroon.mint(ROOT, IDENTIFIER.encode(), ("services=svc:0",))
    assert verifier.verify(Oracle.deserialize(base64.urlsafe_b64encode(ours.encode()).decode()), ROOT)
    theirs = macaroon.decode(oracle_bytes(oracle(("services=svc:0", "anything=1"))))
    assert macaroon.verify(theirs, macaroon.signing_key(ROOT))


def test_a_holder_can_add_but_neither_alter_nor_remove():
    key = macaroon.signing_key(ROOT)
    minted = macaroon.mint(ROOT, IDENTIFIER.encode(), ("a=1", "b=2"))
    assert macaroon.verify(minted, key)
    assert macaroon.verify(minted.restrict("c=3", "d=4"), key)
    assert minted.restrict("c=3").restrict("d=4") == minted.restrict("c=3", "d=4")
    assert not macaroon.verify(minted._replace(caveats=minted.caveats[:1]), key)
    assert not macaroon.verify(minted._replace(caveats=minted.caveats[::-1]), key)
    assert not macaroon.verify(minted._replace(caveats=(Caveat(b"a=9"), minted.caveats[1])), key)
    assert not macaroon.verify(minted._replace(identifier=Identifier(b"\x03" * 32, b"\x02" * 32).encode()), key)
    assert not macaroon.verify(minted, macaroon.signing_key(b"\x08" * 32))


def test_third_party_caveats_are_read_and_not_accepted():
    theirs = oracle(("a=1",))
    theirs.add_third_party_caveat("https://elsewhere", "secret", "what")
    read = macaroon.decode(oracle_bytes(theirs))
    assert read.encode() == oracle_bytes(theirs)
    assert read.caveats[1].verification_id
    assert read.caveats[1].location == b"https://elsewhere"
    assert not macaroon.verify(read, macaroon.signing_key(ROOT))
    chain = macaroon._chain(macaroon.mint(ROOT, IDENTIFIER.encode()).signature, read.caveats)
    assert chain == read.signature


@pytest.mark.parametrize("text", ["std", "unpadded", "url"])
def test_text_in_every_base64(text):
    minted = macaroon.mint(b"\xff" * 32, b"\xfb\xff\xfe" * 22)
    raw = minted.encode()
    written = {
        "std": base64.b64encode(raw).decode(),
        "unpadded": base64.b64encode(raw).decode().rstrip("="),
        "url": base64.urlsafe_b64encode(raw).decode(),
    }[text]
    assert macaroon.from_text(written) == minted


@pytest.mark.parametrize("cut", range(128))
def test_every_cut_is_refused(cut):
    with pytest.raises(InputError):
        macaroon.decode(VECTOR[:cut])


@pytest.mark.parametrize(
    "data",
    [
        b"\x01" + VECTOR[1:],
        VECTOR + b"\0",
        bytes([2, 2, 0x80, 0x80, 1]) + VECTOR,
        bytes([2, 6, 0, 0]),
        bytes([2, 2, 1, 65, 4, 1, 65, 9]),
        bytes([2, 2, 1, 65, 0, 0, 2, 1, 65]),
        bytes([2, 2, 1, 65, 0, 0, 6, 1, 65]),
        b"\x02" + b"\xff" * macaroon.MAX_BYTES,
    ],
)
def test_malformed_bytes_are_refused(data):
    with pytest.raises(InputError):
        macaroon.decode(data)


@pytest.mark.parametrize("text", ["", "!", "AgE", "é", "A" * 5, "MDAxY2xvY2F0aW9uIGh0dHA6Ly8="])
def test_malformed_text_is_refused(text):
    with pytest.raises(InputError):
        macaroon.from_text(text)


def test_a_field_too_long_to_write():
    with pytest.raises(InputError, match="at most"):
        Macaroon(b"x" * (1 << 14), bytes(32)).encode()


def test_identifier():
    assert Identifier.decode(IDENTIFIER.encode()) == IDENTIFIER
    for data in (b"", IDENTIFIER.encode()[:-1], b"\0\1" + IDENTIFIER.encode()[2:], IDENTIFIER.encode() + b"x"):
        with pytest.raises(InputError, match="version 0"):
            Identifier.decode(data)
