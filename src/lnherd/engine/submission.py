"""Payments added in bulk while a simulation runs: what a world around the engine hands in from time to time."""

from lnherd.engine.codes import PAYMENT_STARTS
from lnherd.engine.heap import schedule
from lnherd.engine.jit import jit
from lnherd.engine.state import NONE, State
from lnherd.network.records import Ints, Records


@jit
def submit(state: State, payments: Records, fee_limit_msat: Ints, n_payments: int) -> int:
    """Append the first ``n_payments`` of ``payments`` (``PAYMENT_DTYPE``), each to start at its ``start_ms``.

    The pools must have room for them (:meth:`Simulation.submit`). Returns the id of the first.
    """
    clock = state.clock[0]
    first: int = clock.n_payments
    for index in range(n_payments):
        given, payment = payments[index], state.payments[first + index]
        payment.start_ms, payment.amount_msat = given.start_ms, given.amount_msat
        payment.sender, payment.receiver, payment.kind = given.sender, given.receiver, given.kind
        payment.fee_limit_msat = fee_limit_msat[index]
        payment.first_edge = payment.last_edge = NONE
        payment.first_attempt = payment.operation = NONE
        schedule(state, given.start_ms, PAYMENT_STARTS, first + index)
    clock.n_payments += n_payments
    return first
