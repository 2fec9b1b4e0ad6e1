"""What nodes announce: fees, time locks and HTLC limits with mainnet's marginals and habits.

A node has habits: it mostly announces the same on all its channels, and departs from that now and then. Every
direction gets a score, made of its node's habit and of departures; the measured marginal is then dealt out in
order of the scores. So the marginals hold in every network of any size, and the habits decide who gets what.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.network.graph import empty_edges
from lnherd.network.records import Bools, Floats, Ints, Records
from lnherd.network.synthetic import mainnet2026 as mainnet
from lnherd.network.synthetic.matching import Ends, stub_places
from lnherd.units import PPM


@dataclass(frozen=True)
class Habit:
    """How constant nodes are in one thing they announce."""

    constant_share: float
    """Share of nodes that never depart from their habit."""
    departure_share: float
    """Share of the channels on which the others depart."""
    kinship: float
    """Share of a departure's variance that is still the node's habit."""


FEE_PPM = Habit(constant_share=0.2, departure_share=0.65, kinship=0.35)
BASE_FEE = Habit(constant_share=0.98, departure_share=0.1, kinship=0.0)
CLTV_DELTA = Habit(constant_share=0.75, departure_share=0.2, kinship=0.0)
HTLC_MIN = Habit(constant_share=0.6, departure_share=0.1, kinship=0.0)
HTLC_MAX = Habit(constant_share=0.3, departure_share=0.3, kinship=0.2)

_GOLDEN = (5**0.5 - 1) / 2
"""Step of an even sequence: one draw for each node, spread evenly also among the few largest."""
_PPM_WITH_PLACE, _PPM_WITH_CAPACITY, _BASE_FEE_WITH_PLACE = 0.18, 0.25, -0.2
"""How scores lean on the node's size and the channel's, in sd per sd."""


def draw_policies(ends: Ends, capacity_msat: Ints, n_nodes: int, rng: np.random.Generator) -> Records:
    """Edges ``[2C]`` of the channels between ``ends`` with policies; a few directions are off, never both."""
    owner = np.stack(ends, axis=1).reshape(-1)
    place = stub_places(np.bincount(owner, minlength=n_nodes))
    edges = empty_edges(len(capacity_msat))
    edges.enabled = _speaking(place[owner], rng)
    speaking = np.flatnonzero(edges.enabled)
    capacity_of_edge = np.repeat(capacity_msat, 2)[speaking]
    policies = edges[speaking]
    default = _has_default_fees(place, owner[speaking], rng)
    announcer = _Announcer(owner[speaking], place, rng)
    _set_fees(policies, default, capacity_of_edge, announcer)
    _set_time_locks(policies, default, announcer)
    _set_limits(policies, capacity_of_edge, announcer)
    edges[speaking] = policies
    return edges


class _Announcer:
    """Draws scores ``[E]`` for the directions of ``owner [E]`` from their nodes' habits."""

    def __init__(self, owner: Ints, place: Floats, rng: np.random.Generator) -> None:
        self.owner, self._rng = owner, rng
        self.size = _standardised(place[owner])
        self._n_nodes = len(place)

    def score(self, habit: Habit, lean: Floats | float = 0.0, lean_of_departures: Floats | float = 0.0) -> Floats:
        """Standard normal by node, with departures; equal on all channels that follow the habit."""
        node_score = self._rng.standard_normal(self._n_nodes)[self.owner]
        inconstant = (self._rng.random(self._n_nodes) >= habit.constant_share)[self.owner]
        departs = inconstant & (self._rng.random(len(self.owner)) < habit.departure_share)
        fresh = (1 - habit.kinship) ** 0.5 * self._rng.standard_normal(len(self.owner)) + lean_of_departures
        return lean + np.where(departs, habit.kinship**0.5 * node_score + fresh, node_score)


def _standardised(values: Floats) -> Floats:
    spread = values.std() if len(values) else 0.0
    return (values - values.mean()) / spread if spread else np.zeros(len(values))


def _speaking(place: Floats, rng: np.random.Generator) -> Bools:
    """``[2C]`` which directions are on: all but a share that depends on the node's place; one at least."""
    silent = rng.random(len(place)) < np.asarray(mainnet.SILENT)[_place_class(place)]
    both = silent.reshape(-1, 2).all(axis=1)
    silent[np.flatnonzero(both) * 2 + rng.integers(2, size=int(both.sum()))] = False
    return ~silent


def _has_default_fees(place: Floats, owner: Ints, rng: np.random.Generator) -> Bools:
    """``[E]`` which directions carry LND's default fees: all, some or none of a node's."""
    label = _place_class(place)
    in_all = np.asarray(mainnet.ALL_DEFAULT)[label]
    in_some = np.asarray(mainnet.SOME_DEFAULT)[label]
    draw = (rng.random() + _GOLDEN * np.arange(len(place))) % 1
    share = np.asarray(mainnet.DEFAULT_OF_SOME)[label] * (draw < in_all + in_some)
    share[draw < in_all] = 1.0
    has_default: Bools = rng.random(len(owner)) < share[owner]
    return has_default


def _place_class(place: Floats) -> Ints:
    return np.searchsorted(mainnet.PLACE_EDGES, place).astype(np.int64)


def _set_fees(policies: Records, default: Bools, capacity_msat: Ints, announcer: _Announcer) -> None:
    ln_capacity = _standardised(np.log(capacity_msat))
    score = announcer.score(FEE_PPM, _PPM_WITH_PLACE * announcer.size, _PPM_WITH_CAPACITY * ln_capacity)
    base_score = announcer.score(BASE_FEE, _BASE_FEE_WITH_PLACE * announcer.size)
    other = np.flatnonzero(~default)
    policies.fee_ppm = mainnet.DEFAULT_FEE_PPM
    policies.base_fee_msat = mainnet.DEFAULT_BASE_FEE_MSAT
    policies.fee_ppm[other] = mainnet.FEE_PPM.dealt(score[other])
    label = np.searchsorted(mainnet.PPM_CLASS_EDGES, policies.fee_ppm[other], side="right")
    for ppm_class, marginal in enumerate(mainnet.BASE_FEE_MSAT):
        inside = other[label == ppm_class]
        policies.base_fee_msat[inside] = marginal.dealt(base_score[inside])


def _set_time_locks(policies: Records, default: Bools, announcer: _Announcer) -> None:
    score = announcer.score(CLTV_DELTA)
    policies.cltv_delta[default] = mainnet.CLTV_OF_DEFAULT.dealt(score[default])
    policies.cltv_delta[~default] = mainnet.CLTV_OF_OTHERS.dealt(score[~default])


def _set_limits(policies: Records, capacity_msat: Ints, announcer: _Announcer) -> None:
    share_ppm = np.maximum(mainnet.HTLC_MAX_PPM.dealt(announcer.score(HTLC_MAX)), 1)
    policies.htlc_max_msat = capacity_msat // PPM * share_ppm + capacity_msat % PPM * share_ppm // PPM
    score = announcer.score(HTLC_MIN)
    known = np.where(np.isin(policies.cltv_delta, list(mainnet.HTLC_MIN_MSAT)), policies.cltv_delta, 0)
    for cltv_delta, marginal in mainnet.HTLC_MIN_MSAT.items():
        inside = known == cltv_delta
        policies.htlc_min_msat[inside] = marginal.dealt(score[inside])
    policies.htlc_min_msat = np.minimum(policies.htlc_min_msat, policies.htlc_max_msat)
