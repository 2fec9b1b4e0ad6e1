"""Which wallet a command uses, by name. Real ones are found through the environment, so that no secret is in argv."""

import importlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lnherd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lnherd.l402.wallet import Wallet

DEMO: Final = "demo"
DEMO_ORIGIN: Final = "http://127.0.0.1:8402"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_OPENERS: Final = {
    "lnd": ("lnherd.l402.lnd_wallet", "open_lnd"),
    "cln": ("lnherd.l402.cln_wallet", "open_cln"),
    "electrum": ("lnherd.l402.electrum_wallet", "open_electrum"),
}
NAMES: Final = (DEMO, *_OPENERS)


def open_node(name: str) -> "Wallet":
    """The wallet of a real node. Raises :class:`InputError` for an unknown name or missing settings."""
    if name not in _OPENERS:
        raise InputError(f"--wallet {name!r} is not known; choose from {', '.join(NAMES)}")
    module, function = _OPENERS[name]
    wallet: Wallet = getattr(importlib.import_module(module), function)(os.environ)
    return wallet


@contextmanager
def payer(name: str, url: str | None = None) -> "Iterator[Wallet]":
    """The wallet to pay with; the demo wallet is at the origin of ``url``. Raises :class:`InputError`."""
    if name != DEMO:
        yield open_node(name)
        return
    from lnherd.l402.demo import DemoWallet

    wallet = DemoWallet(_demo_origin(url))
    try:
        yield wallet
    finally:
        wallet.close()


def _demo_origin(url: str | None) -> str:
    if url is None:
        return os.environ.get("LNHERD_DEMO_URL", DEMO_ORIGIN)
    parts = urlsplit(url)
    if parts.hostname not in _LOOPBACK:
        raise InputError(
            f"--wallet demo pays only servers on this machine, not {parts.hostname}; choose another wallet"
        )
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
