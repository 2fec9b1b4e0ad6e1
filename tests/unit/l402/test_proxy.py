"""The reverse proxy between real servers on loopback: what passes, what stays, what is refused, and streaming."""

import random
import socket
import threading
import time

import anyio
import httpx
import pytest
from local_server import serving
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

from lnherd.errors import InputError
from lnherd.l402.client import L402Auth
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.proxy import ReverseProxy
from lnherd.l402.server import L402Middleware

SEEN = {}
GONE = threading.Event()
GO = threading.Event()


async def echo(request):
    body = await request.body()
    SEEN.clear()
    SEEN.update(
        method=request.method,
        raw_path=request.scope["raw_path"].decode(),
        query=request.url.query,
        headers=request.headers.raw,
        body=body,
    )
    lines = {"X-Upstream": "yes", "Connection": "x-secret", "X-Secret": "hop", "Set-Cookie": "a=1"}
    return JSONResponse({"ok": True}, 201, headers=lines)


async def events(request):
    async def parts():
        yield b"data: 1\n\n"
        while not GO.is_set():  # the second event only comes once the client has the first
            await anyio.sleep(0.005)
        yield b"data: 2\n\n"

    return StreamingResponse(parts(), media_type="text/event-stream")


async def endless(request):
    async def parts():
        try:
            while True:
                yield b"x" * 1000
                await anyio.sleep(0.005)
        finally:
            GONE.set()

    return StreamingResponse(parts())


async def broken(request):
    async def parts():
        yield b"begun"
        raise RuntimeError("the upstream breaks off")

    return StreamingResponse(parts())


UPSTREAM = Starlette(
    routes=[
        Route("/base/events", events),
        Route("/base/endless", endless),
        Route("/base/broken", broken),
        Route("/base/moved", lambda request: PlainTextResponse("", 302, headers={"Location": "/elsewhere"})),
        Route("/base/{rest:path}", echo, methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
    ]
)


@pytest.fixture(scope="module")
def proxy():
    """Origin of a proxy without prices."""
    with serving(UPSTREAM) as upstream, serving(ReverseProxy(f"{upstream}/base/")) as origin:
        yield origin


def headers_seen():
    return {name.decode(): value.decode() for name, value in SEEN["headers"]}


def test_method_path_query_body_and_status_pass(proxy):
    answer = httpx.put(f"{proxy}/a%20b/c?x=1&y=%2F", content=b"\x00body", headers={"Content-Type": "text/x"})
    assert (answer.status_code, answer.json()) == (201, {"ok": True})
    assert (SEEN["method"], SEEN["raw_path"], SEEN["query"], SEEN["body"]) == (
        "PUT", "/base/a%20b/c", "x=1&y=%2F", b"\x00body",
    )  # fmt: skip
    assert headers_seen()["content-type"] == "text/x"
    assert answer.headers["X-Upstream"] == "yes" and "X-Secret" not in answer.headers


def test_a_streamed_request_body_passes(proxy):
    answer = httpx.post(f"{proxy}/up", content=iter([b"one ", b"two"]))
    assert answer.status_code == 201 and SEEN["body"] == b"one two"


def test_credentials_and_hop_headers_stay_here(proxy):
    sent = {
        "Authorization": "L402 abc:def",
        "Macaroon": "00",
        "X-Forwarded-For": "8.8.8.8",
        "X-HTTP-Method-Override": "DELETE",
        "Connection": "x-mine",
        "X-Mine": "1",
        "X-Kept": "1",
    }
    httpx.get(f"{proxy}/x", headers=sent)
    seen = headers_seen()
    assert seen["x-kept"] == "1" and seen["x-forwarded-for"] == "127.0.0.1"
    assert not {"authorization", "macaroon", "x-http-method-override", "x-mine"} & set(seen)
    httpx.get(f"{proxy}/x", headers={"Authorization": "Basic abc"})
    assert headers_seen()["authorization"] == "Basic abc"


def raw_status(origin, target):
    """The status of a request whose target no client library would send."""
    host, port = origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
        return int(connection.recv(64).split()[1])


@pytest.mark.parametrize(
    "target",
    ["/free/../paid", "/./paid", "//paid", "/a//b", "/%2e%2e/paid", "/paid%2fx", "/a\\b", "/paid/..", "/paid/..;/x",
     "/a%00", "/a%0d%0a"],
)  # fmt: skip
def test_ambiguous_paths_are_refused(proxy, target):
    SEEN.clear()
    assert raw_status(proxy, target) == 400
    assert not SEEN


def test_dots_in_names_are_fine(proxy):
    assert raw_status(proxy, "/a.b/...c/.well-known/d..e") == 201


def test_redirects_are_the_clients_business(proxy):
    answer = httpx.get(f"{proxy}/moved", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/elsewhere")


def test_events_arrive_one_by_one(proxy):
    GO.clear()
    with httpx.stream("GET", f"{proxy}/events", timeout=10) as answer:
        parts = answer.iter_raw()
        assert next(parts) == b"data: 1\n\n"
        GO.set()
        assert b"".join(parts) == b"data: 2\n\n"


def test_hanging_up_ends_the_request_upstream(proxy):
    GONE.clear()
    with httpx.stream("GET", f"{proxy}/endless", timeout=10) as answer:
        next(answer.iter_raw())
    assert GONE.wait(10)


def test_a_response_that_breaks_off_is_not_passed_off_as_whole(proxy):
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{proxy}/broken", timeout=10)


def test_no_upstream_is_502_and_a_silent_one_504():
    with serving(ReverseProxy("http://127.0.0.1:9")) as origin:
        assert httpx.get(f"{origin}/x").status_code == 502

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            raise httpx.ReadTimeout("silent")

    with serving(ReverseProxy("http://127.0.0.1:9", transport=Silent())) as origin:
        assert httpx.get(f"{origin}/x").status_code == 504


def test_buying_through_the_proxy_and_404_for_what_is_not_listed():
    world = MemoryNetwork(time.time, random.Random(1).randbytes)
    with serving(UPSTREAM) as upstream:
        proxy = ReverseProxy(f"{upstream}/base", free=["GET /health"])
        app = L402Middleware(proxy, wallet=world.wallet(), prices={"GET /paid/*": 10_000})
        with serving(app) as origin:
            payer = world.wallet(10**6)
            assert httpx.get(f"{origin}/paid/a", auth=L402Auth(payer)).status_code == 201
            assert payer.balance_msat == 10**6 - 10_000
            assert "authorization" not in headers_seen()
            assert httpx.get(f"{origin}/paid/a").status_code == 402
            assert httpx.get(f"{origin}/health").status_code == 201
            assert httpx.get(f"{origin}/other").status_code == 404
            assert httpx.post(f"{origin}/paid/a").status_code == 404
            assert httpx.get(f"{origin}/paid;x=1/a").status_code == 404


@pytest.mark.parametrize("url", ["", "localhost:9", "ftp://x", "http://", "http://x/?q=1", "http://x:port"])
def test_bad_upstream(url):
    with pytest.raises(InputError, match="upstream"):
        ReverseProxy(url)
