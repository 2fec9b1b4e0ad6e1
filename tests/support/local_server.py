"""A real HTTP server on loopback, in a thread of this process, for as long as a ``with`` block lasts."""

import threading
import time
from contextlib import contextmanager

import uvicorn


@contextmanager
def serving(app, **options):
    """Serve ``app`` on a free port of 127.0.0.1; gives its origin."""
    settings = {"host": "127.0.0.1", "port": 0, "log_level": "critical", "ws": "none", "proxy_headers": False}
    server = uvicorn.Server(uvicorn.Config(app, http="h11", **{**settings, **options}))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise RuntimeError("the local server did not start")
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
