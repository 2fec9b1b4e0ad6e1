"""What the commands that sell over HTTP share: a socket to listen at, and a server on it."""

import os
import socket
from typing import TYPE_CHECKING

from lnherd.errors import InputError

if TYPE_CHECKING:
    from lnherd.l402.shop import Shop

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        InputError: when the address cannot be had.
    """
    # asyncio only turns off Nagle's delay (40 ms for every answer in two parts) on sockets that say they are TCP
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        listener.close()
        raise InputError(f"cannot listen at {host}:{port} ({reason}); choose another --host or --port") from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Where clients find it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def answer(shop: "Shop", listener: socket.socket) -> None:
    """Answer until interrupted."""
    import uvicorn

    settings = uvicorn.Config(
        shop, http="h11", ws="none", log_level="warning", access_log=False, server_header=False,
        forwarded_allow_ips=[], proxy_headers=False,
    )  # fmt: skip
    uvicorn.Server(settings).run(sockets=[listener])
