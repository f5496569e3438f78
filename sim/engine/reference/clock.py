"""Clock, timers and interruption: all that is taken from SimPy.

SimPy's heap entry is (time, priority, serial, event). The priority is the model's own key (`sim.engine.order`), so
the serial decides only among immediate events, where first-in first-out is the rule.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

import simpy
from simpy.events import PENDING, Event, Initialize, Process

from sim.engine.order import VISIT_BITS


class Timer(Event):
    """Something that will happen at a known instant, unless cancelled. A process waits for it by yielding it."""

    env: Clock
    callbacks: list[Callable[[Any], None]] | None  # type: ignore[assignment]  # SimPy says None in a comment only

    def __init__(self, clock: Clock) -> None:
        self.env = clock
        self.callbacks = []
        self._value: Any = None
        self._ok = True

    def set(self, time_ns: int, key: int) -> None:
        """Happen at `time_ns`; `key` orders it among others at that instant."""
        clock = self.env
        heappush(clock._queue, (time_ns, key, next(clock._eid), self))

    def instead(self, time_ns: int, key: int) -> Timer:
        """Happen at another time: gives the timer that takes over who waits for this one."""
        other = Timer(self.env)
        other.callbacks = self.callbacks
        self.cancel()
        other.set(time_ns, key)
        return other

    def cancel(self) -> None:
        """Never happen. The entry leaves the heap soon: dead entries are swept out when they are half of it."""
        if self.callbacks is not None:
            self.callbacks = None
            clock = self.env
            clock.dead += 1
            if clock.dead * 2 > len(clock._queue) and clock.dead > 64:
                clock.sweep()


class Clock(simpy.Environment):
    """SimPy's environment with integer time in nanoseconds, an exclusive end and removal of cancelled timers."""

    _now: int  # SimPy allows fractions too
    _queue: list[Any]

    def __init__(self) -> None:
        super().__init__(initial_time=0)
        self.dead = 0
        self.watches: dict[Callable[[], None], None] = {}  # called after each event and the immediate events it caused

    def timer(self, time_ns: int, key: int) -> Timer:
        """An timer that is set at once."""
        timer = Timer(self)
        heappush(self._queue, (time_ns, key, next(self._eid), timer))
        return timer

    def call(self, time_ns: int, key: int, action: Callable[[Any], Any]) -> Timer:
        """A timer that is set at once, and calls `action`."""
        timer = self.timer(time_ns, key)
        timer.callbacks = [action]
        return timer

    def wake(self, event: Event, value: Any = None) -> None:
        """Let whoever waits for `event` go on, after those who were woken before."""
        event._ok = True
        event._value = value
        heappush(self._queue, (self._now, 0, next(self._eid), event))

    def later(self, action: Callable[[Event], None]) -> None:
        """Do `action` in this instant, after the immediate events that are already due."""
        event = Event(self)
        event.callbacks = [action]
        self.wake(event)

    def run_before(self, end_ns: int) -> None:
        """Handle every event before `end_ns` (exclusive) and set the clock to it."""
        queue = self._queue
        while queue and queue[0][0] < end_ns:
            self._now, _, _, event = heappop(queue)
            callbacks = event.callbacks
            if callbacks is None:  # cancelled
                self.dead -= 1
                continue
            event.callbacks = None
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value
            if self.watches:
                self.watch()
        self._now = end_ns

    def shift(self, keys: frozenset[int], by_ns: int) -> None:
        """Timers of certain kinds and elements come so much earlier (later, if negative), but not before now."""
        self._queue[:] = [
            (max(time_ns - by_ns, self._now), key, serial, timer) if key >> VISIT_BITS in keys else entry
            for entry in self._queue
            for time_ns, key, serial, timer in [entry]
        ]
        heapify(self._queue)

    def watch(self) -> None:
        """Call the watches, if all immediate events are done."""
        if not (self._queue and self._queue[0][0] == self._now and self._queue[0][1] == 0):
            for look in list(self.watches):
                look()

    @property
    def next_ns(self) -> int | None:
        """Time of the next event, or None when nothing is left."""
        queue = self._queue
        while queue and queue[0][3].callbacks is None:
            heappop(queue)
            self.dead -= 1
        return queue[0][0] if queue else None

    def sweep(self) -> None:
        """Take the cancelled timers out of the heap."""
        self._queue[:] = [entry for entry in self._queue if entry[3].callbacks is not None]
        heapify(self._queue)
        self.dead = 0


def interrupt(process: Process, error: BaseException, still: Callable[[], bool] | None = None) -> None:
    """Throw `error` into a process where it waits, when its turn comes in this instant.

    still: asked at that moment; on False the interruption has lost its reason and does nothing.
    """
    clock = process.env
    event = Event(clock)

    def deliver(event: Event) -> None:
        if process._value is not PENDING or (still is not None and not still()):
            return
        target = process._target
        if isinstance(target, Initialize):  # not begun yet: let it begin first
            interrupt(process, error, still)
            return
        target.callbacks.remove(process._resume)
        process._resume(event)

    event.callbacks = [deliver]
    event._ok = False
    event._value = error
    event._defused = True
    queue: list[Any] = clock._queue
    heappush(queue, (clock._now, 0, next(clock._eid), event))


__all__ = ["Clock", "Event", "Process", "Timer", "interrupt"]
