import subprocess
import sys
from pathlib import Path

import pytest

import lnherd.l402

MODULES = sorted(path.stem for path in Path(lnherd.l402.__file__).parent.glob("*.py") if path.stem != "__init__")


def loaded(statement):
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_every_public_name_is_there():
    for name in lnherd.l402.__all__:
        assert getattr(lnherd.l402, name).__name__ == name
    assert set(lnherd.l402._HOME) == set(lnherd.l402.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = lnherd.l402.nonsense


def test_the_whole_package_is_light_and_stands_alone():
    modules = loaded("; ".join(f"import lnherd.l402.{name}" for name in MODULES))
    assert not modules & {"numba", "numpy", "torch", "scipy", "gymnasium"}
    ours = {name for name in modules if name.startswith("lnherd.") and not name.startswith("lnherd.l402")}
    assert ours <= {"lnherd.errors", "lnherd.units"}


def test_flows_and_codecs_do_no_io():
    codecs = {"bech32", "bitcoin", "bolt11", "bolt11_fields", "caveats", "headers", "macaroon", "offers"}
    flows = {"client_flow", "client_steps", "server_flow", "server_steps"}
    assert codecs | flows <= set(MODULES)
    modules = loaded("; ".join(f"import lnherd.l402.{name}" for name in codecs | flows))
    assert not modules & {"asyncio", "socket", "sqlite3", "httpx", "starlette", "anyio"}
