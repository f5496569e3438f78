"""A scenario into a network, as a whole. What each part becomes is told in the other files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sim.lower.constants import Constants
from sim.lower.dbos import lower_dbos
from sim.lower.dependencies import Dependencies
from sim.lower.faults import faults_of
from sim.lower.federation import FederatedQueue
from sim.lower.hosts import on_hosts
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
from sim.scenario.workflow import Workflow


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
    if scenario.dbos is not None:
        return lower_dbos(scenario)
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
        queue: Workers(
            parts,
            constants,
            platform,
            store,
            queue,
            pool,
            event_sourcing=scenario.behaviours.event_sourcing,
            reads=queue in scenario.reading_queues,
        )
        for queue, pool in scenario.workers.items()
    }
    behaviours = scenario.behaviours
    federations = {
        name: FederatedQueue(
            parts, name, spec, [workers[pool] for pool in spec.pools], behaviours.federation, behaviours.locality
        )
        for name, spec in scenario.federations.items()
    }
    dependencies = Dependencies(parts, scenario.dependencies)
    retention = scenario.temporal.retention
    in_progress: dict[str, str] = {}
    histories = {}
    deadlines_ns: dict[str, int | None] = {}
    for name, workflow, begins_ns in _versions(scenario):
        routine = WorkflowRoutine(
            parts,
            constants,
            platform,
            store,
            workers,
            federations,
            scenario.behaviours,
            dependencies,
            name,
            workflow,
            begins_ns,
        )
        routine.add()
        deadlines_ns[routine.routine] = workflow.deadline_ns
        if scenario.run.start == "in_progress" and not begins_ns:
            in_progress.update(dict.fromkeys(seed(parts, constants, routine), name))
        if retention is not None:
            histories[routine.routine] = routine.history(retention)
    for queue, scaled in scenario.workers.items():
        scale(parts, workers[queue], scaled)
    store.add_background()
    parts.monitors.update(scenario.monitors)
    executions = (*deadlines_ns, *in_progress)
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
    network = on_hosts(parts.network(), scenario.hosts, constants)
    return Lowered(
        network=network,
        deadlines_ns=deadlines_ns | dict.fromkeys(data.routines),
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


def _versions(scenario: Scenario) -> Iterator[tuple[str, Workflow, int]]:
    """Every workflow under its name, from the start on; and its next version, from the rollout on."""
    for name, workflow in scenario.workflows.items():
        yield name, workflow, 0
        rollout = workflow.rollout
        if rollout is not None:
            later = workflow.model_copy(
                update={"task_queue": rollout.task_queue, "rollout": None, "queries": None, "updates_per_s": None}
            )
            yield f"{name}-v2", later, rollout.at_ns


def _stated(scenario: Scenario) -> tuple[Assumption, ...]:
    """What the author of the scenario has assumed."""
    return tuple(Assumption(what, value) for what, value in scenario.assumptions.items())


def _note_what_is_left_out(constants: Constants, scenario: Scenario, parts: Parts) -> None:
    """What the mechanism does not have: said, so that nobody takes it for included."""
    activities = [activity for workflow in scenario.workflows.values() for activity in workflow.activities]
    if any(activity.cpu is None for activity in activities):
        constants.note("CPU of activities that name none", "not taken from the cores of their worker")
    constants.note(
        "timeout of an activity attempt",
        "writes nothing to the store; its retry does, and so does a result that comes too late and is dropped",
    )
    constants.note(
        "reads of queues, visibility and deletion after the retention",
        "take the store's CPU at the transition that causes them; their commits are counted, not waited for",
    )
    if parts.regional is not None and parts.regional.copying is not None:
        constants.note(
            "services and workers of the region that takes over",
            "started by the failover: in the bill only where `machines` names them; its store is billed",
        )
    if any(activity.heartbeat_ns is not None and activity.chunks is None for activity in activities):
        constants.note("heartbeats that report no progress", "write nothing to the store")
    if any(activity.chunks is not None for activity in activities):
        constants.note(
            "heartbeats that report a chunk",
            "reach the server at once; the SDK holds back those that follow within 0.8 of the timeout, so that chunks "
            "shorter than that would cost fewer writes, and a crash more than the chunk in progress",
            "Temporal documentation, docs/evaluate/cloud/actions.mdx, 2026-08-21",
        )
    if any(activity.retry and activity.retry.budget_per_s for activity in activities):
        constants.note("retry budgets", "are spent by failures that workers report, not by timeouts")
    if any(activity.local for activity in activities):
        constants.note(
            "workflow tasks with local activities",
            "are not kept alive by heartbeats: all that they do has to end within the workflow task timeout",
        )
