"""Recorder of a run: executions, spans, counts, episodes, samples."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.engine.reference.faults import Episode
from sim.engine.reference.meters import Window
from sim.network import Network
from sim.network.facts import run_by_executions
from sim.network.kinds import children_of
from sim.results.columns import COMPENSATED, FAILED, OPEN, REJECTED, SUCCEEDED

if TYPE_CHECKING:  # what it is told of, and does not make
    from sim.engine.reference.jobs import Execution

REJECTIONS = frozenset({"rejected", "refused"})


@dataclass(slots=True, eq=False)
class SpanMeter:
    """Durations between two marks that began in the window."""

    metric: str
    start: str
    window: Window
    group: str | None
    durations: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)

    def record(self, begun_ns: int, ended_ns: int) -> None:
        """A span has ended."""
        if self.window.holds(begun_ns):
            self.durations.append(ended_ns - begun_ns)
            self.ended.append(ended_ns)


class Level:
    """How many executions of a routine are at work: its integral and its maximum over the window."""

    __slots__ = ("area", "areas", "current", "last_ns", "maximum", "window_maximum")

    def __init__(self) -> None:
        self.current = self.area = self.last_ns = self.maximum = self.window_maximum = 0
        self.areas: list[int] = []

    def change(self, by: int, now: int) -> None:
        """So many more are at work from now on."""
        self.area += self.current * (now - self.last_ns)
        self.last_ns = now
        self.current += by
        self.maximum = max(self.maximum, self.current)

    def mark(self, now: int) -> None:
        """The window begins, or ends."""
        self.change(0, now)
        self.areas.append(self.area)
        self.window_maximum, self.maximum = self.maximum, self.current


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
        run = run_by_executions(network)
        self.in_flight = {index: Level() for index, name in enumerate(network.routines) if name in run}
        self.parents: list[int] | None = [] if children_of(network.routines) else None
        self.spans: list[SpanMeter] = []
        self.spans_ending: dict[str, list[SpanMeter]] = defaultdict(list)
        self.spans_starting: dict[str, list[SpanMeter]] = defaultdict(list)
        self.recoveries_ending: dict[str, list[SpanMeter]] = defaultdict(list)
        self.recovery_starts: set[str] = set()
        self.live: dict[int, Execution] = {}
        for name, span in network.spans.items():
            meter = SpanMeter(span.metric or f"span.{name}", span.start, window, span.after_crash)
            self.spans.append(meter)
            if span.after_crash is None:
                self.spans_ending[span.end].append(meter)
                self.spans_starting[span.start].append(meter)
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

    def opened(self, execution: Execution) -> None:
        """An execution has started; it belongs to the cohort when it did so in the window."""
        now = execution.start_ns
        self.starts.append(now)
        self.ends.append(-1)
        self.outcomes.append(OPEN)
        self.routine_ids.append(execution.routine)
        if self.parents is not None:
            child = execution.as_child
            self.parents.append(-1 if child is None else child.parent.ordinal)
        if execution.counted and self.window.holds(now):
            execution.row = execution.ordinal
            self.cohort.append(execution.ordinal)
            self.cohort_open += 1
        if self.recovery_starts:
            self.live[execution.ordinal] = execution
        self.in_flight[execution.routine].change(1, now)

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
        self.in_flight[execution.routine].change(-1, now)

    def crashed(self, group: str, node: int, running: set[int], affinities: set[str], now: int) -> None:
        """A node has crashed: remember the executions that it hits, for the spans that measure their recovery."""
        hurt = [meter for meter in self.spans if meter.group == group]
        if not hurt:
            return
        for ordinal, execution in self.live.items():
            remembered = execution.affinity is not None and any(
                execution.affinity.get(name) == node for name in affinities
            )
            if ordinal in running or remembered:
                for meter in hurt:
                    hit = (now, ordinal in running)
                    execution.crashes = {meter.metric: hit, **(execution.crashes or {})}

    def recovered(self, execution: Execution, mark: str, now: int) -> None:
        """A mark was made that ends the recovery of an execution, if it was hit."""
        for meter in self.recoveries_ending[mark]:
            hit = (execution.crashes or {}).pop(meter.metric, None)
            if hit is not None:
                crash, ran_there = hit
                ready = 0 if ran_there else (execution.readied or {}).get(meter.start, 0)
                meter.record(max(crash, ready), now)

    def attempted(self, execution: Execution, number: int) -> None:
        """A counted attempt is made; `number` counts from 1."""
        if execution.row >= 0:
            self.attempts[execution.routine][0 if number == 1 else 1] += 1
