"""Service at a server: of one visit alone at full speed, or of all on a node who share its cores.

Who gets a server is told in `pools`; what happens before and after the service in `servers`.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel, is_set, key_of, set_alarm
from sim.engine.fast.jobs import wake
from sim.engine.fast.memory import Floats, Memory, add_product, give, half_even, large, mul_div, take
from sim.engine.fast.nodes import node_at
from sim.engine.order import COMPLETION

# -- those in service on one node: a heap by virtual finish, then by job -----------------------------------


@inner
def _departs_before(m: Memory, one: int, other: int) -> bool:
    if m[one + L.G_FINISH] != m[other + L.G_FINISH]:
        return m[one + L.G_FINISH] < m[other + L.G_FINISH]
    return m[(m[one + L.G_WHO] & L.LOW) + L.J_ORDER] < m[(m[other + L.G_WHO] & L.LOW) + L.J_ORDER]


@inner
def _rise(m: Memory, base: int, slot: int, visit: int) -> None:
    while slot > 0:
        parent = (slot - 1) >> 1
        other = m[base + parent]
        if _departs_before(m, other, visit):
            break
        m[base + slot] = other
        m[other + L.G_SLOT] = slot
        slot = parent
    m[base + slot] = visit
    m[visit + L.G_SLOT] = slot


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
        m[other + L.G_SLOT] = slot
        slot = child
    m[base + slot] = visit
    m[visit + L.G_SLOT] = slot


@inner
def _join(m: Memory, node: int, visit: int) -> None:
    count = m[node + L.S_PRESENT]
    if count == m[node + L.S_HEAP + 1]:
        size = max(8, 2 * count)
        base = take(m, size) if size < L.SIZES else large(m, size)  # the large ones are few: each is twice the last
        for slot in range(count):
            m[base + slot] = m[m[node + L.S_HEAP] + slot]
        if 0 < count < L.SIZES:
            give(m, m[node + L.S_HEAP], count)
        m[node + L.S_HEAP] = base
        m[node + L.S_HEAP + 1] = size
    m[node + L.S_PRESENT] = count + 1
    _rise(m, m[node + L.S_HEAP], count, visit)


@inner
def _part(m: Memory, node: int, visit: int) -> None:
    base = m[node + L.S_HEAP]
    count = m[node + L.S_PRESENT] - 1
    m[node + L.S_PRESENT] = count
    slot = m[visit + L.G_SLOT]
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
    used = min(float(n), f[place + L.P_CONTENTION])
    if m[place + L.P_CONTENTION + 3]:
        used /= 1 + f[place + L.P_CONTENTION + 1] * (n - 1) + f[place + L.P_CONTENTION + 2] * n * (n - 1)
    return max(1, half_even(used * L.ONE_CORE))


@inner
def _total(m: Memory, f: Floats, place: int, node: int) -> int:
    total = _speed_together(m, f, place, m[node + L.S_PRESENT])
    return total if m[node + L.S_SPEED] == L.ONE_CORE else total * m[node + L.S_SPEED] >> 20


@inner
def advance(m: Memory, f: Floats, place: int, node: int) -> None:
    """Bring the virtual clock of a node up to now; remainders are dropped."""
    now = m[L.H_NOW]
    passed = now - m[node + L.S_LAST]
    n = m[node + L.S_PRESENT]
    if passed and n:
        m[node + L.S_VIRTUAL] += mul_div(passed, _total(m, f, place, node), n << 20, False)
        used = min(n * L.ONE_CORE, m[place + L.P_CORES])
        add_product(m, place + L.P_WORK, used, passed)
        add_product(m, place + L.P_EXCESS, n * L.ONE_CORE - used, passed)
    m[node + L.S_LAST] = now


@inner
def plan_departure(m: Memory, f: Floats, place: int, number: int) -> None:
    """Set the alarm of the next departure from a node."""
    node = node_at(m, place, number)
    alarm = node + L.S_ALARM
    total = _total(m, f, place, node) if m[node + L.S_PRESENT] else 0
    if total == 0:
        cancel(m, alarm)
        return
    first = m[m[node + L.S_HEAP]]
    left = max(0, m[first + L.G_FINISH] - m[node + L.S_VIRTUAL])
    due = m[L.H_NOW] + mul_div(left, m[node + L.S_PRESENT] << 20, total, True)
    order = m[(m[first + L.G_WHO] & L.LOW) + L.J_ORDER]
    if is_set(m, alarm):
        if due == m[node + L.S_DUE] and order == m[alarm + L.A_VISIT]:
            return  # while everybody has a core, company changes nothing
        cancel(m, alarm)
    m[node + L.S_DUE] = due
    m[alarm] = key_of(COMPLETION, m[place + L.P_ELEMENT] + number, L.T_SHARED)
    m[alarm + L.A_VISIT] = order
    set_alarm(m, due, alarm)


@inner
def depart(m: Memory, f: Floats, place: int, number: int) -> None:
    """The first of those in service is done."""
    node = node_at(m, place, number)
    advance(m, f, place, node)
    visit = m[m[node + L.S_HEAP]]
    _part(m, node, visit)
    m[visit + L.G_NODE] ^= L.IN_SERVICE
    plan_departure(m, f, place, number)
    wake(m, m[visit + L.G_WHO] & L.LOW, 0)


@inner
def _share(m: Memory, f: Floats, place: int, visit: int, number: int) -> None:
    node = node_at(m, place, number)
    advance(m, f, place, node)
    m[visit + L.G_FINISH] = m[node + L.S_VIRTUAL] + m[visit + L.G_LEFT]
    _join(m, node, visit)
    plan_departure(m, f, place, number)


@inner
def _share_no_more(m: Memory, f: Floats, place: int, visit: int, number: int) -> None:
    node = node_at(m, place, number)
    advance(m, f, place, node)
    m[visit + L.G_LEFT] = max(0, m[visit + L.G_FINISH] - m[node + L.S_VIRTUAL])
    _part(m, node, visit)
    plan_departure(m, f, place, number)


@inner
def cut_off(m: Memory, f: Floats, place: int, number: int) -> None:
    """All services on a node of shared cores end at once."""
    node = node_at(m, place, number)
    advance(m, f, place, node)
    for slot in range(m[node + L.S_PRESENT]):
        visit = m[m[node + L.S_HEAP] + slot]
        m[visit + L.G_NODE] ^= L.IN_SERVICE
    m[node + L.S_PRESENT] = 0
    cancel(m, node + L.S_ALARM)


# -- both --------------------------------------------------------------------------------------------------


@inner
def begin_service(m: Memory, f: Floats, place: int, visit: int, number: int) -> None:
    """A server is there: serve from now on."""
    if m[place + L.P_GRANT_SIZE] == L.G_FULL:
        m[visit + L.G_GRANTED] = m[L.H_NOW]
    if m[place + L.P_KIND] == L.SHARED:
        _share(m, f, place, visit, number)
        return
    job = m[visit + L.G_WHO] & L.LOW
    left = m[visit + L.G_LEFT] if m[place + L.P_GRANT_SIZE] == L.G_FULL else m[visit + L.G_DEMAND]
    m[job] = key_of(COMPLETION, m[place + L.P_ELEMENT] + number, L.T_JOB)
    set_alarm(m, m[L.H_NOW] + left, job)


@inner
def stop_service(m: Memory, f: Floats, place: int, visit: int, number: int) -> None:
    """Serve no longer; what is left to do is kept where it may go on."""
    if m[place + L.P_KIND] == L.SHARED:
        _share_no_more(m, f, place, visit, number)
        return
    if m[place + L.P_GRANT_SIZE] == L.G_FULL:
        m[visit + L.G_LEFT] -= m[L.H_NOW] - m[visit + L.G_TIME]
    cancel(m, m[visit + L.G_WHO] & L.LOW)
