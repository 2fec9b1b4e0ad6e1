"""Decision problems over a simulation. Importing it registers ``lnherd/Herding-v0`` and ``Pricing-v0``."""

import gymnasium

from lnherd.envs.herding import HerdingTask
from lnherd.envs.herding_env import HerdingEnv
from lnherd.envs.reward import RewardConfig
from lnherd.envs.scenario import HerdingConfig, Scenario, build_scenario

__all__ = ["HerdingConfig", "HerdingEnv", "HerdingTask", "RewardConfig", "Scenario", "build_scenario"]

gymnasium.register(id="lnherd/Herding-v0", entry_point="lnherd.envs.herding_env:HerdingEnv")
gymnasium.register(id="lnherd/Pricing-v0", entry_point="lnherd.envs.pricing_env:PricingEnv")
