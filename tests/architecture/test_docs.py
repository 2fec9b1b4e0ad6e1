"""Pages say what is there: commands and options in them exist, links lead somewhere."""

import re
import shlex
from pathlib import Path

import click
import pytest

from lnherd.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = [path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")) if path.name != "CHANGELOG.md"]
COMMAND = re.compile(r"^(?:\$ )?(lnherd .*)$", re.MULTILINE)
INLINE = re.compile(r"`(lnherd [a-z][^`]*)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)")


def commands(text: str) -> list[str]:
    """In blocks and in running text; lines that go on are joined."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [*COMMAND.findall(joined), *(re.sub(r"\s+", " ", found) for found in INLINE.findall(joined))]


def problems(line: str) -> list[str]:
    """What a command line names that does not exist."""
    words = shlex.split(line.split(" · ")[0], comments=True)[1:]
    command: click.Command = cli
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        name = words.pop(0)
        found = command.get_command(click.Context(command), name)
        if found is None:
            return [name] if re.fullmatch("[a-z0-9-]+", name) else []
        command = found
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h", "--version"}
    return [word for word in (each.split("=")[0] for each in words) if word.startswith("--") and word not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_pages_exist(page):
    found = {line: problems(line) for line in commands(page.read_text(encoding="utf-8"))}
    assert {line: wrong for line, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_what_does_not_exist_is_found():
    assert problems("lnherd compare herdin --quick") == ["herdin"]
    assert problems("lnherd compare herding --quik  # fast") == ["--quik"]
    assert problems("lnherd demo") == []
