"""Event loop: run the immediate events, then the earliest timer, until an instant."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.attempt_timers import timer_expired
from sim.engine.fast.batches import abandon, account_round, queue_at, read_batch, round_over
from sim.engine.fast.children import is_followed
from sim.engine.fast.control import go_on, interrupted
from sim.engine.fast.controllers import look, mark_controllers, start_controllers, started
from sim.engine.fast.delays_and_buckets import token_comes
from sim.engine.fast.failures import left_line
from sim.engine.fast.faults import fault_changes, hasten_crashes, start_faults
from sim.engine.fast.groups import choose_again_after
from sim.engine.fast.jobs import drop_stale, free_job, grant_place, holds, wait_kind, wake
from sim.engine.fast.layout import (
    LOW,
    BatchNode,
    Command,
    Customer,
    Due,
    Failure,
    FaultProcess,
    Grant,
    Header,
    Immediate,
    Interruption,
    Job,
    Marked,
    Place,
    PlaceKind,
    PlaceStep,
    Ref,
    Ring,
    Status,
    Table,
    Timer,
    Wait,
)
from sim.engine.fast.memory import Floats, Memory, free, high, interrupt
from sim.engine.fast.meters import tick, tick_units
from sim.engine.fast.monitors import judge
from sim.engine.fast.nodes import node_at
from sim.engine.fast.pools import leave_line
from sim.engine.fast.recorder import level_of, mark_level, reacted, take_sample
from sim.engine.fast.servers import setup_done, withdraw_visit
from sim.engine.fast.service import advance, depart
from sim.engine.fast.sources import arrival, client_done, client_timer, late_arrival, start_sources
from sim.engine.fast.timers import cancel, first_time, goes_before, is_set, set_due, take_first
from sim.engine.order import OBSERVATION

# -- immediate events -----------------------------------------------------------------------------------------


@inner
def _deliver(m: Memory, f: Floats, record: Ref[Interruption]) -> None:
    """An interruption has its turn."""
    job, error, depth, asks = (
        m[record + Interruption.JOB],
        m[record + Interruption.ERROR],
        m[record + Interruption.DEPTH],
        m[record + Interruption.GRANT],
    )
    free(m, record, Interruption.SIZE)
    m[job + Job.STATE] -= Job.PENDING_ONE
    state = m[job + Job.STATE]
    if state & Job.ENDED:
        free_job(m, job)
        return
    if asks and not holds(m, job, depth):
        return
    if wait_kind(m, job) == Wait.START:  # not begun yet: let it begin first
        interrupt(m, job, error, depth, asks)
        return
    if state & Job.WOKEN:
        m[job + Job.STATE] = (state ^ Job.WOKEN) + Job.STALE_ONE
    interrupted(m, f, job, error, depth)


@inner
def _run_immediate(m: Memory, f: Floats, word: int) -> None:
    kind = word >> Immediate.SHIFT
    at = word & LOW
    if kind == Immediate.RESUME:
        if m[at + Job.STATE] & Job.STALE_MASK:
            drop_stale(m, at)
            return
        m[at + Job.STATE] ^= Job.WOKEN
        go_on(m, f, at, 1 if word & Immediate.VALUE else 0)
    elif kind == Immediate.START:
        go_on(m, f, at, 0)
    elif kind == Immediate.INTERRUPT:
        _deliver(m, f, at)
    elif kind == Immediate.CHOOSE:
        choose_again_after(m, f, at)
    else:
        client_done(m, f, at)


# -- timers ------------------------------------------------------------------------------------------------


@inner
def _patience_ends(m: Memory, f: Floats, at: int) -> None:
    """Who still waits at this instant gives up."""
    job = m[at] & LOW
    if wait_kind(m, job) == Wait.NO_SERVER:
        if m[at + Customer.STATE] & Customer.INSIDE:
            return
        reacted(m)
        abandon(m, m[high(m[at]) + PlaceStep.PLACE], at)
        wake(m, job, 1)
        return
    state = m[at + Grant.NODE]
    if state & Grant.NODE_MASK:
        return
    place = grant_place(m, at)
    reacted(m)
    if m[place + Place.KIND] == PlaceKind.RESOURCE:
        leave_line(m, place, at)
        left_line(m, f, place, ((state & Grant.WANTED_MASK) >> Grant.WANTED_SHIFT) - 1)
    else:
        withdraw_visit(m, f, place, at)
    wake(m, job, 1)


@inner
def _dispatch_rare(m: Memory, f: Floats, timer: int, tag: int) -> None:
    owner = m[timer + Timer.OWNER]
    if tag == Due.ROUND:
        round_over(m, f, timer)
    elif tag == Due.READ:
        read_batch(m, f, timer)
    elif tag == Due.PATIENCE:
        _patience_ends(m, f, owner)
    elif tag == Due.ATTEMPT:
        if timer_expired(m, owner >> 2, owner & 3):
            reacted(m)
    elif tag == Due.FAULT:
        fault_changes(m, f, timer)
    elif tag == Due.SETUP:
        setup_done(m, f, timer)
    elif tag == Due.TOKEN:
        token_comes(m, owner)
    elif tag == Due.LATE:
        late_arrival(m, timer)
    elif tag == Due.CLIENT:
        client_timer(m, f, timer)
    elif tag == Due.SAMPLE:
        take_sample(m)
    elif tag == Due.LOOK:
        look(m, f, timer)
    elif tag == Due.START:
        started(m, f, timer)


@inner
def _dispatch(m: Memory, f: Floats, timer: int) -> None:
    tag = m[timer] >> Timer.DUE_SHIFT & Timer.DUE_MASK
    if tag == Due.JOB:
        go_on(m, f, timer, 0)
    elif tag == Due.SOURCE:
        arrival(m, f, timer)
    elif tag == Due.CORES:
        place = m[timer + Timer.OWNER]
        depart(m, f, place, (m[timer] >> Timer.ELEMENT_SHIFT & ((1 << 24) - 1)) - m[place + Place.ELEMENT])
    else:
        _dispatch_rare(m, f, timer, tag)


# -- entries: what the host calls --------------------------------------------------------------------------


@inner
def _run_before(m: Memory, f: Floats, end_ns: int, budget: int) -> int:
    handled = 0
    while True:
        head = m[Header.EVENTS + Ring.HEAD]
        while head != m[Header.EVENTS + Ring.TAIL]:
            word = m[m[Header.EVENTS] + (head & m[Header.EVENTS + Ring.MASK])]
            m[Header.EVENTS + Ring.HEAD] = head + 1
            _run_immediate(m, f, word)
            head += 1
            if m[Header.STATUS] != Status.RUNNING:
                return m[Header.STATUS]
        m[Header.EVENTS + Ring.HEAD] = 0  # begin at the front again: that part of the ring is at hand
        m[Header.EVENTS + Ring.TAIL] = 0
        if m[Header.STATUS] != Status.RUNNING:
            return m[Header.STATUS]
        if handled >= budget:
            m[Header.HANDLED] += handled
            return Status.BUDGET_SPENT
        time = first_time(m, Header.HEAP, 0)
        heap = Header.HEAP
        if m[Header.FAULT_HEAP]:
            if m[Header.NOTICES]:
                hasten_crashes(m, f)
            other = first_time(m, Header.FAULT_HEAP, Timer.FAR)
            if other >= 0 and (
                time < 0 or other < time or (other == time and goes_before(m, Header.FAULT_HEAP, Header.HEAP))
            ):
                time = other
                heap = Header.FAULT_HEAP
        if time < 0 or time >= end_ns:
            m[Header.NOW] = end_ns
            m[Header.HANDLED] += handled
            return Status.REACHED
        m[Header.NOW] = time
        handled += 1
        _dispatch(m, f, take_first(m, heap))


@inner
def _begin(m: Memory, f: Floats) -> None:
    start_sources(m, f, m[Header.SOURCES + Table.COUNT])
    start_faults(m, f, m[Header.FAULTS], FaultProcess.SIZE, m[Header.FAULTS + Table.COUNT])
    start_controllers(m, f)
    if m[Header.SAMPLE]:
        set_due(m, 0, m[Header.SAMPLE], OBSERVATION, 0, Due.SAMPLE)


@inner
def _mark(m: Memory, f: Floats, second: int) -> None:
    """The window begins (0), or ends (1): remember areas and counts at this instant."""
    for number in range(m[Header.PLACES + Table.COUNT]):
        place = m[m[Header.PLACES] + number]
        tick(m, place)
        tick_units(m, place)
        kind = m[place + Place.KIND]
        if kind == PlaceKind.CORES:
            for node in range(m[place + Place.COUNT]):
                advance(m, f, place, node_at(m, place, node))
        elif kind == PlaceKind.COMMIT or kind == PlaceKind.POLLED:
            for node in range(m[place + Place.COUNT]):
                if is_set(m, queue_at(m, place, node) + BatchNode.ROUND):
                    account_round(m, place, queue_at(m, place, node) + BatchNode.ROUND)
        for word in range(Marked.SIZE):  # a place begins with them
            m[place + Place.MARKED + Marked.SIZE * second + word] = m[place + word]
    for routine in range(m[Header.ROUTINES + Table.COUNT]):
        mark_level(m, level_of(m, routine), second)
    mark_controllers(m, second)


@inner
def _drop_others(m: Memory) -> None:
    """Call off every execution that is open, not of the cohort, and no child of one that is, in order."""
    for ordinal in range(m[Header.ORDINAL]):
        job = -m[m[Header.ROW_ENDS] + ordinal]
        if job > Header.SIZE and m[job + Job.STATE] & Job.COHORT == 0 and not is_followed(m, job):
            m[job + Job.STATE] |= Job.DROPPED
            interrupt(m, job, Failure.CANCELLED, -1, 0)


@inner
def _judge_open(m: Memory) -> None:
    execution = m[Header.WATCHED]
    while execution:
        judge(m, execution, False)
        execution = m[Header.WATCHED]


def kernel(memory: Memory, floats: Floats, what: int, number: int, budget: int) -> int:
    """The one way in, since each costs as much to compile as all of them.

    RUN: handle every event before `number` (ns, exclusive) and set the clock to it, or stop after `budget` timers.
    Gives the status: REACHED, BUDGET_SPENT (call again), or why it can't go on.

    BEGIN: set the first timers. MARK_BEGIN, MARK_END: the window begins, ends. CALL_OFF: no more samples, and with
    `number` 1 drop those outside the cohort. JUDGE: hold who is open against the monitors. NEXT: gives the time of the
    next event, or -1.
    """
    if what == Command.RUN:
        return _run_before(memory, floats, number, budget)
    if what == Command.BEGIN:
        _begin(memory, floats)
    elif what == Command.MARK_BEGIN or what == Command.MARK_END:
        _mark(memory, floats, what - Command.MARK_BEGIN)
    elif what == Command.CALL_OFF:
        if memory[Header.SAMPLE]:
            cancel(memory, memory[Header.SAMPLE])
        if number:
            _drop_others(memory)
    elif what == Command.JUDGE:
        _judge_open(memory)
    else:
        time = first_time(memory, Header.HEAP, 0)
        other = first_time(memory, Header.FAULT_HEAP, Timer.FAR)
        if memory[Header.EVENTS + Ring.HEAD] != memory[Header.EVENTS + Ring.TAIL]:
            return memory[Header.NOW]
        if time < 0 or 0 <= other < time:
            return other
        return time
    return memory[Header.STATUS]
