"""When a rule that acts at intervals is due, and the fee changes that it announces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lnherd.control.action import Action, ActionKind
from lnherd.control.view import NodeView


@dataclass
class Timer:
    """Due at the first look (or ``first_ms`` after it), then every ``interval_ms``."""

    interval_ms: int
    """Time between two actions."""
    first_ms: int = 0
    """How long to watch before the first."""
    _next_ms: int | None = None

    def due(self, now_ms: int) -> bool:
        """Whether it is time; if so, the next time is one interval on."""
        if self._next_ms is None:
            self._next_ms = now_ms + self.first_ms
        if now_ms < self._next_ms:
            return False
        self._next_ms = now_ms + self.interval_ms
        return True


def fee_changes(view: NodeView, ppm: Sequence[int | None], min_change_ppm: int = 1) -> Iterator[Action]:
    """SET_FEE for each row of ``view.channels`` whose fee is to differ by enough; None leaves it alone."""
    for channel, old, new in zip(view.channels.channel.tolist(), view.channels.fee_ppm.tolist(), ppm, strict=True):
        if new is not None and abs(new - old) >= min_change_ppm:
            yield Action(ActionKind.SET_FEE, channel=channel, fee_ppm=new)
