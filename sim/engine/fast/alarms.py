"""Alarms: a heap of (time, handle) that knows where each alarm stands, so that a cancelled one leaves at once.

Entries of one instant are ordered by the alarm's own key: kind, element, visit. The heap has four children a node,
and taking the first leaves a hole at the root that the next alarm set fills: most events set one.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import (
    A_VISIT,
    ELEMENT_SHIFT,
    FAR,
    H_FAULT_HEAP,
    H_HEAP,
    H_STATUS,
    KIND_SHIFT,
    MEMORY_FULL,
    NOT_SET,
    SLOT_MASK,
    TAG_SHIFT,
)
from sim.engine.fast.memory import Memory


@inner
def key_of(kind: int, element: int, tag: int) -> int:
    """First word of an alarm that is not set."""
    return kind << KIND_SHIFT | element << ELEMENT_SHIFT | tag << TAG_SHIFT | NOT_SET


@inner
def is_set(m: Memory, alarm: int) -> bool:
    """Whether the alarm will ring."""
    return m[alarm] & SLOT_MASK != NOT_SET


@inner
def _earlier(m: Memory, one: int, other: int) -> bool:
    """Which of two alarms of one instant rings first."""
    key, other_key = m[one] >> ELEMENT_SHIFT, m[other] >> ELEMENT_SHIFT
    if key != other_key:
        return key < other_key
    return m[one + A_VISIT] < m[other + A_VISIT]


@inner
def _put(m: Memory, base: int, slot: int, time: int, alarm: int, far: int) -> None:
    m[base + 2 * slot] = time
    m[base + 2 * slot + 1] = alarm
    m[alarm] = (m[alarm] | SLOT_MASK) ^ SLOT_MASK | slot | far


@inner
def _sift_down(m: Memory, base: int, count: int, slot: int, time: int, alarm: int, far: int) -> None:
    """Put an entry at `slot` or below."""
    while True:
        child = 4 * slot + 1
        if child >= count:
            break
        least = child
        least_time = m[base + 2 * child]
        for other in range(child + 1, min(child + 4, count)):
            other_time = m[base + 2 * other]
            if other_time < least_time or (
                other_time == least_time and _earlier(m, m[base + 2 * other + 1], m[base + 2 * least + 1])
            ):
                least = other
                least_time = other_time
        mover = m[base + 2 * least + 1]
        if time < least_time or (time == least_time and _earlier(m, alarm, mover)):
            break
        _put(m, base, slot, least_time, mover, far)
        slot = least
    _put(m, base, slot, time, alarm, far)


@inner
def _sift_up(m: Memory, base: int, slot: int, time: int, alarm: int, far: int) -> None:
    """Put an entry at `slot` or above."""
    while slot > 0:
        parent = (slot - 1) >> 2
        parent_time = m[base + 2 * parent]
        mover = m[base + 2 * parent + 1]
        if parent_time < time or (parent_time == time and _earlier(m, mover, alarm)):
            break
        _put(m, base, slot, parent_time, mover, far)
        slot = parent
    _put(m, base, slot, time, alarm, far)


@inner
def _push(m: Memory, heap: int, time: int, alarm: int, far: int) -> None:
    base = m[heap + 1]
    if m[heap + 2]:  # the root is a hole
        m[heap + 2] = 0
        _sift_down(m, base, m[heap], 0, time, alarm, far)
        return
    count = m[heap]
    if count >= m[heap + 3]:
        m[H_STATUS] = MEMORY_FULL
        return
    m[heap] = count + 1
    _sift_up(m, base, count, time, alarm, far)


@inner
def set_alarm(m: Memory, time: int, alarm: int) -> None:
    """Ring at `time`."""
    _push(m, H_HEAP, time, alarm, 0)


@inner
def set_far_alarm(m: Memory, time: int, alarm: int) -> None:
    """Ring at `time`; for faults, which are many and far away: they have a heap of their own."""
    _push(m, H_FAULT_HEAP, time, alarm, FAR)


@inner
def _close_hole(m: Memory, heap: int, far: int) -> None:
    m[heap + 2] = 0
    count = m[heap] - 1
    m[heap] = count
    if count > 0:
        base = m[heap + 1]
        _sift_down(m, base, count, 0, m[base + 2 * count], m[base + 2 * count + 1], far)


@inner
def first_time(m: Memory, heap: int, far: int) -> int:
    """Time of the first alarm of a heap, or -1."""
    if m[heap + 2]:
        _close_hole(m, heap, far)
    if m[heap] == 0:
        return -1
    return m[m[heap + 1]]


@inner
def take_first(m: Memory, heap: int) -> int:
    """The first alarm; it leaves a hole."""
    alarm = m[m[heap + 1] + 1]
    m[heap + 2] = 1
    m[alarm] |= NOT_SET
    return alarm


@inner
def goes_before(m: Memory, one: int, other: int) -> bool:
    """Whether the first alarm of one heap rings before that of the other, at one instant."""
    return _earlier(m, m[m[one + 1] + 1], m[m[other + 1] + 1])


@inner
def cancel(m: Memory, alarm: int) -> None:
    """Do not ring."""
    slot = m[alarm] & SLOT_MASK
    if slot == NOT_SET:
        return
    far = slot & FAR
    heap = H_FAULT_HEAP if far else H_HEAP
    if m[heap + 2]:
        _close_hole(m, heap, far)
        slot = m[alarm] & SLOT_MASK
    slot = (slot | FAR) ^ FAR
    base = m[heap + 1]
    count = m[heap] - 1
    m[heap] = count
    m[alarm] |= NOT_SET
    if slot == count:
        return
    time, last = m[base + 2 * count], m[base + 2 * count + 1]
    if slot > 0:
        parent = (slot - 1) >> 2
        parent_time = m[base + 2 * parent]
        if time < parent_time or (time == parent_time and _earlier(m, last, m[base + 2 * parent + 1])):
            _sift_up(m, base, slot, time, last, far)
            return
    _sift_down(m, base, count, slot, time, last, far)
