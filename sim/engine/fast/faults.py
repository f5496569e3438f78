"""Faults: begin and end them, and choose the nodes that they hit. `groups` carries out a crash."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import uniform
from sim.engine.fast.attempt_timers import signs_come, signs_stop
from sim.engine.fast.batches import batches_speed
from sim.engine.fast.draw import time_of
from sim.engine.fast.groups import change_leaves, interrupt_hit, is_left, leave, node_down, node_up, set_ready
from sim.engine.fast.jobs import wake
from sim.engine.fast.layout import (
    LOW,
    ONE_CORE,
    Attempt,
    CoresNode,
    Due,
    Episode,
    Fault,
    FaultEffect,
    FaultProcess,
    Group,
    Header,
    Influence,
    Node,
    Paused,
    Pick,
    Place,
    PlaceKind,
    Ref,
    Table,
)
from sim.engine.fast.memory import Floats, Memory, allocate, cleared, free
from sim.engine.fast.nodes import group_node, node_at
from sim.engine.fast.pools import note
from sim.engine.fast.queues import append, append_plain, remove_plain, unlink
from sim.engine.fast.servers import serve_visits
from sim.engine.fast.service import advance, plan_departure
from sim.engine.fast.sources import begin_source, end_source
from sim.engine.fast.timers import cancel, jump, key_of, set_far_timer
from sim.engine.order import DOWN, UP

# -- slow and pause ----------------------------------------------------------------------------------------


@inner
def _change_influences(
    m: Memory, f: Floats, chain: int, stream: int, episode: int, value: float, begins: bool
) -> None:
    """One more in a list, or the first that is like this one less."""
    if begins:
        one = allocate(m, Influence.SIZE)
        m[one + Influence.STREAM] = stream
        m[one + Influence.EPISODE] = episode
        f[one + Influence.VALUE] = value
        append_plain(m, chain, one)
        return
    last = 0
    one = m[chain]
    while (
        m[one + Influence.STREAM] != stream
        or m[one + Influence.EPISODE] != episode
        or f[one + Influence.VALUE] != value
    ):
        last = one
        one = m[one]
    remove_plain(m, chain, last, one)
    free(m, one, Influence.SIZE)


@inner
def _place_speed(m: Memory, f: Floats, place: Ref[Place], node: int, speed: float) -> None:
    """A place's node works at another speed from now on; 0 is a pause."""
    kind = m[place + Place.KIND]
    if kind == PlaceKind.COMMIT or kind == PlaceKind.POLLED:
        batches_speed(m, f, place, node, speed)
        return
    if kind == PlaceKind.CORES:
        at = node_at(m, place, node)
        advance(m, f, place, at)
        m[at + CoresNode.SPEED] = int(speed * ONE_CORE)
        plan_departure(m, f, place, node)
    note(m, place, node)
    serve_visits(m, f, place, node)


@inner
def _change_speed(m: Memory, f: Floats, group: Ref[Group], node: int, factor: float, begins: bool) -> None:
    """Let a slow-down or pause begin or end on a node."""
    where = group_node(m, group, node)
    before = f[where + Node.SPEED]
    _change_influences(m, f, where + Node.SPEEDS, 0, 0, factor, begins)
    after = 1.0
    slower = m[where + Node.SPEEDS]
    while slower:
        after *= f[slower + Influence.VALUE]
        slower = m[slower]
    f[where + Node.SPEED] = after
    if before == after:
        return
    up = m[where + Node.DOWNS] == 0
    set_ready(m, f, where)
    if up:
        for number in range(m[group + Group.RESIDENTS + Table.COUNT]):
            resident = m[m[group + Group.RESIDENTS] + number]
            if resident >= 0:
                _place_speed(m, f, resident, node, after)
    if (before == 0.0) != (after == 0.0):
        attempt = m[where + Node.ATTEMPTS]
        while attempt:
            if after == 0.0:
                signs_stop(m, attempt)
            else:
                signs_come(m, attempt)
            attempt = m[attempt + Attempt.LINKS] & LOW
    if before == 0.0:
        waiting = m[where + Node.RESUMED]
        m[where + Node.RESUMED] = 0
        m[where + Node.RESUMED + 1] = 0
        while waiting:
            m[waiting + Paused.NODE] = 0
            wake(m, m[waiting + Paused.JOB], 0)
            waiting = m[waiting + Paused.LINKS] & LOW


# -- episodes ----------------------------------------------------------------------------------------------


# what may happen to a node in an episode
_ENDS = 0
_BEGINS = 1
_LEAVES = 2
_IS_BUSY = 3  # a question: the node counts while something is left on it


@inner
def _one_node(m: Memory, f: Floats, process: Ref[FaultProcess], group: Ref[Group], node: int, what: int) -> int:
    spec = m[process + FaultProcess.SPEC]
    kind = m[spec + Fault.EFFECT]
    if what == _IS_BUSY:
        return 0 if is_left(m, group, node) else 1
    if what == _LEAVES:
        leave(m, f, group, node)
    elif kind == FaultEffect.CRASH:
        if what == _BEGINS:
            node_down(m, f, group, node, True)
        else:
            if m[spec + Fault.NOTICE] >= 0:
                change_leaves(m, f, group, node, -1)
            node_up(m, f, group, node)
    elif kind == FaultEffect.ERRORS:
        errors = group_node(m, group, node) + Node.ERRORS
        stream, episode = m[spec + Fault.ERRORS], m[process + FaultProcess.EPISODE]
        _change_influences(m, f, errors, stream, episode, f[spec + Fault.VALUE], what == _BEGINS)
    else:
        _change_speed(m, f, group, node, 0.0 if kind == FaultEffect.PAUSE else f[spec + Fault.VALUE], what == _BEGINS)
    return 0


@inner
def _all_nodes(m: Memory, f: Floats, process: Ref[FaultProcess], what: int) -> int:
    """Let it happen to every node that the episode hits, target by target; gives how many count."""
    record = m[process + FaultProcess.RECORD]
    if m[process + FaultProcess.ONLY] and not m[record + Episode.ALL]:
        return _one_node(m, f, process, m[process + FaultProcess.ONLY], m[process + FaultProcess.NODE], what)
    count = 0
    spec = m[process + FaultProcess.SPEC]
    for number in range(m[spec + Fault.TARGETS + Table.COUNT]):
        target = m[spec + Fault.TARGETS] + 4 * number
        group = m[target]
        if m[target + 1] == Pick.ALL or (m[record + Episode.ALL] and m[target + 1] == Pick.ANY):
            for node in range(m[group + Group.COUNT]):
                count += _one_node(m, f, process, group, node, what)
        elif m[target + 1] == Pick.ANY:
            count += _one_node(m, f, process, group, m[record + Episode.NODES + number], what)
        else:
            for item in range(m[target + 3]):
                count += _one_node(m, f, process, group, m[m[target + 2] + item], what)
    return count


@inner
def _new_episode(m: Memory, f: Floats, process: Ref[FaultProcess]) -> None:
    spec = m[process + FaultProcess.SPEC]
    targets = m[spec + Fault.TARGETS + Table.COUNT]
    record = cleared(m, Episode.NODES + targets)
    m[record + Episode.FAULT] = m[spec + Fault.INDEX]
    m[record + Episode.START] = m[Header.NOW]
    m[record + Episode.DOWN] = -1
    m[record + Episode.END] = -1
    m[record + Episode.ONLY] = m[process + FaultProcess.ONLY]
    m[record + Episode.ONLY_NODE] = m[process + FaultProcess.NODE]
    if f[spec + Fault.COMMON] > 0.0:
        u = uniform(m[spec + Fault.COMMON_STREAM], m[process + FaultProcess.PATH], m[process + FaultProcess.EPISODE])
        m[record + Episode.ALL] = 1 if u < f[spec + Fault.COMMON] else 0
    for number in range(targets):
        target = m[spec + Fault.TARGETS] + 4 * number
        drawn = -1
        if m[target + 1] == Pick.ANY:
            u = uniform(m[spec + Fault.PICK], m[process + FaultProcess.PATH], m[process + FaultProcess.EPISODE])
            drawn = int(u * m[m[target] + Group.COUNT])
        m[record + Episode.NODES + number] = drawn
    append_plain(m, Header.EPISODES, record)
    m[process + FaultProcess.RECORD] = record


@inner
def _opens(m: Memory, spec: Ref[Fault], time: int) -> int:
    """The time itself where it lies in the fault's window, else that of the next opening."""
    period = m[spec + Fault.PERIOD]
    if period == 0:
        return time
    since = time % period - m[spec + Fault.OPENS]
    if since < 0:
        since += period
    return time if since < m[spec + Fault.OPEN] else time + period - since


@inner
def _plan_fault(m: Memory, f: Floats, process: Ref[FaultProcess]) -> None:
    """Set the timer of the next beginning."""
    spec = m[process + FaultProcess.SPEC]
    if m[spec + Fault.WAIT] == 0:
        time = m[spec + Fault.AT]
    else:
        wait = time_of(m, f, spec + Fault.WAIT, m[process + FaultProcess.PATH], m[process + FaultProcess.EPISODE])
        time = _opens(m, spec, m[Header.NOW] + wait)
    m[process] = key_of(DOWN, m[spec + Fault.ELEMENT], Due.FAULT)
    set_far_timer(m, time, process)


@inner
def _give_notice(m: Memory, f: Floats, process: Ref[FaultProcess]) -> None:
    """The nodes leave, and crash when the notice is over."""
    _all_nodes(m, f, process, _LEAVES)
    m[process + FaultProcess.STATE] = 2
    append(m, Header.NOTICES, process, FaultProcess.LINKS)
    set_far_timer(m, m[Header.NOW] + m[m[process + FaultProcess.SPEC] + Fault.NOTICE], process)


@inner
def hasten_crashes(m: Memory, f: Floats) -> None:
    """Between two events: of those who have given notice, who has nothing left on any node crashes now."""
    process = m[Header.NOTICES]
    while process:
        following = m[process + FaultProcess.LINKS] & LOW
        if _all_nodes(m, f, process, _IS_BUSY) == 0:
            unlink(m, Header.NOTICES, process, FaultProcess.LINKS)
            m[process + FaultProcess.STATE] = 3
            cancel(m, process)
            set_far_timer(m, m[Header.NOW], process)
        process = following


@inner
def _strike(m: Memory, f: Floats, process: Ref[FaultProcess]) -> None:
    """What the fault does sets in."""
    spec, record = m[process + FaultProcess.SPEC], m[process + FaultProcess.RECORD]
    m[record + Episode.DOWN] = m[Header.NOW]
    _all_nodes(m, f, process, _BEGINS)
    if m[spec + Fault.EFFECT] == FaultEffect.CRASH:
        m[record + Episode.HIT] = interrupt_hit(m)
    elif m[spec + Fault.EFFECT] == FaultEffect.CLOCK:
        jump(m, m[spec + Fault.VALUE])
    if m[spec + Fault.LENGTH] == 0:
        return
    m[process + FaultProcess.STATE] = 1
    m[process] = key_of(UP, m[spec + Fault.ELEMENT], Due.FAULT)
    length = time_of(m, f, spec + Fault.LENGTH, m[process + FaultProcess.PATH], m[process + FaultProcess.EPISODE])
    set_far_timer(m, m[Header.NOW] + length, process)


@inner
def fault_changes(m: Memory, f: Floats, process: Ref[FaultProcess]) -> None:
    """A fault comes, strikes after its notice, or goes."""
    spec = m[process + FaultProcess.SPEC]
    state = m[process + FaultProcess.STATE]
    if state >= 2:
        if state == 2:
            unlink(m, Header.NOTICES, process, FaultProcess.LINKS)
        _strike(m, f, process)
        return
    m[Header.ACTIVITIES] += 1
    if state == 0:
        _new_episode(m, f, process)
        for number in range(m[spec + Fault.SOURCES + Table.COUNT]):
            begin_source(m, f, m[m[spec + Fault.SOURCES] + number])
        if m[spec + Fault.NOTICE] >= 0:
            _give_notice(m, f, process)
        else:
            _strike(m, f, process)
        return
    m[m[process + FaultProcess.RECORD] + Episode.END] = m[Header.NOW]
    for number in range(m[spec + Fault.SOURCES + Table.COUNT]):
        end_source(m, m[m[spec + Fault.SOURCES] + number])
    if m[spec + Fault.EFFECT] == FaultEffect.CLOCK:
        jump(m, -m[spec + Fault.VALUE])
    _all_nodes(m, f, process, _ENDS)
    m[process + FaultProcess.STATE] = 0
    m[process + FaultProcess.EPISODE] += 1
    if m[spec + Fault.WAIT]:
        _plan_fault(m, f, process)


@inner
def start_faults(m: Memory, f: Floats, first: int, size: int, count: int) -> None:
    """Set the first timer of every fault."""
    for number in range(count):
        _plan_fault(m, f, first + number * size)
