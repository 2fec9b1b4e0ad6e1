"""JSON over HTTP to somebody's node: what the wallets of LND, Core Lightning and Electrum share.

Three things can happen: an answer, a refusal that the node put into words (:class:`NodeRefusedError`), or
silence (:class:`~lnherd.l402.wallet.WalletError`), after which nothing is known.
"""

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from lnherd.errors import InputError
from lnherd.l402.wallet import WalletError

CONNECT_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 30.0
"""For everything but payments."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_SHOWN: Final = 200


class NodeRefusedError(WalletError):
    """The node understood and declined. ``code`` is its own (gRPC status, JSON-RPC error), 0 without one."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class NodeSilentError(WalletError):
    """The request was sent, but no answer came in time; it may have been acted upon."""


class NodeHttp:
    """The HTTP API of one node; safe to use from several threads.

    ``cert_file`` is the node's own certificate (PEM), trusted besides those of the system; ``socket`` a unix socket
    to talk to instead of the host of ``url``. Raises :class:`InputError` for a URL or certificate that cannot
    be used; secrets are sent in the clear over loopback only.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        cert_file: Path | None = None,
        socket: Path | None = None,
    ) -> None:
        _check_url(url)
        self._url = url
        context = _trust(cert_file) if url.startswith("https:") else True
        self._client = httpx.Client(
            base_url=url,
            headers=headers,
            auth=auth,
            transport=httpx.HTTPTransport(verify=context, uds=str(socket) if socket else None),
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        )

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout_s: float = READ_TIMEOUT_S
    ) -> dict[str, Any]:
        """Send ``body`` as JSON and give the object that comes back; refusals raise :class:`NodeRefusedError`."""
        try:
            response = self._client.request(method, path, json=body, timeout=_timeout(timeout_s))
        except httpx.HTTPError as error:
            raise self._no_answer(error) from error
        return self._read(response.status_code, response.text)

    def first(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout_s: float = READ_TIMEOUT_S
    ) -> dict[str, Any]:
        """The first object of a stream with one object a line; the stream is then left."""
        try:
            with self._client.stream(method, path, json=body, timeout=_timeout(timeout_s)) as response:
                line = next((line for line in response.iter_lines() if line.strip()), "")
        except httpx.HTTPError as error:
            raise self._no_answer(error) from error
        return self._read(response.status_code, line)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _no_answer(self, error: httpx.HTTPError) -> WalletError:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            return WalletError(f"cannot reach the node at {self._url}: {error}")
        return NodeSilentError(f"no answer from the node at {self._url}: {error or type(error).__name__}")

    def _read(self, status: int, text: str) -> dict[str, Any]:
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise WalletError(f"the node at {self._url} answered {status} with {text[:_SHOWN]!r} instead of an object")
        refusal = answer.get("error") or (answer if status >= httpx.codes.BAD_REQUEST else None)
        if refusal:
            raise _refusal(refusal, status)
        return answer


def text_of(answer: Mapping[str, Any], name: str) -> str:
    """The text ``answer[name]``. Raises :class:`WalletError` when there is none."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise WalletError(f"the node's answer has no {name}")
    return value


def bytes_of(answer: Mapping[str, Any], name: str) -> bytes:
    """The hexadecimal ``answer[name]``. Raises :class:`WalletError` when there is none."""
    try:
        return bytes.fromhex(text_of(answer, name))
    except ValueError:
        raise WalletError(f"{name} in the node's answer is not hexadecimal") from None


def msat_of(answer: Mapping[str, Any], name: str) -> int:
    """The amount ``answer[name]``: a number, or one in a text (LND), perhaps with its unit (CLN before 23.08)."""
    try:
        return int(str(answer.get(name)).removesuffix("msat"))
    except ValueError:
        raise WalletError(f"{name} in the node's answer is not an amount") from None


def _refusal(refusal: object, status: int) -> NodeRefusedError:
    if not isinstance(refusal, dict):
        return NodeRefusedError(str(refusal)[:_SHOWN])
    code = refusal.get("code")
    message = refusal.get("message") or f"the node answered {status} without a reason"
    return NodeRefusedError(str(message), code if isinstance(code, int) else 0)


def _timeout(read_s: float) -> httpx.Timeout:
    return httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S, read=read_s)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise InputError(f"{url!r} is not the URL of a node; give one like https://127.0.0.1:8080")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InputError(f"{url} would carry the node's credentials unencrypted; use https, or http to loopback")


def _trust(cert_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if cert_file is not None:
        try:
            context.load_verify_locations(cert_file)
        except (OSError, ssl.SSLError) as error:
            raise InputError(f"{cert_file}: cannot be read as a certificate in PEM form: {error}") from None
    return context
