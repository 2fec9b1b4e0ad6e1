from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES
from lnherd.envs import HerdingConfig, HerdingEnv
from lnherd.traffic.demand import l402

CONFIG = HerdingConfig(horizon=5, background=l402(0.005))


@pytest.fixture
def env(small_network):
    return HerdingEnv(CONFIG, small_network)


def test_gymnasium_finds_nothing_wrong(small_network):
    check_env(gymnasium.make("lnherd/Herding-v0", config=CONFIG, network=small_network).unwrapped)


def test_registered_and_made_by_name(small_network):
    made = gymnasium.make("lnherd/Herding-v0", config=CONFIG, network=small_network)
    observation, _ = made.reset(seed=1)
    assert made.observation_space.contains(observation)
    assert observation["context"].shape == (len(CONTEXT_FEATURES),)
    assert observation["candidates"].shape == (CONFIG.menu.max_candidates, len(CANDIDATE_FEATURES))


def test_masks_agree_and_waiting_is_always_possible(env):
    observation, _ = env.reset(seed=2)
    for _ in range(5):
        assert np.array_equal(observation["action_mask"].astype(bool), env.action_masks())
        assert env.action_masks()[0]
        action = env.action_space.sample(observation["action_mask"])
        observation, reward, terminated, truncated, info = env.step(action)
        assert isinstance(reward, float) and not terminated and not info["masked"]
    assert truncated


def test_a_masked_action_is_a_wait(small_network):
    config = replace(CONFIG, offers=replace(CONFIG.menu, kinds=()))
    masked, waiting = HerdingEnv(config, small_network), HerdingEnv(config, small_network)
    masked.reset(seed=3), waiting.reset(seed=3)
    first, second = masked.step(7), waiting.step(0)
    assert first[4]["masked"] and not second[4]["masked"]
    assert first[1] == second[1]


def test_episodes_after_one_another_differ_and_can_be_repeated(env):
    first = [env.reset(seed=4)[1]["episode_seed"], env.reset()[1]["episode_seed"]]
    again = [env.reset(seed=4)[1]["episode_seed"], env.reset()[1]["episode_seed"]]
    assert first == again and first[0] != first[1]


def test_stepping_before_a_reset_is_an_error(env):
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.action_masks()
