"""Monitors at work: the marks of each execution held against the properties that every one must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.network.monitors import Monitor
from sim.results.columns import MonitorCount

if TYPE_CHECKING:
    from sim.engine.reference.jobs import Execution

KEPT = 10
"""Violating executions that are remembered by number, for a look at their lives."""


class Watch:
    """All monitors of a network."""

    def __init__(self, monitors: dict[str, Monitor]) -> None:
        self.monitors = monitors
        self.marks: set[str] = set()
        self.tally = {name: MonitorCount(name) for name in monitors}
        self.live: dict[int, Execution] = {}
        for monitor in monitors.values():
            self.marks |= {monitor.when, monitor.at_most_once} - {None}  # type: ignore[arg-type]
            for names in (monitor.eventually, monitor.never_both, monitor.conserve):
                self.marks |= set(names or ())

    def mark(self, execution: Execution, name: str, once: bool, now_ns: int) -> None:
        """An execution has made a mark. With `once`, made again it is the same one."""
        if execution.counts is None:
            execution.counts, execution.times = {}, {}
            self.live[execution.ordinal] = execution
        assert execution.times is not None
        if once and name in execution.counts:
            return
        execution.counts[name] = execution.counts.get(name, 0) + 1
        execution.times.setdefault(name, now_ns)

    def closed(self, execution: Execution, now_ns: int) -> None:
        """The execution and all its jobs have ended: every property is decided."""
        self._judge(execution, now_ns, decided=True)
        self.live.pop(execution.ordinal, None)

    def finish(self, now_ns: int) -> None:
        """The run is over: what is still open is undecided, unless it is broken already."""
        for execution in self.live.values():
            self._judge(execution, now_ns, decided=False)

    def _judge(self, execution: Execution, now_ns: int, decided: bool) -> None:
        counts = execution.counts or {}
        times = execution.times or {}
        for name, monitor in self.monitors.items():
            tally = self.tally[name]
            broken, relevant, open_still = False, True, False
            if monitor.eventually is not None:
                assert monitor.when is not None
                relevant = monitor.when in counts
                if relevant:
                    begun = times[monitor.when]
                    limit = monitor.within_ns
                    done = [times[m] for m in monitor.eventually if m in counts and times[m] >= begun]
                    if done:
                        broken = limit is not None and min(done) - begun > limit
                    elif decided or (limit is not None and now_ns - begun > limit):
                        broken = True
                    else:
                        open_still = True
            elif monitor.never_both is not None:
                one, other = monitor.never_both
                relevant = one in counts or other in counts
                broken = one in counts and other in counts
            elif monitor.at_most_once is not None:
                relevant = monitor.at_most_once in counts
                broken = counts.get(monitor.at_most_once, 0) > 1
            else:
                moved = monitor.conserve or {}
                relevant = any(m in counts for m in moved)
                total = sum(amount * counts.get(m, 0) for m, amount in moved.items())
                if decided:
                    broken = total != 0
                else:
                    open_still = relevant
            if not relevant:
                continue
            tally.antecedents += 1
            if broken:
                tally.violated += 1
                if len(tally.examples) < KEPT:
                    tally.examples.append(execution.ordinal)
            elif open_still:
                tally.undecided += 1
            else:
                tally.checked += 1
