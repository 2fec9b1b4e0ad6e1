"""How large channels are: mainnet's amounts, larger between larger nodes."""

import numpy as np

from lnherd.network.records import Ints
from lnherd.network.synthetic import mainnet2026 as mainnet
from lnherd.units import MSAT_PER_SAT


def draw_capacities(node1: Ints, node2: Ints, degree: Ints, rng: np.random.Generator) -> Ints:
    """``[C]`` capacities in msat of channels between ``node1`` and ``node2``; ``degree [N]`` counts channels.

    The regression on the ends' degrees decides which channels are larger than which, the measured
    marginal what the amounts are: so any size of network has mainnet's amounts, favourites included.
    """
    ln_degree = np.log(np.stack([degree[node1], degree[node2]]))
    score = mainnet.CAPACITY_LN_MIN_DEGREE * ln_degree.min(axis=0)
    score += mainnet.CAPACITY_LN_MAX_DEGREE * ln_degree.max(axis=0)
    score += mainnet.CAPACITY_RESIDUAL_SD * rng.standard_normal(len(node1))
    return mainnet.CAPACITY_SAT.dealt(score) * MSAT_PER_SAT
