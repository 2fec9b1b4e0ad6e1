"""Entry point of ``lnherd``: finds the command, turns errors into one sentence and an exit code.

Commands live in modules of their own and are imported on use, so that ``--help`` answers at once.
"""

import importlib
import sys

import click
from click.exceptions import NoArgsIsHelpError

from lnherd import __version__
from lnherd.errors import InputError

COMMANDS = {
    "demo": ("lnherd.cli.demo", "Train a herder on a small L402 network and compare it: the whole job in a minute."),
    "network": ("lnherd.cli.network", "Statistics, generation and conversion of Lightning networks."),
    "simulate": ("lnherd.cli.simulate", "Send payments through a network and report what became of them."),
    "economy": ("lnherd.cli.economy", "Services and agents that trade API calls over Lightning, and the cliffs."),
    "traffic": ("lnherd.cli.traffic", "Fit a demand to a node's forwarding history, draw payments from it."),
    "train": ("lnherd.cli.train", "Train a learner and save its policy."),
    "evaluate": ("lnherd.cli.evaluate", "Run one policy on held-out traffic."),
    "serve": ("lnherd.cli.serve", "Sell what the simulator knows: routes and liquidity, for L402 payments."),
    "compare": ("lnherd.cli.compare", "Learners against rules on the same traffic, with intervals and a report."),
    "stress": ("lnherd.cli.stress", "Herders through outages, attacks and sudden shifts of liquidity, with a report."),
    "detect": ("lnherd.cli.detect", "How soon the watch notices shocks, and how often it cries wolf."),
    "l402": ("lnherd.cli.l402", "Paid APIs and paying agents: serve, get, pay, tokens."),
}
"""Name -> (module that defines ``command``, one line of help)."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of :data:`COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of ``cmd_name`` and return its ``command``."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def cli() -> None:
    """Breed, test and deploy agents that herd Lightning channels for the L402 machine economy."""


def main() -> None:
    """Run the command line. Bad input: one sentence, exit 2. Interrupt: exit 130."""
    try:
        cli.main(prog_name="lnherd", standalone_mode=False)
    except InputError as error:
        _fail(str(error), 2)
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        where = f"; see '{error.ctx.command_path} --help'" if error.ctx else ""
        _fail(error.format_message().rstrip(".") + where, error.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    except BrokenPipeError:
        sys.exit(141)


def _fail(message: str, code: int) -> None:
    click.echo(f"lnherd: {message}", err=True)
    sys.exit(code)
