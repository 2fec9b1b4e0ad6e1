"""Histories of both kinds of node are read, written back, and refused with a place when they are wrong."""

import json

import numpy as np
import pytest
from small_networks import network_of

from lnherd.errors import InputError
from lnherd.traffic.history import FORWARD_DTYPE, read_forwards, write_cln_history, write_lnd_history

SCIDS = (800_000 << 40 | 7 << 16 | 1, 800_001 << 40 | 8 << 16)


@pytest.fixture
def network():
    network = network_of([(0, 1, 1_000, 1_000), (1, 2, 1_000, 1_000)])
    network.channels.scid[:] = SCIDS
    return network


def forwards_of(*rows):
    return np.array(list(rows), dtype=FORWARD_DTYPE).view(np.recarray)


def test_what_lnd_answers(tmp_path, network):
    path = tmp_path / "fwdinghistory.json"
    event = {"timestamp": "1700000000", "chan_id_in": str(SCIDS[0]), "chan_id_out": str(SCIDS[1]), "amt_in": "10",
             "amt_in_msat": "10010", "amt_out_msat": "10000", "fee_msat": "10",
             "timestamp_ns": "1700000000123456789", "peer_alias_in": "anna"}  # fmt: skip
    path.write_text(json.dumps({"forwarding_events": [event], "last_offset_index": 1}))
    assert read_forwards(path, network).tolist() == [(1_700_000_000_123, 10_010, 10_000, 0, 1)]


def test_what_core_lightning_answers(tmp_path, network):
    path = tmp_path / "listforwards.json"
    settled = {"in_channel": "800001x8x0", "out_channel": "800000x7x1", "in_msat": 501, "out_msat": "500msat",
               "fee_msat": 1, "status": "settled", "received_time": 1560696343.052}  # fmt: skip
    failed = {"in_channel": "800001x8x0", "in_msat": 7, "status": "failed", "received_time": 1560696342.0}
    path.write_text(json.dumps({"forwards": [settled, failed]}))
    assert read_forwards(path, network).tolist() == [(1_560_696_343_052, 501, 500, 1, 0)]


@pytest.mark.parametrize("write", [write_lnd_history, write_cln_history])
@pytest.mark.parametrize("has_ids", [True, False])
def test_round_trip_with_and_without_channel_ids(tmp_path, network, write, has_ids):
    if not has_ids:
        network.channels.scid[:] = -1
    forwards = forwards_of((1_000, 11, 10, 0, 1), (1_700_000_000_456, 22, 20, 1, 0))
    write(forwards, network, tmp_path / "history.json")
    assert read_forwards(tmp_path / "history.json", network).tolist() == forwards.tolist()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no JSON object"),
        ('{"payments": []}', "has neither 'forwarding_events'"),
        ('{"forwards": 3}', "is no list of forwards"),
        ('{"forwards": [{"status": "settled"}]}', "forward 0: received_time is missing"),
        ('{"forwarding_events": [{"amt_in_msat": "x"}]}', "forwarding event 0: amt_in_msat is 'x'"),
        (
            '{"forwarding_events": [{"amt_in_msat": 2, "amt_out_msat": 1, "chan_id_in": "5", "chan_id_out": "6"}]}',
            "chan_id_in is no channel of small",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, network, content, problem):
    path = tmp_path / "history.json"
    path.write_text(content)
    with pytest.raises(InputError, match=problem):
        read_forwards(path, network)
