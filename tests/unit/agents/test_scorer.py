import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from fake_herding import FakeTask

from lnherd.agents.learners import load_policy
from lnherd.agents.packing import Packed
from lnherd.agents.scorer import Scorer, ScorerPolicy, best, log_probabilities, read_npz, save_scorer, scorer_from
from lnherd.anomaly.signals import ALARM_FEATURES
from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.errors import InputError

C, F = len(CONTEXT_FEATURES), len(CANDIDATE_FEATURES)
ABOUT = {
    "algorithm": "ppo",
    "greedy": True,
    "episodes": 7,
    "context": list(CONTEXT_FEATURES),
    "candidate": list(CANDIDATE_FEATURES),
}


def drawn(seed=0, hidden=(8, 5)):
    rng = np.random.default_rng(seed)
    shapes = ((C + F, hidden[0]), (hidden[0],), hidden, (hidden[1],), (hidden[1],), ())
    return Scorer(*(np.asarray(rng.normal(size=shape), dtype=np.float32) for shape in shapes))


def batch(counts, seed=1):
    rng = np.random.default_rng(seed)
    context, features = rng.uniform(-1, 1, (len(counts), C)), rng.uniform(-1, 1, (sum(counts), F))
    return Packed(context.astype(np.float32), features.astype(np.float32), np.array(counts))


def test_scores_are_the_formula_written_out():
    scorer, packed = drawn(), batch([2, 5, 1])
    for row, owner in enumerate(packed.owners):
        inputs = np.concatenate([packed.context[owner], packed.features[row]]).astype(float)
        first = np.maximum(inputs @ scorer.w1.astype(float) + scorer.b1, 0)
        second = np.maximum(first @ scorer.w2.astype(float) + scorer.b2, 0)
        assert scorer.scores(packed)[row] == pytest.approx(second @ scorer.w3.astype(float) + scorer.b3, abs=1e-4)


def test_best_and_softmax_stay_within_each_decision():
    packed = batch([2, 3, 1])
    scores = np.array([1.0, 5.0, 9.0, 9.0, 2.0, -50.0], dtype=np.float32)
    assert best(scores, packed).tolist() == [1, 0, 0]
    logs = log_probabilities(scores, packed)
    assert np.allclose(np.add.reduceat(np.exp(logs), packed.starts), 1.0)
    assert np.isclose(logs[1] - logs[0], 4.0) and logs[5] == 0.0


def test_drawn_actions_follow_the_softmax_and_the_seed():
    task, scorer = FakeTask(), drawn()
    decision = task.reset(0)
    packed = Packed(decision.context[None], decision.features, np.array([2]))
    expected = np.exp(log_probabilities(scorer.scores(packed), packed))[1]
    policy = ScorerPolicy(scorer, greedy=False)
    policy.reset(3)
    acts = [policy.act(decision) for _ in range(3_000)]
    assert np.mean([act == decision.candidates[1] for act in acts]) == pytest.approx(expected, abs=0.03)
    policy.reset(3)
    assert [policy.act(decision) for _ in range(3_000)] == acts


def test_save_and_load(tmp_path):
    path = tmp_path / "policy.npz"
    save_scorer(path, drawn(), ABOUT)
    policy, episodes = load_policy(path)
    assert isinstance(policy, ScorerPolicy) and episodes == 7 and policy.name == "ppo" and policy.greedy
    assert np.array_equal(policy.scorer.w2, drawn().w2)


def test_levels_of_a_watch_are_left_out_by_those_who_do_not_know_them(tmp_path):
    decision = FakeTask().reset(0)
    watched = replace(decision, context=np.append(decision.context, np.float32(0.7)))
    policy = ScorerPolicy(drawn(), n_context=len(decision.context))
    assert policy.act(watched) == policy.act(decision) == ScorerPolicy(drawn()).act(decision)
    with pytest.raises(InputError, match="--watch"):
        ScorerPolicy(drawn(), n_context=len(watched.context)).act(decision)
    save_scorer(tmp_path / "policy.npz", drawn(), {**ABOUT, "context": [*ABOUT["context"], *ALARM_FEATURES]})
    loaded, _ = load_policy(tmp_path / "policy.npz")
    assert loaded.n_context == len(ABOUT["context"]) + len(ALARM_FEATURES)


def test_what_does_not_fit_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "policy.npz"
    with pytest.raises(InputError, match="no such file"):
        load_policy(path)
    path.write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(InputError, match="not a saved policy"):
        load_policy(path)
    save_scorer(path, drawn(), {**ABOUT, "context": ["other"]})
    with pytest.raises(InputError, match="other features"):
        load_policy(path)
    save_scorer(path, drawn(), ABOUT)
    arrays = read_npz(path, "a policy")[1]
    with pytest.raises(InputError, match="'w3' are missing"):
        scorer_from({name: array for name, array in arrays.items() if name != "w3"}, path)
    with pytest.raises(InputError, match="do not fit together"):
        scorer_from({**arrays, "b2": np.zeros(3)}, path)
    with pytest.raises(InputError, match="cannot be written"):
        save_scorer(tmp_path / "no" / "folder.npz", drawn(), ABOUT)


def test_a_saved_policy_runs_without_pytorch(tmp_path):
    save_scorer(tmp_path / "policy.npz", drawn(), ABOUT)
    program = (
        "import sys\nsys.modules['torch'] = None\n"
        "from lnherd.agents.learners import load_policy\nfrom fake_herding import FakeTask\n"
        f"policy, _ = load_policy({str(tmp_path / 'policy.npz')!r})\n"
        "policy.reset(0)\nprint(policy.act(FakeTask().reset(0)).kind.name)\n"
    )
    path = [*sys.path, "tests/support"]
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout.strip() in ("WAIT", "SWAP_OUT"), answer.stderr
