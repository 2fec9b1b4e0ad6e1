"""A paid API in ten lines: serve ``app`` with ``uvicorn paid_api:app``."""

import secrets
import time

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from lnherd.l402 import L402Middleware, MemoryNetwork, SqliteTokens

network = MemoryNetwork(time.time, secrets.token_bytes)  # play money; a real node is lnherd.l402.lnd_wallet.LndWallet
api = Starlette(routes=[Route("/news", lambda request: PlainTextResponse("Fees are up."))])
app = L402Middleware(api, wallet=network.wallet(), tokens=SqliteTokens(), prices={"GET /news": 10_000})

if __name__ == "__main__":  # what a buyer without a wallet sees
    from starlette.testclient import TestClient

    refused = TestClient(app).get("/news")
    print(refused.status_code, refused.json()["amount_msat"], "msat")
    print([line.split()[0] for line in refused.headers.get_list("WWW-Authenticate")])
