"""BOLT 11 invoices: decode, check and sign.

``decode`` gives an :class:`Invoice` whose signature is good, or raises :class:`InputError` with one
sentence; there is no third outcome. ``sign`` is its inverse. Both follow BOLT 11 as of 2026 (payment
secret compulsory, fallback addresses validated, shortest-form integers), and accept what its examples
accept: fields of an unknown length are skipped, high-S signatures are fine where the payee is
recovered from the signature and refused where an ``n`` field names the payee.

Nothing here looks at a clock: :meth:`Invoice.expired` takes the time.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from coincurve import PrivateKey, PublicKey

from lnherd.errors import InputError
from lnherd.l402 import bech32
from lnherd.l402.bitcoin import Fallback, Network
from lnherd.l402.bolt11_fields import DEFAULT_FEATURES, FIELDS, Hop, check_features, read_fields, write_field

DEFAULT_EXPIRY_S: Final = 3600
DEFAULT_MIN_FINAL_CLTV_DELTA: Final = 18
FIELD_ORDER: Final = "".join(field.letter for field in FIELDS)
_TIMESTAMP_DIGITS: Final = 7
_SIGNATURE_DIGITS: Final = 104
_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_HUMAN_PART: Final = re.compile(r"ln(bcrt|bc|tbs|tb|sb)(?:([1-9][0-9]{0,19})([munp]?))?", re.ASCII)
_PICO_PER_UNIT: Final = {"": 10**12, "m": 10**9, "u": 10**6, "n": 10**3, "p": 1}
_PICO_PER_MSAT: Final = 10
"""A millisatoshi is ten pico-bitcoin."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """A request for one payment. ``text`` and ``payee`` are empty until it is signed.

    Bytes: ``payment_hash``, ``payment_secret``, ``description_hash`` 32, ``payee`` 33 (compressed key).
    Exactly one of ``description`` and ``description_hash`` is set.
    """

    network: Network
    amount_msat: int | None
    """None: the payer chooses."""
    timestamp_s: int
    payment_hash: bytes
    payment_secret: bytes
    description: str | None = None
    description_hash: bytes | None = None
    expiry_s: int = DEFAULT_EXPIRY_S
    min_final_cltv_delta: int = DEFAULT_MIN_FINAL_CLTV_DELTA
    fallbacks: tuple[Fallback, ...] = ()
    routes: tuple[tuple[Hop, ...], ...] = ()
    features: int = DEFAULT_FEATURES
    metadata: bytes | None = None
    payee: bytes = b""
    text: str = ""

    @property
    def expires_s(self) -> int:
        """Unix time after which nobody should pay it."""
        return self.timestamp_s + self.expiry_s

    def expired(self, now_s: float) -> bool:
        """Whether it is too late to pay at unix time ``now_s``."""
        return now_s >= self.expires_s

    def describes(self, text: str) -> bool:
        """Whether ``text`` is what this invoice says it is for (by its hash, where it carries one)."""
        if self.description_hash is not None:
            return sha256(text.encode()).digest() == self.description_hash
        return self.description == text


def decode(text: str) -> Invoice:
    """Read and verify ``text`` (also with the URI prefix ``lightning:``). Raises :class:`InputError`."""
    text = text.strip()
    if text[:10].lower() == "lightning:":
        text = text[10:]
    human_part, digits, constant = bech32.decode(text)
    if constant != bech32.BECH32 or len(digits) < _TIMESTAMP_DIGITS + _SIGNATURE_DIGITS:
        raise InputError("the string is bech32 but too short for an invoice, or not of BOLT 11's kind")
    network, amount_msat = _read_human_part(human_part)
    body, signature = digits[:-_SIGNATURE_DIGITS], digits[-_SIGNATURE_DIGITS:]
    fields = read_fields(body[_TIMESTAMP_DIGITS:])
    _demand(fields)
    node_id = fields.pop("node_id", None)
    digest = _digest(human_part, body)
    return Invoice(
        network=network,
        amount_msat=amount_msat,
        timestamp_s=int(body[:_TIMESTAMP_DIGITS], 32),
        payee=_payee(bech32.to_bytes(signature), digest, node_id),
        text=text.lower(),
        **{"features": 0, **fields},
    )


def sign(
    invoice: Invoice, private_key: bytes, *, order: Iterable[str] = FIELD_ORDER, name_payee: bool = False
) -> Invoice:
    """The invoice with ``text`` and ``payee`` filled in, signed by the node of ``private_key`` (32 bytes).

    ``order`` lists the letters of the fields to write; ``name_payee`` adds the ``n`` field. Raises
    :class:`InputError` when the invoice breaks a rule for writers.
    """
    _check_writable(invoice)
    key = _key(private_key)
    payee = key.public_key.format()
    human_part = f"ln{invoice.network.value}{_write_amount(invoice.amount_msat)}"
    body = bech32.base32(invoice.timestamp_s, _TIMESTAMP_DIGITS) + _write_fields(invoice, payee, order, name_payee)
    signature = key.sign_recoverable(_digest(human_part, body), hasher=None)
    text = bech32.encode(human_part, body + bech32.from_bytes(signature))
    return replace(invoice, payee=payee, text=text)


def node_id(private_key: bytes) -> bytes:
    """The public key (33 bytes) under which ``private_key`` signs."""
    return _key(private_key).public_key.format()


def _key(private_key: bytes) -> PrivateKey:
    try:
        return PrivateKey(private_key)
    except ValueError:
        raise InputError("the private key of the node is not 32 bytes between 1 and the order of secp256k1") from None


def _read_human_part(human_part: str) -> tuple[Network, int | None]:
    match = _HUMAN_PART.fullmatch(human_part)
    if match is None:
        raise InputError(
            f"the invoice starts with {human_part[:32]!r}, which is not a known network with a valid amount; "
            "amounts are whole numbers with a multiplier of m, u, n or p"
        )
    prefix, amount, multiplier = match.groups()
    if amount is None:
        return Network(prefix), None
    amount_msat, rest = divmod(int(amount) * _PICO_PER_UNIT[multiplier], _PICO_PER_MSAT)
    if rest:
        raise InputError(f"the amount {amount}p of the invoice is not a whole number of millisatoshi")
    return Network(prefix), amount_msat


def _write_amount(amount_msat: int | None) -> str:
    if amount_msat is None:
        return ""
    pico = amount_msat * _PICO_PER_MSAT
    return next(f"{pico // size}{unit}" for unit, size in _PICO_PER_UNIT.items() if pico % size == 0)


def _demand(fields: dict[str, Any]) -> None:
    """What every invoice must have, whatever else it says."""
    for attribute in ("payment_hash", "payment_secret"):
        if attribute not in fields:
            raise InputError(f"the invoice has no valid {attribute.replace('_', ' ')}; ask for a new one")
    if ("description" in fields) == ("description_hash" in fields):
        raise InputError("the invoice needs exactly one of a description and a description hash")


def _digest(human_part: str, body: str) -> bytes:
    """What is signed: SHA-256 of the human part and the data, padded with zero bits to whole bytes."""
    n_bits = 5 * len(body)
    data = (int(body, 32) << -n_bits % 8).to_bytes(-(-n_bits // 8))
    return sha256(human_part.encode() + data).digest()


def _payee(signature: bytes, digest: bytes, node_id: bytes | None) -> bytes:
    """Who signed: ``node_id`` where the invoice names it, otherwise recovered. Raises :class:`InputError`."""
    try:
        if node_id is None:
            return PublicKey.from_signature_and_message(signature, digest, hasher=None).format()
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
        if s <= _HALF_ORDER and PublicKey(node_id).verify(_der(r, s), digest, hasher=None):
            return node_id
    except Exception as error:  # coincurve raises the bare Exception of its C binding
        raise InputError("the signature of the invoice is not valid; it was altered, ask for a new one") from error
    raise InputError("the signature of the invoice is not by the node it names, or not in low-S form")


def _der(*numbers: int) -> bytes:
    parts = b"".join(b"\x02" + bytes([len(part)]) + part for part in map(_der_bytes, numbers))
    return b"\x30" + bytes([len(parts)]) + parts


def _der_bytes(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1)


def _check_writable(invoice: Invoice) -> None:
    if len(invoice.payment_hash) != 32 or len(invoice.payment_secret) != 32:
        raise InputError("payment_hash and payment_secret of an invoice are 32 bytes each")
    if (invoice.description is None) == (invoice.description_hash is None):
        raise InputError("an invoice takes exactly one of description and description_hash")
    if invoice.amount_msat is not None and invoice.amount_msat <= 0:
        raise InputError(
            f"amount_msat is {invoice.amount_msat}; give a positive amount, or None to let the payer choose"
        )
    if not 0 <= invoice.timestamp_s < 1 << 35:
        raise InputError(f"timestamp_s is {invoice.timestamp_s}; it must fit into 35 bits of seconds since 1970")
    if invoice.expiry_s <= 0 or invoice.min_final_cltv_delta <= 0:
        raise InputError("expiry_s and min_final_cltv_delta of an invoice must be positive")
    check_features(invoice.features)


def _write_fields(invoice: Invoice, payee: bytes, order: Iterable[str], name_payee: bool) -> str:
    implied = {"expiry_s": DEFAULT_EXPIRY_S, "min_final_cltv_delta": DEFAULT_MIN_FINAL_CLTV_DELTA, "features": 0}
    by_letter = {field.letter: field for field in FIELDS}
    written: list[str] = []
    for letter in order:
        field = by_letter[letter]
        value = (payee if name_payee else None) if letter == "n" else getattr(invoice, field.attribute)
        if value is None or value == implied.get(field.attribute):
            continue
        values = value if field.repeats else (value,)
        written.extend(write_field(letter, field.write(each)) for each in values)
    return "".join(written)
