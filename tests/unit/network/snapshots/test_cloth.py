"""CLoTH's CSV files: folders, archives, edges of arbitrary ids, balances."""

import io
import re
import tarfile

import pytest

from lnherd.errors import InputError
from lnherd.network.snapshots import read_network

FILES = ("nodes_ln.csv", "channels_ln.csv", "edges_ln.csv")


@pytest.fixture
def folder(files, tmp_path):
    """A copy of the hand-made folder that a test may spoil."""
    copy = tmp_path / "cloth"
    copy.mkdir()
    for name in FILES:
        (copy / name).write_bytes((files / "cloth" / name).read_bytes())
    return copy


def pack(folder, path, mode, prefix=""):
    with tarfile.open(path, mode) as archive:
        for name in FILES:
            archive.add(folder / name, arcname=prefix + name)
    return path


def test_folder(folder):
    network = read_network(folder)
    assert network.node_ids.tolist() == ["0", "1", "2"]
    assert network.channels.tolist() == [(0, 1, 50_000_000, -1), (2, 1, 20_000_500, -1)]
    assert network.edges.tolist() == [
        (1000, 1, 0, 0, 1000, 50_000_000, 144, True),
        (0, 250, 0, 0, 1, 50_000_000, 40, True),
        (4, 5, 0, 0, 6, 20_000_500, 30, True),  # edge 9 is node1 -> node2, though named second
        (1, 2, 0, 0, 3, 20_000_500, 14, True),
    ]
    assert network.balance_msat.tolist() == [4_300_909, 45_699_091, 0, 20_000_500]
    assert network.name == "cloth"


@pytest.mark.parametrize(("mode", "prefix"), [("w:", ""), ("w:gz", "./"), ("w:xz", "some/where/")])
def test_archives(folder, tmp_path, check_same, mode, prefix):
    network = read_network(pack(folder, tmp_path / "archive", mode, prefix))
    check_same(network, read_network(folder))
    assert network.n_channels == 2


def test_other_names_and_compressed_files(folder, check_same):
    before = read_network(folder)
    for name in FILES:
        (folder / name).rename(folder / name.replace("_ln", ""))
    check_same(read_network(folder), before)
    assert before.n_nodes == 3


@pytest.mark.parametrize("name", FILES[1:])
def test_one_of_the_files_stands_for_its_folder(folder, check_same, name):
    check_same(read_network(folder / name), network := read_network(folder))
    assert network.n_channels == 2


BROKEN = [
    ("edges_ln.csv", "balance", "bal", "edges_ln.csv: has no column 'balance'; it needs id, channel_id"),
    (
        "edges_ln.csv",
        "4300909",
        "4300908",
        "channels_ln.csv, line 2: the balances of the edges of channel 0 do not",
    ),
    ("edges_ln.csv", "4300909", "-1", "edges_ln.csv, line 2: balance is -1, below 0"),
    ("edges_ln.csv", "1000,1,1000", "x,1,1000", "edges_ln.csv, line 2: fee_base is 'x', not a whole number"),
    ("edges_ln.csv", "2,0,7", "7,0,2", "edges_ln.csv, line 3: id 7 occurs twice; remove one of the rows"),
    ("edges_ln.csv", "3,5,9", "3,0,9", "channels_ln.csv, line 3: edge1_id 3 names an edge of another channel"),
    ("edges_ln.csv", "9,5,3,2,1", "9,5,3,1,2", "line 3: edges 3 and 9 do not lead to and fro between its nodes"),
    ("edges_ln.csv", "0,1,43", "0,8,43", "edges_ln.csv, line 2: to_node_id 8 is not in"),
    ("edges_ln.csv", "\r\n9,5,3", "\r\n9", "edges_ln.csv, line 5: has 8 fields where the header names 10"),
    ("edges_ln.csv", "6,30\r\n", "6,30\r\n11,5,3,2,1,0,4,5,6,30\r\n", "line 6: edge 11 belongs to no channel"),
    ("channels_ln.csv", "5,3,9", "0,3,9", "channels_ln.csv, line 3: id 0 occurs twice"),
    ("channels_ln.csv", "5,3,9", "5,3,8", "channels_ln.csv, line 3: edge2_id 8 is not in"),
    ("channels_ln.csv", "2,1,20000500", "1,1,20000500", "line 3: channel 5 joins node 1 to itself; remove the channel"),
    ("channels_ln.csv", "0,1,50000000", "0,9,50000000", "channels_ln.csv, line 2: node2_id 9 is not in"),
    ("channels_ln.csv", "50000000", "-5", "channels_ln.csv, line 2: capacity is -5, below 1"),
    ("channels_ln.csv", "id,edge1_id", "id,edge", "channels_ln.csv: has no column 'edge1_id'"),
    ("nodes_ln.csv", "\n1\n", "\n5\n", "nodes_ln.csv, line 3: node id 5 is out of turn; ids count from 0 without gaps"),
    ("nodes_ln.csv", "id\n0\n1\n2\n", "", "nodes_ln.csv: has no column 'id'"),
    ("nodes_ln.csv", "id\n0\n1\n2\n", "id\n", "nodes_ln.csv: has a header but no rows"),
]


@pytest.mark.parametrize(("name", "old", "new", "problem"), BROKEN, ids=[case[3][:60] for case in BROKEN])
def test_broken_files(folder, name, old, new, problem):
    content = (folder / name).read_bytes().decode()
    assert old in content
    (folder / name).write_bytes(content.replace(old, new, 1).encode())
    with pytest.raises(InputError, match=re.escape(problem)) as caught:
        read_network(folder)
    assert str(caught.value).startswith(str(folder))


@pytest.mark.parametrize("name", FILES)
def test_missing_file(folder, name):
    (folder / name).unlink()
    other = "edges_ln.csv" if name == "channels_ln.csv" else "channels_ln.csv"
    with pytest.raises(InputError, match=f"{folder}: holds no file {name}; give a folder or archive"):
        read_network(folder / other)


def test_more_than_one_of_a_file(folder):
    (folder / "nodes.csv").write_text("id\n0\n")
    with pytest.raises(InputError, match=r"holds more than one file nodes_ln.csv"):
        read_network(folder)


def test_archive_of_something_else(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("README"), io.BytesIO())
    with pytest.raises(InputError, match=r"a.tar: holds no file nodes_ln.csv"):
        read_network(tmp_path / "a.tar")


def test_archive_cut_short(folder, tmp_path):
    path = pack(folder, tmp_path / "a.tar", "w:")
    path.write_bytes(path.read_bytes()[:2600])
    with pytest.raises(InputError, match=r"a.tar: broken tar archive .*fetch the file again"):
        read_network(path)
