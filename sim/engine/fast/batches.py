"""Batch stations: group commit and the polled queue, one batch in service at a time."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.choices import node_by_key
from sim.engine.fast.delays_and_buckets import (
    account_cut_customer,
    begin_customer,
    customer_done,
    customer_gone,
    leave_bucket,
    queue_customer,
    unqueue_customer,
)
from sim.engine.fast.draw import time_of
from sim.engine.fast.jobs import wake
from sim.engine.fast.layout import (
    LOW,
    ONE_CORE,
    BatchNode,
    Customer,
    Due,
    Failure,
    Header,
    Job,
    Place,
    PlaceKind,
    Queue,
    Ref,
    Round,
    Timer,
)
from sim.engine.fast.memory import Floats, Memory, add_product, half_even, multiple_above
from sim.engine.fast.nodes import add_hit, is_ready, is_up, speed_of
from sim.engine.fast.queues import append, unlink
from sim.engine.fast.timers import cancel, is_set, key_of, make_timer, set_timer
from sim.engine.order import COMPLETION

# -- rounds -------------------------------------------------------------------------------------------------


@inner
def queue_at(m: Memory, place: Ref[Place], node: int) -> int:
    """The queue of a node and its reader."""
    return m[place + Place.NODES] + node * BatchNode.SIZE


@inner
def account_round(m: Memory, place: Ref[Place], round_: Ref[Round]) -> None:
    """Bring the time at work up to now."""
    add_product(m, place + Place.WORK, ONE_CORE, m[Header.NOW] - m[round_ + Round.BEGUN])
    m[round_ + Round.BEGUN] = m[Header.NOW]


@inner
def _under_way(m: Memory, round_: Ref[Round]) -> bool:
    return is_set(m, round_) or m[round_ + Round.LEFT] >= 0


@inner
def _end_in(m: Memory, place: Ref[Place], round_: Ref[Round], length: int) -> None:
    now = m[Header.NOW]
    m[round_ + Round.BEGUN] = now
    m[round_ + Round.ENDS] = now + length
    make_timer(m, round_, key_of(COMPLETION, m[place + Place.ELEMENT] + m[round_ + Round.NODE], Due.ROUND), 0, place)
    set_timer(m, now + length, round_)


@inner
def _take(m: Memory, place: Ref[Place], queue: Ref[BatchNode], count: int) -> None:
    """The first `count` of a queue are a batch."""
    m[place + Place.BATCHES] += 1
    for _ in range(count):
        customer = m[queue + BatchNode.QUEUE]
        unqueue_customer(m, queue + BatchNode.QUEUE, customer)
        append(m, queue + BatchNode.ROUND + Round.FIRST, customer, Customer.LINKS)
        begin_customer(m, place, customer, True)


@inner
def _begin(m: Memory, f: Floats, place: Ref[Place], node: int, count: int) -> None:
    """Serve the first `count` at a node, for a time that is drawn for full speed."""
    queue = queue_at(m, place, node)
    length = time_of(m, f, place + Place.DIST, node, m[queue + BatchNode.READS])
    m[queue + BatchNode.READS] += 1
    _take(m, place, queue, count)
    speed = speed_of(m, f, m[place + Place.GROUP], node)
    _end_in(m, place, queue + BatchNode.ROUND, length if speed == 1.0 else half_even(length / speed))


@inner
def _detach(m: Memory, round_: Ref[Round]) -> int:
    first = m[round_ + Round.FIRST]
    m[round_ + Round.FIRST] = 0
    m[round_ + Round.LAST] = 0
    return first


@inner
def _release(m: Memory, place: Ref[Place], customer: Ref[Customer]) -> None:
    """Let those go on whose flush or read has ended, in the order of their arrival."""
    while customer:
        following = m[customer + Customer.LINKS] & LOW
        customer_done(m, place, customer)
        wake(m, m[customer + Customer.JOB] & LOW, 0)
        customer = following


@inner
def _stop(m: Memory, place: Ref[Place], round_: Ref[Round]) -> None:
    if is_set(m, round_):
        account_round(m, place, round_)
        cancel(m, round_)


@inner
def _drop(m: Memory, place: Ref[Place], round_: Ref[Round]) -> None:
    """The node has crashed: those that were being served are hit."""
    customer = _detach(m, round_)
    while customer:
        following = m[customer + Customer.LINKS] & LOW
        m[customer + Customer.LINKS] = 0
        add_hit(m, m[customer + Customer.JOB] & LOW, -1)
        customer = following
    m[round_ + Round.LEFT] = -1
    _stop(m, place, round_)


@inner
def _change_speed(m: Memory, place: Ref[Place], round_: Ref[Round], speed: float) -> None:
    """Stand still, or go on."""
    if speed == 0.0 and is_set(m, round_):
        m[round_ + Round.LEFT] = m[round_ + Round.ENDS] - m[Header.NOW]
        _stop(m, place, round_)
    elif speed > 0.0 and m[round_ + Round.LEFT] >= 0:
        left = m[round_ + Round.LEFT]
        m[round_ + Round.LEFT] = -1
        _end_in(m, place, round_, left)


# -- group commit ------------------------------------------------------------------------------------------


@inner
def start_flush(m: Memory, f: Floats, place: Ref[Place]) -> None:
    """Start the next flush, where somebody waits, none is under way and the node is ready."""
    first = queue_at(m, place, 0)
    waiting = m[first + BatchNode.QUEUE + Queue.LENGTH]
    if waiting == 0 or _under_way(m, first + BatchNode.ROUND) or not is_ready(m, place, 0):
        return
    limit = m[place + Place.BATCH]
    _begin(m, f, place, 0, min(limit, waiting) if limit else waiting)


@inner
def enter_commit(m: Memory, f: Floats, place: Ref[Place], customer: Ref[Customer]) -> int:
    """Join the next flush; it starts at once when none is under way. Gives the failure, or 0."""
    if m[place + Place.REFUSES] and not is_up(m, place, 0):
        m[place + Place.REFUSED] += 1
        return Failure.REFUSED
    queue_customer(m, place, queue_at(m, place, 0) + BatchNode.QUEUE, customer)
    start_flush(m, f, place)
    return 0


# -- polled queue ------------------------------------------------------------------------------------------


@inner
def plan_read(m: Memory, place: Ref[Place], node: int) -> None:
    """Set the timer of the next read, if somebody waits and none is under way."""
    queue = queue_at(m, place, node)
    timer = queue + BatchNode.READ
    if (
        is_set(m, timer)
        or _under_way(m, queue + BatchNode.ROUND)
        or (m[queue + BatchNode.QUEUE] == 0 and not m[queue + BatchNode.AGAIN])
    ):
        return
    if not is_ready(m, place, node):
        return
    m[queue + BatchNode.AGAIN] = 0
    now = m[Header.NOW]
    earliest = m[queue + BatchNode.FULL_AT] - m[place + Place.SLACK]
    time = max(now, earliest)
    if m[place + Place.TRIGGER]:
        time = multiple_above(max(now + 1, earliest), m[place + Place.INTERVAL])
    # so that a read that ends at this instant hands its batch on first
    make_timer(m, timer, key_of(COMPLETION, m[place + Place.ELEMENT] + node, Due.READ), 1, place)
    set_timer(m, time, timer)


@inner
def enter_polled(m: Memory, f: Floats, place: Ref[Place], customer: Ref[Customer], bound: int) -> int:
    """Stand in the queue of one's node."""
    node = bound if bound >= 0 else _node_of(m, f, place, m[customer + Customer.JOB] & LOW)
    m[customer + Customer.STATE] = node << 2
    queue = queue_at(m, place, node)
    queue_customer(m, place, queue + BatchNode.QUEUE, customer)
    if m[place + Place.FOLLOWS] and is_set(m, queue + BatchNode.READ):
        m[queue + BatchNode.AGAIN] = 1
    plan_read(m, place, node)
    return 0


@inner
def _node_of(m: Memory, f: Floats, place: Ref[Place], job: Ref[Job]) -> int:
    return node_by_key(m, f, place, job) if m[place + Place.KEYED] else 0


@inner
def _serve_at_once(m: Memory, place: Ref[Place], queue: Ref[BatchNode], count: int) -> int:
    """A round of no length for the first `count` of a queue; gives the first of them."""
    round_ = queue + BatchNode.ROUND
    first, last = m[round_ + Round.FIRST], m[round_ + Round.LAST]
    _detach(m, round_)
    _take(m, place, queue, count)
    served = _detach(m, round_)
    m[round_ + Round.FIRST], m[round_ + Round.LAST] = first, last
    return served


@inner
def prompt(m: Memory, f: Floats, place: Ref[Place], job: Ref[Job]) -> None:
    """Read the queue of a job's key on the spot."""
    node = _node_of(m, f, place, job)
    queue = queue_at(m, place, node)
    count = min(m[place + Place.BATCH], m[queue + BatchNode.QUEUE + Queue.LENGTH])
    if count == 0 or not is_ready(m, place, node):
        return
    served = _serve_at_once(m, place, queue, count)
    if m[queue + BatchNode.QUEUE] == 0 and not m[place + Place.FOLLOWS]:
        cancel(m, queue + BatchNode.READ)
    _release(m, place, served)


@inner
def read_batch(m: Memory, f: Floats, timer: Ref[Timer]) -> None:
    """Take a batch; those taken go on when the read has ended."""
    place = m[timer + Timer.OWNER]
    queue = timer - BatchNode.READ
    node = (queue - m[place + Place.NODES]) // BatchNode.SIZE
    m[queue + BatchNode.FULL_AT] = max(m[queue + BatchNode.FULL_AT], m[Header.NOW]) + m[place + Place.INTERVAL]
    count = min(m[place + Place.BATCH], m[queue + BatchNode.QUEUE + Queue.LENGTH])
    if count == 0:
        plan_read(m, place, node)
        return
    if m[place + Place.DIST]:
        _begin(m, f, place, node, count)
        return
    served = _serve_at_once(m, place, queue, count)
    plan_read(m, place, node)
    _release(m, place, served)


# -- both --------------------------------------------------------------------------------------------------


@inner
def round_over(m: Memory, f: Floats, round_: Ref[Round]) -> None:
    """A flush or read has ended: the next one is begun or planned, then those served go on."""
    place = m[round_ + Timer.OWNER]
    account_round(m, place, round_)
    served = _detach(m, round_)
    batches_up(m, f, place, m[round_ + Round.NODE])
    _release(m, place, served)


@inner
def abandon(m: Memory, place: Ref[Place], customer: Ref[Customer]) -> None:
    """Leave the line; a round under way goes on without it."""
    if m[place + Place.KIND] == PlaceKind.BUCKET:
        leave_bucket(m, place, customer)
        return
    queue = queue_at(m, place, m[customer + Customer.STATE] >> 2)
    round_ = queue + BatchNode.ROUND
    if m[customer + Customer.STATE] & Customer.INSIDE:
        if m[round_ + Round.FIRST] == customer or m[customer + Customer.LINKS]:
            unlink(m, round_ + Round.FIRST, customer, Customer.LINKS)
        customer_done(m, place, customer)
        return
    unqueue_customer(m, queue + BatchNode.QUEUE, customer)
    customer_gone(m, place, customer)
    if m[queue + BatchNode.QUEUE] == 0 and not m[place + Place.FOLLOWS]:
        cancel(m, queue + BatchNode.READ)


@inner
def cut_customer(m: Memory, place: Ref[Place], job: Ref[Job], customer: Ref[Customer]) -> None:
    """Interrupted: leave, and book the time."""
    if m[customer + Customer.STATE] & Customer.LEFT == 0:
        abandon(m, place, customer)
    account_cut_customer(m, place, job, customer)


@inner
def batches_down(m: Memory, place: Ref[Place], node: int) -> None:
    """A node has crashed: the round there is lost; nobody reads its queue."""
    queue = queue_at(m, place, node)
    _drop(m, place, queue + BatchNode.ROUND)
    cancel(m, queue + BatchNode.READ)


@inner
def batches_up(m: Memory, f: Floats, place: Ref[Place], node: int) -> None:
    """The next round of a node is begun or planned, where it may be."""
    if m[place + Place.KIND] == PlaceKind.COMMIT:
        start_flush(m, f, place)
    else:
        plan_read(m, place, node)


@inner
def batches_speed(m: Memory, f: Floats, place: Ref[Place], node: int, speed: float) -> None:
    """A pause stops the round under way and the reading; a slow node takes longer for the next round."""
    queue = queue_at(m, place, node)
    _change_speed(m, place, queue + BatchNode.ROUND, speed)
    if speed == 0.0:
        cancel(m, queue + BatchNode.READ)
    batches_up(m, f, place, node)
