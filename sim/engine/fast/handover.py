"""From the kernel's memory to the columns of a replication."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.engine.fast import layout as L
from sim.engine.fast.deadlock import cycles
from sim.engine.fast.lists import chain, holders_of, lines_of, read_log, units_of, wide
from sim.engine.fast.program import Program
from sim.engine.fast.service import ONE_CORE
from sim.engine.plan import Plan
from sim.network import Network
from sim.network.facts import group_of, node_groups
from sim.network.faults import Fault
from sim.network.places import Server
from sim.results.columns import (
    OPEN,
    Executions,
    FaultEpisode,
    InFlight,
    MonitorCount,
    PlaceUse,
    Replication,
    SpanUse,
)
from sim.results.histogram import BUCKETS, Histogram

Words = NDArray[np.int64]


def replication_of(
    network: Network, program: Program, plan: Plan, m: Words, followed_ns: int, is_idle: bool
) -> Replication:
    """What the run leaves behind. is_idle: no event is left."""
    routines = tuple(network.routines)
    places = {
        name: _place(m, network, program.handles[name], name, kind)
        for kind, names in (("resource", network.resources), ("station", network.stations))
        for name in names
    }
    samples = _samples(m, plan, network)
    return Replication(
        index=plan.replication,
        engine="fast",
        routines=routines,
        begin_ns=plan.warmup_ns,
        horizon_ns=plan.horizon_ns,
        followed_ns=followed_ns,
        end_ns=int(m[L.H_NOW]),
        executions=_executions(m, program),
        places=places,
        spans=_spans(m, network, program),
        in_flight=_in_flight(m, network),
        counts=_counts(m, program, routines),
        attempts=_attempts(m, routines),
        off_path_ns=wide(m, L.H_OFF_PATH),
        caches={name: _cache(m, program.handles[f"cache {name}"]) for name in network.caches},
        sample_ns=samples.pop(""),
        samples=samples,
        reactions_ns=read_log(m, L.H_REACTIONS).copy(),
        episodes=_episodes(m, program, network),
        monitors=tuple(_monitor(m, program.handles[f"monitor {name}"], name) for name in network.monitors),
        events=_events(m, program, network),
        findings=tuple(cycles(network, program, m, is_idle)),
    )


# -- executions --------------------------------------------------------------------------------------------


def _executions(m: Words, program: Program) -> Executions:
    count = int(m[L.H_ORDINAL])
    start = m[int(m[L.H_ROWS]) :][:count].copy()
    end = m[int(m[L.H_ROW_ENDS]) :][:count].copy()
    notes = m[int(m[L.H_ROW_NOTES]) :][:count]
    is_open = end < 0
    outcome = np.where(is_open, OPEN, notes & 7).astype(np.int8)
    routine = (notes >> 32).astype(np.int16)
    in_cohort = (notes >> 31 & 1) == 1
    sources = m[int(m[L.H_SOURCES]) :][: int(m[L.H_SOURCE_COUNT])]
    for ordinal in np.flatnonzero(is_open).tolist():
        job = -int(end[ordinal])
        dropped = job < L.H_SIZE
        source = job - 1 if dropped else int(m[job + L.J_STATE]) >> L.SOURCE_SHIFT
        routine[ordinal] = m[int(sources[source]) + L.U_ROUTINE]
        in_cohort[ordinal] = not dropped and bool(m[job + L.J_STATE] & L.COHORT)
    end[is_open] = -1
    names = list(program.errors)
    codes = notes >> 3 & ((1 << 28) - 1)
    errors = {ordinal: names[codes[ordinal]] for ordinal in np.flatnonzero(~is_open & (codes > 0)).tolist()}
    cohort = np.flatnonzero(in_cohort).astype(np.int64)
    states, table = _split(m, program, cohort)
    return Executions(start, end, outcome, routine, cohort, states, table, errors)


def _split(m: Words, program: Program, cohort: Words) -> tuple[tuple[str, ...], Words]:
    """Times by state of the closed executions of the cohort; only states in which time was spent, by name."""
    rows, width = int(m[L.H_SPLIT_ROWS]), int(m[L.H_STATES])
    owners = m[int(m[L.H_SPLIT_OWNERS]) :][:rows]
    written = m[int(m[L.H_SPLITS]) :][: rows * width].reshape(rows, width)
    names = list(program.states)
    used = sorted(names[column] for column in range(width) if rows and written[:, column].any())
    table = np.zeros((len(cohort), len(used)), np.int64)
    places = np.zeros(int(m[L.H_ORDINAL]), np.int64)
    places[cohort] = np.arange(len(cohort))
    place = places[owners]
    for column, name in enumerate(used):
        table[place, column] = written[:, program.states[name]]
    return tuple(used), table


# -- places ------------------------------------------------------------------------------------------------


def _place(m: Words, network: Network, at: int, name: str, kind: str) -> PlaceUse:
    now = int(m[L.H_NOW])
    passed = now - int(m[at + L.M_LAST])
    busy, waiting = int(m[at + L.M_BUSY]), int(m[at + L.M_WAITING])
    held_now, waited_now = _present(m, at, now)
    begin, end = at + L.P_MARKED, at + L.P_MARKED + L.MARKS

    def area(word: int) -> int:
        return wide(m, end + word) - wide(m, begin + word)

    def count(word: int) -> int:
        return int(m[end + word]) - int(m[begin + word])

    units: float = float(m[at + L.M_UNITS])
    speed = excess = batches = None
    what = int(m[at + L.P_KIND])
    if what in (L.SHARED, L.COMMIT, L.POLLED):
        speed, excess = area(11) / ONE_CORE, area(13) / ONE_CORE
        units = float(m[at + L.P_COUNT]) if what == L.POLLED else 1.0
    if what == L.SHARED:
        station = network.stations[name]
        assert isinstance(station, Server)
        cores = station.cores if station.cores is not None else float(m[at + L.P_UNITS])
        units = cores * node_groups(network)[group_of(network, name)]
    if what in (L.COMMIT, L.POLLED):
        batches = count(15)
    histogram = int(m[at + L.M_WAITS])
    return PlaceUse(
        name=name,
        kind=kind,
        units=units,
        busy_area=area(0),
        waiting_area=area(2),
        units_area=area(4),
        asked=count(6),
        served=count(7),
        abandoned=count(8),
        rejected=count(9),
        refused=count(10),
        waited=int(m[at + L.M_WAITED]),
        max_waiting=int(m[at + L.M_MAX]),
        waits=Histogram.of_counts(m[histogram : histogram + BUCKETS]),
        wait_sum_ns=wide(m, at + L.M_WINDOW_SUM),
        wait_count=int(m[at + L.M_WINDOW_COUNT]),
        speed_area=speed,
        excess_area=excess,
        all_busy_area=wide(m, at + L.M_BUSY_AREA) + busy * passed,
        all_waiting_area=wide(m, at + L.M_WAIT_AREA) + waiting * passed,
        all_held_sum=wide(m, at + L.M_HELD_SUM) + held_now,
        all_wait_sum=wide(m, at + L.M_WAIT_SUM) + waited_now,
        all_served=int(m[at + L.M_SERVED]),
        all_asked=int(m[at + L.M_ASKED]),
        all_gone=int(m[at + L.M_ABANDONED] + m[at + L.M_REJECTED] + m[at + L.M_REFUSED]),
        peak_excess=bool(m[at + L.M_OVERDRAWN]),
        still_waiting=waiting,
        still_busy=busy,
        batches=batches,
    )


def _present(m: Words, at: int, now: int) -> tuple[int, int]:
    """What those still there have held and waited so far, in ns, by asking each of them."""
    kind = int(m[at + L.P_KIND])
    if kind < L.DELAY:
        held = 0
        if m[at + L.M_BUSY]:
            for node in range(int(m[at + L.P_COUNT])):
                held += sum(units_of(m, g) * (now - int(m[g + L.G_TIME])) for g in holders_of(m, at, node))
        waited = sum(now - int(m[g + L.G_TIME]) for g in lines_of(m, at)) if m[at + L.M_WAITING] else 0
        return held, waited
    if kind == L.DELAY:
        return _in_room(m, at, now), 0
    if kind == L.BUCKET:
        lines, rounds = [at + L.P_GUESTS], []
    elif kind == L.COMMIT:
        lines, rounds = [at + L.P_GUESTS], [at + L.P_ROUND]
    else:
        queues = [int(m[at + L.P_NODES]) + node * L.K_SIZE for node in range(int(m[at + L.P_COUNT]))]
        lines = [queue + L.K_LINE for queue in queues]
        rounds = [queue + L.K_ROUND for queue in queues]
    served = [guest for r in rounds for guest in chain(m, int(m[r + L.R_FIRST]), L.Q_LINKS)]
    waiting = [guest for line in lines for guest in chain(m, int(m[line]), L.Q_LINKS)]
    return sum(now - int(m[g + L.Q_GRANTED]) for g in served), sum(now - int(m[g + L.Q_ASKED]) for g in waiting)


def _in_room(m: Words, at: int, now: int) -> int:
    """Time spent so far by those in a delay station: their alarms are set."""
    if not m[at + L.M_BUSY]:
        return 0
    base, count = int(m[L.H_HEAP + 1]), int(m[L.H_HEAP])
    alarms = m[base + 1 : base + 2 * count : 2]
    total = 0
    for alarm in alarms[1:] if m[L.H_HEAP + 2] else alarms:
        if int(m[alarm]) >> L.TAG_SHIFT & L.TAG_MASK == L.T_JOB:
            state = int(m[alarm + L.J_STATE])
            if state >> L.WAIT_SHIFT & L.WAIT_MASK == L.W_ROOM and m[(state & L.LOW) + L.US_PLACE] == at:
                total += now - int(m[alarm + L.J_SINCE])
    return total


# -- the rest ----------------------------------------------------------------------------------------------


def _spans(m: Words, network: Network, program: Program) -> dict[str, SpanUse]:
    found = {}
    for name, span in network.spans.items():
        pairs = read_log(m, program.handles[f"span {name}"])
        ended, durations = pairs[0::2].copy(), pairs[1::2].copy()
        metric = span.metric or f"span.{name}"
        total = sum(durations.tolist())
        histogram = Histogram.of(durations)
        found[metric] = SpanUse(
            metric, histogram, total, len(durations), ended, durations, span.after_crash is not None
        )
    return found


def _in_flight(m: Words, network: Network) -> dict[str, InFlight]:
    started = {source.routine for source in network.sources.values()}
    found = {}
    for index, name in enumerate(network.routines):
        if name in started:
            at = int(m[L.H_ROUTINES]) + index * L.RL_SIZE
            area = wide(m, at + L.RL_MARKED + 2) - wide(m, at + L.RL_MARKED)
            found[name] = InFlight(area, int(m[at + L.RL_WINDOW_MAX]))
    return found


def _counts(m: Words, program: Program, routines: tuple[str, ...]) -> dict[tuple[str, str], int]:
    base, width = int(m[L.H_OPERATIONS]), int(m[L.H_OPERATION_COUNT])
    return {
        (routine, name): int(m[at])
        for index, routine in enumerate(routines)
        for name, operation in sorted(program.operations.items())
        if m[(at := base + 2 * (index * width + operation)) + 1]
    }


def _attempts(m: Words, routines: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    base = int(m[L.H_ATTEMPTS])
    pairs = {name: (int(m[base + 2 * i]), int(m[base + 2 * i + 1])) for i, name in enumerate(routines)}
    return {name: pair for name, pair in pairs.items() if any(pair)}


def _cache(m: Words, at: int) -> tuple[int, int]:
    return int(m[at + L.CA_HITS]), int(m[at + L.CA_MISSES])


def _samples(m: Words, plan: Plan, network: Network) -> dict[str, Words]:
    """The timeline by name; the instants are under the empty name."""
    if not plan.sample_ns:
        return {"": np.zeros(0, np.int64)}
    names = [""]
    for name in [*network.resources, *network.stations]:
        names += [f"queue.{name}", f"busy.{name}"]
    names += [f"in_flight.{routine}" for routine in network.routines]
    table = read_log(m, int(m[L.H_SAMPLE]) + L.SA_LOG).reshape(-1, len(names))
    if not len(table):
        return {"": np.zeros(0, np.int64)}
    return {name: table[:, column].copy() for column, name in enumerate(names)}


def _episodes(m: Words, program: Program, network: Network) -> tuple[FaultEpisode, ...]:
    groups = node_groups(network)
    names = {program.handles[f"group {name}"]: name for name in groups}
    found = []
    at = int(m[L.H_EPISODES])
    while at:
        name = program.faults[int(m[at + L.EP_FAULT])]
        nodes: tuple[tuple[str, int], ...]
        if m[at + L.EP_ONLY]:
            nodes = ((names[int(m[at + L.EP_ONLY])], int(m[at + L.EP_ONLY + 1])),)
        else:
            nodes = _nodes_hit(m, network.faults[name], at, groups)
        found.append(FaultEpisode(name, int(m[at + L.EP_START]), int(m[at + L.EP_END]), nodes, int(m[at + L.EP_HIT])))
        at = int(m[at + L.EP_NEXT])
    return tuple(found)


def _nodes_hit(m: Words, fault: Fault, at: int, groups: dict[str, int]) -> tuple[tuple[str, int], ...]:
    nodes: list[tuple[str, int]] = []
    for number, target in enumerate(fault.targets):
        hit: Any = target.nodes
        if hit == "all":
            hit = range(groups[target.group])
        elif hit == "any":
            hit = (int(m[at + L.EP_NODES + number]),)
        nodes += [(target.group, node) for node in hit]
    return tuple(nodes)


def _monitor(m: Words, at: int, name: str) -> MonitorCount:
    put, checked, undecided, violated, kept = (int(word) for word in m[at + L.MO_TALLY : at + L.MO_TALLY + 5])
    examples = [int(word) for word in m[at + L.MO_EXAMPLES : at + L.MO_EXAMPLES + kept]]
    return MonitorCount(name, put, checked, undecided, violated, examples)


def _events(m: Words, program: Program, network: Network) -> int:
    """Arrivals, starts and ends of timed activities (services, delays, back-offs), faults and repairs."""
    stations = [program.handles[name] for name in network.stations]
    visits = sum(2 * int(m[at + L.M_SERVED]) - int(m[at + L.M_BUSY]) for at in stations)
    return int(m[L.H_ORDINAL]) + visits + int(m[L.H_ACTIVITIES])
