"""Whatever bytes reach the running demo server, it answers 402 or 400 on paid routes, and never with a 5xx."""

import json
import secrets
import socket
import time
from base64 import b64encode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from local_server import serving

from lnherd.l402 import macaroon
from lnherd.l402.demo import PRICES, demo_app, wallet_app
from lnherd.l402.limits import Buckets
from lnherd.l402.macaroon import Identifier
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.server import make_gate
from lnherd.l402.server_flow import ServerConfig
from lnherd.l402.shop import Shop

SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
GOOD_TOKEN = macaroon.mint(b"k" * 32, Identifier(bytes(32), bytes(32)).encode(), ("services=ask:0",)).to_text()


@pytest.fixture(scope="module")
def origin():
    world = MemoryNetwork(time.time, secrets.token_bytes)
    gate = make_gate(
        world.wallet(), PRICES, invoices=Buckets(1e6, 10**6), config=ServerConfig(payment_secret=b"s" * 32)
    )
    shop = Shop(demo_app(), gate, demo_wallet=wallet_app(world), metrics=True)
    with serving(shop, server_header=False) as address:
        yield address


def exchange(origin, data, *, whole=True):
    """Send bytes, ``whole`` if they are a request; the status of the answer, None when it hangs up without one."""
    host, port = origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        try:
            connection.sendall(data)
            if not whole:
                connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        except (ConnectionResetError, BrokenPipeError):  # it had seen enough
            return None
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else None


def request(method, target, lines, body=b""):
    head = b"%b %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" % (method, target)
    for name, value in lines:
        head += name + b": " + value + b"\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


# header values as a server may get them: no line breaks (those make another header), but any other byte
values = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=200).map(b64encode),
).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b""))
schemes = st.sampled_from([b"L402 ", b"LSAT ", b"l402\t", b"Payment ", b"Basic ", b"Bearer ", b"", b"L402", b"L402 ,"])
credentials = st.one_of(
    st.builds(lambda scheme, value: scheme + value, schemes, values),
    st.builds(lambda scheme, a, b: scheme + a + b":" + b, schemes, values, values),
    st.builds(
        lambda scheme, cut, pre: scheme + GOOD_TOKEN.encode()[:cut] + b":" + pre,
        schemes,
        st.integers(0, len(GOOD_TOKEN)),
        st.sampled_from([b"00" * 32, b"FF" * 32, b"0" * 63, b"zz" * 32, b""]),
    ),
    st.builds(lambda value: b"Payment " + b64encode(json.dumps(value).encode()), st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["challenge", "payload", "id", "preimage", "request"]), inner, max_size=4),
        max_leaves=8,
    )),
)  # fmt: skip
names = st.sampled_from([b"Authorization", b"authorization", b"Macaroon", b"Grpc-Metadata-Macaroon", b"X-Other"])
routes = st.sampled_from([(b"GET", b"/api/dispatches"), (b"GET", b"/api/dispatches/1"), (b"POST", b"/api/ask")])


@SETTINGS
@given(route=routes, lines=st.lists(st.tuples(names, credentials), max_size=4), body=st.binary(max_size=200))
@example(route=(b"GET", b"/api/dispatches"), lines=[(b"Authorization", b"L402 " + b"A" * 30_000)], body=b"")
@example(route=(b"GET", b"/api/dispatches"), lines=[(b"X", b"A" * 200_000)], body=b"")
@example(route=(b"GET", b"/api/dispatches"), lines=[(b"Authorization", b"L402 a:" + b"0" * 64)] * 100, body=b"")
@example(route=(b"POST", b"/api/ask"), lines=[(b"Content-Encoding", b"gzip")], body=b"\x1f\x8bjunk")
def test_malformed_credentials_and_bodies(origin, route, lines, body):
    assert exchange(origin, request(*route, lines, body)) in (400, 402)


FIELDS = ["service", "tier", "capabilities", "constraints", "max_price_msat", "invoice", "max_fee_msat", "optimize"]
VALUES = ["ask", "dispatch", "bolt11", "lnbcrt1"]
targets = st.one_of(
    st.binary(max_size=100).map(lambda junk: b"/api/dispatches/" + junk),
    st.text(max_size=50).map(lambda text: b"/" + text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=60).map(lambda junk: b"/api/dispatches?" + junk),
    st.sampled_from([b"*", b"/", b"//", b"/api/dispatches/", b"/api/dispatches%00", b"http://x/api/ask", b"/%ff%fe"]),
)


@SETTINGS
@given(
    method=st.one_of(st.sampled_from([b"GET", b"HEAD", b"POST", b"PUT", b"TRACE", b"get"]), st.binary(max_size=8)),
    target=targets,
    body=st.binary(max_size=100),
)
def test_odd_methods_and_targets(origin, method, target, body):
    method, target = method.translate(None, b"\r\n"), target.translate(None, b"\r\n")
    assert exchange(origin, request(method, target, [], body)) in range(200, 500)


@SETTINGS
@given(data=st.binary(max_size=400))
@example(data=b"GET /api/ask HTTP/1.1\r\nContent-Length: -1\r\n\r\n")
@example(data=b"POST /api/ask HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
@example(data=b"GET / HTTP/9.9\r\n\r\n")
def test_bytes_that_are_not_http(origin, data):
    status = exchange(origin, data, whole=False)
    assert status is None or status < 500


@SETTINGS
@given(
    path=st.sampled_from([b"/l402/quote", b"/demo/pay"]),
    body=st.one_of(
        st.binary(max_size=300),
        st.dictionaries(
            st.sampled_from(FIELDS),
            st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=9), st.lists(st.text(max_size=3)),
                      st.sampled_from(VALUES)),
        ).map(lambda value: json.dumps(value).encode()),
    ),
)  # fmt: skip
def test_quotes_and_the_demo_wallet(origin, path, body):
    assert exchange(origin, request(b"POST", path, [], body)) in (200, 400, 409)
