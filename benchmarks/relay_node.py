"""Payments a second of the relay-node scenario, in CPU time: the simulator alone, and with a policy asked 599 times."""

import time

from lnherd.agents.afterstate import AfterstateLearner
from lnherd.agents.policy import Policy
from lnherd.agents.relay_rules import Autoloop, Loopmax
from lnherd.agents.rules import DoNothing
from lnherd.engine.relay_kernel import live
from lnherd.envs.relay_node import N_TICKS, TICK_MS, new_books, sample_payments
from lnherd.experiments.relay_node import new_afterstate, play_life

REPEATS = 7
N_PAYMENTS = 75_000


def simulator_alone() -> float:
    """One life in chunks of ten minutes; traffic drawn beforehand."""
    payments, books = sample_payments(1), new_books()
    started = time.process_time()
    for tick in range(1, N_TICKS + 1):
        live(books, payments, tick * TICK_MS)
    return N_PAYMENTS / (time.process_time() - started)


def with_policy(policy: Policy | AfterstateLearner) -> float:
    """One life, drawing the traffic and everything a policy is shown included."""
    started = time.process_time()
    play_life(policy, 1, "")
    return N_PAYMENTS / (time.process_time() - started)


def main() -> None:
    simulator_alone()
    rates = sorted(simulator_alone() for _ in range(REPEATS))
    print(f"simulator alone          {rates[REPEATS // 2]:12,.0f}   best {rates[-1]:12,.0f}")
    for policy in (DoNothing(), Autoloop(), Loopmax(), new_afterstate()):
        rates = sorted(with_policy(policy) for _ in range(REPEATS))
        print(f"{policy.name:24} {rates[REPEATS // 2]:12,.0f}   best {rates[-1]:12,.0f}")


if __name__ == "__main__":
    main()
