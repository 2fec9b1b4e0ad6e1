"""Bitcoin networks and their addresses: what BOLT 11 fallback fields carry.

A fallback is a *version* of 0-31 and a program: 0-16 are witness versions (BIP 141, bech32 and
bech32m addresses), 17 a public key hash and 18 a script hash (Base58Check). Which letters an address
starts with depends on the network.
"""

from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Final

from lnherd.errors import InputError
from lnherd.l402 import bech32

P2PKH: Final = 17
"""Fallback version of a public key hash."""
P2SH: Final = 18
"""Fallback version of a script hash."""
HASH_BYTES: Final = 20
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_CHECK_BYTES: Final = 4
_WITNESS_V0_BYTES: Final = (20, 32)
_TAPROOT_BYTES: Final = 32


class Network(Enum):
    """Where an invoice is payable; the value is its BIP 173 prefix (an invoice starts with ``ln`` + it)."""

    MAINNET = "bc"
    TESTNET = "tb"
    SIGNET = "tbs"
    REGTEST = "bcrt"
    SIMNET = "sb"

    @property
    def segwit_prefix(self) -> str:
        """Prefix of witness addresses: signet shares testnet's (BIP 325)."""
        return "tb" if self is Network.SIGNET else self.value

    @property
    def base58_versions(self) -> tuple[int, int]:
        """First byte of P2PKH and P2SH addresses."""
        return _BASE58_VERSIONS.get(self, (0x6F, 0xC4))


_BASE58_VERSIONS: Final = {Network.MAINNET: (0x00, 0x05), Network.SIMNET: (0x3F, 0x7B)}


@dataclass(frozen=True, slots=True)
class Fallback:
    """An on-chain output script in BOLT 11's terms. Raises :class:`InputError` on an impossible one."""

    version: int
    program: bytes

    def __post_init__(self) -> None:
        if not _is_valid(self.version, len(self.program)):
            raise InputError(
                f"a fallback address of version {self.version} cannot hold {len(self.program)} bytes; "
                "use 20 or 32 for version 0, 32 for version 1, 2-40 for 2-16 and 20 for 17 and 18"
            )

    def address(self, network: Network) -> str:
        """The address a person would read."""
        if self.version in (P2PKH, P2SH):
            return _base58check(bytes([network.base58_versions[self.version - P2PKH]]) + self.program)
        constant = bech32.BECH32 if self.version == 0 else bech32.BECH32M
        digits = bech32.base32(self.version, 1) + bech32.from_bytes(self.program)
        return bech32.encode(network.segwit_prefix, digits, constant)

    @classmethod
    def from_address(cls, address: str, network: Network) -> "Fallback":
        """Parse ``address``; raises :class:`InputError` when it is malformed or of another network."""
        if address.lower().startswith(network.segwit_prefix + "1"):
            return cls._from_segwit(address, network)
        payload = _base58check_decode(address)
        if len(payload) != 1 + HASH_BYTES or payload[0] not in network.base58_versions:
            raise InputError(f"the address {address} is not one of {network.name.lower()}; use one of the same network")
        return cls(P2PKH + network.base58_versions.index(payload[0]), payload[1:])

    @classmethod
    def _from_segwit(cls, address: str, network: Network) -> "Fallback":
        prefix, digits, constant = bech32.decode(address)
        if prefix != network.segwit_prefix or not digits:
            raise InputError(f"the address {address} is not one of {network.name.lower()}; use one of the same network")
        version = int(digits[0], 32)
        if version >= P2PKH or constant != (bech32.BECH32 if version == 0 else bech32.BECH32M):
            raise InputError(f"the address {address} has the wrong checksum for its version (BIP 350); copy it again")
        return cls(version, bech32.to_bytes(digits[1:]))


def _is_valid(version: int, n_bytes: int) -> bool:
    if version == 0:
        return n_bytes in _WITNESS_V0_BYTES
    if version == 1:
        return n_bytes == _TAPROOT_BYTES
    if version in (P2PKH, P2SH):
        return n_bytes == HASH_BYTES
    return version < P2PKH and 2 <= n_bytes <= 40


def _checksum(payload: bytes) -> bytes:
    return sha256(sha256(payload).digest()).digest()[:_CHECK_BYTES]


def _base58check(payload: bytes) -> str:
    data = payload + _checksum(payload)
    value, text = int.from_bytes(data), ""
    while value:
        value, digit = divmod(value, 58)
        text = _BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def _base58check_decode(text: str) -> bytes:
    value = 0
    for char in text[:64]:
        digit = _BASE58.find(char)
        if digit < 0:
            raise InputError(f"the address {text[:64]} holds a character that Base58 does not know; copy it again")
        value = value * 58 + digit
    n_zeros = len(text) - len(text.lstrip("1"))
    data = bytes(n_zeros) + value.to_bytes((value.bit_length() + 7) // 8)
    if len(text) > 64 or len(data) < _CHECK_BYTES or _checksum(data[:-_CHECK_BYTES]) != data[-_CHECK_BYTES:]:
        raise InputError(f"the address {text[:64]} has a wrong checksum; copy it again")
    return data[:-_CHECK_BYTES]
