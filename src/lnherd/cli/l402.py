"""``lnherd l402``: sell and buy over HTTP 402; the commands are in the modules ``l402_*``."""

import click

from lnherd.cli.l402_buy import get, pay
from lnherd.cli.l402_serve import serve
from lnherd.cli.l402_tokens import tokens


@click.group()
def command() -> None:
    """Paid APIs and paying agents: HTTP 402 with Lightning.

    Wallets: "demo" is play money of lnherd l402 serve --demo; "lnd", "cln" and "electrum" are real nodes, found
    through the environment (LNHERD_LND_URL, ...). Secrets are read from files, never from the command line.
    """


for subcommand in (serve, get, pay, tokens):
    command.add_command(subcommand)
