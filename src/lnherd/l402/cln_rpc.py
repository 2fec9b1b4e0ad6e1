"""Two ways to ask Core Lightning: its unix socket and clnrest. Both are a function of method and parameters."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from lnherd.l402.node_http import READ_TIMEOUT_S, NodeHttp, NodeRefusedError, NodeSilentError
from lnherd.l402.wallet import WalletError

_END: Final = b"\n\n"
_CHUNK_BYTES: Final = 65_536


class ClnRpc(Protocol):
    """Asks a Core Lightning node. Raises :class:`WalletError` and its kinds."""

    def call(self, method: str, parameters: Mapping[str, Any], *, timeout_s: float = READ_TIMEOUT_S) -> dict[str, Any]:
        """The ``result`` of ``method``."""


class ClnSocket:
    """``lightning-rpc``, JSON-RPC 2.0 over a unix socket. One connection for each call, so threads do not meet."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def call(self, method: str, parameters: Mapping[str, Any], *, timeout_s: float = READ_TIMEOUT_S) -> dict[str, Any]:
        """The ``result`` of ``method``."""
        request = {"jsonrpc": "2.0", "id": f"lnherd:{method}", "method": method, "params": dict(parameters)}
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            try:
                connection.connect(str(self._path))
            except OSError as error:
                raise WalletError(f"cannot reach Core Lightning at {self._path}: {error}") from error
            try:
                connection.sendall(json.dumps(request).encode() + _END)
                text = _receive(connection)
            except OSError as error:
                raise NodeSilentError(f"no answer from Core Lightning at {self._path}: {error}") from error
        return _result(text)


class ClnRest:
    """The clnrest plugin: ``POST /v1/METHOD`` with a rune."""

    def __init__(self, url: str, rune: str, cert_file: Path | None = None) -> None:
        self._http = NodeHttp(url, headers={"Rune": rune}, cert_file=cert_file)

    def call(self, method: str, parameters: Mapping[str, Any], *, timeout_s: float = READ_TIMEOUT_S) -> dict[str, Any]:
        """The ``result`` of ``method``."""
        return self._http.call("POST", f"/v1/{method}", parameters, timeout_s=timeout_s)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _receive(connection: socket.socket) -> bytes:
    """One response: Core Lightning ends each with an empty line."""
    received = bytearray()
    while not received.endswith(_END):
        chunk = connection.recv(_CHUNK_BYTES)
        if not chunk:
            raise ConnectionError("the connection was closed in the middle of the answer")
        received += chunk
    return bytes(received)


def _result(text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        raise WalletError(f"Core Lightning answered with {text[:100]!r} instead of JSON") from None
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        raise NodeRefusedError(str(error.get("message", "refused")), int(error.get("code", 0)))
    result = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(result, dict):
        raise WalletError("Core Lightning's answer has neither a result nor an error")
    return result
