"""A workflow platform as a network, put together part by part in a declared order; with notes of what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sim.lower.context import Context
from sim.lower.faults.classes import Failures
from sim.lower.faults.targets import FaultTargets
from sim.lower.lowered import History, Lowered, stated
from sim.lower.names import write_of
from sim.lower.placement.hosts import at_speeds, host_settings, on_hosts, speeds_of
from sim.lower.placement.machines import machines, volumes
from sim.lower.placement.masters import CROSS_REGION, ManyMasters
from sim.lower.placement.packing import figures_of
from sim.lower.placement.records import Records
from sim.lower.placement.regions import LOST_AGE, LOST_WRITE, UNREPLICATED, Regional
from sim.lower.placement.spread import spread_over_masters
from sim.lower.placement.zones import AWAY, CROSS_ZONE, Zoning
from sim.lower.setting import settings_in
from sim.lower.steps import Step, call
from sim.lower.stores.choose import product_of, store_of
from sim.lower.stores.growth import growth_of
from sim.lower.tables import Stores, add_stores
from sim.lower.temporal.children import by_client, started_as_children
from sim.lower.temporal.dependencies import Dependencies
from sim.lower.temporal.federation import TaskQueues
from sim.lower.temporal.in_progress import seed
from sim.lower.temporal.platform import Platform
from sim.lower.temporal.scaling import scale
from sim.lower.temporal.workflow import WorkflowRoutine
from sim.scenario.model.workflow import Workflow
from sim.scenario.scenario import Scenario


def note_what_is_left_out(context: Context) -> None:
    """What the mechanism does not have: said, so that nobody takes it for included."""
    scenario, constants, regional = context.scenario, context.constants, context.parts.regional
    activities = [activity for workflow in scenario.workflows.values() for activity in workflow.activities]
    if any(activity.cpu is None for activity in activities):
        constants.record_assumption("CPU of activities that name none", "not taken from the cores of their worker")
    constants.record_assumption(
        "timeout of an activity attempt",
        "writes nothing to the store; its retry does, and so does a result that comes too late and is dropped",
    )
    constants.record_assumption(
        "reads of queues, visibility and deletion after the retention",
        "take the store's CPU at the transition that causes them; their commits are counted, not waited for",
    )
    if scenario.temporal is not None and scenario.temporal.frontend is not None:
        constants.record_assumption(
            "requests that wait for the CPU of the frontend",
            "are as many as come: it turns away by its rate limits alone, and sheds no load",
        )
    if regional is not None and regional.copying is not None:
        constants.record_assumption(
            "services and workers of the region that takes over",
            "started by the failover: in the bill only where `machines` names them; its store is billed",
        )
    if any(activity.heartbeat_ns is not None and activity.chunks is None for activity in activities):
        constants.record_assumption("heartbeats that report no progress", "write nothing to the store")
    if any(activity.chunks is not None for activity in activities):
        constants.record_assumption(
            "heartbeats that report a chunk",
            "reach the server at once; the SDK holds back those that follow within 0.8 of the timeout, so that chunks "
            "shorter than that would cost fewer writes, and a crash more than the chunk in progress",
            "Temporal documentation, docs/evaluate/cloud/actions.mdx, 2026-08-21",
        )
    policies = [activity.retry for activity in activities] + [one.retry for one in scenario.workflows.values()]
    if any(policy is not None and policy.budget is not None for policy in policies):
        constants.record_assumption(
            "retry budgets", "are kept for each activity by all workers together; Temporal itself has none"
        )
    if any(activity.local for activity in activities):
        constants.record_assumption(
            "workflow tasks with local activities",
            "are not kept alive by heartbeats: all that they do has to end within the workflow task timeout",
        )


class Deployment:
    """The parts of one deployment. Everything is in the network once it is made; `lowered` hands it over.

    deadlines_ns, in_progress, histories, shares: as in `Lowered`.

    The order is that of what each part asks of others: places and their ways; the store, the platform on it, the pools
    on that, the workflows on all of them. What workflows want of a pool is known then, and so is how much is written,
    on which the store's own work depends. Faults come last: they look for what there is to be hit.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.context = Context.of(scenario)
        self.scenario, self.parts, self.constants = scenario, self.context.parts, self.context.constants
        self.deadlines_ns: dict[str, int | None] = {}
        self.in_progress: dict[str, str] = {}
        self.histories: dict[str, History] = {}
        self.shares: dict[str, tuple[str, str]] = {}
        self._add_geography()
        self.store = store_of(self.parts, self.constants, scenario)
        sources_of_store = set(self.parts.sources)
        self.queues = TaskQueues.of(Platform(self.context, self.store))
        self.workers = self.queues.pools
        self._add_workflows()
        for pool in self.workers.values():
            scale(pool)
        sources_of_load = set(self.parts.sources) - sources_of_store
        if self._many is None:
            self._add_records()
        else:  # as one master would write them; the store's own work depends on how much is written
            self.parts.routines |= {write_of(name): (call("commit"),) for name in scenario.records}
        self.store.add_background()
        self.parts.monitors.update(scenario.monitors)
        self._place_executions([name for name in self.parts.sources if name not in sources_of_load])
        self.data = add_stores(self.context) if scenario.databases else Stores()
        self.grown = growth_of(self.store, self.histories)
        self.failures = self._add_faults()
        note_what_is_left_out(self.context)

    def lowered(self) -> Lowered:
        """The network, and what goes with it."""
        scenario, data = self.scenario, self.data
        # Masters that are lost come back with all that they wrote; a copy takes over without what it does not have.
        copied = scenario.regions is not None and scenario.regions.replication is not None
        network = self.parts.network()
        network = at_speeds(network, speeds_of(scenario, self.constants, network))
        network = on_hosts(network, scenario.hosts, self.constants)
        return Lowered(
            network=network,
            deadlines_ns=self.deadlines_ns | dict.fromkeys(data.routines),
            assumptions=(*stated(scenario.assumptions), *self.constants.noted.values()),
            machines=(*machines(scenario), *data.machines),
            volumes=(*volumes(scenario, self.grown), *data.volumes),
            computed={**self.grown, **data.computed, **figures_of(scenario)},
            histories=self.histories,
            in_progress=self.in_progress,
            task_queues={queue: pool.sync_match for queue, pool in self.workers.items()},
            memories={queue: pool.memory for queue, pool in self.workers.items() if pool.memory_mib},
            flushes=self._flushes(),
            shares=self.shares,
            companions=self.failures.companions,
            classes=self.failures.classes(network),
            settings=settings_in(network, self.parts.settings | host_settings(scenario.hosts)),
            traffic=self._traffic(),
            in_drills={"unreplicated": UNREPLICATED, "lost_writes": LOST_WRITE} if copied else {},
            ages_in_drills={"rpo": LOST_AGE} if copied else {},
        )

    def _add_geography(self) -> None:
        """Zones and regions, and what lies between regions."""
        scenario, parts = self.scenario, self.parts
        if scenario.zones is not None:
            parts.zoning = Zoning(self.constants, scenario.zones, self.context.temporal)
        if scenario.regions is not None:
            parts.regional = Regional(self.constants, scenario.regions, scenario.behaviours, product_of(scenario).log)
            for name, resource, setting in parts.regional.resources():
                parts.add_resource(name, resource, setting)
            for name, station, setting in parts.regional.stations():
                parts.add_station(name, station, setting)
            parts.spans |= parts.regional.spans()

    def _add_workflows(self) -> None:
        """The routine of every workflow, and executions that are under way at the start."""
        scenario, retention = self.scenario, self.context.temporal.retention
        dependencies = Dependencies(self.context)
        for name, workflow, begins_ns in _versions(scenario):
            routine = WorkflowRoutine(self.queues, dependencies, name, workflow, begins_ns)
            routine.add()
            for one in routine.routines:
                self.deadlines_ns[one] = workflow.deadline_ns
                if retention is not None:
                    self.histories[one] = routine.history(retention)
            if scenario.run.start == "in_progress" and not begins_ns and not workflow.is_child_only:
                self.in_progress.update(dict.fromkeys(seed(routine), name))

    def _place_executions(self, own_work: Sequence[str]) -> None:
        """In which zone and region each execution begins, and what it writes where. own_work: sources of what the
        store does by itself."""
        parts = self.parts
        executions = (*self.deadlines_ns, *self.in_progress)
        if parts.zoning is not None:
            parts.attributes[AWAY] = 0
            self._begin_with(executions, parts.zoning.place_execution())
        if self._many is not None:
            spread_over_masters(self.store, self._many, own_work)
            self._add_records()
        for pool in self.workers.values():
            self.shares |= {} if pool.locality is None else pool.locality.shares
        place = None if parts.regional is None else parts.regional.place_execution()
        if place is not None:
            children = started_as_children(self.scenario)
            by_clients = [name for name in executions if name not in children]
            also = [name for name in children if not self.scenario.workflows[name].is_child_only]
            self._begin_with(by_clients, place)
            self._begin_with(also, by_client(place))

    def _begin_with(self, routines: Iterable[str], step: Step) -> None:
        """Put a step before those of each routine."""
        for name in routines:
            self.parts.routines[name] = (step, *self.parts.routines[name])

    @property
    def _many(self) -> ManyMasters | None:
        """The masters, where there are several."""
        return None if self.parts.regional is None else self.parts.regional.many

    def _add_records(self) -> None:
        """The records that activities write."""
        scenario, many = self.scenario, self._many
        if not scenario.records:
            return
        by_stamp = many is not None and not many.waits and scenario.behaviours.clock_skew
        error_ns = many.masters.clock_error_ns if many is not None and by_stamp else 0
        records = Records(self.store, many, error_ns)
        for name, record in scenario.records.items():
            self.shares |= records.add(name, record)

    def _add_faults(self) -> Failures:
        """What fails, and the recovery that is watched at the workers it hits."""
        failures = Failures(self.context, FaultTargets(self.context, self.store).of)
        for name, fault in self.scenario.faults.items():
            hit = failures.add(name, fault)
            for pool in self.workers.values():
                if pool.nodes in hit:
                    pool.add_recovery()
        return failures

    def _flushes(self) -> tuple[str, ...]:
        """The logs of every master."""
        many = self._many
        if many is None:
            return self.store.flushes
        return tuple(many.named(name, master) for name in self.store.flushes for master in range(len(many.at)))

    def _traffic(self) -> dict[str, str]:
        """What is billed by the byte: the meter, and the operation that counts it."""
        found = {}
        if self.parts.zoning is not None:
            found["cross_zone"] = CROSS_ZONE
        if self.parts.regional is not None:
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
