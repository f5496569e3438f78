"""The columns of one replication: executions, spans, places, counts, samples, episodes, monitors.

Every engine fills the same columns; the audit and the statistics read nothing else. Times are int64 ns.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from sim.errors import NotKept
from sim.results.histogram import Histogram

Ints = NDArray[np.int64]

SUCCEEDED: Final = 0
COMPENSATED: Final = 1
FAILED: Final = 2
REJECTED: Final = 3
OPEN: Final = 4
OUTCOMES: Final = ("succeeded", "compensated", "failed", "rejected", "open")


@dataclass(frozen=True, slots=True)
class Executions:
    """One row an execution, in the order of arrival; a child execution has a row of its own.

    start_ns, end_ns: -1 as end where it is still open. outcome: index in OUTCOMES. routine: index in
    `Replication.routines`. cohort: rows that started in the window and belong to a counted source, with their split
    of latency in `split` (one row each, ns by state, columns `states`; zero rows for the open ones).
    errors: name of the failure by row. parent: row of the execution that let this one in as its child, -1 of those
    that a source let in; None where there are no children at all.
    """

    start_ns: Ints
    end_ns: Ints
    outcome: NDArray[np.int8]
    routine: NDArray[np.int16]
    cohort: Ints
    states: tuple[str, ...]
    split: Ints
    errors: dict[int, str]
    parent: Ints | None = None

    def let_in(self, rows: Ints) -> NDArray[np.bool_]:
        """Which of these rows sources let in; the others are children of theirs."""
        if self.parent is None:
            return np.ones(len(rows), np.bool_)
        by_source: NDArray[np.bool_] = self.parent[rows] < 0
        return by_source

    @property
    def asked_for(self) -> int:
        """How many of all rows sources let in."""
        return len(self.start_ns) if self.parent is None else int((self.parent < 0).sum())

    @property
    def roots(self) -> Ints:
        """For each row the one that a source let in: the row itself, or that which its parents go back to."""
        root = np.arange(len(self.start_ns))
        if self.parent is None:
            return root
        above = np.where(self.parent < 0, root, self.parent)
        while (root != above).any():
            root, above = above, above[above]
        return root

    @property
    def family_end_ns(self) -> Ints:
        """For each row that a source let in, when it and all of its children had ended; -1 while any is open.

        Of children their own end.
        """
        if self.parent is None:
            return self.end_ns
        never = np.iinfo(np.int64).max
        last = np.where(self.end_ns < 0, never, self.end_ns)
        np.maximum.at(last, self.roots, last)
        return np.where(last == never, -1, last)


@dataclass(frozen=True, slots=True)
class PlaceUse:
    """What a resource or station measured.

    Areas are integrals over the window in unit-ns (Python integers, since they outgrow 64 bits); `all_*` are those
    of the whole run with the sums over visits that the audit holds them against. Waits are of visits that asked in
    the window. speed_area, excess_area: of shared cores, core-ns used and visit-ns beyond the cores; of stations that
    serve in batches, the time under way and 0; else None. units: of shared cores those of all nodes, or of as many as
    a controller had on, on average. batches: flushes or reads begun in the window, of those.
    """

    name: str
    kind: str
    units: float
    busy_area: int
    waiting_area: int
    units_area: int
    requested: int
    served: int
    abandoned: int
    rejected: int
    refused: int
    waited: int
    max_waiting: int
    waits: Histogram
    wait_sum_ns: int
    wait_count: int
    speed_area: float | None
    excess_area: float | None
    all_busy_area: int
    all_waiting_area: int
    all_held_sum: int
    all_wait_sum: int
    all_served: int
    all_requested: int
    all_gone: int
    peak_excess: bool
    still_waiting: int
    still_busy: int
    batches: int | None = None


@dataclass(frozen=True, slots=True)
class SpanUse:
    """Durations between two marks: `metric` is a name such as `span.platform`; rows in the order of their ends.

    after_crash: whether it counts only executions that a crash has hit, from the crash or the later start.
    """

    metric: str
    histogram: Histogram
    sum_ns: int
    count: int
    ended_ns: Ints
    durations_ns: Ints
    after_crash: bool = False


@dataclass(slots=True)
class MonitorCount:
    """How often a property was put to the test, and what came of it; `examples` are ordinals of violators."""

    name: str
    antecedents: int = 0
    checked: int = 0
    undecided: int = 0
    violated: int = 0
    examples: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FaultEpisode:
    """One time that a fault was there; end -1: not over at the end of the run. hit: jobs interrupted.

    down_ns: the start, or with a notice the crash at its end; -1: not yet.
    """

    fault: str
    start_ns: int
    end_ns: int
    nodes: tuple[tuple[str, int], ...]
    hit: int
    down_ns: int = -1


@dataclass(frozen=True, slots=True)
class Episodes:
    """Every time that a fault was there, in the order of the starts: read as a sequence of `FaultEpisode`.

    Kept as columns, since machines by the thousand fail many times. fault: index in `faults`. nodes: (index in
    `groups`, node); those of row i are nodes[first_node[i] : first_node[i + 1]].
    """

    faults: tuple[str, ...]
    groups: tuple[str, ...]
    fault: Ints
    start_ns: Ints
    end_ns: Ints
    hit: Ints
    first_node: Ints
    nodes: Ints
    down_ns: Ints

    @classmethod
    def of(cls, faults: Iterable[str], groups: Iterable[str], episodes: Iterable[FaultEpisode]) -> Episodes:
        """Columns of episodes in order. faults, groups: the names of all that there are."""
        faults, groups, rows = tuple(faults), tuple(groups), list(episodes)
        fault, start, end, hit, number, down = (
            np.array(
                [
                    (faults.index(row.fault), row.start_ns, row.end_ns, row.hit, len(row.nodes), row.down_ns)
                    for row in rows
                ],
                np.int64,
            )
            .reshape(-1, 6)
            .T.copy()
        )
        nodes = [(groups.index(group), node) for row in rows for group, node in row.nodes]
        first = np.concatenate(([0], np.cumsum(number)))
        return cls(faults, groups, fault, start, end, hit, first, np.array(nodes, np.int64).reshape(-1, 2), down)

    def __len__(self) -> int:
        return len(self.fault)

    def __getitem__(self, index: int) -> FaultEpisode:
        nodes = self.nodes[self.first_node[index] : self.first_node[index + 1]].tolist()
        return FaultEpisode(
            self.faults[self.fault[index]],
            int(self.start_ns[index]),
            int(self.end_ns[index]),
            tuple((self.groups[group], node) for group, node in nodes),
            int(self.hit[index]),
            int(self.down_ns[index]),
        )

    def __iter__(self) -> Iterator[FaultEpisode]:
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True, slots=True)
class InFlight:
    """Executions of a routine at work: integral over the window in execution-ns, and the maximum in it."""

    area: int
    maximum: int


@dataclass(frozen=True, slots=True)
class NodesOn:
    """Nodes that a controller keeps, from switching one on until it is off: integral over the window in node-ns, the
    most at once in it, and how many were switched on in it. of: places whose use or line it looks at."""

    area: int
    maximum: int
    starts: int
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BreakerUse:
    """How often a circuit breaker was asked, turned a try away, and opened, in the window. nodes: how many there are,
    one a node; the samples `breaker.NAME` add up their states: 0 closed, 1 half-open, 2 open."""

    nodes: int
    requested: int
    turned_away: int
    opened: int


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """Further tries that were wanted of a retry budget, and those that it had no token for, in the window. The samples
    `budget.NAME` are the whole tokens in it; with one a node, in all of them together."""

    wanted: int
    withheld: int


@dataclass(frozen=True, slots=True)
class Waiter:
    """An execution that holds units of some places, outermost first, while it waits for those of another."""

    execution: int
    holds: tuple[str, ...]
    waits_for: str

    def __str__(self) -> str:
        return f"execution {self.execution} holds {', '.join(self.holds) or 'nothing'} and waits for {self.waits_for}"


@dataclass(frozen=True, slots=True)
class Deadlock:
    """Jobs that wait for each other for ever.

    since_ns: when the first of them could no longer go on. jobs: how many are stuck at the end of the run. cycle: one
    cycle among those stuck first, from the oldest on; each waits for what the next one holds.
    """

    since_ns: int
    jobs: int
    cycle: tuple[Waiter, ...]

    def __str__(self) -> str:
        return f"deadlock: {self.jobs} jobs wait for each other: {'; '.join(map(str, self.cycle))}"


Answer = TypeVar("Answer")
Told = TypeVar("Told", covariant=True)


class Question(Hashable, Protocol[Told]):
    """Something small that the rows of a run tell, and that is remembered when they are gone: equal ones have one
    answer."""

    def of(self, run: Replication, /) -> Told:
        """The answer, from the rows."""


class Dropped:
    """Stands where a replication was reduced without its rows. Raises NotKept when it is read."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._read()

    def _read(self, *_: object, **__: object) -> Any:
        raise NotKept("its rows")

    __array__ = __len__ = __iter__ = __getitem__ = __sub__ = __rsub__ = _read
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = _read
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True)
class Replication:
    """Everything that one run leaves behind.

    followed_ns: until then sources ran. end_ns: when the run ended. counts: operations of the cohort by (routine,
    operation). attempts: (first attempts, further attempts) of the cohort by routine. sample_ns, samples: instants
    and values of the timeline. reactions_ns: when timers, retries and sagas reacted. events: timed events handled.
    findings: broken laws; empty after a sound run. nodes_on: by controller; breakers, budgets: by name. deadlock: jobs
    that wait for each other for ever, which is the scenario's doing and breaks no law. answers: to what it was asked.
    """

    index: int
    engine: str
    routines: tuple[str, ...]
    begin_ns: int
    horizon_ns: int
    followed_ns: int
    end_ns: int
    executions: Executions
    places: dict[str, PlaceUse]
    spans: dict[str, SpanUse]
    in_flight: dict[str, InFlight]
    counts: dict[tuple[str, str], int]
    attempts: dict[str, tuple[int, int]]
    off_path_ns: int
    caches: dict[str, tuple[int, int]]
    sample_ns: Ints
    samples: dict[str, Ints]
    reactions_ns: Ints
    episodes: Episodes
    monitors: tuple[MonitorCount, ...]
    events: int
    findings: tuple[str, ...]
    nodes_on: dict[str, NodesOn] = field(default_factory=dict)
    breakers: dict[str, BreakerUse] = field(default_factory=dict)
    budgets: dict[str, BudgetUse] = field(default_factory=dict)
    deadlock: Deadlock | None = None
    answers: dict[Question[Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def ask(self, question: Question[Answer]) -> Answer:
        """The answer, worked out once. Raises NotKept where the rows are gone and nobody asked before they went."""
        if question not in self.answers:
            if isinstance(self.executions, Dropped):
                raise NotKept(f"the answer to {question}")
            self.answers[question] = question.of(self)
        answer: Answer = self.answers[question]
        return answer

    def reduced(self, questions: Iterable[Question[Any]]) -> Replication:
        """The run without what grows with its executions (rows, spans one by one, reactions), with these answers."""
        answers = {question: self.ask(question) for question in questions}
        gone = Dropped()
        spans = {
            name: replace(span, ended_ns=cast(Ints, gone), durations_ns=cast(Ints, gone))
            for name, span in self.spans.items()
        }
        left = replace(self, executions=cast(Executions, gone), spans=spans, reactions_ns=cast(Ints, gone))
        left.answers.update(answers)
        return left

    @property
    def window_ns(self) -> int:
        """How long the window is."""
        return self.horizon_ns - self.begin_ns

    def in_window(self, at_ns: Ints) -> NDArray[np.bool_]:
        """Which of these instants lie in the window."""
        return (at_ns >= self.begin_ns) & (at_ns < self.horizon_ns)

    def cohort_of(self, routine: str) -> Ints:
        """The rows of the cohort that ran a routine."""
        rows = self.executions
        mine: NDArray[np.bool_] = rows.routine[rows.cohort] == self.routines.index(routine)
        return rows.cohort[mine]

    @property
    def from_sources(self) -> Ints:
        """The rows of the cohort that sources let in: what users asked for. The others are children of theirs."""
        cohort = self.executions.cohort
        return cohort[self.executions.let_in(cohort)]

    def ended(self, *outcomes: int) -> int:
        """How many of the cohort's rows that sources let in had one of these outcomes."""
        return int(np.isin(self.executions.outcome[self.from_sources], outcomes).sum())

    def at_work(self) -> Ints:
        """At each sample the executions of all routines that sources had let in and that had not ended, or a child of
        which had not; zeros without samples of them."""
        series = [values for name, values in self.samples.items() if name.startswith("in_flight.")]
        if self.executions.parent is None:
            return np.sum(series, axis=0) if series else np.zeros(len(self.sample_ns), np.int64)
        every = np.arange(len(self.executions.start_ns))
        return self.open_at(every[self.executions.let_in(every)], self.sample_ns)

    def open_at(self, rows: Ints, at_ns: Ints) -> Ints:
        """How many of these rows, which sources let in, have begun by each instant and are not over, children
        included."""
        ends = self.executions.family_end_ns[rows]
        begun = np.searchsorted(np.sort(self.executions.start_ns[rows]), at_ns, side="right")
        return begun - np.searchsorted(np.sort(ends[ends >= 0]), at_ns, side="right")

    def operations(self, operation: str) -> float:
        """How many operations of this name the cohort made, all routines and children together."""
        return float(sum(number for (_, name), number in self.counts.items() if name == operation))
