"""Electrum's server protocol 1.4 (JSON lines over TCP) on a :class:`fake_chain.Chain`, on loopback, in a thread.

https://electrumx.readthedocs.io/en/latest/protocol.html has the protocol. Only what wallets ask for is answered.
"""

import asyncio
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fake_chain import GENESIS_HEADER, Chain, RejectedError, double_sha256

FEE_BTC_PER_KB = 0.00001
MAX_HEADERS = 2016
METHOD_NOT_FOUND, REJECTED = -32601, 1
LINE_LIMIT = 1 << 22


class Session:
    """One connected wallet and what it wants to hear of."""

    def __init__(self, chain: Chain, writer: asyncio.StreamWriter) -> None:
        self.chain, self.writer = chain, writer
        self.scripts: set[str] = set()
        self.wants_headers = False

    def send(self, message: object) -> None:
        self.writer.write(json.dumps(message).encode() + b"\n")

    def notify(self, method: str, *parameters: object) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": parameters})

    def answer(self, request: dict[str, Any]) -> dict[str, object]:
        message: dict[str, object] = {"jsonrpc": "2.0", "id": request.get("id")}
        method = METHODS.get(request.get("method", ""))
        if method is None:
            return message | {"error": {"code": METHOD_NOT_FOUND, "message": f"unknown method {request.get('method')}"}}
        try:
            return message | {"result": method(self, *request.get("params", []))}
        except (RejectedError, LookupError, TypeError, ValueError) as error:
            return message | {"error": {"code": REJECTED, "message": str(error)}}


def tip(chain: Chain) -> dict[str, object]:
    return {"hex": chain.headers[-1].hex(), "height": chain.height}


def features(session: Session) -> dict[str, object]:
    return {
        "genesis_hash": double_sha256(GENESIS_HEADER)[::-1].hex(),
        "hosts": {},
        "protocol_min": "1.4",
        "protocol_max": "1.4",
        "pruning": None,
        "server_version": "fake chain",
        "hash_function": "sha256",
    }


def subscribe_headers(session: Session) -> dict[str, object]:
    session.wants_headers = True
    return tip(session.chain)


def block_headers(session: Session, start: int, count: int, *_: object) -> dict[str, object]:
    found = session.chain.headers[start : start + min(count, MAX_HEADERS)]
    return {"count": len(found), "hex": b"".join(found).hex(), "max": MAX_HEADERS}


def subscribe_script(session: Session, script: str) -> str | None:
    session.scripts.add(script)
    return session.chain.status(script)


def unsubscribe_script(session: Session, script: str) -> bool:
    session.scripts.discard(script)
    return True


METHODS: dict[str, Callable[..., object]] = {
    "server.version": lambda session, *_: ["fake chain", "1.4"],
    "server.features": features,
    "server.banner": lambda session: "",
    "server.donation_address": lambda session: "",
    "server.ping": lambda session: None,
    "server.peers.subscribe": lambda session: [],
    "mempool.get_fee_histogram": lambda session: [],
    "blockchain.estimatefee": lambda session, *_: FEE_BTC_PER_KB,
    "blockchain.relayfee": lambda session: FEE_BTC_PER_KB,
    "blockchain.headers.subscribe": subscribe_headers,
    "blockchain.block.header": lambda session, height, *_: session.chain.headers[height].hex(),
    "blockchain.block.headers": block_headers,
    "blockchain.scripthash.subscribe": subscribe_script,
    "blockchain.scripthash.unsubscribe": unsubscribe_script,
    "blockchain.scripthash.get_history": lambda session, script: session.chain.history(script),
    "blockchain.transaction.broadcast": lambda session, raw: session.chain.broadcast(bytes.fromhex(raw)),
    "blockchain.transaction.get": lambda session, txid, *_: session.chain.transaction(txid).raw.hex(),
    "blockchain.transaction.get_merkle": lambda session, txid, *_: session.chain.merkle_branch(txid),
    "blockchain.transaction.id_from_pos": lambda session, height, position, *_: session.chain.transaction_at(
        height, position
    ),
}


class ElectrumServer:
    """Serves a chain until :meth:`stop`; every access to the chain happens in the server's thread."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._sessions: set[Session] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="electrum-server", daemon=True)
        self._thread.start()
        self._server = self._await(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LINE_LIMIT))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def mine(self, n_blocks: int = 1) -> None:
        """Mine and tell everybody."""
        self._in_loop(lambda: self._chain.mine(n_blocks))

    def fund(self, script: bytes, amount_sat: int) -> str:
        """See :meth:`Chain.fund`."""
        return self._in_loop(lambda: self._chain.fund(script, amount_sat))

    def mempool(self) -> list[str]:
        """What waits for a block."""
        return self._in_loop(lambda: list(self._chain.mempool))

    def stop(self) -> None:
        """Hang up and end the thread."""
        self._await(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _await(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=10)

    def _in_loop(self, action: Callable[[], Any]) -> Any:
        async def act() -> Any:
            height = self._chain.height
            result = action()
            self._tell(self._chain.height != height)
            return result

        return self._await(act())

    async def _close(self) -> None:
        self._server.close()
        for session in self._sessions:
            session.writer.close()
        while self._sessions:
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self._chain, writer)
        self._sessions.add(session)
        try:
            while line := await reader.readline():
                height = self._chain.height
                session.send(_answer_all(session, line))
                self._tell(self._chain.height != height)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._sessions.discard(session)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _tell(self, is_new_tip: bool) -> None:
        """Notify sessions of a new tip and of scripts with news."""
        touched, self._chain.touched = self._chain.touched, set()
        for session in self._sessions:
            if is_new_tip and session.wants_headers:
                session.notify("blockchain.headers.subscribe", tip(self._chain))
            for script in sorted(touched & session.scripts):
                session.notify("blockchain.scripthash.subscribe", script, self._chain.status(script))


def _answer_all(session: Session, line: bytes) -> object:
    """One request or a batch of them."""
    asked = json.loads(line)
    return [session.answer(request) for request in asked] if isinstance(asked, list) else session.answer(asked)
