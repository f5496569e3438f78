"""What a run leaves behind: executions, spans, counts, episodes, samples. What places measure is in `meters`."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sim.engine.reference.faults import Episode
from sim.engine.reference.meters import Window
from sim.network import Network
from sim.results.columns import COMPENSATED, FAILED, OPEN, REJECTED, SUCCEEDED

if TYPE_CHECKING:
    from sim.engine.reference.jobs import Execution

REJECTIONS = frozenset({"rejected", "refused"})


class SpanMeter:
    """Durations between two marks that began in the window."""

    __slots__ = ("durations", "ended", "group", "metric", "start", "window")

    def __init__(self, metric: str, start: str, window: Window, group: str | None) -> None:
        self.metric = metric
        self.start = start
        self.window = window
        self.group = group
        self.durations: list[int] = []
        self.ended: list[int] = []

    def record(self, begun_ns: int, ended_ns: int) -> None:
        """A span has ended."""
        if self.window.begin_ns <= begun_ns < self.window.end_ns:
            self.durations.append(ended_ns - begun_ns)
            self.ended.append(ended_ns)


class Recorder:
    """Rows and counts of one run."""

    def __init__(self, network: Network, window: Window) -> None:
        self.window = window
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.outcomes: list[int] = []
        self.routine_ids: list[int] = []
        self.errors: dict[int, str] = {}
        self.splits: dict[int, dict[str, int]] = {}
        self.cohort: list[int] = []
        self.cohort_open = 0
        self.in_flight: dict[int, list[int]] = {}
        self.spans: list[SpanMeter] = []
        self.spans_ending: dict[str, list[SpanMeter]] = defaultdict(list)
        self.span_starts: set[str] = set()
        self.recoveries_ending: dict[str, list[SpanMeter]] = defaultdict(list)
        self.recovery_starts: set[str] = set()
        self.live: dict[int, Execution] = {}
        for name, span in network.spans.items():
            meter = SpanMeter(span.metric or f"span.{name}", span.start, window, span.after_crash)
            self.spans.append(meter)
            if span.after_crash is None:
                self.spans_ending[span.end].append(meter)
                self.span_starts.add(span.start)
            else:
                self.recoveries_ending[span.end].append(meter)
                self.recovery_starts.add(span.start)
        self.counts: dict[tuple[int, str], int] = defaultdict(int)
        self.attempts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        self.reactions: list[int] = []
        self.episodes: list[Episode] = []
        self.off_path_ns = 0
        self.activities = 0
        self.sample_ns: list[int] = []
        self.samples: dict[str, list[int]] = defaultdict(list)

    def opened(self, execution: Execution, counted: bool) -> None:
        """An execution has started; it belongs to the cohort when it did so in the window."""
        now = execution.start_ns
        self.starts.append(now)
        self.ends.append(-1)
        self.outcomes.append(OPEN)
        self.routine_ids.append(execution.routine)
        if counted and self.window.begin_ns <= now < self.window.end_ns:
            execution.row = execution.ordinal
            self.cohort.append(execution.ordinal)
            self.cohort_open += 1
        if self.recovery_starts:
            self.live[execution.ordinal] = execution
        level = self.in_flight.setdefault(execution.routine, [0, 0, 0, 0])
        _level_change(level, 1, now)

    def closed(self, execution: Execution, error: str | None, now: int, split: dict[str, int]) -> None:
        """An execution has ended."""
        ordinal = execution.ordinal
        self.ends[ordinal] = now
        self.live.pop(ordinal, None)
        if error is None:
            outcome = SUCCEEDED
        elif error == "compensated":
            outcome = COMPENSATED
        else:
            outcome = REJECTED if error in REJECTIONS else FAILED
            self.errors[ordinal] = error
        self.outcomes[ordinal] = outcome
        if execution.row >= 0:
            self.cohort_open -= 1
            self.splits[ordinal] = split
        _level_change(self.in_flight[execution.routine], -1, now)

    def crashed(self, group: str, node: int, running: set[int], affinities: set[str], now: int) -> None:
        """A node has crashed: remember the executions that it hits, for the spans that measure their recovery."""
        if not any(meter.group == group for meters in self.recoveries_ending.values() for meter in meters):
            return
        for ordinal, execution in self.live.items():
            remembered = execution.affinity is not None and any(
                execution.affinity.get(name) == node for name in affinities
            )
            if ordinal in running or remembered:
                execution.crashes = {**(execution.crashes or {}), group: now}

    def recovered(self, execution: Execution, mark: str, now: int) -> None:
        """A mark was made that ends the recovery of an execution, if it was hit."""
        for meter in self.recoveries_ending[mark]:
            crash = (execution.crashes or {}).pop(meter.group, None)
            if crash is not None:
                meter.record(max(crash, (execution.readied or {}).get(meter.start, 0)), now)

    def count(self, routine: int, operation: str, number: int) -> None:
        """Operations of an execution of the cohort."""
        self.counts[routine, operation] += number

    def attempted(self, execution: Execution, number: int) -> None:
        """An attempt is made; `number` counts from 1."""
        if execution.row >= 0:
            self.attempts[execution.routine][0 if number == 1 else 1] += 1


def _level_change(level: list[int], by: int, now: int) -> None:
    """level: current, area in ns, last change, maximum."""
    level[1] += level[0] * (now - level[2])
    level[2] = now
    level[0] += by
    level[3] = max(level[3], level[0])
