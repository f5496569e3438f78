"""Service at a server: of one visit alone at full speed, or of all on a node who share its cores.

`pools` grants servers; `servers` begins and ends visits around the service.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.jobs import wake
from sim.engine.fast.layout import LOW, ONE_CORE, CoresNode, Due, Grant, Header, Job, Place, PlaceKind, Ref, Timer
from sim.engine.fast.memory import Floats, Memory, add_product, allocate, free, half_even, large, mul_div
from sim.engine.fast.nodes import node_at
from sim.engine.fast.timers import cancel, is_set, set_due
from sim.engine.order import COMPLETION

# -- those in service on one node: a heap by virtual finish, then by job -----------------------------------


@inner
def _departs_before(m: Memory, one: Ref[Grant], other: Ref[Grant]) -> bool:
    if m[one + Grant.FINISH] != m[other + Grant.FINISH]:
        return m[one + Grant.FINISH] < m[other + Grant.FINISH]
    return m[(m[one + Grant.WHO] & LOW) + Job.ORDER] < m[(m[other + Grant.WHO] & LOW) + Job.ORDER]


@inner
def _rise(m: Memory, base: int, slot: int, visit: Ref[Grant]) -> None:
    while slot > 0:
        parent = (slot - 1) >> 1
        other = m[base + parent]
        if _departs_before(m, other, visit):
            break
        m[base + slot] = other
        m[other + Grant.SLOT] = slot
        slot = parent
    m[base + slot] = visit
    m[visit + Grant.SLOT] = slot


@inner
def _sink(m: Memory, base: int, count: int, slot: int, visit: Ref[Grant]) -> None:
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
        m[other + Grant.SLOT] = slot
        slot = child
    m[base + slot] = visit
    m[visit + Grant.SLOT] = slot


@inner
def _join(m: Memory, node: Ref[CoresNode], visit: Ref[Grant]) -> None:
    count = m[node + CoresNode.PRESENT]
    if count == m[node + CoresNode.HEAP_CAPACITY]:
        size = max(8, 2 * count)
        base = (
            allocate(m, size) if size < Header.SIZES else large(m, size)
        )  # the large ones are few: each is twice the last
        for slot in range(count):
            m[base + slot] = m[m[node + CoresNode.HEAP] + slot]
        if 0 < count < Header.SIZES:
            free(m, m[node + CoresNode.HEAP], count)
        m[node + CoresNode.HEAP] = base
        m[node + CoresNode.HEAP_CAPACITY] = size
    m[node + CoresNode.PRESENT] = count + 1
    _rise(m, m[node + CoresNode.HEAP], count, visit)


@inner
def _part(m: Memory, node: Ref[CoresNode], visit: Ref[Grant]) -> None:
    base = m[node + CoresNode.HEAP]
    count = m[node + CoresNode.PRESENT] - 1
    m[node + CoresNode.PRESENT] = count
    slot = m[visit + Grant.SLOT]
    if slot == count:
        return
    last = m[base + count]
    if slot > 0 and _departs_before(m, last, m[base + ((slot - 1) >> 1)]):
        _rise(m, base, slot, last)
    else:
        _sink(m, base, count, slot, last)


# -- shared cores ------------------------------------------------------------------------------------------


@inner
def _speed_together(m: Memory, f: Floats, place: Ref[Place], n: int) -> int:
    """Speed of n in service together, in 2^-20 core; cores, then contention."""
    used = min(float(n), f[place + Place.SHARED_CORES])
    if m[place + Place.IS_CONTENDED]:
        used /= 1 + f[place + Place.CONTENTION] * (n - 1) + f[place + Place.COHERENCY] * n * (n - 1)
    return max(1, half_even(used * ONE_CORE))


@inner
def _total(m: Memory, f: Floats, place: Ref[Place], node: Ref[CoresNode]) -> int:
    total = _speed_together(m, f, place, m[node + CoresNode.PRESENT])
    return total if m[node + CoresNode.SPEED] == ONE_CORE else total * m[node + CoresNode.SPEED] >> 20


@inner
def advance(m: Memory, f: Floats, place: Ref[Place], node: Ref[CoresNode]) -> None:
    """Bring the virtual clock of a node up to now; remainders are dropped."""
    now = m[Header.NOW]
    passed = now - m[node + CoresNode.LAST]
    n = m[node + CoresNode.PRESENT]
    if passed and n:
        m[node + CoresNode.VIRTUAL] += mul_div(passed, _total(m, f, place, node), n << 20, False)
        used = min(n * ONE_CORE, m[place + Place.CORES])
        add_product(m, place + Place.WORK, used, passed)
        add_product(m, place + Place.EXCESS, n * ONE_CORE - used, passed)
    m[node + CoresNode.LAST] = now


@inner
def plan_departure(m: Memory, f: Floats, place: Ref[Place], number: int) -> None:
    """Set the timer of the next departure from a node."""
    node = node_at(m, place, number)
    timer = node + CoresNode.TIMER
    total = _total(m, f, place, node) if m[node + CoresNode.PRESENT] else 0
    if total == 0:
        cancel(m, timer)
        return
    first = m[m[node + CoresNode.HEAP]]
    left = max(0, m[first + Grant.FINISH] - m[node + CoresNode.VIRTUAL])
    due = m[Header.NOW] + mul_div(left, m[node + CoresNode.PRESENT] << 20, total, True)
    order = m[(m[first + Grant.WHO] & LOW) + Job.ORDER]
    if is_set(m, timer):
        if due == m[node + CoresNode.DUE] and order == m[timer + Timer.VISIT]:
            return  # while everybody has a core, company changes nothing
        cancel(m, timer)
    m[node + CoresNode.DUE] = due
    m[timer + Timer.VISIT] = order
    set_due(m, due, timer, COMPLETION, m[place + Place.ELEMENT] + number, Due.CORES)


@inner
def depart(m: Memory, f: Floats, place: Ref[Place], number: int) -> None:
    """The first of those in service is done."""
    node = node_at(m, place, number)
    advance(m, f, place, node)
    visit = m[m[node + CoresNode.HEAP]]
    _part(m, node, visit)
    m[visit + Grant.NODE] ^= Grant.IN_SERVICE
    plan_departure(m, f, place, number)
    wake(m, m[visit + Grant.WHO] & LOW, 0)


@inner
def _share(m: Memory, f: Floats, place: Ref[Place], visit: Ref[Grant], number: int) -> None:
    node = node_at(m, place, number)
    advance(m, f, place, node)
    m[visit + Grant.FINISH] = m[node + CoresNode.VIRTUAL] + m[visit + Grant.LEFT]
    _join(m, node, visit)
    plan_departure(m, f, place, number)


@inner
def _share_no_more(m: Memory, f: Floats, place: Ref[Place], visit: Ref[Grant], number: int) -> None:
    node = node_at(m, place, number)
    advance(m, f, place, node)
    m[visit + Grant.LEFT] = max(0, m[visit + Grant.FINISH] - m[node + CoresNode.VIRTUAL])
    _part(m, node, visit)
    plan_departure(m, f, place, number)


@inner
def cut_off(m: Memory, f: Floats, place: Ref[Place], number: int) -> None:
    """All services on a node of shared cores end at once."""
    node = node_at(m, place, number)
    advance(m, f, place, node)
    for slot in range(m[node + CoresNode.PRESENT]):
        visit = m[m[node + CoresNode.HEAP] + slot]
        m[visit + Grant.NODE] ^= Grant.IN_SERVICE
    m[node + CoresNode.PRESENT] = 0
    cancel(m, node + CoresNode.TIMER)


# -- both --------------------------------------------------------------------------------------------------


@inner
def begin_service(m: Memory, f: Floats, place: Ref[Place], visit: Ref[Grant], number: int) -> None:
    """A server is there: serve from now on."""
    if m[place + Place.GRANT_SIZE] == Grant.SIZE:
        m[visit + Grant.GRANTED] = m[Header.NOW]
    if m[place + Place.KIND] == PlaceKind.CORES:
        _share(m, f, place, visit, number)
        return
    job = m[visit + Grant.WHO] & LOW
    left = m[visit + Grant.LEFT] if m[place + Place.GRANT_SIZE] == Grant.SIZE else m[visit + Grant.DEMAND]
    set_due(m, m[Header.NOW] + left, job, COMPLETION, m[place + Place.ELEMENT] + number, Due.JOB)


@inner
def stop_service(m: Memory, f: Floats, place: Ref[Place], visit: Ref[Grant], number: int) -> None:
    """Serve no longer; what is left to do is kept where it may go on."""
    if m[place + Place.KIND] == PlaceKind.CORES:
        _share_no_more(m, f, place, visit, number)
        return
    if m[place + Place.GRANT_SIZE] == Grant.SIZE:
        m[visit + Grant.LEFT] -= m[Header.NOW] - m[visit + Grant.TIME]
    cancel(m, m[visit + Grant.WHO] & LOW)
