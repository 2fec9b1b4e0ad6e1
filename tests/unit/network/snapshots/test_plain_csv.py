"""Our own CSV: reading, writing, and every line that can be wrong."""

import re

import numpy as np
import pytest

from lnherd.errors import InputError
from lnherd.network.snapshots import read_network, write_csv
from lnherd.network.snapshots.plain_csv import nodes_path


@pytest.fixture
def edges_file(files, tmp_path):
    """A copy of the hand-made files that a test may spoil."""
    for name in ("plain-edges.csv", "plain-nodes.csv"):
        (tmp_path / name).write_text((files / name).read_text())
    return tmp_path / "plain-edges.csv"


def test_all_columns(files, keys):
    network = read_network(files / "plain-edges.csv")
    assert network.node_ids.tolist() == list(keys[:3])
    assert network.aliases.tolist() == ["Alice ⚡", 'Bob, "the" builder', ""]
    assert network.channels.tolist() == [(0, 1, 300_000_000, 505149 << 40 | 622 << 16), (1, 2, 20_000_000, -1)]
    assert network.edges.tolist() == [
        (1000, 1, 0, 0, 1000, 297_000_000, 144, True),
        (0, 250, -5, -100, 1, 300_000_000, 40, False),
        (1, 10, 0, 0, 0, 20_000_000, 14, True),
        (0, 0, 0, 0, 0, 0, 0, False),
    ]
    assert network.balance_msat.tolist() == [100_000_000, 200_000_000, 20_000_000, 0]


def test_only_the_required_columns_in_any_order_without_nodes(tmp_path):
    path = tmp_path / "net.csv"
    path.write_text(
        "htlc_max_msat,htlc_min_msat,cltv_delta,ppm,base_msat,enabled,capacity_sat,dst,src,channel\n"
        "9,8,7,6,5,1,70,4,0,30\n3,2,1,1,1,1,60,1,0,10\n,,,,,0,70,0,4,30\n4,4,4,4,4,0,60,0,1,10\n"
    )
    network = read_network(path)
    assert network.node_ids.tolist() == ["0", "1", "2", "3", "4"]
    assert network.channels.tolist() == [(0, 1, 60_000, -1), (0, 4, 70_000, -1)]  # in order of their numbers
    assert network.edges.htlc_max_msat.tolist() == [3, 4, 9, 0]
    assert network.aliases is None
    assert network.balance_msat is None


def test_a_slip_in_a_node_index_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "net.csv"
    header = "channel,src,dst,capacity_sat,enabled,base_msat,ppm,cltv_delta,htlc_min_msat,htlc_max_msat"
    path.write_text(f"{header}\n0,0,2000000000,1,0,,,,,\n0,2000000000,0,1,0,,,,,\n")
    with pytest.raises(InputError, match=r"net.csv: refers to node 2000000000, and no file lists so many"):
        read_network(path)


def test_folder_with_one_edges_file(edges_file, check_same):
    check_same(read_network(edges_file.parent), network := read_network(edges_file))
    assert network.n_nodes == 3


@pytest.mark.parametrize(
    ("edges", "nodes"),
    [
        ("mainnet-edges.csv.xz", "mainnet-nodes.csv.xz"),
        ("edges.csv", "nodes.csv"),
        ("v1.2-edges.csv.gz", "v1.2-nodes.csv.gz"),
        ("network.csv", "network-nodes.csv"),
        ("network", "network-nodes"),
    ],
)
def test_where_the_nodes_lie(tmp_path, edges, nodes):
    assert nodes_path(tmp_path / edges) == tmp_path / nodes


BROKEN = [
    ("0,1,0,300000", "0,1,0,300001", "line 3: channel 0 has another capacity than in its other row"),
    ("0,1,0,300000", "0,1,2,300000", "line 3: channel 0 does not lead back along its other row; correct src and dst"),
    ("0,0,1,300000", "0,1,1,300000", "line 2: channel 0 joins node 1 to itself; remove the channel"),
    ("0,0,1,300000", "0,0,7,300000", "line 2: dst 7 is not among the 3 nodes of"),
    ("0,0,1,300000", "0,-1,1,300000", "line 2: src is -1, below 0"),
    ("0,0,1,300000", "0,0,1,-300000", "line 2: capacity_sat is -300000, below 1; correct it"),
    ("0,0,1,300000", "0,0,1,3e5", "line 2: capacity_sat is '3e5', not a whole number"),
    ("0,0,1,300000", "0,0,1,", "line 2: capacity_sat is '', not a whole number"),
    (
        "0,0,1,300000",
        "0,0,1,99999999999999999999",
        "line 2: capacity_sat is 99999999999999999999, above 21000",
    ),
    ("0,0,1,300000", "9,0,1,300000", "line 2: channel 9 has only this row; add the other direction"),
    ("1,1,2,20000", "0,1,2,20000", "line 2: channel 0 has more than two rows; keep one per direction"),
    ("1,1000,1,144", "2,1000,1,144", "line 2: enabled is 2, above 1"),
    ("1,1000,1,144", "1,,1,144", "line 2: base_msat is empty though the direction is enabled; fill it or disable it"),
    ("1,1000,1,144", "1,1000,-1,144", "line 2: ppm is -1, below 0"),
    ("1,1000,1,144", "1,1000,1,70000", "line 2: cltv_delta is 70000, above 65535"),
    ("1,1000,1,144", "1,1000,4294967296,144", "line 2: ppm is 4294967296, above 4294967295"),
    ("-5,-100", "-5,-3000000000", "line 3: inbound_ppm is -3000000000, below -2147483648"),
    (
        "200000000,505",
        "200000001,505",
        "line 3: the two balances of channel 0 do not sum to its capacity",
    ),
    ("200000000,505", ",505", "line 3: balance_msat is '', not a whole number"),
    ("505149x622x0", "505149x622", "line 2: scid is '505149x622', not a whole number"),
    (
        "\n1,1,2",
        "\n2,0,1,5,0,,,,,,0,0,0,505149x622x0\n2,1,0,5,0,,,,,,0,0,5000,505149x622x0\n1,1,2",
        "line 4: scid 505149x622x0 belongs to another",
    ),
    (
        "-100,200000000,505149x622x0",
        "-100,200000000,505149",
        "line 3: channel 0 has another scid than in its other",
    ),
    ("htlc_min_msat,", "min,", "has no column 'htlc_min_msat'; it needs channel, src, dst"),
    ("capacity_sat", "capacity", "has no column 'capacity_sat'"),
    ("\n1,2,1,20000", "\n1,2", "line 5: has 12 fields where the header names 14; the file may be cut short"),
]


@pytest.mark.parametrize(("old", "new", "problem"), BROKEN, ids=[case[2][:60] for case in BROKEN])
def test_broken_edges(edges_file, old, new, problem):
    content = edges_file.read_text()
    assert old in content
    edges_file.write_text(content.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(problem)) as caught:
        read_network(edges_file)
    assert str(caught.value).startswith(str(edges_file))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("\n1,", "\n5,", "line 3: node is 5 where 1 is due; indices count from 0 without gaps"),
        ("bb", "aa", "line 3: pubkey occurs twice"),
        ("pubkey", "key", "names no nodes; give a nodes CSV"),
        ("node,pubkey", "n,pubkey", "has no column 'node'"),
        ("\n2,", "\n", "line 4: has 2 fields where the header names 3"),
    ],
)
def test_broken_nodes(edges_file, old, new, problem):
    nodes = edges_file.with_name("plain-nodes.csv")
    nodes.write_text(nodes.read_text().replace(old, new) if old == "bb" else nodes.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=f"{nodes}.*{re.escape(problem)}"):
        read_network(edges_file)


def test_header_without_rows(edges_file):
    edges_file.write_text(edges_file.read_text().partition("\n")[0] + "\n")
    with pytest.raises(InputError, match=r"has a header but no rows"):
        read_network(edges_file)


@pytest.mark.parametrize("name", ["net-edges.csv", "net.csv.gz", "net-edges.csv.xz"])
def test_written_network_reads_back(tiny, tmp_path, check_same, name):
    written = write_csv(tiny.with_balances(np.array([1, 299_999_999, 0, 20_000_000])), tmp_path / name)
    assert written == (tmp_path / name, nodes_path(tmp_path / name))
    assert sorted(tmp_path.iterdir()) == sorted(written)
    check_same(read_network(tmp_path / name), tiny.with_balances(np.array([1, 299_999_999, 0, 20_000_000])))


def test_columns_with_nothing_to_say_are_left_out(tiny, tmp_path):
    tiny.channels.scid = -1
    tiny.edges.inbound_base_fee_msat = tiny.edges.inbound_fee_ppm = 0
    write_csv(tiny, tmp_path / "net.csv")
    header, *rows = (tmp_path / "net.csv").read_text().splitlines()
    assert header == "channel,src,dst,capacity_sat,enabled,base_msat,ppm,cltv_delta,htlc_min_msat,htlc_max_msat"
    assert rows == [
        "0,0,1,300000,1,1000,1,144,1000,297000000",
        "0,1,0,300000,0,0,250,40,1,1",
        "1,1,2,20000,1,1,10,14,0,20000000",
        "1,2,1,20000,0,,,,,",
    ]


def test_parts_of_a_satoshi_are_kept(tiny, tmp_path, check_same):
    tiny.channels.capacity_msat[1] += 1
    write_csv(tiny, tmp_path / "net.csv")
    assert "capacity_msat" in (tmp_path / "net.csv").read_text()
    check_same(read_network(tmp_path / "net.csv"), tiny)


def test_stale_nodes_of_another_compression_are_not_taken(tiny, tmp_path, check_same):
    (tmp_path / "net-nodes.csv").write_text("node,pubkey\n0,stale\n")
    write_csv(tiny, tmp_path / "net-edges.csv.xz")
    check_same(network := read_network(tmp_path / "net-edges.csv.xz"), tiny)
    assert "stale" not in network.node_ids
