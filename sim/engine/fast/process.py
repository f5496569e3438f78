"""From sources and faults to words: what comes by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.draws.build import inverse_of
from sim.draws.streams import child_paths, element_id
from sim.engine.controlled import use_of_a_node
from sim.engine.fast import layout as L
from sim.engine.fast.ground import NO_ALARM
from sim.engine.fast.program import Program, bits, floating
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
        at = program.room(L.U_SIZE)
        handles.append(at)
        program.handles[f"source {name}"] = at
        words = program.words
        words[at] = NO_ALARM
        words[at + L.U_INDEX], words[at + L.U_ELEMENT] = index, program.elements[f"sources.{name}"]
        words[at + L.U_ROUTINE], words[at + L.U_PRIORITY] = routines[spec.routine], spec.priority
        words[at + L.U_CODE] = words[program.handles[f"routine {spec.routine}"]]
        words[at + L.U_START], words[at + L.U_COUNTED] = spec.start_ns, int(spec.counted)
        words[at + L.U_STOP] = -1 if spec.stop_ns is None else spec.stop_ns
        if spec.during is not None:
            words[at + L.U_STOP] = L.SHUT
        words[at + L.U_LIMIT] = -1 if spec.limit is None else spec.limit
        words[at + L.U_ID] = element_id(name)
        program.stream(at + L.U_STREAM, f"{name}/arrivals")
        words[at + L.U_BATCH] = -1
        batch = getattr(spec.arrivals, "batch", None)
        if batch is not None:
            program.count(at + L.U_BATCH, batch, f"{name}/batch")
        _write_arrivals(program, at, name, spec, traces.get(name) or [])
        if spec.routine in program.first_times and _is_steady(spec):
            time = program.first_times[spec.routine]
            words[at + L.U_FIRST] = words[time]
            program.stream(at + L.U_FIRST + 1, next(stream for slot, stream in program.streams if slot == time + 1))
            words[time + 2] = words[L.X_FIRST] = 1
    program.words[L.H_SOURCES] = program.put(handles)
    program.words[L.H_SOURCE_COUNT] = len(handles)
    program.words[L.H_ROUTINES] = program.room(L.RL_SIZE * len(routines))


def _is_steady(spec: Source) -> bool:
    """Whether arrivals come one by one at a constant rate, so that they can be drawn ahead."""
    arrivals = spec.arrivals
    steady = isinstance(arrivals, PoissonArrivals) and arrivals.profile is None and arrivals.batch is None
    return steady and not lets_nothing_in(arrivals)


def _write_arrivals(program: Program, at: int, name: str, spec: Source, trace: list[int]) -> None:
    words, arrivals = program.words, spec.arrivals
    if lets_nothing_in(arrivals):
        words[at + L.U_KIND] = L.TRACE  # of no time
        return
    match arrivals:
        case PoissonArrivals():
            words[at + L.U_KIND] = L.POISSON
            words[at + L.U_MEAN] = bits(1 / arrivals.poisson_per_s)
            if arrivals.profile is not None:
                words[at + L.U_PROFILE] = _write_profile(program, arrivals.poisson_per_s, arrivals.profile)
        case RenewalArrivals():
            words[at + L.U_KIND] = L.RENEWAL
            words[at + L.U_DIST] = program.distribution(inverse_of(arrivals.renewal))
            program.stream(at + L.U_DIST_STREAM, f"{name}/arrivals")
        case ModulatedArrivals():
            words[at + L.U_KIND] = L.MODULATED
            phases = [word for phase in arrivals.mmpp for word in (bits(phase.rate_per_s), phase.stay_ns)]
            words[at + L.U_PHASES], words[at + L.U_PHASE_COUNT] = program.put(phases), len(arrivals.mmpp)
            program.stream(at + L.U_STAY_STREAM, f"{name}/phases")
        case BurstArrivals():
            words[at + L.U_KIND] = L.BURST
            program.count(at + L.U_SIZE_OF, arrivals.burst, f"{name}/size")
            words[at + L.U_AT], words[at + L.U_JITTER] = arrivals.at_ns, arrivals.jitter_ns
            words[at + L.U_EVERY] = -1 if arrivals.every_ns is None else arrivals.every_ns
        case TraceArrivals():
            words[at + L.U_KIND] = L.TRACE
            words[at + L.U_TRACE], words[at + L.U_TRACE_SIZE] = program.put(list(trace)), len(trace)
        case ClosedArrivals():
            words[at + L.U_KIND] = L.CLOSED_LOOP
            if arrivals.think is not None:
                words[at + L.U_DIST] = program.distribution(inverse_of(arrivals.think))
                program.stream(at + L.U_DIST_STREAM, f"{name}/think")
            program.block(at + L.U_CLIENTS, [NO_ALARM, *[0] * (L.C_SIZE - 1)], arrivals.closed)
            words[at + L.U_CLIENT_COUNT] = arrivals.closed


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
        program.write(spec + L.FS_SOURCES, [program.put(sources), len(sources)])
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
    process = [0] * L.FA_SIZE
    process[0], process[L.FA_SPEC], process[L.FA_ONLY] = NO_ALARM, spec, group
    visits = np.arange(number, number + len(nodes))
    at = L.H_FAULT_GAP if not program.words[L.H_FAULT_GAP + 1] else None
    program.block(at, process, len(nodes), {L.A_VISIT: visits, L.FA_PATH: paths, L.FA_NODE: nodes})
    program.words[L.H_FAULT_GAP + 1] += len(nodes)


_EFFECTS = {"crash": L.CRASH, "pause": L.PAUSE, "slow": L.SLOW, "errors": L.ERRORS, "load": L.LOAD, "clock": L.CLOCK}


def _write_fault(program: Program, name: str, fault: Fault, element: int) -> int:
    at = program.room(L.FS_SIZE)
    words = program.words
    program.faults.append(name)
    words[at + L.FS_INDEX], words[at + L.FS_ELEMENT] = len(program.faults) - 1, element
    words[at + L.FS_EFFECT] = _EFFECTS[fault.effect]
    words[at + L.FS_VALUE] = bits((fault.probability if fault.effect == "errors" else fault.speed) or 0.0)
    if fault.jump_ns is not None:
        words[at + L.FS_VALUE] = fault.jump_ns
    words[at + L.FS_AT] = -1 if fault.at_ns is None else fault.at_ns
    for where, length, stream in ((L.FS_WAIT, fault.mttf, "mttf"), (L.FS_LENGTH, fault.duration, "duration")):
        if length is not None:
            words[at + where] = program.distribution(inverse_of(length))
            program.stream(at + where + 1, f"{name}/{stream}")
    program.stream(at + L.FS_PICK, f"{name}/node")
    program.stream(at + L.FS_ERRORS, f"{name}/errors")
    words[at + L.FS_COMMON] = bits(fault.common)
    program.stream(at + L.FS_COMMON_STREAM, f"{name}/common")
    words[at + L.FS_NOTICE] = -1 if fault.notice_ns is None else fault.notice_ns
    if fault.window is not None:
        words[at + L.FS_PERIOD], words[at + L.FS_OPENS] = fault.window.period_ns, fault.window.from_ns
        words[at + L.FS_OPEN] = fault.window.length_ns
    targets = []
    for target in fault.targets:
        listed = list(target.nodes) if isinstance(target.nodes, tuple) else []
        kind = {"all": L.ALL_NODES, "any": L.ANY_NODE}.get(str(target.nodes), L.LISTED_NODES)
        targets += [program.handles[f"group {target.group}"], kind, program.put(listed), len(listed)]
    words[at + L.FS_TARGETS], words[at + L.FS_TARGET_COUNT] = program.put(targets), len(fault.targets)
    return at


# -- controllers -------------------------------------------------------------------------------------------


def write_controllers(program: Program, network: Network) -> None:
    """Every controller, with all nodes of its group on: those that are off at the start go off when the run begins."""
    program.words[L.H_CONTROLLERS + 1] = len(network.controllers)
    handles = [_write_controller(program, network, name, spec) for name, spec in network.controllers.items()]
    program.words[L.H_CONTROLLERS] = program.put(handles)


def _write_controller(program: Program, network: Network, name: str, spec: Controller) -> int:
    at = program.room(L.KO_SIZE)
    program.handles[f"controller {name}"] = at
    words, element = program.words, program.elements[f"controllers.{name}"]
    words[at], words[at + L.KO_ELEMENT] = NO_ALARM, element
    words[at + L.KO_GROUP] = program.handles[f"group {spec.nodes}"]
    words[at + L.KO_MINIMUM], words[at + L.KO_INTERVAL] = spec.minimum, spec.interval_ns
    words[at + L.KO_LIMIT] = -1 if spec.drain_limit_ns is None else spec.drain_limit_ns
    words[at + L.KO_ON] = spec.on_at_start
    words[at + L.KO_WANTED] = program.put([spec.on_at_start] * spec.looks_back)
    words[at + L.KO_BACK] = spec.looks_back
    words[at + L.KO_DELAY] = program.distribution(inverse_of(spec.start_delay or Constant(constant_ns=0)))
    program.stream(at + L.KO_DELAY_STREAM, f"{name}/start")
    if spec.schedule is not None:
        points = [word for point in spec.schedule.points for word in (point.at_ns, point.nodes)]
        words[at + L.KO_FORM], words[at + L.KO_PERIOD] = L.BY_CLOCK, spec.schedule.period_ns or 0
        words[at + L.KO_POINTS], words[at + L.KO_POINT_COUNT] = program.put(points), len(spec.schedule.points)
    else:
        words[at + L.KO_FORM] = L.BY_USE if spec.backlog is None else L.BY_BACKLOG
        watched = [word for place in spec.of for word in (program.handles[place], _target(program, spec, place), 0, 0)]
        words[at + L.KO_PLACES], words[at + L.KO_PLACE_COUNT] = program.put(watched), len(spec.of)
    count = node_groups(network)[spec.nodes]
    node = [NO_ALARM, 0, at, L.KN_ON, 0, 0, 0]
    program.block(at + L.KO_NODES, node, count, {L.A_VISIT: np.arange(count)})
    return at


def _target(program: Program, spec: Controller, place: str) -> int:
    """What of a place one node stands for: so many of its backlog, or so much use."""
    if spec.backlog is not None:
        return spec.backlog
    at, words = program.handles[place], program.words
    cores = floating(words[at + L.P_CONTENTION]) if words[at + L.P_KIND] == L.SHARED else None
    return bits(use_of_a_node(spec, words[at + L.P_UNITS], cores))
