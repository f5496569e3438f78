"""A node goes down and comes back: what stands there, who runs there, who waits. When it does is told elsewhere."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.batches import batches_down, batches_up
from sim.engine.fast.breakers import breakers_down
from sim.engine.fast.budgets import budgets_down
from sim.engine.fast.caches import cache_down
from sim.engine.fast.falls import choose_again, units_back, units_lost
from sim.engine.fast.hits import HIT_DEPTH, HIT_JOB, HIT_NEXT, HIT_ORDER, HIT_SIZE, add_hit
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
    kind = m[place + L.P_KIND]
    if kind == L.COMMIT or kind == L.POLLED:
        batches_down(m, place, node)
        return
    holder = m[node_at(m, place, node) + L.N_HOLDERS]
    while holder:
        add_hit(m, m[holder + L.G_WHO] & L.LOW, high(m[holder + L.G_HELD]))
        if m[holder + L.G_NODE] & L.IN_SERVICE and kind != L.SHARED:
            stop_service(m, f, place, holder, node)
            m[holder + L.G_NODE] ^= L.IN_SERVICE
        holder = m[holder + L.G_LINKS] & L.LOW
    if kind == L.SHARED:
        cut_off(m, f, place, node)
    units_lost(m, place, node)
    if kind == L.SETUP:
        adjust_starts(m, f, place)


@inner
def _place_up(m: Memory, f: Floats, group: int, place: int, node: int) -> None:
    """A place has its node back, empty."""
    kind = m[place + L.P_KIND]
    if kind == L.COMMIT or kind == L.POLLED:
        batches_up(m, f, place, node)
        return
    if kind == L.SHARED:
        m[node_at(m, place, node) + L.S_SPEED] = int(f[group_node(m, group, node) + L.D_SPEED] * L.ONE_CORE)
    units_back(m, place, node)
    if kind == L.SETUP:
        adjust_starts(m, f, place)
    else:
        serve_visits(m, f, place, node)


# -- crash and repair --------------------------------------------------------------------------------------


@inner
def _mark_running(m: Memory, hit: int, before: int) -> None:
    while hit != before:
        job = m[hit + HIT_JOB]
        m[high(m[job + L.J_OWN]) + L.J_STATE] |= L.RUNNING_HERE
        hit = m[hit + HIT_NEXT]


@inner
def set_ready(m: Memory, f: Floats, where: int) -> None:
    """Work out whether a node is ready."""
    ready = m[where + L.D_DOWNS] == 0 and f[where + L.D_SPEED] > 0.0
    m[where + L.D_READY] = L.NOT_READY if not ready else L.ONLY_BOUND if m[where + L.D_LEAVES] else L.READY


@inner
def node_down(m: Memory, f: Floats, group: int, node: int, crashes: bool) -> None:
    """One node crashes, whom that hits is noted; or it goes off with nothing to do."""
    where = group_node(m, group, node)
    m[where + L.D_DOWNS] += 1
    if m[where + L.D_DOWNS] > 1:
        return
    m[group + L.GR_DOWN] += 1
    if m[where + L.D_LEAVES]:
        m[group + L.GR_LEAVING] -= 1
    m[where + L.D_SINCE] = m[L.H_NOW]
    m[where + L.D_READY] = L.NOT_READY
    node_lost(m, where)
    before = m[L.H_HITS]
    for number in range(m[group + L.GR_RESIDENT_COUNT]):
        resident = m[m[group + L.GR_RESIDENTS] + number]
        if resident < 0:
            cache_down(m, -resident, node)
        else:
            _place_down(m, f, resident, node)
    breakers_down(m, group, node)
    budgets_down(m, group, node)
    if not crashes:
        return
    if m[L.H_RECOVERY_COUNT]:
        _mark_running(m, m[L.H_HITS], before)
        node_crashed(m, group, where)
    for number in range(m[group + L.GR_CHOOSER_COUNT]):
        again = take(m, HIT_SIZE)
        m[again + HIT_JOB] = m[m[group + L.GR_CHOOSERS] + number]
        m[again + HIT_DEPTH] = node
        append_plain(m, L.H_CHOOSING, again)


@inner
def interrupt_hit(m: Memory) -> int:
    """Interrupt whoever was hit, once, in the order of job numbers; gives how many."""
    hit = sort_chain(m, m[L.H_HITS], HIT_NEXT, HIT_ORDER) if m[L.H_HITS] else 0
    m[L.H_HITS] = 0
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
        interrupt(m, job, L.X_CRASH, depth, 0)
        count += 1
        hit = following
    again = m[L.H_CHOOSING]
    m[L.H_CHOOSING] = 0
    m[L.H_CHOOSING + 1] = 0
    while again:
        effect(m, L.E_CHOOSE, again)
        again = m[again + HIT_NEXT]
    return count


@inner
def node_up(m: Memory, f: Floats, group: int, node: int) -> None:
    """One crash that held a node down is over."""
    where = group_node(m, group, node)
    m[where + L.D_DOWNS] -= 1
    if m[where + L.D_DOWNS]:
        return
    m[group + L.GR_DOWN] -= 1
    if m[where + L.D_LEAVES]:
        m[group + L.GR_LEAVING] += 1
    m[where + L.D_SINCE] = -1
    set_ready(m, f, where)
    for number in range(m[group + L.GR_RESIDENT_COUNT]):
        resident = m[m[group + L.GR_RESIDENTS] + number]
        if resident >= 0:
            _place_up(m, f, group, resident, node)


@inner
def choose_again_after(m: Memory, f: Floats, again: int) -> None:
    """Those who had chosen a fallen node choose again, and all nodes of the place serve."""
    place, node = m[again + HIT_JOB], m[again + HIT_DEPTH]
    give(m, again, HIT_SIZE)
    if choose_again(m, f, place, node):
        for other in range(m[place + L.P_COUNT]):
            serve_visits(m, f, place, other)
