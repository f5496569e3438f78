"""What is measured at a place: areas under its counts, waits, and what came and went. Histograms of durations."""

from __future__ import annotations

import numpy as np

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.memory import Memory, add, add_product

_SUB_BITS = 8
_EXACT = 512  # ns; durations below have a bucket each


@inner
def _bucket_of_long(value: int) -> int:
    exponent = (int(np.float64(value).view(np.int64)) >> 52) - 1023
    if value >> exponent == 0:  # the double was rounded up to the next power of two
        exponent -= 1
    shift = exponent - _SUB_BITS
    return (shift << _SUB_BITS) + (value >> shift)


@inner
def count_wait(m: Memory, histogram: int, value: int) -> None:
    """Count a duration in the buckets of `sim.results.histogram`."""
    if value < _EXACT:
        m[histogram + value] += 1
    else:
        m[histogram + _bucket_of_long(value)] += 1


@inner
def tick(m: Memory, place: int) -> None:
    """Bring the areas up to now."""
    now = m[L.H_NOW]
    passed = now - m[place + L.M_LAST]
    if passed:
        add_product(m, place + L.M_BUSY_AREA, m[place + L.M_BUSY], passed)
        if m[place + L.M_WAITING]:
            add_product(m, place + L.M_WAIT_AREA, m[place + L.M_WAITING], passed)
        m[place + L.M_LAST] = now


@inner
def tick_units(m: Memory, place: int) -> None:
    """Bring the area under the units up to now."""
    now = m[L.H_NOW]
    add_product(m, place + L.M_UNITS_AREA, m[place + L.M_UNITS], now - m[place + L.M_UNITS_LAST])
    m[place + L.M_UNITS_LAST] = now


@inner
def units_change(m: Memory, place: int, units: int) -> None:
    """Units come or go with their node."""
    tick_units(m, place)
    m[place + L.M_UNITS] += units


@inner
def wait_begins(m: Memory, place: int) -> None:
    """Somebody stands in line."""
    tick(m, place)
    waiting = m[place + L.M_WAITING] + 1
    m[place + L.M_WAITING] = waiting
    if waiting > m[place + L.M_MAX]:
        m[place + L.M_MAX] = waiting


@inner
def wait_ends(m: Memory, place: int, asked_ns: int, served: bool) -> None:
    """Somebody leaves the line, served or not."""
    tick(m, place)
    m[place + L.M_WAITING] -= 1
    add(m, place + L.M_WAIT_SUM, m[L.H_NOW] - asked_ns)
    if not served:
        m[place + L.M_ABANDONED] += 1


@inner
def record_wait(m: Memory, place: int, asked_ns: int, wait_ns: int, waited: bool) -> None:
    """The wait of one visit is known; those that asked in the window count."""
    if m[L.H_BEGIN] <= asked_ns < m[L.H_HORIZON]:
        count_wait(m, m[place + L.M_WAITS], wait_ns)
        add(m, place + L.M_WINDOW_SUM, wait_ns)
        m[place + L.M_WINDOW_COUNT] += 1
        if waited:
            m[place + L.M_WAITED] += 1


@inner
def granted(m: Memory, place: int, asked_ns: int, units: int, waited: bool) -> None:
    """Somebody is served, after waiting in line or at once."""
    tick(m, place)
    busy = m[place + L.M_BUSY] + units
    m[place + L.M_BUSY] = busy
    m[place + L.M_SERVED] += 1
    if busy > m[place + L.M_UNITS] > 0:
        m[place + L.M_OVERDRAWN] = 1
    if m[place + L.P_TIMED_WAITS]:
        record_wait(m, place, asked_ns, m[L.H_NOW] - asked_ns, waited)


@inner
def released(m: Memory, place: int, granted_ns: int, units: int) -> None:
    """What was granted comes back."""
    tick(m, place)
    m[place + L.M_BUSY] -= units
    add_product(m, place + L.M_HELD_SUM, units, m[L.H_NOW] - granted_ns)
