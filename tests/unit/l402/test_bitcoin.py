import pytest

from lnherd.errors import InputError
from lnherd.l402.bitcoin import P2PKH, P2SH, Fallback, Network

# Well-known addresses: BIP 173, BIP 350, BOLT 11 and the Bitcoin developer reference.
ADDRESSES = (
    (Network.MAINNET, "1RustyRX2oai4EYYDpQGWvEL62BBGqN9T", P2PKH),
    (Network.MAINNET, "3EktnHQD7RiAE6uzMj2ZifT9YgRrkSgzQX", P2SH),
    (Network.MAINNET, "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 0),
    (Network.MAINNET, "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3", 0),
    (Network.MAINNET, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", 1),
    (Network.MAINNET, "bc1sw50qgdz25j", 16),
    (Network.TESTNET, "mk2QpYatsKicvFVuTAQLBryyccRXMUaGHP", P2PKH),
    (Network.TESTNET, "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", 0),
    (Network.SIGNET, "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c", 1),
    (Network.REGTEST, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", 0),
)


@pytest.mark.parametrize(("network", "address", "version"), ADDRESSES)
def test_addresses_both_ways(network, address, version):
    fallback = Fallback.from_address(address, network)
    assert fallback.version == version
    assert fallback.address(network) == address
    assert Fallback.from_address(address.upper(), network) == fallback if "1q" in address else True


@pytest.mark.parametrize("network", Network)
@pytest.mark.parametrize(("version", "n_bytes"), [(0, 20), (0, 32), (1, 32), (2, 2), (16, 40), (P2PKH, 20), (P2SH, 20)])
def test_every_kind_on_every_network(network, version, n_bytes):
    fallback = Fallback(version, bytes(range(n_bytes)))
    assert Fallback.from_address(fallback.address(network), network) == fallback


@pytest.mark.parametrize(
    ("version", "n_bytes"), [(0, 41), (0, 21), (1, 20), (2, 1), (16, 41), (P2PKH, 32), (19, 20), (31, 2)]
)
def test_impossible_programs_are_refused(version, n_bytes):
    with pytest.raises(InputError, match="fallback address of version"):
        Fallback(version, bytes(n_bytes))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "0",
        "1RustyRX2oai4EYYDpQGWvEL62BBGqN9U",
        "1" * 100,
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "mk2QpYatsKicvFVuTAQLBryyccRXMUaGHP",
        "bc1gmk9yu",
        "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
        "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv",
    ],
)
def test_bad_addresses_are_refused(address):
    with pytest.raises(InputError):
        Fallback.from_address(address, Network.MAINNET)
