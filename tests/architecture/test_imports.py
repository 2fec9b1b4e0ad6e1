"""The architecture holds: imports flow one way, and the light packages stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "lnherd"

ALLOWED = {
    "units": set(),
    "errors": set(),
    "network": {"units", "errors"},
    "traffic": {"units", "errors", "network"},
    "control": {"units", "errors", "network"},
    "anomaly": {"units", "errors", "network", "control"},
    "engine": {"units", "errors", "network", "traffic", "control"},
    "economy": {"units", "errors", "network", "traffic", "engine"},
    "reference": {"units", "errors", "network", "traffic", "engine"},
    "agents": {"units", "errors", "network", "control", "anomaly"},
    "envs": {
        "units",
        "errors",
        "network",
        "traffic",
        "control",
        "engine",
        "economy",
        "agents",
        "anomaly",
    },
    "experiments": {
        "units",
        "errors",
        "network",
        "traffic",
        "control",
        "engine",
        "economy",
        "agents",
        "envs",
        "anomaly",
    },
    "l402": {"units", "errors"},
    "bridges": {"units", "errors", "network", "traffic", "engine", "l402"},
    "cli": {"*"},
    "__main__": {"cli"},
}
"""Package -> packages it may import at run time. ``agents`` knows arrays and views only."""
LIGHT = ("anomaly", "control", "l402")
HEAVY = ("numba", "torch", "llvmlite")


def imported_packages(path: Path) -> set[str]:
    """Top-level lnherd packages that ``path`` imports at run time (``if TYPE_CHECKING`` blocks do not count)."""
    tree = ast.parse(path.read_text())
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lnherd"):
            parts = node.module.split(".")
            names |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("lnherd.")}
    return names - {"__version__"}


def modules_of(package: str) -> list[Path]:
    folder = SOURCE / package
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [SOURCE / f"{package}.py"]


@pytest.mark.parametrize(
    "package", sorted(p.stem for p in SOURCE.iterdir() if p.stem not in ("__init__", "__pycache__", "py"))
)
def test_imports_flow_one_way(package):
    allowed = ALLOWED[package] | {package}
    for path in modules_of(package):
        foreign = imported_packages(path) - allowed
        assert "*" in allowed or not foreign, f"{path.relative_to(SOURCE)} imports {sorted(foreign)}"


@pytest.mark.parametrize("package", LIGHT)
def test_light_packages_load_no_compiler_and_no_learner(package):
    program = (
        "import importlib, pkgutil, sys\n"
        f"package = importlib.import_module('lnherd.{package}')\n"
        "for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == "[]", answer.stderr or answer.stdout


def test_help_imports_no_command():
    program = (
        "import sys\nfrom lnherd.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "print('HEAVY', [n for n in ('numpy', 'numba', 'torch', 'rich', 'plotly', 'scipy') if n in sys.modules])\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "HEAVY []" in answer.stdout
