"""The tagged fields of a BOLT 11 invoice: how each is read and written.

A field is a type (one 5-bit digit), a length (two digits) and that many digits. :data:`FIELDS` says
for each type which attribute of the invoice it is, and how digits become a value and back. Everything
here works on base-32 digits, as :mod:`lnherd.l402.bech32` hands them over.

A reader returns None for a field that BOLT 11 tells readers to skip (another length than the one
this version of the document defines, a fallback version nobody knows). Skipping is safe because what
an invoice cannot do without is demanded afterwards: a payment hash of the wrong length is no hash.
"""

import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, NamedTuple

from lnherd.errors import InputError
from lnherd.l402 import bech32
from lnherd.l402.bitcoin import P2PKH, P2SH, Fallback

HASH_DIGITS: Final = 52
NODE_ID_DIGITS: Final = 53
MAX_FIELD_DIGITS: Final = 1023
MAX_INTEGER_DIGITS: Final = 12
"""60 bits are more seconds and blocks than there will be."""
_VALIDATED_VERSIONS: Final = (0, 1, P2PKH, P2SH)
"""Fallback versions with a standard of their own: an invoice that breaks it is refused, others are skipped."""
_HOP: Final = struct.Struct(">33sQIIH")


class Feature(IntEnum):
    """Even (compulsory) bits that may stand in an invoice (BOLT 9); the odd bit above means optional."""

    VAR_ONION = 8
    PAYMENT_SECRET = 14
    BASIC_MPP = 16
    ROUTE_BLINDING = 24
    PAYMENT_METADATA = 48
    TRAMPOLINE = 56


DEFAULT_FEATURES: Final = 1 << Feature.VAR_ONION | 1 << Feature.PAYMENT_SECRET
_EVEN_BITS: Final = sum(1 << bit for bit in range(0, 5 * MAX_FIELD_DIGITS, 2))
_KNOWN_BITS: Final = sum(1 << feature for feature in Feature)
_DEPENDENCIES: Final = {Feature.BASIC_MPP: Feature.PAYMENT_SECRET}


class Hop(NamedTuple):
    """One channel of a route hint; ``node_id`` (33 bytes) is the end it starts from."""

    node_id: bytes
    short_channel_id: int
    base_fee_msat: int
    fee_ppm: int
    cltv_delta: int


def check_features(features: int) -> None:
    """Refuse what a payer must not attempt: unknown compulsory bits, missing dependencies."""
    unknown = features & _EVEN_BITS & ~_KNOWN_BITS
    if unknown:
        raise InputError(f"the invoice demands feature {unknown.bit_length() - 1}, which is not known here")
    for feature, needed in _DEPENDENCIES.items():
        if features >> feature & 3 and not features >> needed & 3:
            raise InputError(f"the invoice offers {feature.name.lower()} without {needed.name.lower()}")


def _read_hash(digits: str) -> bytes | None:
    return bech32.to_bytes(digits) if len(digits) == HASH_DIGITS else None


def _read_node_id(digits: str) -> bytes | None:
    return bech32.to_bytes(digits) if len(digits) == NODE_ID_DIGITS else None


def _read_text(digits: str) -> str:
    try:
        return bech32.to_bytes(digits).decode()
    except UnicodeDecodeError:
        raise InputError("the description of the invoice is not UTF-8") from None


def _read_integer(digits: str) -> int:
    if not digits or digits[0] == "0" or len(digits) > MAX_INTEGER_DIGITS:
        raise InputError("a number in the invoice is empty, too large or not written in its shortest form")
    return int(digits, 32)


def _read_features(digits: str) -> int:
    if not digits or digits[0] == "0":
        raise InputError("the feature bits of the invoice are not written in their shortest form")
    features = int(digits, 32)
    check_features(features)
    return features


def _read_fallback(digits: str) -> Fallback | None:
    version = int(digits[0], 32) if digits else P2SH + 1
    if version in _VALIDATED_VERSIONS:
        return Fallback(version, bech32.to_bytes(digits[1:]))
    try:
        return Fallback(version, bech32.to_bytes(digits[1:]))
    except InputError:
        return None


def _read_route(digits: str) -> tuple[Hop, ...]:
    data = bech32.to_bytes(digits)
    if not data or len(data) % _HOP.size:
        raise InputError(f"a route hint of {len(data)} bytes is not made of whole hops of {_HOP.size} bytes")
    return tuple(map(Hop._make, _HOP.iter_unpack(data)))


def _write_integer(value: int) -> str:
    return bech32.base32(value, -(-value.bit_length() // 5))


def _write_text(text: str) -> str:
    return bech32.from_bytes(text.encode())


def _write_fallback(fallback: Fallback) -> str:
    return bech32.base32(fallback.version, 1) + bech32.from_bytes(fallback.program)


def _write_route(hops: tuple[Hop, ...]) -> str:
    try:
        return bech32.from_bytes(b"".join(_HOP.pack(*hop) for hop in hops))
    except struct.error as error:
        raise InputError(f"a hop of a route hint holds a number outside its range: {error}") from None


class Field(NamedTuple):
    """One row of :data:`FIELDS`; ``repeats`` fields collect into a tuple, of others the first counts."""

    letter: str
    attribute: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    repeats: bool = False


FIELDS: Final = (
    Field("s", "payment_secret", _read_hash, bech32.from_bytes),
    Field("p", "payment_hash", _read_hash, bech32.from_bytes),
    Field("d", "description", _read_text, _write_text),
    Field("h", "description_hash", _read_hash, bech32.from_bytes),
    Field("m", "metadata", bech32.to_bytes, bech32.from_bytes),
    Field("n", "node_id", _read_node_id, bech32.from_bytes),
    Field("x", "expiry_s", _read_integer, _write_integer),
    Field("c", "min_final_cltv_delta", _read_integer, _write_integer),
    Field("f", "fallbacks", _read_fallback, _write_fallback, repeats=True),
    Field("r", "routes", _read_route, _write_route, repeats=True),
    Field("9", "features", _read_features, _write_integer),
)
"""In the order in which we write them."""

_BY_DIGIT: Final = {bech32.DIGITS[bech32.ALPHABET.index(field.letter)]: field for field in FIELDS}
_DIGIT: Final = {field.letter: digit for digit, field in _BY_DIGIT.items()}


def read_fields(digits: str) -> dict[str, Any]:
    """Attribute -> value of all fields in ``digits``; unknown types are skipped. Raises :class:`InputError`."""
    values: dict[str, Any] = {}
    position, end = 0, len(digits)
    while position < end:
        start = position + 3
        position = start + int(digits[start - 2 : start] or "0", 32)
        if position > end or start > end:
            raise InputError("a field of the invoice runs past its end; the invoice was cut, copy it again")
        field = _BY_DIGIT.get(digits[start - 3])
        if field is None:
            continue
        value = field.read(digits[start:position])
        if value is None:
            continue
        if field.repeats:
            values[field.attribute] = (*values.get(field.attribute, ()), value)
        else:
            values.setdefault(field.attribute, value)
    return values


def write_field(letter: str, digits: str) -> str:
    """Type, length and digits of one field; raises :class:`InputError` when it is too long."""
    if len(digits) > MAX_FIELD_DIGITS:
        raise InputError(f"field {letter!r} of the invoice takes {len(digits)} digits; at most {MAX_FIELD_DIGITS} fit")
    return _DIGIT[letter] + bech32.base32(len(digits), 2) + digits
