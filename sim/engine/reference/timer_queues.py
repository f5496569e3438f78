"""Timer queues: timers that are read ahead of their time, so that new ones may be put off."""

from __future__ import annotations

from sim.network.policies import TimerQueue


class TimerState:
    """One timer queue at work. least_ns: nothing new ends before it. read_ns: up to where it has been read."""

    __slots__ = ("least_ns", "read_ns", "spec")

    def __init__(self, spec: TimerQueue) -> None:
        self.spec = spec
        self.least_ns = 0
        self.read_ns = 0

    def notify(self, now_ns: int) -> None:
        """Something new has come."""
        self.least_ns = max(self.least_ns, now_ns + self.spec.ahead_ns)

    def end_of(self, end_ns: int) -> int:
        """When a timer ends that would end at `end_ns`."""
        return end_ns if end_ns >= self.least_ns else self.least_ns + self.spec.after_ns

    def ended(self, now_ns: int) -> None:
        """A timer has ended."""
        if now_ns >= self.read_ns:
            self.notify(now_ns)
            self.read_ns = self.least_ns
