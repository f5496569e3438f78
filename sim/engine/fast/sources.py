"""Where executions come from: each kind of arrivals, and the clients of a closed loop."""

from __future__ import annotations

from math import sqrt

from sim.draws.inverse import exponentials_ns, exponentials_of_paths_ns
from sim.draws.jit import inner
from sim.draws.mathematics import log
from sim.draws.streams import child_path, uniform
from sim.engine.elements import STANDSTILL
from sim.engine.fast.children import begin_family
from sim.engine.fast.draw import count_of, time_of
from sim.engine.fast.jobs import new_execution, start_state
from sim.engine.fast.layout import (
    Client,
    Distribution,
    Draw,
    Due,
    Header,
    Job,
    Profile,
    Ref,
    Source,
    SourceKind,
    Status,
    Table,
    Timer,
)
from sim.engine.fast.memory import Floats, Memory, allocate, free, half_even
from sim.engine.fast.recorder import room_for_row, row_opens
from sim.engine.fast.timers import cancel, key_of, make_timer, set_due, set_timer
from sim.engine.order import ARRIVAL, COMPLETION

_UNUSED_BATCH = -1

# -- letting in ---------------------------------------------------------------------------------------------


@inner
def _is_over(m: Memory, source: Ref[Source], time: int) -> bool:
    """Whether the source lets nothing in any more at a time."""
    if m[Header.STOPPED] or 0 <= m[source + Source.STOP] <= time:
        return True
    return 0 <= m[source + Source.LIMIT] <= m[source + Source.STARTED]


@inner
def _let_in(m: Memory, source: Ref[Source], path: int) -> int:
    """Let an execution in."""
    ordinal = m[Header.ORDINAL]
    if not room_for_row(m, ordinal):
        return 0
    m[source + Source.STARTED] += 1
    m[Header.ORDINAL] = ordinal + 1
    cohort = 0
    if m[source + Source.COUNTED] and m[Header.BEGIN] <= m[Header.NOW] < m[Header.HORIZON]:
        cohort = Job.COHORT
    job = new_execution(m, ordinal << 24, path, m[source + Source.CODE], m[source + Source.INDEX], cohort)
    start_state(m, job, path)
    if m[Header.JOB_FAMILY]:
        begin_family(m, job, source)
    row_opens(m, ordinal, job, m[source + Source.ROUTINE])
    return job


@inner
def _let_batch_in(m: Memory, f: Floats, source: Ref[Source], ordinal: int) -> None:
    """Those who arrive together, in order."""
    if m[source + Source.FIRST]:
        job = _let_in(m, source, m[source + Source.PATHS + ordinal % Source.AHEAD])
        if job:
            m[job + m[Header.JOB_FIRST]] = m[source + Source.FIRSTS + ordinal % Source.AHEAD]
        return
    here = child_path(m[source + Source.ID], ordinal)
    if m[source + Source.BATCH] == _UNUSED_BATCH:
        _let_in(m, source, here)
        return
    for index in range(count_of(m, f, source + Source.BATCH, here)):
        if _is_over(m, source, m[Header.NOW]) or m[Header.STATUS]:
            return
        _let_in(m, source, child_path(here, index))


# -- when the next one comes -------------------------------------------------------------------------------


@inner
def _after_profile(m: Memory, f: Floats, source: Ref[Source], time_ns: int, work: float) -> int:
    """The time at which `work`, a unit exponential, is used up at the rate from `time_ns` on; -1 when it never is.

    The same operations in the same order as in `sim.engine.profile`.
    """
    profile = m[source + Source.PROFILE]
    count, period = m[profile + Profile.COUNT], m[profile + Profile.PERIOD]
    times, rates = m[profile + Profile.TIMES], m[profile + Profile.RATES]
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
        last = following if m[profile + Profile.LINEAR] else first
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
def _stay(m: Memory, f: Floats, source: Ref[Source]) -> int:
    u = uniform(m[source + Source.STAY_STREAM], m[source + Source.ID], m[source + Source.CHANGES])
    return half_even(-log(u) * m[m[source + Source.PHASES] + 2 * m[source + Source.PHASE] + 1])


@inner
def first_phase(m: Memory, f: Floats, source: Ref[Source]) -> None:
    """The phase that a modulated source begins in, and its end."""
    phases = m[source + Source.PHASES]
    count = m[source + Source.PHASES + Table.COUNT]
    total = 0
    for phase in range(count):
        total += m[phases + 2 * phase + 1]
    u = uniform(m[source + Source.STAY_STREAM], m[source + Source.ID], m[source + Source.CHANGES]) * total
    current = 0
    while current < count - 1 and u >= m[phases + 2 * current + 1]:
        u -= m[phases + 2 * current + 1]
        current += 1
    m[source + Source.PHASE] = current
    m[source + Source.CHANGES] += 1
    m[source + Source.PHASE_END] = m[source + Source.TIME] + _stay(m, f, source)


@inner
def _after_phases(m: Memory, f: Floats, source: Ref[Source]) -> int:
    """A unit of exponential work is used up at the rate of the phase, whichever phases it takes; -1: never."""
    time = m[source + Source.TIME]
    work = -log(uniform(m[source + Source.STREAM], m[source + Source.ID], m[source + Source.ORDINAL]))
    while True:
        rate = f[m[source + Source.PHASES] + 2 * m[source + Source.PHASE]]
        if rate > 0:
            need = half_even(work / rate * 1e9)
            if time + need < m[source + Source.PHASE_END]:
                return time + need
        work = max(
            0.0, work - (m[source + Source.PHASE_END] - time) * 1e-9 * rate
        )  # rounding may leave less than nothing
        time = m[source + Source.PHASE_END]
        m[source + Source.PHASE] = (m[source + Source.PHASE] + 1) % m[source + Source.PHASES + Table.COUNT]
        m[source + Source.CHANGES] += 1
        m[source + Source.PHASE_END] = time + _stay(m, f, source)
        if 0 <= m[source + Source.STOP] <= time:
            return -1


@inner
def _draw_ahead(m: Memory, f: Floats, source: Ref[Source], first: int) -> None:
    """Gaps of the arrivals to come; their paths and the first times of the executions, if those are drawn ahead."""
    path = m[source + Source.ID]
    exponentials_ns(
        m, source + Source.GAPS, Source.AHEAD, m[source + Source.STREAM], path, first, f[source + Source.MEAN]
    )
    dist, stream = m[source + Source.FIRST], m[source + Source.FIRST + Draw.STREAM]
    if dist:
        paths = source + Source.PATHS
        for ahead in range(Source.AHEAD):
            m[paths + ahead] = child_path(path, first + ahead)
        exponentials_of_paths_ns(
            m,
            source + Source.FIRSTS,
            Source.AHEAD,
            stream,
            paths,
            f[dist + Distribution.A],
        )


@inner
def plan_arrival(m: Memory, f: Floats, source: Ref[Source]) -> None:
    """Set the timer of the next arrival, if there is one."""
    kind, time, ordinal = m[source + Source.KIND], m[source + Source.TIME], m[source + Source.ORDINAL]
    if kind == SourceKind.POISSON:
        if m[source + Source.PROFILE]:
            work = -log(uniform(m[source + Source.STREAM], m[source + Source.ID], ordinal))
            origin = m[source + Source.ORIGIN]
            time = _after_profile(m, f, source, time - origin, work)
            if time >= 0:
                time += origin
        else:
            if ordinal % Source.AHEAD == 0:
                _draw_ahead(m, f, source, ordinal)
            time += m[source + Source.GAPS + ordinal % Source.AHEAD]
    elif kind == SourceKind.RENEWAL:
        time += time_of(m, f, source + Source.DIST, m[source + Source.ID], ordinal)
    elif kind == SourceKind.MODULATED:
        time = _after_phases(m, f, source)
    elif kind == SourceKind.TRACE:
        if ordinal >= m[source + Source.TRACE + Table.COUNT]:
            return
        time = m[source + Source.START] + m[m[source + Source.TRACE] + ordinal]
    if time < 0 or _is_over(m, source, time):
        return
    m[source + Source.TIME] = time
    make_timer(m, source, key_of(ARRIVAL, m[source + Source.ELEMENT], Due.SOURCE), 0, source)
    set_timer(m, time, source)


@inner
def _burst(m: Memory, f: Floats, source: Ref[Source]) -> None:
    """A burst as a whole; with jitter, each of its executions by itself."""
    now = m[Header.NOW]
    here = child_path(m[source + Source.ID], m[source + Source.BURST])
    m[source + Source.BURST] += 1
    for index in range(count_of(m, f, source + Source.SIZE_OF, here)):
        if _is_over(m, source, now) or m[Header.STATUS]:
            return
        ordinal = m[source + Source.ORDINAL]
        m[source + Source.ORDINAL] = ordinal + 1
        if m[source + Source.JITTER] == 0:
            _let_in(m, source, child_path(m[source + Source.ID], ordinal))
            continue
        u = uniform(m[source + Source.STREAM], child_path(here, index), 0)
        late = allocate(m, Timer.SIZE)
        # visit 0 is the burst itself
        make_timer(m, late, key_of(ARRIVAL, m[source + Source.ELEMENT], Due.LATE), ordinal + 1, source)
        set_timer(m, now + half_even(u * m[source + Source.JITTER]), late)
    if m[source + Source.EVERY] < 0:
        return
    m[source + Source.TIME] = now + m[source + Source.EVERY]
    plan_arrival(m, f, source)


@inner
def arrival(m: Memory, f: Floats, source: Ref[Source]) -> None:
    """The source lets in whoever comes now, and waits for the next."""
    if _is_over(m, source, m[Header.NOW]):
        return
    if m[source + Source.KIND] == SourceKind.BURST:
        _burst(m, f, source)
        return
    ordinal = m[source + Source.ORDINAL]
    _let_batch_in(m, f, source, ordinal)
    m[source + Source.ORDINAL] = ordinal + 1
    plan_arrival(m, f, source)


@inner
def late_arrival(m: Memory, late: Ref[Timer]) -> None:
    """One of a burst with jitter comes."""
    source, ordinal = m[late + Timer.OWNER], m[late + Timer.VISIT] - 1
    free(m, late, Timer.SIZE)
    if ordinal >= m[source + Source.SINCE] and not _is_over(m, source, m[Header.NOW]):
        _let_in(m, source, child_path(m[source + Source.ID], ordinal))


# -- closed loop -------------------------------------------------------------------------------------------


@inner
def _work(m: Memory, source: Ref[Source], client: Ref[Client]) -> None:
    job = _let_in(m, source, child_path(m[client + Client.PATH], m[client + Client.CYCLE]))
    if job:
        m[client + Client.STATE] = 2
        m[job + m[Header.JOB_CLIENT]] = client


@inner
def _cycle(m: Memory, f: Floats, source: Ref[Source], client: Ref[Client]) -> None:
    """Think, where there is something to think about, then start."""
    now = m[Header.NOW]
    if _is_over(m, source, now):
        return
    m[client + Client.BEGUN] = now
    if m[source + Source.DIST] == 0:
        _work(m, source, client)
        return
    m[client + Client.STATE] = 1
    length = time_of(m, f, source + Source.DIST, m[client + Client.PATH], m[client + Client.CYCLE])
    set_due(m, now + length, client, COMPLETION, m[source + Source.ELEMENT], Due.CLIENT)


@inner
def client_timer(m: Memory, f: Floats, client: Ref[Client]) -> None:
    """A client comes for the first time, or has thought."""
    source = m[client + Timer.OWNER]
    if m[client + Client.STATE] == 0:
        _cycle(m, f, source, client)
    elif not _is_over(m, source, m[Header.NOW]):
        _work(m, source, client)


@inner
def client_done(m: Memory, f: Floats, client: Ref[Client]) -> None:
    """The client's execution has ended: again."""
    m[client + Client.CYCLE] += 1
    if m[Header.NOW] == m[client + Client.BEGUN]:
        m[client + Client.IDLE] += 1
        if m[client + Client.IDLE] == STANDSTILL:
            m[Header.STATUS] = Status.STANDS_STILL
            m[Header.CULPRIT] = m[client + Timer.OWNER]
            return
    else:
        m[client + Client.IDLE] = 0
    _cycle(m, f, m[client + Timer.OWNER], client)


# -- the beginning, and those that come and go with a fault ------------------------------------------------


@inner
def _start(m: Memory, f: Floats, source: Ref[Source]) -> None:
    """Let the first one come, counted from Source.TIME."""
    if m[source + Source.KIND] == SourceKind.MODULATED:
        first_phase(m, f, source)
    if m[source + Source.KIND] == SourceKind.BURST:
        m[source + Source.TIME] += m[source + Source.AT]
    plan_arrival(m, f, source)


@inner
def begin_source(m: Memory, f: Floats, source: Ref[Source]) -> None:
    """The fault that the source is `during` has come."""
    m[source + Source.STOP] = -1
    m[source + Source.TIME] = m[Header.NOW]
    m[source + Source.ORIGIN] = m[Header.NOW]
    m[source + Source.SINCE] = m[source + Source.ORDINAL]
    _start(m, f, source)


@inner
def end_source(m: Memory, source: Ref[Source]) -> None:
    """The fault that the source is `during` is over: what was to come is forgotten; its numbers are not used again."""
    m[source + Source.STOP] = Source.SHUT
    m[source + Source.ORDINAL] += 1
    m[source + Source.CHANGES] += 1
    cancel(m, source)


@inner
def start_sources(m: Memory, f: Floats, count: int) -> None:
    """Set the first timer of every source and client."""
    for number in range(count):
        source = m[m[Header.SOURCES] + number]
        m[source + Source.TIME] = m[source + Source.START]
        for client in range(m[source + Source.CLIENTS + Table.COUNT]):
            at = m[source + Source.CLIENTS] + client * Client.SIZE
            make_timer(m, at, key_of(ARRIVAL, m[source + Source.ELEMENT], Due.CLIENT), client, source)
            m[at + Client.PATH] = child_path(m[source + Source.ID], client)
            set_timer(m, m[source + Source.START], at)
        if m[source + Source.CLIENTS + Table.COUNT] == 0 and m[source + Source.STOP] != Source.SHUT:
            _start(m, f, source)
