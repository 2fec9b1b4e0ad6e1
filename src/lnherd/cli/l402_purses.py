"""Where a user's tokens are: a file that nobody else may read, since tokens are money."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lnherd.errors import InputError

if TYPE_CHECKING:
    from lnherd.l402.purse import Purse


def default_purse() -> Path:
    """``LNHERD_PURSE``, or ``purse.db`` in the user's own directory."""
    named = os.environ.get("LNHERD_PURSE")
    return Path(named).expanduser() if named else Path(click.get_app_dir("lnherd")) / "purse.db"


def open_purse(path: Path | None, *, must_exist: bool = False) -> "Purse":
    """The purse at ``path``, made readable for its owner alone. Raises :class:`InputError`."""
    from lnherd.l402.purse import Purse

    file = path or default_purse()
    if must_exist and not file.exists():
        raise InputError(f"there is no purse {file}; buy something first, or name another with --purse")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise InputError(f"--purse {file}: cannot be written ({error.strerror}); choose another file") from None
    return Purse(file)
