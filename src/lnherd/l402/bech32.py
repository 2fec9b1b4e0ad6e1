"""Bech32 (BIP 173) and Bech32m (BIP 350) without a length limit, on integers.

A Lightning invoice is a bech32 string of several hundred symbols, so the textbook checksum (one
32-bit step for each symbol) is where a pure-Python decoder spends its time. Two observations make it
cheap here:

* the data alphabet is base 32, and ``int(text, 32)`` is linear and written in C: after one
  :meth:`str.translate` any run of symbols becomes an integer at once;
* the checksum is linear over GF(2), so six symbols (30 bits, the width of the checksum) can be
  absorbed in one step: ``state' = advance(state) ^ chunk``, where ``advance`` is three table look-ups.

Symbols are handed on as *base-32 text* (digits ``0-9a-v``), the form that slices like a string and
reads like an integer.
"""

from functools import reduce
from operator import xor
from typing import Final

from lnherd.errors import InputError

ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
"""Symbol of each 5-bit value (BIP 173)."""
DIGITS: Final = "0123456789abcdefghijklmnopqrstuv"
"""The same values as digits of :func:`int` base 32."""
BECH32: Final = 1
"""What the checksum of a BIP 173 string leaves over."""
BECH32M: Final = 0x2BC830A3
"""What the checksum of a BIP 350 string leaves over."""
CHECKSUM_SYMBOLS: Final = 6
MAX_LENGTH: Final = 1 << 16
"""Longer strings are refused unread: no invoice comes near, and work must stay bounded."""

_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_TO_DIGITS: Final = str.maketrans(ALPHABET, DIGITS)
_TO_SYMBOLS: Final = str.maketrans(DIGITS, ALPHABET)
_SYMBOLS: Final = frozenset(ALPHABET)


def _feedback(top: int) -> int:
    """What the five bits shifted out of the state put back into it."""
    return reduce(xor, (generator for bit, generator in enumerate(_GENERATOR) if top >> bit & 1), 0)


_FEEDBACK: Final = tuple(_feedback(top) for top in range(32))


def _step(state: int, value: int) -> int:
    """The checksum's definition: absorb one 5-bit value (BIP 173, ``bech32_polymod``)."""
    return (state & 0x1FFFFFF) << 5 ^ value ^ _FEEDBACK[state >> 25]


def _advance(state: int) -> int:
    """Six steps of zeros."""
    for _ in range(CHECKSUM_SYMBOLS):
        state = _step(state, 0)
    return state


_LOW: Final = tuple(_advance(value) for value in range(1024))
_MIDDLE: Final = tuple(_advance(value << 10) for value in range(1024))
_HIGH: Final = tuple(_advance(value << 20) for value in range(1024))


def _checksum(prefix: str, digits: str) -> int:
    """Checksum state after the expanded ``prefix`` and all ``digits`` (base-32 text)."""
    state = 1
    for char in prefix:
        state = _step(state, ord(char) >> 5)
    state = _step(state, 0)
    for char in prefix:
        state = _step(state, ord(char) & 31)
    head = len(digits) % CHECKSUM_SYMBOLS
    for char in digits[:head]:
        state = _step(state, int(char, 32))
    for start in range(head, len(digits), CHECKSUM_SYMBOLS):
        chunk = int(digits[start : start + CHECKSUM_SYMBOLS], 32)
        state = _LOW[state & 1023] ^ _MIDDLE[state >> 10 & 1023] ^ _HIGH[state >> 20] ^ chunk
    return state


def encode(prefix: str, digits: str, constant: int = BECH32) -> str:
    """The bech32 string of a lower-case ``prefix`` and base-32 ``digits``, checksum appended."""
    zeros = "0" * CHECKSUM_SYMBOLS
    remainder = _checksum(prefix, digits + zeros) ^ constant
    return f"{prefix}1{(digits + base32(remainder, CHECKSUM_SYMBOLS)).translate(_TO_SYMBOLS)}"


def decode(text: str) -> tuple[str, str, int]:
    """Split a bech32 string into ``(prefix, digits, constant)``; the checksum is verified and gone.

    ``constant`` is :data:`BECH32` or :data:`BECH32M`. Raises :class:`InputError`.
    """
    prefix, data = _split(text)
    digits = data.translate(_TO_DIGITS)
    constant = _checksum(prefix, digits)
    if constant not in (BECH32, BECH32M):
        raise InputError("the bech32 checksum does not match: the string was cut or mistyped; copy it again")
    return prefix, digits[:-CHECKSUM_SYMBOLS], constant


def _split(text: str) -> tuple[str, str]:
    if len(text) > MAX_LENGTH:
        raise InputError(f"a bech32 string of {len(text)} characters is too long; at most {MAX_LENGTH} are read")
    lowered = text.lower()
    if not text.isascii() or text not in (lowered, text.upper()):
        raise InputError("a bech32 string mixes upper and lower case or is not ASCII; write it all in one case")
    prefix, separator, data = lowered.rpartition("1")
    if not separator or not prefix or len(data) < CHECKSUM_SYMBOLS:
        raise InputError("a bech32 string needs a prefix, the separator '1' and at least six symbols of checksum")
    if not all("!" <= char <= "~" for char in prefix) or not _SYMBOLS.issuperset(data):
        raise InputError("a bech32 string holds a character outside its alphabet")
    return prefix, data


def base32(value: int, n_digits: int) -> str:
    """``value`` as exactly ``n_digits`` base-32 digits (must fit)."""
    bits = f"{value:0{5 * n_digits}b}"
    return "".join(DIGITS[int(bits[start : start + 5], 2)] for start in range(0, 5 * n_digits, 5))


def from_bytes(data: bytes) -> str:
    """Base-32 digits of ``data``, padded with zero bits on the right to whole digits."""
    n_digits = -(-len(data) * 8 // 5)
    return base32(int.from_bytes(data) << (5 * n_digits - 8 * len(data)), n_digits)


def to_bytes(digits: str, *, strict: bool = True) -> bytes:
    """Whole bytes of base-32 ``digits``; the rest is padding.

    ``strict`` refuses padding of five bits or more, or that is not zero (BIP 173), with :class:`InputError`.
    """
    n_bytes, n_padding = divmod(5 * len(digits), 8)
    value = int(digits, 32) if digits else 0
    if strict and (n_padding > 4 or value & ((1 << n_padding) - 1)):
        raise InputError("a field of the bech32 string has leftover bits that are not zero padding")
    return (value >> n_padding).to_bytes(n_bytes)
