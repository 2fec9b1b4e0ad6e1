"""Who herds: rules that operators run and agents that learn, behind one protocol."""

from lnherd.agents.policy import Decision, Plan, Policy

__all__ = ["Decision", "Plan", "Policy"]
