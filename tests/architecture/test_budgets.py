"""The size budgets hold: small functions, small modules, typed and documented public names."""

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "src").rglob("*.py"))
MODULE_HARD_LIMIT = 650
FUNCTION_HARD_LIMIT = 60
LOOP_HARD_LIMIT = 100
LOOPS = {"run", "train"}
"""Event and training loops read best in one piece and may be longer."""
POSITIONAL_LIMIT = 6
COMPILED_POSITIONAL_LIMIT = 8
"""Kernels take plain numbers: keywords are slow to dispatch."""
CHECKS = ("Assert(", "assert_array", "raises", "warns", "check_", "'fail'", "parallel_api_test")
"""What, in the dump of a test, can make it fail."""
FORBIDDEN_NAMES = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}


def functions(path: Path):
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(function) -> int:
    docstring = ast.get_docstring(function, clean=False)
    return function.end_lineno - function.lineno + 1 - (len(docstring.splitlines()) if docstring else 0)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_module_and_function_sizes(path):
    assert len(path.read_text().splitlines()) <= MODULE_HARD_LIMIT
    for function in functions(path):
        limit = LOOP_HARD_LIMIT if function.name in LOOPS else FUNCTION_HARD_LIMIT
        assert length(function) <= limit, f"{function.name} has {length(function)} lines"
        compiled = any(name in ast.dump(each) for each in function.decorator_list for name in ("jit", "'unit'"))
        positional = len([a for a in function.args.args if a.arg not in ("self", "cls")])
        assert positional <= (COMPILED_POSITIONAL_LIMIT if compiled else POSITIONAL_LIMIT), function.name


def test_the_median_function_is_short():
    lengths = [length(function) for path in MODULES for function in functions(path)]
    assert statistics.median(lengths) <= 8


def test_no_module_is_named_after_nothing():
    named = [path for path in MODULES if path.name in FORBIDDEN_NAMES or path.parent.name in ("utils", "common")]
    assert not named


def test_tests_assert_something():
    silent = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for function in functions(path):
            text = ast.dump(function)
            checks = any(word in text for word in CHECKS)
            if function.name.startswith("test_") and not checks:
                silent.append(f"{path.name}:{function.name}")
    assert not silent
