"""Where a node is and what opens it: from the environment and from files, never from a command line.

A secret in ``argv`` is on show in every process list, so there is no flag for one.
"""

from collections.abc import Mapping
from pathlib import Path

from lnherd.errors import InputError
from lnherd.l402.bitcoin import Network


def required(environ: Mapping[str, str], name: str, meaning: str) -> str:
    """The variable ``name``; raises :class:`InputError` that says what it should hold."""
    value = environ.get(name)
    if not value:
        raise InputError(f"{name} is not set; export it with {meaning}")
    return value


def path_from(environ: Mapping[str, str], name: str) -> Path | None:
    """The path in the variable ``name``, ``~`` expanded; None if it is not set."""
    value = environ.get(name)
    return Path(value).expanduser() if value else None


def secret_from(environ: Mapping[str, str], name: str, meaning: str) -> bytes:
    """The content of the file that ``name`` points to. Raises :class:`InputError`."""
    path = Path(required(environ, name, f"the path of {meaning}")).expanduser()
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{name}: {path} cannot be read: {error.strerror}") from None


def network_from(environ: Mapping[str, str], name: str) -> Network | None:
    """A network by name (``mainnet``, ``regtest``, ...); None if the variable is not set."""
    value = environ.get(name)
    if not value:
        return None
    try:
        return Network[value.upper()]
    except KeyError:
        names = ", ".join(network.name.lower() for network in Network)
        raise InputError(f"{name} is {value!r}; it must be one of {names}") from None
