"""Directories that runs write: each file whole or not at all, and never over somebody else's."""

import contextlib
import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lnherd.errors import InputError

CONFIG_FILE = "config.json"
"""What marks a directory as ours: an object whose ``kind`` says what wrote it."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a reader, or an interrupt, never meets half of it.

    Raises:
        InputError: when the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another --out") from error


def write_text(path: Path, content: str) -> None:
    """:func:`write_bytes` of UTF-8 text."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """:func:`write_bytes` of one JSON object."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """:func:`write_bytes` of a table with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object.

    Raises:
        InputError: when the file is missing, unreadable or no JSON object.
    """
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; give a directory that lnherd wrote") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: is not JSON ({error}); it was edited or cut short, write the run anew") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__} where an object is needed; write the run anew")
    return content


def kind_of(directory: Path) -> str | None:
    """What wrote ``directory`` (``train``, ``compare``, ...), or None where it is new or empty.

    Raises:
        InputError: when it is a file, or holds anything but a run of ours.
    """
    try:
        if directory.exists() and not directory.is_dir():
            raise InputError(f"{directory}: is a file; give a directory")
        if not directory.exists() or not any(directory.iterdir()):
            return None
    except OSError as error:
        raise InputError(f"{directory}: cannot be read ({error.strerror}); choose another --out") from error
    config = directory / CONFIG_FILE
    kind = read_json(config).get("kind") if config.is_file() else None
    if not isinstance(kind, str):
        raise InputError(f"{directory}: holds files that are not a run of lnherd; choose a new or empty directory")
    return kind


def claim(directory: Path, config: Mapping[str, Any]) -> bool:
    """Make ``directory`` the home of the run ``config`` describes; whether that run was there already.

    Raises:
        InputError: when something else is there, or a run with another configuration.
    """
    kind = kind_of(directory)
    if kind is None:
        write_json(directory / CONFIG_FILE, config)
        return False
    if kind != config["kind"]:
        raise InputError(f"{directory}: holds the output of lnherd {kind}; choose a new or empty directory")
    difference = first_difference(read_json(directory / CONFIG_FILE), json.loads(json.dumps(config)))
    if difference:
        raise InputError(f"{directory}: holds a run with another configuration ({difference}); choose a new directory")
    return True


def first_difference(there: Mapping[str, Any], here: Mapping[str, Any], place: str = "") -> str | None:
    """The first entry in which two configurations differ, in words, or None."""
    for key in (*there, *(key for key in here if key not in there)):
        old, new = there.get(key), here.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            inner = first_difference(old, new, f"{place}{key}.")
            if inner:
                return inner
        elif old != new:
            return f"{place}{key} is {json.dumps(old)} there, {json.dumps(new)} now"
    return None
