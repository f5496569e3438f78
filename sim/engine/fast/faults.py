"""Faults: when they come and go, and what they do to nodes, to what stands there and to whoever runs there."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import uniform
from sim.engine.fast.alarms import key_of, set_far_alarm
from sim.engine.fast.batches import batches_down, batches_speed, batches_up
from sim.engine.fast.caches import cache_down
from sim.engine.fast.draw import time_of
from sim.engine.fast.falls import choose_again, units_back, units_lost
from sim.engine.fast.hits import HIT_DEPTH, HIT_JOB, HIT_NEXT, HIT_ORDER, HIT_SIZE, add_hit
from sim.engine.fast.jobs import wake
from sim.engine.fast.layout import (
    ALL_NODES,
    ANY_NODE,
    COMMIT,
    CRASH,
    D_DOWNS,
    D_ERRORS,
    D_READY,
    D_RESUMED,
    D_SINCE,
    D_SPEED,
    D_SPEEDS,
    D_TRIALS,
    E_CHOOSE,
    EP_END,
    EP_FAULT,
    EP_HIT,
    EP_NODES,
    EP_ONLY,
    EP_START,
    ERRORS,
    FA_EPISODE,
    FA_NODE,
    FA_ONLY,
    FA_PATH,
    FA_RECORD,
    FA_SPEC,
    FA_STATE,
    FS_AT,
    FS_EFFECT,
    FS_ELEMENT,
    FS_ERRORS,
    FS_INDEX,
    FS_LENGTH,
    FS_LENGTH_STREAM,
    FS_PICK,
    FS_TARGET_COUNT,
    FS_TARGETS,
    FS_VALUE,
    FS_WAIT,
    FS_WAIT_STREAM,
    G_HELD,
    G_LINKS,
    G_NODE,
    G_WHO,
    GR_CHOOSER_COUNT,
    GR_CHOOSERS,
    GR_COUNT,
    GR_DOWN,
    GR_RESIDENT_COUNT,
    GR_RESIDENTS,
    H_ACTIVITIES,
    H_CHOOSING,
    H_EPISODES,
    H_HITS,
    H_NOW,
    H_RECOVERY_COUNT,
    IN_SERVICE,
    J_OWN,
    J_STATE,
    LOW,
    N_HOLDERS,
    ONE_CORE,
    P_COUNT,
    P_KIND,
    PAUSE,
    POLLED,
    RUNNING_HERE,
    S_SPEED,
    SETUP,
    SHARED,
    T_FAULT,
    X_CRASH,
    Y_LINKS,
    Z_JOB,
    Z_LINKS,
    Z_NODE,
)
from sim.engine.fast.lines import append_plain, remove_plain, sort_chain
from sim.engine.fast.memory import Floats, Memory, effect, give, high, interrupt, take
from sim.engine.fast.nodes import group_node, node_at
from sim.engine.fast.pools import note
from sim.engine.fast.records import node_crashed
from sim.engine.fast.servers import adjust_starts, serve_visits
from sim.engine.fast.service import advance, cut_off, plan_departure, stop_service
from sim.engine.fast.trials import node_lost, signs_come, signs_stop
from sim.engine.order import DOWN, UP

# -- what lives on a node ----------------------------------------------------------------------------------


@inner
def _place_down(m: Memory, f: Floats, place: int, node: int) -> None:
    """A place loses what it had on a node; whoever ran there is hit."""
    kind = m[place + P_KIND]
    if kind == COMMIT or kind == POLLED:
        batches_down(m, place, node)
        return
    holder = m[node_at(m, place, node) + N_HOLDERS]
    while holder:
        add_hit(m, m[holder + G_WHO] & LOW, high(m[holder + G_HELD]))
        if m[holder + G_NODE] & IN_SERVICE and kind != SHARED:
            stop_service(m, f, place, holder, node)
            m[holder + G_NODE] ^= IN_SERVICE
        holder = m[holder + G_LINKS] & LOW
    if kind == SHARED:
        cut_off(m, f, place, node)
    units_lost(m, place, node)
    if kind == SETUP:
        adjust_starts(m, f, place)


@inner
def _place_up(m: Memory, f: Floats, group: int, place: int, node: int) -> None:
    """A place has its node back, empty."""
    kind = m[place + P_KIND]
    if kind == COMMIT or kind == POLLED:
        batches_up(m, f, place, node)
        return
    if kind == SHARED:
        m[node_at(m, place, node) + S_SPEED] = int(f[group_node(m, group, node) + D_SPEED] * ONE_CORE)
    units_back(m, place, node)
    if kind == SETUP:
        adjust_starts(m, f, place)
    else:
        serve_visits(m, f, place, node)


@inner
def _place_speed(m: Memory, f: Floats, place: int, node: int, speed: float) -> None:
    """A place's node works at another speed from now on; 0 is a pause."""
    kind = m[place + P_KIND]
    if kind == COMMIT or kind == POLLED:
        batches_speed(m, f, place, node, speed)
        return
    if kind == SHARED:
        at = node_at(m, place, node)
        advance(m, f, place, at)
        m[at + S_SPEED] = int(speed * ONE_CORE)
        plan_departure(m, f, place, node)
    note(m, place, node)
    serve_visits(m, f, place, node)


# -- crash and repair --------------------------------------------------------------------------------------


@inner
def _mark_running(m: Memory, hit: int, before: int) -> None:
    while hit != before:
        job = m[hit + HIT_JOB]
        m[high(m[job + J_OWN]) + J_STATE] |= RUNNING_HERE
        hit = m[hit + HIT_NEXT]


@inner
def _node_down(m: Memory, f: Floats, group: int, node: int) -> None:
    """One node crashes; whom that hits is noted."""
    where = group_node(m, group, node)
    m[where + D_DOWNS] += 1
    if m[where + D_DOWNS] > 1:
        return
    m[group + GR_DOWN] += 1
    m[where + D_SINCE] = m[H_NOW]
    m[where + D_READY] = 0
    node_lost(m, where)
    before = m[H_HITS]
    for number in range(m[group + GR_RESIDENT_COUNT]):
        resident = m[m[group + GR_RESIDENTS] + number]
        if resident < 0:
            cache_down(m, -resident, node)
        else:
            _place_down(m, f, resident, node)
    if m[H_RECOVERY_COUNT]:
        _mark_running(m, m[H_HITS], before)
        node_crashed(m, group, where)
    for number in range(m[group + GR_CHOOSER_COUNT]):
        again = take(m, HIT_SIZE)
        m[again + HIT_JOB] = m[m[group + GR_CHOOSERS] + number]
        m[again + HIT_DEPTH] = node
        append_plain(m, H_CHOOSING, again)


@inner
def _interrupt_hit(m: Memory) -> int:
    """Interrupt whoever was hit, once, in the order of job numbers; gives how many."""
    hit = sort_chain(m, m[H_HITS], HIT_NEXT, HIT_ORDER) if m[H_HITS] else 0
    m[H_HITS] = 0
    count = 0
    while hit:
        job, depth = m[hit + HIT_JOB], m[hit + HIT_DEPTH]
        following = m[hit + HIT_NEXT]
        give(m, hit, HIT_SIZE)
        while following and m[following + HIT_JOB] == job:  # of several grants lost the outermost one counts
            other = m[following + HIT_DEPTH]
            if depth < 0 or 0 <= other < depth:
                depth = other
            hit = following
            following = m[hit + HIT_NEXT]
            give(m, hit, HIT_SIZE)
        interrupt(m, job, X_CRASH, depth, 0)
        count += 1
        hit = following
    again = m[H_CHOOSING]
    m[H_CHOOSING] = 0
    m[H_CHOOSING + 1] = 0
    while again:
        effect(m, E_CHOOSE, again)
        again = m[again + HIT_NEXT]
    return count


@inner
def _node_up(m: Memory, f: Floats, group: int, node: int) -> None:
    """One crash that held a node down is over."""
    where = group_node(m, group, node)
    m[where + D_DOWNS] -= 1
    if m[where + D_DOWNS]:
        return
    m[group + GR_DOWN] -= 1
    m[where + D_SINCE] = -1
    m[where + D_READY] = 1 if f[where + D_SPEED] > 0.0 else 0
    for number in range(m[group + GR_RESIDENT_COUNT]):
        resident = m[m[group + GR_RESIDENTS] + number]
        if resident >= 0:
            _place_up(m, f, group, resident, node)


# -- slow and pause ----------------------------------------------------------------------------------------


@inner
def _change_speed(m: Memory, f: Floats, group: int, node: int, factor: float, begins: bool) -> None:
    """Let a slow-down or pause begin or end on a node."""
    where = group_node(m, group, node)
    before = f[where + D_SPEED]
    if begins:
        slower = take(m, 2)
        f[slower + 1] = factor
        append_plain(m, where + D_SPEEDS, slower)
    else:
        last = 0
        slower = m[where + D_SPEEDS]
        while f[slower + 1] != factor:
            last = slower
            slower = m[slower]
        remove_plain(m, where + D_SPEEDS, last, slower)
        give(m, slower, 2)
    after = 1.0
    slower = m[where + D_SPEEDS]
    while slower:
        after *= f[slower + 1]
        slower = m[slower]
    f[where + D_SPEED] = after
    if before == after:
        return
    up = m[where + D_DOWNS] == 0
    m[where + D_READY] = 1 if up and after > 0.0 else 0
    if up:
        for number in range(m[group + GR_RESIDENT_COUNT]):
            resident = m[m[group + GR_RESIDENTS] + number]
            if resident >= 0:
                _place_speed(m, f, resident, node, after)
    if (before == 0.0) != (after == 0.0):
        trial = m[where + D_TRIALS]
        while trial:
            if after == 0.0:
                signs_stop(m, trial)
            else:
                signs_come(m, trial)
            trial = m[trial + Y_LINKS] & LOW
    if before == 0.0:
        waiting = m[where + D_RESUMED]
        m[where + D_RESUMED] = 0
        m[where + D_RESUMED + 1] = 0
        while waiting:
            m[waiting + Z_NODE] = 0
            wake(m, m[waiting + Z_JOB], 0)
            waiting = m[waiting + Z_LINKS] & LOW


# -- errors ------------------------------------------------------------------------------------------------


@inner
def _change_errors(m: Memory, f: Floats, group: int, node: int, spec: int, episode: int, begins: bool) -> None:
    chain = group_node(m, group, node) + D_ERRORS
    if begins:
        fault = take(m, 4)
        m[fault + 1] = m[spec + FS_ERRORS]
        m[fault + 2] = episode
        f[fault + 3] = f[spec + FS_VALUE]
        append_plain(m, chain, fault)
        return
    last = 0
    fault = m[chain]
    while m[fault + 1] != m[spec + FS_ERRORS] or m[fault + 2] != episode:
        last = fault
        fault = m[fault]
    remove_plain(m, chain, last, fault)
    give(m, fault, 4)


# -- episodes ----------------------------------------------------------------------------------------------


@inner
def _one_node(m: Memory, f: Floats, process: int, group: int, node: int, begins: bool) -> None:
    spec = m[process + FA_SPEC]
    kind = m[spec + FS_EFFECT]
    if kind == CRASH:
        if begins:
            _node_down(m, f, group, node)
        else:
            _node_up(m, f, group, node)
    elif kind == ERRORS:
        _change_errors(m, f, group, node, spec, m[process + FA_EPISODE], begins)
    else:
        _change_speed(m, f, group, node, 0.0 if kind == PAUSE else f[spec + FS_VALUE], begins)


@inner
def _all_nodes(m: Memory, f: Floats, process: int, record: int, begins: bool) -> None:
    """Let an episode begin or end on every node that it hits, target by target."""
    if m[process + FA_ONLY]:
        _one_node(m, f, process, m[process + FA_ONLY], m[process + FA_NODE], begins)
        return
    spec = m[process + FA_SPEC]
    for number in range(m[spec + FS_TARGET_COUNT]):
        target = m[spec + FS_TARGETS] + 4 * number
        group = m[target]
        if m[target + 1] == ALL_NODES:
            for node in range(m[group + GR_COUNT]):
                _one_node(m, f, process, group, node, begins)
        elif m[target + 1] == ANY_NODE:
            _one_node(m, f, process, group, m[record + EP_NODES + number], begins)
        else:
            for item in range(m[target + 3]):
                _one_node(m, f, process, group, m[m[target + 2] + item], begins)


@inner
def _new_episode(m: Memory, process: int) -> int:
    spec = m[process + FA_SPEC]
    targets = m[spec + FS_TARGET_COUNT]
    record = take(m, EP_NODES + targets)
    m[record + EP_FAULT] = m[spec + FS_INDEX]
    m[record + EP_START] = m[H_NOW]
    m[record + EP_END] = -1
    m[record + EP_HIT] = 0
    m[record + EP_ONLY] = m[process + FA_ONLY]
    m[record + EP_ONLY + 1] = m[process + FA_NODE]
    for number in range(targets):
        target = m[spec + FS_TARGETS] + 4 * number
        drawn = -1
        if m[target + 1] == ANY_NODE:
            u = uniform(m[spec + FS_PICK], m[process + FA_PATH], m[process + FA_EPISODE])
            drawn = int(u * m[m[target] + GR_COUNT])
        m[record + EP_NODES + number] = drawn
    append_plain(m, H_EPISODES, record)
    m[process + FA_RECORD] = record
    return record


@inner
def _plan_fault(m: Memory, f: Floats, process: int) -> None:
    """Set the alarm of the next beginning."""
    spec = m[process + FA_SPEC]
    if m[spec + FS_WAIT] == 0:
        time = m[spec + FS_AT]
    else:
        wait = time_of(
            m, f, m[spec + FS_WAIT], m[spec + FS_WAIT_STREAM], m[process + FA_PATH], m[process + FA_EPISODE]
        )
        time = m[H_NOW] + wait
    m[process] = key_of(DOWN, m[spec + FS_ELEMENT], T_FAULT)
    set_far_alarm(m, time, process)


@inner
def fault_changes(m: Memory, f: Floats, process: int) -> None:
    """A fault comes or goes."""
    spec = m[process + FA_SPEC]
    m[H_ACTIVITIES] += 1
    if m[process + FA_STATE] == 0:
        record = _new_episode(m, process)
        _all_nodes(m, f, process, record, True)
        if m[spec + FS_EFFECT] == CRASH:
            m[record + EP_HIT] = _interrupt_hit(m)
        if m[spec + FS_LENGTH] == 0:
            return
        m[process + FA_STATE] = 1
        m[process] = key_of(UP, m[spec + FS_ELEMENT], T_FAULT)
        length = time_of(
            m, f, m[spec + FS_LENGTH], m[spec + FS_LENGTH_STREAM], m[process + FA_PATH], m[process + FA_EPISODE]
        )
        set_far_alarm(m, m[H_NOW] + length, process)
        return
    record = m[process + FA_RECORD]
    m[record + EP_END] = m[H_NOW]
    _all_nodes(m, f, process, record, False)
    m[process + FA_STATE] = 0
    m[process + FA_EPISODE] += 1
    if m[spec + FS_WAIT]:
        _plan_fault(m, f, process)


@inner
def start_faults(m: Memory, f: Floats, first: int, size: int, count: int) -> None:
    """Set the first alarm of every fault."""
    for number in range(count):
        _plan_fault(m, f, first + number * size)


@inner
def choose_again_after(m: Memory, f: Floats, again: int) -> None:
    """Those who had chosen a fallen node choose again, and all nodes of the place serve."""
    place, node = m[again + HIT_JOB], m[again + HIT_DEPTH]
    give(m, again, HIT_SIZE)
    if choose_again(m, f, place, node):
        for other in range(m[place + P_COUNT]):
            serve_visits(m, f, place, other)
