"""Writing files whole or not at all, compressed as their name says."""

import gzip
import lzma
import os
from pathlib import Path

from lnherd.errors import InputError


def save_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, compressed when the name ends in ``.gz`` or ``.xz``.

    The bytes go to a temporary file beside ``path``, which then takes its place: a reader sees the
    old content or the new, never half of it, and an interrupted write leaves the old one. Equal text
    gives equal bytes (gzip is written without its time stamp).

    Raises:
        InputError: when the folder is missing or may not be written to.
    """
    data = _compressed(path, text.encode("utf-8", errors="replace"))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except FileNotFoundError:
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it first") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from None
    finally:
        temporary.unlink(missing_ok=True)


def _compressed(path: Path, data: bytes) -> bytes:
    if path.suffix == ".gz":
        return gzip.compress(data, mtime=0)
    if path.suffix == ".xz":
        return lzma.compress(data)
    return data
