"""Keep Numba's on-disk cache honest.

``cache=True`` looks only at the file of the *calling* function: edit ``fees.py`` and a cached ``loop.py``
goes on inlining the old formula. That is a correctness bug, so every set of jitted sources gets a cache
folder of its own, named by a hash of all of them and of the settings that Numba leaves out of its own keys:
what was compiled quickly under ``NUMBA_OPT=1`` must not run where fast code is meant to. The configuration is
set before the kernels are imported and put back after, so that other users of Numba in the same process keep
theirs.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numba

PACKAGE = Path(__file__).resolve().parent.parent
JITTED = ("engine/*.py", "network/fees.py")
"""Globs, below the package, of every file whose functions are compiled."""
KEPT_VERSIONS = 4
"""Cache folders of older sources that survive, for people who switch between branches."""


def source_digest(package: Path = PACKAGE, patterns: tuple[str, ...] = JITTED) -> str:
    """Hash of the names and contents of all sources that match, of Numba's version and of how it compiles."""
    config: Any = numba.config
    digest = hashlib.sha256(f"{numba.__version__} {int(config.OPT)} {config.BOUNDSCHECK}".encode())
    for pattern in patterns:
        for path in sorted(package.glob(pattern)):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_root(name: str = "numba") -> Path:
    """Folder of all versions: ``$LNHERD_CACHE`` or the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lnherd"
    return Path(os.environ.get("LNHERD_CACHE") or default) / name


def _forget_old(root: Path, keep: Path) -> None:
    with suppress(OSError):
        others = [path for path in root.iterdir() if path != keep]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in others[KEPT_VERSIONS:]:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def guarded_cache(name: str = "numba", patterns: tuple[str, ...] = JITTED) -> Iterator[Path]:
    """Point Numba at the cache folder of these very sources while kernels are being imported.

    Kernels above the engine take a ``name`` of their own and add their sources to ``patterns``, so that an
    edit of theirs does not compile the engine anew.
    """
    config: Any = numba.config
    before = config.CACHE_DIR
    folder = cache_root(name) / source_digest(patterns=patterns)
    if not folder.exists():
        _forget_old(folder.parent, folder)
    config.CACHE_DIR = str(folder)
    try:
        yield folder
    finally:
        config.CACHE_DIR = before
