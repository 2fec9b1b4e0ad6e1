"""kill -9 between every two steps of a purchase, then the same command again: paid once, and delivered."""

import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from local_server import serving

from lnherd.l402.client import L402Auth
from lnherd.l402.demo import PRICES, DemoWallet, demo_app, wallet_app
from lnherd.l402.limits import Buckets
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.purse import Purse
from lnherd.l402.server import make_gate
from lnherd.l402.shop import Shop

CLIENT = Path(__file__).parents[1] / "support" / "crash_client.py"
PRICE_MSAT = 10_000
STEPS = 16
"""Before and after: two requests, Reserve and Keep with the purse's own writes, Pay with the wallet's call."""


@pytest.fixture(scope="module")
def shop():
    """Origin of a demo server, and its till."""
    world = MemoryNetwork(time.time, secrets.token_bytes)
    till = world.wallet()
    gate = make_gate(till, PRICES, invoices=Buckets(1e6, 10**6))
    with serving(Shop(demo_app(), gate, demo_wallet=wallet_app(world))) as origin:
        yield origin, till


def run(origin, purse, die_at):
    command = [sys.executable, str(CLIENT), f"{origin}/api/dispatches", str(purse), str(die_at)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_an_undisturbed_purchase_has_the_steps_that_are_cut_below(shop, tmp_path):
    origin, till = shop
    before_msat = till.balance_msat
    whole = run(origin, tmp_path / "purse.db", -1)
    assert (whole.returncode, whole.stdout.strip()) == (0, str(STEPS)), whole.stderr
    assert till.balance_msat == before_msat + PRICE_MSAT


@pytest.mark.parametrize("die_at", range(STEPS))
def test_killed_and_started_again(shop, tmp_path, die_at):
    origin, till = shop
    before_msat = till.balance_msat
    purse = tmp_path / "purse.db"
    killed = run(origin, purse, die_at)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    kept, wallet = Purse(purse), DemoWallet(origin)
    answer = httpx.get(f"{origin}/api/dispatches", auth=L402Auth(wallet, purse=kept))
    wallet.close()
    assert answer.status_code == 200
    assert till.balance_msat == before_msat + PRICE_MSAT
    assert sorted(row.state for row in kept.purchases() if row.state != "failed") == ["paid"]
    assert kept.spent_msat(0) == PRICE_MSAT
    kept.close()
