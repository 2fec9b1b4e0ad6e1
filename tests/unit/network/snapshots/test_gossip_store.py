"""gossip_store: built record by record, with everything a node leaves in it."""

import re
import struct

import pytest

from lnherd.errors import InputError
from lnherd.network.snapshots import read_network

SCID = 880000 << 40 | 1234 << 16 | 1
OTHER = 880001 << 40 | 2 << 16
POLICY = (False, 80, 1000, 7, 1825, 4_950_000_000)
MAX_U64 = 2**64 - 1


def read(tmp_path, data):
    path = tmp_path / "gossip_store"
    path.write_bytes(data)
    return read_network(path)


def tlv(kind, value):
    return b"\xfd" + struct.pack(">H", kind) + bytes([len(value)]) + value


def test_channels_policies_and_aliases(store, keys, tmp_path):
    alice, bob, carol, _ = keys
    built = store().channel(SCID, alice, bob, 5_000_000).channel(OTHER, bob, carol, 20_000)
    built.update(SCID, 0, POLICY).update(OTHER, 1, (True, 14, 0, 1, 2, 19_800_000))
    built.node(bob, "Bob ⚡".encode()).node(carol, b"bad \xff")
    network = read(tmp_path, built.data)
    assert network.node_ids.tolist() == [alice, bob, carol]
    assert network.aliases.tolist() == ["", "Bob ⚡", "bad \N{REPLACEMENT CHARACTER}"]
    assert network.channels.tolist() == [(0, 1, 5_000_000_000, SCID), (1, 2, 20_000_000, OTHER)]
    assert network.edges.tolist() == [
        (7, 1825, 0, 0, 1000, 4_950_000_000, 80, True),
        (0, 0, 0, 0, 0, 0, 0, False),
        (0, 0, 0, 0, 0, 0, 0, False),
        (1, 2, 0, 0, 0, 19_800_000, 14, False),
    ]


def test_the_builder_writes_what_core_lightning_writes(store):
    """Version, flags and length, checksum, timestamp, message, as found in stores of Core Lightning itself."""
    record = "0000000a" + "99dc98b4" + "00000000" + "1005" + "0000000001000000"
    assert store(12).amount(1 << 24).data == bytes.fromhex("0c" + record)


def test_later_updates_overrule(store, keys, tmp_path):
    built = store().channel(SCID, *keys[:2], 5_000_000).update(SCID, 0, POLICY)
    network = read(tmp_path, built.update(SCID, 0, (True, 40, 1, 2, 3, 4)).data)
    assert network.edges[0].tolist() == (2, 3, 0, 0, 1, 4, 40, False)


@pytest.mark.parametrize("htlc_max", [None, MAX_U64, 5_000_000_001])
def test_largest_htlc_is_at_most_the_capacity(store, keys, tmp_path, htlc_max):
    built = store().channel(SCID, *keys[:2], 5_000_000).update(SCID, 1, (*POLICY[:5], htlc_max))
    assert read(tmp_path, built.data).edges.htlc_max_msat.tolist() == [0, 5_000_000_000]


def test_inbound_fees(store, keys, tmp_path):
    extension = tlv(55551, b"whatever") + tlv(55555, struct.pack(">ii", -1000, -250)) + tlv(60001, b"")
    built = store().channel(SCID, *keys[:2], 5_000_000).update(SCID, 0, POLICY, extension=extension)
    assert read(tmp_path, built.data).edges[0].tolist() == (7, 1825, -1000, -250, 1000, 4_950_000_000, 80, True)


@pytest.mark.parametrize("extension", [tlv(55555, b"short!"), b"\xfd", b"\x01\xff", b"\x01"])
def test_extensions_that_are_no_inbound_fees(store, keys, tmp_path, extension):
    built = store().channel(SCID, *keys[:2], 5_000_000).update(SCID, 0, POLICY, extension=extension)
    assert read(tmp_path, built.data).edges.inbound_fee_ppm.tolist() == [0, 0]


def test_deleted_records_do_not_count(store, keys, tmp_path):
    alice, bob, carol, _ = keys
    built = store().channel(SCID, alice, bob, 5_000_000).update(SCID, 0, POLICY)
    built.announce(OTHER, bob, carol, flags=0x8000).amount(1)  # the amount of a deleted channel belongs to none
    built.update(SCID, 0, (True, 1, 1, 1, 1, 1), flags=0x8000)
    network = read(tmp_path, built.data)
    assert network.channels.tolist() == [(0, 1, 5_000_000_000, SCID)]
    assert network.edges[0].tolist() == (7, 1825, 0, 0, 1000, 4_950_000_000, 80, True)


def test_deleted_channels_may_come_again(store, keys, tmp_path):
    built = store().channel(SCID, *keys[:2], 5_000_000).update(SCID, 0, POLICY).delete(SCID).delete(OTHER)
    network = read(tmp_path, built.channel(SCID, *keys[1:3], 6_000_000).data)
    assert network.channels.tolist() == [(0, 1, 6_000_000_000, SCID)]
    assert network.edges.enabled.tolist() == [False, False]


@pytest.mark.parametrize(("version", "kept"), [(13, 1), (14, 2)])
def test_zombies_existed_until_version_13(store, keys, tmp_path, version, kept):
    alice, bob, carol, _ = keys
    built = store(version).channel(SCID, alice, bob, 5_000_000)
    built.announce(OTHER, bob, carol, flags=0x1000).amount(20_000, flags=0x1000)
    assert read(tmp_path, built.data).n_channels == kept


def test_unknown_flags_and_types_unannounced_channels_and_orphans_are_passed_over(store, keys, tmp_path):
    built = store(16).record(struct.pack(">H32x", 4107)).announce(SCID, *keys[:2], flags=0x2800, features=b"\1\2")
    built.amount(5_000_000).record(struct.pack(">HQ", 4104, 1)).record(struct.pack(">HQI", 4106, SCID, 9))
    built.update(OTHER, 0, POLICY).record(struct.pack(">H", 9999)).record(b"").record(b"x")
    assert read(tmp_path, built.data).channels.tolist() == [(0, 1, 5_000_000_000, SCID)]


def check_fault(tmp_path, data, problem):
    with pytest.raises(InputError, match=re.escape(problem)) as caught:
        read(tmp_path, data)
    assert str(caught.value).startswith(str(tmp_path / "gossip_store"))


@pytest.mark.parametrize("left", [2, 12, 400])
def test_cut_short(store, keys, tmp_path, left):
    whole = store().channel(SCID, *keys[:2], 5_000_000).update(SCID, 0, POLICY)
    start = len(whole.data)
    data = whole.channel(OTHER, *keys[1:3], 9).data[: start + left]
    check_fault(tmp_path, data, f"the record at byte {start} is cut short; fetch the file again, or end it there")


def test_wrong_checksum(store, keys, tmp_path):
    data = bytearray(store().channel(SCID, *keys[:2], 5_000_000).data)
    data[100] ^= 1
    check_fault(tmp_path, bytes(data), "the record at byte 1 does not match its checksum; fetch the file again")


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        (0x2E, "gossip_store of major version 1; only major version 0 can be read"),
        (0xEE, "gossip_store of major version 7"),
        (5, "gossip_store of version 5; versions from 7 on can be read"),
    ],
)
def test_unknown_versions(store, keys, tmp_path, version, problem):
    check_fault(tmp_path, store(version).channel(SCID, *keys[:2], 5_000_000).data, problem)


def test_ancient_record_layout(tmp_path):
    check_fault(tmp_path, bytes([3]) + struct.pack(">IIH", 444, 0, 4096) + bytes(442), "gossip_store of version 3")


def test_channel_twice(store, keys, tmp_path):
    data = store().channel(SCID, *keys[:2], 5).channel(SCID, *keys[:2], 5).data
    check_fault(tmp_path, data, "channel 880000x1234x1 occurs twice (byte 467); fetch the file again")


def test_channel_to_itself(store, keys, tmp_path):
    check_fault(
        tmp_path, store().channel(SCID, keys[0], keys[0], 5).data, "channel 880000x1234x1 joins a node to itself"
    )


def test_channel_without_amount(store, keys, tmp_path):
    check_fault(tmp_path, store().announce(SCID, *keys[:2]).update(SCID, 0, POLICY).data, "880000x1234x1 has no amount")


@pytest.mark.parametrize("sat", [0, 2**63])
def test_impossible_amounts(store, keys, tmp_path, sat):
    check_fault(tmp_path, store().channel(SCID, *keys[:2], sat).data, f"a capacity of {sat} sat (byte 445)")


def test_inbound_fees_cut_short(store, keys, tmp_path):
    built = store().channel(SCID, *keys[:2], 5_000_000).update(SCID, 0, POLICY, extension=b"\xfd\xd9\x03\x08\x00")
    check_fault(tmp_path, built.data, "the message of type 258 at byte 467 is too short")


@pytest.mark.parametrize("kind", [256, 257, 258, 4101, 4103])
def test_messages_too_short(store, keys, tmp_path, kind):
    built = store().channel(SCID, *keys[:2], 5).announce(OTHER, *keys[1:3])
    problem = f"the message of type {kind} at byte {len(built.data)} is too short; fetch the file again"
    check_fault(tmp_path, built.record(struct.pack(">HB", kind, 1)).data, problem)


def test_names_from_elsewhere_are_refused(store, keys, tmp_path, files):
    path = tmp_path / "gossip_store"
    path.write_bytes(store().channel(SCID, *keys[:2], 5).data)
    with pytest.raises(InputError, match=r"listnodes-today.json: not needed, .* names its nodes itself"):
        read_network(path, nodes=files / "listnodes-today.json")
