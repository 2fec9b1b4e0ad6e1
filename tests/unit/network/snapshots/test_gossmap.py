"""Compressed gossip maps: decoding, node maps beside and given, everything that can be broken."""

import gzip
import lzma

import pytest

from lnherd.errors import InputError
from lnherd.network.snapshots import read_network
from lnherd.network.snapshots.gossmap import bigsizes

ENDS = [(0, 1), (2, 0), (0, 1)]
CAPACITIES = [5_000_000, 20_000, 5_000_000]
POLICIES = [
    (1000, 1, 7, 1825, 80),  # htlc_max code 1: 99 % of capacity
    (0, 0, 0, 1, 40),  # code 0: all of it
    None,
    (70_000, 19_000_000, 2**32 - 1, 5_000_000, 300),
    None,
    None,
]


@pytest.fixture
def data(gossmap_bytes):
    return gossmap_bytes(ENDS, CAPACITIES, POLICIES)


def read(tmp_path, content, name="map.compressed"):
    (tmp_path / name).write_bytes(content)
    return read_network(tmp_path / name)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda content: lzma.compress(gzip.compress(content))])
def test_channels_and_policies(data, tmp_path, pack):
    network = read(tmp_path, pack(data))
    assert network.node_ids.tolist() == ["0", "1", "2"]
    assert network.aliases is None
    assert network.channels.tolist() == [(0, 1, 5_000_000_000, -1), (2, 0, 20_000_000, -1), (0, 1, 5_000_000_000, -1)]
    assert network.edges.tolist() == [
        (7, 1825, 0, 0, 1000, 4_950_000_000, 80, True),
        (0, 1, 0, 0, 0, 5_000_000_000, 40, True),
        (0, 0, 0, 0, 0, 0, 0, False),
        (2**32 - 1, 5_000_000, 0, 0, 70_000, 19_000_000, 300, True),
        (0, 0, 0, 0, 0, 0, 0, False),
        (0, 0, 0, 0, 0, 0, 0, False),
    ]


def test_integers_of_every_width():
    data = bytes.fromhex("00 fc fd00fd fdffff fe00010000 ff0000000100000000 ffffffffffffffffff")
    assert bigsizes(data, 0, "x").tolist() == [0, 252, 253, 65535, 65536, 2**32, 2**63 - 1]


@pytest.mark.parametrize("name", ["map-node-map", "map-node-map.xz", "map-node-map.gz"])
def test_node_map_beside(data, tmp_path, keys, name):
    text = f"0:{keys[0]}:Alice: the first\n1:{keys[1]}:\n2:{keys[2]}:carol\n".encode()
    pack = {".xz": lzma.compress, ".gz": gzip.compress}.get(name[-3:], bytes)
    (tmp_path / name).write_bytes(pack(text))
    network = read(tmp_path, data)
    assert network.node_ids.tolist() == list(keys[:3])
    assert network.aliases.tolist() == ["Alice: the first", "", "carol"]


def test_node_names_given(data, tmp_path, keys, files):
    (tmp_path / "map").write_bytes(data)
    network = read_network(tmp_path / "map", nodes=files / "plain-nodes.csv")
    assert network.node_ids.tolist() == list(keys[:3])
    with pytest.raises(InputError, match=r"listnodes-today.json: lists nodes without their indices"):
        read_network(tmp_path / "map", nodes=files / "listnodes-today.json")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0:02aa:a\n2:02bb:b\n", "line 2 is 2 where 1 is due; indices count from 0 without gaps"),
        ("0:02aa:a\nx:02bb:b\n", "line 2 is 'x', not a whole number"),
        ("0:02aa:a\n1:02bb\n", "line 2: is not index:pubkey:alias; the file may be cut short"),
        ("0:02aa:a\n1:02aa:b\n", "line 2 occurs twice"),
        ("0:02aa:a\n1:02bb:b\n", "a channel leads to node 2, but .*node-map lists 2; give its own map"),
        ("hello\n", "names no nodes; give a nodes CSV .node,pubkey,alias., a node map or listnodes JSON"),
    ],
)
def test_broken_node_maps(data, tmp_path, text, problem):
    (tmp_path / "map-node-map").write_text(text)
    with pytest.raises(InputError, match=problem):
        read(tmp_path, data)


def test_unknown_version(gossmap_bytes, tmp_path):
    with pytest.raises(InputError, match=r"map.compressed: compressed gossip map of version '2'; only version 1"):
        read(tmp_path, gossmap_bytes(ENDS, CAPACITIES, POLICIES, magic=b"GOSSMAP_COMPRESSv2\0"))


def test_cut_short_anywhere(data, tmp_path):
    for length in range(len(b"GOSSMAP_COMPRESSv1\0"), len(data)):
        with pytest.raises(InputError, match=r"map.compressed: ends within .*; fetch the file again"):
            read(tmp_path, data[:length])


def test_more_than_there_should_be(data, tmp_path):
    with pytest.raises(InputError, match=r"has 2 numbers after its end; fetch the file again"):
        read(tmp_path, data + b"\0\0")


def test_index_beyond_the_values(data, tmp_path):
    with pytest.raises(InputError, match=r"cltv_delta refers beyond its 4 values"):
        read(tmp_path, data[:-1] + b"\x07")


@pytest.mark.parametrize(
    ("ends", "capacities", "problem"),
    [
        ([(0, 1), (1, 1)], [1, 1], "channel 1 joins a node to itself"),
        ([(0, 1), (1, 2)], [1, 0], "channel 1 has no positive capacity"),
        ([(0, 1), (1, 2)], [1, 2**63], "capacity 9223372036854775807 is above 2100000000000000"),
        (
            [(0, 1), (1, 2**40)],
            [1, 1],
            "refers to node 1099511627776, and no file lists so many; give it, or correct that",
        ),
    ],
)
def test_impossible_channels(gossmap_bytes, tmp_path, ends, capacities, problem):
    with pytest.raises(InputError, match=f"map.compressed: {problem}"):
        read(tmp_path, gossmap_bytes(ends, capacities, [None] * 4))


def test_no_channels(gossmap_bytes, tmp_path):
    with pytest.raises(InputError, match=r"holds no channel"):
        read(tmp_path, gossmap_bytes([], [], []))
