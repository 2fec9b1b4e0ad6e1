"""Policies that come with the package, for roles where one is good: trained in many generated worlds; NumPy runs them.

Each file says where it comes from (``about`` in it: learner, seed, episodes, configuration, names of its inputs);
docs/ppo.md tells how they were made and what they earn.
"""

from pathlib import Path

from lnherd.control.view import Role

PREFIX = "shipped-"
FOLDER = Path(__file__).parent / "policies"


def shipped_policy(role: Role) -> Path:
    """File of the policy for ``role``; it need not be there."""
    return FOLDER / f"{role.value}.npz"


def shipped_role(name: str) -> Role | None:
    """The role that ``shipped-ROLE`` names; None for any other name."""
    role = name.removeprefix(PREFIX)
    return Role(role) if name.startswith(PREFIX) and role in list(Role) else None
