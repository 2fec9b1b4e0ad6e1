"""How the program was called, for the record, without naming directories of the machine."""

import shlex
import sys
from pathlib import Path


def command_line() -> str:
    """``lnherd`` and its arguments; of absolute paths only the last part is kept."""
    return shlex.join(["lnherd", *(_without_directory(argument) for argument in sys.argv[1:])])


def _without_directory(argument: str) -> str:
    flag, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    return flag + equals + (Path(value).name if value.startswith(("/", "~")) else value)
