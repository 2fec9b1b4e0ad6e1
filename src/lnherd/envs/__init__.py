"""Decision problems over a simulation; importing it registers them (``lnherd/Herding-v0``, ``Forwarding-v0``, ...)."""

import gymnasium

from lnherd.control.hop_decision import DecisionBatch
from lnherd.envs.forwarding import ForwardingTask
from lnherd.envs.forwarding_env import ForwardingEnv
from lnherd.envs.forwarding_reward import ForwardingReward
from lnherd.envs.forwarding_scenario import ForwardingConfig
from lnherd.envs.forwarding_worlds import ForwardingWorlds
from lnherd.envs.herding import HerdingTask
from lnherd.envs.herding_env import HerdingEnv
from lnherd.envs.reward import RewardConfig
from lnherd.envs.scenario import HerdingConfig, Scenario, build_scenario

__all__ = [
    "DecisionBatch",
    "ForwardingConfig",
    "ForwardingEnv",
    "ForwardingReward",
    "ForwardingTask",
    "ForwardingWorlds",
    "HerdingConfig",
    "HerdingEnv",
    "HerdingTask",
    "RewardConfig",
    "Scenario",
    "build_scenario",
]

gymnasium.register(id="lnherd/Herding-v0", entry_point="lnherd.envs.herding_env:HerdingEnv")
gymnasium.register(id="lnherd/Forwarding-v0", entry_point="lnherd.envs.forwarding_env:ForwardingEnv")
gymnasium.register(id="lnherd/Pricing-v0", entry_point="lnherd.envs.pricing_env:PricingEnv")
