"""A calibrated watch as a JSON file: what ``lnherd detect`` writes, other commands read, and a restart goes on from."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lnherd.anomaly.baseline import Past
from lnherd.anomaly.signals import SIGNALS
from lnherd.anomaly.watch import WatchConfig
from lnherd.errors import InputError
from lnherd.network.snapshots.saving import save_text


def write_watch(config: WatchConfig, path: Path | str) -> None:
    """Write ``config``; what :func:`read_watch` reads is equal to it."""
    past = config.past and config.past._asdict()
    save_text(Path(path), json.dumps({"signals": SIGNALS, **asdict(config), "past": past}, indent=1) + "\n")


def read_watch(path: Path | str) -> WatchConfig:
    """Read a watch.

    Raises:
        InputError: when the file is missing, no watch, or one over other signals.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        signals, past = content.pop("signals"), content.pop("past")
        watch = WatchConfig(**_tuples(content), past=Past(**_tuples(past)) if past else None)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); lnherd detect writes a watch.json") from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: is no watch ({error}); give the watch.json that lnherd detect wrote") from None
    if tuple(signals) != SIGNALS:
        raise InputError(f"{path}: watches other signals than this version does; calibrate anew with lnherd detect")
    return watch


def _tuples(content: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
