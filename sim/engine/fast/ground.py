"""From node groups, resources, stations and caches to words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from sim.draws.build import inverse_of
from sim.engine.elements import UNLIMITED
from sim.engine.fast.layout import (
    BUCKET,
    CA_CAPACITY,
    CA_NODES,
    CA_SIZE,
    COMMIT,
    D_READY,
    D_SINCE,
    D_SIZE,
    D_SPEED,
    DELAY,
    FIFO,
    G_FULL,
    G_PLAIN,
    G_RANKED,
    G_VISIT,
    GR_AFFINITIES,
    GR_CHOOSERS,
    GR_COUNT,
    GR_INDEX,
    GR_NODES,
    GR_RESIDENTS,
    GR_SIZE,
    H_PLACE_COUNT,
    H_PLACES,
    K_READ,
    K_ROUND,
    K_SIZE,
    LEAST_LOADED,
    LIFO,
    M_UNITS,
    M_WAITS,
    N_FREE,
    N_OPEN,
    N_SIZE,
    NOT_SET,
    ONE_CORE,
    P_ALARM,
    P_AT_NODE,
    P_BATCH,
    P_BITS,
    P_BLOCKS,
    P_CHOICE,
    P_CHOICE_STREAM,
    P_CONTENTION,
    P_CORES,
    P_COUNT,
    P_DIST,
    P_EASY,
    P_ELEMENT,
    P_FOLLOWS,
    P_GRANT_SIZE,
    P_GROUP,
    P_INDEX,
    P_INTERVAL,
    P_KEY_BOUNDS,
    P_KEY_SLOT,
    P_KEY_STREAM,
    P_KEYED,
    P_KIND,
    P_LEVELS,
    P_LIMIT,
    P_NODES,
    P_PLAIN,
    P_PREEMPTIVE,
    P_QUEUE,
    P_REFUSES,
    P_ROUND,
    P_SHED,
    P_SINGLE,
    P_SIZE,
    P_SLACK,
    P_ST_BLOCKED,
    P_ST_OPENING,
    P_ST_SERVICE,
    P_ST_WAIT,
    P_STREAM,
    P_TIMED_WAITS,
    P_TRIGGER,
    P_UNITS,
    POLLED,
    POWER_OF_TWO,
    PRIORITY,
    R_LEFT,
    R_NODE,
    RANDOM,
    RESOURCE,
    ROUND_ROBIN,
    S_ALARM,
    S_SIZE,
    S_SPEED,
    SERVER,
    SETUP,
    SHARED,
)
from sim.engine.fast.program import Program, bits
from sim.network import Network
from sim.network.distributions import Distribution
from sim.network.facts import group_of, left_groups, node_groups
from sim.network.faults import Fault
from sim.network.places import Delay, GroupCommit, Keyed, Place, Polled, Resource, Server, TokenBucket
from sim.network.routines import Acquire, Step, Use
from sim.results.histogram import BUCKETS

NO_ALARM = NOT_SET
_QUEUES = {"fifo": FIFO, "lifo": LIFO, "priority": PRIORITY}
_CHOICES = {
    "round_robin": ROUND_ROBIN,
    "random": RANDOM,
    "least_loaded": LEAST_LOADED,
    "power_of_two": POWER_OF_TWO,
}
_WORD = 32  # nodes in a word of the set of those that can serve

# -- groups -------------------------------------------------------------------------------------------------


def write_groups(program: Program, network: Network) -> None:
    """Every group with its nodes, all up."""
    node = [0] * D_SIZE
    node[D_SINCE], node[D_READY], node[D_SPEED] = -1, 1, bits(1.0)
    for index, (name, count) in enumerate(node_groups(network).items()):
        at = program.room(GR_SIZE)
        program.handles[f"group {name}"] = at
        program.words[at + GR_COUNT] = count
        program.words[at + GR_INDEX] = index
        program.block(at + GR_NODES, node, count)


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
        at = program.room(CA_SIZE)
        program.handles[f"cache {name}"] = at
        program.words[at + CA_CAPACITY] = cache.capacity
        program.block(at + CA_NODES, [0, 0, 0], groups[cache.nodes])
        residents[cache.nodes].append(-at)
    asked, patient, greedy = _asked_for(steps)
    affinities = _affinities(program, network, steps)
    places = []
    for index, (name, spec) in enumerate([*network.resources.items(), *network.stations.items()]):
        at = program.room(P_SIZE)
        places.append(at)
        program.handles[name] = at
        words = program.words
        words[at + P_INDEX], words[at + P_ELEMENT] = index, program.elements[name]
        if name in asked and not isinstance(spec, Delay):
            program.state(at + P_ST_WAIT, f"wait.{name}")
        if name in asked and not isinstance(spec, Resource | TokenBucket):
            program.state(at + P_ST_SERVICE, f"service.{name}")
        program.block(at + M_WAITS, [0], BUCKETS)
        words[at + P_LIMIT], words[at + P_SHED], words[at + P_TIMED_WAITS] = -1, -1, 1
        words[at + P_ALARM] = words[at + P_ROUND] = NO_ALARM
        if isinstance(spec, Delay | TokenBucket):
            _write_bucket(program, at, spec)
            continue
        group = group_of(network, name)
        words[at + P_GROUP] = program.handles[f"group {group}"]
        words[at + P_COUNT] = groups[group]
        if isinstance(spec, GroupCommit | Polled):
            _write_batches(program, at, name, spec)
            residents[group].append(at)
            continue
        single = groups[group] == 1 and group not in may_leave
        _write_pool(program, at, name, spec, single, group in targets, group in slowed, name in patient)
        words[at + P_EASY] = int(_is_easy(words, at, spec) and name not in greedy)
        residents[group].append(at)
        if spec.wait_at == "node" and not single:
            choosers[group].append(at)
    program.words[H_PLACES] = program.put(places)
    program.words[H_PLACE_COUNT] = len(places)
    for name in residents:
        at = program.handles[f"group {name}"]
        # Stations follow resources and caches come first, as the reference engine has them.
        program.write(at + GR_RESIDENTS, [program.put(residents[name]), len(residents[name])])
        program.write(at + GR_CHOOSERS, [program.put(choosers[name]), len(choosers[name])])
        slots = affinities.get(name, [])
        program.write(at + GR_AFFINITIES, [program.put(slots), len(slots)])


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
    kind, size, rare = words[at + P_KIND], words[at + P_GRANT_SIZE], words[at + P_DIST] or words[at + P_BLOCKS]
    if kind not in (RESOURCE, SERVER) or size not in (G_PLAIN, G_VISIT) or rare:
        return False
    return bool(words[at + P_PLAIN]) and spec.queue_limit is None and not spec.preemptive


def _draws(program: Program, at: int, distribution: Distribution | None, stream: str) -> None:
    if distribution is not None:
        program.words[at + P_DIST] = program.distribution(inverse_of(distribution))
        program.stream(at + P_STREAM, stream)


def _write_bucket(program: Program, at: int, spec: Delay | TokenBucket) -> None:
    words = program.words
    if isinstance(spec, Delay):
        words[at + P_KIND] = DELAY
        return
    words[at + P_KIND] = BUCKET
    words[at + P_INTERVAL] = round(1e9 / spec.rate_per_s)
    words[at + P_SLACK] = words[at + P_INTERVAL] * (spec.burst - 1)
    limit = 0 if spec.when_empty == "reject" else spec.queue_limit
    words[at + P_LIMIT] = -1 if limit is None else limit


def _write_batches(program: Program, at: int, name: str, spec: GroupCommit | Polled) -> None:
    words = program.words
    if isinstance(spec, GroupCommit):
        words[at + P_KIND] = COMMIT
        words[at + P_BATCH] = spec.batch_limit or 0
        words[at + P_REFUSES] = int(spec.when_down == "refuse")
        words[at + P_ROUND + R_LEFT] = -1
        _draws(program, at, spec.flush, f"{name}/flush")
        return
    words[at + P_KIND] = POLLED
    words[at + P_BATCH], words[at + P_INTERVAL] = spec.batch, spec.interval_ns
    words[at + P_SLACK] = spec.interval_ns * (spec.burst - 1)
    words[at + P_FOLLOWS] = int(spec.follow_up)
    words[at + P_TRIGGER] = int(spec.trigger == "timer")
    _draws(program, at, spec.read, f"{name}/read")
    if spec.keyed is not None:
        _write_keys(program, at, name, spec.keyed)
    count = words[at + P_COUNT]
    queue = [0] * K_SIZE
    queue[K_READ] = queue[K_ROUND] = NO_ALARM
    queue[K_ROUND + R_LEFT] = -1
    program.block(at + P_NODES, queue, count, {K_ROUND + R_NODE: np.arange(count)})


def _write_keys(program: Program, at: int, name: str, keyed: Keyed) -> None:
    words = program.words
    if keyed.by == "execution":
        words[at + P_KEYED], words[at + P_KEY_SLOT] = 1, program.keyed
        program.keyed += 1
    else:
        words[at + P_KEYED] = 2 + program.attributes[keyed.by]
    program.stream(at + P_KEY_STREAM, f"{name}/key")
    if keyed.skew:
        weights = [1 / (i + 1) ** keyed.skew for i in range(words[at + P_COUNT])]
        total = sum(weights)
        bounds = accumulate(weight / total for weight in weights[:-1])
        words[at + P_KEY_BOUNDS] = program.put([bits(bound) for bound in bounds])


def _kind_of(spec: Place, slowed: bool) -> int:
    if not isinstance(spec, Server):
        return RESOURCE
    if spec.setup is not None:
        return SETUP
    return SHARED if spec.cores is not None or spec.contention is not None or slowed else SERVER


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
    kind = words[at + P_KIND] = _kind_of(spec, slowed)
    count = words[at + P_COUNT]
    units = spec.units if isinstance(spec, Resource) else spec.servers or UNLIMITED
    words[at + P_UNITS] = units
    words[at + P_QUEUE] = _QUEUES[spec.queue]
    words[at + P_PREEMPTIVE] = int(spec.preemptive)
    words[at + P_LIMIT] = -1 if spec.queue_limit is None else spec.queue_limit
    if spec.shed is not None:
        spare = spec.shed.spare
        program.write(at + P_SHED, [spec.shed.after_ns, int(spare is not None), spare or 0])
    words[at + P_CHOICE] = _CHOICES[spec.choice]
    program.stream(at + P_CHOICE_STREAM, f"{name}/choice")
    words[at + P_AT_NODE] = int(spec.wait_at == "node")
    words[at + P_REFUSES] = int(spec.when_down == "refuse")
    words[at + P_SINGLE] = int(single)
    words[at + P_PLAIN] = int(single and not fails)
    words[at + P_TIMED_WAITS] = int(kind == RESOURCE or (kind != SHARED and not spec.preemptive))
    words[at + M_UNITS] = units * count
    if spec.keyed is not None:
        _write_keys(program, at, name, spec.keyed)
    ranked = not single or spec.queue != "fifo" or patient or spec.shed is not None
    words[at + P_GRANT_SIZE] = G_RANKED if ranked else G_PLAIN if kind == RESOURCE else G_VISIT
    if kind == SHARED or (spec.preemptive and kind != RESOURCE):
        words[at + P_GRANT_SIZE] = G_FULL
    opened = units
    if isinstance(spec, Resource):
        if spec.opening is not None:
            opened = units if spec.open is None else spec.open
            program.state(at + P_ST_OPENING, f"opening.{name}")
        _draws(program, at, spec.opening, f"{name}/opening")
    else:
        _write_server(program, at, name, spec, units)
    node = [0] * (S_SIZE if kind == SHARED else N_SIZE)
    node[N_FREE], node[N_OPEN] = units, opened
    if kind == SHARED:
        node[S_ALARM], node[S_SPEED], node[S_ALARM + 2] = NO_ALARM, ONE_CORE, at
    program.block(at + P_NODES, node, count)
    _write_levels(program, at, count)


def _write_server(program: Program, at: int, name: str, spec: Server, units: int) -> None:
    words = program.words
    _draws(program, at, spec.setup, f"{name}/setup")
    words[at + P_BLOCKS] = int(spec.when_full == "block")
    if spec.when_full == "block":
        program.state(at + P_ST_BLOCKED, f"blocked.{name}")
    cores = spec.cores if spec.cores is not None else float(units)
    words[at + P_CORES] = int(cores * ONE_CORE)
    words[at + P_CONTENTION] = bits(cores)
    if spec.contention is not None:
        words[at + P_CONTENTION + 1] = bits(spec.contention.contention)
        words[at + P_CONTENTION + 2] = bits(spec.contention.coherency)
        words[at + P_CONTENTION + 3] = 1


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
    program.words[at + P_BITS] = program.put(bases)
    program.words[at + P_LEVELS] = len(levels)
