"""Who owns how much of each channel, which gossip never tells: priors to start a simulation from."""

from collections.abc import Callable

import numpy as np

from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Floats, Ints
from lnherd.units import MSAT_PER_SAT

BIMODAL_SCALE_MSAT = 300_000 * MSAT_PER_SAT
"""Within how much of an end the balance of a channel is thought to lie (LND's bimodal estimator)."""
DRAINED_RESERVE = 100
"""The emptied side of a drained channel keeps one part in this many: its reserve (BOLT 2)."""


def draw_balances(network: Network, prior: str, rng: np.random.Generator) -> Ints:
    """``[2C]`` msat that the near end of each edge owns; the two edges of a channel sum to its capacity.

    ``prior`` is one of

    * ``bimodal``: density ``e^(-x/s) + e^((x-c)/s)`` with s = 300,000 sat: most channels lie near one end,
      as depletion makes them and LND assumes;
    * ``uniform``: every split of the capacity is as likely;
    * ``half``: half each;
    * ``drained``: everything has flowed one way. Nodes have a random order and each channel has been
      emptied, up to a reserve of 1 %, towards its later node: there are no cycles left to rebalance along.

    Raises:
        InputError: for any other prior.
    """
    if prior not in _PRIORS:
        raise InputError(f"balance prior {prior!r} is unknown; choose one of {', '.join(PRIORS)}")
    capacity = network.channels.capacity_msat
    of_node1 = _PRIORS[prior](network, rng)
    balances: Ints = np.stack([of_node1, capacity - of_node1], axis=1).reshape(-1)
    return balances


def _bimodal(network: Network, rng: np.random.Generator) -> Ints:
    capacity = network.channels.capacity_msat
    near_end = _truncated_exponential(capacity / BIMODAL_SCALE_MSAT, rng) * BIMODAL_SCALE_MSAT
    from_end = np.minimum(np.rint(near_end).astype(np.int64), capacity)
    of_node1: Ints = np.where(rng.random(len(capacity)) < 0.5, from_end, capacity - from_end)
    return of_node1


def _truncated_exponential(upper: Floats, rng: np.random.Generator) -> Floats:
    """Standard exponentials on condition that they stay below ``upper``, by inversion."""
    draws: Floats = -np.log1p(rng.random(len(upper)) * np.expm1(-upper))
    return draws


def _uniform(network: Network, rng: np.random.Generator) -> Ints:
    of_node1: Ints = rng.integers(network.channels.capacity_msat, endpoint=True)
    return of_node1


def _half(network: Network, rng: np.random.Generator) -> Ints:
    half: Ints = network.channels.capacity_msat // 2
    return half


def _drained(network: Network, rng: np.random.Generator) -> Ints:
    channels = network.channels
    position = rng.permutation(network.n_nodes)
    reserve = channels.capacity_msat // DRAINED_RESERVE
    flowed_to_node1 = position[channels.node1] > position[channels.node2]
    of_node1: Ints = np.where(flowed_to_node1, channels.capacity_msat - reserve, reserve)
    return of_node1


_PRIORS: dict[str, Callable[[Network, np.random.Generator], Ints]] = {
    "bimodal": _bimodal,
    "uniform": _uniform,
    "half": _half,
    "drained": _drained,
}
PRIORS = tuple(_PRIORS)
"""Names of the balance priors."""
