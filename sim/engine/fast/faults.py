"""Faults: when they come and go, and which nodes they hit. What a crash does is told in `crashes`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import uniform
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel, jump, key_of, set_far_alarm
from sim.engine.fast.batches import batches_speed
from sim.engine.fast.crashes import interrupt_hit, node_down, node_up, set_ready
from sim.engine.fast.draw import time_of
from sim.engine.fast.jobs import wake
from sim.engine.fast.leaving import change_leaves, is_left, leave
from sim.engine.fast.lines import append, append_plain, remove_plain, unlink
from sim.engine.fast.memory import Floats, Memory, give, take
from sim.engine.fast.nodes import group_node, node_at
from sim.engine.fast.pools import note
from sim.engine.fast.servers import serve_visits
from sim.engine.fast.service import advance, plan_departure
from sim.engine.fast.sources import begin_source, end_source
from sim.engine.fast.trials import signs_come, signs_stop
from sim.engine.order import DOWN, UP

# -- slow and pause ----------------------------------------------------------------------------------------


@inner
def _place_speed(m: Memory, f: Floats, place: int, node: int, speed: float) -> None:
    """A place's node works at another speed from now on; 0 is a pause."""
    kind = m[place + L.P_KIND]
    if kind == L.COMMIT or kind == L.POLLED:
        batches_speed(m, f, place, node, speed)
        return
    if kind == L.SHARED:
        at = node_at(m, place, node)
        advance(m, f, place, at)
        m[at + L.S_SPEED] = int(speed * L.ONE_CORE)
        plan_departure(m, f, place, node)
    note(m, place, node)
    serve_visits(m, f, place, node)


@inner
def _change_speed(m: Memory, f: Floats, group: int, node: int, factor: float, begins: bool) -> None:
    """Let a slow-down or pause begin or end on a node."""
    where = group_node(m, group, node)
    before = f[where + L.D_SPEED]
    if begins:
        slower = take(m, 2)
        f[slower + 1] = factor
        append_plain(m, where + L.D_SPEEDS, slower)
    else:
        last = 0
        slower = m[where + L.D_SPEEDS]
        while f[slower + 1] != factor:
            last = slower
            slower = m[slower]
        remove_plain(m, where + L.D_SPEEDS, last, slower)
        give(m, slower, 2)
    after = 1.0
    slower = m[where + L.D_SPEEDS]
    while slower:
        after *= f[slower + 1]
        slower = m[slower]
    f[where + L.D_SPEED] = after
    if before == after:
        return
    up = m[where + L.D_DOWNS] == 0
    set_ready(m, f, where)
    if up:
        for number in range(m[group + L.GR_RESIDENT_COUNT]):
            resident = m[m[group + L.GR_RESIDENTS] + number]
            if resident >= 0:
                _place_speed(m, f, resident, node, after)
    if (before == 0.0) != (after == 0.0):
        trial = m[where + L.D_TRIALS]
        while trial:
            if after == 0.0:
                signs_stop(m, trial)
            else:
                signs_come(m, trial)
            trial = m[trial + L.Y_LINKS] & L.LOW
    if before == 0.0:
        waiting = m[where + L.D_RESUMED]
        m[where + L.D_RESUMED] = 0
        m[where + L.D_RESUMED + 1] = 0
        while waiting:
            m[waiting + L.Z_NODE] = 0
            wake(m, m[waiting + L.Z_JOB], 0)
            waiting = m[waiting + L.Z_LINKS] & L.LOW


# -- errors ------------------------------------------------------------------------------------------------


@inner
def _change_errors(m: Memory, f: Floats, group: int, node: int, spec: int, episode: int, begins: bool) -> None:
    chain = group_node(m, group, node) + L.D_ERRORS
    if begins:
        fault = take(m, 4)
        m[fault + 1] = m[spec + L.FS_ERRORS]
        m[fault + 2] = episode
        f[fault + 3] = f[spec + L.FS_VALUE]
        append_plain(m, chain, fault)
        return
    last = 0
    fault = m[chain]
    while m[fault + 1] != m[spec + L.FS_ERRORS] or m[fault + 2] != episode:
        last = fault
        fault = m[fault]
    remove_plain(m, chain, last, fault)
    give(m, fault, 4)


# -- episodes ----------------------------------------------------------------------------------------------


# what may happen to a node in an episode
_ENDS = 0
_BEGINS = 1
_LEAVES = 2
_IS_BUSY = 3  # a question: the node counts while something is left on it


@inner
def _one_node(m: Memory, f: Floats, process: int, group: int, node: int, what: int) -> int:
    spec = m[process + L.FA_SPEC]
    kind = m[spec + L.FS_EFFECT]
    if what == _IS_BUSY:
        return 0 if is_left(m, group, node) else 1
    if what == _LEAVES:
        leave(m, f, group, node)
    elif kind == L.CRASH:
        if what == _BEGINS:
            node_down(m, f, group, node, True)
        else:
            if m[spec + L.FS_NOTICE] >= 0:
                change_leaves(m, f, group, node, -1)
            node_up(m, f, group, node)
    elif kind == L.ERRORS:
        _change_errors(m, f, group, node, spec, m[process + L.FA_EPISODE], what == _BEGINS)
    else:
        _change_speed(m, f, group, node, 0.0 if kind == L.PAUSE else f[spec + L.FS_VALUE], what == _BEGINS)
    return 0


@inner
def _all_nodes(m: Memory, f: Floats, process: int, what: int) -> int:
    """Let it happen to every node that the episode hits, target by target; gives how many count."""
    record = m[process + L.FA_RECORD]
    if m[process + L.FA_ONLY] and not m[record + L.EP_ALL]:
        return _one_node(m, f, process, m[process + L.FA_ONLY], m[process + L.FA_NODE], what)
    count = 0
    spec = m[process + L.FA_SPEC]
    for number in range(m[spec + L.FS_TARGET_COUNT]):
        target = m[spec + L.FS_TARGETS] + 4 * number
        group = m[target]
        if m[target + 1] == L.ALL_NODES or (m[record + L.EP_ALL] and m[target + 1] == L.ANY_NODE):
            for node in range(m[group + L.GR_COUNT]):
                count += _one_node(m, f, process, group, node, what)
        elif m[target + 1] == L.ANY_NODE:
            count += _one_node(m, f, process, group, m[record + L.EP_NODES + number], what)
        else:
            for item in range(m[target + 3]):
                count += _one_node(m, f, process, group, m[m[target + 2] + item], what)
    return count


@inner
def _new_episode(m: Memory, f: Floats, process: int) -> None:
    spec = m[process + L.FA_SPEC]
    targets = m[spec + L.FS_TARGET_COUNT]
    record = take(m, L.EP_NODES + targets)
    m[record + L.EP_FAULT] = m[spec + L.FS_INDEX]
    m[record + L.EP_START] = m[L.H_NOW]
    m[record + L.EP_DOWN] = -1
    m[record + L.EP_END] = -1
    m[record + L.EP_HIT] = 0
    m[record + L.EP_ONLY] = m[process + L.FA_ONLY]
    m[record + L.EP_ONLY + 1] = m[process + L.FA_NODE]
    m[record + L.EP_ALL] = 0
    if f[spec + L.FS_COMMON] > 0.0:
        u = uniform(m[spec + L.FS_COMMON_STREAM], m[process + L.FA_PATH], m[process + L.FA_EPISODE])
        m[record + L.EP_ALL] = 1 if u < f[spec + L.FS_COMMON] else 0
    for number in range(targets):
        target = m[spec + L.FS_TARGETS] + 4 * number
        drawn = -1
        if m[target + 1] == L.ANY_NODE:
            u = uniform(m[spec + L.FS_PICK], m[process + L.FA_PATH], m[process + L.FA_EPISODE])
            drawn = int(u * m[m[target] + L.GR_COUNT])
        m[record + L.EP_NODES + number] = drawn
    append_plain(m, L.H_EPISODES, record)
    m[process + L.FA_RECORD] = record


@inner
def _opens(m: Memory, spec: int, time: int) -> int:
    """The time itself where it lies in the fault's window, else that of the next opening."""
    period = m[spec + L.FS_PERIOD]
    if period == 0:
        return time
    since = time % period - m[spec + L.FS_OPENS]
    if since < 0:
        since += period
    return time if since < m[spec + L.FS_OPEN] else time + period - since


@inner
def _plan_fault(m: Memory, f: Floats, process: int) -> None:
    """Set the alarm of the next beginning."""
    spec = m[process + L.FA_SPEC]
    if m[spec + L.FS_WAIT] == 0:
        time = m[spec + L.FS_AT]
    else:
        wait = time_of(
            m, f, m[spec + L.FS_WAIT], m[spec + L.FS_WAIT_STREAM], m[process + L.FA_PATH], m[process + L.FA_EPISODE]
        )
        time = _opens(m, spec, m[L.H_NOW] + wait)
    m[process] = key_of(DOWN, m[spec + L.FS_ELEMENT], L.T_FAULT)
    set_far_alarm(m, time, process)


@inner
def _give_notice(m: Memory, f: Floats, process: int) -> None:
    """The nodes leave, and crash when the notice is over."""
    _all_nodes(m, f, process, _LEAVES)
    m[process + L.FA_STATE] = 2
    append(m, L.H_NOTICES, process, L.FA_LINKS)
    set_far_alarm(m, m[L.H_NOW] + m[m[process + L.FA_SPEC] + L.FS_NOTICE], process)


@inner
def hasten_crashes(m: Memory, f: Floats) -> None:
    """Between two events: of those who have given notice, who has nothing left on any node crashes now."""
    process = m[L.H_NOTICES]
    while process:
        following = m[process + L.FA_LINKS] & L.LOW
        if _all_nodes(m, f, process, _IS_BUSY) == 0:
            unlink(m, L.H_NOTICES, process, L.FA_LINKS)
            m[process + L.FA_STATE] = 3
            cancel(m, process)
            set_far_alarm(m, m[L.H_NOW], process)
        process = following


@inner
def _strike(m: Memory, f: Floats, process: int) -> None:
    """What the fault does sets in."""
    spec, record = m[process + L.FA_SPEC], m[process + L.FA_RECORD]
    m[record + L.EP_DOWN] = m[L.H_NOW]
    _all_nodes(m, f, process, _BEGINS)
    if m[spec + L.FS_EFFECT] == L.CRASH:
        m[record + L.EP_HIT] = interrupt_hit(m)
    elif m[spec + L.FS_EFFECT] == L.CLOCK:
        jump(m, m[spec + L.FS_VALUE])
    if m[spec + L.FS_LENGTH] == 0:
        return
    m[process + L.FA_STATE] = 1
    m[process] = key_of(UP, m[spec + L.FS_ELEMENT], L.T_FAULT)
    length = time_of(
        m, f, m[spec + L.FS_LENGTH], m[spec + L.FS_LENGTH_STREAM], m[process + L.FA_PATH], m[process + L.FA_EPISODE]
    )
    set_far_alarm(m, m[L.H_NOW] + length, process)


@inner
def fault_changes(m: Memory, f: Floats, process: int) -> None:
    """A fault comes, strikes after its notice, or goes."""
    spec = m[process + L.FA_SPEC]
    state = m[process + L.FA_STATE]
    if state >= 2:
        if state == 2:
            unlink(m, L.H_NOTICES, process, L.FA_LINKS)
        _strike(m, f, process)
        return
    m[L.H_ACTIVITIES] += 1
    if state == 0:
        _new_episode(m, f, process)
        for number in range(m[spec + L.FS_SOURCE_COUNT]):
            begin_source(m, f, m[m[spec + L.FS_SOURCES] + number])
        if m[spec + L.FS_NOTICE] >= 0:
            _give_notice(m, f, process)
        else:
            _strike(m, f, process)
        return
    m[m[process + L.FA_RECORD] + L.EP_END] = m[L.H_NOW]
    for number in range(m[spec + L.FS_SOURCE_COUNT]):
        end_source(m, m[m[spec + L.FS_SOURCES] + number])
    if m[spec + L.FS_EFFECT] == L.CLOCK:
        jump(m, -m[spec + L.FS_VALUE])
    _all_nodes(m, f, process, _ENDS)
    m[process + L.FA_STATE] = 0
    m[process + L.FA_EPISODE] += 1
    if m[spec + L.FS_WAIT]:
        _plan_fault(m, f, process)


@inner
def start_faults(m: Memory, f: Floats, first: int, size: int, count: int) -> None:
    """Set the first alarm of every fault."""
    for number in range(count):
        _plan_fault(m, f, first + number * size)
