"""Who pays whom, when and how much: demand models and recorded traces."""

from lnherd.traffic.demand import PAYMENT_DTYPE, PAYMENT_KINDS, Component, Demand, preset

__all__ = ["PAYMENT_DTYPE", "PAYMENT_KINDS", "Component", "Demand", "preset"]
