"""B10, PID spread (feelancer): a controller moves each channel's spread s against its liquidity error.

The error e lies in [-1/2, 1/2], linear in the peer's share on either side of the target, which is the node's own
average. Per day

    ds/dt = K_t + K_p e + K_i EWMA(e) + K_d decay(de)

the average with rate alpha_i, a change of the error fading with alpha_d. Outbound fee m + s, inbound fee -s, kept free
of arbitrage: (1 + out)(1 + in) >= 1; the margin m reverts to a set level. Only discounts are announced as inbound
fees, as LND does by default. The gains are those of the sample configuration, in ppm a day: very patient.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.tunable import tunable
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan
from lnherd.control.view import NodeView
from lnherd.units import MS_PER_DAY, PPM


def liquidity_error(remote_share: float, target: float) -> float:
    """-1/2 when all is ours, 0 at the target, 1/2 when all is theirs; linear between."""
    if remote_share >= target:
        return 0.5 * (remote_share - target) / (1.0 - target) if target < 1 else 0.0
    return 0.5 * (remote_share - target) / target


@dataclass
class Controller:
    """One channel's spread and what it remembers."""

    spread: float
    """s, in ppm."""
    error: float
    """e at the last look."""
    average: float = 0.0
    """EWMA of e."""
    change: float = 0.0
    """Changes of e, fading."""


@dataclass
class PidSpread:
    """A controller for each channel, one margin for all."""

    k_p: float = tunable(1.0, low=0.1, high=10_000.0, log=True)
    """Proportional gain, ppm a day."""
    k_i: float = tunable(4.8, low=0.1, high=10_000.0, log=True)
    """Gain of the average."""
    alpha_i: float = 0.04
    """Rate of the average, per day."""
    k_d: float = tunable(2.4, low=0.1, high=10_000.0, log=True)
    """Gain of changes."""
    alpha_d: float = 1.0
    """Rate at which changes fade, per day."""
    k_t: float = 0.1
    """Constant drift, ppm a day."""
    margin_ppm: float = tunable(100.0, low=1.0, high=2_000.0, log=True)
    """Level that the margin reverts to."""
    alpha_m: float = tunable(0.1, low=0.01, high=50.0, log=True)
    """Rate of that, per day."""
    max_ppm: int = 5_000
    """Largest fee."""
    name: str = "pid-spread"
    """Short name for tables."""

    def __post_init__(self) -> None:
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget margin and spreads."""
        self._margin: float | None = None
        self._controllers: dict[int, Controller] = {}

    def act(self, decision: Decision) -> Plan:
        """Let every controller take its step, then announce what changed by 1 ppm or more."""
        view = decision.view
        if len(view.channels) == 0:
            return WAIT
        days = view.tick_ms / MS_PER_DAY
        margin = float(view.channels.fee_ppm.mean()) if self._margin is None else self._margin
        self._margin = margin + (self.margin_ppm - margin) * (1.0 - math.exp(-self.alpha_m * days))
        return tuple(self._changes(view, days)) or WAIT

    def _changes(self, view: NodeView, days: float) -> Iterator[Action]:
        capacity = float(view.channels.capacity_msat.sum())
        target = float(np.clip(view.channels.remote_msat.sum() / capacity, 0.05, 0.95))
        for channel in view.channels:
            error = liquidity_error(float(channel.remote_msat) / float(channel.capacity_msat), target)
            out, into = self.fees(self._step(int(channel.channel), float(channel.fee_ppm), error, days))
            if (out, into) != (int(channel.fee_ppm), int(channel.inbound_fee_ppm)):
                yield Action(ActionKind.SET_FEE, channel=int(channel.channel), fee_ppm=out, inbound_fee_ppm=into)

    def _step(self, channel: int, fee_ppm: float, error: float, days: float) -> float:
        """The channel's new spread; the first one continues the fee it has."""
        assert self._margin is not None
        state = self._controllers.setdefault(channel, Controller(fee_ppm - self._margin, error))
        self.advance(state, error, days)
        state.spread = float(np.clip(state.spread, -self._margin, self.max_ppm - self._margin))
        return state.spread

    def advance(self, state: Controller, error: float, days: float) -> None:
        """``ds = dt (K_t + K_p e + K_i EWMA(e) + K_d decay(de))``."""
        keep_i, keep_d = math.exp(-self.alpha_i * days), math.exp(-self.alpha_d * days)
        state.average = keep_i * state.average + (1.0 - keep_i) * error
        state.change = keep_d * state.change + error - state.error
        state.error = error
        state.spread += days * (self.k_t + self.k_p * error + self.k_i * state.average + self.k_d * state.change)

    def fees(self, spread: float) -> tuple[int, int]:
        """Outbound and inbound fee in ppm at this spread."""
        assert self._margin is not None
        out = int(np.clip(round(self._margin + spread), 0, self.max_ppm))
        free_of_arbitrage = -math.floor(PPM * out / (PPM + out))
        return out, int(np.clip(round(-spread), free_of_arbitrage, 0))
