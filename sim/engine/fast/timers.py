"""Timers: a heap of (time, handle) where each timer knows its slot, so that a cancelled one leaves at once.

Entries of one instant are ordered by the timer's own key: kind, element, visit. The heap has four children a node,
and taking the first leaves a hole at the root that the next timer set fills: most events set one. A node has four
children or none; those that are missing ring NEVER. Timers learn their slots when the first one is cancelled, since
to keep them told costs most of a large heap's time and many a run cancels nothing.
"""

from __future__ import annotations

from sim.draws.jit import inner, prefetch
from sim.engine.fast.layout import Header, Heap, Ref, Status, Table, Timer, Word
from sim.engine.fast.memory import Memory, free
from sim.engine.order import ELEMENT_BITS, TIMEOUT

_LARGE = 1 << 10
"""Timers from which on a heap does not fit into the nearest cache."""


@inner
def key_of(kind: int, element: int, tag: int) -> int:
    """First word of an timer that is not set."""
    return kind << Timer.KIND_SHIFT | element << Timer.ELEMENT_SHIFT | tag << Timer.DUE_SHIFT | Timer.NOT_SET


@inner
def is_set(m: Memory, timer: Word) -> bool:
    """Whether the timer will ring."""
    return m[timer] & Timer.SLOT_MASK != Timer.NOT_SET


@inner
def _earlier(m: Memory, one: Ref[Timer], other: Ref[Timer]) -> bool:
    """Which of two timers of one instant rings first."""
    key, other_key = m[one] >> Timer.ELEMENT_SHIFT, m[other] >> Timer.ELEMENT_SHIFT
    if key != other_key:
        return key < other_key
    return m[one + Timer.VISIT] < m[other + Timer.VISIT]


@inner
def _put(m: Memory, base: int, slot: int, time: int, timer: Word, known: int, far: int) -> None:
    m[base + 2 * slot] = time
    m[base + 2 * slot + 1] = timer
    if known:
        m[timer] = (m[timer] | Timer.SLOT_MASK) ^ Timer.SLOT_MASK | slot | far


@inner
def _first_of_tied(m: Memory, at: int, time: int) -> int:
    """Of four entries at `at`, the one that rings first among those of one time."""
    least = -1
    for entry in range(0, 8, 2):
        if m[at + entry] == time and (least < 0 or _earlier(m, m[at + entry + 1], m[at + least + 1])):
            least = entry
    return least


@inner
def _sift_down(m: Memory, base: int, count: int, slot: int, time: int, timer: Word, known: int, far: int) -> None:
    """Put an entry at `slot` or below.

    All four children are compared, whether they are there or not, and no comparison but the last one decides where to
    go on: what the processor can't foretell costs more than it does to look.
    """
    is_large = count > _LARGE
    while True:
        child = 4 * slot + 1
        if child >= count:
            break
        at = base + 2 * child
        if is_large:  # whichever child it is: where its own children are has to come from far away
            below = base + 2 * (4 * child + 1)
            prefetch(m, below)
            prefetch(m, below + 8)
            prefetch(m, below + 16)
            prefetch(m, below + 24)
        time_0, time_1, time_2, time_3 = m[at], m[at + 2], m[at + 4], m[at + 6]
        left = 2 if time_1 < time_0 else 0
        right = 6 if time_3 < time_2 else 4
        left_time = min(time_0, time_1)
        right_time = min(time_2, time_3)
        least = right if right_time < left_time else left
        least_time = min(left_time, right_time)
        same = (time_0 == least_time) + (time_1 == least_time) + (time_2 == least_time) + (time_3 == least_time)
        if same > 1:
            least = _first_of_tied(m, at, least_time)
        mover = m[at + least + 1]
        if time < least_time or (time == least_time and _earlier(m, timer, mover)):
            break
        if is_large and slot == 0:
            prefetch(m, mover)  # it rings next, most likely
            prefetch(m, mover + 7)
        _put(m, base, slot, least_time, mover, known, far)
        slot = child + (least >> 1)
    _put(m, base, slot, time, timer, known, far)


@inner
def _sift_up(m: Memory, base: int, slot: int, time: int, timer: Word, known: int, far: int) -> None:
    """Put an entry at `slot` or above."""
    while slot > 0:
        parent = (slot - 1) >> 2
        parent_time = m[base + 2 * parent]
        mover = m[base + 2 * parent + 1]
        if parent_time < time or (parent_time == time and _earlier(m, mover, timer)):
            break
        _put(m, base, slot, parent_time, mover, known, far)
        slot = parent
    _put(m, base, slot, time, timer, known, far)


@inner
def _knows(far: int) -> int:
    """The word that says whether the timers of a heap know their slots."""
    return Header.FAULT_SLOTS_KNOWN if far else Header.SLOTS_KNOWN


@inner
def _push(m: Memory, heap: Ref[Heap], time: int, timer: Word, far: int) -> None:
    base = m[heap + Heap.BASE]
    m[timer] = (
        m[timer] | Timer.SLOT_MASK
    ) ^ Timer.SLOT_MASK | far  # from now on it is set, whether it knows its slot or not
    if m[heap + Heap.HOLE]:  # the root is a hole
        m[heap + Heap.HOLE] = 0
        _sift_down(m, base, m[heap], 0, time, timer, m[_knows(far)], far)
        return
    count = m[heap]
    if count + 3 >= m[heap + Heap.CAPACITY]:
        m[Header.STATUS] = Status.MEMORY_FULL
        return
    m[heap] = count + 1
    if count & 3 == 1:  # the first of four children
        for sibling in range(count + 1, count + 4):
            m[base + 2 * sibling] = Timer.NEVER
    _sift_up(m, base, count, time, timer, m[_knows(far)], far)


@inner
def make_timer(m: Memory, timer: Ref[Timer], key: int, visit: int, owner: Word) -> None:
    """What a timer is: its place among those of one instant, and whose it is; it is not set yet."""
    m[timer + Timer.KEY] = key
    m[timer + Timer.VISIT] = visit
    m[timer + Timer.OWNER] = owner


@inner
def set_timer(m: Memory, time: int, timer: Word) -> None:
    """Ring at `time`."""
    _push(m, Header.HEAP, time, timer, 0)


@inner
def set_due(m: Memory, time: int, timer: Word, kind: int, element: int, due: int) -> None:
    """Ring at `time`, for what is due, in the order of a kind and an element."""
    m[timer] = key_of(kind, element, due)
    set_timer(m, time, timer)


@inner
def set_far_timer(m: Memory, time: int, timer: Word) -> None:
    """Ring at `time`; for faults, which are many and far away: they have a heap of their own."""
    _push(m, Header.FAULT_HEAP, time, timer, Timer.FAR)


@inner
def _close_hole(m: Memory, heap: Ref[Heap], far: int) -> None:
    m[heap + Heap.HOLE] = 0
    count = m[heap] - 1
    m[heap] = count
    if count > 0:
        base = m[heap + Heap.BASE]
        time = m[base + 2 * count]
        m[base + 2 * count] = Timer.NEVER
        _sift_down(m, base, count, 0, time, m[base + 2 * count + 1], m[_knows(far)], far)


@inner
def first_time(m: Memory, heap: Ref[Heap], far: int) -> int:
    """Time of the first timer of a heap, or -1."""
    if m[heap + Heap.HOLE]:
        _close_hole(m, heap, far)
    if m[heap] == 0:
        return -1
    return m[m[heap + Heap.BASE]]


@inner
def take_first(m: Memory, heap: Ref[Heap]) -> int:
    """The first timer; it leaves a hole."""
    timer = m[m[heap + Heap.BASE] + 1]
    m[heap + Heap.HOLE] = 1
    m[timer] |= Timer.NOT_SET
    return timer


@inner
def goes_before(m: Memory, one: int, other: int) -> bool:
    """Whether the first timer of one heap rings before that of the other, at one instant."""
    return _earlier(m, m[m[one + 1] + 1], m[m[other + 1] + 1])


@inner
def _learn_slots(m: Memory, heap: Ref[Heap], far: int) -> None:
    """Tell every timer where it stands; from now on they are told at each move."""
    m[_knows(far)] = 1
    for slot in range(m[heap]):
        timer = m[m[heap + Heap.BASE] + 2 * slot + 1]
        m[timer] = (m[timer] | Timer.SLOT_MASK) ^ Timer.SLOT_MASK | slot | far


@inner
def jump(m: Memory, by: int) -> None:
    """The wall clock goes forward, or back: timeouts that read it come earlier, but not before now, or later."""
    m[Header.WALL] += by
    if m[Header.HEAP + Heap.HOLE]:
        _close_hole(m, Header.HEAP, 0)
    base, count, flags = m[Header.HEAP + Heap.BASE], m[Header.HEAP], m[Header.WALL_FLAGS]
    for slot in range(count):
        entry = base + 2 * slot
        key = m[m[entry + 1]] >> Timer.ELEMENT_SHIFT
        element = key & ((1 << ELEMENT_BITS) - 1)
        if key >> ELEMENT_BITS == TIMEOUT and element < m[Header.WALL_FLAGS + Table.COUNT] and m[flags + element]:
            m[entry] = max(m[Header.NOW], m[entry] - by)
    for slot in range((count - 2) // 4, -1, -1):  # a heap again: the last parent first
        entry = base + 2 * slot
        _sift_down(m, base, count, slot, m[entry], m[entry + 1], m[_knows(0)], 0)


@inner
def cancel(m: Memory, timer: Word) -> None:
    """Do not ring."""
    if not is_set(m, timer):
        return
    far = m[timer] & Timer.FAR
    heap = Header.FAULT_HEAP if far else Header.HEAP
    if m[heap + Heap.HOLE]:
        _close_hole(m, heap, far)
    if not m[_knows(far)]:
        _learn_slots(m, heap, far)
    slot = m[timer] & Timer.SLOT_MASK ^ far
    base = m[heap + Heap.BASE]
    count = m[heap] - 1
    m[heap] = count
    m[timer] |= Timer.NOT_SET
    time, last = m[base + 2 * count], m[base + 2 * count + 1]
    m[base + 2 * count] = Timer.NEVER
    if slot == count:
        return
    if slot > 0:
        parent = (slot - 1) >> 2
        parent_time = m[base + 2 * parent]
        if time < parent_time or (time == parent_time and _earlier(m, last, m[base + 2 * parent + 1])):
            _sift_up(m, base, slot, time, last, 1, far)
            return
    _sift_down(m, base, count, slot, time, last, 1, far)


@inner
def end_timer(m: Memory, at: Word) -> None:
    """Give back the timer whose handle is at `at`, if there is one."""
    timer = m[at]
    if timer:
        cancel(m, timer)
        free(m, timer, Timer.SIZE)
        m[at] = 0
