"""listchannels: spellings of 2019 and of today, one-sided channels, aliases from listnodes."""

import json
import re

import pytest

from lnherd.errors import InputError
from lnherd.network.snapshots import read_network


@pytest.fixture
def today(files):
    return json.loads((files / "listchannels-today.json").read_text())


def save(tmp_path, document, name="channels.json"):
    path = tmp_path / name
    path.write_text(json.dumps(document))
    return path


def test_channels_of_2019(files, keys):
    alice, bob, carol, _ = keys
    network = read_network(files / "listchannels-2019.json")
    assert network.node_ids.tolist() == [bob, alice, carol]  # as first mentioned
    assert network.channels.tolist() == [
        (1, 0, 300_000_000, 505149 << 40 | 622 << 16),  # node1 is the smaller key, Alice
        (0, 2, 1_000_000_000, 505150 << 40 | 7 << 16 | 1),
    ]
    assert network.edges.tolist() == [
        (0, 250, 0, 0, 0, 300_000_000, 40, True),
        (1000, 10, 0, 0, 0, 300_000_000, 14, True),
        (0, 0, 0, 0, 0, 0, 0, False),  # only Carol's direction is listed
        (1, 2, 0, 0, 0, 1_000_000_000, 144, False),  # inactive
    ]
    assert network.aliases is None


def test_channels_of_today_with_listnodes_beside(files, keys):
    network = read_network(files / "listchannels-today.json")
    assert network.node_ids.tolist() == [keys[0], keys[1], keys[3]]
    assert network.aliases.tolist() == ["Alice ⚡", "bob", ""]
    assert network.n_channels == 2  # the third is not public
    assert network.edges.tolist() == [
        (0, 1825, 0, 0, 1000, 4_950_000_000, 80, True),
        (1000, 1, 0, 0, 1000, 5_000_000_000, 40, True),
        (0, 0, 0, 0, 0, 0, 0, False),
        (5, 6, 0, 0, 0, 19_800_000, 34, False),  # active, but the disable bit is set
    ]


def test_listnodes_given(files, today, tmp_path):
    network = read_network(save(tmp_path, today), nodes=files / "listnodes-today.json")
    assert network.aliases.tolist() == ["Alice ⚡", "bob", ""]


def test_old_spellings_mean_the_same(today, tmp_path, check_same):
    plain = read_network(save(tmp_path, today))
    for row in today["channels"]:
        row["short_channel_id"] = row["short_channel_id"].replace("x", ":")
        row["satoshis"] = row.pop("amount_msat") // 1000
        row["htlc_minimum_msat"] = f"{row['htlc_minimum_msat']}msat"
        row["htlc_maximum_msat"] = f"{row['htlc_maximum_msat']}msat"
    check_same(read_network(save(tmp_path, today)), plain)
    assert plain.n_channels == 2


BROKEN = [
    (("short_channel_id", "880000x1234"), "channel 880000x1234: short_channel_id is '880000x1234', not a whole number"),
    (("short_channel_id", "axbxc"), "short_channel_id is 'axbxc', not block x transaction x output"),
    (("short_channel_id", "1x2x70000"), "short_channel_id is '1x2x70000', not block x transaction x output"),
    (("short_channel_id", ...), "channel 0: short_channel_id is missing"),
    (("amount_msat", 4_000_000_000), "channel 880000x1234x1: amount_msat is not as in its first row"),
    (("amount_msat", -1), "amount_msat is -1, below 1"),
    (("amount_msat", "5btc"), "amount_msat is '5btc', not a whole number"),
    (("amount_msat", ...), "amount_msat is missing"),
    (("destination", "02" + "aa" * 32), "destination is the source too; remove the channel"),
    (("destination", "03" + "dd" * 32), "destination is not as in its first row"),
    (("source", ...), "channel 880000x1234x1: source is missing"),
    (("source", None), "source is None, not a string"),
    (("base_fee_millisatoshi", -3), "base_fee_millisatoshi is -3, below 0"),
    (("fee_per_millionth", ...), "fee_per_millionth is missing"),
    (("delay", "x"), "delay is 'x', not a whole number"),
    (("htlc_maximum_msat", 1.5), "htlc_maximum_msat is 1.5, not a whole number"),
    (("active", 1), "active is 1, neither true nor false"),
    (("public", "no"), "public is 'no', neither true nor false"),
]


@pytest.mark.parametrize(("changed", "problem"), BROKEN, ids=[problem[:50] for _, problem in BROKEN])
def test_broken_channels(today, tmp_path, changed, problem):
    field, value = changed
    if value is ...:
        del today["channels"][0][field]
    else:
        today["channels"][0][field] = value
    path = save(tmp_path, today)
    with pytest.raises(InputError, match=re.escape(problem)) as caught:
        read_network(path)
    assert str(caught.value).startswith(str(path))


def test_direction_listed_twice(today, tmp_path):
    today["channels"].append(today["channels"][0])
    with pytest.raises(InputError, match=r"channel 880000x1234x1: source has a row already for this direction"):
        read_network(save(tmp_path, today))


def test_nothing_public(today, tmp_path):
    for row in today["channels"]:
        row["public"] = False
    with pytest.raises(InputError, match=r"holds no channel"):
        read_network(save(tmp_path, today))


def test_broken_listnodes(files, today, tmp_path):
    document = json.loads((files / "listnodes-today.json").read_text())
    document["nodes"][1]["nodeid"] = document["nodes"][0]["nodeid"]
    nodes = save(tmp_path, document, "nodes.json")
    with pytest.raises(InputError, match=r"nodes.json: node .*nodeid occurs twice"):
        read_network(save(tmp_path, today), nodes=nodes)
