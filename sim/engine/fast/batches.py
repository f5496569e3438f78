"""Stations that serve in batches, one at a time: group commit and the polled queue. Other stations are elsewhere."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel, is_set, key_of, set_alarm
from sim.engine.fast.choices import node_by_key
from sim.engine.fast.draw import time_of
from sim.engine.fast.guests import (
    account_cut_guest,
    begin_guest,
    guest_done,
    guest_gone,
    leave_bucket,
    queue_guest,
    unqueue_guest,
)
from sim.engine.fast.hits import add_hit
from sim.engine.fast.jobs import wake
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Floats, Memory, add_product, half_even, multiple_above
from sim.engine.fast.nodes import group_node, is_up, speed_of
from sim.engine.order import COMPLETION

# -- rounds -------------------------------------------------------------------------------------------------


@inner
def account_round(m: Memory, place: int, round_: int) -> None:
    """Bring the time at work up to now."""
    add_product(m, place + L.P_WORK, L.ONE_CORE, m[L.H_NOW] - m[round_ + L.R_BEGUN])
    m[round_ + L.R_BEGUN] = m[L.H_NOW]


@inner
def _under_way(m: Memory, round_: int) -> bool:
    return is_set(m, round_) or m[round_ + L.R_LEFT] >= 0


@inner
def _end_in(m: Memory, place: int, round_: int, length: int) -> None:
    now = m[L.H_NOW]
    m[round_ + L.R_BEGUN] = now
    m[round_ + L.R_ENDS] = now + length
    m[round_] = key_of(COMPLETION, m[place + L.P_ELEMENT] + m[round_ + L.R_NODE], L.T_ROUND)
    m[round_ + L.A_VISIT] = 0
    m[round_ + L.A_OWNER] = place
    set_alarm(m, now + length, round_)


@inner
def _begin(m: Memory, f: Floats, place: int, round_: int, line: int, count: int, length: int) -> None:
    """Serve the first `count` of a line for `length` at full speed."""
    m[place + L.P_BATCHES] += 1
    for _ in range(count):
        guest = m[line]
        unqueue_guest(m, line, guest)
        append(m, round_ + L.R_FIRST, guest, L.Q_LINKS)
        begin_guest(m, place, guest, True)
    speed = speed_of(m, f, m[place + L.P_GROUP], m[round_ + L.R_NODE])
    _end_in(m, place, round_, length if speed == 1.0 else half_even(length / speed))


@inner
def _detach(m: Memory, round_: int) -> int:
    first = m[round_ + L.R_FIRST]
    m[round_ + L.R_FIRST] = 0
    m[round_ + L.R_FIRST + 1] = 0
    return first


@inner
def _release(m: Memory, place: int, guest: int) -> None:
    """Let those go on whose flush or read has ended, in the order of their arrival."""
    while guest:
        following = m[guest + L.Q_LINKS] & L.LOW
        guest_done(m, place, guest)
        wake(m, m[guest + L.Q_JOB] & L.LOW, 0)
        guest = following


@inner
def _stop(m: Memory, place: int, round_: int) -> None:
    if is_set(m, round_):
        account_round(m, place, round_)
        cancel(m, round_)


@inner
def _drop(m: Memory, place: int, round_: int) -> None:
    """The node has crashed: those that were being served are hit."""
    guest = _detach(m, round_)
    while guest:
        following = m[guest + L.Q_LINKS] & L.LOW
        m[guest + L.Q_LINKS] = 0
        add_hit(m, m[guest + L.Q_JOB] & L.LOW, -1)
        guest = following
    m[round_ + L.R_LEFT] = -1
    _stop(m, place, round_)


@inner
def _change_speed(m: Memory, place: int, round_: int, speed: float) -> None:
    """Stand still, or go on."""
    if speed == 0.0 and is_set(m, round_):
        m[round_ + L.R_LEFT] = m[round_ + L.R_ENDS] - m[L.H_NOW]
        _stop(m, place, round_)
    elif speed > 0.0 and m[round_ + L.R_LEFT] >= 0:
        left = m[round_ + L.R_LEFT]
        m[round_ + L.R_LEFT] = -1
        _end_in(m, place, round_, left)


# -- group commit ------------------------------------------------------------------------------------------


@inner
def start_flush(m: Memory, f: Floats, place: int) -> None:
    """Start the next flush, where somebody waits, none is under way and the node is ready."""
    round_ = place + L.P_ROUND
    waiting = m[place + L.P_GUESTS + L.L_LENGTH]
    if waiting == 0 or _under_way(m, round_) or not m[group_node(m, m[place + L.P_GROUP], 0) + L.D_READY]:
        return
    limit = m[place + L.P_BATCH]
    number = m[place + L.P_FLUSHES]
    m[place + L.P_FLUSHES] = number + 1
    length = time_of(m, f, m[place + L.P_DIST], m[place + L.P_STREAM], 0, number)
    _begin(m, f, place, round_, place + L.P_GUESTS, min(limit, waiting) if limit else waiting, length)


@inner
def enter_commit(m: Memory, f: Floats, place: int, guest: int) -> int:
    """Join the next flush; it starts at once when none is under way. Gives the failure, or 0."""
    if m[place + L.P_REFUSES] and not is_up(m, place, 0):
        m[place + L.M_REFUSED] += 1
        return L.X_REFUSED
    queue_guest(m, place, place + L.P_GUESTS, guest)
    start_flush(m, f, place)
    return 0


# -- polled queue ------------------------------------------------------------------------------------------


@inner
def queue_at(m: Memory, place: int, node: int) -> int:
    """The queue of a node and its reader."""
    return m[place + L.P_NODES] + node * L.K_SIZE


@inner
def plan_read(m: Memory, place: int, node: int) -> None:
    """Set the alarm of the next read, if somebody waits and none is under way."""
    queue = queue_at(m, place, node)
    alarm = queue + L.K_READ
    if is_set(m, alarm) or _under_way(m, queue + L.K_ROUND) or (m[queue + L.K_LINE] == 0 and not m[queue + L.K_AGAIN]):
        return
    if not m[group_node(m, m[place + L.P_GROUP], node) + L.D_READY]:
        return
    m[queue + L.K_AGAIN] = 0
    now = m[L.H_NOW]
    earliest = m[queue + L.K_FULL_AT] - m[place + L.P_SLACK]
    time = max(now, earliest)
    if m[place + L.P_TRIGGER]:
        time = multiple_above(max(now + 1, earliest), m[place + L.P_INTERVAL])
    m[alarm] = key_of(COMPLETION, m[place + L.P_ELEMENT] + node, L.T_READ)
    m[alarm + L.A_VISIT] = 1  # so that a read that ends at this instant hands its batch on first
    m[alarm + L.A_OWNER] = place
    set_alarm(m, time, alarm)


@inner
def enter_polled(m: Memory, f: Floats, place: int, guest: int, bound: int) -> int:
    """Stand in the queue of one's node."""
    node = bound if bound >= 0 else _node_of(m, f, place, m[guest + L.Q_JOB] & L.LOW)
    m[guest + L.Q_STATE] = node << 2
    queue = queue_at(m, place, node)
    queue_guest(m, place, queue + L.K_LINE, guest)
    if m[place + L.P_FOLLOWS] and is_set(m, queue + L.K_READ):
        m[queue + L.K_AGAIN] = 1
    plan_read(m, place, node)
    return 0


@inner
def _node_of(m: Memory, f: Floats, place: int, job: int) -> int:
    return node_by_key(m, f, place, job) if m[place + L.P_KEYED] else 0


@inner
def _serve_at_once(m: Memory, place: int, queue: int, count: int) -> int:
    """A round of no length for the first `count` of a queue; gives the first of them."""
    m[place + L.P_BATCHES] += 1
    round_ = queue + L.K_ROUND
    first, last = m[round_ + L.R_FIRST], m[round_ + L.R_FIRST + 1]
    _detach(m, round_)
    for _ in range(count):
        guest = m[queue + L.K_LINE]
        unqueue_guest(m, queue + L.K_LINE, guest)
        append(m, round_ + L.R_FIRST, guest, L.Q_LINKS)
        begin_guest(m, place, guest, True)
    served = _detach(m, round_)
    m[round_ + L.R_FIRST], m[round_ + L.R_FIRST + 1] = first, last
    return served


@inner
def prompt(m: Memory, f: Floats, place: int, job: int) -> None:
    """Read the queue of a job's key on the spot."""
    node = _node_of(m, f, place, job)
    queue = queue_at(m, place, node)
    count = min(m[place + L.P_BATCH], m[queue + L.K_LINE + L.L_LENGTH])
    if count == 0 or not m[group_node(m, m[place + L.P_GROUP], node) + L.D_READY]:
        return
    served = _serve_at_once(m, place, queue, count)
    if m[queue + L.K_LINE] == 0 and not m[place + L.P_FOLLOWS]:
        cancel(m, queue + L.K_READ)
    _release(m, place, served)


@inner
def read_batch(m: Memory, f: Floats, alarm: int) -> None:
    """Take a batch; those taken go on when the read has ended."""
    place = m[alarm + L.A_OWNER]
    queue = alarm - L.K_READ
    node = (queue - m[place + L.P_NODES]) // L.K_SIZE
    m[queue + L.K_FULL_AT] = max(m[queue + L.K_FULL_AT], m[L.H_NOW]) + m[place + L.P_INTERVAL]
    count = min(m[place + L.P_BATCH], m[queue + L.K_LINE + L.L_LENGTH])
    if count == 0:
        plan_read(m, place, node)
        return
    if m[place + L.P_DIST]:
        m[queue + L.K_READS] += 1
        length = time_of(m, f, m[place + L.P_DIST], m[place + L.P_STREAM], node, m[queue + L.K_READS] - 1)
        _begin(m, f, place, queue + L.K_ROUND, queue + L.K_LINE, count, length)
        return
    served = _serve_at_once(m, place, queue, count)
    plan_read(m, place, node)
    _release(m, place, served)


# -- both --------------------------------------------------------------------------------------------------


@inner
def round_over(m: Memory, f: Floats, round_: int) -> None:
    """A flush or read has ended: the next one is begun or planned, then those served go on."""
    place = m[round_ + L.A_OWNER]
    account_round(m, place, round_)
    served = _detach(m, round_)
    if m[place + L.P_KIND] == L.COMMIT:
        start_flush(m, f, place)
    else:
        plan_read(m, place, m[round_ + L.R_NODE])
    _release(m, place, served)


@inner
def abandon(m: Memory, place: int, guest: int) -> None:
    """Leave the line; a round under way goes on without it."""
    kind = m[place + L.P_KIND]
    if kind == L.BUCKET:
        leave_bucket(m, place, guest)
        return
    if kind == L.COMMIT:
        line, round_ = place + L.P_GUESTS, place + L.P_ROUND
    else:
        queue = queue_at(m, place, m[guest + L.Q_STATE] >> 2)
        line, round_ = queue + L.K_LINE, queue + L.K_ROUND
    if m[guest + L.Q_STATE] & L.INSIDE:
        if m[round_ + L.R_FIRST] == guest or m[guest + L.Q_LINKS]:
            unlink(m, round_ + L.R_FIRST, guest, L.Q_LINKS)
        guest_done(m, place, guest)
        return
    unqueue_guest(m, line, guest)
    guest_gone(m, place, guest)
    if kind != L.COMMIT and m[line] == 0 and not m[place + L.P_FOLLOWS]:
        cancel(m, line + L.K_READ - L.K_LINE)


@inner
def cut_guest(m: Memory, place: int, job: int, guest: int) -> None:
    """Interrupted: leave, and book the time."""
    if m[guest + L.Q_STATE] & L.LEFT == 0:
        abandon(m, place, guest)
    account_cut_guest(m, place, job, guest)


@inner
def batches_down(m: Memory, place: int, node: int) -> None:
    """A node has crashed: the round there is lost; nobody reads its queue."""
    if m[place + L.P_KIND] == L.COMMIT:
        if node == 0:
            _drop(m, place, place + L.P_ROUND)
        return
    queue = queue_at(m, place, node)
    _drop(m, place, queue + L.K_ROUND)
    cancel(m, queue + L.K_READ)


@inner
def batches_up(m: Memory, f: Floats, place: int, node: int) -> None:
    """The node is back."""
    if m[place + L.P_KIND] != L.COMMIT:
        plan_read(m, place, node)
    elif node == 0:
        start_flush(m, f, place)


@inner
def batches_speed(m: Memory, f: Floats, place: int, node: int, speed: float) -> None:
    """A pause stops the round under way and the reading; a slow node takes longer for the next round."""
    if m[place + L.P_KIND] == L.COMMIT:
        if node == 0:
            _change_speed(m, place, place + L.P_ROUND, speed)
            start_flush(m, f, place)
        return
    queue = queue_at(m, place, node)
    _change_speed(m, place, queue + L.K_ROUND, speed)
    if speed == 0.0:
        cancel(m, queue + L.K_READ)
    plan_read(m, place, node)
