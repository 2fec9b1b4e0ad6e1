"""How long one path search takes, against LND's search as a textbook would compile it, in the same run.

    python benchmarks/routing.py [--queries 1000] [--repeats 3] [--json]

Random pairs of nodes with nothing remembered, by amount; CPU microseconds a query, medians of repeats that
alternate between the two. ``same_cost`` is the share of queries on which both find a route of equal cost (or none):
the two order their labels differently, and one label a node cannot be perfect where costs do not add up.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from report import CLOTH, MAINNET, machine, print_table, save
from textbook import run_look_ahead, run_textbook

from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.building import fee_limit_msat
from lnherd.engine.config import profile
from lnherd.network.balances import draw_balances
from lnherd.network.generate import GeneratorConfig, generate
from lnherd.network.graph import Network
from lnherd.network.records import Ints, zero_records
from lnherd.network.snapshots import read_network
from lnherd.traffic.demand import PAYMENT_DTYPE

AMOUNTS: dict[str, Callable[[np.random.Generator, int], Ints]] = {
    "100 sat": lambda rng, count: np.full(count, 100_000),
    "log-normal 20k sat": lambda rng, count: (np.exp(rng.normal(np.log(20_000), 1.0, count)) * 1000).astype(np.int64),
    "50k sat": lambda rng, count: np.full(count, 50_000_000),
    "1M sat": lambda rng, count: np.full(count, 1_000_000_000),
}


def networks() -> dict[str, tuple[Network, SimulationConfig]]:
    """The snapshots that are there, else a generated network."""
    found = {}
    if MAINNET.exists():
        mainnet = read_network(MAINNET).live()
        balances = draw_balances(mainnet, "bimodal", np.random.default_rng(4))
        found["mainnet 2026"] = (mainnet.with_balances(balances), SimulationConfig())
    if CLOTH.exists():
        found["cloth 2020"] = (read_network(CLOTH), profile("cloth"))
    return found or {"generated 7k": (generate(GeneratorConfig(), 1), SimulationConfig())}


def compare(network: Network, config: SimulationConfig, amounts: Ints, repeats: int) -> dict[str, float]:
    """Both searches on the same queries, each on a state of its own."""
    rng = np.random.default_rng(7)
    pairs = np.array([rng.choice(network.n_nodes, 2, replace=False) for _ in amounts])
    queries = (pairs[:, 0].copy(), pairs[:, 1].copy(), amounts, fee_limit_msat(amounts, config.fee_limit))
    searches = {"lnherd": run_look_ahead, "textbook": run_textbook}
    states = {name: Simulation(network, zero_records(0, PAYMENT_DTYPE), config=config).state for name in searches}
    costs = {name: np.empty(len(amounts)) for name in searches}
    times: dict[str, list[float]] = {name: [] for name in searches}
    for repeat in range(repeats + 1):  # the first round compiles and warms the caches
        for name, search in searches.items():
            before = time.process_time()
            search(states[name], *queries, costs[name])
            if repeat > 0:
                times[name].append((time.process_time() - before) / len(amounts) * 1e6)
    ours, textbook = (statistics.median(times[name]) for name in ("lnherd", "textbook"))
    same = np.isclose(costs["lnherd"], costs["textbook"], rtol=1e-9) | (
        np.isinf(costs["lnherd"]) & np.isinf(costs["textbook"])
    )
    cheaper = costs["lnherd"] < costs["textbook"] * (1 - 1e-9)
    return {
        "lnherd_us": ours,
        "textbook_us": textbook,
        "ratio": textbook / ours,
        "same_cost": float(same.mean()),
        "cheaper": float(cheaper.mean()),
        "routes_found": float(np.isfinite(costs["lnherd"]).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for network_name, (network, config) in networks().items():
        for amount_name, draw in AMOUNTS.items():
            amounts = draw(np.random.default_rng(8), arguments.queries)
            row = compare(network, config, amounts, arguments.repeats)
            rows.append({"network": network_name, "amount": amount_name, **row})
    if arguments.save:
        save("routing", rows)
    print(json.dumps({"machine": machine(), "rows": rows}, indent=2)) if arguments.json else print_table(rows)


if __name__ == "__main__":
    main()
