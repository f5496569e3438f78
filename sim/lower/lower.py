"""A scenario into a network, as a whole. What each part becomes is told in the other files."""

from __future__ import annotations

from collections.abc import Iterable

from sim.lower.constants import Constants
from sim.lower.faults import faults_of
from sim.lower.lowered import Assumption, Lowered
from sim.lower.machines import machines, volumes
from sim.lower.masters import CROSS_REGION
from sim.lower.parts import Parts
from sim.lower.persistence import Store
from sim.lower.place_faults import PlaceFaults
from sim.lower.platform import Platform
from sim.lower.postgres_commit import PRIMARY
from sim.lower.progress import seed
from sim.lower.records import Records
from sim.lower.regions import UNREPLICATED, Regional
from sim.lower.scaling import scale
from sim.lower.spread import spread_over_masters
from sim.lower.steps import Step
from sim.lower.stores import store_of
from sim.lower.tables import Stores, add_stores
from sim.lower.workers import Workers
from sim.lower.workflow import WorkflowRoutine
from sim.lower.zones import AWAY, CROSS_ZONE, Zoning
from sim.scenario.scenario import Scenario


def lower(scenario: Scenario) -> Lowered:
    """The network of a scenario, and what goes with it. The scenario's parts fit together (`sim.scenario.check`)."""
    if scenario.network is not None:
        network = scenario.network
        return Lowered(
            network,
            {source.routine: None for source in network.sources.values()},
            assumptions=_stated(scenario),
            machines=tuple(machines(scenario)),
        )
    parts, constants = Parts(), Constants(scenario)
    if scenario.temporal is None:
        data = add_stores(parts, constants, scenario)
        return Lowered(
            network=parts.network(),
            deadlines_ns=dict.fromkeys(data.routines),
            assumptions=(*_stated(scenario), *constants.noted.values()),
            machines=(*machines(scenario), *data.machines),
            volumes=data.volumes,
            computed=data.computed,
        )
    if scenario.zones is not None:
        parts.zoning = Zoning(constants, scenario.zones, scenario.temporal)
    if scenario.regions is not None:
        parts.regional = Regional(constants, scenario.regions, scenario.behaviours)
        resources, stations, spans = parts.regional.places()
        parts.resources |= resources
        parts.stations |= stations
        parts.spans |= spans
    store = store_of(parts, constants, scenario)
    platform = Platform(parts, constants, scenario.temporal, store.rtt_ns, store.limits)
    workers = {
        queue: Workers(parts, constants, platform, store, queue, pool, queue in scenario.reading_queues)
        for queue, pool in scenario.workers.items()
    }
    retention = scenario.temporal.retention
    in_progress: dict[str, str] = {}
    histories = {}
    for name, workflow in scenario.workflows.items():
        routine = WorkflowRoutine(parts, constants, platform, store, workers, scenario.behaviours, name, workflow)
        routine.add()
        if scenario.run.start == "in_progress":
            in_progress.update(dict.fromkeys(seed(parts, constants, routine), name))
        if retention is not None:
            histories[name] = routine.history(retention)
    for queue, scaled in scenario.workers.items():
        scale(parts, workers[queue], scaled)
    parts.monitors.update(scenario.monitors)
    executions = (*scenario.workflows, *in_progress)
    if parts.zoning is not None:
        parts.attributes[AWAY] = 0
        _begin_with(parts, executions, parts.zoning.place_execution())
    shares = _records(parts, constants, scenario, store)
    for pool in workers.values():
        shares |= {} if pool.locality is None else pool.locality.shares
    if parts.regional is not None:
        _begin_with(parts, executions, parts.regional.place_execution())
    companions: dict[str, tuple[str, ...]] = {}
    for name, fault in scenario.faults.items():
        if fault.of_place:
            found = PlaceFaults(parts, constants, scenario, store).of(name, fault)
        else:
            found = faults_of(constants, scenario, store, name, fault)
        parts.faults.update(found)
        if fault.at_ns is not None and len(found) > 1:
            companions[name] = tuple(found)[1:]
        hit = {target.group for one in found.values() for target in one.targets}
        for pool in workers.values():
            if pool.nodes in hit:
                pool.add_recovery()
    data = add_stores(parts, constants, scenario) if scenario.databases else Stores()
    _note_what_is_left_out(constants, scenario, parts)
    return Lowered(
        network=parts.network(),
        deadlines_ns={
            **{name: workflow.deadline_ns for name, workflow in scenario.workflows.items()},
            **dict.fromkeys(data.routines),
        },
        assumptions=(*_stated(scenario), *constants.noted.values()),
        machines=(*machines(scenario), *data.machines),
        volumes=(*volumes(scenario), *data.volumes),
        computed=data.computed,
        histories=histories,
        in_progress=in_progress,
        task_queues={queue: pool.sync_match for queue, pool in workers.items()},
        flushes=_flushes(parts, store),
        shares=shares,
        companions=companions,
        traffic=_traffic(parts),
        in_drills={"unreplicated": UNREPLICATED} if parts.regional is not None else {},
    )


def _begin_with(parts: Parts, routines: Iterable[str], step: Step | None) -> None:
    """Put a step before those of each routine."""
    if step is not None:
        for name in routines:
            parts.routines[name] = (step, *parts.routines[name])


def _records(parts: Parts, constants: Constants, scenario: Scenario, store: Store) -> dict[str, tuple[str, str]]:
    """The masters' places and the records that they write; figures that are shares of their writes."""
    many = None if parts.regional is None else parts.regional.many
    if many is not None:
        spread_over_masters(parts, many, PRIMARY, store.carried_out)
    if not scenario.records:
        return {}
    error_ns = many.masters.clock_error_ns if many is not None and scenario.behaviours.clock_skew else 0
    records = Records(parts, constants, many, error_ns)
    found: dict[str, tuple[str, str]] = {}
    for name, record in scenario.records.items():
        found |= records.add(name, record)
    return found


def _flushes(parts: Parts, store: Store) -> tuple[str, ...]:
    """The logs of every master."""
    many = None if parts.regional is None else parts.regional.many
    if many is None:
        return store.flushes
    return tuple(many.named(name, master) for name in store.flushes for master in range(len(many.at)))


def _traffic(parts: Parts) -> dict[str, str]:
    """What is billed by the byte: the meter, and the operation that counts it."""
    found = {}
    if parts.zoning is not None:
        found["cross_zone"] = CROSS_ZONE
    if parts.regional is not None:
        found["cross_region"] = CROSS_REGION
    return found


def _stated(scenario: Scenario) -> tuple[Assumption, ...]:
    """What the author of the scenario has assumed."""
    return tuple(Assumption(what, value) for what, value in scenario.assumptions.items())


def _note_what_is_left_out(constants: Constants, scenario: Scenario, parts: Parts) -> None:
    """What the mechanism does not have: said, so that nobody takes it for included."""
    activities = [activity for workflow in scenario.workflows.values() for activity in workflow.activities]
    constants.note("CPU of activities", "not taken from the cores of their worker")
    constants.note("timeout of an activity attempt", "writes nothing to the store; its retry does")
    constants.note(
        "reads of queues, visibility and deletion after the retention",
        "take the store's CPU at the transition that causes them; their commits are counted, not waited for",
    )
    if parts.regional is not None and parts.regional.copying is not None:
        constants.note(
            "services and workers of the region that takes over",
            "started by the failover: in the bill only where `machines` names them; its store is billed",
        )
    if any(activity.heartbeat_ns is not None for activity in activities):
        constants.note("heartbeats", "write nothing to the store")
