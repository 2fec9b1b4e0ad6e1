"""``lnherd l402``: buying and paying at a demo server, token lists, refusals, and the program itself."""

import json
import os
import secrets
import signal
import stat
import subprocess
import sys
import time

import httpx
import pytest
from click.testing import CliRunner
from local_server import serving

from lnherd.cli.l402_serve import build_shop, read_price, serve
from lnherd.cli.main import cli
from lnherd.errors import InputError
from lnherd.l402.demo import PRICES, demo_app, wallet_app
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.offers import Offer
from lnherd.l402.server import make_gate
from lnherd.l402.shop import Shop
from lnherd.l402.stores import SqliteTokens


@pytest.fixture(scope="module")
def sold(tmp_path_factory):
    return tmp_path_factory.mktemp("sold") / "tokens.db"


@pytest.fixture(scope="module")
def origin(sold):
    world = MemoryNetwork(time.time, secrets.token_bytes)
    tokens = SqliteTokens(sold)
    shop = Shop(
        demo_app(), make_gate(world.wallet(), PRICES, tokens=tokens), demo_wallet=wallet_app(world), metrics=True
    )
    with serving(shop) as address:
        yield address
    tokens.close()


@pytest.fixture(autouse=True)
def purse(tmp_path, monkeypatch):
    path = tmp_path / "own" / "purse.db"
    monkeypatch.setenv("LNHERD_PURSE", str(path))
    return path


def lnherd(*arguments, code=0):
    """Run in this process."""
    outcome = CliRunner().invoke(cli, ["l402", *map(str, arguments)], catch_exceptions=False)
    assert outcome.exit_code == code, outcome.output
    return outcome


def refusal(*arguments):
    """The sentence of the InputError that the command ends with."""
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(cli, ["l402", *map(str, arguments)], catch_exceptions=False, standalone_mode=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_get_pays_once_and_reuses(origin, purse):
    first = json.loads(lnherd("get", f"{origin}/api/dispatches", "--json").stdout)
    assert (first["status"], first["spent_msat"]) == (200, 10_000)
    assert json.loads(first["body"])["dispatches"][0]["id"] == 1
    again = json.loads(lnherd("get", f"{origin}/api/dispatches", "--json").stdout)
    assert (again["status"], again["spent_msat"]) == (200, 0)
    assert stat.S_IMODE(purse.stat().st_mode) == 0o600


def test_get_posts_data_and_writes_the_body(origin, tmp_path):
    question, out = tmp_path / "question.json", tmp_path / "answer.json"
    question.write_text('{"question": "why?"}')
    summary = json.loads(lnherd("get", f"{origin}/api/ask", "-d", f"@{question}", "--out", out, "--json").stdout)
    assert summary["out"] == str(out) and "body" not in summary
    assert "4 characters" in json.loads(out.read_text())["answer"]
    assert json.loads(lnherd("get", f"{origin}/api/ask", "-d", '{"question": "I"}').stdout)["answer"]


def test_get_refuses_what_is_too_dear_and_reports_failure(origin):
    dear = lnherd("get", f"{origin}/api/dispatches/1", "--max-price", 20, code=1)
    assert "not paid (too_expensive)" in dear.output
    assert "not paid (over_budget)" in lnherd("get", f"{origin}/api/dispatches/1", "--budget", 20, code=1).output
    assert "status 404" in lnherd("get", f"{origin}/nothing", code=1).output
    assert "refused" in lnherd("get", "http://127.0.0.1:9/", code=1).output
    assert json.loads(lnherd("tokens", "list", "--json").stdout) == {"tokens": []}


def test_pay(origin, monkeypatch):
    monkeypatch.setenv("LNHERD_DEMO_URL", origin)
    challenge = httpx.get(f"{origin}/api/dispatches").json()
    paid = json.loads(lnherd("pay", challenge["invoice"], "--json").stdout)
    assert (paid["payment_hash"], paid["amount_msat"]) == (challenge["payment_hash"], 10_000)
    token = f"L402 {challenge['macaroon']}:{paid['preimage']}"
    assert httpx.get(f"{origin}/api/dispatches", headers={"Authorization": token}).status_code == 200
    assert lnherd("pay", challenge["invoice"]).stdout.strip() == paid["preimage"]  # no money moves again
    assert "more than --max-price" in refusal("pay", challenge["invoice"], "--max-price", 9)
    monkeypatch.setenv("LNHERD_DEMO_URL", "http://127.0.0.1:9")
    assert "outcome is not known" in lnherd("pay", challenge["invoice"], code=1).output


def test_tokens_bought_and_sold(origin, sold):
    lnherd("get", f"{origin}/api/dispatches")
    (bought,) = json.loads(lnherd("tokens", "list", "--json").stdout)["tokens"]
    assert (bought["path"], bought["state"], bought["amount_msat"]) == ("/api/dispatches", "paid", 10_000)
    assert "authorization" not in bought and f"{origin}/api/dispatches" in lnherd("tokens").stdout
    listed = json.loads(lnherd("tokens", "list", "--server", sold, "--json").stdout)["tokens"]
    used = [token for token in listed if token["first_used_s"]]
    assert used and all("root_key" not in token for token in listed)
    assert "used since" in lnherd("tokens", "list", "--server", sold).stdout
    for token in used:  # our own is among them; the server does not know whose is whose
        assert json.loads(lnherd("tokens", "revoke", token["id"], "--server", sold, "--json").stdout)["revoked"]
    paid_again = json.loads(lnherd("get", f"{origin}/api/dispatches", "--json").stdout)
    assert (paid_again["status"], paid_again["spent_msat"]) == (200, 10_000)
    (mine,) = [t for t in json.loads(lnherd("tokens", "list", "--json").stdout)["tokens"] if t["state"] == "paid"]
    assert "revoked" in lnherd("tokens", "revoke", mine["id"][:12]).stdout
    states = [token["state"] for token in json.loads(lnherd("tokens", "list", "--json").stdout)["tokens"]]
    assert states == ["forgotten", "forgotten"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["get", "ftp://x/"], "http or https"),
        (["get", "nonsense"], "http or https"),
        (["get", "http://[::1"], "cannot be requested"),
        (["get", "http://example.org/"], "servers on this machine"),
        (["get", "http://127.0.0.1/", "--wallet", "gold"], "--wallet 'gold'"),
        (["get", "http://127.0.0.1/", "-H", "Authorization: Basic x"], "-H @FILE"),
        (["get", "http://127.0.0.1/", "-H", "nocolon"], "NAME: VALUE"),
        (["get", "http://127.0.0.1/", "-d", "@/nonexistent"], "--data"),
        (["get", "http://127.0.0.1/", "-X", "B AD"], "--method"),
        (["get", "http://127.0.0.1/", "--purse", "/proc/nothing/purse.db"], "--purse"),
        (["get", "http://127.0.0.1/", "--purse", "/"], "--purse"),
        (["pay", "lnbc1nonsense"], "bech32"),
        (["tokens", "list", "--purse", "/nonexistent"], "no purse"),
        (["tokens", "list", "--server", "/nonexistent"], "--server"),
        (["tokens", "list", "--server", "a", "--purse", "b"], "not both"),
        (["serve"], "--demo"),
        (["serve", "--demo", "--upstream", "http://x"], "either --demo"),
        (["serve", "--demo", "--price", "/=1"], "--price has no effect"),
        (["serve", "--upstream", "http://127.0.0.1:9"], "sells nothing"),
        (["serve", "--upstream", "http://127.0.0.1:9", "--price", "/a=1"], "needs a wallet"),
        (["serve", "--upstream", "x", "--price", "/a=1", "--wallet", "demo"], "upstream"),
        (["serve", "--upstream", "http://x", "--price", "/a", "--wallet", "demo"], "--price"),
        (["serve", "--upstream", "http://x", "--price", "/a=0", "--wallet", "demo"], "--price"),
        (["serve", "--upstream", "http://x", "--price", "a=1", "--wallet", "demo"], "pattern"),
        (["serve", "--demo", "--host", "no.such.host.invalid"], "cannot listen"),
        (["serve", "--demo", "--audit", "/nonexistent/x"], "--audit"),
        (["serve", "--demo", "--tokens", "/nonexistent/x"], "token database"),
        (["serve", "--demo", "--wallet", "lnd"], "LNHERD_LND_URL"),
    ],
)
def test_bad_input_is_one_sentence(arguments, words, monkeypatch):
    monkeypatch.delenv("LNHERD_LND_URL", raising=False)
    assert words in refusal(*arguments)


def test_prices():
    assert read_price("GET /a/*=10") == ("GET /a/*", Offer(10_000, "GET/a/*"))
    assert read_price("/b=1500msat", 60, 3) == ("/b", Offer(1_500, "/b", valid_for_s=60, units=3))
    assert read_price("* = 2sat"[:1] + "=2sat")[1].price_msat == 2_000


def test_a_proxy_shop_is_built_from_options():
    defaults = {parameter.name: parameter.default for parameter in serve.params}
    given = {"upstream": "http://127.0.0.1:9", "prices": ("GET /a=10",), "free": (), "wallet": "demo", "tokens": None,
             "units": None, "valid_for": None, "audit": None, "invoice_rate": None, "demo": False}  # fmt: skip
    shop = build_shop({**defaults, **given})
    with serving(shop) as origin:
        assert httpx.get(f"{origin}/a").status_code == 402
        assert httpx.get(f"{origin}/b").status_code == 404
        assert httpx.get(f"{origin}/.well-known/l402.json").json()["services"][0]["name"] == "GET/a"


def test_serve_demo_as_a_program(tmp_path):
    log = tmp_path / "audit.jsonl"
    arguments = ["l402", "serve", "--demo", "--port", "0", "--json", "--metrics", "--audit", str(log)]
    command = [sys.executable, "-c", "from lnherd.cli.main import main; main()", *arguments]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as server:
        try:
            ready, text = "", ""
            while not ready.startswith("}"):
                ready = server.stdout.readline()
                text += ready
            url = json.loads(text)["url"]
            assert json.loads(lnherd("get", f"{url}/api/dispatches/1", "--json").stdout)["spent_msat"] == 21_000
            assert 'outcome="sold"} 1' in httpx.get(f"{url}/metrics").text
            assert "server" not in httpx.get(url).headers
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=20)
    assert (server.returncode, errors.strip()) == (130, "lnherd: interrupted")
    outcomes = [json.loads(line)["outcome"] for line in log.read_text().splitlines()]
    assert outcomes == ["payment_required", "sold"]
