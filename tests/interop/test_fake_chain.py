"""The fake chain and its server keep the promises that an SPV wallet checks."""

import json
import socket
import struct
from hashlib import sha256

import pytest
from electrum_server import ElectrumServer
from fake_chain import (
    GENESIS_HEADER,
    Chain,
    RejectedError,
    double_sha256,
    read_transaction,
    script_hash,
    write_transaction,
)

ALICE, BOB = b"\x00\x14" + b"a" * 20, b"\x00\x14" + b"b" * 20
GENESIS_HASH = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
BIP143_SIGNED = bytes.fromhex(
    "01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9"
    "cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618e"
    "f3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb20600000000"
    "1976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa81"
    "5988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f9030"
    "0e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000"
)
"""The signed transaction of BIP 143's first example: one input of each kind."""


def chain():
    return Chain(lambda: 1_700_000_000)


def spend(txid, amount_sat, script=BOB):
    return write_transaction((bytes.fromhex(txid)[::-1], 0), b"", amount_sat, script)


def test_genesis_and_linked_headers():
    ours = chain()
    ours.mine(3)
    assert double_sha256(GENESIS_HEADER)[::-1].hex() == GENESIS_HASH
    assert ours.height == 3
    for parent, header in zip(ours.headers, ours.headers[1:], strict=False):
        assert len(header) == 80
        assert header[4:36] == double_sha256(parent)


def test_a_transaction_with_witnesses_is_read():
    read = read_transaction(BIP143_SIGNED)
    assert [index for _, index in read.spends] == [0, 1]
    assert [amount_sat for amount_sat, _ in read.outputs] == [112_340_000, 223_450_000]
    # the id leaves the witnesses out: recompute it from the parts of the example
    core = BIP143_SIGNED[:4] + BIP143_SIGNED[6 : BIP143_SIGNED.rindex(bytes.fromhex("0002473044"))]
    assert read.txid == double_sha256(core + BIP143_SIGNED[-4:])[::-1].hex()


@pytest.mark.parametrize("cut", [1, 5, 40, 100])
def test_cut_transactions_are_rejected(cut):
    with pytest.raises(RejectedError):
        read_transaction(BIP143_SIGNED[:-cut])
    with pytest.raises(RejectedError):
        chain().broadcast(BIP143_SIGNED + b"\x00")


def test_nothing_is_spent_twice():
    ours = chain()
    funding = ours.fund(ALICE, 50_000)
    first = ours.broadcast(spend(funding, 40_000))
    assert ours.broadcast(spend(funding, 40_000)) == first, "the same again is no conflict"
    with pytest.raises(RejectedError, match="conflict"):
        ours.broadcast(spend(funding, 39_000))


def test_history_and_status_follow_a_script():
    ours = chain()
    assert ours.status(script_hash(ALICE)) is None
    funding = ours.fund(ALICE, 50_000)
    waiting = ours.status(script_hash(ALICE))
    assert ours.history(script_hash(ALICE)) == [{"tx_hash": funding, "height": 0, "fee": 1_000}]
    ours.mine()
    assert ours.status(script_hash(ALICE)) == sha256(f"{funding}:1:".encode()).hexdigest() != waiting
    payment = ours.broadcast(spend(funding, 40_000))
    assert ours.history(script_hash(ALICE))[1] == {"tx_hash": payment, "height": 0, "fee": 10_000}
    assert ours.touched >= {script_hash(ALICE), script_hash(BOB)}


@pytest.mark.parametrize("n_transactions", [0, 1, 2, 6])
def test_merkle_branches_lead_to_the_root(n_transactions):
    ours = chain()
    txids = [ours.fund(ALICE, 1_000 + index) for index in range(n_transactions)]
    ours.mine()
    for txid in [ours.transaction_at(1, 0), *txids]:
        proof = ours.merkle_branch(txid)
        node, position = bytes.fromhex(txid)[::-1], proof["pos"]
        for step in proof["merkle"]:
            other = bytes.fromhex(step)[::-1]
            node = double_sha256(other + node if position & 1 else node + other)
            position >>= 1
        assert node == ours.headers[1][36:68]


def test_unconfirmed_and_unknown_transactions_have_no_proof():
    ours = chain()
    with pytest.raises(RejectedError, match="not confirmed"):
        ours.merkle_branch(ours.fund(ALICE, 1))
    with pytest.raises(RejectedError, match="No such"):
        ours.merkle_branch("00" * 32)


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rwb")

    def ask(self, message):
        self.file.write(json.dumps(message).encode() + b"\n")
        self.file.flush()
        return self.hear()

    def hear(self):
        return json.loads(self.file.readline())

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def server():
    serving = ElectrumServer(chain())
    yield serving
    serving.stop()


def test_a_client_hears_of_blocks_and_of_its_scripts(server):
    client = Client(server.port)
    try:
        tip = client.ask({"id": 1, "method": "blockchain.headers.subscribe", "params": []})["result"]
        assert tip == {"hex": GENESIS_HEADER.hex(), "height": 0}
        asked = {"id": 2, "method": "blockchain.scripthash.subscribe", "params": [script_hash(ALICE)]}
        assert client.ask(asked)["result"] is None
        funding = server.fund(ALICE, 1_000)
        assert server.mempool() == [funding]
        heard = client.hear()
        assert (heard["method"], heard["params"][0]) == (asked["method"], script_hash(ALICE))
        server.mine()
        block, history = client.hear(), client.hear()
        assert block["params"][0]["height"] == 1
        assert struct.unpack_from("<I", bytes.fromhex(block["params"][0]["hex"]), 68) == (1_700_000_000,)
        assert history["params"][1] != heard["params"][1]
    finally:
        client.close()


def test_batches_errors_and_unknown_methods(server):
    client = Client(server.port)
    try:
        batch = [
            {"id": 1, "method": "server.version", "params": ["test", "1.4"]},
            {"id": 2, "method": "blockchain.transaction.get", "params": ["11" * 32]},
            {"id": 3, "method": "blockchain.block.headers", "params": [0, 5]},
            {"id": 4, "method": "no.such.method"},
            {"id": 5, "method": "blockchain.block.header", "params": [9]},
        ]
        version, missing, headers, unknown, beyond = client.ask(batch)
        assert version["result"] == ["fake chain", "1.4"]
        assert "No such" in missing["error"]["message"]
        assert headers["result"] == {"count": 1, "hex": GENESIS_HEADER.hex(), "max": 2016}
        assert unknown["error"]["code"] == -32601
        assert "error" in beyond
    finally:
        client.close()
