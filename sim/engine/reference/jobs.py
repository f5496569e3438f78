"""Executions, and the jobs that carry them out.

An execution is what a source lets in. A job is one thread of control of it: its main line, a child of a fork or a
race, or the body of an attempt that may be abandoned.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.engine.reference.clock import Clock, Event, Process

if TYPE_CHECKING:  # what it is told of, and does not make
    from sim.engine.reference.attempts import RunningAttempt
    from sim.engine.reference.children import ChildExecution, Telling
    from sim.engine.reference.control import ForkGroup
    from sim.engine.reference.pools import Grant

COMPENSATED = "compensated"
CANCELLED = "cancelled"
CANCEL_REQUESTED = "cancel_requested"
TERMINATED = "terminated"


class Failed(Exception):
    """A job's step failed: `error` names how; `depth` is the number of the grant that a crash took away."""

    def __init__(self, error: str, depth: int | None = None) -> None:
        super().__init__(error, depth)
        self.error = error
        self.depth = depth


class Cancelled(Exception):
    """The job is no longer wanted: its race is decided, its join has fired with `cancel`, its parent is gone."""


@dataclass(slots=True, eq=False)
class Execution:
    """What a source or a `child` step let in: identity, attributes, marks, and what became of it.

    main: its main line, None once that has ended. as_child: how it hangs together with its parent. open_children:
    those that it has let in, which their end or its own takes out. followed: one that it is a child of, however far
    up, is of the cohort.
    """

    ordinal: int
    routine: int
    path: int
    start_ns: int
    priority: int
    counted: bool
    main: Job | None = None
    as_child: ChildExecution | None = None
    open_children: dict[ChildExecution, None] = field(default_factory=dict)
    followed: bool = False
    children: int = 0
    open_jobs: int = 1
    attributes: dict[str, int] = field(default_factory=dict)
    affinity: dict[str, int] | None = None
    keys: dict[int, int] = field(default_factory=dict)
    dropped: bool = False
    crashes: dict[str, tuple[int, bool]] | None = None
    readied: dict[str, int] | None = None
    counts: dict[str, int] | None = None
    requested: dict[str, int] = field(init=False)  # both are there from the first watched mark on: see `monitors`
    late: set[str] = field(init=False)
    client_done: Event | None = None
    log: list[tuple[int, str]] | None = None
    row: int = -1


class Job:
    """One thread of control of an execution."""

    __slots__ = (
        "attempt",
        "awaits",
        "execution",
        "held",
        "kept",
        "open_spans",
        "order",
        "parent",
        "path",
        "priority",
        "process",
        "saga",
        "since",
        "split",
        "start_ns",
        "taken",
        "within",
    )

    def __init__(self, execution: Execution, order: int, path: int, now_ns: int, parent: Job | None = None) -> None:
        self.execution = execution
        self.order = order
        self.path = path
        self.priority = execution.priority
        self.start_ns = now_ns
        self.since = now_ns
        self.split: dict[str, int] = {}
        self.held: list[Grant] = []
        self.taken = 0  # grants so far: the next one's number
        self.kept: Grant | None = None
        self.parent = parent
        self.saga: list[list[Any]] | None = parent.saga if parent is not None else None
        self.open_spans: dict[str, int] = dict(parent.open_spans) if parent is not None else {}
        self.attempt: RunningAttempt | None = (
            parent.attempt if parent is not None else None
        )  # the innermost one around
        self.within: ForkGroup | RunningAttempt | ChildExecution | Telling | None = None  # what it is a child of
        self.awaits: ForkGroup | RunningAttempt | ChildExecution | Telling | None = None  # whose end it waits for
        self.process: Process | None = None

    def spend(self, state: str, now_ns: int) -> None:
        """Book the time since the last booking to `state`."""
        passed = now_ns - self.since
        if passed:
            split = self.split
            split[state] = split.get(state, 0) + passed
            self.since = now_ns

    def sleep(self, clock: Clock, end_ns: int, key: int, state: str) -> Any:
        """Wait until `end_ns`, in an order of events that `key` begins, and book the time: a generator."""
        timer = clock.timer(end_ns, key | self.order)
        try:
            yield timer
        except BaseException:
            timer.cancel()
            raise
        finally:
            self.spend(state, clock._now)

    def lose(self, before: dict[str, int], now_ns: int) -> None:
        """Book everything since the snapshot `before` of the split to lost work."""
        self.spend("lost", now_ns)
        total = sum(self.split.values()) - sum(before.values())
        self.split = dict(before)
        if total:
            self.split["lost"] = self.split.get("lost", 0) + total

    def take_over(self, child: Job, now_ns: int) -> None:
        """Go on where a child leaves off: its time is now one's own, and so are the spans that it has begun."""
        for state, spent in child.split.items():
            self.split[state] = self.split.get(state, 0) + spent
        self.since = now_ns
        self.open_spans = dict(child.open_spans)

    def holding(self, resource: str) -> Grant | None:
        """The grant of `resource` acquired last by this job or by those that it is a part of."""
        job: Job | None = self
        while job is not None:
            for grant in reversed(job.held):
                if grant.pool.name == resource:
                    return grant
            job = job.parent
        return None

    def node_of(self, resource: str) -> int:
        """The node of the unit of `resource` held last. Raises Failed("not_held") when none is held (any more)."""
        grant = self.holding(resource)
        if grant is None or grant.node < 0:
            raise Failed("not_held")
        return grant.node

    def paused_at(self) -> Grant | None:
        """A unit that this job, or one that it is a part of, holds on a paused node; None where there is none."""
        job: Job | None = self
        while job is not None:
            for grant in job.held:
                if grant.node >= 0 and grant.pool.group.speed(grant.node) == 0:
                    return grant
            job = job.parent
        return None

    def give_back(self, base: int) -> None:
        """Give back, last first, the grants numbered `base` and above."""
        held = self.held
        self.kept = None
        while held and held[-1].depth >= base:
            held.pop().free()

    def tell(self, now_ns: int, what: str) -> None:
        """Write into the execution's log, where one is kept."""
        if self.execution.log is not None:
            self.execution.log.append((now_ns, what))
