import gzip
import lzma
import sys

import numpy as np
import pytest

from lnherd.errors import InputError
from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import zero_records
from lnherd.traffic.demand import l402
from lnherd.traffic.traces import read_payments, write_payments


@pytest.fixture
def network():
    channels = zero_records(2, CHANNEL_DTYPE)
    channels.node1, channels.node2, channels.scid = [0, 1], [1, 2], -1
    channels.capacity_msat = 10**9
    edges = empty_edges(2)
    edges.enabled = True
    return Network(np.array(["02aa", "02bb", "02cc"]), channels, edges, aliases=np.array(["anna", "bob", "carl"]))


def test_cloth_layout(tmp_path, network):
    path = tmp_path / "payments.csv"
    path.write_text("id,sender_id,receiver_id,amount,start_time\n0,2,0,101867,1280\n1,0,1,100810,1103\n")
    payments = read_payments(path, network)
    assert payments.start_ms.tolist() == [1103, 1280]
    assert payments.amount_msat.tolist() == [100810, 101867]
    assert payments.sender.tolist() == [0, 2] and payments.receiver.tolist() == [1, 0]


def test_our_layout_with_ids_aliases_and_indices(tmp_path, network):
    path = tmp_path / "payments.csv"
    path.write_text("sender,receiver,amount_msat,start_ms,note\n02aa,carl,5000,10,x\n1,02aa,7,0,y\n")
    payments = read_payments(path, network)
    assert payments.sender.tolist() == [1, 0] and payments.receiver.tolist() == [0, 2]


@pytest.mark.parametrize("name", ["trace.csv", "trace.csv.gz", "trace.csv.xz"])
def test_what_was_written_is_read_again(tmp_path, network, name):
    payments = l402(3.0).sample(network, n_payments=200, rng=np.random.default_rng(0))
    write_payments(payments, tmp_path / name)
    assert np.array_equal(read_payments(tmp_path / name, network), payments)


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
def test_compression_is_told_by_content(tmp_path, network, compress):
    path = tmp_path / "payments.csv"
    path.write_bytes(compress(b"sender,receiver,amount_msat,start_ms\n0,1,5000,10\n"))
    assert len(read_payments(path, network)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column 'sender'"),
        ("sender,receiver,amount_msat\n", "has no column 'start_ms'"),
        ("id,sender_id,receiver_id,amount\n0,1,2,3\n", "has no column 'start_time'"),
        ("sender,receiver,amount_msat,start_ms\n", "no rows"),
        ("sender,receiver,amount_msat,start_ms\n0,1,5\n", "line 2: has 3 fields"),
        ("sender,receiver,amount_msat,start_ms\n0,1,five,0\n", "line 2: amount_msat is 'five'"),
        ("sender,receiver,amount_msat,start_ms\n0,1,5,0\n0,1,0,0\n", "line 3: amount_msat is 0, below 1"),
        ("sender,receiver,amount_msat,start_ms\n0,1,5,-1\n", "line 2: start_ms is -1"),
        ("sender,receiver,amount_msat,start_ms\n0,1,5,0\n0,dora,5,0\n", "line 3: receiver: .*no node called 'dora'"),
        ("sender,receiver,amount_msat,start_ms\n0,3,5,0\n", "no node called '3'"),
        ("sender,receiver,amount_msat,start_ms\n1,bob,5,0\n", "line 2: node 1 pays itself"),
        ("sender,receiver,amount_msat,start_ms,kind\n0,1,5,0,gift\n", "line 2: kind is 'gift'"),
    ],
)
def test_broken_files_get_one_sentence(tmp_path, network, text, message):
    path = tmp_path / "payments.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_payments(path, network)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path, network):
    with pytest.raises(InputError, match="no such file"):
        read_payments(tmp_path / "nowhere.csv", network)


def test_parquet_is_read_like_csv(tmp_path, network):
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs the extra lnherd[parquet]")
    import pyarrow

    columns = {"sender": ["02aa", "carl"], "receiver": ["2", "0"], "amount_msat": [5_000, 7], "start_ms": [20, 10]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "payments.parquet")
    payments = read_payments(tmp_path / "payments.parquet", network)
    assert payments.tolist() == [(10, 7, 2, 0, 3), (20, 5_000, 0, 2, 3)]
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "payments.parquet").read_bytes()[:40])
    with pytest.raises(InputError, match=r"cut\.parquet: is damaged"):
        read_payments(tmp_path / "cut.parquet", network)


def test_parquet_without_its_library_says_what_to_install(tmp_path, network, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "payments.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"install lnherd\[parquet\] or give CSV"):
        read_payments(tmp_path / "payments.parquet", network)
