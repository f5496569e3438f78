"""The event loop: the next effect, else the next alarm, until an instant. All that happens is told elsewhere."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.alarms import cancel, first_time, goes_before, is_set, key_of, set_alarm, take_first
from sim.engine.fast.batches import abandon, account_round, queue_at, read_batch, round_over
from sim.engine.fast.controllers import look, mark_controllers, start_controllers, started
from sim.engine.fast.crashes import choose_again_after
from sim.engine.fast.ends import left_line
from sim.engine.fast.faults import fault_changes, hasten_crashes, start_faults
from sim.engine.fast.guests import token_comes
from sim.engine.fast.jobs import drop_stale, give_back_record, grant_place, wait_kind, wake
from sim.engine.fast.layout import (
    A_OWNER,
    A_VISIT,
    BEGIN,
    BUDGET_SPENT,
    CALL_OFF,
    COHORT,
    COMMIT,
    DROPPED,
    E_CHOOSE,
    E_INTERRUPT,
    E_RESUME,
    E_SHIFT,
    E_START,
    E_VALUE,
    ELEMENT_SHIFT,
    ENDED,
    FA_SIZE,
    FAR,
    G_HELD,
    G_NODE,
    H_FAULT_GAP,
    H_FAULT_HEAP,
    H_HANDLED,
    H_HEAP,
    H_NOTICES,
    H_NOW,
    H_ORDINAL,
    H_PLACE_COUNT,
    H_PLACES,
    H_QUEUE,
    H_ROUTINES,
    H_ROW_ENDS,
    H_SAMPLE,
    H_SIZE,
    H_SOURCE_COUNT,
    H_STATUS,
    H_WATCHED,
    I_DEPTH,
    I_ERROR,
    I_GRANT,
    I_JOB,
    I_SIZE,
    INSIDE,
    J_OWN,
    J_STATE,
    JUDGE,
    K_ROUND,
    LOW,
    M_ABANDONED,
    M_ASKED,
    M_BUSY_AREA,
    M_REFUSED,
    M_REJECTED,
    M_SERVED,
    M_UNITS_AREA,
    M_WAIT_AREA,
    MARK_BEGIN,
    MARK_END,
    MARKS,
    NODE_MASK,
    O_ARGS,
    P_BATCHES,
    P_COUNT,
    P_ELEMENT,
    P_EXCESS,
    P_KIND,
    P_MARKED,
    P_ROUND,
    P_WORK,
    PENDING_ONE,
    POLLED,
    Q_STATE,
    REACHED,
    RESOURCE,
    RL_AREA,
    RL_CURRENT,
    RL_MARKED,
    RL_MAX,
    RL_SIZE,
    RL_WINDOW_MAX,
    RUN,
    RUNNING,
    SHARED,
    STALE_MASK,
    STALE_ONE,
    T_CLIENT,
    T_FAULT,
    T_JOB,
    T_LATE,
    T_LOOK,
    T_PATIENCE,
    T_READ,
    T_ROUND,
    T_SAMPLE,
    T_SETUP,
    T_SHARED,
    T_SOURCE,
    T_START,
    T_TOKEN,
    T_TRIAL,
    TAG_MASK,
    TAG_SHIFT,
    W_GUEST,
    W_START,
    WANTED_MASK,
    WANTED_SHIFT,
    WOKEN,
    X_CANCELLED,
)
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
    grant = low(m[job + J_OWN])
    while grant:
        if high(m[grant + G_HELD]) == depth:
            return True
        grant = low(m[grant + G_HELD])
    return False


@inner
def _deliver(m: Memory, f: Floats, record: int) -> None:
    """An interruption has its turn."""
    job, error, depth, asks = m[record + I_JOB], m[record + I_ERROR], m[record + I_DEPTH], m[record + I_GRANT]
    give(m, record, I_SIZE)
    m[job + J_STATE] -= PENDING_ONE
    state = m[job + J_STATE]
    if state & ENDED:
        give_back_record(m, job)
        return
    if asks and not _still_holds(m, job, depth):
        return
    if wait_kind(m, job) == W_START:  # not begun yet: let it begin first
        interrupt(m, job, error, depth, asks)
        return
    if state & WOKEN:
        m[job + J_STATE] = (state ^ WOKEN) + STALE_ONE
    interrupted(m, f, job, error, depth)


@inner
def _effect(m: Memory, f: Floats, word: int) -> None:
    kind = word >> E_SHIFT
    at = word & LOW
    if kind == E_RESUME:
        if m[at + J_STATE] & STALE_MASK:
            drop_stale(m, at)
            return
        m[at + J_STATE] ^= WOKEN
        go_on(m, f, at, 1 if word & E_VALUE else 0)
    elif kind == E_START:
        go_on(m, f, at, 0)
    elif kind == E_INTERRUPT:
        _deliver(m, f, at)
    elif kind == E_CHOOSE:
        choose_again_after(m, f, at)
    else:
        client_done(m, f, at)


# -- alarms ------------------------------------------------------------------------------------------------


@inner
def _patience_ends(m: Memory, f: Floats, at: int) -> None:
    """Who still waits at this instant gives up."""
    job = m[at] & LOW
    if wait_kind(m, job) == W_GUEST:
        if m[at + Q_STATE] & INSIDE:
            return
        reacted(m)
        abandon(m, m[high(m[at]) + O_ARGS], at)
        wake(m, job, 1)
        return
    state = m[at + G_NODE]
    if state & NODE_MASK:
        return
    place = grant_place(m, at)
    reacted(m)
    if m[place + P_KIND] == RESOURCE:
        leave_line(m, place, at)
        left_line(m, f, place, ((state & WANTED_MASK) >> WANTED_SHIFT) - 1)
    else:
        withdraw_visit(m, f, place, at)
    wake(m, job, 1)


@inner
def _rare_alarm(m: Memory, f: Floats, alarm: int, tag: int) -> None:
    owner = m[alarm + A_OWNER]
    if tag == T_ROUND:
        round_over(m, f, alarm)
    elif tag == T_READ:
        read_batch(m, f, alarm)
    elif tag == T_PATIENCE:
        _patience_ends(m, f, owner)
    elif tag == T_TRIAL:
        if timer_expired(m, owner >> 2, owner & 3):
            reacted(m)
    elif tag == T_FAULT:
        fault_changes(m, f, alarm)
    elif tag == T_SETUP:
        setup_done(m, f, alarm)
    elif tag == T_TOKEN:
        token_comes(m, owner)
    elif tag == T_LATE:
        late_arrival(m, alarm)
    elif tag == T_CLIENT:
        client_alarm(m, f, alarm)
    elif tag == T_SAMPLE:
        take_sample(m)
    elif tag == T_LOOK:
        look(m, f, alarm)
    elif tag == T_START:
        started(m, f, alarm)


@inner
def _ring(m: Memory, f: Floats, alarm: int) -> None:
    tag = m[alarm] >> TAG_SHIFT & TAG_MASK
    if tag == T_JOB:
        go_on(m, f, alarm, 0)
    elif tag == T_SOURCE:
        arrival(m, f, alarm)
    elif tag == T_SHARED:
        depart(m, f, m[alarm + A_OWNER], _number_of_node(m, alarm))
    else:
        _rare_alarm(m, f, alarm, tag)


@inner
def _number_of_node(m: Memory, alarm: int) -> int:
    place = m[alarm + A_OWNER]
    return (m[alarm] >> ELEMENT_SHIFT & ((1 << 24) - 1)) - m[place + P_ELEMENT]


# -- entries: what the host calls --------------------------------------------------------------------------


@inner
def _run_before(m: Memory, f: Floats, end_ns: int, budget: int) -> int:
    handled = 0
    while True:
        head = m[H_QUEUE + 2]
        while head != m[H_QUEUE + 3]:
            word = m[m[H_QUEUE] + (head & m[H_QUEUE + 1])]
            m[H_QUEUE + 2] = head + 1
            _effect(m, f, word)
            head += 1
            if m[H_STATUS] != RUNNING:
                return m[H_STATUS]
        m[H_QUEUE + 2] = 0  # begin at the front again: that part of the ring is at hand
        m[H_QUEUE + 3] = 0
        if m[H_STATUS] != RUNNING:
            return m[H_STATUS]
        if handled >= budget:
            m[H_HANDLED] += handled
            return BUDGET_SPENT
        time = first_time(m, H_HEAP, 0)
        heap = H_HEAP
        if m[H_FAULT_HEAP]:
            if m[H_NOTICES]:
                hasten_crashes(m, f)
            other = first_time(m, H_FAULT_HEAP, FAR)
            if other >= 0 and (time < 0 or other < time or (other == time and goes_before(m, H_FAULT_HEAP, H_HEAP))):
                time = other
                heap = H_FAULT_HEAP
        if time < 0 or time >= end_ns:
            m[H_NOW] = end_ns
            m[H_HANDLED] += handled
            return REACHED
        m[H_NOW] = time
        handled += 1
        _ring(m, f, take_first(m, heap))


@inner
def _begin(m: Memory, f: Floats) -> None:
    start_sources(m, f, m[H_SOURCE_COUNT])
    start_faults(m, f, m[H_FAULT_GAP], FA_SIZE, m[H_FAULT_GAP + 1])
    start_controllers(m, f)
    sampler = m[H_SAMPLE]
    if sampler:
        m[sampler] = key_of(OBSERVATION, 0, T_SAMPLE)
        m[sampler + A_VISIT] = 0
        set_alarm(m, 0, sampler)


@inner
def _mark(m: Memory, f: Floats, second: int) -> None:
    """The window begins (0), or ends (1): remember areas and counts at this instant."""
    for number in range(m[H_PLACE_COUNT]):
        place = m[m[H_PLACES] + number]
        tick(m, place)
        tick_units(m, place)
        kind = m[place + P_KIND]
        if kind == SHARED:
            for node in range(m[place + P_COUNT]):
                advance(m, f, place, node_at(m, place, node))
        elif kind == COMMIT:
            if is_set(m, place + P_ROUND):
                account_round(m, place, place + P_ROUND)
        elif kind == POLLED:
            for node in range(m[place + P_COUNT]):
                if is_set(m, queue_at(m, place, node) + K_ROUND):
                    account_round(m, place, queue_at(m, place, node) + K_ROUND)
        to = place + P_MARKED + MARKS * second
        for word in range(2):
            m[to + word] = m[place + M_BUSY_AREA + word]
            m[to + 2 + word] = m[place + M_WAIT_AREA + word]
            m[to + 4 + word] = m[place + M_UNITS_AREA + word]
            m[to + 11 + word] = m[place + P_WORK + word]
            m[to + 13 + word] = m[place + P_EXCESS + word]
        m[to + 6] = m[place + M_ASKED]
        m[to + 7] = m[place + M_SERVED]
        m[to + 8] = m[place + M_ABANDONED]
        m[to + 9] = m[place + M_REJECTED]
        m[to + 10] = m[place + M_REFUSED]
        m[to + 15] = m[place + P_BATCHES]


@inner
def _mark_levels(m: Memory, routines: int, second: int) -> None:
    for routine in range(routines):
        level_changes(m, routine, 0)
        at = m[H_ROUTINES] + routine * RL_SIZE
        m[at + RL_MARKED + 2 * second] = m[at + RL_AREA]
        m[at + RL_MARKED + 2 * second + 1] = m[at + RL_AREA + 1]
        m[at + RL_WINDOW_MAX] = m[at + RL_MAX]
        m[at + RL_MAX] = m[at + RL_CURRENT]


@inner
def _drop_others(m: Memory) -> None:
    """Call off every execution that is open and not of the cohort, in the order of arrival."""
    for ordinal in range(m[H_ORDINAL]):
        job = -m[m[H_ROW_ENDS] + ordinal]
        if job > H_SIZE and m[job + J_STATE] & COHORT == 0:
            m[job + J_STATE] |= DROPPED
            interrupt(m, job, X_CANCELLED, -1, 0)


@inner
def _judge_open(m: Memory) -> None:
    execution = m[H_WATCHED]
    while execution:
        judge(m, execution, False)
        execution = m[H_WATCHED]


@inner
def _do(m: Memory, f: Floats, what: int, number: int, budget: int) -> int:
    if what == RUN:
        return _run_before(m, f, number, budget)
    if what == BEGIN:
        _begin(m, f)
    elif what == MARK_BEGIN or what == MARK_END:
        _mark(m, f, what - MARK_BEGIN)
        _mark_levels(m, number, what - MARK_BEGIN)
        mark_controllers(m, what - MARK_BEGIN)
    elif what == CALL_OFF:
        if m[H_SAMPLE]:
            cancel(m, m[H_SAMPLE])
        if number:
            _drop_others(m)
    elif what == JUDGE:
        _judge_open(m)
    else:
        time = first_time(m, H_HEAP, 0)
        other = first_time(m, H_FAULT_HEAP, FAR)
        if m[H_QUEUE + 2] != m[H_QUEUE + 3]:
            return m[H_NOW]
        if time < 0 or 0 <= other < time:
            return other
        return time
    return m[H_STATUS]


def kernel(memory: Memory, floats: Floats, what: int, number: int, budget: int) -> int:
    """The one way in, since each costs as much to compile as all of them.

    RUN: handle every event before `number` (ns, exclusive) and set the clock to it, or stop after `budget` alarms.
    Gives the status: REACHED, BUDGET_SPENT (call again), or why it can't go on.

    BEGIN: set the first alarms. MARK_BEGIN, MARK_END: the window begins, ends; `number` of routines. CALL_OFF: no
    more samples, and with `number` 1 drop those outside the cohort. JUDGE: hold who is open against the monitors.
    NEXT: gives the time of the next event, or -1.
    """
    return _do(memory, floats, what, number, budget)
