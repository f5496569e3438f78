"""Service at a server: of one visit alone at full speed, or of all on a node who share its cores.

Who gets a server is told in `pools`; what happens before and after the service in `servers`.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.alarms import cancel, is_set, key_of, set_alarm
from sim.engine.fast.jobs import wake
from sim.engine.fast.layout import (
    A_VISIT,
    G_DEMAND,
    G_FINISH,
    G_FULL,
    G_GRANTED,
    G_LEFT,
    G_NODE,
    G_SLOT,
    G_TIME,
    G_WHO,
    H_NOW,
    IN_SERVICE,
    J_ORDER,
    LOW,
    ONE_CORE,
    P_CONTENTION,
    P_CORES,
    P_ELEMENT,
    P_EXCESS,
    P_GRANT_SIZE,
    P_KIND,
    P_WORK,
    S_ALARM,
    S_DUE,
    S_HEAP,
    S_LAST,
    S_PRESENT,
    S_SPEED,
    S_VIRTUAL,
    SHARED,
    SIZES,
    T_JOB,
    T_SHARED,
)
from sim.engine.fast.memory import Floats, Memory, add_product, give, half_even, large, mul_div, take
from sim.engine.fast.nodes import node_at
from sim.engine.order import COMPLETION

# -- those in service on one node: a heap by virtual finish, then by job -----------------------------------


@inner
def _departs_before(m: Memory, one: int, other: int) -> bool:
    if m[one + G_FINISH] != m[other + G_FINISH]:
        return m[one + G_FINISH] < m[other + G_FINISH]
    return m[(m[one + G_WHO] & LOW) + J_ORDER] < m[(m[other + G_WHO] & LOW) + J_ORDER]


@inner
def _rise(m: Memory, base: int, slot: int, visit: int) -> None:
    while slot > 0:
        parent = (slot - 1) >> 1
        other = m[base + parent]
        if _departs_before(m, other, visit):
            break
        m[base + slot] = other
        m[other + G_SLOT] = slot
        slot = parent
    m[base + slot] = visit
    m[visit + G_SLOT] = slot


@inner
def _sink(m: Memory, base: int, count: int, slot: int, visit: int) -> None:
    while True:
        child = 2 * slot + 1
        if child >= count:
            break
        if child + 1 < count and _departs_before(m, m[base + child + 1], m[base + child]):
            child += 1
        other = m[base + child]
        if _departs_before(m, visit, other):
            break
        m[base + slot] = other
        m[other + G_SLOT] = slot
        slot = child
    m[base + slot] = visit
    m[visit + G_SLOT] = slot


@inner
def _join(m: Memory, node: int, visit: int) -> None:
    count = m[node + S_PRESENT]
    if count == m[node + S_HEAP + 1]:
        size = max(8, 2 * count)
        base = take(m, size) if size < SIZES else large(m, size)  # the large ones are few: each is twice the last
        for slot in range(count):
            m[base + slot] = m[m[node + S_HEAP] + slot]
        if 0 < count < SIZES:
            give(m, m[node + S_HEAP], count)
        m[node + S_HEAP] = base
        m[node + S_HEAP + 1] = size
    m[node + S_PRESENT] = count + 1
    _rise(m, m[node + S_HEAP], count, visit)


@inner
def _part(m: Memory, node: int, visit: int) -> None:
    base = m[node + S_HEAP]
    count = m[node + S_PRESENT] - 1
    m[node + S_PRESENT] = count
    slot = m[visit + G_SLOT]
    if slot == count:
        return
    last = m[base + count]
    if slot > 0 and _departs_before(m, last, m[base + ((slot - 1) >> 1)]):
        _rise(m, base, slot, last)
    else:
        _sink(m, base, count, slot, last)


# -- shared cores ------------------------------------------------------------------------------------------


@inner
def _speed_together(m: Memory, f: Floats, place: int, n: int) -> int:
    """Speed of n in service together, in 2^-20 core; cores, then contention."""
    used = min(float(n), f[place + P_CONTENTION])
    if m[place + P_CONTENTION + 3]:
        used /= 1 + f[place + P_CONTENTION + 1] * (n - 1) + f[place + P_CONTENTION + 2] * n * (n - 1)
    return max(1, half_even(used * ONE_CORE))


@inner
def _total(m: Memory, f: Floats, place: int, node: int) -> int:
    total = _speed_together(m, f, place, m[node + S_PRESENT])
    return total if m[node + S_SPEED] == ONE_CORE else total * m[node + S_SPEED] >> 20


@inner
def advance(m: Memory, f: Floats, place: int, node: int) -> None:
    """Bring the virtual clock of a node up to now; remainders are dropped."""
    now = m[H_NOW]
    passed = now - m[node + S_LAST]
    n = m[node + S_PRESENT]
    if passed and n:
        m[node + S_VIRTUAL] += mul_div(passed, _total(m, f, place, node), n << 20, False)
        used = min(n * ONE_CORE, m[place + P_CORES])
        add_product(m, place + P_WORK, used, passed)
        add_product(m, place + P_EXCESS, n * ONE_CORE - used, passed)
    m[node + S_LAST] = now


@inner
def plan_departure(m: Memory, f: Floats, place: int, number: int) -> None:
    """Set the alarm of the next departure from a node."""
    node = node_at(m, place, number)
    alarm = node + S_ALARM
    total = _total(m, f, place, node) if m[node + S_PRESENT] else 0
    if total == 0:
        cancel(m, alarm)
        return
    first = m[m[node + S_HEAP]]
    left = max(0, m[first + G_FINISH] - m[node + S_VIRTUAL])
    due = m[H_NOW] + mul_div(left, m[node + S_PRESENT] << 20, total, True)
    order = m[(m[first + G_WHO] & LOW) + J_ORDER]
    if is_set(m, alarm):
        if due == m[node + S_DUE] and order == m[alarm + A_VISIT]:
            return  # while everybody has a core, company changes nothing
        cancel(m, alarm)
    m[node + S_DUE] = due
    m[alarm] = key_of(COMPLETION, m[place + P_ELEMENT] + number, T_SHARED)
    m[alarm + A_VISIT] = order
    set_alarm(m, due, alarm)


@inner
def depart(m: Memory, f: Floats, place: int, number: int) -> None:
    """The first of those in service is done."""
    node = node_at(m, place, number)
    advance(m, f, place, node)
    visit = m[m[node + S_HEAP]]
    _part(m, node, visit)
    m[visit + G_NODE] ^= IN_SERVICE
    plan_departure(m, f, place, number)
    wake(m, m[visit + G_WHO] & LOW, 0)


@inner
def _share(m: Memory, f: Floats, place: int, visit: int, number: int) -> None:
    node = node_at(m, place, number)
    advance(m, f, place, node)
    m[visit + G_FINISH] = m[node + S_VIRTUAL] + m[visit + G_LEFT]
    _join(m, node, visit)
    plan_departure(m, f, place, number)


@inner
def _share_no_more(m: Memory, f: Floats, place: int, visit: int, number: int) -> None:
    node = node_at(m, place, number)
    advance(m, f, place, node)
    m[visit + G_LEFT] = max(0, m[visit + G_FINISH] - m[node + S_VIRTUAL])
    _part(m, node, visit)
    plan_departure(m, f, place, number)


@inner
def cut_off(m: Memory, f: Floats, place: int, number: int) -> None:
    """All services on a node of shared cores end at once."""
    node = node_at(m, place, number)
    advance(m, f, place, node)
    for slot in range(m[node + S_PRESENT]):
        visit = m[m[node + S_HEAP] + slot]
        m[visit + G_NODE] ^= IN_SERVICE
    m[node + S_PRESENT] = 0
    cancel(m, node + S_ALARM)


# -- both --------------------------------------------------------------------------------------------------


@inner
def begin_service(m: Memory, f: Floats, place: int, visit: int, number: int) -> None:
    """A server is there: serve from now on."""
    if m[place + P_GRANT_SIZE] == G_FULL:
        m[visit + G_GRANTED] = m[H_NOW]
    if m[place + P_KIND] == SHARED:
        _share(m, f, place, visit, number)
        return
    job = m[visit + G_WHO] & LOW
    left = m[visit + G_LEFT] if m[place + P_GRANT_SIZE] == G_FULL else m[visit + G_DEMAND]
    m[job] = key_of(COMPLETION, m[place + P_ELEMENT] + number, T_JOB)
    set_alarm(m, m[H_NOW] + left, job)


@inner
def stop_service(m: Memory, f: Floats, place: int, visit: int, number: int) -> None:
    """Serve no longer; what is left to do is kept where it may go on."""
    if m[place + P_KIND] == SHARED:
        _share_no_more(m, f, place, visit, number)
        return
    if m[place + P_GRANT_SIZE] == G_FULL:
        m[visit + G_LEFT] -= m[H_NOW] - m[visit + G_TIME]
    cancel(m, m[visit + G_WHO] & LOW)
