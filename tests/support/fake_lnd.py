"""LND's REST API in front of a wallet in memory: paths, field names and types as of LND 0.21, strict about requests.

What a grpc-gateway refuses is refused: unknown fields, missing macaroons. int64 are strings, bytes base64, streams
one ``{"result": ...}`` or ``{"error": ...}`` a line.
"""

import json
from base64 import b64encode, urlsafe_b64decode

import anyio
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lnherd.l402 import bolt11
from lnherd.l402.client_steps import Paid

MACAROON = b"\x02\x01\x03lnd"
NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT, UNKNOWN = 5, 6, 3, 2
HTTP_STATUS = {NOT_FOUND: 404, ALREADY_EXISTS: 409, INVALID_ARGUMENT: 400, UNKNOWN: 500}
INVOICE_FIELDS = {"value_msat", "value", "memo", "expiry", "private", "r_preimage", "description_hash", "cltv_expiry"}
SEND_FIELDS = {
    "payment_request", "timeout_seconds", "fee_limit_msat", "fee_limit_sat", "amt", "amt_msat", "outgoing_chan_ids",
    "last_hop_pubkey", "allow_self_payment", "max_parts", "no_inflight_updates", "cancelable",
}  # fmt: skip


def refusal(code, message, *, streamed=False):
    error = {"code": code, "message": message, "details": []}
    return JSONResponse({"error": error} if streamed else error, HTTP_STATUS[code])


class FakeLnd:
    """``wallet`` does the work. ``held`` payments stay in flight; ``requests`` are all bodies seen."""

    def __init__(self, wallet, network="regtest"):
        self.wallet, self.network = wallet, network
        self.requests = []
        self.payments = {}
        self.holds = False
        self.answers_with = None
        self.app = Starlette(
            routes=[
                Route("/v1/getinfo", self.guarded(self.getinfo)),
                Route("/v1/invoices", self.guarded(self.add_invoice), methods=["POST"]),
                Route("/v1/invoice/{r_hash_str}", self.guarded(self.lookup)),
                Route("/v2/router/send", self.guarded(self.send), methods=["POST"]),
                Route("/v2/router/track/{payment_hash}", self.guarded(self.track)),
            ]
        )

    def guarded(self, endpoint):
        async def handle(request):
            if self.answers_with is not None:
                return Response(self.answers_with, media_type="text/html")
            if request.headers.get("Grpc-Metadata-macaroon") != MACAROON.hex():
                return refusal(UNKNOWN, "verification failed: signature mismatch after caveat verification")
            return await endpoint(request)

        return handle

    async def body(self, request, known):
        body = await request.json()
        unknown = sorted(set(body) - known)
        self.requests.append(body)
        return body, refusal(INVALID_ARGUMENT, f'proto: unknown field "{unknown[0]}"') if unknown else None

    async def getinfo(self, request):
        chain = {"chain": "bitcoin", "network": self.network}
        return JSONResponse({"version": "0.21.2-beta", "identity_pubkey": "02" * 33, "chains": [chain]})

    async def add_invoice(self, request):
        body, refused = await self.body(request, INVOICE_FIELDS)
        if refused:
            return refused
        bill = self.wallet.create_invoice(int(body["value_msat"]), body["memo"], int(body["expiry"]))
        r_hash = b64encode(bill.payment_hash).decode()
        secret = b64encode(bolt11.decode(bill.invoice).payment_secret).decode()
        made = {"r_hash": r_hash, "payment_request": bill.invoice, "add_index": "1", "payment_addr": secret}
        return JSONResponse(made)

    async def lookup(self, request):
        payment_hash = bytes.fromhex(request.path_params["r_hash_str"])
        debt = self.wallet._world.debts.get(payment_hash)
        if debt is None or debt.payee is not self.wallet:
            return refusal(NOT_FOUND, "unable to locate invoice")
        settled = self.wallet.is_settled(payment_hash)
        amount = str(debt.amount_msat if settled else 0)
        state = "SETTLED" if settled else "OPEN"
        return JSONResponse({"r_hash": b64encode(payment_hash).decode(), "state": state, "amt_paid_msat": amount})

    def payment(self, payment_hash, status, *, preimage=bytes(32), fee_msat=0, reason="NONE"):
        return {
            "payment_hash": payment_hash.hex(),
            "status": status,
            "payment_preimage": preimage.hex(),
            "fee_msat": str(fee_msat),
            "fee_sat": str(fee_msat // 1000),
            "failure_reason": f"FAILURE_REASON_{reason}",
            "htlcs": [],
        }

    async def send(self, request):
        body, refused = await self.body(request, SEND_FIELDS)
        if refused or not isinstance(body.get("timeout_seconds"), int):
            return refused or refusal(INVALID_ARGUMENT, "timeout_seconds must be specified", streamed=True)
        invoice = bolt11.decode(body["payment_request"])
        payment_hash = invoice.payment_hash
        if invoice.expired(self.wallet._world.clock()):
            return refusal(UNKNOWN, "invoice expired. Valid until then", streamed=True)
        if (invoice.amount_msat is None) != ("amt_msat" in body):
            return refusal(UNKNOWN, "amount must be specified exactly when paying a zero amount invoice", streamed=True)
        earlier = self.payments.get(payment_hash, {}).get("status")
        if earlier == "SUCCEEDED":
            return refusal(ALREADY_EXISTS, "invoice is already paid", streamed=True)
        if earlier == "IN_FLIGHT":
            return refusal(ALREADY_EXISTS, "payment is in transition", streamed=True)
        self.payments[payment_hash] = self.payment(payment_hash, "IN_FLIGHT")
        return StreamingResponse(self.updates(invoice, int(body.get("fee_limit_msat", 0))))

    async def updates(self, invoice, fee_limit_msat):
        while self.holds:
            await anyio.sleep(0.01)
        self.settle(invoice, fee_limit_msat)
        yield json.dumps({"result": self.payments[invoice.payment_hash]}) + "\n"

    def settle(self, invoice, fee_limit_msat):
        outcome = self.wallet.pay(invoice.text, invoice.amount_msat, fee_limit_msat)
        if isinstance(outcome, Paid):
            how = {"status": "SUCCEEDED", "preimage": outcome.preimage, "fee_msat": outcome.fee_msat}
        else:
            how = {"status": "FAILED", "reason": "NO_ROUTE"}
        self.payments[invoice.payment_hash] = self.payment(invoice.payment_hash, **how)

    async def track(self, request):
        payment_hash = urlsafe_b64decode(request.path_params["payment_hash"])
        payment = self.payments.get(payment_hash)
        if payment is None:
            return refusal(NOT_FOUND, "payment isn't initiated", streamed=True)

        async def updates():
            yield json.dumps({"result": payment}) + "\n"
            while payment["status"] == "IN_FLIGHT":  # a client that waits for more waits for ever
                await anyio.sleep(0.01)

        return StreamingResponse(updates())
