"""What one sender alone knows of policies: those that came back to it with an error, until gossip tells everybody.

Lessons are few and short-lived, so the path search knows nothing of them: for the time of a sender's search its lessons
and the common view change places (:func:`swap_lessons`, once before and once after). A lesson is stale as soon as
gossip has brought its edge's policy since; stale lessons are given back when their sender next looks.
"""

from lnherd.engine.gossip import copy_policy, is_announced
from lnherd.engine.jit import jit
from lnherd.engine.state import NONE, State


@jit
def learn_policy(state: State, sender: int, edge: int) -> None:
    """An error told ``sender`` the policy of ``edge`` now in force. Needs two free lessons.

    The inbound fee belongs to the node the *counter* edge leaves from, so both directions are learned.
    """
    _learn(state, sender, edge)
    _learn(state, sender, edge ^ 1)


@jit
def _learn(state: State, sender: int, edge: int) -> None:
    lesson_id = _find(state, sender, edge)
    if lesson_id == NONE:
        if _is_common_knowledge(state, edge):
            return
        lesson_id = _take(state, sender)
    lesson = state.lessons[lesson_id]
    lesson.edge, lesson.n_heard = edge, state.edges[edge].n_heard
    copy_policy(state, edge, lesson)


@jit
def _find(state: State, sender: int, edge: int) -> int:
    lesson_id: int = state.nodes[sender].first_lesson
    while lesson_id != NONE and state.lessons[lesson_id].edge != edge:
        lesson_id = state.lessons[lesson_id].next
    return lesson_id


@jit
def _is_common_knowledge(state: State, edge: int) -> bool:
    policy, counter = state.edges[edge], state.edges[edge ^ 1]
    view = state.gossip[state.gossip_position[edge]]
    return bool(
        view.base_fee_msat == policy.base_fee_msat
        and view.fee_ppm == policy.fee_ppm
        and view.htlc_min_msat == policy.htlc_min_msat
        and view.htlc_max_msat == min(policy.htlc_max_msat, view.capacity_msat)
        and view.cltv_delta == policy.cltv_delta
        and view.inbound_base_fee_msat == counter.inbound_base_fee_msat
        and view.inbound_fee_ppm == counter.inbound_fee_ppm
        and view.enabled == is_announced(state, edge)
    )


@jit
def _take(state: State, sender: int) -> int:
    clock, node = state.clock[0], state.nodes[sender]
    lesson_id: int = clock.free_lesson
    if lesson_id != NONE:
        clock.free_lesson = state.lessons[lesson_id].next
    else:
        lesson_id = clock.n_lessons
        clock.n_lessons += 1
    state.lessons[lesson_id].next = node.first_lesson
    node.first_lesson = lesson_id
    return lesson_id


@jit
def forget_stale_lessons(state: State, sender: int) -> None:
    """Give back the lessons that gossip has overtaken."""
    clock, node = state.clock[0], state.nodes[sender]
    before, lesson_id = NONE, node.first_lesson
    while lesson_id != NONE:
        lesson = state.lessons[lesson_id]
        following = lesson.next
        if lesson.n_heard == state.edges[lesson.edge].n_heard:
            before = lesson_id
        else:
            if before == NONE:
                node.first_lesson = following
            else:
                state.lessons[before].next = following
            lesson.next, clock.free_lesson = clock.free_lesson, lesson_id
        lesson_id = following


@jit
def swap_lessons(state: State, sender: int) -> None:
    """Exchange the sender's lessons with the common view: a second call undoes the first."""
    lesson_id = state.nodes[sender].first_lesson
    while lesson_id != NONE:
        lesson = state.lessons[lesson_id]
        view = state.gossip[state.gossip_position[lesson.edge]]
        view.base_fee_msat, lesson.base_fee_msat = lesson.base_fee_msat, view.base_fee_msat
        view.fee_ppm, lesson.fee_ppm = lesson.fee_ppm, view.fee_ppm
        view.htlc_min_msat, lesson.htlc_min_msat = lesson.htlc_min_msat, view.htlc_min_msat
        view.htlc_max_msat, lesson.htlc_max_msat = lesson.htlc_max_msat, view.htlc_max_msat
        view.inbound_base_fee_msat, lesson.inbound_base_fee_msat = (
            lesson.inbound_base_fee_msat,
            view.inbound_base_fee_msat,
        )
        view.inbound_fee_ppm, lesson.inbound_fee_ppm = lesson.inbound_fee_ppm, view.inbound_fee_ppm
        view.cltv_delta, lesson.cltv_delta = lesson.cltv_delta, view.cltv_delta
        view.enabled, lesson.enabled = lesson.enabled, view.enabled
        lesson_id = lesson.next
