"""The raw runs of a comparison in the schema of marl-eval (Gorsane et al., NeurIPS 2022), for anyone to recompute.

    {environment: {task: {algorithm: {run: {step_k: {step_count, return: [E]}, absolute_metrics: {return: [E]}}}}}}

The tool wants equally many runs and steps of every algorithm. A rule does not change with training, so its
evaluation is repeated for every run and step. The absolute metric is the policy at the end of training.
"""

from typing import Any

from lnherd.experiments.curves import Curve
from lnherd.experiments.results import Results
from lnherd.network.records import Floats

ENVIRONMENT = "lnherd/Herding-v0"


def marl_eval(task: str, results: Results, curves: tuple[Curve, ...]) -> dict[str, Any]:
    """All evaluation returns (R in sat per day) of rules and learners."""
    learned = {curve.policy: curve for curve in curves}
    n_runs = max((len(results.trainings(policy)) for policy in results.policies), default=1)
    steps = curves[0].decisions if curves else [0.0]
    algorithms = {}
    for policy in results.policies:
        runs = {}
        for number in range(n_runs):
            if policy in learned:
                measured = learned[policy].held_out_per_day[number].T
            else:
                measured = results.per_day(policy)[[0] * len(steps)]
            runs[f"run_{number}"] = _run(steps, measured)
        algorithms[policy] = runs
    return {ENVIRONMENT: {task: algorithms}}


def _run(steps: Any, measured: Floats) -> dict[str, Any]:
    """One run: ``measured [n, E]`` at ``steps [n]``."""
    returns = [[round(float(value), 3) for value in values] for values in measured]
    points = {
        f"step_{place}": {"step_count": round(float(step)), "return": values}
        for place, (step, values) in enumerate(zip(steps, returns, strict=True))
    }
    return {**points, "absolute_metrics": {"return": returns[-1]}}
