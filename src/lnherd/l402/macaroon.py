"""Macaroons, binary format V2, and the identifier L402 puts into them.

A macaroon is an identifier and a list of caveats under a chain of HMACs: ``s0 = HMAC(key, identifier)``,
``s1 = HMAC(s0, caveat 1)`` and so on; only the last link is shown. So its holder can add caveats (the
chain goes on from the last link) but neither remove nor alter one, and the issuer recomputes the chain.
The key is not the root key itself but ``HMAC("macaroons-key-generator", root key)``, as in libmacaroons
and Go's macaroon.v2.

Layout (tag, length, bytes; lengths are base-128 varints)::

    02  [01 location]  02 identifier  00
        ([01 location]  02 caveat  [04 verification id]  00)*
    00  06 signature

The L402 repository's own macaroon document gives other tags; nothing deployed reads those.
"""

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Final, NamedTuple

from lnherd.errors import InputError

SIGNATURE_BYTES: Final = 32
ROOT_KEY_BYTES: Final = 32
MAX_BYTES: Final = 8192
"""Tokens longer than this are refused unread; they would not fit into a header anyway."""
_VERSION: Final = 2
_LOCATION, _IDENTIFIER, _VERIFICATION, _SIGNATURE, _END = 1, 2, 4, 6, 0
_KEY_GENERATOR: Final = b"macaroons-key-generator".ljust(32, b"\0")
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
_INNER_PAD: Final = b"\x36" * 32
_OUTER_PAD: Final = b"\x5c" * 32
_URL_TO_STANDARD: Final = str.maketrans("-_", "+/", "=")


class Caveat(NamedTuple):
    """One restriction. A ``verification_id`` makes it a third-party caveat, which L402 does not use."""

    condition: bytes
    verification_id: bytes = b""
    location: bytes = b""


class Macaroon(NamedTuple):
    """A macaroon as it travels; immutable, so adding a caveat gives a new one."""

    identifier: bytes
    signature: bytes
    caveats: tuple[Caveat, ...] = ()
    location: bytes = b""

    def restrict(self, *conditions: str) -> "Macaroon":
        """A copy that also carries ``conditions`` as first-party caveats; anyone who holds it can do this."""
        added = tuple(Caveat(condition.encode()) for condition in conditions)
        return self._replace(caveats=self.caveats + added, signature=_chain(self.signature, added))

    def encode(self) -> bytes:
        """Binary V2."""
        parts = [bytes([_VERSION]), _write(_LOCATION, self.location), _write(_IDENTIFIER, self.identifier, always=True)]
        parts.append(b"\0")
        for caveat in self.caveats:
            parts.append(_write(_LOCATION, caveat.location) + _write(_IDENTIFIER, caveat.condition, always=True))
            parts.append(_write(_VERIFICATION, caveat.verification_id) + b"\0")
        return b"".join(parts) + b"\0" + _write(_SIGNATURE, self.signature)

    def to_text(self) -> str:
        """Standard, padded base64: the form L402 headers carry."""
        return base64.b64encode(self.encode()).decode()


def _hmac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) for the 32-byte keys of a macaroon: :func:`hmac.digest` in a bit over half its time."""
    inner = sha256(key.translate(_INNER) + _INNER_PAD + message).digest()
    return sha256(key.translate(_OUTER) + _OUTER_PAD + inner).digest()


def signing_key(root_key: bytes) -> bytes:
    """What starts the chain; compute it once for each root key."""
    return _hmac(_KEY_GENERATOR, root_key)


def mint(root_key: bytes, identifier: bytes, conditions: tuple[str, ...] = (), location: str = "lsat") -> Macaroon:
    """A new macaroon under ``root_key`` with first-party caveats ``conditions``."""
    seed = _hmac(signing_key(root_key), identifier)
    return Macaroon(identifier, seed, (), location.encode()).restrict(*conditions)


def verify(macaroon: Macaroon, key: bytes) -> bool:
    """Whether the chain from ``key`` (see :func:`signing_key`) ends in the signature; constant-time compare.

    A third-party caveat cannot be discharged here, so a macaroon that carries one is not good.
    """
    link = _chain(_hmac(key, macaroon.identifier), macaroon.caveats)
    return hmac.compare_digest(link, macaroon.signature) and not any(c.verification_id for c in macaroon.caveats)


def _chain(link: bytes, caveats: tuple[Caveat, ...]) -> bytes:
    for caveat in caveats:
        if caveat.verification_id:
            halves = (_hmac(link, part) for part in (caveat.verification_id, caveat.condition))
            link = _hmac(link, b"".join(halves))
        else:
            link = _hmac(link, caveat.condition)
    return link


def from_text(text: str) -> Macaroon:
    """Read base64 (standard or URL-safe, padded or not). Raises :class:`InputError`."""
    bare = text.translate(_URL_TO_STANDARD)
    try:
        return decode(base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True))
    except (binascii.Error, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("the token is not base64; send it as the server gave it") from None


def decode(data: bytes) -> Macaroon:
    """Read binary V2. Raises :class:`InputError`."""
    if len(data) > MAX_BYTES or not data or data[0] != _VERSION:
        raise InputError("the token is not a macaroon of binary format 2; send it as the server gave it")
    try:
        macaroon, end = _decode(data)
    except IndexError:
        raise InputError("the macaroon ends in the middle; it was cut, send it as the server gave it") from None
    if end != len(data) or len(macaroon.signature) != SIGNATURE_BYTES:
        raise InputError("the macaroon has a signature of the wrong length or bytes after it")
    return macaroon


def _decode(data: bytes) -> tuple[Macaroon, int]:
    location, identifier, _, position = _read_section(data, 1)
    caveats = []
    while data[position] != _END:
        caveat_location, condition, verification_id, position = _read_section(data, position)
        caveats.append(Caveat(condition, verification_id, caveat_location))
    tag, signature, position = _read(data, position + 1)
    if tag != _SIGNATURE:
        raise InputError(f"the macaroon has field {tag} where its signature should be")
    return Macaroon(identifier, signature, tuple(caveats), location), position


def _read_section(data: bytes, position: int) -> tuple[bytes, bytes, bytes, int]:
    """``(location, identifier, verification id, next position)`` of one section, its end mark consumed."""
    location = verification_id = b""
    tag, value, position = _read(data, position)
    if tag == _LOCATION:
        location = value
        tag, value, position = _read(data, position)
    if tag != _IDENTIFIER:
        raise InputError(f"the macaroon has field {tag} where an identifier should be")
    if data[position] == _VERIFICATION:
        _, verification_id, position = _read(data, position)
    if data[position] != _END:
        raise InputError(f"the macaroon has field {data[position]} where a section should end")
    return location, value, verification_id, position + 1


def _read(data: bytes, position: int) -> tuple[int, bytes, int]:
    """``(tag, bytes, next position)`` of one field; IndexError where the data end too early."""
    tag, length, position = data[position], data[position + 1], position + 2
    if length > 127:
        length = length & 127 | data[position] << 7
        if data[position] > 127:
            raise InputError("a field of the macaroon is longer than any token may be")
        position += 1
    end = position + length
    if end > len(data):
        raise IndexError
    return tag, data[position:end], end


def _write(tag: int, value: bytes, *, always: bool = False) -> bytes:
    if not value and not always:
        return b""
    length = len(value)
    if length >= 1 << 14:
        raise InputError(f"a field of a macaroon takes {length} bytes; at most {(1 << 14) - 1} fit")
    size = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
    return bytes([tag]) + size + value


IDENTIFIER_VERSION: Final = 0
IDENTIFIER_BYTES: Final = 66


class Identifier(NamedTuple):
    """What an L402 macaroon is about: which payment opens it (32 bytes), and which token it is (32 random bytes)."""

    payment_hash: bytes
    token_id: bytes

    def encode(self) -> bytes:
        """Version 0: a 16-bit version, the hash, the token id."""
        return IDENTIFIER_VERSION.to_bytes(2) + self.payment_hash + self.token_id

    @classmethod
    def decode(cls, data: bytes) -> "Identifier":
        """Read 66 bytes; raises :class:`InputError` for another length or version."""
        if len(data) != IDENTIFIER_BYTES or int.from_bytes(data[:2]) != IDENTIFIER_VERSION:
            raise InputError("the macaroon's identifier is not an L402 identifier of version 0 (66 bytes)")
        return cls(data[2:34], data[34:])
