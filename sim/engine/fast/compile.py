"""Compiler: from a network to a program. Tables, spans, monitors, jobs here; the rest in `compile_*`."""

from __future__ import annotations

from collections.abc import Sequence

from sim.engine.elements import elements_of, wall_elements
from sim.engine.fast import layout as L
from sim.engine.fast.compile_places import write_breakers, write_budgets, write_groups, write_places, write_timers
from sim.engine.fast.compile_sources import write_controllers, write_faults, write_sources
from sim.engine.fast.compile_steps import write_routines
from sim.engine.fast.program import Fields, Program
from sim.network import Network
from sim.network.facts import has_timer, node_groups
from sim.network.faults import Fault
from sim.network.kinds import walk
from sim.network.places import Server
from sim.network.routines import Attempt, Compensate, Fork, Mark, Race, Saga, Step
from sim.network.sources import ClosedArrivals

Traces = dict[str, list[int]]


_last: list[tuple[Network, str | None, Traces, Program]] = []
"""The program written last, and for what: replications of one network follow each other."""


def program_of(network: Network, drill: str | None = None, traces: Traces | None = None) -> Program:
    """As `compile_network`, but what was written last is given again where it is for the same; nobody may change it.

    A network is frozen, and the one of the last program is kept, so that no other can be taken for it.
    """
    for known, of_drill, of_traces, program in _last:
        if known is network and of_drill == drill and of_traces == (traces or {}):
            return program
    program = compile_network(network, drill, traces)
    _last[:] = [(network, drill, {name: list(times) for name, times in (traces or {}).items()}, program)]
    return program


def compile_network(network: Network, drill: str | None = None, traces: Traces | None = None) -> Program:
    """The program of a network. drill: the one scripted fault that happens; traces: arrival times by source, in ns."""
    program = Program(elements=elements_of(network))
    for error in L.ERRORS_BUILT_IN:
        program.number(program.errors, error)
    program.attributes = {name: index for index, name in enumerate(network.attributes)}
    faults = {name: fault for name, fault in network.faults.items() if not fault.is_drill or name == drill}
    steps = [placed.step for routine, body in network.routines.items() for placed in walk(routine, body)]
    fields: Fields = {
        L.Header.PAUSES: int(any(fault.effect == "pause" for fault in faults.values())),
    }
    program.fill(0, fields)
    program.table(L.Header.START_VALUES, list(network.attributes.values()))
    _write_spans(program, network)
    _write_monitors(program, network)
    write_groups(program, network)
    write_places(program, network, faults, steps)
    write_breakers(program, network)
    write_budgets(program, network)
    write_timers(program, network)
    write_routines(program, network)
    write_sources(program, network, traces or {})
    write_faults(program, network, faults)
    if any(fault.jump_ns is not None for fault in faults.values()):
        reads = wall_elements(network)
        program.table(L.Header.WALL_FLAGS, [int(element in reads) for element in range(max(reads, default=0) + 1)])
    write_controllers(program, network)
    _common_states(program, network, faults, steps)
    _lay_out_jobs(program, network, steps)
    program.finish()
    program.words[L.Header.STATES] = len(program.states)
    program.words[L.Header.OPERATIONS + L.Table.COUNT] = max(1, len(program.operations))
    return program


def _common_states(program: Program, network: Network, faults: dict[str, Fault], steps: Sequence[Step]) -> None:
    """States of any job, as far as the network can have them; at least one.

    Time is lost only by jobs that are interrupted or try again. (Those that are called off at the end of a run have no
    row in the split.)
    """
    places = (*network.resources.values(), *network.stations.values())
    lost = bool(faults or network.controllers) or any(isinstance(step, Attempt | Fork | Race) for step in steps)
    lost = lost or any(getattr(place, "preemptive", False) for place in places)
    if lost or not program.state_words:
        program.state(L.Header.STATE_LOST, "lost")
    if any(isinstance(step, Attempt) for step in steps):
        program.state(L.Header.STATE_BACKOFF, "backoff")
    if program.words[L.Header.PAUSES]:
        program.state(L.Header.STATE_PAUSED, "paused")


def _write_spans(program: Program, network: Network) -> None:
    """Spans between marks, and those that measure recovery from a crash."""
    recoveries: list[int] = []
    readied: dict[str, int] = {}
    groups = {name: index for index, name in enumerate(node_groups(network))}
    open_spans = 0
    for name, span in network.spans.items():
        if span.after_crash is None:
            program.record(L.Span.SIZE, {L.Span.READY: open_spans}, f"span {name}")
            open_spans += 1
        else:
            ready = program.number(readied, span.start)
            fields: Fields = {L.Span.RECOVERY: 1, L.Span.READY: ready, L.Span.GROUP: groups[span.after_crash]}
            recoveries.append(program.record(L.Span.SIZE, fields, f"span {name}"))
    program.words[L.Header.SPANS] = open_spans
    program.table(L.Header.RECOVERIES, recoveries)
    program.readied = readied


def _write_monitors(program: Program, network: Network) -> None:
    first = program.room(L.Monitor.SIZE * len(network.monitors))
    program.write(L.Header.MONITORS, [first, len(network.monitors)])
    requested = 0
    for index, (name, monitor) in enumerate(network.monitors.items()):
        at = first + index * L.Monitor.SIZE
        program.handles[f"monitor {name}"] = at

        def mark(name: str) -> int:
            return program.number(program.marks, name)

        fields: Fields = {L.Monitor.LIMIT: -1 if monitor.within_ns is None else monitor.within_ns}
        if monitor.eventually is not None:
            assert monitor.when is not None
            form, one = L.MonitorForm.EVENTUALLY, mark(monitor.when)
            fields |= {L.Monitor.FORM: form, L.Monitor.ONE: one, L.Monitor.SLOT: requested}
            requested += 1
            for answer in monitor.eventually:
                mark(answer)
        elif monitor.never_both is not None:
            one, other = map(mark, monitor.never_both)
            fields |= {L.Monitor.FORM: L.MonitorForm.NEVER_BOTH, L.Monitor.ONE: one, L.Monitor.OTHER: other}
        elif monitor.at_most_once is not None:
            fields |= {L.Monitor.FORM: L.MonitorForm.AT_MOST_ONCE, L.Monitor.ONE: mark(monitor.at_most_once)}
        else:
            moved = [word for name, amount in (monitor.conserve or {}).items() for word in (mark(name), amount)]
            program.table(at + L.Monitor.AMOUNTS, moved, 2)
            fields[L.Monitor.FORM] = L.MonitorForm.CONSERVE
        program.fill(at, fields)
    program.requested = requested


def _lay_out_jobs(program: Program, network: Network, steps: Sequence[Step]) -> None:
    """What a job's record consists of: only what the network needs."""
    words = program.words
    blocks = any(isinstance(station, Server) and station.when_full == "block" for station in network.stations.values())
    timed = any(isinstance(step, Attempt) and has_timer(step.attempt) for step in steps)
    sagas = any(isinstance(step, Saga | Compensate) for step in steps)
    tree = blocks or timed or sagas or any(isinstance(step, Fork | Race) for step in steps)
    words[L.Header.TREE] = int(tree)
    words[L.Header.STARTED_BY_GRANT] = int(timed)
    size = L.Job.SIZE if tree else L.Job.SMALL
    words[L.Header.JOB_SPANS] = size
    size += words[L.Header.SPANS]
    words[L.Header.CHILD_SIZE] = size
    watched = len(network.monitors) > 0 and any(isinstance(step, Mark) for step in steps)
    parts = [
        (L.Header.JOB_ATTRIBUTES, len(network.attributes)),
        (L.Header.JOB_AFFINITIES, len(program.affinities)),
        (L.Header.JOB_KEYS, program.keyed),
        (L.Header.JOB_PATH, 1 if program.keyed else 0),
        (L.Header.JOB_FIRST, words[L.Header.JOB_FIRST]),
        (L.Header.JOB_CHILDREN, 1 if tree else 0),
        (L.Header.JOB_OPEN, 1 if watched else 0),
        (
            L.Header.JOB_CLIENT,
            1 if any(isinstance(s.arrivals, ClosedArrivals) for s in network.sources.values()) else 0,
        ),
        (L.Header.JOB_SAGAS, 1 if sagas else 0),
        (L.Header.JOB_CACHED, 1 if network.caches else 0),
        (L.Header.JOB_LIVE, 1 if words[L.Header.RECOVERIES + L.Table.COUNT] else 0),
        (L.Header.JOB_CRASHES, words[L.Header.RECOVERIES + L.Table.COUNT]),
        (L.Header.JOB_READIED, len(program.readied)),
        (L.Header.JOB_COUNTS, len(program.marks) if watched else 0),
        (L.Header.JOB_REQUESTED, program.requested if watched else 0),
        (L.Header.JOB_LATE, program.requested if watched else 0),
        (L.Header.JOB_MARKED, 2 if watched else 0),
    ]
    for at, length in parts:
        words[at] = size if length else 0
        size += length
    words[L.Header.MAIN_SIZE] = size
