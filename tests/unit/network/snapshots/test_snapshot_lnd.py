"""describegraph: 2019 and today, every field that can be wrong."""

import copy
import json
import re

import pytest

from lnherd.errors import InputError
from lnherd.network.snapshots import read_network, write_describegraph


@pytest.fixture
def old(files):
    return json.loads((files / "describegraph-2019.json").read_text())


def save(tmp_path, document):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(document))
    return path


def test_graph_of_2019(files, keys):
    network = read_network(files / "describegraph-2019.json")
    assert network.node_ids.tolist() == list(keys)
    assert network.aliases.tolist() == ["Alice ⚡", 'Bob, "the" builder', "", "dave"]
    assert network.channels.tolist() == [
        (0, 1, 300_000_000, 505149 << 40 | 622 << 16),
        (1, 2, 1_000_000_000, 505150 << 40 | 7 << 16 | 1),
        (0, 3, 20_000_000, 505151 << 40 | 8 << 16 | 2),
    ]
    assert network.edges.tolist() == [
        (1000, 1, 0, 0, 1000, 300_000_000, 144, True),  # no max_htlc_msat in 2019: the capacity
        (0, 250, 0, 0, 1, 300_000_000, 40, False),  # disabled, yet its policy is known
        (0, 0, 0, 0, 0, 0, 0, False),  # null: never announced
        (1, 10, 0, 0, 0, 1_000_000_000, 14, True),
        (0, 0, 0, 0, 0, 0, 0, False),
        (0, 0, 0, 0, 0, 0, 0, False),
    ]
    assert network.name == "describegraph-2019.json"
    assert network.balance_msat is None


def test_graph_of_today(files):
    network = read_network(files / "describegraph-today.json")
    assert network.edges.tolist() == [
        (0, 1825, -1000, -1006, 1000, 4_950_000_000, 80, True),
        (1000, 1, 0, 0, 1000, 5_000_000_000, 40, True),  # 2**64 - 1, "no limit": the capacity
        (0, 0, 0, 0, 1, 70_000_000, 80, True),  # 0, "unset": the capacity
        (0, 0, 0, 0, 0, 0, 0, False),
    ]
    assert network.channels.scid.tolist() == [880000 << 40 | 1234 << 16 | 1, -1]  # an alias beyond 63 bits


def test_numbers_as_integers_and_policy_fields_left_out(old, tmp_path):
    old["edges"][0]["capacity"] = 300000
    old["edges"][0]["node1_policy"] = {"time_lock_delta": "144", "fee_base_msat": 7}
    network = read_network(save(tmp_path, old))
    assert network.edges[0].tolist() == (7, 0, 0, 0, 0, 300_000_000, 144, True)


def test_nodes_without_alias_field(old, tmp_path):
    for node in old["nodes"]:
        del node["alias"]
    assert read_network(save(tmp_path, old)).aliases is None


def test_made_up_channel_ids_are_no_short_channel_ids(old, tmp_path):
    for index, edge in enumerate(old["edges"]):
        edge["channel_id"] = index + 1
    assert read_network(save(tmp_path, old)).channels.scid.tolist() == [-1, -1, -1]


def change(place, value):
    """A mutation of the document: set what ``place`` leads to, or delete it when ``value`` is ``...``."""

    def mutate(document):
        *steps, last = place
        for step in steps:
            document = document[step]
        if value is ...:
            del document[last]
        else:
            document[last] = value

    return mutate


BROKEN = [
    (change(["edges", 1, "channel_id"], "555417199300182016"), "channel 555417199300182016: channel_id occurs twice"),
    (change(["edges", 0, "channel_id"], "505149x622x0"), "channel_id is '505149x622x0', not a whole number"),
    (change(["edges", 0, "channel_id"], ...), "channel 0: channel_id is missing"),
    (change(["edges", 0, "capacity"], "-5"), "channel 555417199300182016: capacity is -5, below 1; correct it"),
    (change(["edges", 0, "capacity"], "0"), "capacity is 0, below 1"),
    (change(["edges", 0, "capacity"], 1.5), "capacity is 1.5, not a whole number"),
    (change(["edges", 0, "capacity"], "2100000000000001"), "capacity is 2100000000000001, above"),
    (change(["edges", 0, "capacity"], ...), "channel 555417199300182016: capacity is missing"),
    (change(["edges", 0, "node2_pub"], "02" + "aa" * 32), "node2_pub is node1_pub too; remove the channel"),
    (change(["edges", 0, "node1_pub"], "02ff"), "node1_pub is '02ff', which is not among the nodes"),
    (change(["edges", 0, "node1_pub"], 7), "node1_pub is 7, not a string"),
    (change(["edges", 0, "node1_policy"], "x"), "node1_policy is 'x', not an object"),
    (change(["edges", 0, "node1_policy", "fee_base_msat"], None), "node1_policy.fee_base_msat is None, not a whole"),
    (
        change(["edges", 0, "node1_policy", "fee_rate_milli_msat"], "-1"),
        "node1_policy.fee_rate_milli_msat is -1, be",
    ),
    (change(["edges", 1, "node2_policy", "time_lock_delta"], 70000), "node2_policy.time_lock_delta is 70000, above"),
    (change(["edges", 1, "node2_policy", "disabled"], "false"), "node2_policy.disabled is 'false', neither true nor"),
    (change(["edges", 1], 5), "entry 1 of 'edges' is 5, not an object"),
    (change(["edges"], {}), "'edges' is {}, not a list"),
    (change(["nodes"], ...), "'nodes' is None, not a list"),
    (change(["nodes", 1, "pub_key"], "02" + "aa" * 32), "pub_key occurs twice"),
    (change(["nodes", 1, "pub_key"], ...), "node 1: pub_key is missing"),
    (change(["nodes", 1, "alias"], 7), "alias is 7, not a string"),
    (change(["edges"], []), "holds no channel"),
]


@pytest.mark.parametrize(("mutate", "problem"), BROKEN, ids=[problem[:40] for _, problem in BROKEN])
def test_broken_graphs(old, tmp_path, mutate, problem):
    document = copy.deepcopy(old)
    mutate(document)
    path = save(tmp_path, document)
    with pytest.raises(InputError, match=re.escape(problem)) as caught:
        read_network(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["graph.json", "graph.json.gz", "graph.json.xz"])
def test_written_graph_reads_back(tiny, tmp_path, check_same, name):
    write_describegraph(tiny, tmp_path / name)
    check_same(read_network(tmp_path / name), tiny)


def test_written_graph_has_todays_shape(tiny, tmp_path):
    write_describegraph(tiny, tmp_path / "graph.json")
    document = json.loads((tmp_path / "graph.json").read_text())
    edge = document["edges"][0]
    assert edge["capacity"] == "300000"
    assert edge["channel_id"] == "555417199300182016"
    assert edge["node2_policy"] == {
        "time_lock_delta": 40,
        "min_htlc": "1",
        "fee_base_msat": "0",
        "fee_rate_milli_msat": "250",
        "disabled": True,
        "max_htlc_msat": "1",
        "last_update": 0,
        "custom_records": {},
        "inbound_fee_base_msat": -5,
        "inbound_fee_rate_milli_msat": -100,
    }
    assert document["edges"][1]["node2_policy"] is None


def test_channels_without_short_channel_id_read_back_without(tiny, tmp_path, check_same):
    tiny.channels.scid[0] = -1
    write_describegraph(tiny, tmp_path / "graph.json")
    check_same(read_network(tmp_path / "graph.json"), tiny)


def test_parts_of_a_satoshi_cannot_be_written(tiny, tmp_path):
    tiny.channels.capacity_msat[1] += 1
    with pytest.raises(InputError, match=r"no parts of a satoshi, but channel 505150x7x1 has; write CSV"):
        write_describegraph(tiny, tmp_path / "graph.json")
    assert not (tmp_path / "graph.json").exists()
