import json

import made_up_results as made

from lnherd.experiments.marl_eval import marl_eval


def test_schema_has_equal_runs_and_steps_of_every_algorithm():
    results, curve = made.results(), made.curve()
    runs = json.loads(json.dumps(marl_eval("consumer", results, (curve,))))["lnherd/Herding-v0"]["consumer"]
    assert set(runs) == {"do-nothing", "threshold-swap", "q-learning"}
    for policy, by_run in runs.items():
        assert list(by_run) == ["run_0", "run_1", "run_2"], policy
        for run in by_run.values():
            assert list(run) == ["step_0", "step_1", "step_2", "absolute_metrics"]
            assert [run[f"step_{k}"]["step_count"] for k in range(3)] == [192, 384, 768]
            assert all(len(run[f"step_{k}"]["return"]) == 10 for k in range(3))
            assert run["absolute_metrics"]["return"] == run["step_2"]["return"]
    assert runs["q-learning"]["run_1"]["step_1"]["return"] == [1_400.0] * 10
    assert runs["do-nothing"]["run_2"]["step_0"]["return"] == [990.0 + 100.0 * k for k in range(10)]


def test_rules_alone_are_one_step():
    runs = marl_eval("router", made.results(trainings=0), ())["lnherd/Herding-v0"]["router"]
    assert runs["threshold-swap"]["run_0"]["step_0"]["step_count"] == 0
