import pytest

from lnherd.errors import InputError
from lnherd.l402 import headers, macaroon
from lnherd.l402.headers import AuthChallenge, Challenge, Credential, Malformed

TOKEN = macaroon.mint(b"k" * 32, b"i" * 66, ("services=api:0",))
TEXT = TOKEN.to_text()
OTHER = macaroon.mint(b"k" * 32, b"j" * 66)
PREIMAGE = bytes(range(32))
HEX = PREIMAGE.hex()
GOOD = Credential((TOKEN,), PREIMAGE)
EXPECTED = Challenge("T+/=", "lnbc1x")


def test_what_we_write_in_full():
    assert headers.challenge_headers("T+/=", "lnbc1x") == [
        ("WWW-Authenticate", 'LSAT macaroon="T+/=", invoice="lnbc1x"'),
        ("WWW-Authenticate", 'L402 macaroon="T+/=", invoice="lnbc1x", token="T+/=", version="0"'),
    ]
    assert headers.authorization("T+/=", PREIMAGE) == f"L402 T+/=:{HEX}"


def test_headers_cannot_be_split():
    for text in ("a\r\nX: y", "é", "\0"):
        with pytest.raises(InputError):
            headers.challenge_headers(text, "lnbc1x")


@pytest.mark.parametrize(
    "values",
    [
        ['L402 version="0", token="T+/=", invoice="lnbc1x"'],
        ['L402 macaroon="T+/=", invoice="lnbc1x"'],
        ['l402 INVOICE="lnbc1x", Macaroon="T+/="'],
        ["L402 macaroon=T+/=, invoice=lnbc1x"],
        ['L402   macaroon = "T+/=" ,invoice\t=\t"lnbc1x"'],
        ['L402 macaroon="T+/=", invoice="lnbc1x", token="T+/=", version="0", extra="a, b=\\"c\\""'],
        ['Basic realm="a, L402 macaroon=\\"no\\"", L402 macaroon="T+/=", invoice="lnbc1x"'],
        ["Negotiate abc==, L402 macaroon=T+/=, invoice=lnbc1x"],
        ["Negotiate, L402 macaroon=T+/=, invoice=lnbc1x"],
        ['Basic realm="x"', 'L402 macaroon="T+/=", invoice="lnbc1x"'],
        ['LSAT macaroon="T+/=", invoice="lnbc1x", L402 macaroon="T+/=", invoice="lnbc1x"'],
        [', ,L402 ,macaroon="T+/=",, invoice="lnbc1x",'],
        ['\u00fc "?, L402 macaroon="T+/=", invoice="lnbc1x"'],
        [value for _, value in headers.challenge_headers("T+/=", "lnbc1x")],
    ],
)
def test_challenges_in_every_dress(values):
    assert headers.read_challenges(values) == [EXPECTED]


def test_only_the_old_scheme():
    assert headers.read_challenges(['LSAT macaroon="T", invoice="I"']) == [Challenge("T", "I", "lsat")]


def test_several_offers_newest_scheme_first():
    values = ['LSAT macaroon="A", invoice="1"', 'L402 token="B", invoice="2", L402 token="C", invoice="3"']
    assert headers.read_challenges(values) == [Challenge("B", "2"), Challenge("C", "3"), Challenge("A", "1", "lsat")]


@pytest.mark.parametrize(
    "value",
    ["", "L402", 'L402 macaroon="T"', 'L402 invoice="I"', 'L402 token="", invoice="I"', 'Basic realm="x"', "Bearer",
     'L402 macaroon="T, invoice="I', "x" * 20_000, ",,,", "=", '"', "L402 T:" + "0" * 64],
)  # fmt: skip
def test_no_challenge(value):
    assert headers.read_challenges([value]) == []


def test_general_lists_keep_their_structure():
    value = 'Digest realm="r", nonce="n\\"q", Bearer, Negotiate YWJj=='
    assert list(headers.read_auth_challenges([value])) == [
        AuthChallenge("digest", {"realm": "r", "nonce": 'n"q'}),
        AuthChallenge("bearer", {}),
        AuthChallenge("negotiate", {}, "YWJj=="),
    ]


@pytest.mark.parametrize(
    "values",
    [
        [f"L402 {TEXT}:{HEX}"],
        [f"LSAT {TEXT}:{HEX}"],
        [f"l402  {TEXT} : {HEX.upper()}"],
        [f"L402 {TEXT.rstrip('=')}:{HEX}"],
        [f"Bearer x, L402 {TEXT}:{HEX}"],
        ["Bearer x", f"L402 {TEXT}:{HEX}"],
    ],
)
def test_credentials_in_every_dress(values):
    assert headers.read_credentials(values) == [GOOD]


def test_two_lines_also_when_joined():
    lines = [f"LSAT {TEXT}:{HEX}", f"L402 {OTHER.to_text()}:{HEX}"]
    expected = [GOOD, Credential((OTHER,), PREIMAGE)]
    assert headers.read_credentials(lines) == expected
    assert headers.read_credentials([",".join(lines)]) == expected
    assert headers.read_credentials([", ".join(lines)]) == expected


def test_several_macaroons_in_one_credential():
    (credential,) = headers.read_credentials([f"L402 {TEXT},{OTHER.to_text()} , {TEXT}:{HEX}"])
    assert credential == Credential((TOKEN, OTHER, TOKEN), PREIMAGE)


@pytest.mark.parametrize("value", ["", "Basic abc", "Bearer L402", "xL402 a:b", "L4020 a:b"])
def test_not_a_credential_at_all(value):
    assert headers.read_credentials([value]) == []


@pytest.mark.parametrize(
    "value",
    ["L402", "L402 ", f"L402 {TEXT}", f"L402 {TEXT}:", f"L402 {TEXT}:{HEX[:-1]}", f"L402 :{HEX}", f"L402 AgE:{HEX}",
     f"L402 ===:{HEX}", f"L402 {TEXT}:{'g' * 64}", f"L402 eyJoIjoxfQ==:{HEX}", "L402 " + "A" * 20_000,
     f"L402 L402 {TEXT}:{HEX}"],
)  # fmt: skip
def test_malformed_credentials_are_values(value):
    (found,) = headers.read_credentials([value])
    assert isinstance(found, Malformed)
    assert found.message


def test_macaroon_headers():
    token = TOKEN.restrict(f"preimage={HEX}")
    assert headers.read_credentials([], [token.encode().hex()]) == [Credential((token,), PREIMAGE)]
    for value in (TOKEN.encode().hex(), "zz", "", TOKEN.restrict("preimage=12").encode().hex()):
        (found,) = headers.read_credentials([], [value])
        assert isinstance(found, Malformed)


def test_the_number_of_credentials_is_bounded():
    assert len(headers.read_credentials([f"L402 {TEXT}:{HEX}"] * 100)) == headers.MAX_CREDENTIALS
    many = ",".join([TEXT] * 50)
    (found,) = headers.read_credentials([f"L402 {many}:{HEX}"])
    assert len(found.macaroons) == headers.MAX_CREDENTIALS
