"""What an operator can see and do, the same in simulation and on a real node; loads neither Numba nor PyTorch."""

from lnherd.control.action import WAIT, Action, ActionKind
from lnherd.control.decision import Decision, Plan, StepResult, Task, as_actions, decide
from lnherd.control.encode import CANDIDATE_FEATURES, CONTEXT_FEATURES, Encoding, encode
from lnherd.control.menu import MenuConfig, candidate_actions
from lnherd.control.view import NodeView, PaymentCounts, Role

__all__ = [
    "CANDIDATE_FEATURES",
    "CONTEXT_FEATURES",
    "WAIT",
    "Action",
    "ActionKind",
    "Decision",
    "Encoding",
    "MenuConfig",
    "NodeView",
    "PaymentCounts",
    "Plan",
    "Role",
    "StepResult",
    "Task",
    "as_actions",
    "candidate_actions",
    "decide",
    "encode",
]
