"""A paying agent in five lines; the API and its network of play money are those of ``paid_api.py``."""

from paid_api import app, network
from starlette.testclient import TestClient

from lnherd.l402 import Budget, L402Auth

wallet = network.wallet(1_000_000)
auth = L402Auth(wallet, budgets=[Budget(50_000, window_s=86_400)])
agent = TestClient(app, base_url="http://localhost")  # any httpx client
for _ in range(3):
    print(agent.get("/news", auth=auth).text, wallet.balance_msat, "msat left")
