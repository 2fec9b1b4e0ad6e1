"""Forwarding decisions in a second of CPU, hop by hop: compiled policies, the native environment, two threads.

    python benchmarks/forwarding.py [--mainnet SNAPSHOT] [--payments 20000] [--repeats 3] [--json] [--save]

Each row is the best and the median of fresh simulations in this process, kernels compiled before; CPU seconds of the
run alone, in which every decision's HTLC also travels there and back. ``environment`` rows describe every choice
and are stepped from Python under random choices, whose drawing is not counted. The last lines are wall seconds.
"""

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from report import MAINNET, save

from lnherd.engine import Simulation, SimulationConfig, run_many
from lnherd.engine.codes import SUCCEEDED
from lnherd.engine.hop_network import ScoringNetwork
from lnherd.envs import ForwardingConfig, ForwardingTask
from lnherd.network.balances import draw_balances
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.network.records import Ints, Records
from lnherd.network.snapshots import read_network
from lnherd.traffic.demand import mixed

POLICIES = ("random", "shortest", "cheapest", "balance", "network")
HIDDEN = 64


def simulation(network: Network, balances: Ints, payments: Records, policy: str) -> Simulation:
    config = SimulationConfig(sender="policy", hop_policy=policy)
    fresh = Simulation(network, payments, balance_msat=balances, config=config)
    if policy == "network":
        fresh.use_network(ScoringNetwork.random(HIDDEN, np.random.default_rng(1)))
    return fresh


def figures(network: Network, balances: Ints, payments: Records, policy: str, repeats: int) -> dict[str, float]:
    """Decisions a second (best, median), what a decision leads to, and how many payments succeed."""
    speeds = []
    simulation(network, balances, payments[:10], policy).run()
    for _ in range(repeats):
        fresh = simulation(network, balances, payments, policy)
        before = time.process_time()
        fresh.run()
        speeds.append(fresh.state.clock[0].decisions_total / (time.process_time() - before))
    clock = fresh.state.clock[0]
    return {
        "decisions_per_cpu_s_best": max(speeds),
        "decisions_per_cpu_s_median": statistics.median(speeds),
        "decisions": int(clock.decisions_total),
        "success": float((fresh.payments.status == SUCCEEDED).mean()),
        "attempts_per_payment": float(clock.attempts_total / len(payments)),
    }


def step_at_random(task: ForwardingTask, seed: int) -> tuple[int, int, float]:
    """An episode under random choices: decisions, batches, CPU seconds of the steps alone."""
    rng, batch, n_decisions, n_batches = np.random.default_rng(seed), task.reset(seed), 0, 0
    spent_s = 0.0
    while not batch.is_over:
        choices = np.where(batch.mask, rng.random(batch.mask.shape), -1.0).argmax(axis=1)
        n_decisions, n_batches = n_decisions + len(choices), n_batches + 1
        before = time.process_time()
        batch = task.step(choices)
        spent_s += time.process_time() - before
    return n_decisions, n_batches, spent_s


def environment_figures(config: ForwardingConfig, network: Network, repeats: int) -> dict[str, float]:
    """The same of the native environment, as it is stepped from Python."""
    task, speeds = ForwardingTask(config, network), []
    for seed in range(repeats):
        n_decisions, n_batches, spent_s = step_at_random(task, seed)
        speeds.append(n_decisions / spent_s)
    payments = task.simulation.payments
    return {
        "decisions_per_cpu_s_best": max(speeds),
        "decisions_per_cpu_s_median": statistics.median(speeds),
        "decisions": n_decisions,
        "success": float((payments.status == SUCCEEDED).mean()),
        "attempts_per_payment": float(payments.attempts.mean()),
        "decisions_per_batch": n_decisions / n_batches,
    }


def environments() -> dict[str, ForwardingConfig]:
    """Light traffic in small batches, and heavy traffic in large ones."""
    light = ForwardingConfig()
    heavy = replace(light, demand=mixed(2_000.0), duration_ms=5_000)
    return {
        "environment, 20 payments/s": light,
        "environment, 2,000 payments/s": replace(heavy, simulation=replace(heavy.simulation, decision_interval_ms=500)),
    }


def thread_seconds(network: Network, balances: Ints, payments: Records, n_threads: int) -> float:
    """Wall seconds for two simulations side by side."""
    pair = [simulation(network, balances, payments, policy) for policy in ("random", "random")]
    before = time.perf_counter()
    run_many(pair, n_threads=n_threads)
    return time.perf_counter() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mainnet", type=Path, default=MAINNET)
    parser.add_argument("--payments", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    networks = {"synthetic 100 nodes": generate(GeneratorConfig(n_nodes=100), 1)}
    if arguments.mainnet.exists():
        networks["mainnet 2026 live"] = read_network(arguments.mainnet).live()
    rows = {}
    for name, network in networks.items():
        balances = draw_balances(network, "bimodal", np.random.default_rng(4))
        payments = mixed(10.0).sample(network, n_payments=arguments.payments, rng=np.random.default_rng(5))
        for policy in POLICIES:
            rows[f"{name}, {policy}"] = figures(network, balances, payments, policy, arguments.repeats)
    for name, config in environments().items():
        rows[name] = environment_figures(config, config.network(), arguments.repeats)
    pair_s = {n: min(thread_seconds(network, balances, payments, n) for _ in range(arguments.repeats)) for n in (1, 2)}
    rows["two simulations, wall seconds"] = {f"{n} threads": seconds for n, seconds in pair_s.items()}
    if arguments.save:
        save("forwarding", [{"workload": name, **row} for name, row in rows.items()])
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'workload':<32}{'decisions/s best':>18}{'median':>12}{'decisions':>12}{'success':>10}{'attempts':>10}")
    for name, row in rows.items():
        if "decisions" not in row:
            print(f"{name:<32}" + ", ".join(f"{key}: {seconds:.2f}" for key, seconds in row.items()))
            continue
        print(
            f"{name:<32}{row['decisions_per_cpu_s_best']:>18,.0f}{row['decisions_per_cpu_s_median']:>12,.0f}"
            f"{row['decisions']:>12,}{row['success']:>10.1%}{row['attempts_per_payment']:>10.2f}"
        )


if __name__ == "__main__":
    main()
