"""The event loop: the next effect, else the next alarm, until an instant. All that happens is told elsewhere."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel, first_time, goes_before, is_set, key_of, set_alarm, take_first
from sim.engine.fast.batches import abandon, account_round, queue_at, read_batch, round_over
from sim.engine.fast.controllers import look, mark_controllers, start_controllers, started
from sim.engine.fast.crashes import choose_again_after
from sim.engine.fast.ends import left_line
from sim.engine.fast.faults import fault_changes, hasten_crashes, start_faults
from sim.engine.fast.guests import token_comes
from sim.engine.fast.jobs import drop_stale, give_back_record, grant_place, wait_kind, wake
from sim.engine.fast.memory import Floats, Memory, give, high, interrupt, low
from sim.engine.fast.meters import tick, tick_units
from sim.engine.fast.nodes import node_at
from sim.engine.fast.pools import leave_line
from sim.engine.fast.records import level_changes, reacted
from sim.engine.fast.samples import take_sample
from sim.engine.fast.servers import setup_done, withdraw_visit
from sim.engine.fast.service import advance, depart
from sim.engine.fast.sources import arrival, client_alarm, client_done, late_arrival, start_sources
from sim.engine.fast.trials import timer_expired
from sim.engine.fast.waits import go_on, interrupted
from sim.engine.fast.watch import judge
from sim.engine.order import OBSERVATION

# -- effects ------------------------------------------------------------------------------------------------


@inner
def _still_holds(m: Memory, job: int, depth: int) -> bool:
    grant = low(m[job + L.J_OWN])
    while grant:
        if high(m[grant + L.G_HELD]) == depth:
            return True
        grant = low(m[grant + L.G_HELD])
    return False


@inner
def _deliver(m: Memory, f: Floats, record: int) -> None:
    """An interruption has its turn."""
    job, error, depth, asks = m[record + L.I_JOB], m[record + L.I_ERROR], m[record + L.I_DEPTH], m[record + L.I_GRANT]
    give(m, record, L.I_SIZE)
    m[job + L.J_STATE] -= L.PENDING_ONE
    state = m[job + L.J_STATE]
    if state & L.ENDED:
        give_back_record(m, job)
        return
    if asks and not _still_holds(m, job, depth):
        return
    if wait_kind(m, job) == L.W_START:  # not begun yet: let it begin first
        interrupt(m, job, error, depth, asks)
        return
    if state & L.WOKEN:
        m[job + L.J_STATE] = (state ^ L.WOKEN) + L.STALE_ONE
    interrupted(m, f, job, error, depth)


@inner
def _effect(m: Memory, f: Floats, word: int) -> None:
    kind = word >> L.E_SHIFT
    at = word & L.LOW
    if kind == L.E_RESUME:
        if m[at + L.J_STATE] & L.STALE_MASK:
            drop_stale(m, at)
            return
        m[at + L.J_STATE] ^= L.WOKEN
        go_on(m, f, at, 1 if word & L.E_VALUE else 0)
    elif kind == L.E_START:
        go_on(m, f, at, 0)
    elif kind == L.E_INTERRUPT:
        _deliver(m, f, at)
    elif kind == L.E_CHOOSE:
        choose_again_after(m, f, at)
    else:
        client_done(m, f, at)


# -- alarms ------------------------------------------------------------------------------------------------


@inner
def _patience_ends(m: Memory, f: Floats, at: int) -> None:
    """Who still waits at this instant gives up."""
    job = m[at] & L.LOW
    if wait_kind(m, job) == L.W_GUEST:
        if m[at + L.Q_STATE] & L.INSIDE:
            return
        reacted(m)
        abandon(m, m[high(m[at]) + L.O_ARGS], at)
        wake(m, job, 1)
        return
    state = m[at + L.G_NODE]
    if state & L.NODE_MASK:
        return
    place = grant_place(m, at)
    reacted(m)
    if m[place + L.P_KIND] == L.RESOURCE:
        leave_line(m, place, at)
        left_line(m, f, place, ((state & L.WANTED_MASK) >> L.WANTED_SHIFT) - 1)
    else:
        withdraw_visit(m, f, place, at)
    wake(m, job, 1)


@inner
def _rare_alarm(m: Memory, f: Floats, alarm: int, tag: int) -> None:
    owner = m[alarm + L.A_OWNER]
    if tag == L.T_ROUND:
        round_over(m, f, alarm)
    elif tag == L.T_READ:
        read_batch(m, f, alarm)
    elif tag == L.T_PATIENCE:
        _patience_ends(m, f, owner)
    elif tag == L.T_TRIAL:
        if timer_expired(m, owner >> 2, owner & 3):
            reacted(m)
    elif tag == L.T_FAULT:
        fault_changes(m, f, alarm)
    elif tag == L.T_SETUP:
        setup_done(m, f, alarm)
    elif tag == L.T_TOKEN:
        token_comes(m, owner)
    elif tag == L.T_LATE:
        late_arrival(m, alarm)
    elif tag == L.T_CLIENT:
        client_alarm(m, f, alarm)
    elif tag == L.T_SAMPLE:
        take_sample(m)
    elif tag == L.T_LOOK:
        look(m, f, alarm)
    elif tag == L.T_START:
        started(m, f, alarm)


@inner
def _ring(m: Memory, f: Floats, alarm: int) -> None:
    tag = m[alarm] >> L.TAG_SHIFT & L.TAG_MASK
    if tag == L.T_JOB:
        go_on(m, f, alarm, 0)
    elif tag == L.T_SOURCE:
        arrival(m, f, alarm)
    elif tag == L.T_SHARED:
        depart(m, f, m[alarm + L.A_OWNER], _number_of_node(m, alarm))
    else:
        _rare_alarm(m, f, alarm, tag)


@inner
def _number_of_node(m: Memory, alarm: int) -> int:
    place = m[alarm + L.A_OWNER]
    return (m[alarm] >> L.ELEMENT_SHIFT & ((1 << 24) - 1)) - m[place + L.P_ELEMENT]


# -- entries: what the host calls --------------------------------------------------------------------------


@inner
def _run_before(m: Memory, f: Floats, end_ns: int, budget: int) -> int:
    handled = 0
    while True:
        head = m[L.H_QUEUE + 2]
        while head != m[L.H_QUEUE + 3]:
            word = m[m[L.H_QUEUE] + (head & m[L.H_QUEUE + 1])]
            m[L.H_QUEUE + 2] = head + 1
            _effect(m, f, word)
            head += 1
            if m[L.H_STATUS] != L.RUNNING:
                return m[L.H_STATUS]
        m[L.H_QUEUE + 2] = 0  # begin at the front again: that part of the ring is at hand
        m[L.H_QUEUE + 3] = 0
        if m[L.H_STATUS] != L.RUNNING:
            return m[L.H_STATUS]
        if handled >= budget:
            m[L.H_HANDLED] += handled
            return L.BUDGET_SPENT
        time = first_time(m, L.H_HEAP, 0)
        heap = L.H_HEAP
        if m[L.H_FAULT_HEAP]:
            if m[L.H_NOTICES]:
                hasten_crashes(m, f)
            other = first_time(m, L.H_FAULT_HEAP, L.FAR)
            if other >= 0 and (
                time < 0 or other < time or (other == time and goes_before(m, L.H_FAULT_HEAP, L.H_HEAP))
            ):
                time = other
                heap = L.H_FAULT_HEAP
        if time < 0 or time >= end_ns:
            m[L.H_NOW] = end_ns
            m[L.H_HANDLED] += handled
            return L.REACHED
        m[L.H_NOW] = time
        handled += 1
        _ring(m, f, take_first(m, heap))


@inner
def _begin(m: Memory, f: Floats) -> None:
    start_sources(m, f, m[L.H_SOURCE_COUNT])
    start_faults(m, f, m[L.H_FAULT_GAP], L.FA_SIZE, m[L.H_FAULT_GAP + 1])
    start_controllers(m, f)
    sampler = m[L.H_SAMPLE]
    if sampler:
        m[sampler] = key_of(OBSERVATION, 0, L.T_SAMPLE)
        m[sampler + L.A_VISIT] = 0
        set_alarm(m, 0, sampler)


@inner
def _mark(m: Memory, f: Floats, second: int) -> None:
    """The window begins (0), or ends (1): remember areas and counts at this instant."""
    for number in range(m[L.H_PLACE_COUNT]):
        place = m[m[L.H_PLACES] + number]
        tick(m, place)
        tick_units(m, place)
        kind = m[place + L.P_KIND]
        if kind == L.SHARED:
            for node in range(m[place + L.P_COUNT]):
                advance(m, f, place, node_at(m, place, node))
        elif kind == L.COMMIT:
            if is_set(m, place + L.P_ROUND):
                account_round(m, place, place + L.P_ROUND)
        elif kind == L.POLLED:
            for node in range(m[place + L.P_COUNT]):
                if is_set(m, queue_at(m, place, node) + L.K_ROUND):
                    account_round(m, place, queue_at(m, place, node) + L.K_ROUND)
        to = place + L.P_MARKED + L.MARKS * second
        for word in range(2):
            m[to + word] = m[place + L.M_BUSY_AREA + word]
            m[to + 2 + word] = m[place + L.M_WAIT_AREA + word]
            m[to + 4 + word] = m[place + L.M_UNITS_AREA + word]
            m[to + 11 + word] = m[place + L.P_WORK + word]
            m[to + 13 + word] = m[place + L.P_EXCESS + word]
        m[to + 6] = m[place + L.M_ASKED]
        m[to + 7] = m[place + L.M_SERVED]
        m[to + 8] = m[place + L.M_ABANDONED]
        m[to + 9] = m[place + L.M_REJECTED]
        m[to + 10] = m[place + L.M_REFUSED]
        m[to + 15] = m[place + L.P_BATCHES]


@inner
def _mark_levels(m: Memory, routines: int, second: int) -> None:
    for routine in range(routines):
        level_changes(m, routine, 0)
        at = m[L.H_ROUTINES] + routine * L.RL_SIZE
        m[at + L.RL_MARKED + 2 * second] = m[at + L.RL_AREA]
        m[at + L.RL_MARKED + 2 * second + 1] = m[at + L.RL_AREA + 1]
        m[at + L.RL_WINDOW_MAX] = m[at + L.RL_MAX]
        m[at + L.RL_MAX] = m[at + L.RL_CURRENT]


@inner
def _drop_others(m: Memory) -> None:
    """Call off every execution that is open and not of the cohort, in the order of arrival."""
    for ordinal in range(m[L.H_ORDINAL]):
        job = -m[m[L.H_ROW_ENDS] + ordinal]
        if job > L.H_SIZE and m[job + L.J_STATE] & L.COHORT == 0:
            m[job + L.J_STATE] |= L.DROPPED
            interrupt(m, job, L.X_CANCELLED, -1, 0)


@inner
def _judge_open(m: Memory) -> None:
    execution = m[L.H_WATCHED]
    while execution:
        judge(m, execution, False)
        execution = m[L.H_WATCHED]


@inner
def _do(m: Memory, f: Floats, what: int, number: int, budget: int) -> int:
    if what == L.RUN:
        return _run_before(m, f, number, budget)
    if what == L.BEGIN:
        _begin(m, f)
    elif what == L.MARK_BEGIN or what == L.MARK_END:
        _mark(m, f, what - L.MARK_BEGIN)
        _mark_levels(m, number, what - L.MARK_BEGIN)
        mark_controllers(m, what - L.MARK_BEGIN)
    elif what == L.CALL_OFF:
        if m[L.H_SAMPLE]:
            cancel(m, m[L.H_SAMPLE])
        if number:
            _drop_others(m)
    elif what == L.JUDGE:
        _judge_open(m)
    else:
        time = first_time(m, L.H_HEAP, 0)
        other = first_time(m, L.H_FAULT_HEAP, L.FAR)
        if m[L.H_QUEUE + 2] != m[L.H_QUEUE + 3]:
            return m[L.H_NOW]
        if time < 0 or 0 <= other < time:
            return other
        return time
    return m[L.H_STATUS]


def kernel(memory: Memory, floats: Floats, what: int, number: int, budget: int) -> int:
    """The one way in, since each costs as much to compile as all of them.

    RUN: handle every event before `number` (ns, exclusive) and set the clock to it, or stop after `budget` alarms.
    Gives the status: REACHED, BUDGET_SPENT (call again), or why it can't go on.

    BEGIN: set the first alarms. MARK_BEGIN, MARK_END: the window begins, ends; `number` of routines. CALL_OFF: no
    more samples, and with `number` 1 drop those outside the cohort. JUDGE: hold who is open against the monitors.
    NEXT: gives the time of the next event, or -1.
    """
    return _do(memory, floats, what, number, budget)
