"""Rules that operators run, one file each (B0 ... B11 in reference order), as policies."""

import math
from collections.abc import Callable

from lnherd.agents.policy import Policy
from lnherd.agents.rules.clboss_earnings import ClbossEarnings
from lnherd.agents.rules.clboss_fees import ClbossFees
from lnherd.agents.rules.clboss_jit import ClbossJit
from lnherd.agents.rules.combined import Combined
from lnherd.agents.rules.demand_controller import DemandController
from lnherd.agents.rules.do_nothing import DoNothing
from lnherd.agents.rules.exp_balance import ExpBalance
from lnherd.agents.rules.greedy_imbalance import GreedyImbalance
from lnherd.agents.rules.lndg_autofees import LndgAutofees
from lnherd.agents.rules.market import Market
from lnherd.agents.rules.peer_judge import PeerJudge
from lnherd.agents.rules.pid_spread import PidSpread
from lnherd.agents.rules.proportional import Proportional
from lnherd.agents.rules.random_choice import RandomChoice
from lnherd.agents.rules.rebalance_half import RebalanceHalf
from lnherd.agents.rules.static import Static
from lnherd.agents.rules.terminal_autofees import TerminalAutofees
from lnherd.agents.rules.threshold_swap import ThresholdSwap
from lnherd.agents.rules.top_centrality import TopCentrality


def proportional_and_rebalance() -> Combined:
    """Proportional fees and economic rebalancing together: what hobbyists really run."""
    return Combined((Proportional(), RebalanceHalf()), "proportional+rebalance")


def reckless_rebalance() -> RebalanceHalf:
    """B6 without its economic condition (rebalance-lnd's ``--reckless``)."""
    return RebalanceHalf(phi=math.inf, name="rebalance-reckless")


def clboss() -> Combined:
    """B5: CLBOSS' fees with its earnings and just-in-time rebalancers."""
    return Combined((ClbossFees(), ClbossEarnings(), ClbossJit()), "clboss")


RULES: dict[str, Callable[[], Policy]] = {
    "do-nothing": DoNothing,
    "market": Market,
    "static": Static,
    "proportional": Proportional,
    "exp-balance": ExpBalance,
    "lndg-autofees": LndgAutofees,
    "clboss": clboss,
    "rebalance-half": RebalanceHalf,
    "rebalance-reckless": reckless_rebalance,
    "proportional+rebalance": proportional_and_rebalance,
    "greedy-imbalance": GreedyImbalance,
    "threshold-swap": ThresholdSwap,
    "demand-controller": DemandController,
    "terminal-autofees": TerminalAutofees,
    "pid-spread": PidSpread,
    "top-centrality": TopCentrality,
    "peer-judge": PeerJudge,
    "random": RandomChoice,
}
"""Every rule by the name it has in tables, with its published defaults."""

__all__ = [
    "RULES",
    "ClbossEarnings",
    "ClbossFees",
    "ClbossJit",
    "Combined",
    "DemandController",
    "DoNothing",
    "ExpBalance",
    "GreedyImbalance",
    "LndgAutofees",
    "Market",
    "PeerJudge",
    "PidSpread",
    "Proportional",
    "RandomChoice",
    "RebalanceHalf",
    "Static",
    "TerminalAutofees",
    "ThresholdSwap",
    "TopCentrality",
    "clboss",
    "proportional_and_rebalance",
    "reckless_rebalance",
]
