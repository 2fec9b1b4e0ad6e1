import pytest

from lnherd.errors import InputError
from lnherd.l402 import bech32

# BIP 173 and BIP 350, test vectors (public domain).
VALID = {
    bech32.BECH32: (
        "A12UEL5L",
        "a12uel5l",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
        "?1ezyfcl",
    ),
    bech32.BECH32M: (
        "A1LQFN3A",
        "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
        "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
        "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
        "?1v759aa",
    ),
}
INVALID = (
    "\x201nwldj5",
    "\x7f1axkwrx",
    "\x801eym55h",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
    "",
    "1",
    "a12UEL5L",
    "an\u212a1",
)


@pytest.mark.parametrize(("text", "constant"), [(text, c) for c, texts in VALID.items() for text in texts])
def test_accepts_and_reproduces_valid_strings(text, constant):
    prefix, digits, found = bech32.decode(text)
    assert found == constant
    assert bech32.encode(prefix, digits, constant) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_refuses_invalid_strings(text):
    with pytest.raises(InputError):
        bech32.decode(text)


def test_length_is_not_limited_to_ninety():
    text = bech32.encode("lnbc", "0123456789abcdefghijklmnopqrstuv" * 40)
    assert len(text) > 1280
    assert bech32.decode(text)[1].startswith("0123")
    with pytest.raises(InputError, match="too long"):
        bech32.decode("a1" + "q" * bech32.MAX_LENGTH)


@pytest.mark.parametrize("length", range(13))
def test_every_alignment_of_the_six_symbol_steps(length):
    digits = "v0m3h7c1k9a2"[:length]
    text = bech32.encode("ln", digits)
    assert bech32.decode(text) == ("ln", digits, bech32.BECH32)


def test_one_wrong_symbol_is_always_found():
    text = bech32.encode("lnbc", "0123456789abcdef")
    for place in range(5, len(text)):
        for symbol in bech32.ALPHABET:
            if symbol != text[place]:
                with pytest.raises(InputError):
                    bech32.decode(text[:place] + symbol + text[place + 1 :])


def test_bytes_to_digits_and_back():
    for data in (b"", b"\0", b"\xff", b"\x01\x02\x03\x04\x05", bytes(range(32))):
        assert bech32.to_bytes(bech32.from_bytes(data)) == data


def test_padding_must_be_short_and_zero():
    with pytest.raises(InputError, match="padding"):
        bech32.to_bytes("01")
    with pytest.raises(InputError, match="padding"):
        bech32.to_bytes("0")
    assert bech32.to_bytes("01", strict=False) == b"\0"
