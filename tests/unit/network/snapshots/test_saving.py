"""Saving: whole or not at all, compressed as named, equal bytes for equal text."""

import gzip
import lzma

import pytest

from lnherd.errors import InputError
from lnherd.network.snapshots.saving import save_text


@pytest.mark.parametrize(
    ("name", "unpack"), [("a.csv", bytes), ("a.csv.gz", gzip.decompress), ("a.xz", lzma.decompress)]
)
def test_compressed_as_the_name_says(tmp_path, name, unpack):
    save_text(tmp_path / name, "größe\n")
    assert unpack((tmp_path / name).read_bytes()) == "größe\n".encode()
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_equal_text_gives_equal_bytes(tmp_path):
    for name in ("1.gz", "2.gz"):
        save_text(tmp_path / name, "x" * 1000)
    assert (tmp_path / "1.gz").read_bytes() == (tmp_path / "2.gz").read_bytes()


def test_failure_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    save_text(path, "old")

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(InputError, match=r"cannot be written .No space left on device."):
        save_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match=r"the folder .*absent does not exist; create it first"):
        save_text(tmp_path / "absent" / "a.csv", "x")
