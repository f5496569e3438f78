"""Results: from the kernel's memory to the columns of a replication."""

from __future__ import annotations

from operator import mul

import numpy as np
from numpy.typing import NDArray

from sim.engine.fast import layout as L
from sim.engine.fast.deadlock import Knot, unending
from sim.engine.fast.program import Program
from sim.engine.fast.read_memory import chain, chains, lines_of, read_log, total, wide
from sim.engine.plan import Plan
from sim.network import Network
from sim.network.facts import group_of, node_groups, shedding
from sim.network.faults import Fault
from sim.network.places import Server
from sim.results.columns import (
    OPEN,
    BreakerUse,
    BudgetUse,
    Episodes,
    Executions,
    InFlight,
    MonitorCount,
    NodesOn,
    PlaceUse,
    Replication,
    SpanUse,
)
from sim.results.histogram import BUCKETS, Histogram

Words = NDArray[np.int64]

# A note on a closed execution: routine << 32 | of the cohort << 31 | failure << 3 | outcome.
_ROUTINE_SHIFT = 32
_COHORT = 1 << 31
_ERROR_SHIFT = 3
_ERROR = _COHORT - (1 << _ERROR_SHIFT)
_OUTCOME = (1 << _ERROR_SHIFT) - 1
_BLOCK = 1 << 14
"""Rows looked at together: what is worked out on the way stays in the processor's cache."""


def replication_of(
    network: Network, program: Program, plan: Plan, m: Words, followed_ns: int, is_idle: bool, stays: bool
) -> Replication:
    """What the run leaves behind. is_idle: no event is left. stays: no other run will write into this memory."""
    routines = tuple(network.routines)
    places = {
        name: _place(m, network, program.handles[name], name, kind)
        for kind, names in (("resource", network.resources), ("station", network.stations))
        for name in names
    }
    samples = _samples(m, plan, network)
    stuck = Knot(network, program, m).deadlock()
    return Replication(
        index=plan.replication,
        engine="fast",
        routines=routines,
        begin_ns=plan.warmup_ns,
        horizon_ns=plan.horizon_ns,
        followed_ns=followed_ns,
        end_ns=int(m[L.Header.NOW]),
        executions=_executions(m, program, stays),
        places=places,
        spans=_spans(m, network, program),
        in_flight=_in_flight(m, program, network),
        counts=_counts(m, program, routines),
        attempts=_attempts(m, routines),
        off_path_ns=wide(m, L.Header.OFF_PATH),
        caches={name: _cache(m, program.handles[f"cache {name}"]) for name in network.caches},
        sample_ns=samples.pop(""),
        samples=samples,
        reactions_ns=read_log(m, L.Header.REACTIONS),
        episodes=_episodes(m, program, network),
        monitors=tuple(_monitor(m, program.handles[f"monitor {name}"], name) for name in network.monitors),
        events=events_of(m, program, network),
        findings=() if stuck is not None else tuple(unending(m, is_idle)),
        nodes_on={
            name: _nodes_on(m, program.handles[f"controller {name}"], controller.of)
            for name, controller in network.controllers.items()
        },
        breakers={name: _breaker(m, program.handles[f"breaker {name}"]) for name in network.breakers},
        budgets={name: _budget(m, program.handles[f"budget {name}"]) for name in network.budgets},
        deadlock=stuck,
    )


# -- executions --------------------------------------------------------------------------------------------


def _executions(m: Words, program: Program, stays: bool) -> Executions:
    """Where the memory stays, no time is copied, and the cohort is written over the notes that told of it."""
    count = int(m[L.Header.ORDINAL])
    start, end, notes = (m[int(m[word]) :][:count] for word in (L.Header.ROWS, L.Header.ROW_ENDS, L.Header.ROW_NOTES))
    if not stays:
        start, end = start.copy(), end.copy()
    if count and end.min() < 0:
        for first in range(0, count, _BLOCK):
            still_open = first + np.flatnonzero(end[first : first + _BLOCK] < 0)
            notes[still_open] = _notes_of_open(m, -end[still_open])
            end[still_open] = -1
    outcome, routine = np.empty(count, np.int8), np.empty(count, np.int16)
    cohort, members = notes if stays else np.empty(count, np.int64), 0
    errors: dict[int, str] = {}
    names, every = list(program.errors), np.arange(_BLOCK)
    for first in range(0, count, _BLOCK):
        here = notes[first : first + _BLOCK]
        np.bitwise_and(here, _OUTCOME, out=outcome[first : first + _BLOCK], casting="unsafe")
        np.right_shift(here, _ROUTINE_SHIFT, out=routine[first : first + _BLOCK], casting="unsafe")
        if np.bitwise_or.reduce(here) & _ERROR:
            failed = np.flatnonzero(here & _ERROR)
            codes = ((here[failed] & _ERROR) >> _ERROR_SHIFT).tolist()
            errors.update(zip((failed + first).tolist(), map(names.__getitem__, codes), strict=True))
        found = every[: len(here)] if np.bitwise_and.reduce(here) & _COHORT else np.flatnonzero(here & _COHORT)
        np.add(found, first, out=cohort[members : members + len(found)])
        members += len(found)
    cohort = cohort[:members]
    states, table = _split(m, program, cohort, end, stays)
    parent = m[int(m[L.Header.ROW_PARENTS]) :][:count] if m[L.Header.ROW_PARENTS] else None
    if parent is not None and not stays:
        parent = parent.copy()
    return Executions(start, end, outcome, routine, cohort, states, table, errors, parent)


def _notes_of_open(m: Words, jobs: Words) -> Words:
    """Notes such as closed rows have, for those that are still open. One that was dropped has its source + 1 here."""
    dropped = jobs < L.Header.SIZE
    state = m[np.where(dropped, 0, jobs) + L.Job.STATE]
    source = np.where(dropped, jobs - 1, state >> L.Job.SOURCE_SHIFT)
    notes: Words = (m[m[m[L.Header.SOURCES] + source] + L.Source.ROUTINE] << _ROUTINE_SHIFT) + OPEN
    notes[~dropped & (state & L.Job.COHORT != 0)] += _COHORT
    return notes


def _split(m: Words, program: Program, cohort: Words, end: Words, stays: bool) -> tuple[tuple[str, ...], Words]:
    """Times by state of the cohort; only states in which time was spent, by name. What is still open has none."""
    width, first, count = int(m[L.Header.STATES]), int(cohort[0]) if len(cohort) else 0, len(cohort)
    written = m[int(m[L.Header.SPLITS]) :][: len(end) * width].reshape(len(end), width)
    in_a_row = count == 0 or cohort[-1] - first == count - 1
    table = written[first : first + count] if in_a_row else written[cohort]
    table[(end[first : first + count] if in_a_row else end[cohort]) < 0] = 0
    used = [number for number in range(width) if table[:1000, number].any() or table[:, number].any()]
    if len(used) < width:
        table = table[:, used].copy()
    elif in_a_row and not stays:
        table = table.copy()
    names = list(program.states)
    return tuple(names[number] for number in used), table


# -- places ------------------------------------------------------------------------------------------------


def _place(m: Words, network: Network, at: int, name: str, kind: str) -> PlaceUse:
    now = int(m[L.Header.NOW])
    passed = now - int(m[at + L.Place.LAST])
    busy, waiting = int(m[at + L.Place.BUSY]), int(m[at + L.Place.WAITING])
    held_now, waited_now = _present(m, at, now)
    begin, end = at + L.Place.MARKED, at + L.Place.MARKED + L.Marked.SIZE

    def area(word: L.At) -> int:
        return wide(m, end + word) - wide(m, begin + word)

    def count(word: L.At) -> int:
        return int(m[end + word]) - int(m[begin + word])

    units: float = float(m[at + L.Place.IN_USE])
    speed = excess = batches = None
    what = int(m[at + L.Place.KIND])
    if what in (L.PlaceKind.CORES, L.PlaceKind.COMMIT, L.PlaceKind.POLLED):
        speed, excess = area(L.Marked.WORK) / L.ONE_CORE, area(L.Marked.EXCESS) / L.ONE_CORE
        units = float(m[at + L.Place.COUNT]) if what == L.PlaceKind.POLLED else 1.0
    if what == L.PlaceKind.CORES:
        station = network.stations[name]
        assert isinstance(station, Server)
        cores = station.cores if station.cores is not None else float(m[at + L.Place.UNITS])
        group = group_of(network, name)
        units = cores * node_groups(network)[group]
        if any(controller.nodes == group for controller in network.controllers.values()):
            window_ns = int(m[L.Header.HORIZON]) - int(m[L.Header.BEGIN])
            units = cores * (area(L.Marked.IN_USE_AREA) / (int(m[at + L.Place.UNITS]) * window_ns))
    if what in (L.PlaceKind.COMMIT, L.PlaceKind.POLLED):
        batches = count(L.Marked.BATCHES)
    histogram = int(m[at + L.Place.WAITS])
    return PlaceUse(
        name=name,
        kind=kind,
        units=units,
        busy_area=area(L.Marked.BUSY_AREA),
        waiting_area=area(L.Marked.WAIT_AREA),
        units_area=area(L.Marked.IN_USE_AREA),
        requested=count(L.Marked.REQUESTED),
        served=count(L.Marked.SERVED),
        abandoned=count(L.Marked.ABANDONED),
        rejected=count(L.Marked.REJECTED),
        refused=count(L.Marked.REFUSED),
        waited=int(m[at + L.Place.WAITED]),
        max_waiting=int(m[at + L.Place.MAX]),
        waits=Histogram.of_counts(m[histogram : histogram + BUCKETS]),
        wait_sum_ns=wide(m, at + L.Place.WINDOW_SUM),
        wait_count=int(m[at + L.Place.WINDOW_COUNT]),
        speed_area=speed,
        excess_area=excess,
        all_busy_area=wide(m, at + L.Place.BUSY_AREA) + busy * passed,
        all_waiting_area=wide(m, at + L.Place.WAIT_AREA) + waiting * passed,
        all_held_sum=wide(m, at + L.Place.HELD_SUM) + held_now,
        all_wait_sum=wide(m, at + L.Place.WAIT_SUM) + waited_now,
        all_served=int(m[at + L.Place.SERVED]),
        all_requested=int(m[at + L.Place.REQUESTED]),
        all_gone=int(m[at + L.Place.ABANDONED] + m[at + L.Place.REJECTED] + m[at + L.Place.REFUSED]),
        peak_excess=bool(m[at + L.Place.OVERDRAWN]),
        still_waiting=waiting,
        still_busy=busy,
        batches=batches,
    )


def _present(m: Words, at: int, now: int) -> tuple[int, int]:
    """What those still there have held and waited so far, in ns, by asking each of them."""
    kind = int(m[at + L.Place.KIND])
    if kind < L.PlaceKind.DELAY:
        holders = np.array(chains(m, at, L.PlaceNode.HOLDERS) if m[at + L.Place.BUSY] else [], np.int64)
        waiting = np.array(lines_of(m, at) if m[at + L.Place.WAITING] else [], np.int64)
        held = now - m[holders + L.Grant.TIME]
        units = m[(m[holders] >> 31) + L.AcquireStep.UNITS]
        if len(units) and units.max() > 1:
            return sum(map(mul, units.tolist(), held.tolist())), total(now - m[waiting + L.Grant.TIME])
        return total(held), total(now - m[waiting + L.Grant.TIME])
    if kind == L.PlaceKind.DELAY:
        return _in_room(m, at, now), 0
    lines, rounds = [at + L.Place.TOKEN_QUEUE], []
    if kind != L.PlaceKind.BUCKET:
        queues = [int(m[at + L.Place.NODES]) + node * L.BatchNode.SIZE for node in range(int(m[at + L.Place.COUNT]))]
        lines = [queue + L.BatchNode.QUEUE for queue in queues]
        rounds = [queue + L.BatchNode.ROUND for queue in queues]
    served = [customer for r in rounds for customer in chain(m, int(m[r + L.Round.FIRST]), L.Customer.LINKS)]
    asking = [customer for line in lines for customer in chain(m, int(m[line]), L.Customer.LINKS)]
    return (
        total(now - m[np.array(served, np.int64) + L.Customer.GRANTED]),
        total(now - m[np.array(asking, np.int64) + L.Customer.REQUESTED]),
    )


def _in_room(m: Words, at: int, now: int) -> int:
    """Time spent so far by those in a delay station: their timers are set."""
    if not m[at + L.Place.BUSY]:
        return 0
    base, count = int(m[L.Header.HEAP + L.Heap.BASE]), int(m[L.Header.HEAP])
    jobs = m[base + 1 : base + 2 * count : 2][1 if m[L.Header.HEAP + L.Heap.HOLE] else 0 :]
    jobs = jobs[m[jobs] >> L.Timer.DUE_SHIFT & L.Timer.DUE_MASK == L.Due.JOB]
    jobs = jobs[m[jobs + L.Job.STATE] >> L.Job.WAIT_SHIFT & L.Job.WAIT_MASK == L.Wait.DELAY_STATION]
    here = m[(m[jobs + L.Job.STATE] & L.LOW) + L.UseStep.PLACE] == at
    return total(now - m[jobs[here] + L.Job.SINCE])


# -- the rest ----------------------------------------------------------------------------------------------


def _spans(m: Words, network: Network, program: Program) -> dict[str, SpanUse]:
    found = {}
    for name, span in network.spans.items():
        pairs = read_log(m, program.handles[f"span {name}"])
        ended, durations = pairs[0::2].copy(), pairs[1::2].copy()
        metric = span.metric or f"span.{name}"
        histogram = Histogram.of(durations)
        found[metric] = SpanUse(
            metric, histogram, total(durations), len(durations), ended, durations, span.after_crash is not None
        )
    return found


def _in_flight(m: Words, program: Program, network: Network) -> dict[str, InFlight]:
    started = {source.routine for source in network.sources.values()} | set(program.children.values())
    found = {}
    for index, name in enumerate(network.routines):
        if name in started:
            found[name] = InFlight(*_level(m, int(m[L.Header.ROUTINES]) + index * L.Level.SIZE))
    return found


def _level(m: Words, at: int) -> tuple[int, int]:
    """Its integral over the window, and the most in it."""
    return wide(m, at + L.Level.MARKED + 2) - wide(m, at + L.Level.MARKED), int(m[at + L.Level.WINDOW_MAX])


def _nodes_on(m: Words, at: int, of: tuple[str, ...]) -> NodesOn:
    starts = int(m[at + L.Controller.MARKED_STARTS + 1]) - int(m[at + L.Controller.MARKED_STARTS])
    return NodesOn(*_level(m, at + L.Controller.KEPT), starts, of)


def _breaker(m: Words, at: int) -> BreakerUse:
    return BreakerUse(
        *(int(m[at + word]) for word in (L.Breaker.COUNT, L.Breaker.REQUESTED, L.Breaker.TURNED, L.Breaker.OPENED))
    )


def _budget(m: Words, at: int) -> BudgetUse:
    return BudgetUse(int(m[at + L.Budget.WANTED]), int(m[at + L.Budget.WITHHELD]))


def _counts(m: Words, program: Program, routines: tuple[str, ...]) -> dict[tuple[str, str], int]:
    base, width = int(m[L.Header.OPERATIONS]), int(m[L.Header.OPERATIONS + L.Table.COUNT])
    return {
        (routine, name): int(m[at])
        for index, routine in enumerate(routines)
        for name, operation in sorted(program.operations.items())
        if m[(at := base + 2 * (index * width + operation)) + 1]
    }


def _attempts(m: Words, routines: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    base = int(m[L.Header.ATTEMPTS])
    pairs = {name: (int(m[base + 2 * i]), int(m[base + 2 * i + 1])) for i, name in enumerate(routines)}
    return {name: pair for name, pair in pairs.items() if any(pair)}


def _cache(m: Words, at: int) -> tuple[int, int]:
    return int(m[at + L.Cache.HITS]), int(m[at + L.Cache.MISSES])


def _samples(m: Words, plan: Plan, network: Network) -> dict[str, Words]:
    """The timeline by name; the instants are under the empty name."""
    if not plan.sample_ns:
        return {"": np.zeros(0, np.int64)}
    names = [""]
    for name in [*network.resources, *network.stations]:
        names += [f"queue.{name}", f"busy.{name}"]
    names += [f"in_flight.{routine}" for routine in network.routines]
    names += [f"nodes.{name}" for name in network.controllers]
    names += [f"breaker.{name}" for name in network.breakers]
    names += [f"budget.{name}" for name in network.budgets]
    names += [f"rejected.{name}" for name in shedding(network)]
    table = read_log(m, int(m[L.Header.SAMPLE]) + L.Sampler.LOG).reshape(-1, len(names))
    if not len(table):
        return {"": np.zeros(0, np.int64)}
    return {name: table[:, column].copy() for column, name in enumerate(names)}


def _episodes(m: Words, program: Program, network: Network) -> Episodes:
    groups, faults = node_groups(network), tuple(network.faults)
    handles = np.array(chain(m, int(m[L.Header.EPISODES]), L.Episode.NEXT), np.int64)
    fault = np.array([faults.index(name) for name in program.faults], np.int64)[m[handles + L.Episode.FAULT]]
    kinds = 2 * fault + m[handles + L.Episode.ALL]
    width = np.zeros(len(fault), np.int64)
    hits: list[tuple[Words, Words]] = []
    for kind in np.unique(kinds).tolist():
        rows = np.flatnonzero(kinds == kind)
        pairs = _nodes_hit(m, program, network.faults[faults[kind // 2]], handles[rows], groups, kind % 2 == 1)
        hits.append((rows, pairs))
        width[rows] = pairs.shape[1]
    first = np.concatenate(([0], np.cumsum(width)))
    nodes = np.empty((int(first[-1]), 2), np.int64)
    for rows, pairs in hits:
        nodes[first[rows][:, np.newaxis] + np.arange(pairs.shape[1])] = pairs
    start, down, end, hit = (
        m[handles + word] for word in (L.Episode.START, L.Episode.DOWN, L.Episode.END, L.Episode.HIT)
    )
    return Episodes(faults, tuple(groups), fault, start, end, hit, first, nodes, down)


def _nodes_hit(
    m: Words, program: Program, fault: Fault, episodes: Words, groups: dict[str, int], common: bool
) -> Words:
    """The nodes that each of some episodes of a fault has hit, as pairs (group, node); a row an episode.

    common: whether these episodes took all nodes of the targets.
    """
    names = list(groups)
    if fault.each and not common:
        known = [program.handles[f"group {name}"] for name in names]  # in ascending order, as they were written
        group = np.searchsorted(known, m[episodes + L.Episode.ONLY])
        return np.stack((group, m[episodes + L.Episode.ONLY_NODE]), axis=1)[:, np.newaxis]
    parts = []
    for number, target in enumerate(fault.targets):
        if target.nodes == "any" and not common:
            nodes = m[episodes + L.Episode.NODES + number][:, np.newaxis]
        else:
            listed = range(groups[target.group]) if isinstance(target.nodes, str) else target.nodes
            nodes = np.repeat(np.array(listed, np.int64)[np.newaxis], len(episodes), axis=0)
        parts.append(np.stack((np.full_like(nodes, names.index(target.group)), nodes), axis=2))
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(episodes), 0, 2), np.int64)


def _monitor(m: Words, at: int, name: str) -> MonitorCount:
    put, checked, undecided, violated, kept = (
        int(word) for word in m[at + L.Monitor.TALLY : at + L.Monitor.TALLY + 5]
    )
    examples = [int(word) for word in m[at + L.Monitor.EXAMPLES : at + L.Monitor.EXAMPLES + kept]]
    return MonitorCount(name, put, checked, undecided, violated, examples)


def events_of(m: Words, program: Program, network: Network) -> int:
    """Arrivals, starts and ends of timed activities (services, delays, back-offs), faults and repairs."""
    stations = [program.handles[name] for name in network.stations]
    visits = sum(2 * int(m[at + L.Place.SERVED]) - int(m[at + L.Place.BUSY]) for at in stations)
    return int(m[L.Header.ORDINAL]) + visits + int(m[L.Header.ACTIVITIES])
