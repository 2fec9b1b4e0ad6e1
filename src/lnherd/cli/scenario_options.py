"""Options that say which herder is meant, shared by train, evaluate and compare."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from lnherd.experiments.config import ScenarioConfig

F = TypeVar("F", bound=Callable[..., Any])
NAMES = ("role", "network", "nodes", "node", "network_seed", "watch")


def scenario_options(function: F) -> F:
    """Add ``--role``, ``--network``, ``--nodes``, ``--node`` and ``--network-seed``; None where not given."""
    for option in reversed(
        (
            click.option("--role", help="consumer, provider or router: what the node is for. [default: consumer]"),
            click.option("--network", help="Snapshot (any format) to herd on instead of a synthetic network."),
            click.option("--nodes", type=int, help="Size of the synthetic network or neighbourhood. [default: 200]"),
            click.option("--node", help="The herder: public key, alias or index. [default: a mid-size node]"),
            click.option("--network-seed", type=int, help="Seed of the synthetic network. [default: 0]"),
        )
    ):
        function = option(function)
    return function


def watch_option(function: F) -> F:
    """Add ``--watch``."""
    text = "Anomaly watch over the node, the watch.json of lnherd detect: a brake for braked:POLICY, features for ppo."
    return click.option("--watch", help=text)(function)


def scenario_from(options: dict[str, Any], base: "ScenarioConfig | None" = None) -> "ScenarioConfig":
    """The scenario that the options ask for, on top of ``base``.

    Raises:
        InputError: for an unknown role or a network that is too small.
    """
    from dataclasses import replace

    from lnherd.control.view import Role
    from lnherd.errors import InputError
    from lnherd.experiments.config import ScenarioConfig

    given = {name: options[name] for name in NAMES if options.get(name) is not None}
    if "role" in given:
        if given["role"] not in list(Role):
            raise InputError(f"--role {given['role']!r} is not known; choose from {', '.join(Role)}")
        given["role"] = Role(given["role"])
    return replace(base or ScenarioConfig(), **given)
