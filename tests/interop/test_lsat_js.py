"""lsat-js 2.0.6 buys from our server, and our client buys from a server made with lsat-js."""

import json
import secrets
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from local_server import serving

from lnherd.l402.client import L402Auth
from lnherd.l402.client_flow import ClientPolicy
from lnherd.l402.demo import PRICES, demo_app, wallet_app
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.server import make_gate
from lnherd.l402.shop import Shop

PROJECT = Path(__file__).parent / "lsat_js"
pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (PROJECT / "node_modules" / "lsat-js").is_dir(),
    reason="NOT TESTED: lsat-js needs node and `npm install` in tests/interop/lsat_js",
)


@pytest.fixture
def world():
    return MemoryNetwork(time.time, secrets.token_bytes)


def test_lsat_js_buys_from_us(world):
    till = world.wallet()
    shop = Shop(demo_app(), make_gate(till, PRICES), demo_wallet=wallet_app(world))
    with serving(shop) as origin:
        command = ["node", "buy.js", origin]
        run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert (seen["refused"], seen["bought"], seen["scheme"], seen["amount"]) == (402, 200, "LSAT", 10)
    assert seen["body"]["dispatches"][0]["id"] == 1
    assert seen["caveats"][0] == "services=dispatches:0"
    assert till.balance_msat == 10_000


def test_we_buy_from_lsat_js(world):
    seller, payer = world.wallet(), world.wallet(10**6)
    bill = seller.create_invoice(7_000, "from node", 600)
    command = ["node", "sell.js", bill.invoice, bill.payment_hash.hex()]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = f"http://127.0.0.1:{int(server.stdout.readline())}/thing"
            auth = L402Auth(payer, policy=ClientPolicy(payer.network, opaque_tokens=False))  # the hash was checked
            assert httpx.get(url, auth=auth).text == "sold by lsat-js"
            assert httpx.get(url, auth=auth).text == "sold by lsat-js"
        finally:
            server.terminate()
    assert (seller.balance_msat, payer.balance_msat) == (7_000, 10**6 - 7_000)
