"""A herder of your own against doing nothing: on the same days, in the same world, money for money.

The rule: an agent's node pays and never earns, so its channels run dry; when what is left would
not last three hours, it swaps coins for twelve hours from its wallet into its emptiest channel. What that costs is part
of the result.
"""

from dataclasses import dataclass

import numpy as np

from lnherd.agents.rules.do_nothing import DoNothing
from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision
from lnherd.envs.herding import HerdingTask
from lnherd.envs.scenario import HerdingConfig
from lnherd.experiments.episodes import REWARD, play


@dataclass
class TopUp:
    """Swap in when what can be sent lasts for less than ``low_h`` hours."""

    name: str = "top-up"
    low_h: float = 3.0
    high_h: float = 12.0

    def reset(self, seed: int) -> None:
        """There is nothing to remember."""

    def act(self, decision: Decision) -> Action:
        """Swap coins for ``high_h`` hours into the emptiest channel, or wait."""
        view = decision.view
        per_h_msat = view.out_demand_msat_per_h
        emptiest = view.channels[view.local_share.argmin()]
        amount_msat = min(int(self.high_h * per_h_msat), int(emptiest.remote_msat) // 2, view.wallet_msat // 2)
        lasts = view.spendable_msat.sum() > self.low_h * per_h_msat
        if lasts or len(view.pending) > 0 or amount_msat <= 0:
            return WAIT
        return Action(ActionKind.SWAP_IN, channel=int(emptiest.channel), amount_msat=amount_msat)


def main() -> None:
    """Eight held-out days of an AI agent's node on a small network."""
    task = HerdingTask(HerdingConfig(n_nodes=50))
    days = range(8)
    gains = [play(task, TopUp(), day).totals[REWARD] - play(task, DoNothing(), day).totals[REWARD] for day in days]
    print(f"better than doing nothing on {sum(gain > 0 for gain in gains)} of {len(gains)} days")
    print(f"median gain: {np.median(gains):+,.0f} sat a day")


if __name__ == "__main__":
    main()
