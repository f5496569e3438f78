"""The families of metrics: every name that a figure can have, with its unit, what it means, and over what it is taken.

The one list of them: objectives are checked against it, `sim schema metrics` prints it. `stats` computes the figures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from sim.lower.lowered import Lowered
from sim.network.facts import counted_routines
from sim.network.kinds import walk
from sim.network.routines import CountStep
from sim.stats.metrics import LATENCY_PERCENTILES, WAIT_PERCENTILES

LEVELS = ("mean", *LATENCY_PERCENTILES)
WAIT_LEVELS = ("mean", *WAIT_PERCENTILES)
PHASES = ("detect", "restore", "drain", "latency_ok")
PHASE_LEVELS = ("mean", "p50", "p95")
NUMBER_LEVELS = ("mean", "max")

STARTED = "executions that started in the window"
SUCCEEDED = f"{STARTED} and succeeded"
WINDOW = "the window"
VISITS = "visits that begin in the window"
EPISODES = "drills of this fault"
PLANNED = "none: it follows from the scenario alone"


@dataclass(frozen=True)
class MetricFamily:
    """Metrics that mean the same of different things.

    pattern: the name, with words in capitals for what varies, such as `latency.WORKFLOW.LEVEL`. unit: "" for a plain
    number. cohort: what the figure is taken over. subjects: of a lowered scenario, what the first of those words may
    be. levels: what LEVEL may be. is_share: whether it never exceeds 1.
    """

    pattern: str
    unit: str
    meaning: str
    cohort: str
    subjects: Callable[[Lowered], Iterable[str]]
    levels: tuple[str, ...] = ()
    is_share: bool = False

    def names(self, lowered: Lowered) -> Iterator[str]:
        """Every name of a metric of this family that a run of the scenario can have."""
        for subject in self.subjects(lowered):
            name = self.pattern
            for part in subject.split("."):
                name = _FREE.sub(part, name, count=1)
            if self.levels:
                yield from (name.replace("LEVEL", level) for level in self.levels)
            else:
                yield name

    @cached_property
    def _form(self) -> re.Pattern[str]:
        free = {"LEVEL": f"(?:{'|'.join(self.levels)})", "TIME": ".+"}
        escaped = re.escape(self.pattern).replace("\\ ", " ")
        return re.compile(re.sub(r"\b[A-Z]{2,}\b", lambda found: free.get(found[0], _NAME), escaped))

    def has(self, name: str) -> bool:
        """Whether a metric of this name belongs to the family."""
        return self._form.fullmatch(name) is not None


_FREE = re.compile(r"\b(?!LEVEL\b)[A-Z]{2,}\b")
_NAME = r"[A-Za-z0-9_\-]+"


def service_levels(lowered: Lowered) -> tuple[str, ...]:
    """Every indicator that an error budget of this scenario can be about: of workflows that a source starts, or that
    are started as children."""
    routines = tuple(_workflows(lowered))
    timed = {span.metric for span in lowered.network.spans.values()}
    starts = [f"start.{routine}" for routine in routines if f"start.{routine}" in timed]
    return (*starts, *(f"{kind}.{routine}" for kind in ("outcome", "latency") for routine in routines))


def families_of(name: str) -> list[MetricFamily]:
    """The families that a metric of this name belongs to: one, where it is a metric of a run."""
    found = [one for one in (*FAMILIES, *INDICATORS) if one.has(name)]
    return found or [one for one in (OWN_SPAN,) if one.has(name)]


# -- what the words in capitals may be ----------------------------------------------------------------------------


def _workflows(lowered: Lowered) -> Iterable[str]:
    return counted_routines(lowered.network)


def _places(lowered: Lowered) -> Iterable[str]:
    return (*lowered.network.resources, *lowered.network.stations)


def _under(head: str, names: Callable[[Lowered], Iterable[str]]) -> Callable[[Lowered], Iterable[str]]:
    """What comes after the head in the names that bear it."""
    start = f"{head}."
    return lambda lowered: [name.removeprefix(start) for name in names(lowered) if name.startswith(start)]


def _spans(lowered: Lowered) -> Iterable[str]:
    return {span.metric or f"span.{name}": None for name, span in lowered.network.spans.items()}


def _latencies(lowered: Lowered) -> Iterable[str]:
    """Workflows, those inside the loop of a schedule included: of these the executions are a span."""
    return dict.fromkeys([*_workflows(lowered), *_under("latency", _spans)(lowered)])


def _own_spans(lowered: Lowered) -> Iterator[str]:
    """Metrics of spans that a network gives names of its own."""
    for span in lowered.network.spans.values():
        if span.metric is not None and not any(one.has(f"{span.metric}.mean") for one in FAMILIES):
            yield span.metric


def _computed(head: str, parts: int = 1, end: str = "") -> Callable[[Lowered], Iterable[str]]:
    """The so many parts of a name between the head and the end of computed figures."""

    def subjects(lowered: Lowered) -> Iterator[str]:
        for name in lowered.computed:
            subject = name.removeprefix(f"{head}.").removesuffix(end)
            if name == f"{head}.{subject}{end}" and subject.count(".") == parts - 1:
                yield subject

    return subjects


def _drills(lowered: Lowered) -> Iterator[str]:
    for name, fault in lowered.network.faults.items():
        if fault.is_drill and fault.at_ns is not None and name not in lowered.companion_of:
            yield name


def _losing(number: str) -> Callable[[Lowered], Iterable[str]]:
    def subjects(lowered: Lowered) -> Iterable[str]:
        return _drills(lowered) if number in {**lowered.in_drills, **lowered.ages_in_drills} else ()

    return subjects


def _operations(lowered: Lowered) -> Iterable[str]:
    found: dict[str, None] = {"flush": None} if lowered.flushes else {}
    for routine, steps in lowered.network.routines.items():
        for placed in walk(routine, steps):
            if isinstance(placed.step, CountStep):
                found |= dict.fromkeys(placed.step.count)
    return found


def _scaled(lowered: Lowered) -> Iterable[str]:
    return {place: None for controller in lowered.network.controllers.values() for place in controller.of}


def _billed(lowered: Lowered) -> Iterable[str]:
    return ("",) if lowered.machines or lowered.volumes else ()


def _span(head: str, what: str, meaning: str, cohort: str = "those that ended in the window") -> MetricFamily:
    return MetricFamily(f"{head}.{what}.LEVEL", "s", meaning, cohort, _under(head, _spans), LEVELS)


def _figure(name: str, unit: str, meaning: str) -> MetricFamily:
    """A computed figure that there is one of."""
    return MetricFamily(name, unit, meaning, PLANNED, lambda lowered: ("",) if name in lowered.computed else ())


FAMILIES: tuple[MetricFamily, ...] = (
    MetricFamily("latency.WORKFLOW.LEVEL", "s", "from start to success", SUCCEEDED, _latencies, LEVELS),
    MetricFamily(
        "latency_compensated.WORKFLOW.LEVEL",
        "s",
        "from start until all was undone",
        f"{STARTED} and were compensated",
        _workflows,
        LEVELS,
    ),
    MetricFamily(
        "latency_failed.WORKFLOW.LEVEL",
        "s",
        "from start to failure or rejection",
        f"{STARTED} and failed or were rejected",
        _workflows,
        LEVELS,
    ),
    MetricFamily(
        "offered.WORKFLOW", "1/s", "executions requested, a second, those turned away too", STARTED, _workflows
    ),
    MetricFamily(
        "accepted.WORKFLOW", "1/s", "executions requested and not turned away, a second", STARTED, _workflows
    ),
    MetricFamily(
        "completed.WORKFLOW", "1/s", "accepted executions that ended in any way, a second", STARTED, _workflows
    ),
    MetricFamily("succeeded.WORKFLOW", "1/s", "executions that ended correctly, a second", STARTED, _workflows),
    MetricFamily(
        "goodput.WORKFLOW", "1/s", "executions that ended correctly and in time, a second", STARTED, _workflows
    ),
    MetricFamily("throughput.WORKFLOW", "1/s", "successes a second", "those that ended in the window", _workflows),
    MetricFamily(
        "availability.WORKFLOW",
        "ratio",
        "share that ended correctly and in time",
        STARTED,
        _workflows,
        is_share=True,
    ),
    MetricFamily("retry_amplification.WORKFLOW", "ratio", "attempts for each first attempt", STARTED, _workflows),
    MetricFamily("in_flight.WORKFLOW.LEVEL", "", "executions under way", WINDOW, _workflows, NUMBER_LEVELS),
    MetricFamily("utilisation.PLACE", "ratio", "share of units or cores in use", WINDOW, _places, is_share=True),
    MetricFamily("room.PLACE", "x", "how many times the load it takes before it is full", WINDOW, _places),
    MetricFamily("wait_probability.PLACE", "ratio", "share that had to wait", VISITS, _places, is_share=True),
    MetricFamily("rejected.PLACE", "ratio", "share turned away because it was full", VISITS, _places, is_share=True),
    MetricFamily("refused.PLACE", "ratio", "share turned away because it was down", VISITS, _places, is_share=True),
    MetricFamily("abandoned.PLACE", "ratio", "share that gave up waiting", VISITS, _places, is_share=True),
    MetricFamily("queue.PLACE.LEVEL", "", "how many wait", WINDOW, _places, NUMBER_LEVELS),
    MetricFamily("wait.PLACE.LEVEL", "s", "time from asking to being served", VISITS, _places, WAIT_LEVELS),
    _span("schedule_to_start", "QUEUE", "an activity task's wait from its schedule to its start on a worker"),
    _span("workflow_task_schedule_to_start", "QUEUE", "a workflow task's wait from its schedule to its start"),
    _span("schedule_to_end", "QUEUE", "an activity from its schedule to the end of its last attempt"),
    _span("last_attempt", "QUEUE", "the last attempt of an activity"),
    _span("start_to_return", "QUEUE", "code of a workflow, from its start on an executor to its return"),
    _span("enqueue_to_return", "QUEUE", "a workflow from its row in the queue to the return of its code"),
    _span("retried", "QUEUE", "from the schedule of an activity to its next attempt"),
    _span("sticky_timeout", "QUEUE", "a workflow task's wait for a worker that is gone, until any may take it"),
    _span("start", "WORKFLOW", "the call that starts an execution, until it is answered"),
    _span("child_latency", "WORKFLOW", "a child workflow from its start to its end"),
    _span(
        "worker_recovery",
        "QUEUE",
        "from the crash of a worker until the work that it had runs elsewhere",
        "executions that a crash hit, in drills where there are any",
    ),
    _span("replication_lag", "STORE", "from the acknowledgement of a commit until the copy has it"),
    _span(
        "unreplicated_age", "REGION", "how old a transaction was that a lost region took with it", "lost transactions"
    ),
    _span("anomaly_window", "RECORD", "how long another master does not see a write"),
    _span("span", "NAME", "time between two marks"),
    *(
        MetricFamily(
            f"recovery.FAULT.{phase}.LEVEL",
            "s",
            meaning,
            EPISODES,
            _drills,
            PHASE_LEVELS,
        )
        for phase, meaning in zip(
            PHASES,
            (
                "from the fault until the first replacement begins",
                "from the fault until throughput is back",
                "from the fault until the backlog is gone",
                "from the fault until latency is within its limit again",
            ),
            strict=True,
        )
    ),
    MetricFamily("recovery.FAULT.lost", "", "executions that an episode takes for good", EPISODES, _drills),
    MetricFamily("recovery.FAULT.redone", "", "attempts that an episode makes needless", EPISODES, _drills),
    MetricFamily("recovery.FAULT.amplification", "ratio", "attempts in an episode, against none", EPISODES, _drills),
    MetricFamily(
        "recovery.FAULT.never_back", "ratio", "share of episodes that do not end", EPISODES, _drills, is_share=True
    ),
    MetricFamily("recovery.FAULT.rpo", "s", "how old the oldest write was that was lost", EPISODES, _losing("rpo")),
    MetricFamily(
        "recovery.FAULT.lost_writes", "", "acknowledged writes that were lost", EPISODES, _losing("lost_writes")
    ),
    MetricFamily("recovery.FAULT.unreplicated", "", "events of those writes", EPISODES, _losing("unreplicated")),
    MetricFamily(
        "count.OPERATION.per_execution", "", "operations of this kind for each execution", STARTED, _operations
    ),
    MetricFamily("in_use.PLACE.max", "", "most units in use at once", "samples of the window", _scaled),
    MetricFamily(
        "nodes.CONTROLLER.LEVEL", "", "nodes that it keeps", WINDOW, attrgetter("network.controllers"), NUMBER_LEVELS
    ),
    MetricFamily("node_starts.CONTROLLER", "1/s", "nodes that it starts", WINDOW, attrgetter("network.controllers")),
    MetricFamily(
        "saving.CONTROLLER",
        "ratio",
        "share of node-hours saved against the peak of the window all the time",
        WINDOW,
        attrgetter("network.controllers"),
        is_share=True,
    ),
    MetricFamily(
        "turned_away.BREAKER",
        "ratio",
        "share of attempts that it turned away",
        "attempts of the window",
        attrgetter("network.breakers"),
        is_share=True,
    ),
    MetricFamily("openings.BREAKER", "1/s", "how often it opens", WINDOW, attrgetter("network.breakers")),
    MetricFamily(
        "withheld.BUDGET",
        "ratio",
        "share of further attempts that it had no token for",
        "further attempts of the window",
        attrgetter("network.budgets"),
        is_share=True,
    ),
    MetricFamily(
        "hit_rate.CACHE",
        "ratio",
        "share of looks that found what they looked for",
        "looks of the window",
        attrgetter("network.caches"),
        is_share=True,
    ),
    MetricFamily(
        "sync_match_rate.QUEUE",
        "ratio",
        "share of tasks that found a poller waiting",
        "tasks of " + STARTED,
        lambda lowered: lowered.task_queues,
        is_share=True,
    ),
    MetricFamily(
        "memory_gib_hours.QUEUE.per_execution",
        "",
        "memory held by activities, times its time",
        STARTED,
        lambda lowered: lowered.memories,
    ),
    MetricFamily(
        "local_share.QUEUE",
        "ratio",
        "share of activities that ran beside their data",
        "activities of " + STARTED,
        _under("local_share", attrgetter("shares")),
        is_share=True,
    ),
    MetricFamily(
        "conflict_share.RECORD",
        "ratio",
        "share of writes that had not seen another master's",
        "writes of " + STARTED,
        _under("conflict_share", attrgetter("shares")),
        is_share=True,
    ),
    MetricFamily(
        "lost_share.RECORD",
        "ratio",
        "share of acknowledged writes that a later time stamp overwrote",
        "writes of " + STARTED,
        _under("lost_share", attrgetter("shares")),
        is_share=True,
    ),
    MetricFamily(
        "unordered_share.RECORD",
        "ratio",
        "share of writes that no clock can put in order",
        "writes of " + STARTED,
        _under("unordered_share", attrgetter("shares")),
        is_share=True,
    ),
    MetricFamily("cost.total", "USD/month", "what all machines, volumes and meters cost", WINDOW, _billed),
    MetricFamily("storage.STORE", "GiB", "size in the steady state", PLANNED, _computed("storage")),
    MetricFamily("storage.STORE.PART", "GiB", "of that the rows, or one index", PLANNED, _computed("storage", 2)),
    MetricFamily("growth.STORE", "GiB/day", "how fast it grows", PLANNED, _computed("growth")),
    MetricFamily("disk_use.STORE", "ratio", "its size over that of its volume", PLANNED, _computed("disk_use")),
    MetricFamily("pages.QUERY", "", "pages that its plan touches", PLANNED, _computed("pages")),
    MetricFamily(
        "unloaded.QUERY.mean", "s", "mean time with nothing in its way", PLANNED, _computed("unloaded", end=".mean")
    ),
    _figure("kubernetes.requested", "ratio", "cores that pods ask for, of those that they can have"),
    _figure("kubernetes.nodes_needed", "", "nodes that hold all pods"),
    _figure("kubernetes.nodes_to_lose_a_zone", "", "nodes that hold all pods while a zone is lost"),
)
"""In the order in which they are listed."""


def _indicator(kind: str, meaning: str, within: str = "") -> MetricFamily:
    return MetricFamily(
        f"{kind}.WORKFLOW{within}", "ratio", meaning, STARTED, _under(kind, service_levels), is_share=True
    )


_MEANINGS = {
    "start": "share whose start was answered in time",
    "outcome": "share that ended correctly, released or compensated, in time",
    "latency": "share that did not succeed later than that",
}
INDICATORS_BY_NAME = tuple(_indicator(*one) for one in _MEANINGS.items())
"""Service levels: what `sli` of an objective may be."""
INDICATORS = (*INDICATORS_BY_NAME, *(_indicator(*one, " within TIME") for one in _MEANINGS.items()))
"""These, and the names of their figures."""

OWN_SPAN = MetricFamily(
    "OWN.NAME.LEVEL",
    "s",
    "time between two marks, under a name that the network gives",
    "those that ended in the window",
    _own_spans,
    LEVELS,
)
"""Spans that a `network:` names itself; what no other family has."""


def metric_units(lowered: Lowered) -> Mapping[str, str]:
    """Every metric that these runs can have, and that an objective may so be about, with its unit."""
    return {name: family.unit for family in (*FAMILIES, OWN_SPAN) for name in family.names(lowered)}
