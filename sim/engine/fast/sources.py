"""Where executions come from: each kind of arrivals, and the clients of a closed loop."""

from __future__ import annotations

from math import sqrt

from sim.draws.inverse import exponentials_ns, exponentials_of_paths_ns
from sim.draws.jit import inner
from sim.draws.mathematics import log
from sim.draws.streams import child_path, uniform
from sim.engine.elements import STANDSTILL
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel, key_of, set_alarm
from sim.engine.fast.draw import count_of, time_of
from sim.engine.fast.jobs import new_execution
from sim.engine.fast.memory import Floats, Memory, give, half_even, take
from sim.engine.fast.records import room_for_row, row_opens
from sim.engine.order import ARRIVAL, COMPLETION

_UNUSED_BATCH = -1

# -- letting in ---------------------------------------------------------------------------------------------


@inner
def _is_over(m: Memory, source: int, time: int) -> bool:
    """Whether the source lets nothing in any more at a time."""
    if m[L.H_STOPPED] or 0 <= m[source + L.U_STOP] <= time:
        return True
    return 0 <= m[source + L.U_LIMIT] <= m[source + L.U_STARTED]


@inner
def _let_in(m: Memory, source: int, path: int) -> int:
    """Let an execution in."""
    ordinal = m[L.H_ORDINAL]
    if not room_for_row(m, ordinal):
        return 0
    m[source + L.U_STARTED] += 1
    m[L.H_ORDINAL] = ordinal + 1
    cohort = 0
    if m[source + L.U_COUNTED] and m[L.H_BEGIN] <= m[L.H_NOW] < m[L.H_HORIZON]:
        cohort = L.COHORT
    job = new_execution(m, ordinal << 24, path, m[source + L.U_CODE], m[source + L.U_INDEX], cohort)
    if m[L.X_PATH]:
        m[job + m[L.X_PATH]] = path
    if m[L.X_FIRST]:
        m[job + m[L.X_FIRST]] = -1
    for attribute in range(m[L.N_ATTRIBUTES]):
        m[job + m[L.X_ATTRIBUTES] + attribute] = m[m[L.H_START_VALUES] + attribute]
    row_opens(m, ordinal, job, m[source + L.U_ROUTINE])
    return job


@inner
def _let_batch_in(m: Memory, f: Floats, source: int, ordinal: int) -> None:
    """Those who arrive together, in order."""
    if m[source + L.U_FIRST]:
        job = _let_in(m, source, m[source + L.U_PATHS + ordinal % L.AHEAD])
        if job:
            m[job + m[L.X_FIRST]] = m[source + L.U_FIRSTS + ordinal % L.AHEAD]
        return
    here = child_path(m[source + L.U_ID], ordinal)
    if m[source + L.U_BATCH] == _UNUSED_BATCH:
        _let_in(m, source, here)
        return
    for index in range(count_of(m, f, source + L.U_BATCH, here)):
        if _is_over(m, source, m[L.H_NOW]) or m[L.H_STATUS]:
            return
        _let_in(m, source, child_path(here, index))


# -- when the next one comes -------------------------------------------------------------------------------


@inner
def _after_profile(m: Memory, f: Floats, source: int, time_ns: int, work: float) -> int:
    """The time at which `work`, a unit exponential, is used up at the rate from `time_ns` on; -1 when it never is.

    The same operations in the same order as in `sim.engine.profile`.
    """
    profile = m[source + L.U_PROFILE]
    count, period = m[profile + L.V_COUNT], m[profile + L.V_PERIOD]
    times, rates = m[profile + L.V_TIMES], m[profile + L.V_RATES]
    time = float(time_ns)
    idle = 0
    while True:
        base = 0.0
        if period:
            base = time // period * period
        local = time - base
        index = 0
        while index + 1 < count and m[times + index + 1] <= local:
            index += 1
        first = f[rates + index]
        start = base + m[times + index]
        has_end = True
        end = time
        following = first
        if index + 1 < count:
            end = base + m[times + index + 1]
            following = f[rates + index + 1]
        elif period:
            end = base + period
            following = f[rates]
        else:
            has_end = False
        last = following if m[profile + L.V_LINEAR] else first
        if not has_end:
            return half_even(time + work / first * 1e9) if first > 0 else -1
        here = first if first == last else first + (last - first) * (time - start) / (end - start)
        seconds = (end - time) * 1e-9
        mass = (here + last) / 2 * seconds
        if mass >= work:
            slope = (last - here) / seconds
            used = work / here if slope == 0 else (sqrt(here * here + 2 * slope * work) - here) / slope
            return half_even(time + used * 1e9)
        work -= mass
        idle = idle + 1 if mass == 0 else 0
        if idle > 2 * count:
            return -1
        time = end


@inner
def _stay(m: Memory, f: Floats, source: int) -> int:
    u = uniform(m[source + L.U_STAY_STREAM], m[source + L.U_ID], m[source + L.U_CHANGES])
    return half_even(-log(u) * m[m[source + L.U_PHASES] + 2 * m[source + L.U_PHASE] + 1])


@inner
def first_phase(m: Memory, f: Floats, source: int) -> None:
    """The phase that a modulated source begins in, and its end."""
    phases = m[source + L.U_PHASES]
    count = m[source + L.U_PHASE_COUNT]
    total = 0
    for phase in range(count):
        total += m[phases + 2 * phase + 1]
    u = uniform(m[source + L.U_STAY_STREAM], m[source + L.U_ID], m[source + L.U_CHANGES]) * total
    current = 0
    while current < count - 1 and u >= m[phases + 2 * current + 1]:
        u -= m[phases + 2 * current + 1]
        current += 1
    m[source + L.U_PHASE] = current
    m[source + L.U_CHANGES] += 1
    m[source + L.U_PHASE_END] = m[source + L.U_TIME] + _stay(m, f, source)


@inner
def _after_phases(m: Memory, f: Floats, source: int) -> int:
    """A unit of exponential work is used up at the rate of the phase, whichever phases it takes; -1: never."""
    time = m[source + L.U_TIME]
    work = -log(uniform(m[source + L.U_STREAM], m[source + L.U_ID], m[source + L.U_ORDINAL]))
    while True:
        rate = f[m[source + L.U_PHASES] + 2 * m[source + L.U_PHASE]]
        if rate > 0:
            need = half_even(work / rate * 1e9)
            if time + need < m[source + L.U_PHASE_END]:
                return time + need
        work = max(
            0.0, work - (m[source + L.U_PHASE_END] - time) * 1e-9 * rate
        )  # rounding may leave less than nothing
        time = m[source + L.U_PHASE_END]
        m[source + L.U_PHASE] = (m[source + L.U_PHASE] + 1) % m[source + L.U_PHASE_COUNT]
        m[source + L.U_CHANGES] += 1
        m[source + L.U_PHASE_END] = time + _stay(m, f, source)
        if 0 <= m[source + L.U_STOP] <= time:
            return -1


@inner
def _draw_ahead(m: Memory, f: Floats, source: int, first: int) -> None:
    """Gaps of the arrivals to come; their paths and the first times of the executions, if those are drawn ahead."""
    path = m[source + L.U_ID]
    exponentials_ns(m, source + L.U_GAPS, L.AHEAD, m[source + L.U_STREAM], path, first, f[source + L.U_MEAN])
    dist = m[source + L.U_FIRST]
    if dist:
        paths = source + L.U_PATHS
        for ahead in range(L.AHEAD):
            m[paths + ahead] = child_path(path, first + ahead)
        exponentials_of_paths_ns(m, source + L.U_FIRSTS, L.AHEAD, m[source + L.U_FIRST + 1], paths, f[dist + L.D_A])


@inner
def plan_arrival(m: Memory, f: Floats, source: int) -> None:
    """Set the alarm of the next arrival, if there is one."""
    kind, time, ordinal = m[source + L.U_KIND], m[source + L.U_TIME], m[source + L.U_ORDINAL]
    if kind == L.POISSON:
        if m[source + L.U_PROFILE]:
            work = -log(uniform(m[source + L.U_STREAM], m[source + L.U_ID], ordinal))
            origin = m[source + L.U_ORIGIN]
            time = _after_profile(m, f, source, time - origin, work)
            if time >= 0:
                time += origin
        else:
            if ordinal % L.AHEAD == 0:
                _draw_ahead(m, f, source, ordinal)
            time += m[source + L.U_GAPS + ordinal % L.AHEAD]
    elif kind == L.RENEWAL:
        time += time_of(m, f, m[source + L.U_DIST], m[source + L.U_DIST_STREAM], m[source + L.U_ID], ordinal)
    elif kind == L.MODULATED:
        time = _after_phases(m, f, source)
    elif kind == L.TRACE:
        if ordinal >= m[source + L.U_TRACE_SIZE]:
            return
        time = m[source + L.U_START] + m[m[source + L.U_TRACE] + ordinal]
    if time < 0 or _is_over(m, source, time):
        return
    m[source + L.U_TIME] = time
    m[source] = key_of(ARRIVAL, m[source + L.U_ELEMENT], L.T_SOURCE)
    m[source + L.A_VISIT] = 0
    m[source + L.A_OWNER] = source
    set_alarm(m, time, source)


@inner
def _burst(m: Memory, f: Floats, source: int) -> None:
    """A burst as a whole; with jitter, each of its executions by itself."""
    now = m[L.H_NOW]
    here = child_path(m[source + L.U_ID], m[source + L.U_BURST])
    m[source + L.U_BURST] += 1
    for index in range(count_of(m, f, source + L.U_SIZE_OF, here)):
        if _is_over(m, source, now) or m[L.H_STATUS]:
            return
        ordinal = m[source + L.U_ORDINAL]
        m[source + L.U_ORDINAL] = ordinal + 1
        if m[source + L.U_JITTER] == 0:
            _let_in(m, source, child_path(m[source + L.U_ID], ordinal))
            continue
        u = uniform(m[source + L.U_STREAM], child_path(here, index), 0)
        late = take(m, L.A_SIZE)
        m[late] = key_of(ARRIVAL, m[source + L.U_ELEMENT], L.T_LATE)
        m[late + L.A_VISIT] = ordinal + 1  # visit 0 is the burst itself
        m[late + L.A_OWNER] = source
        set_alarm(m, now + half_even(u * m[source + L.U_JITTER]), late)
    if m[source + L.U_EVERY] < 0:
        return
    m[source + L.U_TIME] = now + m[source + L.U_EVERY]
    plan_arrival(m, f, source)


@inner
def arrival(m: Memory, f: Floats, source: int) -> None:
    """The source lets in whoever comes now, and waits for the next."""
    if _is_over(m, source, m[L.H_NOW]):
        return
    if m[source + L.U_KIND] == L.BURST:
        _burst(m, f, source)
        return
    ordinal = m[source + L.U_ORDINAL]
    _let_batch_in(m, f, source, ordinal)
    m[source + L.U_ORDINAL] = ordinal + 1
    plan_arrival(m, f, source)


@inner
def late_arrival(m: Memory, late: int) -> None:
    """One of a burst with jitter comes."""
    source, ordinal = m[late + L.A_OWNER], m[late + L.A_VISIT] - 1
    give(m, late, L.A_SIZE)
    if ordinal >= m[source + L.U_SINCE] and not _is_over(m, source, m[L.H_NOW]):
        _let_in(m, source, child_path(m[source + L.U_ID], ordinal))


# -- closed loop -------------------------------------------------------------------------------------------


@inner
def _work(m: Memory, source: int, client: int) -> None:
    job = _let_in(m, source, child_path(m[client + L.C_PATH], m[client + L.C_CYCLE]))
    if job:
        m[client + L.C_STATE] = 2
        m[job + m[L.X_CLIENT]] = client


@inner
def _cycle(m: Memory, f: Floats, source: int, client: int) -> None:
    """Think, where there is something to think about, then start."""
    now = m[L.H_NOW]
    if _is_over(m, source, now):
        return
    m[client + L.C_BEGUN] = now
    if m[source + L.U_DIST] == 0:
        _work(m, source, client)
        return
    m[client + L.C_STATE] = 1
    length = time_of(
        m, f, m[source + L.U_DIST], m[source + L.U_DIST_STREAM], m[client + L.C_PATH], m[client + L.C_CYCLE]
    )
    m[client] = key_of(COMPLETION, m[source + L.U_ELEMENT], L.T_CLIENT)
    set_alarm(m, now + length, client)


@inner
def client_alarm(m: Memory, f: Floats, client: int) -> None:
    """A client comes for the first time, or has thought."""
    source = m[client + L.A_OWNER]
    if m[client + L.C_STATE] == 0:
        _cycle(m, f, source, client)
    elif not _is_over(m, source, m[L.H_NOW]):
        _work(m, source, client)


@inner
def client_done(m: Memory, f: Floats, client: int) -> None:
    """The client's execution has ended: again."""
    m[client + L.C_CYCLE] += 1
    if m[L.H_NOW] == m[client + L.C_BEGUN]:
        m[client + L.C_IDLE] += 1
        if m[client + L.C_IDLE] == STANDSTILL:
            m[L.H_STATUS] = L.STANDS_STILL
            m[L.H_CULPRIT] = m[client + L.A_OWNER]
            return
    else:
        m[client + L.C_IDLE] = 0
    _cycle(m, f, m[client + L.A_OWNER], client)


# -- the beginning, and those that come and go with a fault ------------------------------------------------


@inner
def _start(m: Memory, f: Floats, source: int) -> None:
    """Let the first one come, counted from U_TIME."""
    if m[source + L.U_KIND] == L.MODULATED:
        first_phase(m, f, source)
    if m[source + L.U_KIND] == L.BURST:
        m[source + L.U_TIME] += m[source + L.U_AT]
    plan_arrival(m, f, source)


@inner
def begin_source(m: Memory, f: Floats, source: int) -> None:
    """The fault that the source is `during` has come."""
    m[source + L.U_STOP] = -1
    m[source + L.U_TIME] = m[L.H_NOW]
    m[source + L.U_ORIGIN] = m[L.H_NOW]
    m[source + L.U_SINCE] = m[source + L.U_ORDINAL]
    _start(m, f, source)


@inner
def end_source(m: Memory, source: int) -> None:
    """The fault that the source is `during` is over: what was to come is forgotten; its numbers are not used again."""
    m[source + L.U_STOP] = L.SHUT
    m[source + L.U_ORDINAL] += 1
    m[source + L.U_CHANGES] += 1
    cancel(m, source)


@inner
def start_sources(m: Memory, f: Floats, count: int) -> None:
    """Set the first alarm of every source and client."""
    for number in range(count):
        source = m[m[L.H_SOURCES] + number]
        m[source + L.U_TIME] = m[source + L.U_START]
        for client in range(m[source + L.U_CLIENT_COUNT]):
            at = m[source + L.U_CLIENTS] + client * L.C_SIZE
            m[at] = key_of(ARRIVAL, m[source + L.U_ELEMENT], L.T_CLIENT)
            m[at + L.A_VISIT] = client
            m[at + L.A_OWNER] = source
            m[at + L.C_PATH] = child_path(m[source + L.U_ID], client)
            set_alarm(m, m[source + L.U_START], at)
        if m[source + L.U_CLIENT_COUNT] == 0 and m[source + L.U_STOP] != L.SHUT:
            _start(m, f, source)
