"""Meters of a place: time integrals of its counts, waiting times, arrivals and departures; histograms."""

from __future__ import annotations

import numpy as np

from sim.draws.jit import inner
from sim.engine.fast.layout import Header, Place, Ref
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
def tick(m: Memory, place: Ref[Place]) -> None:
    """Bring the areas up to now."""
    now = m[Header.NOW]
    passed = now - m[place + Place.LAST]
    if passed:
        add_product(m, place + Place.BUSY_AREA, m[place + Place.BUSY], passed)
        if m[place + Place.WAITING]:
            add_product(m, place + Place.WAIT_AREA, m[place + Place.WAITING], passed)
        m[place + Place.LAST] = now


@inner
def tick_units(m: Memory, place: Ref[Place]) -> None:
    """Bring the area under the units up to now."""
    now = m[Header.NOW]
    add_product(m, place + Place.IN_USE_AREA, m[place + Place.IN_USE], now - m[place + Place.IN_USE_LAST])
    m[place + Place.IN_USE_LAST] = now


@inner
def units_change(m: Memory, place: Ref[Place], units: int) -> None:
    """Units come or go with their node."""
    tick_units(m, place)
    m[place + Place.IN_USE] += units


@inner
def wait_begins(m: Memory, place: Ref[Place]) -> None:
    """Somebody stands in line."""
    tick(m, place)
    waiting = m[place + Place.WAITING] + 1
    m[place + Place.WAITING] = waiting
    if waiting > m[place + Place.MAX]:
        m[place + Place.MAX] = waiting


@inner
def wait_ends(m: Memory, place: Ref[Place], requested_ns: int, served: bool) -> None:
    """Somebody leaves the line, served or not."""
    tick(m, place)
    m[place + Place.WAITING] -= 1
    add(m, place + Place.WAIT_SUM, m[Header.NOW] - requested_ns)
    if not served:
        m[place + Place.ABANDONED] += 1


@inner
def record_wait(m: Memory, place: Ref[Place], requested_ns: int, wait_ns: int, waited: bool) -> None:
    """The wait of one visit is known; those that asked in the window count."""
    if m[Header.BEGIN] <= requested_ns < m[Header.HORIZON]:
        count_wait(m, m[place + Place.WAITS], wait_ns)
        add(m, place + Place.WINDOW_SUM, wait_ns)
        m[place + Place.WINDOW_COUNT] += 1
        if waited:
            m[place + Place.WAITED] += 1


@inner
def granted(m: Memory, place: Ref[Place], requested_ns: int, units: int, waited: bool) -> None:
    """Somebody is served, after waiting in line or at once."""
    tick(m, place)
    busy = m[place + Place.BUSY] + units
    m[place + Place.BUSY] = busy
    m[place + Place.SERVED] += 1
    if busy > m[place + Place.IN_USE] > 0:
        m[place + Place.OVERDRAWN] = 1
    if m[place + Place.TIMED_WAITS]:
        record_wait(m, place, requested_ns, m[Header.NOW] - requested_ns, waited)


@inner
def released(m: Memory, place: Ref[Place], granted_ns: int, units: int) -> None:
    """What was granted comes back."""
    tick(m, place)
    m[place + Place.BUSY] -= units
    add_product(m, place + Place.HELD_SUM, units, m[Header.NOW] - granted_ns)
