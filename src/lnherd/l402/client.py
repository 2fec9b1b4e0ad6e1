"""Buy from paid APIs with httpx: :class:`L402Auth`, for synchronous and asynchronous clients alike.

::

    auth = L402Auth(wallet, budgets=[Budget(5_000_000, window_s=86_400)])
    httpx.get("https://api.example.org/dispatches", auth=auth)

A 402 is verified, paid within the budgets and retried; the token is kept and used again. Concurrent
requests for the same resource wait for one payment. What is not paid raises :class:`PaymentRefused`.
Both directions drive the same :class:`~lnherd.l402.client_flow.ClientFlow`.
"""

import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack
from typing import Final
from weakref import WeakValueDictionary

import anyio
import httpx
from anyio import to_thread

from lnherd.l402.cashier import Cashier
from lnherd.l402.client_flow import MAX_BODY_BYTES, PAYMENT_REQUIRED, ClientFlow, ClientPolicy
from lnherd.l402.client_steps import Answer, Begin, Deliver, Event, Origin, Refuse, Reserve, Send, Shared, Step
from lnherd.l402.purse import Budget, Purse, Resource
from lnherd.l402.wallet import Wallet

DEFAULT_BUDGET: Final = Budget(limit_msat=10_000_000, window_s=86_400.0)
"""Ten thousand satoshi a day, unless told otherwise."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class PaymentRefused(RuntimeError):  # noqa: N818  (a decision, not an error of the program)
    """A resource that costs money was not paid for. ``response`` is the 402."""

    def __init__(self, refusal: Refuse, response: httpx.Response | None) -> None:
        super().__init__(refusal.message)
        self.code = refusal.code
        """One word, e.g. ``too_expensive``, ``wrong_hash``, ``over_budget``, ``payment_failed``."""
        self.response = response


class L402Auth(httpx.Auth):
    """Pays for 402 responses from ``wallet``, within ``policy`` and ``budgets``, remembering tokens in ``purse``.

    The purse's unfinished payments of earlier runs are resolved when the object is made.
    """

    requires_request_body = True

    def __init__(
        self,
        wallet: Wallet,
        *,
        policy: ClientPolicy | None = None,
        budgets: Sequence[Budget] = (DEFAULT_BUDGET,),
        purse: Purse | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.policy = policy or ClientPolicy(wallet.network)
        self.cashier = Cashier(wallet, purse or Purse(), budgets, clock)
        self.clock = clock
        self._locks: WeakValueDictionary[Resource, AbstractContextManager[bool]] = WeakValueDictionary()
        self._async_locks: WeakValueDictionary[Resource, anyio.Lock] = WeakValueDictionary()
        self._guard = threading.Lock()
        self.cashier.resume()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One request of a synchronous client."""
        request.read()
        with (
            ExitStack() as held,
            _Fetch(self, request) as fetch,
        ):  # left before the lock, so that its token can be found
            step = fetch.begin()
            while not isinstance(step, Deliver | Refuse):
                if isinstance(step, Send):
                    response = yield fetch.authorised(step)
                    if response.status_code == PAYMENT_REQUIRED:
                        response.read()
                    event: Event = fetch.answer(response)
                else:
                    if isinstance(step, Reserve) and step.shareable:
                        held.enter_context(self._lock(fetch.resource))
                    event = fetch.perform(step)
                    if isinstance(event, Shared):
                        held.close()
                step = fetch.receive(event)
            fetch.conclude(step)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """One request of an asynchronous client; wallet and disk are used in worker threads."""
        await request.aread()
        async with AsyncExitStack() as held:
            with _Fetch(self, request) as fetch:  # left before the lock, so that its token can be found
                step = fetch.begin()
                while not isinstance(step, Deliver | Refuse):
                    if isinstance(step, Send):
                        response = yield fetch.authorised(step)
                        if response.status_code == PAYMENT_REQUIRED:
                            await response.aread()
                        event: Event = fetch.answer(response)
                    else:
                        if isinstance(step, Reserve) and step.shareable:
                            await held.enter_async_context(self._async_lock(fetch.resource))
                        event = await to_thread.run_sync(fetch.perform, step)
                        if isinstance(event, Shared):
                            await held.aclose()
                    step = fetch.receive(event)
                fetch.conclude(step)

    def _lock(self, resource: Resource) -> AbstractContextManager[bool]:
        """The one lock of ``resource``; it goes when the last who holds or awaits it does."""
        with self._guard:
            return self._locks.setdefault(resource, threading.Lock())

    def _async_lock(self, resource: Resource) -> anyio.Lock:
        return self._async_locks.setdefault(resource, anyio.Lock())


class _Fetch:
    """What one request needs on its way through a flow."""

    def __init__(self, auth: L402Auth, request: httpx.Request) -> None:
        self.request = request
        self.resource = Resource(_origin(request.url), request.method, request.url.path)
        self.tried: list[str | None] = []
        self.response: httpx.Response | None = None
        self._reserved: bytes | None = None
        self._cashier = auth.cashier
        self._clock = auth.clock
        self._flow = ClientFlow(auth.policy)

    def __enter__(self) -> "_Fetch":
        return self

    def __exit__(self, *error: object) -> None:
        self._cashier.release(self.tried, self._reserved)

    def begin(self) -> Step:
        """The first step: send, with a token that is already there."""
        return self.receive(Begin(self.resource.origin, self._cashier.find(self.resource, self.tried)))

    def receive(self, event: Event) -> Step:
        """The next step."""
        return self._flow.receive(event)

    def perform(self, step: Step) -> Event:
        """Have the cashier do what the flow asks for."""
        if isinstance(step, Reserve):
            self._reserved = step.payment_hash
        return self._cashier.perform(step, self.resource, self.tried)

    def authorised(self, step: Send) -> httpx.Request:
        """The request with (or without) a credential."""
        self.tried.append(step.authorization)
        if step.authorization is not None:
            self.request.headers["Authorization"] = step.authorization
        return self.request

    def answer(self, response: httpx.Response) -> Answer:
        """What the flow needs to know of a response; the body only where it was read."""
        self.response = response
        paid_for = response.status_code != PAYMENT_REQUIRED
        return Answer(
            now_s=self._clock(),
            origin=_origin(response.url),
            status=response.status_code,
            challenges=response.headers.get_list("WWW-Authenticate"),
            body=b"" if paid_for else response.content[: MAX_BODY_BYTES + 1],
        )

    def conclude(self, step: Step) -> None:
        """Raise :class:`PaymentRefused` for a refusal."""
        if not isinstance(step, Refuse):
            return
        if step.code == "not_honoured":
            self._cashier.note_dishonoured(self.resource)
        raise PaymentRefused(step, self.response)


def _origin(url: httpx.URL) -> Origin:
    return Origin(url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme, 0))
