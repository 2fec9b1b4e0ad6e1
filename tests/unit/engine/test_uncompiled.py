"""``NUMBA_DISABLE_JIT=1`` runs the very same code uncompiled, for debuggers and coverage, with the same outcome."""

import json
import os
import subprocess
import sys
from pathlib import Path

SUPPORT = Path(__file__).parents[2] / "support"
PROGRAM = """
import sys, warnings
warnings.simplefilter("error")
sys.path.insert(0, sys.argv[1])
import json
import numpy as np
from scenarios import random_network, random_payments
from lnherd.engine import Simulation, SimulationConfig
from lnherd.engine.config import CLOTH

def outcome(config):
    rng = np.random.default_rng(8)
    network = random_network(rng, 8, 20)
    simulation = Simulation(network, random_payments(rng, 8, 20, 3_000), config=config, seed=2**64 - 5)
    simulation.run(until_ms=1_000)
    simulation.set_policy(4, base_fee_msat=9_000, inbound_fee_ppm=-300)
    simulation.fund(int(network.edge_source[6]), 10**9)
    simulation.open_channel(int(network.edge_source[6]), int(network.edge_source[9]), 10**8)
    simulation.run()
    assert simulation.audit() == []
    payments, edges = simulation.payments, simulation.state.edges
    fields = ("status", "failure", "attempts", "parts", "hops", "fee_msat", "end_ms")
    return [[payments[field].tolist() for field in fields], edges.balance_msat.tolist(), simulation.now_ms]

lossy = SimulationConfig(stuck_probability=0.1, min_part_msat=10_000_000, max_htlcs=4, payment_timeout_ms=3_000)
print(json.dumps([outcome(lossy), outcome(CLOTH)]))
"""


def outcomes(**environment) -> list:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(SUPPORT)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_uncompiled_code_gives_the_same_outcome():
    compiled = outcomes()
    assert outcomes(NUMBA_DISABLE_JIT="1") == compiled
    statuses = compiled[0][0][0]
    assert {2, 3} <= set(statuses), "the run has both successes and failures"
