"""HTTP 402 with Lightning: codecs, sans-I/O flows, and thin shells for servers, clients and wallets.

Names are imported on use, so that a client does not need the server's packages nor a codec httpx.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lnherd.l402.client import L402Auth, PaymentRefused
    from lnherd.l402.client_flow import ClientFlow, ClientPolicy
    from lnherd.l402.memory_wallet import MemoryNetwork, MemoryWallet
    from lnherd.l402.offers import Claims, Offer
    from lnherd.l402.purse import Budget, Purse
    from lnherd.l402.server import L402WSGI, L402Middleware
    from lnherd.l402.server_flow import ServerConfig, ServerFlow
    from lnherd.l402.stores import SqliteTokens
    from lnherd.l402.wallet import Wallet, WalletError
    from lnherd.l402.wallet_checks import check_wallet

__all__ = [
    "Budget",
    "Claims",
    "ClientFlow",
    "ClientPolicy",
    "L402Auth",
    "L402Middleware",
    "L402WSGI",
    "MemoryNetwork",
    "MemoryWallet",
    "Offer",
    "PaymentRefused",
    "Purse",
    "ServerConfig",
    "ServerFlow",
    "SqliteTokens",
    "Wallet",
    "WalletError",
    "check_wallet",
]

_MODULES = {
    "client": ("L402Auth", "PaymentRefused"),
    "client_flow": ("ClientFlow", "ClientPolicy"),
    "memory_wallet": ("MemoryNetwork", "MemoryWallet"),
    "offers": ("Claims", "Offer"),
    "purse": ("Budget", "Purse"),
    "server": ("L402Middleware", "L402WSGI"),
    "server_flow": ("ServerConfig", "ServerFlow"),
    "stores": ("SqliteTokens",),
    "wallet": ("Wallet", "WalletError"),
    "wallet_checks": ("check_wallet",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
