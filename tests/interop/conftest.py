"""Three Electrum daemons with channels between them, on a chain of our own: started once for all tests here."""

import shutil
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from electrum_daemon import COMMAND, ElectrumDaemon
from electrum_server import ElectrumServer
from fake_chain import Chain

FUNDS_SAT, CHANNEL_SAT, PUSHED_SAT = 20_000_000, 10_000_000, 4_000_000


@pytest.fixture(scope="session")
def lightning():
    """``alice``, ``bob`` and ``carol`` in a row of two channels, 6 against 4 million satoshi each; the ``chain``."""
    if COMMAND is None:
        pytest.skip("NO REAL LIGHTNING TESTED: electrum is not installed (Debian: apt-get install electrum)")
    folder = Path(tempfile.mkdtemp(prefix="lnherd-"))  # short: the path of a unix socket has 107 characters at most
    chain = ElectrumServer(Chain(time.time))
    chain.mine(3)
    daemons = [ElectrumDaemon(folder / name, chain.port) for name in ("alice", "bob", "carol")]
    try:
        alice, bob, carol = daemons
        for daemon in daemons:
            daemon.begin()
        for payer, payee in ((alice, bob), (bob, carol)):
            payer.fund(chain, FUNDS_SAT)
            payer.open_channel(payee, chain, CHANNEL_SAT, PUSHED_SAT)
        yield SimpleNamespace(alice=alice, bob=bob, carol=carol, chain=chain)
    finally:
        for daemon in daemons:
            daemon.stop()
        chain.stop()
        shutil.rmtree(folder)
