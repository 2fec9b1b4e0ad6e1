"""Real snapshots, where they lie beside the checkout: counts as recorded, duplicated facts agree."""

from pathlib import Path

import numpy as np
import pytest

from lnherd.network.snapshots import read_network, write_csv, write_describegraph

DATA = Path(__file__).resolve().parents[5] / "shared" / "data"

pytestmark = [
    pytest.mark.mainnet,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the mainnet snapshots in {DATA}"),
]

COUNTS = {
    "mainnet-2026-02-03-edges.csv.xz": (17_324, 50_808, 6_978, 33_893),
    "gossip-store-2026-02-03.compressed": (17_324, 50_808, 6_978, 33_893),
    "mainnet-2026-02-03-clothfmt.tar.xz": (6_191, 31_878, 6_191, 31_878),
    "describegraph-lnd-2019-03-09.json.xz": (3_648, 31_124, 3_561, 27_278),
    "listchannels-cln-2019-05-14.json.xz": (4_275, 37_497, 2_978, 29_608),
    "cloth-ln-2020-12-17-csv.tar.xz": (6_006, 30_457, 6_006, 30_457),
}
"""File -> nodes, channels, live nodes, live channels."""


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    network = read_network(DATA / name)
    live = network.live()
    assert (network.n_nodes, network.n_channels, live.n_nodes, live.n_channels) == COUNTS[name]


@pytest.fixture(scope="module")
def mainnet():
    return read_network(DATA / "mainnet-2026-02-03-edges.csv.xz")


def test_gossip_map_and_csv_agree(mainnet, check_same):
    check_same(read_network(DATA / "gossip-store-2026-02-03.compressed"), mainnet)
    assert mainnet.aliases[0] == "ACINQ"


def test_recorded_statistics_of_2026(mainnet):
    enabled = mainnet.edges.enabled.reshape(-1, 2).sum(axis=1)
    assert np.bincount(enabled).tolist() == [16_915, 1_976, 31_917]
    live = mainnet.live()
    assert round(live.channels.capacity_msat.sum() / 1e11, 1) == 5144.0
    assert np.median(live.channels.capacity_msat) == 3_000_000_000
    assert live.degree.max() == 1864


def test_both_directions_enabled_are_in_cloth_format_too(mainnet):
    cloth = read_network(DATA / "mainnet-2026-02-03-clothfmt.tar.xz")
    first = mainnet.edges[:2]
    assert cloth.edges.fee_ppm.max() <= mainnet.edges.fee_ppm.max()
    assert first.fee_ppm.tolist() == cloth.edges.fee_ppm[:2].tolist()
    assert (cloth.balance_msat.reshape(-1, 2).sum(axis=1) == cloth.channels.capacity_msat).all()


def test_disabled_directions_of_2019():
    network = read_network(DATA / "describegraph-lnd-2019-03-09.json.xz")
    assert int((~network.edges.enabled).sum()) == 15_835 + 137
    assert int((network.edges.cltv_delta == 0).sum()) >= 137


def test_mainnet_written_reads_back(mainnet, tmp_path, check_same):
    write_csv(mainnet, tmp_path / "net-edges.csv")
    check_same(read_network(tmp_path / "net-edges.csv"), mainnet)
    write_describegraph(mainnet, tmp_path / "graph.json")
    again = read_network(tmp_path / "graph.json")
    assert again.n_channels == 50_808
    check_same(again, mainnet)


def test_store_built_from_mainnet(mainnet, store, tmp_path):
    """A gossip_store of 2,000 mainnet channels tells the same policies."""
    part = mainnet.induced(np.ones(mainnet.n_nodes, dtype=bool), np.arange(mainnet.n_channels) < 2000)
    built = store()
    pieces = []
    for channel, (node1, node2, capacity_msat, _) in enumerate(part.channels.tolist()):
        scid = (channel + 1) << 40
        built.channel(scid, part.node_ids[node1], part.node_ids[node2], capacity_msat // 1000)
        for direction in (0, 1):
            base, ppm, _, _, low, high, cltv, enabled = part.edges[2 * channel + direction].tolist()
            if enabled:
                built.update(scid, direction, (False, cltv, low, base, ppm, high))
        pieces.append(built.data)
        built.data = b""
    (tmp_path / "gossip_store").write_bytes(b"".join(pieces))
    network = read_network(tmp_path / "gossip_store")
    assert network.edges.tolist() == part.edges.tolist()
    assert network.node_ids[network.channels.node2].tolist() == part.node_ids[part.channels.node2].tolist()
