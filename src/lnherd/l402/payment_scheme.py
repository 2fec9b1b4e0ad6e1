"""The HTTP authentication scheme ``Payment`` with intent ``charge``: another way to sell the same invoice.

Formats of draft-ryan-httpauth-payment-00 and draft-lightning-charge-00 (the "Machine Payments Protocol"), as
Aperture and l402-requests speak them. The challenge is bound to its server by an HMAC, so nothing has to be
stored for it: our own macaroon travels inside ``request`` (``methodDetails.token``), which a client echoes byte
by byte. So a ``Payment`` credential is read into the macaroon and preimage of an L402 credential, and the server
flow checks both alike. One difference: it opens one request, then it is consumed, even if that request fails.

Prices that are no whole number of satoshis cannot be written in this scheme.
"""

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from lnherd.errors import InputError
from lnherd.l402 import macaroon
from lnherd.l402.headers import MAX_CREDENTIALS, MAX_HEADER_LENGTH, Malformed
from lnherd.l402.macaroon import Macaroon
from lnherd.units import MSAT_PER_SAT

METHOD: Final = "lightning"
INTENT: Final = "charge"
BOUND: Final = ("realm", "method", "intent", "request", "expires", "digest", "opaque")
"""What the challenge's id vouches for, in this order; absent ones count as empty."""
PROBLEMS: Final = {
    "malformed_credential": "malformed-credential",
    "unknown_challenge": "unknown-challenge",
    "unknown_token": "unknown-challenge",
    "used_up": "unknown-challenge",
    "wrong_preimage": "invalid-preimage",
    "challenge_expired": "expired-invoice",
}
"""Reason of a refusal -> the draft's name for it."""
_PROBLEM_ROOT: Final = "https://paymentauth.org/problems/"
_NETWORKS: Final = {"bcrt": "regtest", "tbs": "signet", "tb": "testnet", "sb": "simnet", "bc": "mainnet"}
_SHOWN: Final = re.compile(r"(?:^|,)[ \t]*payment(?:[ \t]+([A-Za-z0-9_-]*={0,2}))?(?=[ \t]*(?:,|$))", re.IGNORECASE)
_MENTION: Final = re.compile(r"(?:^|,)[ \t]*payment(?:[ \t]|$)", re.IGNORECASE)
_PREIMAGE: Final = re.compile(r"[0-9a-f]{64}")


class Charge(NamedTuple):
    """What a challenge asks for."""

    token: str
    """Text of the macaroon that the payment opens."""
    invoice: str
    payment_hash: bytes
    amount_msat: int
    description: str
    expires_s: float


class Shown(NamedTuple):
    """A ``Payment`` credential whose challenge was ours."""

    token: Macaroon
    preimage: bytes
    challenge_id: str
    expires_s: float


def can_charge(amount_msat: int) -> bool:
    """Whether an amount can be written in this scheme, which counts whole satoshis."""
    return amount_msat % MSAT_PER_SAT == 0


def challenge_header(secret: bytes, realm: str, charge: Charge) -> tuple[str, str]:
    """The ``WWW-Authenticate`` line of a challenge bound to ``secret``."""
    request = {
        "amount": str(charge.amount_msat // MSAT_PER_SAT),
        "currency": "sat",
        "description": charge.description,
        "methodDetails": {
            "invoice": charge.invoice,
            "network": _network(charge.invoice),
            "paymentHash": charge.payment_hash.hex(),
            "token": charge.token,
        },
    }
    fields = {
        "realm": realm,
        "method": METHOD,
        "intent": INTENT,
        "request": _encode(request),
        "expires": _rfc3339(charge.expires_s),
    }
    named = {"id": challenge_id(secret, fields), **fields}
    return "WWW-Authenticate", "Payment " + ", ".join(f'{name}="{value}"' for name, value in named.items())


def challenge_id(secret: bytes, fields: dict[str, str]) -> str:
    """HMAC-SHA256 over the bound fields, base64url without padding."""
    bound = "|".join(fields.get(name, "") for name in BOUND)
    return urlsafe_b64encode(hmac.digest(secret, bound.encode(), "sha256")).rstrip(b"=").decode()


def receipt_header(shown: Shown, now_s: float) -> tuple[str, str]:
    """The ``Payment-Receipt`` line of a response that was paid for this way."""
    receipt = {
        "challengeId": shown.challenge_id,
        "method": METHOD,
        "reference": sha256(shown.preimage).hexdigest(),
        "status": "success",
        "timestamp": _rfc3339(now_s),
    }
    return "Payment-Receipt", _encode(receipt)


def problem(reason: str, message: str) -> dict[str, object]:
    """The members of RFC 9457 for a refused ``Payment`` credential."""
    name = PROBLEMS.get(reason)
    kind = f"{_PROBLEM_ROOT}lightning/{name}" if name else f"{_PROBLEM_ROOT}verification-failed"
    title = (name or "verification-failed").replace("-", " ").capitalize()
    return {"type": kind, "title": title, "status": 402, "detail": message}


def read_credentials(authorization: Iterable[str], secret: bytes, realm: str) -> Iterator[Shown | Malformed | None]:
    """All ``Payment`` credentials of all lines; None for one whose challenge was never ours. Never raises."""
    found = (match for value in authorization for match in _mentions(value))
    for _, text in zip(range(MAX_CREDENTIALS), found, strict=False):
        try:
            yield _read(text, secret, realm)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, InputError) else "it is no base64url of JSON"
            yield Malformed(f"the Payment credential cannot be read: {reason}")


def _mentions(value: str) -> Iterator[str]:
    if len(value) > MAX_HEADER_LENGTH:
        if _MENTION.match(value):
            yield ""
        return
    matches = list(_SHOWN.finditer(value))
    yield from (match.group(1) or "" for match in matches)
    if not matches and _MENTION.search(value):
        yield ""


def _read(text: str, secret: bytes, realm: str) -> Shown | None:
    shown = _decode(text)
    challenge, payload = shown.get("challenge"), shown.get("payload")
    if not isinstance(challenge, dict) or not isinstance(payload, dict):
        raise InputError("it lacks challenge or payload")
    fields = {name: value for name, value in challenge.items() if isinstance(value, str)}
    preimage = payload.get("preimage")
    if not isinstance(preimage, str) or not _PREIMAGE.fullmatch(preimage):
        raise InputError("payload.preimage is not 64 lower-case hexadecimal digits")
    ours = hmac.compare_digest(challenge_id(secret, fields).encode(), fields.get("id", "").encode())
    if not ours or fields.get("realm") != realm or fields.get("method") != METHOD or fields.get("intent") != INTENT:
        return None
    details = _decode(fields["request"])["methodDetails"]
    expires_s = datetime.fromisoformat(fields["expires"]).timestamp()
    return Shown(macaroon.from_text(details["token"]), bytes.fromhex(preimage), fields["id"], expires_s)


def _network(invoice: str) -> str:
    return next(name for prefix, name in _NETWORKS.items() if invoice.startswith("ln" + prefix))


def _rfc3339(unix_s: float) -> str:
    return datetime.fromtimestamp(int(unix_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _encode(value: dict[str, Any]) -> str:
    """Canonical JSON (RFC 8785: sorted keys, no spaces; there are no numbers here) in base64url without padding."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _decode(text: str) -> dict[str, Any]:
    plain = text.rstrip("=")
    value = json.loads(urlsafe_b64decode(plain + "=" * (-len(plain) % 4)))
    if not isinstance(value, dict):
        raise InputError("it is not a JSON object")
    return value
