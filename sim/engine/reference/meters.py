"""Meters of a place: time integrals of its counts, waiting times, arrivals and departures."""

from __future__ import annotations

from dataclasses import dataclass

from sim.engine.reference.clock import Clock


@dataclass(slots=True, eq=False)
class Window:
    """The part of a run that enters the figures: from `begin_ns` to `end_ns`, exclusive."""

    begin_ns: int
    end_ns: int

    def holds(self, time_ns: int) -> bool:
        """Whether an instant lies in it."""
        return self.begin_ns <= time_ns < self.end_ns


MARKED = (
    *("busy_area", "waiting_area", "units_area", "requested", "served", "abandoned", "rejected", "refused"),
    *("work_area", "excess_area", "batches"),
)
"""What is told of the window alone."""


class Meter:
    """Counts and areas of one place.

    work_area, excess_area: of shared cores, what they worked and what was beyond them; of stations that serve in
    batches, the time under way and 0. batches: those begun.

    waits_at_grant: whether the wait of a visit is known when it is granted; under sharing and preemption it is known
    at its end only, and the place itself records it then.

    Areas are integrals over time in ns, kept exactly in Python's integers. `stayed` adds up, visit by visit, how
    long each one waited or held; the audit holds it against the area that was added up change by change.
    """

    __slots__ = (
        "abandoned",
        "batches",
        "busy",
        "busy_area",
        "clock",
        "excess_area",
        "held_sum",
        "last_ns",
        "marks",
        "max_waiting",
        "overdrawn",
        "refused",
        "rejected",
        "requested",
        "served",
        "units",
        "units_area",
        "wait_sum",
        "waited",
        "waiting",
        "waiting_area",
        "waits",
        "waits_at_grant",
        "window",
        "work_area",
    )

    def __init__(self, clock: Clock, window: Window, units: int) -> None:
        self.clock = clock
        self.window = window
        self.units = units
        self.last_ns = 0
        self.busy = self.waiting = self.max_waiting = 0
        self.busy_area = self.waiting_area = self.units_area = 0
        self.requested = self.served = self.waited = self.abandoned = self.rejected = self.refused = 0
        self.wait_sum = self.held_sum = 0
        self.work_area = self.excess_area = self.batches = 0
        self.overdrawn = False
        self.waits: list[int] = []
        self.waits_at_grant = True
        self.marks: list[dict[str, int]] = []

    def tick(self) -> None:
        """Bring the areas up to now."""
        now = self.clock._now
        passed = now - self.last_ns
        if passed:
            self.busy_area += self.busy * passed
            self.waiting_area += self.waiting * passed
            self.units_area += self.units * passed
            self.last_ns = now

    def wait_begins(self) -> None:
        """Somebody stands in line."""
        self.tick()
        self.waiting += 1
        if self.waiting > self.max_waiting:
            self.max_waiting = self.waiting

    def wait_begins_again(self) -> None:
        """Somebody in service is sent back to the line: it has not been served yet."""
        self.served -= 1
        self.wait_begins()

    def wait_ends(self, requested_ns: int, served: bool) -> None:
        """Somebody leaves the line, served or not."""
        self.tick()
        self.waiting -= 1
        self.wait_sum += self.clock._now - requested_ns
        if not served:
            self.abandoned += 1

    def grant(self, requested_ns: int, units: int, waited: bool) -> None:
        """Somebody is served, after waiting in line or at once."""
        self.tick()
        self.busy += units
        self.served += 1
        if self.busy > self.units > 0:
            self.overdrawn = True
        if self.waits_at_grant:
            self.record_wait(requested_ns, self.clock._now - requested_ns, waited)

    def record_wait(self, requested_ns: int, wait_ns: int, waited: bool) -> None:
        """The wait of one visit is known; those that asked in the window count."""
        if self.window.holds(requested_ns):
            self.waits.append(wait_ns)
            if waited:
                self.waited += 1

    def release(self, granted_ns: int, units: int) -> None:
        """What was granted comes back."""
        self.tick()
        self.busy -= units
        self.held_sum += units * (self.clock._now - granted_ns)

    def units_change(self, units: int) -> None:
        """Units come or go with their node."""
        self.tick()
        self.units += units

    def mark(self) -> None:
        """Remember areas and counts at this instant, to tell the window's share afterwards."""
        self.tick()
        self.marks.append({name: getattr(self, name) for name in MARKED})
