"""A wallet at LND, over its REST API (router v2, lnd 0.15 and later, tested against the shapes of 0.21).

It needs a macaroon with ``invoices:read invoices:write`` to sell and ``offchain:read offchain:write`` to buy;
``info:read`` too, unless the network is given.
"""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.node_http import NodeHttp, NodeRefusedError, NodeSilentError, bytes_of, msat_of, text_of
from lnherd.l402.payable import read_payable
from lnherd.l402.settings import network_from, path_from, required, secret_from
from lnherd.l402.wallet import Bill, WalletError

PAYMENT_TIMEOUT_S: Final = 60
"""No new attempt later than this; HTLCs that are out by then are waited for a little longer."""
_GRACE_S: Final = 15
_NOT_FOUND: Final = 5
_NETWORKS: Final = {"testnet3": Network.TESTNET, "testnet4": Network.TESTNET}
_UNKNOWN_INVOICE: Final = ("unable to locate invoice", "there are no existing invoices")
"""LND gives these no status of their own in every version."""
_UNKNOWN_PAYMENT: Final = "payment isn't initiated"


@dataclass(frozen=True)
class LndConfig:
    """How to reach an LND node."""

    url: str
    """Its REST address, e.g. ``https://127.0.0.1:8080``."""
    macaroon: bytes = field(repr=False)
    """The macaroon, as in the file."""
    cert_file: Path | None = None
    """Its ``tls.cert``; None where a public authority vouches for it."""
    network: Network | None = None
    """None: ask the node."""
    private_hints: bool = False
    """Name unannounced channels in invoices."""
    payment_timeout_s: int = PAYMENT_TIMEOUT_S

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "LndConfig":
        """From ``LNHERD_LND_URL``, ``_MACAROON_FILE``, ``_CERT_FILE`` and ``_NETWORK``. Raises :class:`InputError`."""
        return cls(
            url=required(environ, "LNHERD_LND_URL", "the REST address, e.g. https://127.0.0.1:8080"),
            macaroon=secret_from(environ, "LNHERD_LND_MACAROON_FILE", "a macaroon of the node"),
            cert_file=path_from(environ, "LNHERD_LND_CERT_FILE"),
            network=network_from(environ, "LNHERD_LND_NETWORK"),
        )


class LndWallet:
    """A :class:`~lnherd.l402.wallet.Wallet` of an LND node."""

    def __init__(self, config: LndConfig) -> None:
        self._config = config
        self._http = NodeHttp(
            config.url, headers={"Grpc-Metadata-macaroon": config.macaroon.hex()}, cert_file=config.cert_file
        )

    @cached_property
    def network(self) -> Network:
        """Where the node lives."""
        if self._config.network is not None:
            return self._config.network
        info = self._http.call("GET", "/v1/getinfo")
        try:
            return network_of(info["chains"][0]["network"])
        except (KeyError, IndexError, TypeError):
            raise WalletError("LND does not say which chain it is on") from None

    def create_invoice(self, amount_msat: int, memo: str, expiry_s: int) -> Bill:
        """A new invoice to the node."""
        made = self._http.call(
            "POST",
            "/v1/invoices",
            {
                "value_msat": str(amount_msat),
                "memo": memo,
                "expiry": str(expiry_s),
                "private": self._config.private_hints,
            },
        )
        return Bill(text_of(made, "payment_request"), _hash(made))

    def is_settled(self, payment_hash: bytes) -> bool:
        """Whether an invoice of the node has been paid; False for unknown ones."""
        try:
            invoice = self._http.call("GET", f"/v1/invoice/{payment_hash.hex()}")
        except NodeRefusedError as refusal:
            if refusal.code == _NOT_FOUND or any(words in str(refusal) for words in _UNKNOWN_INVOICE):
                return False
            raise
        return invoice.get("state") == "SETTLED"

    def pay(self, invoice: str, amount_msat: int, max_fee_msat: int) -> Paid | PaymentFailed:
        """Pay ``invoice``; LND itself refuses to pay a hash twice and then gives the first outcome."""
        read = read_payable(invoice, amount_msat, self.network)
        if isinstance(read, PaymentFailed):
            return read
        body = {
            "payment_request": read.text,
            "timeout_seconds": self._config.payment_timeout_s,
            "fee_limit_msat": str(max_fee_msat),
            "no_inflight_updates": True,
        }
        if read.amount_msat is None:
            body["amt_msat"] = str(amount_msat)
        try:
            answer = self._http.first(
                "POST", "/v2/router/send", body, timeout_s=self._config.payment_timeout_s + _GRACE_S
            )
        except NodeSilentError as silence:
            return PaymentFailed(str(silence), pending=True)
        except NodeRefusedError as refusal:  # paid before, on its way, or never begun: LND knows which
            return self.find_payment(read.payment_hash) or PaymentFailed(str(refusal))
        return _outcome(answer)

    def find_payment(self, payment_hash: bytes) -> Paid | PaymentFailed | None:
        """What became of a payment from the node."""
        try:
            answer = self._http.first("GET", f"/v2/router/track/{urlsafe_b64encode(payment_hash).decode()}")
        except NodeRefusedError as refusal:
            if refusal.code == _NOT_FOUND or _UNKNOWN_PAYMENT in str(refusal):
                return None
            raise
        return _outcome(answer)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def network_of(name: str) -> Network:
    """A network as LND calls it. Raises :class:`WalletError` for one that has no invoices of its own here."""
    found = _NETWORKS.get(name) or Network.__members__.get(name.upper())
    if found is None:
        raise WalletError(f"the node is on {name!r}, which is not a network known here")
    return found


def _outcome(answer: Mapping[str, Any]) -> Paid | PaymentFailed:
    payment = answer.get("result")
    if not isinstance(payment, dict):
        raise WalletError(f"LND sent a payment update without a result: {str(answer)[:100]}")
    status = payment.get("status")
    if status == "SUCCEEDED":
        return Paid(bytes_of(payment, "payment_preimage"), msat_of(payment, "fee_msat"))
    if status == "FAILED":
        reason = str(payment.get("failure_reason", "")).removeprefix("FAILURE_REASON_").lower().replace("_", " ")
        return PaymentFailed(reason or "the payment failed")
    return PaymentFailed("the payment is on its way", pending=True)


def _hash(invoice: Mapping[str, Any]) -> bytes:
    try:
        return b64decode(text_of(invoice, "r_hash"), validate=True)
    except ValueError:
        raise WalletError("r_hash in LND's answer is not base64") from None


def open_lnd(environ: Mapping[str, str]) -> LndWallet:
    """A wallet at the node that the environment names. Raises :class:`InputError`."""
    return LndWallet(LndConfig.from_environment(environ))
