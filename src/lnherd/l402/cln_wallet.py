"""A wallet at Core Lightning (24.11 and later: it pays with ``xpay``).

A rune for it needs ``invoice`` and ``listinvoices`` to sell, ``xpay`` and ``listpays`` to buy, and ``getinfo``.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.cln_rpc import ClnRest, ClnRpc, ClnSocket
from lnherd.l402.node_http import NodeRefusedError, NodeSilentError, bytes_of, msat_of, text_of
from lnherd.l402.payable import read_payable
from lnherd.l402.settings import path_from, required, secret_from
from lnherd.l402.wallet import Bill, WalletError

PAYMENT_TIMEOUT_S: Final = 60
"""No new attempt later than this; HTLCs that are out by then are waited for a little longer."""
_GRACE_S: Final = 15
_LABEL_BYTES: Final = 16
_NETWORKS: Final = {
    "bitcoin": Network.MAINNET,
    "testnet": Network.TESTNET,
    "testnet4": Network.TESTNET,
    "signet": Network.SIGNET,
    "regtest": Network.REGTEST,
}


@dataclass(frozen=True)
class ClnConfig:
    """How a Core Lightning wallet behaves."""

    payment_timeout_s: int = PAYMENT_TIMEOUT_S
    label_prefix: str = "lnherd-"
    """Invoices need labels of their own; a random part is appended."""


class ClnWallet:
    """A :class:`~lnherd.l402.wallet.Wallet` of a Core Lightning node. ``entropy(n)`` gives n random bytes."""

    def __init__(
        self,
        rpc: ClnRpc,
        config: ClnConfig | None = None,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._rpc = rpc
        self._config = config or ClnConfig()
        self._entropy = entropy

    @cached_property
    def network(self) -> Network:
        """Where the node lives."""
        name = self._rpc.call("getinfo", {}).get("network")
        if name not in _NETWORKS:
            raise WalletError(f"the node is on {name!r}, which is not a network known here")
        return _NETWORKS[name]

    def create_invoice(self, amount_msat: int, memo: str, expiry_s: int) -> Bill:
        """A new invoice to the node."""
        label = self._config.label_prefix + self._entropy(_LABEL_BYTES).hex()
        made = self._rpc.call(
            "invoice", {"amount_msat": amount_msat, "label": label, "description": memo, "expiry": expiry_s}
        )
        return Bill(text_of(made, "bolt11"), bytes_of(made, "payment_hash"))

    def is_settled(self, payment_hash: bytes) -> bool:
        """Whether an invoice of the node has been paid; False for unknown ones."""
        invoices = self._rpc.call("listinvoices", {"payment_hash": payment_hash.hex()}).get("invoices", [])
        return any(invoice.get("status") == "paid" for invoice in invoices)

    def pay(self, invoice: str, amount_msat: int, max_fee_msat: int) -> Paid | PaymentFailed:
        """Pay ``invoice`` unless it was paid, or is being paid, from this node."""
        read = read_payable(invoice, amount_msat, self.network)
        if isinstance(read, PaymentFailed):
            return read
        earlier = self.find_payment(read.payment_hash)
        if isinstance(earlier, Paid) or (earlier is not None and earlier.pending):
            return earlier
        parameters: dict[str, Any] = {
            "invstring": read.text,
            "maxfee": max_fee_msat,
            "retry_for": self._config.payment_timeout_s,
        }
        if read.amount_msat is None:
            parameters["amount_msat"] = amount_msat
        try:
            paid = self._rpc.call("xpay", parameters, timeout_s=self._config.payment_timeout_s + _GRACE_S)
        except NodeSilentError as silence:
            return PaymentFailed(str(silence), pending=True)
        except NodeRefusedError as refusal:
            return self._after_refusal(read.payment_hash, refusal)
        return Paid(bytes_of(paid, "payment_preimage"), msat_of(paid, "amount_sent_msat") - amount_msat)

    def _after_refusal(self, payment_hash: bytes, refusal: NodeRefusedError) -> Paid | PaymentFailed:
        """``xpay`` may give up while parts of the payment are still out, or find it paid already."""
        found = self.find_payment(payment_hash)
        if found is None or (isinstance(found, PaymentFailed) and not found.pending):
            return PaymentFailed(str(refusal))
        return found

    def find_payment(self, payment_hash: bytes) -> Paid | PaymentFailed | None:
        """What became of a payment from the node; a hash may have been tried more than once."""
        tries = self._rpc.call("listpays", {"payment_hash": payment_hash.hex()}).get("pays", [])
        by_status = {entry.get("status"): entry for entry in tries}
        if "complete" in by_status:
            return _paid(by_status["complete"])
        if "pending" in by_status:
            return PaymentFailed("the payment is on its way", pending=True)
        return PaymentFailed("the payment failed") if tries else None


def _paid(entry: Mapping[str, Any]) -> Paid:
    """A payment in Core Lightning's list, which names the amount but for hand-made onions."""
    sent_msat = msat_of(entry, "amount_sent_msat")
    amount_msat = msat_of(entry, "amount_msat") if "amount_msat" in entry else sent_msat
    return Paid(bytes_of(entry, "preimage"), sent_msat - amount_msat)


def open_cln(environ: Mapping[str, str]) -> ClnWallet:
    """A wallet over ``LNHERD_CLN_SOCKET``, or over clnrest at ``LNHERD_CLN_URL`` (``_RUNE_FILE``, ``_CERT_FILE``).

    Raises :class:`InputError`.
    """
    socket_path = path_from(environ, "LNHERD_CLN_SOCKET")
    if socket_path is not None:
        return ClnWallet(ClnSocket(socket_path))
    url = required(environ, "LNHERD_CLN_URL", "the address of clnrest (or set LNHERD_CLN_SOCKET to lightning-rpc)")
    rune = secret_from(environ, "LNHERD_CLN_RUNE_FILE", "a rune of the node").decode("ascii", "replace").strip()
    return ClnWallet(ClnRest(url, rune, path_from(environ, "LNHERD_CLN_CERT_FILE")))
