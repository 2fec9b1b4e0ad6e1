"""B11, opening channels to the most central nodes (lnd's autopilot, ``top_centrality``).

At most five channels and at most 60 % of all funds in channels; while both leave room, a channel to the candidate
with the highest betweenness, as large as the room and the largest channel allow.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.costs import OPEN_VBYTES
from lnherd.control.decision import Decision, Plan
from lnherd.units import MSAT_PER_SAT


@dataclass
class TopCentrality:
    """One open at a time."""

    max_channels: int = tunable(5, low=1, high=30)
    """No more channels than this."""
    allocation: float = tunable(0.6, low=0.05, high=0.95)
    """No larger part of all funds (channels and wallet) in channels."""
    min_size_msat: int = 20_000 * MSAT_PER_SAT
    """Smallest channel."""
    max_size_msat: int = tunable(
        16_777_215 * MSAT_PER_SAT, low=100_000 * MSAT_PER_SAT, high=16_777_215 * MSAT_PER_SAT, log=True
    )
    """Largest channel."""
    name: str = "top-centrality"
    """Short name for tables."""

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def act(self, decision: Decision) -> Plan:
        """Open to the most central candidate that is no peer yet, if there is room."""
        view = decision.view
        opening = view.pending.kind == ActionKind.OPEN
        strangers = view.peers[~np.isin(view.peers.node, view.channels.peer)]
        if opening.any() or len(strangers) == 0 or len(view.channels) >= self.max_channels:
            return WAIT
        invested = int(view.channels.local_msat.sum())
        size = self.size_msat(invested, view.wallet_msat, OPEN_VBYTES * view.feerate_msat_per_vb)
        if size < self.min_size_msat:
            return WAIT
        peer = int(strangers.node[int(np.argmax(strangers.centrality))])
        return Action(ActionKind.OPEN, peer=peer, amount_msat=size)

    def size_msat(self, invested_msat: int, wallet_msat: int, fee_msat: int) -> int:
        """What the allocation leaves room for, within wallet and largest size."""
        room = int(self.allocation * (invested_msat + wallet_msat)) - invested_msat
        return min(room, wallet_msat - fee_msat, self.max_size_msat)
