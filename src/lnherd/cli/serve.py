"""``lnherd serve``: services that sell what the simulator knows."""

import click

from lnherd.cli.serve_routes import routes


@click.group()
def command() -> None:
    """Services that sell what the simulator knows, for L402 payments."""


command.add_command(routes)
