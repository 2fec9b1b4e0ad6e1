"""What each channel did over the last days, summed up from one look to the next."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from lnherd.control.view import NodeView
from lnherd.network.records import Ints, Records

COUNTED = ("forwarded_msat", "received_msat", "fees_msat", "assisted_msat", "n_refused", "n_forwarded")
"""Fields of own channels that are totals since the last look."""


@dataclass
class ChannelHistory:
    """Looks of the last ``window_ms``."""

    window_ms: int
    """How far back it remembers."""
    _looks: deque[tuple[int, Records]] = field(default_factory=deque)
    _first_ms: int | None = None

    def add(self, view: NodeView) -> None:
        """Remember one look, forget those that have become too old."""
        if self._first_ms is None:
            self._first_ms = view.now_ms - view.tick_ms
        self._looks.append((view.now_ms, view.channels[["channel", *COUNTED]].copy()))
        while self._looks[0][0] <= view.now_ms - self.window_ms:
            self._looks.popleft()

    def total(self, view: NodeView, name: str, last_ms: int | None = None) -> Ints:
        """``[n]`` sum of the field ``name`` over the window (or its last part), for the channels of ``view``."""
        since = view.now_ms - (self.window_ms if last_ms is None else last_ms)
        totals = np.zeros(len(view.channels), dtype=np.int64)
        for now_ms, channels in self._looks:
            if now_ms > since:
                rows, known = _rows(view, channels)
                np.add.at(totals, rows, channels[name][known])
        return totals

    def watched_ms(self, now_ms: int) -> int:
        """How much of the window has been seen."""
        return 0 if self._first_ms is None else min(self.window_ms, now_ms - self._first_ms)


def _rows(view: NodeView, channels: Records) -> tuple[Ints, Ints]:
    """Rows of ``view.channels`` that ``channels`` speaks of, and which of ``channels`` those are."""
    _, rows, known = np.intersect1d(view.channels.channel, channels["channel"], return_indices=True)
    return rows, known
