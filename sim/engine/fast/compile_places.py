"""Compiler of node groups, resources, stations and caches, of circuit breakers, retry budgets and timer queues."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from sim.engine.elements import UNLIMITED
from sim.engine.fast import layout as L
from sim.engine.fast.program import Fields, Program, bits
from sim.network import Network
from sim.network.facts import group_of, left_groups, node_groups
from sim.network.faults import Fault
from sim.network.places import Delay, GroupCommit, Keyed, Place, Polled, Resource, Server, TokenBucket
from sim.network.policies import TOKEN
from sim.network.routines import Acquire, Step, Use
from sim.results.histogram import BUCKETS

NO_TIMER = L.Timer.NOT_SET
DISCIPLINES = {
    "fifo": L.Discipline.FIFO,
    "lifo": L.Discipline.LIFO,
    "priority": L.Discipline.PRIORITY,
    "attribute": L.Discipline.ATTRIBUTE,
    "priority_attribute": L.Discipline.PRIORITY_ATTRIBUTE,
}
_CHOICES = {
    "round_robin": L.Choice.ROUND_ROBIN,
    "random": L.Choice.RANDOM,
    "least_loaded": L.Choice.LEAST_LOADED,
    "power_of_two": L.Choice.POWER_OF_TWO,
}
_WORD = 32  # nodes in a word of the set of those that can serve

# -- groups -------------------------------------------------------------------------------------------------


def write_groups(program: Program, network: Network) -> None:
    """Every group with its nodes, all up."""
    node = [0] * L.Node.SIZE
    node[L.Node.SINCE], node[L.Node.READY], node[L.Node.SPEED] = -1, 1, bits(1.0)
    for index, (name, count) in enumerate(node_groups(network).items()):
        at = program.record(L.Group.SIZE, {L.Group.COUNT: count, L.Group.INDEX: index}, f"group {name}")
        program.block(at + L.Group.NODES, node, count)


# -- places ------------------------------------------------------------------------------------------------


def write_places(program: Program, network: Network, faults: dict[str, Fault], steps: Sequence[Step]) -> None:
    """Every resource, station and cache, and who stands on which group. steps: all that there are."""
    targets = {target.group for fault in faults.values() for target in fault.targets}
    slowed = {
        target.group for fault in faults.values() if fault.effect in ("pause", "slow") for target in fault.targets
    }
    may_leave = left_groups(network)
    groups = node_groups(network)
    residents: dict[str, list[int]] = {name: [] for name in groups}
    choosers: dict[str, list[int]] = {name: [] for name in groups}
    for name, cache in network.caches.items():
        at = program.record(L.Cache.SIZE, {L.Cache.CAPACITY: cache.capacity}, f"cache {name}")
        program.block(at + L.Cache.NODES, [0] * L.Queue.SIZE, groups[cache.nodes])
        residents[cache.nodes].append(-at)
    requested, patient, greedy = _requested_places(steps)
    affinities = _affinities(program, network, steps)
    places = []
    for index, (name, spec) in enumerate([*network.resources.items(), *network.stations.items()]):
        fields: Fields = {
            L.Place.INDEX: index,
            L.Place.ELEMENT: program.elements[name],
            L.Place.LIMIT: -1,
            L.Place.SHED: -1,
            L.Place.TIMED_WAITS: 1,
            L.Place.TIMER: NO_TIMER,
        }
        at = program.record(L.Place.SIZE, fields, name)
        places.append(at)
        words = program.words
        if name in requested and not isinstance(spec, Delay):
            program.state(at + L.Place.STATE_WAIT, f"wait.{name}")
        if name in requested and not isinstance(spec, Resource | TokenBucket):
            program.state(at + L.Place.STATE_SERVICE, f"service.{name}")
        program.block(at + L.Place.WAITS, [0], BUCKETS)
        if isinstance(spec, Delay | TokenBucket):
            _write_bucket(program, at, spec)
            continue
        group = group_of(network, name)
        words[at + L.Place.GROUP] = program.handles[f"group {group}"]
        words[at + L.Place.COUNT] = groups[group]
        if isinstance(spec, GroupCommit | Polled):
            _write_batches(program, at, name, spec)
            residents[group].append(at)
            continue
        single = groups[group] == 1 and group not in may_leave
        _write_pool(program, at, name, spec, single, group in targets, group in slowed, name in patient)
        words[at + L.Place.EASY] = int(_is_easy(words, at, spec) and name not in greedy)
        residents[group].append(at)
        if spec.wait_at == "node" and not single:
            choosers[group].append(at)
    program.table(L.Header.PLACES, places)
    for name in residents:
        at = program.handles[f"group {name}"]
        # Stations follow resources and caches come first, as the reference engine has them.
        program.table(at + L.Group.RESIDENTS, residents[name])
        program.table(at + L.Group.CHOOSERS, choosers[name])
        program.table(at + L.Group.AFFINITIES, affinities.get(name, []))


def _affinities(program: Program, network: Network, steps: Sequence[Step]) -> dict[str, list[int]]:
    """The affinities by which units of each group's nodes are remembered, without the groups that have none."""
    slots: dict[str, list[int]] = {}
    for step in steps:
        if isinstance(step, Acquire) and step.acquire.affinity is not None:
            of_group = slots.setdefault(group_of(network, step.acquire.resource), [])
            slot = program.number(program.affinities, step.acquire.affinity)
            if slot not in of_group:
                of_group.append(slot)
    return slots


def _requested_places(steps: Sequence[Step]) -> tuple[set[str], set[str], set[str]]:
    """Places that anybody asks for; with patience; for several units at once."""
    acquires = [step.acquire for step in steps if isinstance(step, Acquire)]
    uses = [step.use for step in steps if isinstance(step, Use)]
    requested = [
        *((body.resource, body.patience) for body in acquires),
        *((body.station, body.patience) for body in uses),
    ]
    patient = {name for name, patience in requested if patience is not None}
    return {name for name, _ in requested}, patient, {body.resource for body in acquires if body.units > 1}


def _is_easy(words: Sequence[int], at: int, spec: Resource | Server) -> bool:
    """One node that never fails, first-come first-served, no limit, nothing to open or to start, no preemption."""
    kind, size, rare = (
        words[at + L.Place.KIND],
        words[at + L.Place.GRANT_SIZE],
        words[at + L.Place.DIST] or words[at + L.Place.BLOCKS],
    )
    if (
        kind not in (L.PlaceKind.RESOURCE, L.PlaceKind.SERVER)
        or size not in (L.Grant.PLAIN_SIZE, L.Grant.VISIT_SIZE)
        or rare
    ):
        return False
    return bool(words[at + L.Place.PLAIN]) and spec.queue_limit is None and not spec.preemptive


def _write_bucket(program: Program, at: int, spec: Delay | TokenBucket) -> None:
    if isinstance(spec, Delay):
        program.words[at + L.Place.KIND] = L.PlaceKind.DELAY
        return
    interval_ns = round(1e9 / spec.rate_per_s)
    limit = 0 if spec.when_empty == "reject" else spec.queue_limit
    fields: Fields = {
        L.Place.KIND: L.PlaceKind.BUCKET,
        L.Place.INTERVAL: interval_ns,
        L.Place.SLACK: interval_ns * (spec.burst - 1),
        L.Place.LIMIT: -1 if limit is None else limit,
    }
    program.fill(at, fields)


def _write_batches(program: Program, at: int, name: str, spec: GroupCommit | Polled) -> None:
    fields: Fields
    if isinstance(spec, GroupCommit):
        fields = {
            L.Place.KIND: L.PlaceKind.COMMIT,
            L.Place.BATCH: spec.batch_limit or 0,
            L.Place.REFUSES: int(spec.when_down == "refuse"),
        }
        program.draw(at + L.Place.DIST, spec.flush, f"{name}/flush")
    else:
        fields = {
            L.Place.KIND: L.PlaceKind.POLLED,
            L.Place.BATCH: spec.batch,
            L.Place.INTERVAL: spec.interval_ns,
            L.Place.SLACK: spec.interval_ns * (spec.burst - 1),
            L.Place.FOLLOWS: int(spec.follow_up),
            L.Place.TRIGGER: int(spec.trigger == "timer"),
        }
        program.draw(at + L.Place.DIST, spec.read, f"{name}/read")
        if spec.keyed is not None:
            _write_keys(program, at, name, spec.keyed)
    program.fill(at, fields)
    count = program.words[at + L.Place.COUNT]
    queue = [0] * L.BatchNode.SIZE
    queue[L.BatchNode.READ] = queue[L.BatchNode.ROUND] = NO_TIMER
    queue[L.BatchNode.ROUND + L.Round.LEFT] = -1
    program.block(at + L.Place.NODES, queue, count, {L.BatchNode.ROUND + L.Round.NODE: np.arange(count)})


def _write_keys(program: Program, at: int, name: str, keyed: Keyed) -> None:
    words = program.words
    if keyed.by == "execution":
        words[at + L.Place.KEYED], words[at + L.Place.KEY_SLOT] = 1, program.keyed
        program.keyed += 1
    else:
        words[at + L.Place.KEYED] = 2 + program.attributes[keyed.by]
    program.stream(at + L.Place.KEY_STREAM, f"{name}/key")
    if keyed.skew:
        weights = [1 / (i + 1) ** keyed.skew for i in range(words[at + L.Place.COUNT])]
        total = sum(weights)
        bounds = accumulate(weight / total for weight in weights[:-1])
        words[at + L.Place.KEY_BOUNDS] = program.put([bits(bound) for bound in bounds])


def _kind_of(spec: Place, slowed: bool) -> int:
    if not isinstance(spec, Server):
        return L.PlaceKind.RESOURCE
    if spec.setup is not None:
        return L.PlaceKind.SETUP
    return L.PlaceKind.CORES if spec.cores is not None or spec.contention is not None or slowed else L.PlaceKind.SERVER


def _write_pool(
    program: Program,
    at: int,
    name: str,
    spec: Resource | Server,
    single: bool,
    fails: bool,
    slowed: bool,
    patient: bool,
) -> None:
    words = program.words
    kind = words[at + L.Place.KIND] = _kind_of(spec, slowed)
    count = words[at + L.Place.COUNT]
    units = spec.units if isinstance(spec, Resource) else spec.servers or UNLIMITED
    fields: Fields = {
        L.Place.UNITS: units,
        L.Place.DISCIPLINE: DISCIPLINES[spec.discipline],
        L.Place.PREEMPTIVE: int(spec.preemptive),
        L.Place.LIMIT: -1 if spec.queue_limit is None else spec.queue_limit,
        L.Place.CHOICE: _CHOICES[spec.choice],
        L.Place.AT_NODE: int(spec.wait_at == "node"),
        L.Place.REFUSES: int(spec.when_down == "refuse"),
        L.Place.SINGLE: int(single),
        L.Place.PLAIN: int(single and not fails),
        L.Place.TIMED_WAITS: int(kind == L.PlaceKind.RESOURCE or (kind != L.PlaceKind.CORES and not spec.preemptive)),
        L.Place.IN_USE: units * count,
    }
    program.fill(at, fields)
    if spec.order is not None:
        words[at + L.Place.DISCIPLINE] += 2 * program.attributes[spec.order.attribute]
    if spec.shed is not None:
        spare = spec.shed.spare
        program.write(at + L.Place.SHED, [spec.shed.after_ns, int(spare is not None), spare or 0])
    program.stream(at + L.Place.CHOICE_STREAM, f"{name}/choice")
    if spec.keyed is not None:
        _write_keys(program, at, name, spec.keyed)
    ranked = not single or spec.discipline != "fifo" or patient or spec.shed is not None
    words[at + L.Place.GRANT_SIZE] = (
        L.Grant.RANKED_SIZE if ranked else L.Grant.PLAIN_SIZE if kind == L.PlaceKind.RESOURCE else L.Grant.VISIT_SIZE
    )
    if spec.order is not None:
        words[at + L.Place.GRANT_SIZE] = L.Grant.ORDERED_SIZE
    if kind == L.PlaceKind.CORES or (spec.preemptive and kind != L.PlaceKind.RESOURCE):
        words[at + L.Place.GRANT_SIZE] = L.Grant.SIZE
    opened = units
    if isinstance(spec, Resource):
        if spec.opening is not None:
            opened = units if spec.open is None else spec.open
            program.state(at + L.Place.STATE_OPENING, f"opening.{name}")
        program.draw(at + L.Place.DIST, spec.opening, f"{name}/opening")
    else:
        _write_server(program, at, name, spec, units)
    node = [0] * (L.CoresNode.SIZE if kind == L.PlaceKind.CORES else L.PlaceNode.SIZE)
    node[L.PlaceNode.FREE], node[L.PlaceNode.OPEN] = units, opened
    if kind == L.PlaceKind.CORES:
        node[L.CoresNode.TIMER], node[L.CoresNode.SPEED], node[L.CoresNode.TIMER + L.Timer.OWNER] = (
            NO_TIMER,
            L.ONE_CORE,
            at,
        )
    program.block(at + L.Place.NODES, node, count)
    _write_levels(program, at, count)


def _write_server(program: Program, at: int, name: str, spec: Server, units: int) -> None:
    program.draw(at + L.Place.DIST, spec.setup, f"{name}/setup")
    if spec.when_full == "block":
        program.state(at + L.Place.STATE_BLOCKED, f"blocked.{name}")
    cores = spec.cores if spec.cores is not None else float(units)
    fields: Fields = {
        L.Place.BLOCKS: int(spec.when_full == "block"),
        L.Place.CORES: int(cores * L.ONE_CORE),
        L.Place.SHARED_CORES: bits(cores),
    }
    if spec.contention is not None:
        fields |= {
            L.Place.CONTENTION: bits(spec.contention.contention),
            L.Place.COHERENCY: bits(spec.contention.coherency),
            L.Place.IS_CONTENDED: 1,
        }
    program.fill(at, fields)


def _write_levels(program: Program, at: int, count: int) -> None:
    """The set of nodes that can serve a newcomer: all of them."""
    levels: list[list[int]] = []
    while not levels or count > 1:
        full, rest = divmod(count, _WORD)
        levels.append([(1 << _WORD) - 1] * full + ([(1 << rest) - 1] if rest else []))
        count = len(levels[-1])
    program.table(at + L.Place.BITS, [program.put(level) for level in levels])


# -- policies ----------------------------------------------------------------------------------------------


def _owner(program: Program, network: Network, at: str | None) -> tuple[int, int, int]:
    """Handles of the resource whose nodes have a policy each, and of its group, and how many have: 0, 0, 1 without."""
    if at is None:
        return 0, 0, 1
    group = group_of(network, at)
    return program.handles[at], program.handles[f"group {group}"], node_groups(network)[group]


def write_breakers(program: Program, network: Network) -> None:
    """Every circuit breaker, closed, with nothing remembered."""
    handles = []
    for name, spec in network.breakers.items():
        place, group, count = _owner(program, network, spec.at)
        width = L.Circuit.OUTCOMES + spec.window
        fields: Fields = {
            L.Breaker.AT: place,
            L.Breaker.GROUP: group,
            L.Breaker.COUNT: count,
            L.Breaker.WIDTH: width,
            L.Breaker.WINDOW: spec.window,
            L.Breaker.OPENING: spec.opening_failures,
            L.Breaker.REOPENING: spec.reopening_failures,
            L.Breaker.OPEN: spec.open_ns,
            L.Breaker.TRIALS: spec.trials,
        }
        at = program.record(L.Breaker.SIZE, fields, f"breaker {name}")
        handles.append(at)
        program.block(at + L.Breaker.CIRCUITS, [at, *[0] * (width - 1)], count)
    program.table(L.Header.BREAKERS, handles)


def write_budgets(program: Program, network: Network) -> None:
    """Every retry budget, full."""
    handles = []
    for name, spec in network.budgets.items():
        place, group, count = _owner(program, network, spec.at)
        full = spec.burst * TOKEN
        fields: Fields = {
            L.Budget.AT: place,
            L.Budget.GROUP: group,
            L.Budget.COUNT: count,
            L.Budget.DEPOSIT: spec.deposit,
            L.Budget.FULL: full,
            L.Budget.SUM: count * full,
        }
        at = program.record(L.Budget.SIZE, fields, f"budget {name}")
        handles.append(at)
        program.block(at + L.Budget.NODES, [full], count)
    program.table(L.Header.BUDGETS, handles)


def write_timers(program: Program, network: Network) -> None:
    """Every timer queue, with nothing read."""
    for name, spec in network.timers.items():
        fields: Fields = {L.TimerQueue.AHEAD: spec.ahead_ns, L.TimerQueue.AFTER: spec.after_ns}
        program.record(L.TimerQueue.SIZE, fields, f"timers {name}")
