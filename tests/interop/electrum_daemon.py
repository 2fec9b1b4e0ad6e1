"""Electrum daemons (Debian's package) on a fake chain: start, fund, connect, open a channel, stop."""

import json
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

from electrum_server import ElectrumServer

from lnherd.l402 import bech32
from lnherd.l402.electrum_wallet import ElectrumConfig, ElectrumWallet
from lnherd.l402.wallet import WalletError

COMMAND = shutil.which("electrum")
PATIENCE_S = 60.0
POLL_S = 0.05


def wait_for(what, condition):
    """The first true value of ``condition()``; fails with ``what`` after a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE_S:g} s in vain for {what}")
        time.sleep(POLL_S)
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class ElectrumDaemon:
    """One daemon in a folder of its own, with a fresh wallet, listening for Lightning peers on loopback."""

    def __init__(self, folder: Path, server_port: int) -> None:
        self.folder = folder / "regtest"
        self.lightning_address = f"127.0.0.1:{free_port()}"
        self.folder.mkdir(parents=True)
        settings = {
            "config_version": 3,  # of an older one Electrum would turn the server into a TLS server
            "rpcuser": "test",
            "rpcpassword": secrets.token_hex(16),
            "rpcsock": "unix",
            "server": f"127.0.0.1:{server_port}:t",
            "oneserver": True,
            "auto_connect": False,
            "check_updates": False,
            "use_gossip": True,
            "dynamic_fees": False,
            "fee_per_kb": 5000,
            "lightning_listen": self.lightning_address,
            "lightning_forward_payments": True,
        }
        (self.folder / "config").write_text(json.dumps(settings))
        self._log = (folder / "log").open("wb")
        self._launch()

    def _launch(self) -> None:
        command = [COMMAND, "--regtest", "-D", str(self.folder.parent), "daemon"]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)

    def begin(self) -> None:
        """Wait for the daemon and make it a wallet, unless it has one."""
        wait_for("the daemon", self._reaches)
        if not (self.folder / "wallets").is_dir():
            self.call("create")
        self.call("load_wallet")
        self.node_id = self.call("nodeid").partition("@")[0]
        wait_for("the first synchronisation", lambda: self.call("is_synchronized"))

    def _reaches(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.folder / "daemon_rpc_socket"))
        except OSError:
            return False
        self.wallet = ElectrumWallet(ElectrumConfig.from_directory(self.folder))
        return self.call("ping") is True

    def call(self, method, timeout_s=60.0, **parameters):
        return self.wallet.rpc.call(method, parameters, timeout_s=timeout_s)

    def fund(self, chain: ElectrumServer, amount_sat: int) -> None:
        """Give the wallet confirmed money."""
        address = self.call("createnewaddress")
        chain.fund(bytes.fromhex("0014") + witness_program(address), amount_sat)
        chain.mine(6)
        wait_for("the money", lambda: float(self.call("getbalance").get("confirmed", 0)) > 0)

    def open_channel(self, peer: "ElectrumDaemon", chain: ElectrumServer, amount_sat: int, push_sat: int) -> None:
        """Open a channel to ``peer``, push some of it to the other side, and wait until both can use it."""
        address = f"{peer.node_id}@{peer.lightning_address}"
        self.call("add_peer", connection_string=address)
        amounts = {"amount": bitcoin(amount_sat), "push_amount": bitcoin(push_sat)}
        self.call("open_channel", connection_string=address, **amounts)
        wait_for("the funding transaction", chain.mempool)
        chain.mine(6)
        wait_for("an open channel", lambda: self.is_channel_open() and peer.is_channel_open())

    def is_channel_open(self) -> bool:
        return any(c["state"] == "OPEN" and c["peer_state"] == "GOOD" for c in self.call("list_channels"))

    def local_balance_sat(self) -> int:
        return sum(channel["local_balance"] for channel in self.call("list_channels"))

    def crash(self) -> None:
        """Kill the daemon in the middle of whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self.wallet.close()

    def restart(self, peer: "ElectrumDaemon") -> None:
        """Start a daemon that crashed, and wait until its channel is usable again."""
        self._launch()
        self.begin()
        wait_for("the channel after a restart", lambda: self.is_channel_open() and peer.is_channel_open())

    def stop(self) -> None:
        """End the daemon and wait for it."""
        if hasattr(self, "wallet"):
            try:
                self.call("stop", timeout_s=10.0)
            except WalletError:
                self._process.terminate()
            self.wallet.close()
        else:
            self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def bitcoin(amount_sat: int) -> str:
    return f"{amount_sat // 100_000_000}.{amount_sat % 100_000_000:08d}"


def witness_program(address: str) -> bytes:
    """The key hash in a version 0 segwit address."""
    _, digits, _ = bech32.decode(address)
    return bech32.to_bytes(digits[1:])
