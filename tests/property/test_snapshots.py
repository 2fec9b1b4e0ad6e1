"""Whatever network is written reads back the same, in every format that can hold it."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lnherd.errors import InputError
from lnherd.network.graph import CHANNEL_DTYPE, Network, empty_edges
from lnherd.network.records import zero_records
from lnherd.network.snapshots import read_network, write_csv, write_describegraph

ALIAS = st.text(max_size=12).map(lambda text: text.encode("utf-8", "replace").decode().rstrip("\0"))
U32 = st.one_of(st.integers(0, 3000), st.integers(0, 2**32 - 1))
I32 = st.integers(-(2**31), 2**31 - 1)
SETTINGS = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def policies(draw, capacity_msat):
    if draw(st.integers(0, 4)) == 0:
        return (0, 0, 0, 0, 0, 0, 0, False)
    htlc_max = draw(st.integers(1, capacity_msat))
    htlc_min = draw(st.one_of(st.integers(0, 2000), st.integers(0, 2**63 - 1)))
    inbound = (draw(I32), draw(I32)) if draw(st.booleans()) else (0, 0)
    return (draw(U32), draw(U32), *inbound, htlc_min, htlc_max, draw(st.integers(0, 65535)), draw(st.booleans()))


@st.composite
def networks(draw, whole_sat=False):
    n_nodes, n_channels = draw(st.integers(2, 6)), draw(st.integers(1, 6))
    channels, edges = zero_records(n_channels, CHANNEL_DTYPE), empty_edges(n_channels)
    scids = draw(st.lists(st.integers(2**40, 2**63 - 2), min_size=n_channels, max_size=n_channels, unique=True))
    msat = st.integers(1, 2_100_000_000_000_000)
    for channel in range(n_channels):
        node1 = draw(st.integers(0, n_nodes - 1))
        node2 = (node1 + draw(st.integers(1, n_nodes - 1))) % n_nodes
        capacity_msat = draw(msat) * (1000 if whole_sat or draw(st.booleans()) else 1)
        channels[channel] = (node1, node2, capacity_msat, scids[channel] if draw(st.booleans()) else -1)
        edges[2 * channel] = draw(policies(capacity_msat))
        edges[2 * channel + 1] = draw(policies(capacity_msat))
    ids = draw(st.lists(ALIAS.filter(bool), min_size=n_nodes, max_size=n_nodes, unique=True))
    aliases = draw(st.none() | st.lists(ALIAS, min_size=n_nodes, max_size=n_nodes).map(np.array))
    shares = [draw(st.integers(0, int(capacity))) for capacity in channels.capacity_msat]
    balances = np.stack([shares, channels.capacity_msat - shares], axis=1).reshape(-1)
    return Network(np.array(ids), channels, edges, aliases, balances if draw(st.booleans()) else None)


def facts(network):
    return (
        network.node_ids.tolist(),
        None if network.aliases is None else network.aliases.tolist(),
        network.channels.tolist(),
        network.edges.tolist(),
        None if network.balance_msat is None else network.balance_msat.tolist(),
    )


@SETTINGS
@given(networks(), st.sampled_from(["n-edges.csv", "n.csv.gz", "n.csv.xz"]))
def test_csv_holds_everything(tmp_path, network, name):
    write_csv(network, tmp_path / name)
    assert facts(read_network(tmp_path / name)) == facts(network)


@SETTINGS
@given(networks(whole_sat=True), st.sampled_from(["n.json", "n.json.gz"]))
def test_describegraph_holds_everything_but_balances(tmp_path, network, name):
    write_describegraph(network, tmp_path / name)
    assert facts(read_network(tmp_path / name)) == (*facts(network)[:4], None)


@settings(SETTINGS, max_examples=300)
@given(networks(whole_sat=True), st.data())
@pytest.mark.parametrize("write", [write_csv, write_describegraph])
def test_spoilt_files_give_a_sentence_or_a_network(tmp_path, write, network, data):
    """One byte changed anywhere: either still a lawful network or one line that names the file."""
    path = tmp_path / "file"
    write(network, path)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        assert read_network(path).n_channels > 0
    except InputError as error:
        message = str(error)
        assert message.startswith(str(path)) or message.startswith(str(tmp_path / "file-nodes"))
        assert "\n" not in message
