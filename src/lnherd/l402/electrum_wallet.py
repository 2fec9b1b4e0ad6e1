"""A wallet at an Electrum daemon (4.3 and later), over its JSON-RPC.

Electrum works in whole satoshi and sets its own ceiling for routing fees: the larger of 5 satoshi and 1 %. A
payment with a lower limit is refused here rather than let through in the hope of a cheap route.
"""

import ast
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from lnherd.errors import InputError
from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.node_http import READ_TIMEOUT_S, NodeHttp, NodeRefusedError, NodeSilentError, bytes_of, text_of
from lnherd.l402.payable import read_payable
from lnherd.l402.settings import required
from lnherd.l402.wallet import Bill, WalletError

PAYMENT_TIMEOUT_S: Final = 120.0
_MSAT_PER_SAT: Final = 1_000
_SAT_PER_BTC: Final = 100_000_000
_FREE_FEE_MSAT: Final = 5_000
_FEE_SHARE: Final = 100
_PAID, _IN_FLIGHT = 3, 4
_SENT: Final = 0
_SETTLING_S: Final = 5.0
_POLL_S: Final = 0.02
_NETWORKS: Final = ("testnet", "regtest", "simnet", "signet")


@dataclass(frozen=True)
class ElectrumConfig:
    """How to reach an Electrum daemon."""

    user: str
    password: str = field(repr=False)
    network: Network
    socket: Path | None = None
    """Its unix socket, or else ``url``."""
    url: str = "http://127.0.0.1"
    payment_timeout_s: float = PAYMENT_TIMEOUT_S

    @classmethod
    def from_directory(cls, directory: Path) -> "ElectrumConfig":
        """Of the daemon that runs in ``directory``: ``~/.electrum``, or ``~/.electrum/regtest`` and the like.

        Raises :class:`InputError` when none does.
        """
        try:
            kind, address, _ = ast.literal_eval((directory / "daemon").read_text())
            config = json.loads((directory / "config").read_text())
            user, password = config["rpcuser"], config["rpcpassword"]
        except (OSError, ValueError, SyntaxError, KeyError):
            raise InputError(f"{directory}: no Electrum daemon runs here; start one (electrum daemon -d)") from None
        network = Network[directory.name.upper()] if directory.name in _NETWORKS else Network.MAINNET
        if kind == "unix":
            return cls(user, password, network, socket=Path(address))
        return cls(user, password, network, url=f"http://{address[0]}:{address[1]}")


class ElectrumRpc:
    """Calls a daemon's commands. Raises :class:`WalletError` and its kinds."""

    def __init__(self, config: ElectrumConfig) -> None:
        self._http = NodeHttp(config.url, auth=(config.user, config.password), socket=config.socket)

    def call(self, method: str, parameters: Mapping[str, Any] | None = None, timeout_s: float = READ_TIMEOUT_S) -> Any:
        """The result of a command."""
        request = {"jsonrpc": "2.0", "id": 0, "method": method, "params": parameters or {}}
        return self._http.call("POST", "/", request, timeout_s=timeout_s).get("result")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class ElectrumWallet:
    """A :class:`~lnherd.l402.wallet.Wallet` of the wallet that an Electrum daemon has loaded."""

    def __init__(self, config: ElectrumConfig, sleep: Callable[[float], None] = time.sleep) -> None:
        self._config = config
        self._sleep = sleep

    @cached_property
    def rpc(self) -> ElectrumRpc:
        """The daemon."""
        return ElectrumRpc(self._config)

    @property
    def network(self) -> Network:
        """Where the daemon lives."""
        return self._config.network

    def create_invoice(self, amount_msat: int, memo: str, expiry_s: int) -> Bill:
        """A new invoice of whole satoshi. Raises :class:`InputError` for other amounts."""
        amount_sat, rest = divmod(amount_msat, _MSAT_PER_SAT)
        if rest:
            raise InputError(f"Electrum makes invoices of whole satoshi; {amount_msat} msat is none, round the price")
        made = self.rpc.call(
            "add_request", {"amount": _bitcoin(amount_sat), "memo": memo, "expiration": expiry_s, "force": True}
        )
        if not isinstance(made, dict) or not made.get("lightning_invoice"):
            raise WalletError("Electrum made no Lightning invoice; does its wallet have Lightning?")
        return Bill(text_of(made, "lightning_invoice"), bytes_of(made, "rhash"))

    def is_settled(self, payment_hash: bytes) -> bool:
        """Whether an invoice of the wallet has been paid; False for unknown ones."""
        return self._status("get_request", payment_hash) == _PAID

    def pay(self, invoice: str, amount_msat: int, max_fee_msat: int) -> Paid | PaymentFailed:
        """Pay ``invoice``; Electrum itself refuses to pay a hash twice and then gives the first outcome."""
        read = read_payable(invoice, amount_msat, self.network)
        if isinstance(read, PaymentFailed):
            return read
        if read.amount_msat is None:
            return PaymentFailed("Electrum pays no invoices without an amount")
        ceiling_msat = max(_FREE_FEE_MSAT, amount_msat // _FEE_SHARE)
        if max_fee_msat < ceiling_msat:
            return PaymentFailed(f"Electrum may spend up to {ceiling_msat} msat on routing; allow that much")
        was_in_flight = self._status("get_invoice", read.payment_hash) == _IN_FLIGHT
        try:
            answer = self.rpc.call("lnpay", {"invoice": read.text}, timeout_s=self._config.payment_timeout_s)
        except NodeSilentError as silence:
            return PaymentFailed(str(silence), pending=True)
        except NodeRefusedError as refusal:
            return self._after_refusal(read.payment_hash, refusal, was_in_flight=was_in_flight)
        if not answer["success"]:
            tries = len(answer["log"])
            return PaymentFailed(f"no route: {tries} attempts failed" if tries else "no route")
        return self._settled(read.payment_hash)

    def _after_refusal(
        self, payment_hash: bytes, refusal: NodeRefusedError, *, was_in_flight: bool
    ) -> Paid | PaymentFailed:
        """The payment was made before, is on its way, or was never begun.

        Or Electrum stumbled over it: then it calls the payment in progress until it is restarted, though nothing of it
        is left. Without an HTLC on any channel, and no progress before we asked, that is a failure.
        """
        found = self.find_payment(payment_hash)
        if isinstance(found, Paid) or (
            found is not None and found.pending and (was_in_flight or self._has_unsettled())
        ):
            return found
        return PaymentFailed(str(refusal))

    def find_payment(self, payment_hash: bytes) -> Paid | PaymentFailed | None:
        """What became of a payment from the wallet."""
        found = self._sent(payment_hash)
        if found is not None:
            return found
        status = self._status("get_invoice", payment_hash)
        if status is None:
            return None
        if status in (_PAID, _IN_FLIGHT) or self._has_unsettled():
            return PaymentFailed("the payment is on its way", pending=True)
        return PaymentFailed("the payment failed")

    def close(self) -> None:
        """Close the connections."""
        self.rpc.close()

    def _settled(self, payment_hash: bytes) -> Paid | PaymentFailed:
        """The payment in the history, where it appears once its HTLCs are off the channel."""
        for _ in range(round(_SETTLING_S / _POLL_S)):
            found = self._sent(payment_hash)
            if found is not None:
                return found
            self._sleep(_POLL_S)
        return PaymentFailed("the payment succeeded, but its fee is not known yet", pending=True)

    def _sent(self, payment_hash: bytes) -> Paid | None:
        for entry in self.rpc.call("lightning_history"):
            if entry.get("payment_hash") == payment_hash.hex() and entry.get("direction") == _SENT:
                return Paid(bytes_of(entry, "preimage"), entry.get("fee_msat") or 0)
        return None

    def _status(self, command: str, payment_hash: bytes) -> int | None:
        """Electrum's status of a request or invoice; None if it knows none."""
        identifier = "request_id" if command == "get_request" else "invoice_id"
        try:
            status: int = self.rpc.call(command, {identifier: payment_hash.hex()})["status"]
        except NodeRefusedError:
            return None
        return status

    def _has_unsettled(self) -> bool:
        """Whether HTLCs are out: after a restart Electrum no longer says of which payment they are."""
        return any(channel.get("local_unsettled_sent") for channel in self.rpc.call("list_channels"))


def _bitcoin(amount_sat: int) -> str:
    whole, rest = divmod(amount_sat, _SAT_PER_BTC)
    return f"{whole}.{rest:08d}"


def open_electrum(environ: Mapping[str, str]) -> ElectrumWallet:
    """A wallet at the daemon in ``LNHERD_ELECTRUM_DIR``. Raises :class:`InputError`."""
    directory = required(environ, "LNHERD_ELECTRUM_DIR", "the daemon's folder, e.g. ~/.electrum/regtest")
    return ElectrumWallet(ElectrumConfig.from_directory(Path(directory).expanduser()))
