"""Hold the simulator to closed forms: queues, random walks, products of chances, fees, arrivals, blocks.

    python verification/theory.py [--plots DIRECTORY] [--only NAME]

Prints one line a law and exits with 1 when one fails. Seeds are fixed, so a run always says the same. Had they been
drawn anew and were every law true, some law would fail with a chance of at most 1 % (Bonferroni over all tests).
Every law is also held, on the same data, to a wrong parameter (10 % off where nothing else is said); a test that
does not notice fails too. Quantile-quantile plots are saved besides.
"""

import argparse
import sys
import time
from pathlib import Path

from laws.arrivals import arrivals
from laws.chain import blocks, message_times
from laws.checks import Check, Findings
from laws.depletion import depletion
from laws.plots import save
from laws.queueing import in_flight, slot_blocking
from laws.routes import fees, success_products

FAMILIES = {
    "in-flight": in_flight,
    "slots": slot_blocking,
    "depletion": depletion,
    "success": success_products,
    "fees": fees,
    "arrivals": arrivals,
    "blocks": blocks,
    "messages": message_times,
}
FALSE_ALARMS = 0.01
"""Chance that a sound simulator fails anywhere, over fresh seeds."""


def report(check: Check, threshold: float) -> bool:
    """Print one line; true when the law holds and the wrong law does not."""
    p, p_wrong = check.p_at(1.0), check.p_at(check.wrong)
    good = p >= threshold > p_wrong
    off = f"{check.wrong - 1:+.0%}" if check.wrong > 1.005 else f"{check.wrong - 1:+.1%}"
    verdict = "pass" if good else "FAIL: law rejected" if p < threshold else "FAIL: blind to a wrong parameter"
    print(f"{check.law:<62}{check.n:>7}{check.measured:>16,.4f}{check.expected:>16,.4f}  {p:>7.4f}  "
          f"{p_wrong:>8.1e} at {off:<6}{check.test:<20}{verdict}")  # fmt: skip
    return good


def main() -> int:
    """Run all families, or one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plots", type=Path, default=Path("verify-plots"), help="where to save the plots")
    parser.add_argument("--only", choices=FAMILIES, help="one family of laws instead of all")
    arguments = parser.parse_args()
    found: list[Findings] = []
    for name in [arguments.only] if arguments.only else FAMILIES:
        started = time.process_time()
        found.append(FAMILIES[name]())
        print(f"{name}: simulated in {time.process_time() - started:.1f} s of CPU", file=sys.stderr)
    checks = [check for findings in found for check in findings.checks]
    threshold = FALSE_ALARMS / len(checks)
    print(f"{'law':<62}{'n':>7}{'measured':>16}{'theory':>16}  {'p':>7}  {'p if theory were off':<18}  {'test':<20}")
    verdicts = [report(check, threshold) for check in checks]
    print(f"{sum(verdicts)} of {len(checks)} laws hold; a law is rejected below p = {threshold:.1e}, so that a sound "
          f"simulator fails in {FALSE_ALARMS:.0%} of all choices of seeds")  # fmt: skip
    for findings in found:
        print(f"saved {save(findings, arguments.plots)}", file=sys.stderr)
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
