"""Compiler: from a network to a program. Tables, spans, monitors, jobs here; the rest in `compile_*`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sim.engine.elements import elements_of, wall_elements
from sim.engine.fast import layout as L
from sim.engine.fast.compile_marks import write_monitors, write_spans
from sim.engine.fast.compile_places import write_breakers, write_budgets, write_groups, write_places, write_timers
from sim.engine.fast.compile_sources import write_controllers, write_faults, write_sources
from sim.engine.fast.compile_steps import write_routines
from sim.engine.fast.program import Fields, Program
from sim.network import Network
from sim.network.facts import has_timer
from sim.network.faults import Fault
from sim.network.kinds import walk
from sim.network.places import Server
from sim.network.routines import Attempt, Child, Compensate, Fork, Mark, Race, Saga, Step
from sim.network.sources import ClosedArrivals

Traces = dict[str, list[int]]


_written: list[tuple[Network, str | None, Traces, Program]] = []
"""The programs written last, and for what, the latest first: replications of one network follow each other, and runs
of a few variants take turns."""
KEPT: Final = 8


def program_of(network: Network, drill: str | None = None, traces: Traces | None = None) -> Program:
    """As `compile_network`, but what was written lately is given again where it is for the same; nobody may change it.

    The same is the same object: networks are frozen, and those of the programs are kept, so that no other can be taken
    for one of them. Two that equal each other may differ in the order of their elements, which is the order of events.
    """
    traces = traces or {}
    for index, (known, of_drill, of_traces, program) in enumerate(_written):
        if known is network and of_drill == drill and of_traces == traces:
            _written.insert(0, _written.pop(index))
            return program
    program = compile_network(network, drill, traces)
    _written.insert(0, (network, drill, {name: list(times) for name, times in traces.items()}, program))
    del _written[KEPT:]
    return program


def compile_network(network: Network, drill: str | None = None, traces: Traces | None = None) -> Program:
    """The program of a network. drill: the one scripted fault that happens; traces: arrival times by source, in ns."""
    program = Program(elements=elements_of(network))
    for error in L.ERRORS_BUILT_IN:
        program.number(program.errors, error)
    program.attributes = {name: index for index, name in enumerate(network.attributes)}
    faults = {name: fault for name, fault in network.faults.items() if not fault.is_drill or name == drill}
    placed = [one for routine, body in network.routines.items() for one in walk(routine, body)]
    steps = [one.step for one in placed]
    program.children = {one.stream: one.step.child.routine for one in placed if isinstance(one.step, Child)}
    fields: Fields = {
        L.Header.PAUSES: int(any(fault.effect == "pause" for fault in faults.values())),
    }
    program.fill(0, fields)
    program.table(L.Header.START_VALUES, list(network.attributes.values()))
    write_spans(program, network)
    write_monitors(program, network)
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
    interrupting = any(isinstance(step, Attempt | Child | Fork | Race) for step in steps)
    lost = bool(faults or network.controllers) or interrupting
    lost = lost or any(getattr(place, "preemptive", False) for place in places)
    if lost or not program.state_words:
        program.state(L.Header.STATE_LOST, "lost")
    if any(isinstance(step, Attempt) for step in steps):
        program.state(L.Header.STATE_BACKOFF, "backoff")
    if program.words[L.Header.PAUSES]:
        program.state(L.Header.STATE_PAUSED, "paused")


def _lay_out_jobs(program: Program, network: Network, steps: Sequence[Step]) -> None:
    """What a job's record consists of: only what the network needs."""
    words = program.words
    blocks = any(isinstance(station, Server) and station.when_full == "block" for station in network.stations.values())
    timed = any(isinstance(step, Attempt) and has_timer(step.attempt) for step in steps)
    sagas = any(isinstance(step, Saga | Compensate) for step in steps)
    children = bool(program.children)
    tree = blocks or timed or sagas or children or any(isinstance(step, Fork | Race) for step in steps)
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
        (L.Header.JOB_FAMILY, L.Family.SIZE if children else 0),
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
