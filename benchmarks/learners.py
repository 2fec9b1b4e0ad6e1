"""Training throughput beside Stable-Baselines3: same environment, network size, epochs, minibatches, in one run.

    decisions per CPU second, end to end, on Herding-v0 and on recorded decisions of it (an environment that costs
    nothing, so that what is left is the learners' own time)

The extra "bench" installs SB3. Its networks see the padded observation flat, as its MultiInputPolicy makes it; ours
scores packed candidates. Each side also gets its own way of collecting: here several episodes side by side on NumPy.
"""

import argparse
import statistics
import time
import warnings
from importlib.util import find_spec

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from report import save

from lnherd.agents.configs import DQNConfig, NetworkConfig, PPOConfig
from lnherd.agents.dqn import DQNLearner
from lnherd.agents.ppo import PPOLearner
from lnherd.control.action import WAIT
from lnherd.control.decision import StepResult
from lnherd.envs import HerdingConfig, HerdingTask
from lnherd.envs.herding_env import HerdingEnv, observation
from lnherd.experiments.episodes import REWARD, play
from lnherd.experiments.seeds import held_out_seeds, training_seeds

EPOCHS, MINIBATCH, BATCH, HORIZON, HIDDEN = 4, 64, 384, 48, 64
DQN_MINIBATCH, UPDATES = 128, 0.5
RUNS = 3


class Recording:
    """Decisions of a few herding episodes, lived through with random candidates."""

    def __init__(self, episodes=4):
        task, rng = HerdingTask(HerdingConfig()), np.random.default_rng(0)
        self.episodes = []
        for seed in range(episodes):
            decisions, rewards = [task.reset(seed)], []
            for _ in range(HORIZON):
                possible = np.flatnonzero(decisions[-1].mask)
                result = task.step(decisions[-1].candidates[int(rng.choice(possible))])
                decisions.append(result.decision)
                rewards.append(result.reward)
            self.episodes.append((decisions, rewards))


class RecordedTask:
    """Plays a recording whatever is done."""

    def __init__(self, recording):
        self.recording = recording

    def reset(self, seed):
        self.decisions, self.rewards = self.recording.episodes[seed % len(self.recording.episodes)]
        self.at = 0
        return self.decisions[0]

    def step(self, _plan):
        self.at += 1
        return StepResult(self.decisions[self.at], self.rewards[self.at - 1], {}, truncated=self.at == HORIZON)


class RecordedEnv(gymnasium.Env):
    """The same for Gymnasium."""

    def __init__(self, recording):
        self.task = RecordedTask(recording)
        like = HerdingEnv(HerdingConfig())
        self.observation_space, self.action_space = like.observation_space, like.action_space
        self.count = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count += 1
        self.decision = self.task.reset(self.count)
        return observation(self.decision), {}

    def step(self, _action):
        result = self.task.step(WAIT)
        self.decision = result.decision
        return observation(self.decision), result.reward, False, result.truncated, {}

    def action_masks(self):
        return self.decision.mask


class Unmasked(gymnasium.ObservationWrapper):
    """SB3's DQN knows no masks and no Dict inside a replay buffer of one array: the observation as one vector."""

    def __init__(self, env):
        super().__init__(env)
        size = sum(int(np.prod(space.shape)) for space in env.observation_space.values())
        self.observation_space = spaces.Box(-1.0, 1.0, (size,), np.float32)

    def observation(self, observation):
        return np.concatenate([np.ravel(part).astype(np.float32) for part in observation.values()])


def cpu_rate(work, decisions):
    """Decisions per CPU second: median and best of RUNS."""
    rates = []
    for _ in range(RUNS):
        started = time.process_time()
        work()
        rates.append(decisions / (time.process_time() - started))
    return statistics.median(rates), max(rates)


def ours(learner, factory, decisions):
    tasks = [factory() for _ in range(8)]
    episodes = decisions // HORIZON

    def work():
        turn = iter(tasks * 2)
        learner.train(lambda: next(turn), episodes, range(1, episodes + 1))

    return cpu_rate(work, decisions)


def theirs(model, decisions):
    return cpu_rate(lambda: model.learn(decisions, reset_num_timesteps=False), decisions)


def stable_baselines(make_env):
    """SB3's PPO and DQN at the same size, or nothing where the extra is missing."""
    if find_spec("sb3_contrib") is None:
        print("Stable-Baselines3 is not installed (pip install 'lnherd[bench]'): measuring lnherd alone")
        return {}
    from sb3_contrib import MaskablePPO
    from stable_baselines3 import DQN

    layers = {"net_arch": [HIDDEN, HIDDEN], "activation_fn": torch.nn.ReLU}
    ppo = MaskablePPO(
        "MultiInputPolicy", make_env(), n_steps=BATCH, batch_size=MINIBATCH, n_epochs=EPOCHS, policy_kwargs=layers
    )
    dqn = DQN(
        "MlpPolicy", Unmasked(make_env()), batch_size=DQN_MINIBATCH, train_freq=4, gradient_steps=int(4 * UPDATES),
        learning_starts=100, buffer_size=10_000, policy_kwargs=layers,
    )  # fmt: skip
    return {"PPO": ppo, "DQN": dqn}


def measure(name, factory, make_env, decisions):
    network = NetworkConfig(hidden=(HIDDEN, HIDDEN))
    ppo = PPOConfig(network=network, epochs=EPOCHS, minibatch=MINIBATCH, batch_episodes=8, target_kl=None)
    dqn = DQNConfig(network=network, minibatch=DQN_MINIBATCH, updates_per_decision=UPDATES, warm_up=100)
    peers, rows = stable_baselines(make_env), []
    for algorithm, learner in (("PPO", PPOLearner(ppo)), ("DQN", DQNLearner(dqn))):
        here, here_best = ours(learner, factory, decisions)
        row = {"environment": name, "algorithm": algorithm, "lnherd_per_cpu_s": here, "lnherd_best": here_best}
        line = f"{name:<12} {algorithm}  lnherd {here:8,.0f} (best {here_best:,.0f})"
        if algorithm in peers:
            there, there_best = theirs(peers[algorithm], decisions)
            row |= {"sb3_per_cpu_s": there, "sb3_best": there_best}
            line += f"   SB3 {there:8,.0f} (best {there_best:,.0f})   ratio {here / there:.1f}"
        print(line, flush=True)
        rows.append(row)
    return rows


def earned(choose, seeds):
    """R of held-out days of Herding-v0, in sat, one number a seed. ``choose`` maps an observation to an action."""
    task, totals = HerdingTask(HerdingConfig()), []
    for seed in seeds:
        decision, total, over = task.reset(seed), 0.0, False
        while not over:
            result = task.step(decision.candidates[choose(observation(decision))])
            decision, total, over = result.decision, total + result.reward, result.terminated or result.truncated
        totals.append(total)
    return totals


def rewards(episodes, trainings):
    """What PPO earns after the same number of episodes: ours and SB3's at the same sizes, else by their defaults."""
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    seeds = held_out_seeds(0, 10)
    found = {"do-nothing": [earned(lambda seen: 0, seeds)], "lnherd": [], "SB3": []}
    for training in range(trainings):
        learner = PPOLearner(PPOConfig(network=NetworkConfig(hidden=(HIDDEN, HIDDEN), wait_logit=3.0)), training)
        learner.train(lambda: HerdingTask(HerdingConfig()), episodes, training_seeds(training, episodes))
        found["lnherd"].append([play(HerdingTask(HerdingConfig()), learner.policy(), s).totals[REWARD] for s in seeds])
        venv = DummyVecEnv([lambda: HerdingEnv(HerdingConfig())])
        venv.seed(training)
        model = MaskablePPO(
            "MultiInputPolicy", VecNormalize(venv, norm_obs=False), n_steps=BATCH, batch_size=MINIBATCH, seed=training,
            policy_kwargs={"net_arch": [HIDDEN, HIDDEN], "activation_fn": torch.nn.ReLU},
        )  # fmt: skip
        model.learn(episodes * HORIZON)
        found["SB3"].append(
            earned(lambda seen, m=model: int(m.predict(seen, action_masks=seen["action_mask"])[0]), seeds)
        )
        for name, runs in found.items():
            print(f"{name:<12}" + "".join(f"{statistics.mean(run):10,.0f}" for run in runs), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--reward", type=int, metavar="EPISODES", help="what PPO earns after so many, beside SB3's")
    parser.add_argument("--trainings", type=int, default=3, help="with --reward: of each")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.reward:
        rewards(arguments.reward, arguments.trainings)
        return
    torch.set_num_threads(1)
    recording = Recording()
    print(f"decisions per CPU second, training included; median of {RUNS}")
    rows = measure("recorded", lambda: RecordedTask(recording), lambda: RecordedEnv(recording), 4 * BATCH)
    rows += measure("Herding-v0", lambda: HerdingTask(HerdingConfig()), lambda: HerdingEnv(HerdingConfig()), BATCH)
    if arguments.save:
        save("learners", rows)


if __name__ == "__main__":
    main()
