"""What of the Electrum wallet needs no daemon; the rest is in tests/interop."""

import json

import pytest

from lnherd.errors import InputError
from lnherd.l402.bitcoin import Network
from lnherd.l402.electrum_wallet import ElectrumConfig, open_electrum


def folder(tmp_path, name, where):
    path = tmp_path / name
    path.mkdir()
    (path / "daemon").write_text(repr((*where, 1.0)))
    (path / "config").write_text(json.dumps({"rpcuser": "user", "rpcpassword": "secret"}))
    return path


def test_a_running_daemon_is_found_by_its_folder(tmp_path):
    config = ElectrumConfig.from_directory(folder(tmp_path, "signet", ("unix", "/run/socket")))
    assert (config.network, str(config.socket), config.user) == (Network.SIGNET, "/run/socket", "user")
    assert "secret" not in repr(config)
    config = ElectrumConfig.from_directory(folder(tmp_path, ".electrum", ("tcp", ("127.0.0.1", 7777))))
    assert (config.network, config.socket, config.url) == (Network.MAINNET, None, "http://127.0.0.1:7777")


def test_without_a_daemon_one_sentence(tmp_path):
    with pytest.raises(InputError, match="no Electrum daemon runs here"):
        open_electrum({"LNHERD_ELECTRUM_DIR": str(tmp_path)})
    with pytest.raises(InputError, match="LNHERD_ELECTRUM_DIR is not set"):
        open_electrum({})
    assert open_electrum({"LNHERD_ELECTRUM_DIR": str(folder(tmp_path, "regtest", ("unix", "/s")))}).network
