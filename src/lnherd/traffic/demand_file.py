"""Demands as JSON files: what ``lnherd traffic fit`` writes and other commands read."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from lnherd.errors import InputError
from lnherd.network.snapshots.opening import read_text
from lnherd.network.snapshots.saving import save_text
from lnherd.traffic import amounts, arrivals, endpoints
from lnherd.traffic.demand import PAYMENT_KINDS, Component, Demand

PARTS: dict[str, dict[str, type]] = {
    "amounts": {kind.__name__: kind for kind in (amounts.LogNormal, amounts.FixedAmount, amounts.Empirical)},
    "arrivals": {
        kind.__name__: kind for kind in (arrivals.Poisson, arrivals.Mmpp, arrivals.ToolLoops, arrivals.Hourly)
    },
    "senders": {kind.__name__: kind for kind in endpoints.KINDS},
    "receivers": {kind.__name__: kind for kind in endpoints.KINDS},
}
"""Field of a component -> name in the file -> class."""


def write_demand(demand: Demand, path: Path | str) -> None:
    """Write ``demand``; what :func:`read_demand` reads is equal to it."""
    components = [_to_json(component) for component in demand.components]
    save_text(Path(path), json.dumps({"components": components}, indent=1) + "\n")


def _to_json(component: Component) -> dict[str, Any]:
    entry: dict[str, Any] = {"rate_per_s": component.rate_per_s, "kind": PAYMENT_KINDS[component.kind]}
    for field in PARTS:
        part = getattr(component, field)
        entry[field] = {"type": type(part).__name__} | {each.name: getattr(part, each.name) for each in fields(part)}
    return entry


def read_demand(path: Path | str) -> Demand:
    """Read a demand.

    Raises:
        InputError: naming the component and field that are wrong.
    """
    try:
        document = json.loads(read_text(path))
        entries = document["components"]
    except (json.JSONDecodeError, KeyError, TypeError):
        raise InputError(f"{path}: is no demand of lnherd; write one with lnherd traffic fit") from None
    return Demand(tuple(_from_json(entry, f"{path}: component {index}") for index, entry in enumerate(entries)))


def _from_json(entry: Any, where: str) -> Component:
    try:
        parts = {field: _part(entry[field], kinds, f"{where}: {field}") for field, kinds in PARTS.items()}
        return Component(float(entry["rate_per_s"]), kind=PAYMENT_KINDS.index(entry["kind"]), **parts)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: is not as lnherd wrote it ({error}); correct or remove it") from None


def _part(entry: Any, kinds: dict[str, type], where: str) -> Any:
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    name = given.pop("type", None)
    if name not in kinds:
        raise InputError(f"{where}: type {name!r} is unknown; use one of {', '.join(kinds)}")
    return kinds[name](**given)
