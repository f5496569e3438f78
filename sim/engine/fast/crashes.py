"""A node goes down and comes back: what stands there, who runs there, who waits. When it does is told elsewhere."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.batches import batches_down, batches_up
from sim.engine.fast.breakers import breakers_down
from sim.engine.fast.budgets import budgets_down
from sim.engine.fast.caches import cache_down
from sim.engine.fast.falls import choose_again, units_back, units_lost
from sim.engine.fast.hits import HIT_DEPTH, HIT_JOB, HIT_NEXT, HIT_ORDER, HIT_SIZE, add_hit
from sim.engine.fast.layout import (
    COMMIT,
    D_DOWNS,
    D_LEAVES,
    D_READY,
    D_SINCE,
    D_SPEED,
    E_CHOOSE,
    G_HELD,
    G_LINKS,
    G_NODE,
    G_WHO,
    GR_CHOOSER_COUNT,
    GR_CHOOSERS,
    GR_DOWN,
    GR_LEAVING,
    GR_RESIDENT_COUNT,
    GR_RESIDENTS,
    H_CHOOSING,
    H_HITS,
    H_NOW,
    H_RECOVERY_COUNT,
    IN_SERVICE,
    J_OWN,
    J_STATE,
    LOW,
    N_HOLDERS,
    NOT_READY,
    ONE_CORE,
    ONLY_BOUND,
    P_COUNT,
    P_KIND,
    POLLED,
    READY,
    RUNNING_HERE,
    S_SPEED,
    SETUP,
    SHARED,
    X_CRASH,
)
from sim.engine.fast.lines import append_plain, sort_chain
from sim.engine.fast.memory import Floats, Memory, effect, give, high, interrupt, take
from sim.engine.fast.nodes import group_node, node_at
from sim.engine.fast.records import node_crashed
from sim.engine.fast.servers import adjust_starts, serve_visits
from sim.engine.fast.service import cut_off, stop_service
from sim.engine.fast.trials import node_lost

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


# -- crash and repair --------------------------------------------------------------------------------------


@inner
def _mark_running(m: Memory, hit: int, before: int) -> None:
    while hit != before:
        job = m[hit + HIT_JOB]
        m[high(m[job + J_OWN]) + J_STATE] |= RUNNING_HERE
        hit = m[hit + HIT_NEXT]


@inner
def set_ready(m: Memory, f: Floats, where: int) -> None:
    """Work out whether a node is ready."""
    ready = m[where + D_DOWNS] == 0 and f[where + D_SPEED] > 0.0
    m[where + D_READY] = NOT_READY if not ready else ONLY_BOUND if m[where + D_LEAVES] else READY


@inner
def node_down(m: Memory, f: Floats, group: int, node: int, crashes: bool) -> None:
    """One node crashes, whom that hits is noted; or it goes off with nothing to do."""
    where = group_node(m, group, node)
    m[where + D_DOWNS] += 1
    if m[where + D_DOWNS] > 1:
        return
    m[group + GR_DOWN] += 1
    if m[where + D_LEAVES]:
        m[group + GR_LEAVING] -= 1
    m[where + D_SINCE] = m[H_NOW]
    m[where + D_READY] = NOT_READY
    node_lost(m, where)
    before = m[H_HITS]
    for number in range(m[group + GR_RESIDENT_COUNT]):
        resident = m[m[group + GR_RESIDENTS] + number]
        if resident < 0:
            cache_down(m, -resident, node)
        else:
            _place_down(m, f, resident, node)
    breakers_down(m, group, node)
    budgets_down(m, group, node)
    if not crashes:
        return
    if m[H_RECOVERY_COUNT]:
        _mark_running(m, m[H_HITS], before)
        node_crashed(m, group, where)
    for number in range(m[group + GR_CHOOSER_COUNT]):
        again = take(m, HIT_SIZE)
        m[again + HIT_JOB] = m[m[group + GR_CHOOSERS] + number]
        m[again + HIT_DEPTH] = node
        append_plain(m, H_CHOOSING, again)


@inner
def interrupt_hit(m: Memory) -> int:
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
def node_up(m: Memory, f: Floats, group: int, node: int) -> None:
    """One crash that held a node down is over."""
    where = group_node(m, group, node)
    m[where + D_DOWNS] -= 1
    if m[where + D_DOWNS]:
        return
    m[group + GR_DOWN] -= 1
    if m[where + D_LEAVES]:
        m[group + GR_LEAVING] += 1
    m[where + D_SINCE] = -1
    set_ready(m, f, where)
    for number in range(m[group + GR_RESIDENT_COUNT]):
        resident = m[m[group + GR_RESIDENTS] + number]
        if resident >= 0:
            _place_up(m, f, group, resident, node)


@inner
def choose_again_after(m: Memory, f: Floats, again: int) -> None:
    """Those who had chosen a fallen node choose again, and all nodes of the place serve."""
    place, node = m[again + HIT_JOB], m[again + HIT_DEPTH]
    give(m, again, HIT_SIZE)
    if choose_again(m, f, place, node):
        for other in range(m[place + P_COUNT]):
            serve_visits(m, f, place, other)
