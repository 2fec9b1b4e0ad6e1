"""A paid API under load, all on 127.0.0.1: ``python benchmarks/l402_load.py [SECONDS]`` (default 10).

First the same Starlette application bare and behind the middleware under ``wrk`` (skipped where it is not
installed), alternating, best of three. Then 1,000 concurrent buyers at ``lnherd l402 serve --demo``, each with a purse
of its own, for SECONDS: how many requests, and whether every payment bought exactly one token.
"""

import json
import os
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx

from lnherd.l402.client import L402Auth, PaymentRefused
from lnherd.l402.demo import DemoWallet
from lnherd.l402.purse import Budget

CLIENTS = 1_000
WRK_SECONDS = 2
ROUNDS = 6
CONNECTIONS = 16
QUESTION_EVERY = 5
"""One request in so many is a question, which is paid for each time; the others use a token."""
BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def paid(request):
    return PlainTextResponse("paid for")

app = Starlette(routes=[Route("/paid", paid)])
"""
SERVE = """
import socket
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # or asyncio leaves Nagle's delay on
listener.bind(("127.0.0.1", 0))
listener.listen(2048)
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, ws="none")).run(sockets=[listener])
"""
BEHIND = """
import secrets, time
from lnherd.l402 import L402Middleware, MemoryNetwork, Offer
from lnherd.l402.demo import wallet_app
from lnherd.l402.server import make_gate
from lnherd.l402.shop import Shop
world = MemoryNetwork(time.time, secrets.token_bytes)
gate = make_gate(world.wallet(), {"GET /paid": Offer(1_000, "paid", valid_for_s=3600)})
app = Shop(app, gate, demo_wallet=wallet_app(world))
"""


@contextmanager
def python(program: str):
    """Run ``program``, a server that prints its port; gives its origin and process id."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}", server.pid
        finally:
            server.terminate()


def buy(origin: str) -> str:
    """The credential for /paid."""
    challenge = httpx.get(f"{origin}/paid").json()
    preimage = httpx.post(f"{origin}/demo/pay", json={"invoice": challenge["invoice"]}).json()["preimage"]
    return f"L402 {challenge['macaroon']}:{preimage}"


def cpu_s(pid: int) -> float:
    """Processor time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(server: tuple[str, int], authorization: str) -> tuple[float, float]:
    """Requests per second, and processor time of the server per request; all of them must have succeeded."""
    origin, pid = server
    header = f"Authorization: {authorization}"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{WRK_SECONDS}s", "-H", header, f"{origin}/paid"]
    before_s = cpu_s(pid)
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(text)
    requests = int(re.search(r"(\d+) requests in", text).group(1))
    return float(re.search(r"Requests/sec:\s+([0-9.]+)", text).group(1)), (cpu_s(pid) - before_s) / requests


def measure_throughput() -> None:
    """Both servers live side by side and are measured in turn, so that the machine's moods hit both."""
    if shutil.which("wrk") is None:
        print("wrk is not installed: throughput not measured")
        return
    with python(BARE + SERVE) as bare, python(BARE + BEHIND + SERVE) as behind:
        credential = buy(behind[0])
        pairs = [(wrk(bare, credential), wrk(behind, credential)) for _ in range(ROUNDS)]
    for name, runs in zip(("bare Starlette", "behind L402Middleware"), zip(*pairs, strict=True), strict=True):
        rate, busy_s = max(run[0] for run in runs), min(run[1] for run in runs)
        print(f"{name:44s} {rate:12,.0f} /s {1e6 * busy_s:10.1f} us of processor time each")
    by_wall = statistics.median(paid[0] / free[0] for free, paid in pairs)
    by_cpu = min(run[1] for run, _ in pairs) / min(run[1] for _, run in pairs)
    print(f"{'share of bare throughput: median of pairs':44s} {by_wall:12.0%}")
    print(f"{'share of bare throughput: processor time':44s} {by_cpu:12.0%}")


class Tally:
    """What all buyers saw."""

    def __init__(self) -> None:
        self.delivered = self.asked = self.refused = self.failed = 0


async def buyer(origin: str, number: int, until: float, shared: tuple[DemoWallet, ssl.SSLContext, Tally]) -> L402Auth:
    """One client with its own purse and connection, until time is up."""
    wallet, context, tally = shared
    auth = L402Auth(wallet, budgets=[Budget(10**12, 86_400)])
    async with httpx.AsyncClient(verify=context, trust_env=False, timeout=60) as client:
        while time.monotonic() < until:
            number += 1
            try:
                if number % QUESTION_EVERY:
                    answer = await client.get(f"{origin}/api/dispatches", auth=auth)
                else:
                    answer = await client.post(f"{origin}/api/ask", json={"question": "why?"}, auth=auth)
                    tally.asked += answer.status_code == 200
                tally.delivered += answer.status_code == 200
                tally.failed += answer.status_code != 200
            except PaymentRefused as error:
                tally.refused += 1
                print(error.code, error)
    return auth


def memory_mib(pid: int) -> float:
    """Resident memory of a process (Linux)."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


async def measure_buyers(seconds: float) -> None:
    """A thousand buyers and their accounts."""
    program = "from lnherd.cli.main import main; main()"
    command = [sys.executable, "-c", program, "l402", "serve", "--demo", "--port", "0", "--json", "--metrics"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            text = "".join(iter(server.stdout.readline, "}\n")) + "}"
            origin = json.loads(text)["url"]
            tally, auths, memory = Tally(), [], [memory_mib(server.pid)]
            shared = (DemoWallet(origin), ssl.create_default_context(), tally)
            until = time.monotonic() + seconds

            async def run(number: int) -> None:
                auths.append(await buyer(origin, number, until, shared))

            async def watch() -> None:
                while time.monotonic() < until:
                    await anyio.sleep(seconds / 4)
                    memory.append(memory_mib(server.pid))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch)
                for number in range(CLIENTS):
                    tasks.start_soon(run, number)
            report(tally, auths, memory, httpx.get(f"{origin}/metrics").text, seconds)
        finally:
            server.terminate()


def report(tally: Tally, auths: list[L402Auth], memory: list[float], metrics: str, seconds: float) -> None:
    """Compare what buyers paid with what the server sold; payments left open are resolved first."""
    resumed = {pending.payment_hash.hex() for auth in auths for pending in auth.cashier.purse.pending()}
    for auth in auths:
        auth.cashier.resume()
    purchases = [row for auth in auths for row in auth.cashier.purse.purchases()]
    by_state = {state: sum(row.state == state for row in purchases) for state in {row.state for row in purchases}}
    spent_msat = sum(row.amount_msat for row in purchases if row.state != "failed")
    earned_msat = sum(int(value) for value in re.findall(r"earned_msat_total\{.*\} (\d+)", metrics))
    tokens = sum(any(r.path == "/api/dispatches" for r in auth.cashier.purse.purchases()) for auth in auths)
    twice = sum(sum(r.path == "/api/dispatches" for r in auth.cashier.purse.purchases()) > 1 for auth in auths)
    questions = sum(row.path == "/api/ask" for row in purchases)
    print(f"{CLIENTS} buyers, {seconds:g} s: {tally.delivered} delivered ({tally.delivered / seconds:,.0f}/s), "
          f"{tally.failed} failed, {tally.refused} refused")  # fmt: skip
    print(f"payments {by_state}: {tokens} tokens for the list ({twice} bought twice), {questions} questions "
          f"paid, {tally.asked} answered")  # fmt: skip
    unused_msat = sum(row.amount_msat for row in purchases if row.payment_hash in resumed)
    verdict = "every msat accounted for" if spent_msat == earned_msat + unused_msat else "DIFFERENT"
    print(f"spent {spent_msat} msat = earned {earned_msat} + resumed, not used yet {unused_msat}: {verdict}")
    print("server memory MiB: " + ", ".join(f"{value:.0f}" for value in memory))


if __name__ == "__main__":
    measure_throughput()
    anyio.run(measure_buyers, float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
