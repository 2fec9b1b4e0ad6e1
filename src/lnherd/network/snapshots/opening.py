"""Opening files that may be compressed: whatever the name says, the first bytes decide.

One place turns what the file system and the decompressors can complain about into one sentence.
Other readers (payments, traces) use it too.
"""

import gzip
import io
import json
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lnherd.errors import InputError

COMPRESSED_SUFFIXES = (".xz", ".gz")
"""Suffixes that name a compression; what is inside is named by the suffix before."""

_DECOMPRESSORS: dict[bytes, tuple[str, Callable[[bytes], bytes]]] = {
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"\xfd7zXZ\x00": ("xz", lzma.decompress),
}
"""First bytes -> (what they announce, how to undo it)."""

_MAX_SHELLS = 2
"""A .compressed gossip map is gzip inside, someone may xz it again; there are files that unpack to themselves."""


def read_bytes(path: Path | str) -> bytes:
    """The whole content of a file, decompressed if it is gzip or xz by its first bytes.

    Raises:
        InputError: when there is no such file, it cannot be read, or its compressed data are broken.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; name a file in it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    return decompressed(data, str(path))


def decompressed(data: bytes, source: str) -> bytes:
    """``data`` without its gzip or xz shell, or two of them; plain data come back as they are.

    Raises:
        InputError: naming ``source`` when the compressed data are broken or cut short.
    """
    for _ in range(_MAX_SHELLS):
        magic = next((magic for magic in _DECOMPRESSORS if data.startswith(magic)), None)
        if magic is None:
            break
        name, decompress = _DECOMPRESSORS[magic]
        try:
            data = decompress(data)
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            raise InputError(f"{source}: broken {name} data ({error}); fetch the file again") from None
    return data


def read_text(path: Path | str) -> str:
    """The whole content of a UTF-8 file (a byte order mark is dropped), decompressed.

    Raises:
        InputError: as :func:`read_bytes`, and when the file is not UTF-8 text.
    """
    return decoded(read_bytes(path), str(path))


def decoded(data: bytes, source: str) -> str:
    """``data`` as UTF-8 text without byte order mark.

    Raises:
        InputError: naming ``source`` and the offending byte.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: byte {error.start} is not UTF-8 text; save the file as UTF-8") from None


def open_text(path: Path | str) -> io.StringIO:
    """A UTF-8 file as a stream of lines, decompressed; line ends are kept, as :mod:`csv` wants them.

    Raises:
        InputError: as :func:`read_text`, and before the first line is handed out.
    """
    return io.StringIO(read_text(path), newline="")


def parsed_json(data: bytes, source: str) -> Any:
    """``data`` as JSON.

    Raises:
        InputError: naming ``source`` and the line where it stops being JSON.
    """
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{source}: not valid JSON at {place} ({error.msg}); fetch the file again") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: not valid JSON ({error}); fetch the file again") from None


def without_compression(path: Path) -> Path:
    """``path`` without a suffix that names a compression: ``a.csv.xz`` -> ``a.csv``."""
    return path.with_suffix("") if path.suffix in COMPRESSED_SUFFIXES else path


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder; false when that cannot be found out, which reading it will explain."""
    try:
        return path.is_dir()
    except OSError:
        return False


def find_beside(path: Path) -> Path | None:
    """``path`` if there is such a file, else the same name with another compression or none; None without either."""
    plain = without_compression(path)
    candidates = [path, plain, *(plain.with_name(plain.name + suffix) for suffix in COMPRESSED_SUFFIXES)]
    return next((candidate for candidate in candidates if candidate.is_file()), None)
