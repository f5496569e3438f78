"""Compiler of sources, faults and controllers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sim.draws.streams import child_paths, element_id
from sim.engine.controlled import use_of_a_node
from sim.engine.fast import layout as L
from sim.engine.fast.compile_places import NO_TIMER
from sim.engine.fast.program import Fields, Program, bits, floating
from sim.network import Network
from sim.network.controllers import Controller
from sim.network.distributions import Constant
from sim.network.facts import node_groups
from sim.network.faults import Fault
from sim.network.sources import (
    BurstArrivals,
    ClosedArrivals,
    ModulatedArrivals,
    PoissonArrivals,
    Profile,
    RenewalArrivals,
    Source,
    TraceArrivals,
    lets_nothing_in,
)

Ints = NDArray[np.int64]

# -- sources ------------------------------------------------------------------------------------------------


def write_sources(program: Program, network: Network, traces: dict[str, list[int]]) -> None:
    """Every source and its clients, and the levels of the routines that they start."""
    routines = {name: index for index, name in enumerate(network.routines)}
    handles = []
    for index, (name, spec) in enumerate(network.sources.items()):
        words = program.words
        stop = -1 if spec.stop_ns is None else spec.stop_ns
        fields: Fields = {
            L.Timer.KEY: NO_TIMER,
            L.Source.INDEX: index,
            L.Source.ELEMENT: program.elements[f"sources.{name}"],
            L.Source.ROUTINE: routines[spec.routine],
            L.Source.PRIORITY: spec.priority,
            L.Source.CODE: words[program.handles[f"routine {spec.routine}"]],
            L.Source.START: spec.start_ns,
            L.Source.COUNTED: int(spec.counted),
            L.Source.STOP: stop if spec.during is None else L.Source.SHUT,
            L.Source.LIMIT: -1 if spec.limit is None else spec.limit,
            L.Source.ID: element_id(name),
            L.Source.BATCH: -1,
        }
        at = program.record(L.Source.SIZE, fields, f"source {name}")
        handles.append(at)
        program.stream(at + L.Source.STREAM, f"{name}/arrivals")
        batch = getattr(spec.arrivals, "batch", None)
        if batch is not None:
            program.count(at + L.Source.BATCH, batch, f"{name}/batch")
        _write_arrivals(program, at, name, spec, traces.get(name) or [])
        if spec.routine in program.first_times and _is_steady(spec):
            time = program.first_times[spec.routine]
            words[at + L.Source.FIRST] = words[time]
            stream = next(stream for slot, stream in program.streams if slot == time + L.Draw.STREAM)
            program.stream(at + L.Source.FIRST + L.Draw.STREAM, stream)
            words[time + 2] = words[L.Header.JOB_FIRST] = 1
    for child in program.children.values():  # their jobs bear numbers behind those of the sources
        handles.append(program.record(L.Source.SIZE, {L.Source.ROUTINE: routines[child]}))
    program.table(L.Header.SOURCES, handles)
    program.words[L.Header.SOURCES + L.Table.COUNT] = len(network.sources)
    program.write(L.Header.ROUTINES, [program.room(L.Level.SIZE * len(routines)), len(routines)])


def _is_steady(spec: Source) -> bool:
    """Whether arrivals come one by one at a constant rate, so that they can be drawn ahead."""
    arrivals = spec.arrivals
    steady = isinstance(arrivals, PoissonArrivals) and arrivals.profile is None and arrivals.batch is None
    return steady and not lets_nothing_in(arrivals)


_KINDS: Mapping[type, int] = {
    PoissonArrivals: L.SourceKind.POISSON,
    RenewalArrivals: L.SourceKind.RENEWAL,
    ModulatedArrivals: L.SourceKind.MODULATED,
    BurstArrivals: L.SourceKind.BURST,
    TraceArrivals: L.SourceKind.TRACE,
    ClosedArrivals: L.SourceKind.CLOSED_LOOP,
}


def _write_arrivals(program: Program, at: int, name: str, spec: Source, trace: list[int]) -> None:
    words, arrivals = program.words, spec.arrivals
    if lets_nothing_in(arrivals):
        words[at + L.Source.KIND] = L.SourceKind.TRACE  # of no time
        return
    words[at + L.Source.KIND] = _KINDS[type(arrivals)]
    match arrivals:
        case PoissonArrivals():
            words[at + L.Source.MEAN] = bits(1 / arrivals.poisson_per_s)
            if arrivals.profile is not None:
                words[at + L.Source.PROFILE] = _write_profile(program, arrivals.poisson_per_s, arrivals.profile)
        case RenewalArrivals():
            program.draw(at + L.Source.DIST, arrivals.renewal, f"{name}/arrivals")
        case ModulatedArrivals():
            phases = [word for phase in arrivals.mmpp for word in (bits(phase.rate_per_s), phase.stay_ns)]
            program.table(at + L.Source.PHASES, phases, 2)
            program.stream(at + L.Source.STAY_STREAM, f"{name}/phases")
        case BurstArrivals():
            program.count(at + L.Source.SIZE_OF, arrivals.burst, f"{name}/size")
            words[at + L.Source.AT], words[at + L.Source.JITTER] = arrivals.at_ns, arrivals.jitter_ns
            words[at + L.Source.EVERY] = -1 if arrivals.every_ns is None else arrivals.every_ns
        case TraceArrivals():
            program.table(at + L.Source.TRACE, trace)
        case ClosedArrivals():
            program.draw(at + L.Source.DIST, arrivals.think, f"{name}/think")
            program.block(at + L.Source.CLIENTS, [NO_TIMER, *[0] * (L.Client.SIZE - 1)], arrivals.closed)
            words[at + L.Source.CLIENTS + L.Table.COUNT] = arrivals.closed


def _write_profile(program: Program, rate_per_s: float, profile: Profile) -> int:
    times = program.put([point.at_ns for point in profile.points])
    rates = program.put([bits(rate_per_s * point.factor) for point in profile.points])
    linear = int(profile.between == "linear")
    return program.put([len(profile.points), linear, profile.period_ns or 0, times, rates])


# -- faults ------------------------------------------------------------------------------------------------


def write_faults(program: Program, network: Network, faults: dict[str, Fault]) -> None:
    """Every fault of this run: what it does, and a process for each clock that it has."""
    groups = node_groups(network)
    for name, fault in faults.items():
        spec = _write_fault(program, name, fault, program.elements[f"faults.{name}"])
        sources = [program.handles[f"source {s}"] for s, source in network.sources.items() if source.during == name]
        program.table(spec + L.Fault.SOURCES, sources)
        if not fault.each:
            _processes(program, spec, 0, 0, np.array([element_id(name)]), np.array([0]))
            continue
        number = 0
        for target in fault.targets:
            group = program.handles[f"group {target.group}"]
            listed = isinstance(target.nodes, tuple)
            nodes = np.array(target.nodes, np.int64) if listed else np.arange(groups[target.group])
            paths = child_paths(element_id(name), number, len(nodes))
            _processes(program, spec, group, number, paths, nodes)
            number += len(nodes)


def _processes(program: Program, spec: int, group: int, number: int, paths: Ints, nodes: Ints) -> None:
    """The processes of a fault on one group, numbered from `number` on. All processes follow each other."""
    process = [0] * L.FaultProcess.SIZE
    process[0], process[L.FaultProcess.SPEC], process[L.FaultProcess.ONLY] = NO_TIMER, spec, group
    visits = np.arange(number, number + len(nodes))
    at = L.Header.FAULTS if not program.words[L.Header.FAULTS + L.Table.COUNT] else None
    program.block(
        at, process, len(nodes), {L.Timer.VISIT: visits, L.FaultProcess.PATH: paths, L.FaultProcess.NODE: nodes}
    )
    program.words[L.Header.FAULTS + L.Table.COUNT] += len(nodes)


_EFFECTS = {
    "crash": L.FaultEffect.CRASH,
    "pause": L.FaultEffect.PAUSE,
    "slow": L.FaultEffect.SLOW,
    "errors": L.FaultEffect.ERRORS,
    "load": L.FaultEffect.LOAD,
    "clock": L.FaultEffect.CLOCK,
}


def _write_fault(program: Program, name: str, fault: Fault, element: int) -> int:
    share = (fault.probability if fault.effect == "errors" else fault.speed) or 0.0
    fields: Fields = {
        L.Fault.INDEX: len(program.faults),
        L.Fault.ELEMENT: element,
        L.Fault.EFFECT: _EFFECTS[fault.effect],
        L.Fault.VALUE: bits(share) if fault.jump_ns is None else fault.jump_ns,
        L.Fault.AT: -1 if fault.at_ns is None else fault.at_ns,
        L.Fault.COMMON: bits(fault.common),
        L.Fault.NOTICE: -1 if fault.notice_ns is None else fault.notice_ns,
    }
    at = program.record(L.Fault.SIZE, fields)
    program.faults.append(name)
    program.draw(at + L.Fault.WAIT, fault.mttf, f"{name}/mttf")
    program.draw(at + L.Fault.LENGTH, fault.duration, f"{name}/duration")
    program.stream(at + L.Fault.PICK, f"{name}/node")
    program.stream(at + L.Fault.ERRORS, f"{name}/errors")
    program.stream(at + L.Fault.COMMON_STREAM, f"{name}/common")
    if fault.window is not None:
        program.write(at + L.Fault.PERIOD, [fault.window.period_ns, fault.window.from_ns, fault.window.length_ns])
    targets = []
    for target in fault.targets:
        listed = list(target.nodes) if isinstance(target.nodes, tuple) else []
        kind = {"all": L.Pick.ALL, "any": L.Pick.ANY}.get(str(target.nodes), L.Pick.LISTED)
        targets += [program.handles[f"group {target.group}"], kind, program.put(listed), len(listed)]
    program.table(at + L.Fault.TARGETS, targets, 4)
    return at


# -- controllers -------------------------------------------------------------------------------------------


def write_controllers(program: Program, network: Network) -> None:
    """Every controller, with all nodes of its group on: those that are off at the start go off when the run begins."""
    handles = [_write_controller(program, network, name, spec) for name, spec in network.controllers.items()]
    program.table(L.Header.CONTROLLERS, handles)


def _write_controller(program: Program, network: Network, name: str, spec: Controller) -> int:
    at = program.room(L.Controller.SIZE)
    program.handles[f"controller {name}"] = at
    fields: Fields = {
        L.Timer.KEY: NO_TIMER,
        L.Controller.ELEMENT: program.elements[f"controllers.{name}"],
        L.Controller.GROUP: program.handles[f"group {spec.nodes}"],
        L.Controller.MINIMUM: spec.minimum,
        L.Controller.INTERVAL: spec.interval_ns,
        L.Controller.LIMIT: -1 if spec.drain_limit_ns is None else spec.drain_limit_ns,
        L.Controller.ON: spec.on_at_start,
        L.Controller.WANTED: program.put([spec.on_at_start] * spec.looks_back),
        L.Controller.BACK: spec.looks_back,
    }
    program.draw(at + L.Controller.DELAY, spec.start_delay or Constant(constant_ns=0), f"{name}/start")
    if spec.schedule is not None:
        points = [word for point in spec.schedule.points for word in (point.at_ns, point.nodes)]
        program.table(at + L.Controller.POINTS, points, 2)
        fields |= {L.Controller.FORM: L.ControllerForm.BY_CLOCK, L.Controller.PERIOD: spec.schedule.period_ns or 0}
    else:
        watched = [word for place in spec.of for word in (program.handles[place], _target(program, spec, place), 0, 0)]
        program.table(at + L.Controller.PLACES, watched, L.Watched.SIZE)
        fields[L.Controller.FORM] = L.ControllerForm.BY_USE if spec.backlog is None else L.ControllerForm.BY_BACKLOG
    program.fill(at, fields)
    count = node_groups(network)[spec.nodes]
    node = [NO_TIMER, 0, at, L.Power.ON, 0, 0, 0]
    program.block(at + L.Controller.NODES, node, count, {L.Timer.VISIT: np.arange(count)})
    return at


def _target(program: Program, spec: Controller, place: str) -> int:
    """What of a place one node stands for: so many of its backlog, or so much use."""
    if spec.backlog is not None:
        return spec.backlog
    at, words = program.handles[place], program.words
    cores = floating(words[at + L.Place.SHARED_CORES]) if words[at + L.Place.KIND] == L.PlaceKind.CORES else None
    return bits(use_of_a_node(spec, words[at + L.Place.UNITS], cores))
