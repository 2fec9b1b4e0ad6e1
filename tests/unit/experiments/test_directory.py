import json

import pytest

from lnherd.errors import InputError
from lnherd.experiments import directory as d

CONFIG = {"kind": "train", "seed": 3, "scenario": {"role": "provider"}}


def test_claims_a_new_directory_and_recognises_it(tmp_path):
    home = tmp_path / "a" / "run"
    assert d.kind_of(home) is None
    assert d.claim(home, CONFIG) is False
    assert d.kind_of(home) == "train"
    assert d.claim(home, CONFIG) is True


def test_claims_an_empty_directory(tmp_path):
    assert d.claim(tmp_path, CONFIG) is False


def test_refuses_a_foreign_directory_and_leaves_it_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="not a run of lnherd; choose"):
        d.claim(tmp_path, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_refuses_a_foreign_config(tmp_path):
    (tmp_path / "config.json").write_text('{"name": "somebody else"}')
    with pytest.raises(InputError, match="not a run of lnherd"):
        d.claim(tmp_path, CONFIG)


def test_refuses_another_command_and_another_configuration(tmp_path):
    d.claim(tmp_path, CONFIG)
    with pytest.raises(InputError, match="output of lnherd train"):
        d.claim(tmp_path, {**CONFIG, "kind": "compare"})
    with pytest.raises(InputError, match=r'scenario.role is "provider" there, "router" now'):
        d.claim(tmp_path, {**CONFIG, "scenario": {"role": "router"}})
    assert json.loads((tmp_path / "config.json").read_text()) == CONFIG


def test_refuses_a_file(tmp_path):
    file = tmp_path / "out"
    file.write_text("")
    with pytest.raises(InputError, match="is a file; give a directory"):
        d.claim(file, CONFIG)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    d.write_json(path, {"a": 1})
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(InputError, match=r"x.json: cannot be written \(No space left\)"):
        d.write_json(path, {"a": 2})
    assert d.read_json(path) == {"a": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.json"]


def test_cannot_write_below_a_file(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        d.write_text(tmp_path / "f" / "g.txt", "x")


@pytest.mark.parametrize(
    ("content", "problem"), [("{", "is not JSON"), ("[1]", "holds a list"), (None, "there is no such file")]
)
def test_bad_json_is_named(tmp_path, content, problem):
    path = tmp_path / "c.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=problem):
        d.read_json(path)


def test_csv(tmp_path):
    d.write_csv(tmp_path / "t.csv", ("a", "b"), [(1, "x,y"), (2, "")])
    assert (tmp_path / "t.csv").read_text() == 'a,b\n1,"x,y"\n2,\n'


@pytest.mark.parametrize(
    ("there", "here", "words"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({"a": 1}, {"a": 2}, "a is 1 there, 2 now"),
        ({"a": {"b": [1]}}, {"a": {"b": [2]}}, r"a.b is [1] there, [2] now"),
        ({}, {"a": 2}, "a is null there, 2 now"),
        ({"a": 2}, {}, "a is 2 there, null now"),
    ],
)
def test_first_difference(there, here, words):
    assert d.first_difference(there, here) == words
