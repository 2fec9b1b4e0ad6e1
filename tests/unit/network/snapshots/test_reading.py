"""Detection by content, and files that are no snapshot at all."""

import gzip
import json
import lzma
import random

import pytest

from lnherd.errors import InputError
from lnherd.network.snapshots import read_network

JSON_FILES = ("describegraph-2019.json", "describegraph-today.json", "listchannels-2019.json")


@pytest.mark.parametrize("name", [*JSON_FILES, "plain-edges.csv"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_names_are_not_believed(files, tmp_path, check_same, name, pack):
    content = (files / name).read_bytes()
    (tmp_path / "something.dat").write_bytes(pack(content))
    network = read_network(str(tmp_path / "something.dat"), files / "plain-nodes.csv" if name[0] == "p" else None)
    check_same(network, read_network(files / name))
    assert network.name == "something.dat"


def test_white_space_and_byte_order_mark_before_json(files, tmp_path):
    content = (files / "describegraph-2019.json").read_bytes()
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf" + content)
    (tmp_path / "b").write_bytes(b"\r\n  " + content)
    assert read_network(tmp_path / "a").n_channels == read_network(tmp_path / "b").n_channels == 3


NO_SNAPSHOTS = [
    (b"", "is empty; fetch the file again"),
    (gzip.compress(b""), "is empty; fetch the file again"),
    (b"hello world\n", "is no network snapshot; give describegraph or listchannels JSON"),
    (b"id,sender,receiver\n1,2,3\n", "is no network snapshot; give"),
    (b"node,pubkey,alias\n0,02aa,a\n", "lists nodes but no channels; give the edges CSV"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", r"is no network snapshot \(binary data\); give"),
    (random.Random(3).randbytes(5000), r"is no network snapshot \(binary data\); give"),
    (b"caf\xe9,x\n", "byte 3 is not UTF-8 text"),
    (b"[]", r"is JSON but \[\] is no snapshot; give"),
    (b"{}", "is JSON with nothing, but no 'edges' or 'channels'"),
    (b'{"peers": [], "log": 1}', "is JSON with 'peers', 'log', but no 'edges' or 'channels'"),
    (b'{"nodes": [{"nodeid": "02aa"}]}', "lists nodes but no channels; give the listchannels or describegraph file"),
    (b'{"channels": []}', "holds no channel; give a snapshot that does"),
    (b'{"channels": {}}', "'channels' is {}, not a list"),
    (b'{"channels": [', "not valid JSON at line 1, column 15"),
    (b'{"edges": [], "nodes": [nul', "not valid JSON at line 1"),
]


@pytest.mark.parametrize(("content", "problem"), NO_SNAPSHOTS, ids=[problem[:40] for _, problem in NO_SNAPSHOTS])
def test_no_snapshots(tmp_path, content, problem):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError, match=f"^{tmp_path}/file: {problem}") as caught:
        read_network(tmp_path / "file")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "step", "whole"), [*((name, 7, 0) for name in JSON_FILES), ("plain-edges.csv", 1, 2)])
def test_a_snapshot_cut_anywhere_gives_a_sentence(files, tmp_path, name, step, whole):
    """Only a CSV can still be whole: cut right after a channel's second row, before or after the end of the line."""
    path, content = tmp_path / "file", (files / name).read_bytes()
    survived = 0
    for length in range(0, len(content) - 1, step):
        path.write_bytes(content[:length])
        try:
            survived += read_network(path).n_channels
        except InputError as error:
            assert str(error).startswith(str(path)), error
    assert survived == whole


def test_absent_file_and_useless_folder(tmp_path):
    with pytest.raises(InputError, match=r"absent.csv: no such file; check the path"):
        read_network(tmp_path / "absent.csv")
    with pytest.raises(InputError, match=r"this folder should hold .*\(found none\); name a file"):
        read_network(tmp_path)
    for name in ("a-edges.csv", "b-edges.csv.xz"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"\(found a-edges.csv and b-edges.csv.xz\); name a file"):
        read_network(tmp_path)


def test_absent_file_of_node_names(files, tmp_path):
    with pytest.raises(InputError, match=r"names.csv: no such file"):
        read_network(files / "plain-edges.csv", nodes=tmp_path / "names.csv")


@pytest.mark.parametrize("name", ["describegraph-2019.json", "cloth", "cloth/edges_ln.csv"])
def test_names_for_what_has_names_are_refused(files, name):
    with pytest.raises(InputError, match=r"plain-nodes.csv: not needed"):
        read_network(files / name, nodes=files / "plain-nodes.csv")


def test_a_document_with_both_shapes_is_a_graph(files, tmp_path):
    document = json.loads((files / "describegraph-2019.json").read_text())
    (tmp_path / "graph").write_text(json.dumps(document | {"channels": []}))
    assert read_network(tmp_path / "graph").n_channels == 3


def test_a_name_too_long_for_the_file_system(tmp_path):
    with pytest.raises(InputError, match=r"xxx: cannot be read \(File name too long\)"):
        read_network(tmp_path / ("x" * 300))


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", refused)
    with pytest.raises(InputError, match=rf"^{tmp_path}: cannot be read \(Permission denied\); check its permissions"):
        read_network(tmp_path)
