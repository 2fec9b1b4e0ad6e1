"""The fee formula of :mod:`lnherd.network.fees`, compiled."""

from lnherd.engine.jit import jit
from lnherd.network import fees

forward_fee_msat = jit(fees.forward_fee_msat)
