"""Wallets of simulated nodes: real BOLT 11 invoices, paid through the simulated network in event time.

A payment here is a payment of the engine: it looks for routes with what the sender knows, meets empty channels,
retries, splits, pays fees to the nodes between, and may fail for every reason the engine knows. Only the preimage
is added, which the engine has no use for. So an API or an agent can be tried out on a network of thousands of
nodes without running one.

Two clocks: invoices carry unix time from ``clock``, because servers and clients compare it with theirs; payments take
event time, which passes only while somebody waits for one (or calls :meth:`SimulatedLightning.advance`).
Threads that pay at the same moment share event time: their HTLCs are in flight together.
"""

import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Final, NamedTuple

from lnherd.engine.codes import FAILED, FAILURE_NAMES, SUCCEEDED
from lnherd.engine.simulation import ExitReason, Simulation
from lnherd.l402 import bolt11
from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import Paid, PaymentFailed
from lnherd.l402.payable import read_payable
from lnherd.l402.wallet import Bill

PATIENCE_MS: Final = 120_000
"""Event time after which an unfinished payment is reported as pending."""
PRUNE_AT: Final = 4_096
"""Invoices kept before expired ones that nobody tried to pay are forgotten."""
EVENTS_AT_ONCE: Final = 64
"""Events handled before other threads get a turn."""
_PREIMAGE_BYTES: Final = 32


class _Debt(NamedTuple):
    payee: int
    preimage: bytes
    amount_msat: int
    expires_s: int


class SimulatedLightning:
    """A simulation whose nodes have wallets; safe to use from several threads.

    Args:
        simulation: the network; other traffic in it goes on as event time passes.
        clock: unix time, for invoices.
        entropy: gives n random bytes, for preimages and payment secrets.
        network: what the invoices say they are payable on.
        seed: of the nodes' keys.
    """

    def __init__(
        self,
        simulation: Simulation,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        *,
        network: Network = Network.REGTEST,
        seed: int = 0,
    ) -> None:
        self.simulation = simulation
        self.network = network
        self._clock = clock
        self._entropy = entropy
        self._seed = seed
        self._lock = threading.RLock()
        self._debts: dict[bytes, _Debt] = {}
        self._payments: dict[bytes, int] = {}
        self._prune_at = PRUNE_AT

    def wallet(self, node: int | str) -> "NodeWallet":
        """The wallet of a node, by index, public key or alias. Raises :class:`InputError` for an unknown one."""
        return NodeWallet(self, self.simulation.network.node_index(str(node)))

    def advance(self, duration_ms: int) -> None:
        """Let event time pass: traffic, gossip, blocks."""
        with self._lock:
            self.simulation.run(until_ms=self.simulation.now_ms + duration_ms)

    def private_key(self, node: int) -> bytes:
        """What ``node`` signs its invoices with: derived from the seed, unrelated to any real node's key."""
        return sha256(f"lnherd simulated node {self._seed} {node}".encode()).digest()

    def bill(self, payee: int, amount_msat: int, memo: str, expiry_s: int) -> Bill:
        """A new invoice of node ``payee``. Raises :class:`InputError` for an amount or expiry that is not positive."""
        preimage = self._entropy(_PREIMAGE_BYTES)
        payment_hash = sha256(preimage).digest()
        now_s = int(self._clock())
        unsigned = bolt11.Invoice(
            self.network, amount_msat, now_s, payment_hash, self._entropy(_PREIMAGE_BYTES), memo,
            expiry_s=expiry_s, min_final_cltv_delta=self.simulation.config.final_cltv,
        )  # fmt: skip
        signed = bolt11.sign(unsigned, self.private_key(payee))
        with self._lock:
            self._debts[payment_hash] = _Debt(payee, preimage, amount_msat, now_s + expiry_s)
            if len(self._debts) > self._prune_at:
                self._prune(now_s)
        return Bill(signed.text, payment_hash)

    def _prune(self, now_s: int) -> None:
        kept = {hash_: debt for hash_, debt in self._debts.items() if hash_ in self._payments or debt.expires_s > now_s}
        self._debts = kept
        self._prune_at = max(PRUNE_AT, 2 * len(kept))

    def is_settled(self, payee: int, payment_hash: bytes) -> bool:
        """Whether an invoice of node ``payee`` has been paid."""
        with self._lock:
            debt, payment_id = self._debts.get(payment_hash), self._payments.get(payment_hash)
            if debt is None or debt.payee != payee or payment_id is None:
                return False
            return int(self.simulation.payments[payment_id].status) == SUCCEEDED

    def pay(self, payer: int, invoice: bolt11.Invoice, max_fee_msat: int) -> Paid | PaymentFailed:
        """Have node ``payer`` pay, and let event time pass until it is done."""
        with self._lock:
            payment_hash = invoice.payment_hash
            debt, earlier = self._debts.get(payment_hash), self._payments.get(payment_hash)
            if debt is None or invoice.payee != bolt11.node_id(self.private_key(debt.payee)):
                return PaymentFailed("no route: nobody on the simulated network made this invoice")
            status = FAILED if earlier is None else int(self.simulation.payments[earlier].status)
            if earlier is not None and status != FAILED:
                if self.simulation.payments[earlier].sender != payer:
                    return PaymentFailed("incorrect_payment_details: somebody else has paid this invoice")
            else:
                refusal = self._refusal(payer, debt, invoice)
                if refusal:
                    return PaymentFailed(refusal)
                self._payments[payment_hash] = self.simulation.send(
                    payer, debt.payee, debt.amount_msat, fee_limit=max_fee_msat
                )
        return self._await(payment_hash)

    def _refusal(self, payer: int, debt: _Debt, invoice: bolt11.Invoice) -> str | None:
        if payer == debt.payee:
            return "a wallet does not pay itself"
        if invoice.amount_msat != debt.amount_msat:
            return f"incorrect_payment_details: the payee wants {debt.amount_msat} msat"
        if self._clock() >= debt.expires_s:
            return "the invoice has expired"
        return None

    def find_payment(self, payer: int, payment_hash: bytes) -> Paid | PaymentFailed | None:
        """What became of a payment of node ``payer``; one that is on its way is waited for."""
        payment_id = self._payments.get(payment_hash)
        if payment_id is None or self.simulation.payments[payment_id].sender != payer:
            return None
        return self._await(payment_hash)

    def _await(self, payment_hash: bytes) -> Paid | PaymentFailed:
        """Let event time pass until the payment is done or patience is over; other threads may join in."""
        with self._lock:
            deadline_ms = self.simulation.now_ms + PATIENCE_MS
        while True:
            with self._lock:
                outcome = self._outcome(payment_hash)
                if not (isinstance(outcome, PaymentFailed) and outcome.pending):
                    return outcome
                if self.simulation.now_ms >= deadline_ms:
                    return outcome
                if self.simulation.run(deadline_ms, EVENTS_AT_ONCE) == ExitReason.IDLE:
                    return self._outcome(payment_hash)

    def _outcome(self, payment_hash: bytes) -> Paid | PaymentFailed:
        payment = self.simulation.payments[self._payments[payment_hash]]
        if payment.status == SUCCEEDED:
            return Paid(self._debts[payment_hash].preimage, int(payment.fee_msat))
        if payment.status == FAILED:
            reason = FAILURE_NAMES[int(payment.failure)]
            return PaymentFailed(f"{reason} after {int(payment.attempts)} attempts")
        return PaymentFailed("the payment is on its way", pending=True)

    def spendable_msat(self, node: int) -> int:
        """What ``node`` owns in its open channels, reserves included."""
        with self._lock:
            edges = self.simulation.state.edges
            own = edges[(edges.source == node) & edges.is_open]
            return int(own.balance_msat.sum())


class NodeWallet:
    """A :class:`~lnherd.l402.wallet.Wallet` of one node of a :class:`SimulatedLightning`."""

    def __init__(self, lightning: SimulatedLightning, node: int) -> None:
        self.node = node
        self._lightning = lightning

    @property
    def network(self) -> Network:
        """What its invoices are payable on."""
        return self._lightning.network

    @property
    def balance_msat(self) -> int:
        """What the node owns in its channels."""
        return self._lightning.spendable_msat(self.node)

    def create_invoice(self, amount_msat: int, memo: str, expiry_s: int) -> Bill:
        """A new invoice, signed with the node's key."""
        return self._lightning.bill(self.node, amount_msat, memo, expiry_s)

    def is_settled(self, payment_hash: bytes) -> bool:
        """Whether an invoice of the node has been paid."""
        return self._lightning.is_settled(self.node, payment_hash)

    def pay(self, invoice: str, amount_msat: int, max_fee_msat: int) -> Paid | PaymentFailed:
        """Pay through the simulated network; a payment that failed may be tried again."""
        read = read_payable(invoice, amount_msat, self.network)
        if isinstance(read, PaymentFailed):
            return read
        return self._lightning.pay(self.node, read, max_fee_msat)

    def find_payment(self, payment_hash: bytes) -> Paid | PaymentFailed | None:
        """What became of a payment of the node."""
        return self._lightning.find_payment(self.node, payment_hash)
