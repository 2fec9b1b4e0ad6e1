"""Editing any jitted source leads to another cache folder, so that no stale machine code is ever run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import lnherd
from lnherd.engine import cache_guard
from lnherd.engine.cache_guard import KEPT_VERSIONS, cache_root, guarded_cache, source_digest

SOURCE = Path(lnherd.__file__).parent
WHERE = "from lnherd.engine import loop; print(loop.run._cache.cache_path)"
"""Where Numba keeps the compiled event loop."""


@pytest.fixture
def package(tmp_path) -> Path:
    copy = tmp_path / "src" / "lnherd"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def folder_in_use(package: Path, cache: Path) -> Path:
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "LNHERD_CACHE": str(cache)}
    answer = subprocess.run([sys.executable, "-c", WHERE], capture_output=True, text=True, env=environment, check=True)
    return Path(answer.stdout.strip())


def test_an_edit_of_the_fee_formula_moves_the_event_loop_to_another_folder(package, tmp_path):
    """The loop inlines the formula, and Numba by itself looks at the file of the loop only."""
    cache = tmp_path / "cache"
    before = folder_in_use(package, cache)
    assert cache in before.parents
    fees = package / "network" / "fees.py"
    fees.write_text(fees.read_text().replace("1_000_000", "1_000_001", 1))
    after = folder_in_use(package, cache)
    assert cache in after.parents
    assert before != after


@pytest.mark.parametrize("source", ["network/fees.py", "engine/channels.py", "engine/routing.py", "engine/state.py"])
def test_the_digest_notices_edits_of_jitted_sources(package, source):
    before = source_digest(package)
    path = package / source
    path.write_text(path.read_text() + "\n# edited\n")
    assert source_digest(package) != before


@pytest.mark.parametrize("setting", [("OPT", 2), ("BOUNDSCHECK", 1)])
def test_the_digest_notices_how_numba_compiles(monkeypatch, setting):
    before = source_digest()
    monkeypatch.setattr(numba.config, *setting)
    assert source_digest() != before


def test_the_digest_notices_new_and_renamed_sources(package):
    before = source_digest(package)
    (package / "engine" / "gossip.py").rename(package / "engine" / "hearsay.py")
    assert source_digest(package) != before


def test_other_files_do_not_cost_a_compilation(package):
    before = source_digest(package)
    path = package / "network" / "graph.py"
    path.write_text(path.read_text() + "\n# edited\n")
    assert source_digest(package) == before


def test_every_compiled_function_lives_in_a_file_that_is_hashed():
    hashed = {path for pattern in (*cache_guard.JITTED, "economy/*.py") for path in SOURCE.glob(pattern)}
    outside = [path for path in SOURCE.rglob("*.py") if path not in hashed]
    compiled = [path for path in outside if "@jit" in path.read_text() or "njit" in path.read_text()]
    assert compiled == []


def test_the_callers_own_cache_folder_is_put_back(monkeypatch, tmp_path):
    monkeypatch.setenv("LNHERD_CACHE", str(tmp_path))
    monkeypatch.setattr(numba.config, "CACHE_DIR", "mine")
    with guarded_cache() as folder:
        assert folder.parent == cache_root() == tmp_path / "numba"
        assert str(folder) == numba.config.CACHE_DIR
    assert numba.config.CACHE_DIR == "mine"


def test_folders_of_old_versions_are_forgotten(monkeypatch, tmp_path):
    monkeypatch.setenv("LNHERD_CACHE", str(tmp_path))
    old = [tmp_path / "numba" / f"version{age}" for age in range(KEPT_VERSIONS + 3)]
    for age, folder in enumerate(old):
        folder.mkdir(parents=True)
        os.utime(folder, (1_000 - age, 1_000 - age))
    with guarded_cache():
        pass
    assert [folder.exists() for folder in old] == [True] * KEPT_VERSIONS + [False] * 3


def test_every_kernel_is_cached_where_an_edit_is_noticed(tmp_path):
    program = (
        "import importlib, lnherd.engine, pkgutil\n"
        "for module in pkgutil.iter_modules(lnherd.engine.__path__, 'lnherd.engine.'):\n"
        "    for name, kernel in vars(importlib.import_module(module.name)).items():\n"
        "        cached = getattr(getattr(kernel, '_cache', None), 'cache_path', None)\n"
        "        if cached and not cached.startswith('CACHE'): print(name, cached)\n"
    ).replace("CACHE", str(tmp_path))
    environment = {**os.environ, "LNHERD_CACHE": str(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    assert answer.stdout == ""
