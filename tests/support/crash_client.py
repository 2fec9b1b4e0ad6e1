"""A buyer in a process of its own that kills itself (SIGKILL) at the Nth step: ``crash_client.py URL PURSE N``.

Steps are counted before and after everything that a client does: each request it sends and each effect that its
flow asks for (reserve, pay, keep). N = -1 never dies and prints how many steps there were.
"""

import os
import signal
import sys

import httpx

from lnherd.l402.cashier import Cashier
from lnherd.l402.client import L402Auth
from lnherd.l402.demo import DemoWallet
from lnherd.l402.purse import Purse


class Fuse:
    """Counts steps; at the Nth the process is gone, as by a power failure."""

    def __init__(self, at):
        self.at = at
        self.steps = 0

    def burn(self):
        if self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps += 1

    def around(self, function):
        def call(*args, **kwargs):
            self.burn()
            result = function(*args, **kwargs)
            self.burn()
            return result

        return call


def main(url, purse, at):
    fuse = Fuse(int(at))
    Cashier.perform = fuse.around(Cashier.perform)
    for name in ("reserve", "keep"):
        setattr(Purse, name, fuse.around(getattr(Purse, name)))
    DemoWallet.pay = fuse.around(DemoWallet.pay)
    wallet = DemoWallet(str(httpx.URL(url).copy_with(path="/", query=None)))
    auth = L402Auth(wallet, purse=Purse(purse))
    with httpx.Client(trust_env=False) as client:
        client._transport.handle_request = fuse.around(client._transport.handle_request)
        response = client.get(url, auth=auth)
        response.raise_for_status()
        print(fuse.steps)


if __name__ == "__main__":
    main(*sys.argv[1:])
