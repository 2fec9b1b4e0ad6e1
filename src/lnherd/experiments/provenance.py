"""Where a result comes from: versions, commit, command. Nothing that names the machine or its user."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

import lnherd

PACKAGES = ("numpy", "numba", "scipy", "gymnasium")
"""Packages whose version can change a number."""


def provenance(command: str, seed: int) -> dict[str, Any]:
    """Versions, the commit of the checkout where there is one, the command and the seed."""
    return {
        "lnherd": lnherd.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}",
        "command": command,
        "seed": seed,
    }


def commit() -> str | None:
    """Commit of the source checkout, with ``-dirty`` when files differ from it; None for an installed package."""
    root = Path(lnherd.__file__).parents[2]
    if not (root / ".git").exists():
        return None
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    if head is None:
        return None
    return f"{head}-dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else head


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
