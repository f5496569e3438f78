"""Monitors: the marks of each execution, checked against the properties that every one must keep."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sim.engine.elements import EXAMPLES
from sim.network.monitors import Monitor
from sim.results.columns import MonitorCount

if TYPE_CHECKING:  # what it is told of, and does not make
    from sim.engine.reference.jobs import Execution


class Watch:
    """All monitors of a network."""

    def __init__(self, monitors: dict[str, Monitor]) -> None:
        self.monitors = monitors
        self.marks: set[str] = set()
        self.tally = {name: MonitorCount(name) for name in monitors}
        self.live: dict[int, Execution] = {}
        self.asking: dict[str, list[str]] = defaultdict(list)  # mark to the monitors that it puts a question to
        self.answering: dict[str, list[str]] = defaultdict(list)
        for name, monitor in monitors.items():
            self.marks |= {monitor.when, monitor.at_most_once} - {None}  # type: ignore[arg-type]
            for names in (monitor.eventually, monitor.never_both, monitor.conserve):
                self.marks |= set(names or ())
            if monitor.when is not None:
                self.asking[monitor.when].append(name)
            for answer in monitor.eventually or ():
                self.answering[answer].append(name)

    def mark(self, execution: Execution, name: str, once: bool, now_ns: int) -> None:
        """An execution has made a mark. With `once`, made again it is the same one."""
        if execution.counts is None:
            execution.counts, execution.requested, execution.late = {}, {}, set()
            self.live[execution.ordinal] = execution
        if once and name in execution.counts:
            return
        execution.counts[name] = execution.counts.get(name, 0) + 1
        for monitor in self.answering.get(name, ()):
            requested_ns = execution.requested.pop(monitor, None)
            if requested_ns is not None and self._is_late(monitor, requested_ns, now_ns):
                execution.late.add(monitor)
        for monitor in self.asking.get(name, ()):
            execution.requested.setdefault(monitor, now_ns)

    def _is_late(self, monitor: str, requested_ns: int, now_ns: int) -> bool:
        limit = self.monitors[monitor].within_ns
        return limit is not None and now_ns - requested_ns > limit

    def closed(self, execution: Execution, now_ns: int) -> None:
        """The execution and all its jobs have ended: every property is decided."""
        if self.live.pop(execution.ordinal, None) is not None:
            self._judge(execution, now_ns, decided=True)

    def finish(self, now_ns: int) -> None:
        """The run is over: what is still open is undecided, unless it is broken already."""
        for execution in self.live.values():
            self._judge(execution, now_ns, decided=False)

    def _judge(self, execution: Execution, now_ns: int, decided: bool) -> None:
        counts = execution.counts or {}
        for name, monitor in self.monitors.items():
            if monitor.eventually is not None:
                relevant = monitor.when in counts
                requested_ns = execution.requested.get(name)
                unanswered = requested_ns is not None and (decided or self._is_late(name, requested_ns, now_ns))
                broken = name in execution.late or unanswered
            elif monitor.never_both is not None:
                one, other = monitor.never_both
                relevant = one in counts or other in counts
                broken = one in counts and other in counts
            elif monitor.at_most_once is not None:
                relevant = monitor.at_most_once in counts
                broken = counts.get(monitor.at_most_once, 0) > 1
            else:
                moved = monitor.conserve or {}
                relevant = any(mark in counts for mark in moved)
                broken = decided and sum(amount * counts.get(mark, 0) for mark, amount in moved.items()) != 0
            if not relevant:
                continue
            tally = self.tally[name]
            tally.antecedents += 1
            if broken:
                tally.violated += 1
                if len(tally.examples) < EXAMPLES:
                    tally.examples.append(execution.ordinal)
            elif decided:
                tally.checked += 1
            else:
                tally.undecided += 1
