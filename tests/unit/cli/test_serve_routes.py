"""``lnherd serve routes``: from a network file to bought answers."""

import random

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from local_server import serving
from small_networks import network_of

from lnherd.cli.main import cli
from lnherd.cli.serve_routes import _estimates, build_shop
from lnherd.errors import InputError
from lnherd.l402.client import L402Auth
from lnherd.l402.demo import DemoWallet
from lnherd.network.graph import Network
from lnherd.network.snapshots import write_describegraph

KEYS = [f"{2 + index % 2:02x}{random.Random(index).randbytes(32).hex()}" for index in range(3)]
OPTIONS = {
    "worlds": 2, "payments": 10, "traffic": "l402", "balances": "half", "seed": 0, "route_price": 7,
    "liquidity_price": 9, "wallet": "demo", "tokens": None, "as_json": True,
}  # fmt: skip


@pytest.fixture
def snapshot(tmp_path):
    drawn = network_of([(0, 1, 500_000, 500_000), (1, 2, 500_000, 500_000)], htlc_max_msat=900_000_000)
    drawn.channels.scid[:] = [700_000 << 40 | 1 << 16, 700_001 << 40 | 1 << 16]
    path = tmp_path / "graph.json"
    write_describegraph(Network(np.array(KEYS), drawn.channels, drawn.edges), path)
    return path


def test_a_route_is_bought_with_play_money(snapshot):
    options = {**OPTIONS, "network_path": snapshot}
    shop = build_shop(options, _estimates(options))
    with serving(shop) as origin:
        wallet = DemoWallet(origin)
        with httpx.Client(base_url=origin, auth=L402Auth(wallet)) as client:
            asked = {"source": KEYS[0], "destination": KEYS[2], "amount_msat": 1_000_000}
            (route,) = client.get("/routes", params=asked).json()["routes"]
            manifest = client.get("/.well-known/l402.json").json()
        wallet.close()
    assert [hop["next_node_id"] for hop in route["path"]] == KEYS[1:]
    assert {hop["short_channel_id_dir"].split("/")[0] for hop in route["path"]} == {"700000x1x0", "700001x1x0"}
    prices = {offer["pricing"]["price_msat"] for service in manifest["services"] for offer in service["resources"]}
    assert prices == {7_000, 9_000}


def test_what_cannot_be_served(snapshot, tmp_path):
    for arguments, says in (
        (["--network", str(tmp_path / "missing.json")], "missing.json"),
        (["--network", str(snapshot), "--worlds", "0"], "worlds"),
        (["--network", str(snapshot), "--seed", "-1"], "--seed"),
        (["--network", str(snapshot), "--balances", "rosy"], "rosy"),
        (["--network", str(snapshot), "--worlds", "1", "--payments", "5", "--wallet", "sock"], "sock"),
    ):
        result = CliRunner().invoke(cli, ["serve", "routes", "--json", *arguments], standalone_mode=False)
        assert isinstance(result.exception, InputError)
        assert says in str(result.exception)
