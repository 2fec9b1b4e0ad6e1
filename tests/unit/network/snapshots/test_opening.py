"""Opening files: any compression, one sentence for whatever is wrong."""

import gzip
import lzma

import pytest

from lnherd.errors import InputError
from lnherd.network.snapshots.opening import find_beside, open_text, parsed_json, read_bytes, read_text


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, lambda data: lzma.compress(gzip.compress(data))])
def test_content_comes_back_whatever_the_compression(tmp_path, pack):
    (tmp_path / "file").write_bytes(pack(b"a,b\r\n1,2\n"))
    assert read_bytes(tmp_path / "file") == b"a,b\r\n1,2\n"
    assert list(open_text(tmp_path / "file")) == ["a,b\r\n", "1,2\n"]


def test_byte_order_mark_is_dropped(tmp_path):
    (tmp_path / "file").write_bytes(b"\xef\xbb\xbfid\n")
    assert read_text(tmp_path / "file") == "id\n"


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (lzma.compress, "xz")])
def test_compressed_data_cut_short(tmp_path, pack, name):
    path = tmp_path / "file"
    path.write_bytes(pack(bytes(range(256)) * 50)[:-20])
    with pytest.raises(InputError, match=f"file: broken {name} data .*fetch the file again"):
        read_bytes(path)


@pytest.mark.parametrize(("magic", "name"), [(b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz")])
def test_compressed_data_that_are_junk(tmp_path, magic, name):
    (tmp_path / "file").write_bytes(magic + b"junk" * 10)
    with pytest.raises(InputError, match=f"broken {name} data"):
        read_bytes(tmp_path / "file")


def test_corrupt_middle_of_gzip(tmp_path):
    data = bytearray(gzip.compress(bytes(range(256)) * 50))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(InputError, match=r"broken gzip data"):
        read_bytes(tmp_path / "file")


def test_absent_file(tmp_path):
    with pytest.raises(InputError, match=r"absent: no such file; check the path"):
        read_bytes(tmp_path / "absent")


def test_folder(tmp_path):
    with pytest.raises(InputError, match=r"is a folder; name a file in it"):
        read_bytes(tmp_path)


def test_name_too_long_for_the_file_system(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read"):
        read_bytes(tmp_path / ("x" * 300))


def test_text_that_is_not_utf8(tmp_path):
    (tmp_path / "file").write_bytes(b"caf\xe9\n")
    with pytest.raises(InputError, match=r"byte 3 is not UTF-8 text"):
        read_text(tmp_path / "file")


def test_json_cut_short_names_the_line():
    with pytest.raises(InputError, match=r"graph.json: not valid JSON at line 2, column"):
        parsed_json(b'{"nodes": [\n{"pub', "graph.json")


@pytest.mark.parametrize("data", [b'{"a": "\xff"}', b"[" * 100_000, b"1" * 5000])
def test_json_that_breaks_the_parser(data):
    with pytest.raises(InputError, match=r"not valid JSON"):
        parsed_json(data, "graph.json")


def test_companion_prefers_the_same_compression(tmp_path):
    (tmp_path / "a.csv").touch()
    assert find_beside(tmp_path / "a.csv.xz") == tmp_path / "a.csv"
    (tmp_path / "a.csv.xz").touch()
    assert find_beside(tmp_path / "a.csv.xz") == tmp_path / "a.csv.xz"
    assert find_beside(tmp_path / "b.csv") is None
