"""Compiler of node groups, resources, stations and caches, of circuit breakers, retry budgets and timer queues."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from sim.draws.build import inverse_of
from sim.engine.elements import UNLIMITED
from sim.engine.fast import layout as L
from sim.engine.fast.program import Program, bits
from sim.network import Network
from sim.network.distributions import Distribution
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
        at = program.room(L.Group.SIZE)
        program.handles[f"group {name}"] = at
        program.words[at + L.Group.COUNT] = count
        program.words[at + L.Group.INDEX] = index
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
        at = program.room(L.Cache.SIZE)
        program.handles[f"cache {name}"] = at
        program.words[at + L.Cache.CAPACITY] = cache.capacity
        program.block(at + L.Cache.NODES, [0, 0, 0], groups[cache.nodes])
        residents[cache.nodes].append(-at)
    asked, patient, greedy = _asked_for(steps)
    affinities = _affinities(program, network, steps)
    places = []
    for index, (name, spec) in enumerate([*network.resources.items(), *network.stations.items()]):
        at = program.room(L.Place.SIZE)
        places.append(at)
        program.handles[name] = at
        words = program.words
        words[at + L.Place.INDEX], words[at + L.Place.ELEMENT] = index, program.elements[name]
        if name in asked and not isinstance(spec, Delay):
            program.state(at + L.Place.STATE_WAIT, f"wait.{name}")
        if name in asked and not isinstance(spec, Resource | TokenBucket):
            program.state(at + L.Place.STATE_SERVICE, f"service.{name}")
        program.block(at + L.Place.WAITS, [0], BUCKETS)
        words[at + L.Place.LIMIT], words[at + L.Place.SHED], words[at + L.Place.TIMED_WAITS] = -1, -1, 1
        words[at + L.Place.TIMER] = words[at + L.Place.ROUND] = NO_TIMER
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
    program.words[L.Header.PLACES] = program.put(places)
    program.words[L.Header.PLACE_COUNT] = len(places)
    for name in residents:
        at = program.handles[f"group {name}"]
        # Stations follow resources and caches come first, as the reference engine has them.
        program.write(at + L.Group.RESIDENTS, [program.put(residents[name]), len(residents[name])])
        program.write(at + L.Group.CHOOSERS, [program.put(choosers[name]), len(choosers[name])])
        slots = affinities.get(name, [])
        program.write(at + L.Group.AFFINITIES, [program.put(slots), len(slots)])


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


def _asked_for(steps: Sequence[Step]) -> tuple[set[str], set[str], set[str]]:
    """Places that anybody asks for; with patience; for several units at once."""
    asked, patient, greedy = set(), set(), set()
    for step in steps:
        if isinstance(step, Acquire):
            asked.add(step.acquire.resource)
            if step.acquire.patience is not None:
                patient.add(step.acquire.resource)
            if step.acquire.units > 1:
                greedy.add(step.acquire.resource)
        elif isinstance(step, Use):
            asked.add(step.use.station)
            if step.use.patience is not None:
                patient.add(step.use.station)
    return asked, patient, greedy


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


def _draws(program: Program, at: int, distribution: Distribution | None, stream: str) -> None:
    if distribution is not None:
        program.words[at + L.Place.DIST] = program.distribution(inverse_of(distribution))
        program.stream(at + L.Place.STREAM, stream)


def _write_bucket(program: Program, at: int, spec: Delay | TokenBucket) -> None:
    words = program.words
    if isinstance(spec, Delay):
        words[at + L.Place.KIND] = L.PlaceKind.DELAY
        return
    words[at + L.Place.KIND] = L.PlaceKind.BUCKET
    words[at + L.Place.INTERVAL] = round(1e9 / spec.rate_per_s)
    words[at + L.Place.SLACK] = words[at + L.Place.INTERVAL] * (spec.burst - 1)
    limit = 0 if spec.when_empty == "reject" else spec.queue_limit
    words[at + L.Place.LIMIT] = -1 if limit is None else limit


def _write_batches(program: Program, at: int, name: str, spec: GroupCommit | Polled) -> None:
    words = program.words
    if isinstance(spec, GroupCommit):
        words[at + L.Place.KIND] = L.PlaceKind.COMMIT
        words[at + L.Place.BATCH] = spec.batch_limit or 0
        words[at + L.Place.REFUSES] = int(spec.when_down == "refuse")
        words[at + L.Place.ROUND + L.Round.LEFT] = -1
        _draws(program, at, spec.flush, f"{name}/flush")
        return
    words[at + L.Place.KIND] = L.PlaceKind.POLLED
    words[at + L.Place.BATCH], words[at + L.Place.INTERVAL] = spec.batch, spec.interval_ns
    words[at + L.Place.SLACK] = spec.interval_ns * (spec.burst - 1)
    words[at + L.Place.FOLLOWS] = int(spec.follow_up)
    words[at + L.Place.TRIGGER] = int(spec.trigger == "timer")
    _draws(program, at, spec.read, f"{name}/read")
    if spec.keyed is not None:
        _write_keys(program, at, name, spec.keyed)
    count = words[at + L.Place.COUNT]
    queue = [0] * L.PolledNode.SIZE
    queue[L.PolledNode.READ] = queue[L.PolledNode.ROUND] = NO_TIMER
    queue[L.PolledNode.ROUND + L.Round.LEFT] = -1
    program.block(at + L.Place.NODES, queue, count, {L.PolledNode.ROUND + L.Round.NODE: np.arange(count)})


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
    words[at + L.Place.UNITS] = units
    words[at + L.Place.DISCIPLINE] = DISCIPLINES[spec.discipline]
    if spec.order is not None:
        words[at + L.Place.DISCIPLINE] += 2 * program.attributes[spec.order.attribute]
    words[at + L.Place.PREEMPTIVE] = int(spec.preemptive)
    words[at + L.Place.LIMIT] = -1 if spec.queue_limit is None else spec.queue_limit
    if spec.shed is not None:
        spare = spec.shed.spare
        program.write(at + L.Place.SHED, [spec.shed.after_ns, int(spare is not None), spare or 0])
    words[at + L.Place.CHOICE] = _CHOICES[spec.choice]
    program.stream(at + L.Place.CHOICE_STREAM, f"{name}/choice")
    words[at + L.Place.AT_NODE] = int(spec.wait_at == "node")
    words[at + L.Place.REFUSES] = int(spec.when_down == "refuse")
    words[at + L.Place.SINGLE] = int(single)
    words[at + L.Place.PLAIN] = int(single and not fails)
    words[at + L.Place.TIMED_WAITS] = int(
        kind == L.PlaceKind.RESOURCE or (kind != L.PlaceKind.CORES and not spec.preemptive)
    )
    words[at + L.Place.IN_USE] = units * count
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
        _draws(program, at, spec.opening, f"{name}/opening")
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
    words = program.words
    _draws(program, at, spec.setup, f"{name}/setup")
    words[at + L.Place.BLOCKS] = int(spec.when_full == "block")
    if spec.when_full == "block":
        program.state(at + L.Place.STATE_BLOCKED, f"blocked.{name}")
    cores = spec.cores if spec.cores is not None else float(units)
    words[at + L.Place.CORES] = int(cores * L.ONE_CORE)
    words[at + L.Place.SHARED_CORES] = bits(cores)
    if spec.contention is not None:
        words[at + L.Place.CONTENTION] = bits(spec.contention.contention)
        words[at + L.Place.COHERENCY] = bits(spec.contention.coherency)
        words[at + L.Place.IS_CONTENDED] = 1


def _write_levels(program: Program, at: int, count: int) -> None:
    """The set of nodes that can serve a newcomer: all of them."""
    levels = []
    while True:
        full, rest = divmod(count, _WORD)
        levels.append([(1 << _WORD) - 1] * full + ([(1 << rest) - 1] if rest else []))
        count = len(levels[-1])
        if count == 1:
            break
    bases = [program.put(level) for level in levels]
    program.words[at + L.Place.BITS] = program.put(bases)
    program.words[at + L.Place.LEVELS] = len(levels)


# -- policies ----------------------------------------------------------------------------------------------


def write_breakers(program: Program, network: Network) -> None:
    """Every circuit breaker, closed, with nothing remembered."""
    groups, handles = node_groups(network), []
    for name, spec in network.breakers.items():
        at = program.room(L.Breaker.SIZE)
        program.handles[f"breaker {name}"] = at
        handles.append(at)
        words, count = program.words, 1
        if spec.at is not None:
            group = group_of(network, spec.at)
            count = groups[group]
            words[at + L.Breaker.AT], words[at + L.Breaker.GROUP] = (
                program.handles[spec.at],
                program.handles[f"group {group}"],
            )
        words[at + L.Breaker.COUNT], words[at + L.Breaker.WIDTH] = count, L.Circuit.OUTCOMES + spec.window
        words[at + L.Breaker.WINDOW], words[at + L.Breaker.OPENING] = spec.window, spec.opening_failures
        words[at + L.Breaker.TRIALS], words[at + L.Breaker.REOPENING] = spec.trials, spec.reopening_failures
        words[at + L.Breaker.OPEN] = spec.open_ns
        program.block(at + L.Breaker.CIRCUITS, [at, *[0] * (words[at + L.Breaker.WIDTH] - 1)], count)
    program.words[L.Header.BREAKERS], program.words[L.Header.BREAKER_COUNT] = program.put(handles), len(handles)


def write_budgets(program: Program, network: Network) -> None:
    """Every retry budget, full."""
    groups, handles = node_groups(network), []
    for name, spec in network.budgets.items():
        at = program.room(L.Budget.SIZE)
        program.handles[f"budget {name}"] = at
        handles.append(at)
        words, count, full = program.words, 1, spec.burst * TOKEN
        if spec.at is not None:
            group = group_of(network, spec.at)
            count = groups[group]
            words[at + L.Budget.AT], words[at + L.Budget.GROUP] = (
                program.handles[spec.at],
                program.handles[f"group {group}"],
            )
        words[at + L.Budget.COUNT], words[at + L.Budget.DEPOSIT], words[at + L.Budget.FULL] = count, spec.deposit, full
        words[at + L.Budget.SUM] = count * full
        program.block(at + L.Budget.NODES, [full], count)
    program.words[L.Header.BUDGETS], program.words[L.Header.BUDGET_COUNT] = program.put(handles), len(handles)


def write_timers(program: Program, network: Network) -> None:
    """Every timer queue, with nothing read."""
    for name, spec in network.timers.items():
        at = program.room(L.TimerQueue.SIZE)
        program.handles[f"timers {name}"] = at
        program.words[at + L.TimerQueue.AHEAD], program.words[at + L.TimerQueue.AFTER] = spec.ahead_ns, spec.after_ns
