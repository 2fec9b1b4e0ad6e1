"""The HTTP headers of L402, both ways: challenges (``WWW-Authenticate``) and credentials (``Authorization``).

Written strictly, read liberally, because what is deployed disagrees:

* The 2026 specification says ``L402 version="0", token="T", invoice="I"``; every deployed server sends
  ``macaroon=`` and some still the old scheme ``LSAT``. Most deployed clients match
  ``macaroon="..", invoice=".."`` literally, in that order. :func:`challenge_headers` writes both in one
  line, readable for all, after an LSAT line for the oldest.
* Challenges are parsed as RFC 9110 lists (section 11.6.1): several in one line or in many lines, any
  order, any case, quoted or not, beside schemes of others.
* Go clients send an LSAT and an L402 line; WSGI joins lines with a comma. All credentials are found;
  which of them is good is for the flow to say.

Readers never raise for what a peer sent: a challenge that cannot be read is not a challenge, a credential
that cannot be read is a :class:`Malformed` value.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from lnherd.errors import InputError
from lnherd.l402 import macaroon
from lnherd.l402.macaroon import Macaroon

SCHEMES: Final = ("l402", "lsat")
"""Newest first; compared in lower case."""
VERSION: Final = "0"
MAX_HEADER_LENGTH: Final = 16_384
"""Longer header values are not read."""
MAX_CREDENTIALS: Final = 8
"""More credentials than this in one request are not looked at."""
PREIMAGE_BYTES: Final = 32

_SEPARATORS: Final = re.compile(r"[ \t,]*")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TOKEN68: Final = re.compile(r"[ \t]+([A-Za-z0-9\-._~+/]+=*)[ \t]*(?:,|$)")
_PARAMETER: Final = re.compile(
    r"""([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))(?=[ \t]*(?:,|$))"""
)
_ESCAPE: Final = re.compile(r"\\(.)")
_SCHEME: Final = re.compile(r"(?:^|,)[ \t]*(?:l402|lsat)(?:[ \t]+|$)", re.IGNORECASE)
_CREDENTIAL: Final = re.compile(
    r"([A-Za-z0-9+/=_\-]+(?:[ \t]*,[ \t]*[A-Za-z0-9+/=_\-]+)*)[ \t]*:[ \t]*([0-9A-Fa-f]{64})"
)


class Challenge(NamedTuple):
    """An L402 challenge: a token that opens something once ``invoice`` is paid."""

    token: str
    """As the server wrote it; usually a base64 macaroon, opaque otherwise."""
    invoice: str
    scheme: str = "l402"


class AuthChallenge(NamedTuple):
    """Any challenge of RFC 9110: scheme and parameter names in lower case."""

    scheme: str
    parameters: dict[str, str]
    token68: str = ""


class Credential(NamedTuple):
    """What a client shows: macaroons, any of which may open the route, and the proof of payment."""

    macaroons: tuple[Macaroon, ...]
    preimage: bytes


class Malformed(NamedTuple):
    """Something that claims to be an L402 credential and cannot be read."""

    message: str


def challenge_headers(token: str, invoice: str) -> list[tuple[str, str]]:
    """The two ``WWW-Authenticate`` lines of a 402 response (see the module's head for why two)."""
    deployed = f'macaroon="{_quoted(token)}", invoice="{_quoted(invoice)}"'
    return [
        ("WWW-Authenticate", f"LSAT {deployed}"),
        ("WWW-Authenticate", f'L402 {deployed}, token="{_quoted(token)}", version="{VERSION}"'),
    ]


def read_challenges(values: Iterable[str]) -> list[Challenge]:
    """The L402 challenges in all ``WWW-Authenticate`` values, L402 before LSAT, each pair once."""
    found = [
        Challenge(token, challenge.parameters["invoice"], challenge.scheme)
        for challenge in read_auth_challenges(values)
        if challenge.scheme in SCHEMES and "invoice" in challenge.parameters
        if (token := challenge.parameters.get("token") or challenge.parameters.get("macaroon"))
    ]
    found.sort(key=lambda challenge: SCHEMES.index(challenge.scheme))
    return list({(challenge.token, challenge.invoice): challenge for challenge in reversed(found)}.values())[::-1]


def read_auth_challenges(values: Iterable[str]) -> Iterator[AuthChallenge]:
    """All challenges of all header values, in order; what fits no rule is passed over."""
    for value in values:
        if len(value) <= MAX_HEADER_LENGTH:
            yield from _read_list(value)


def _read_list(value: str) -> Iterator[AuthChallenge]:
    current: AuthChallenge | None = None
    position = 0
    while position < len(value):
        position = _skip(value, position)
        parameter = _PARAMETER.match(value, position)
        if parameter and current:
            name, quoted, plain = parameter.groups()
            text = plain if quoted is None else _ESCAPE.sub(r"\1", quoted)
            current.parameters.setdefault(name.lower(), text)
            position = parameter.end()
            continue
        scheme = None if parameter else _TOKEN.match(value, position)
        if scheme is None:  # not a challenge: go on after the next comma
            comma = value.find(",", position)
            position = comma if comma >= 0 else len(value)
            continue
        if current:
            yield current
        token68 = _TOKEN68.match(value, scheme.end())
        current = AuthChallenge(scheme.group().lower(), {}, token68.group(1) if token68 else "")
        position = token68.end() if token68 else scheme.end()
    if current:
        yield current


def _skip(value: str, position: int) -> int:
    match = _SEPARATORS.match(value, position)
    return match.end() if match else position


def _quoted(text: str) -> str:
    """The inside of a quoted-string; control characters and non-ASCII cannot travel in a header."""
    if not text.isascii() or not text.isprintable():
        raise InputError("a header parameter holds a character that HTTP cannot carry")
    return text.replace("\\", "\\\\").replace('"', '\\"')


def authorization(token: str, preimage: bytes, scheme: str = "l402") -> str:
    """The value of ``Authorization`` that shows ``token`` paid for by ``preimage`` (32 bytes)."""
    return f"{scheme.upper()} {token}:{preimage.hex()}"


def read_credentials(authorization: Iterable[str], macaroons: Iterable[str] = ()) -> list[Credential | Malformed]:
    """Everything that claims to be an L402 credential, in order.

    ``authorization`` are the values of ``Authorization``; ``macaroons`` those of ``Macaroon`` and
    ``Grpc-Metadata-Macaroon`` (hexadecimal, the preimage added as a caveat ``preimage=HEX``).
    """
    found: list[Credential | Malformed] = []
    for value in authorization:
        found.extend(_read_authorization(value))
    found.extend(_read_macaroon(value) for value in macaroons)
    return found[:MAX_CREDENTIALS]


def _read_authorization(value: str) -> Iterator[Credential | Malformed]:
    if len(value) > MAX_HEADER_LENGTH:
        yield Malformed(f"the Authorization header is longer than {MAX_HEADER_LENGTH} characters")
        return
    for scheme in _SCHEME.finditer(value):
        match = _CREDENTIAL.match(value, scheme.end())
        if match is None:
            yield Malformed("the credential is not TOKEN:PREIMAGE with a preimage of 64 hexadecimal digits")
            continue
        try:
            tokens = tuple(macaroon.from_text(token.strip()) for token in match.group(1).split(",")[:MAX_CREDENTIALS])
            yield Credential(tokens, bytes.fromhex(match.group(2)))
        except InputError as error:
            yield Malformed(str(error))


def _read_macaroon(value: str) -> Credential | Malformed:
    try:
        token = macaroon.decode(bytes.fromhex(value))
    except InputError as error:
        return Malformed(str(error))
    except ValueError:
        return Malformed("the Macaroon header is not hexadecimal")
    for caveat in token.caveats:
        name, _, digits = caveat.condition.partition(b"=")
        if name == b"preimage" and re.fullmatch(rb"[0-9A-Fa-f]{64}", digits):
            return Credential((token,), bytes.fromhex(digits.decode()))
    return Malformed("the macaroon carries no caveat preimage=HEX")
