"""Hop by hop: no route, but a choice at every node on the way. See ``engine.hops`` and ``engine.hop_policies``."""

from collections import deque
from collections.abc import Callable

from lnherd.engine.codes import (
    DECIDING,
    DECISION_DUE,
    EXPIRY_TOO_FAR,
    EXPIRY_TOO_SOON,
    FAILED,
    FAILING,
    FAILURE_ARRIVES,
    FEE_INSUFFICIENT,
    FORWARDING,
    GIVE_UP,
    HTLC_ARRIVES,
    INCORRECT_CLTV_EXPIRY,
    NO_FAILURE,
    NO_ROUTE,
    PAYMENT_TIMEOUT,
    SPLIT,
    TEMPORARY_TRAMPOLINE_FAILURE,
)
from lnherd.engine.state import NONE
from lnherd.network.fees import forward_fee_msat
from lnherd.reference.channels import add_htlc
from lnherd.reference.randomness import Stream, uniform
from lnherd.reference.world import Part, Payment, World

FAR = 255
DRAWS = 8
COUNTERS_PER_ATTEMPT = 1 << 12
COUNTERS_PER_HOP = 1 << 8


def goes_hop_by_hop(world: World, payment: Payment) -> bool:
    """Whether nodes on the way choose; prescribed channels (rebalances, swaps) need a route."""
    return world.config.sender == "policy" and payment.first_edge == payment.last_edge == NONE


def ask_source(world: World, payment: Payment) -> None:
    """The source decides about what is unsent, unless time or attempts are used up."""
    config = world.config
    if payment.failure == NO_FAILURE and payment.unsent_msat > 0:
        if world.now_ms > payment.start_ms + config.payment_timeout_ms:
            payment.failure = PAYMENT_TIMEOUT
        elif payment.attempts >= config.policy_attempts:
            payment.failure = NO_ROUTE
        else:
            _add_part(world, payment, payment.unsent_msat)
    if payment.failure != NO_FAILURE and not payment.parts:
        world.finish(payment, FAILED)


def _add_part(world: World, payment: Payment, amount_msat: int) -> None:
    payment.attempts += 1
    height = world.height
    part = Part(payment.index, payment.attempts, amount_msat, height, edges=[], amounts=[], cltv=[], hop=-1)
    payment.parts.insert(0, part)
    payment.most_parts = max(payment.most_parts, len(payment.parts))
    ask(world, part)


def ask(world: World, part: Part) -> None:
    """The holder of a part decides at the end of this moment, or at the next multiple of the interval."""
    part.status = DECIDING
    interval_ms = max(1, world.config.decision_interval_ms)
    world.schedule(-(-world.now_ms // interval_ms) * interval_ms, DECISION_DUE, part)


def holder(world: World, part: Part) -> int:
    """Who has the part."""
    return world.directions[part.edges[-1]].target if part.edges else world.payments[part.payment].sender


def decision_due(world: World, part: Part) -> None:
    """Choose by the holder's policy, or wait for a choice from outside."""
    if world.hop_policies[holder(world, part)] == "external":
        world.pending.append(part)
    else:
        carry_out(world, part, choose(world, part))


def carry_out(world: World, part: Part, choice: int) -> None:
    """Go on over an edge, split, or give up; what is impossible fails."""
    payment, is_at_source = world.payments[part.payment], not part.edges
    if is_at_source and payment.failure != NO_FAILURE:
        choice = GIVE_UP
    failure = objection(world, part, choice) if choice >= 0 else TEMPORARY_TRAMPOLINE_FAILURE
    if failure == NO_FAILURE:
        _send_over(world, part, choice)
    elif choice == SPLIT and may_split(world, part):
        half_msat = part.amount_msat // 2
        part.amount_msat -= half_msat
        ask(world, part)
        _add_part(world, payment, half_msat)
    elif not is_at_source:
        part.failed_hop = part.hop + 1
        part.status, part.failure = FAILING, failure
        world.send_message(part, FAILURE_ARRIVES, forth=False)
    else:
        if choice == GIVE_UP and payment.failure == NO_FAILURE:
            payment.failure = NO_ROUTE
        payment.parts.remove(part)
        ask_source(world, payment)


def _send_over(world: World, part: Part, edge: int) -> None:
    amount_msat, cltv = _onward(world, part, edge)
    if not part.edges:
        part.sent_height = world.height
    part.status = FORWARDING
    part.edges.append(edge)
    part.amounts.append(amount_msat)
    part.cltv.append(cltv)
    part.added_ms.append(world.now_ms)
    part.hop += 1
    add_htlc(world.directions[edge], part.htlc(part.hop), amount_msat)
    world.send_message(part, HTLC_ARRIVES, forth=True)
    payment = world.payments[part.payment]
    assert payment.fee_msat <= payment.fee_limit_msat, "no more fees than allowed"
    assert amount_msat >= part.amount_msat, "the receiver gets the part"


def may_split(world: World, part: Part) -> bool:
    """At the source, within the bounds on parts and attempts."""
    config, payment = world.config, world.payments[part.payment]
    most_parts = config.max_parts if config.mpp else 1
    is_allowed = len(payment.parts) < most_parts and payment.attempts < config.policy_attempts
    return is_allowed and not part.edges and part.amount_msat // 2 >= config.min_part_msat


def objection(world: World, part: Part, edge: int) -> int:
    """Why the part may not go on over ``edge``, or NO_FAILURE."""
    config, payment = world.config, world.payments[part.payment]
    passed = {payment.sender} | {world.directions[hop].target for hop in part.edges}
    is_late = world.now_ms > payment.start_ms + config.payment_timeout_ms
    if world.directions[edge].target in passed or is_late or len(part.edges) >= config.hop_limit:
        return TEMPORARY_TRAMPOLINE_FAILURE
    amount_msat, cltv = _onward(world, part, edge)
    if amount_msat < part.amount_msat:
        return FEE_INSUFFICIENT
    if cltv > config.max_outgoing_cltv:
        return EXPIRY_TOO_FAR
    if cltv < config.final_cltv:
        return INCORRECT_CLTV_EXPIRY
    if part.edges and part.sent_height + cltv - world.height <= config.outgoing_reject_delta:
        return EXPIRY_TOO_SOON
    return world.refusal(edge, amount_msat)


def _onward(world: World, part: Part, edge: int) -> tuple[int, int]:
    """Amount and time lock of the HTLC on ``edge``."""
    config, direction = world.config, world.directions[edge]
    payment, policy = world.payments[part.payment], direction.policy
    if not part.edges:
        is_direct = direction.target == payment.receiver
        offer_msat = config.trampoline_fee_base_msat + part.amount_msat * config.trampoline_fee_ppm // 1_000_000
        budget_msat = min(offer_msat, payment.fee_limit_msat - payment.fee_msat)
        if is_direct:
            return part.amount_msat, config.final_cltv
        return part.amount_msat + budget_msat, min(config.cltv_limit, config.max_outgoing_cltv)
    came_over = world.directions[part.edges[-1] ^ 1].policy
    inbound = (came_over.inbound_base_fee_msat, came_over.inbound_fee_ppm)
    fee_msat = forward_fee_msat(part.amounts[-1], policy.base_fee_msat, policy.fee_ppm, *inbound)
    return part.amounts[-1] - fee_msat, part.cltv[-1] - policy.cltv_delta


def choose(world: World, part: Part) -> int:
    """By the holder's own policy: an edge, SPLIT or GIVE_UP."""
    node = holder(world, part)
    own = sorted((d.edge ^ 1 for d in world.directions if d.target == node), key=lambda edge: edge ^ 1)
    possible = [edge for edge in own if objection(world, part, edge) == NO_FAILURE]
    if possible:
        policy = world.hop_policies[node]
        return (
            _drawn(world, part, own, possible) if policy == "random" else min(possible, key=_RANKS[policy](world, part))
        )
    payment = world.payments[part.payment]
    is_over = world.now_ms > payment.start_ms + world.config.payment_timeout_ms
    return SPLIT if may_split(world, part) and not is_over else GIVE_UP


def _drawn(world: World, part: Part, own: list[int], possible: list[int]) -> int:
    """The first possible of a few draws, else the first possible in turn."""
    first = part.payment * COUNTERS_PER_ATTEMPT + part.number
    counters = [len(part.edges) * COUNTERS_PER_HOP + draw for draw in range(DRAWS + 1)]
    drawn = [int(uniform(world.seed, Stream.CHOICE, first, counter) * len(own)) for counter in counters]
    turn = [own[index] for index in drawn[:DRAWS]] + own[drawn[DRAWS] :] + own[: drawn[DRAWS]]
    return next(edge for edge in turn if edge in possible)


Rank = Callable[[int], tuple[int, ...]]


def _by_distance(world: World, part: Part) -> Rank:
    away = distances_to(world, world.payments[part.payment].receiver)
    return lambda edge: (away[world.directions[edge].target], -_onward(world, part, edge)[0])


def _by_fee(world: World, part: Part) -> Rank:
    away = distances_to(world, world.payments[part.payment].receiver)
    here = away[holder(world, part)]

    def rank(edge: int) -> tuple[int, ...]:
        there = away[world.directions[edge].target]
        return (int(there >= here), -_onward(world, part, edge)[0], there)

    return rank


def _by_balance(world: World, part: Part) -> Rank:
    away = distances_to(world, world.payments[part.payment].receiver)
    here = away[holder(world, part)]

    def rank(edge: int) -> tuple[int, ...]:
        direction = world.directions[edge]
        there = away[direction.target]
        return (int(there >= here), -max(0, direction.balance_msat - direction.reserve_msat), there)

    return rank


_RANKS: dict[str, Callable[[World, Part], Rank]] = {
    "shortest": _by_distance,
    "cheapest": _by_fee,
    "balance": _by_balance,
}


def distances_to(world: World, destination: int) -> list[int]:
    """Hops from every node over the directions that were enabled at the start."""
    if destination not in world.distances:
        away = [FAR] * len(world.wallets)
        away[destination] = 0
        queue = deque([destination])
        while queue:
            node = queue.popleft()
            for source, target in world.enabled_at_start:
                if target == node and away[source] == FAR:
                    away[source] = away[node] + 1
                    queue.append(source)
        world.distances[destination] = away
    return world.distances[destination]
