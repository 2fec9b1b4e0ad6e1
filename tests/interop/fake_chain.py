"""A block chain of our own, for tests of real Lightning software without bitcoind.

It keeps what an SPV wallet can check: transactions with their ids, blocks with real merkle roots and linked headers,
who spent what, and the history of every script. It does not check scripts, signatures or proof of work (on
regtest wallets ask for none), and money comes from nowhere (:meth:`Chain.fund`).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

GENESIS_HEADER = bytes.fromhex(
    "01000000"
    + "00" * 32
    + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
    + "dae5494dffff7f2002000000"
)
"""Of Bitcoin's regtest network: wallets have its hash built in."""
VERSION, TARGET_BITS = 0x2000_0000, 0x207F_FFFF
SUBSIDY_SAT = 5_000_000_000
OUTPOINT_OF_COINBASE = (bytes(32), 0xFFFF_FFFF)
BURN_SCRIPT = b"\x6a"
UNKNOWN_FEE_SAT = 1_000
"""Shown for a transaction that spends money from nowhere."""


class RejectedError(Exception):
    """A transaction that this chain does not take."""


def double_sha256(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def script_hash(script: bytes) -> str:
    """How Electrum's protocol names a script: reversed SHA-256."""
    return sha256(script).digest()[::-1].hex()


@dataclass(frozen=True)
class Transaction:
    """``spends`` are (transaction id, output index) pairs, ``outputs`` (satoshi, script) pairs."""

    txid: str
    raw: bytes
    spends: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[int, bytes], ...]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.position = data, 0

    def take(self, count: int) -> bytes:
        taken = self.data[self.position : self.position + count]
        if len(taken) != count:
            raise RejectedError("TX decode failed: it ends early")
        self.position += count
        return taken

    def integer(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def size(self) -> int:
        """Bitcoin's variable-length integer."""
        first = self.integer(1)
        return self.integer({0xFD: 2, 0xFE: 4, 0xFF: 8}[first]) if first >= 0xFD else first


def write_size(number: int) -> bytes:
    """Bitcoin's variable-length integer, for sizes below 65,536."""
    return bytes([number]) if number < 0xFD else b"\xfd" + struct.pack("<H", number)


def read_transaction(raw: bytes) -> Transaction:
    """Decode a transaction, with or without witnesses (BIP 144). Raises :class:`RejectedError`."""
    reader = _Reader(raw)
    version = reader.take(4)
    has_witness = raw[4:6] == b"\x00\x01"
    if has_witness:
        reader.take(2)
    start = reader.position
    spends = tuple(_read_input(reader) for _ in range(reader.size()))
    outputs = tuple(_read_output(reader) for _ in range(reader.size()))
    core = raw[start : reader.position]
    if has_witness:
        for _ in spends:
            for _ in range(reader.size()):
                reader.take(reader.size())
    lock_time = reader.take(4)
    if reader.position != len(raw) or not spends or not outputs:
        raise RejectedError("TX decode failed: something is missing or left over")
    return Transaction(double_sha256(version + core + lock_time)[::-1].hex(), raw, spends, outputs)


def _read_input(reader: _Reader) -> tuple[str, int]:
    outpoint = reader.take(32)[::-1].hex(), reader.integer(4)
    reader.take(reader.size())
    reader.take(4)
    return outpoint


def _read_output(reader: _Reader) -> tuple[int, bytes]:
    amount_sat = reader.integer(8)
    return amount_sat, reader.take(reader.size())


def write_transaction(outpoint: tuple[bytes, int], script_sig: bytes, amount_sat: int, script: bytes) -> bytes:
    """A transaction without witnesses, from one outpoint to one script."""
    return b"".join((
        struct.pack("<I", 2), write_size(1),
        outpoint[0], struct.pack("<I", outpoint[1]), write_size(len(script_sig)), script_sig, b"\xff" * 4,
        write_size(1), struct.pack("<q", amount_sat), write_size(len(script)), script, bytes(4),
    ))  # fmt: skip


def merkle_levels(txids: list[str]) -> list[list[bytes]]:
    """The merkle tree from its leaves up to its root; an odd level repeats its last hash."""
    levels = [[bytes.fromhex(txid)[::-1] for txid in txids]]
    while len(levels[-1]) > 1:
        level = levels[-1]
        if len(level) % 2:
            level.append(level[-1])
        levels.append([double_sha256(level[i] + level[i + 1]) for i in range(0, len(level), 2)])
    return levels


class Chain:
    """Blocks, a mempool and the history of scripts. ``clock`` gives unix time for headers."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.headers = [GENESIS_HEADER]
        self.mempool: list[str] = []
        self.touched: set[str] = set()
        """Scripts whose history changed since somebody last emptied this."""
        self._clock = clock
        self._blocks: list[list[str]] = [[]]
        self._transactions: dict[str, Transaction] = {}
        self._height: dict[str, int] = {}
        self._scripts: dict[str, set[str]] = {}
        self._history: dict[str, list[str]] = {}
        self._spent: dict[tuple[str, int], str] = {}
        self._funded = 0

    @property
    def height(self) -> int:
        return len(self.headers) - 1

    def transaction(self, txid: str) -> Transaction:
        if txid not in self._transactions:
            raise RejectedError("No such mempool or blockchain transaction.")
        return self._transactions[txid]

    def broadcast(self, raw: bytes) -> str:
        """Take a transaction into the mempool, unless it spends what is spent. Gives its id."""
        transaction = read_transaction(raw)
        if transaction.txid in self._transactions:
            return transaction.txid
        if any(outpoint in self._spent for outpoint in transaction.spends):
            raise RejectedError("txn-mempool-conflict")
        self._add(transaction, 0)
        self.mempool.append(transaction.txid)
        return transaction.txid

    def fund(self, script: bytes, amount_sat: int) -> str:
        """Give ``script`` money from an outpoint that never was."""
        self._funded += 1
        nowhere = sha256(f"nowhere {self._funded}".encode()).digest()
        return self.broadcast(write_transaction((nowhere, 0), b"", amount_sat, script))

    def mine(self, n_blocks: int = 1) -> None:
        """Put the mempool into a block, and empty blocks on top of it."""
        for _ in range(n_blocks):
            height = len(self.headers)
            coinbase_script = b"\x04" + struct.pack("<I", height)
            coinbase = write_transaction(OUTPOINT_OF_COINBASE, coinbase_script, SUBSIDY_SAT, BURN_SCRIPT)
            self._add(read_transaction(coinbase), height)
            txids = [read_transaction(coinbase).txid, *self.mempool]
            for txid in self.mempool:
                self._height[txid] = height
                self.touched |= self._scripts[txid]
            self.mempool = []
            self._blocks.append(txids)
            self.headers.append(self._header(merkle_levels(txids)[-1][0]))

    def _header(self, merkle_root: bytes) -> bytes:
        parent = double_sha256(self.headers[-1])
        trailer = struct.pack("<III", int(self._clock()), TARGET_BITS, len(self.headers))
        return struct.pack("<I", VERSION) + parent + merkle_root + trailer

    def _add(self, transaction: Transaction, height: int) -> None:
        scripts = {script_hash(script) for _, script in transaction.outputs}
        for outpoint in transaction.spends:
            self._spent[outpoint] = transaction.txid
            parent = self._transactions.get(outpoint[0])
            if parent is not None and outpoint[1] < len(parent.outputs):
                scripts.add(script_hash(parent.outputs[outpoint[1]][1]))
        self._transactions[transaction.txid] = transaction
        self._height[transaction.txid] = height
        self._scripts[transaction.txid] = scripts
        for script in scripts:
            self._history.setdefault(script, []).append(transaction.txid)
        self.touched |= scripts

    def merkle_branch(self, txid: str) -> dict[str, object]:
        """Proof that a confirmed transaction is in its block, in the terms of Electrum's protocol."""
        height = self._height[self.transaction(txid).txid]
        if height == 0:
            raise RejectedError("the transaction is not confirmed")
        position = self._blocks[height].index(txid)
        branch, index = [], position
        for level in merkle_levels(self._blocks[height])[:-1]:
            branch.append(level[index ^ 1][::-1].hex())
            index //= 2
        return {"block_height": height, "merkle": branch, "pos": position}

    def transaction_at(self, height: int, position: int) -> str:
        return self._blocks[height][position]

    def history(self, script: str) -> list[dict[str, object]]:
        """Transactions of a script (by hash): confirmed ones in order of the chain, then the mempool's."""
        txids = self._history.get(script, [])
        confirmed = [txid for txid in txids if self._height[txid] > 0]
        confirmed.sort(key=lambda txid: (self._height[txid], self._blocks[self._height[txid]].index(txid)))
        waiting = [txid for txid in txids if self._height[txid] == 0]
        return [{"tx_hash": txid, "height": self._height[txid]} for txid in confirmed] + [
            {"tx_hash": txid, "height": 0, "fee": self._fee_sat(txid)} for txid in waiting
        ]

    def status(self, script: str) -> str | None:
        """Digest of a history, by which clients notice changes; None for an empty one."""
        lines = "".join(f"{entry['tx_hash']}:{entry['height']}:" for entry in self.history(script))
        return sha256(lines.encode()).hexdigest() if lines else None

    def _fee_sat(self, txid: str) -> int:
        transaction = self._transactions[txid]
        if any(outpoint[0] not in self._transactions for outpoint in transaction.spends):
            return UNKNOWN_FEE_SAT
        came_in = sum(self._transactions[parent].outputs[index][0] for parent, index in transaction.spends)
        return came_in - sum(amount_sat for amount_sat, _ in transaction.outputs)
