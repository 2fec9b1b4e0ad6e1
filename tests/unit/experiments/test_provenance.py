import json
import platform
from pathlib import Path

from lnherd.experiments import provenance as p


def test_names_versions_command_and_seed():
    found = p.provenance("lnherd demo", 7)
    assert found["command"] == "lnherd demo" and found["seed"] == 7
    assert found["python"] == platform.python_version()
    assert set(found["packages"]) == {"numpy", "numba", "scipy", "gymnasium"}
    json.dumps(found)


def test_names_neither_the_machine_nor_its_paths():
    text = json.dumps(p.provenance("lnherd demo", 7))
    assert str(Path.home()) not in text and str(Path.cwd()) not in text
    assert set(p.provenance("lnherd demo", 7)) == {
        "lnherd", "commit", "python", "packages", "machine", "command", "seed"
    }  # fmt: skip


def test_an_installed_package_has_no_commit(monkeypatch, tmp_path):
    monkeypatch.setattr(p.lnherd, "__file__", str(tmp_path / "site-packages" / "lnherd" / "__init__.py"))
    assert p.commit() is None


def test_a_checkout_without_git_at_hand_has_no_commit(monkeypatch, tmp_path):
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(p.lnherd, "__file__", str(tmp_path / "src" / "lnherd" / "__init__.py"))
    monkeypatch.setenv("PATH", "")
    assert p.commit() is None
