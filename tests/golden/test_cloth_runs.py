"""The CLoTH profile against recorded runs of CLoTH, where the recordings are at hand."""

import importlib.util
import tarfile
from pathlib import Path

import pytest

from lnherd.network.snapshots import read_network

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("cloth_verification", ROOT / "verification" / "cloth.py")
cloth = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(cloth)
TOPOLOGY = cloth.DATA / "cloth-ln-2020-12-17-csv.tar.xz"
RUNS = cloth.DATA / "cloth-reference-runs.tar.xz"


@pytest.mark.mainnet
@pytest.mark.skipif(not (TOPOLOGY.exists() and RUNS.exists()), reason="the recorded runs of CLoTH are not here")
def test_every_recorded_run_is_reproduced_within_tolerance(tmp_path):
    network = read_network(TOPOLOGY)
    with tarfile.open(RUNS) as archive:
        archive.extractall(tmp_path, filter="data")
    folders = sorted(path.parent for path in tmp_path.rglob("payments_output.csv"))
    assert len(folders) >= 2
    for folder in folders:
        theirs, ours = cloth.recorded(folder), cloth.simulated(folder, network)
        for name, (tolerance, kind) in cloth.TOLERANCES.items():
            assert cloth.deviation(kind, ours[name], theirs[name]) <= tolerance, (folder.name, name)


def test_a_tolerance_can_be_left():
    assert cloth.deviation("points", 0.61, 0.594) > 0.01
    assert cloth.deviation("relative", 1.75, 1.849) > 0.03
