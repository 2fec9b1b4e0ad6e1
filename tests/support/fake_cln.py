"""Core Lightning's commands in front of a wallet in memory, over a unix socket and as clnrest; strict about parameters.

Names and types as of Core Lightning 26.06 (its ``doc/schemas``); amounts are plain numbers.
"""

import json
import socketserver
import threading
from contextlib import contextmanager
from typing import ClassVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from lnherd.l402 import bolt11
from lnherd.l402.client_steps import Paid

RUNE = "rune-for-tests"
NOT_AUTHORISED, UNKNOWN_COMMAND, INVALID_PARAMETERS = 1502, -32601, -32602
ROUTE_NOT_FOUND, EXPIRED, LABEL_EXISTS = 205, 207, 900


class CommandError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class FakeCln:
    """``wallet`` does the work. While it ``holds``, payments stay pending and ``xpay`` gives up on them."""

    PARAMETERS: ClassVar = {
        "getinfo": set(),
        "invoice": {"amount_msat", "label", "description", "expiry", "preimage", "exposeprivatechannels"},
        "listinvoices": {"label", "invstring", "payment_hash"},
        "xpay": {"invstring", "amount_msat", "maxfee", "layers", "retry_for", "partial_msat", "maxdelay", "label"},
        "listpays": {"bolt11", "payment_hash", "status"},
    }

    def __init__(self, wallet, network="regtest"):
        self.wallet, self.network = wallet, network
        self.labels, self.bills, self.pays, self.requests = set(), {}, [], []
        self.holds = False
        self.app = Starlette(routes=[Route("/v1/{method}", self.rest, methods=["POST"])])

    def command(self, method, parameters):
        self.requests.append((method, parameters))
        if method not in self.PARAMETERS:
            raise CommandError(UNKNOWN_COMMAND, f"Unknown command '{method}'")
        unknown = sorted(set(parameters) - self.PARAMETERS[method])
        if unknown:
            raise CommandError(INVALID_PARAMETERS, f"unknown parameter: {unknown[0]}")
        return getattr(self, method)(**parameters)

    def getinfo(self):
        return {"id": "02" * 33, "network": self.network, "version": "v26.06.6", "blockheight": 110}

    def invoice(self, amount_msat, label, description, expiry):
        if label in self.labels:
            raise CommandError(LABEL_EXISTS, "Duplicate label")
        self.labels.add(label)
        bill = self.wallet.create_invoice(amount_msat, description, expiry)
        self.bills[bill.payment_hash.hex()] = bill
        read = bolt11.decode(bill.invoice)
        return {
            "payment_hash": bill.payment_hash.hex(),
            "expires_at": read.expires_s,
            "bolt11": bill.invoice,
            "payment_secret": read.payment_secret.hex(),
            "created_index": len(self.bills),
        }

    def listinvoices(self, payment_hash):
        bill = self.bills.get(payment_hash)
        if bill is None:
            return {"invoices": []}
        status = "paid" if self.wallet.is_settled(bill.payment_hash) else "unpaid"
        return {"invoices": [{"label": "x", "payment_hash": payment_hash, "status": status, "bolt11": bill.invoice}]}

    def xpay(self, invstring, maxfee, retry_for, amount_msat=None):
        invoice = bolt11.decode(invstring)
        if (invoice.amount_msat is None) != (amount_msat is not None):
            raise CommandError(INVALID_PARAMETERS, "amount_msat is for invoices without an amount, and needed there")
        if invoice.expired(self.wallet._world.clock()):
            raise CommandError(EXPIRED, "Invoice has expired")
        entry = {"payment_hash": invoice.payment_hash.hex(), "bolt11": invstring, "created_at": 1, "created_index": 1}
        self.pays.append(entry)
        if self.holds:
            entry["status"] = "pending"
            raise CommandError(ROUTE_NOT_FOUND, "Timed out after after 1 attempts")
        outcome = self.wallet.pay(invstring, invoice.amount_msat, maxfee)
        if not isinstance(outcome, Paid):
            entry |= {"status": "failed", "amount_sent_msat": 0}
            raise CommandError(ROUTE_NOT_FOUND, f"Could not find route: {outcome.message}")
        sent = {"amount_msat": invoice.amount_msat, "amount_sent_msat": invoice.amount_msat + outcome.fee_msat}
        entry |= {"status": "complete", "preimage": outcome.preimage.hex(), **sent}
        return {"payment_preimage": outcome.preimage.hex(), "failed_parts": 0, "successful_parts": 1, **sent}

    def listpays(self, payment_hash):
        return {"pays": [entry for entry in self.pays if entry["payment_hash"] == payment_hash]}

    async def rest(self, request):
        if request.headers.get("Rune") != RUNE:
            return JSONResponse({"code": NOT_AUTHORISED, "message": "Not authorized: Incorrect rune"}, 401)
        parameters = await request.json()
        try:
            result = await run_in_threadpool(self.command, request.path_params["method"], parameters)
        except CommandError as error:
            return JSONResponse({"code": error.code, "message": str(error)}, 500)
        return JSONResponse(result, 201)

    @contextmanager
    def socket(self, path):
        """Serve JSON-RPC on a unix socket, as ``lightning-rpc`` does."""
        node = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                request = json.loads(self.rfile.readline())
                answer = {"jsonrpc": "2.0", "id": request["id"]}
                try:
                    answer["result"] = node.command(request["method"], request["params"])
                except CommandError as error:
                    answer["error"] = {"code": error.code, "message": str(error)}
                text = json.dumps(answer, indent=3).encode() + b"\n\n"
                self.wfile.write(text[:20])  # answers come in pieces
                self.wfile.flush()
                self.wfile.write(text[20:])

        with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            thread.start()
            try:
                yield path
            finally:
                server.shutdown()
                thread.join()
