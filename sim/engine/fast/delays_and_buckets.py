"""Stations without servers of their own: delay, token bucket, and what their visits share with batches.

Group commit and the polled queue, which serve in batches, are in `batches`.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.draw import time_of
from sim.engine.fast.jobs import spend, wait_for, wake
from sim.engine.fast.layout import (
    LOW,
    Customer,
    Due,
    Failure,
    Header,
    Job,
    Place,
    PlaceKind,
    PlaceStep,
    Queue,
    Ref,
    Step,
    Timer,
    Wait,
)
from sim.engine.fast.memory import Floats, Memory, allocate, free
from sim.engine.fast.meters import granted, released, wait_begins, wait_ends
from sim.engine.fast.nodes import spoils
from sim.engine.fast.queues import append, unlink
from sim.engine.fast.timers import cancel, end_timer, is_set, key_of, make_timer, set_due, set_timer
from sim.engine.order import COMPLETION, TIMEOUT

# -- what they share ----------------------------------------------------------------------------------------


@inner
def new_customer(m: Memory, job: Ref[Job], step: Ref[Step]) -> int:
    """A job comes to one of these stations."""
    customer = allocate(m, Customer.SIZE)
    m[customer + Customer.JOB] = job | step << 31
    m[customer + Customer.REQUESTED] = m[Header.NOW]
    m[customer + Customer.GRANTED] = m[Header.NOW]
    m[customer + Customer.STATE] = 0
    m[customer + Customer.LIMIT] = 0
    return customer


@inner
def begin_customer(m: Memory, place: Ref[Place], customer: Ref[Customer], waited: bool) -> None:
    """The service starts."""
    m[customer + Customer.STATE] |= Customer.INSIDE
    m[customer + Customer.GRANTED] = m[Header.NOW]
    if waited:
        wait_ends(m, place, m[customer + Customer.REQUESTED], True)
    granted(m, place, m[customer + Customer.REQUESTED], 1, waited)


@inner
def customer_done(m: Memory, place: Ref[Place], customer: Ref[Customer]) -> None:
    """The service is over, or cut off."""
    m[customer + Customer.STATE] |= Customer.LEFT
    released(m, place, m[customer + Customer.GRANTED], 1)


@inner
def customer_gone(m: Memory, place: Ref[Place], customer: Ref[Customer]) -> None:
    """Left the line without service."""
    m[customer + Customer.STATE] |= Customer.LEFT
    wait_ends(m, place, m[customer + Customer.REQUESTED], False)


@inner
def queue_customer(m: Memory, place: Ref[Place], line: Ref[Queue], customer: Ref[Customer]) -> None:
    """Stand in a line of customers."""
    append(m, line, customer, Customer.LINKS)
    m[line + Queue.LENGTH] += 1
    wait_begins(m, place)


@inner
def unqueue_customer(m: Memory, line: Ref[Queue], customer: Ref[Customer]) -> None:
    """Leave it."""
    unlink(m, line, customer, Customer.LINKS)
    m[line + Queue.LENGTH] -= 1


@inner
def drop_customer(m: Memory, customer: Ref[Customer]) -> None:
    """Give the record back, with the timer of its patience."""
    end_timer(m, customer + Customer.LIMIT)
    free(m, customer, Customer.SIZE)


@inner
def customer_waits(m: Memory, f: Floats, job: Ref[Job], step: Ref[PlaceStep], customer: Ref[Customer]) -> None:
    """The job waits for the end of the visit, or until its patience runs out."""
    if m[step + PlaceStep.PATIENCE] and m[customer + Customer.STATE] & Customer.INSIDE == 0:
        timer = allocate(m, Timer.SIZE)
        make_timer(m, timer, key_of(TIMEOUT, m[step + Step.ELEMENT], Due.PATIENCE), m[job + Job.ORDER], customer)
        m[customer + Customer.LIMIT] = timer
        length = time_of(m, f, step + PlaceStep.PATIENCE, m[job + Job.PATH], 0)
        set_timer(m, m[Header.NOW] + length, timer)
    wait_for(m, job, Wait.NO_SERVER, customer, step)


@inner
def finish_customer(
    m: Memory, f: Floats, place: Ref[Place], job: Ref[Job], step: Ref[Step], customer: Ref[Customer]
) -> int:
    """The visit is over. Gives the failure, or 0."""
    spend(m, job, m[place + Place.STATE_WAIT], max(m[customer + Customer.GRANTED], m[job + Job.SINCE]))
    spend(m, job, m[place + Place.STATE_SERVICE], m[Header.NOW])
    node = m[customer + Customer.STATE] >> 2
    drop_customer(m, customer)
    kind = m[place + Place.KIND]
    stands = kind == PlaceKind.COMMIT or kind == PlaceKind.POLLED
    return Failure.ERROR if stands and spoils(m, f, m[place + Place.GROUP], node, job, step) else 0


@inner
def account_cut_customer(m: Memory, place: Ref[Place], job: Ref[Job], customer: Ref[Customer]) -> None:
    """Book the time of a visit that came to nothing, and give the record back."""
    if m[customer + Customer.STATE] & Customer.INSIDE:  # a service that is cut off is lost work
        spend(m, job, m[place + Place.STATE_WAIT], max(m[customer + Customer.GRANTED], m[job + Job.SINCE]))
        spend(m, job, m[Header.STATE_LOST], m[Header.NOW])
    spend(m, job, m[place + Place.STATE_WAIT], m[Header.NOW])
    drop_customer(m, customer)


# -- delay -------------------------------------------------------------------------------------------------


@inner
def enter_room(m: Memory, place: Ref[Place], job: Ref[Job], step: Ref[Step], demand_ns: int) -> None:
    """Be served at once."""
    m[place + Place.REQUESTED] += 1
    granted(m, place, m[Header.NOW], 1, False)
    set_due(m, m[Header.NOW] + demand_ns, job, COMPLETION, m[place + Place.ELEMENT], Due.JOB)
    wait_for(m, job, Wait.DELAY_STATION, 0, step)


@inner
def leave_room(m: Memory, place: Ref[Place], job: Ref[Job], state: int) -> None:
    """Served, or cut off."""
    released(m, place, m[job + Job.SINCE], 1)
    spend(m, job, state, m[Header.NOW])


# -- token bucket ------------------------------------------------------------------------------------------


@inner
def _take_token(m: Memory, place: Ref[Place], customer: Ref[Customer], waited: bool) -> None:
    m[place + Place.FULL_AT] = max(m[place + Place.FULL_AT], m[Header.NOW]) + m[place + Place.INTERVAL]
    begin_customer(m, place, customer, waited)
    customer_done(m, place, customer)
    wake(m, m[customer + Customer.JOB] & LOW, 0)


@inner
def _plan_token(m: Memory, place: Ref[Place]) -> None:
    timer = place + Place.TIMER
    if not is_set(m, timer) and m[place + Place.TOKEN_QUEUE]:
        make_timer(m, timer, key_of(COMPLETION, m[place + Place.ELEMENT], Due.TOKEN), 0, place)
        set_timer(m, m[place + Place.FULL_AT] - m[place + Place.SLACK], timer)


@inner
def enter_bucket(m: Memory, place: Ref[Place], customer: Ref[Customer]) -> int:
    """Take a token, or wait for one in line. Gives the failure, or 0."""
    line = place + Place.TOKEN_QUEUE
    if m[line] == 0 and m[place + Place.FULL_AT] - m[place + Place.SLACK] <= m[Header.NOW]:
        _take_token(m, place, customer, False)
        return 0
    limit = m[place + Place.LIMIT]
    if limit >= 0 and m[line + Queue.LENGTH] >= limit:
        m[place + Place.REJECTED] += 1
        return Failure.REJECTED
    queue_customer(m, place, line, customer)
    _plan_token(m, place)
    return 0


@inner
def token_comes(m: Memory, place: Ref[Place]) -> None:
    """The head of the line has its token."""
    customer = m[place + Place.TOKEN_QUEUE]
    unqueue_customer(m, place + Place.TOKEN_QUEUE, customer)
    _take_token(m, place, customer, True)
    _plan_token(m, place)


@inner
def leave_bucket(m: Memory, place: Ref[Place], customer: Ref[Customer]) -> None:
    """Leave the line."""
    unqueue_customer(m, place + Place.TOKEN_QUEUE, customer)
    customer_gone(m, place, customer)
    if m[place + Place.TOKEN_QUEUE] == 0:
        cancel(m, place + Place.TIMER)
