"""The reference engine: build a network's run-time parts, start executions, run, collect the results.

Each part has a file of its own; SEMANTICS.md says what it must do.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from sim.draws.build import inverse_of, number_of
from sim.draws.sampler import Sampler
from sim.draws.streams import element_id, stream_key
from sim.engine.elements import UNLIMITED, elements_of, wall_elements
from sim.engine.order import CHILD_BITS, ELEMENT_BITS, OBSERVATION, TIMEOUT, key
from sim.engine.plan import Plan
from sim.engine.reference import build
from sim.engine.reference.batches import BatchStation, FlushStation, PolledStation
from sim.engine.reference.caches import LruCache
from sim.engine.reference.children import ChildExecution, let_go_of_children
from sim.engine.reference.clock import Clock, Event, Process, Timer, interrupt
from sim.engine.reference.collect_results import replication_of
from sim.engine.reference.controllers import ControllerProcess
from sim.engine.reference.delays_and_buckets import BucketStation, DelayStation
from sim.engine.reference.faults import FaultProcess
from sim.engine.reference.groups import Group
from sim.engine.reference.jobs import CANCELLED, TERMINATED, Cancelled, Execution, Failed, Job
from sim.engine.reference.meters import Window
from sim.engine.reference.monitors import Watch
from sim.engine.reference.policies import BreakerState, BudgetState
from sim.engine.reference.pools import Pool
from sim.engine.reference.recorder import Recorder
from sim.engine.reference.servers import Servers, SetupServers, Shared
from sim.engine.reference.sources import SourceProcess
from sim.engine.reference.timer_queues import TimerState
from sim.network import Network
from sim.network.distributions import Distribution, FromAttribute, Number
from sim.network.facts import group_of, left_groups, node_groups, shedding
from sim.network.places import Delay, GroupCommit, Polled, TokenBucket
from sim.results.columns import Replication


class Engine:
    """One replication of a network.

    plan: window, follow-up, seed, replication; traces: arrival times by source, in ns; trace: ordinal of an
    execution whose life is to be written down. groups_hit: by faults of this run; groups_switched: on and off by
    controllers; groups_left: by their nodes, for a controller or on notice of a fault.
    """

    def __init__(
        self, network: Network, plan: Plan, traces: dict[str, list[int]] | None = None, trace: int | None = None
    ) -> None:
        self.network = network
        self.plan = plan
        self.trace = trace
        self.log: list[tuple[int, str]] = []
        self.clock = Clock()
        self.window = Window(plan.warmup_ns, plan.horizon_ns)
        self.recorder = Recorder(network, self.window)
        self.watch = Watch(network.monitors)
        self.ordinal = 0
        self.others: dict[Job, None] = {}  # main lines outside the cohort, dropped when it is followed alone
        self.stream_offsets: dict[str, int] = {}
        self.faults = {
            name: fault for name, fault in network.faults.items() if not fault.is_drill or name == plan.drill
        }
        self.groups_hit = {target.group for fault in self.faults.values() for target in fault.targets}
        self._slowed = {
            target.group
            for fault in self.faults.values()
            if fault.effect in ("pause", "slow")
            for target in fault.targets
        }
        self.pauses = any(fault.effect == "pause" for fault in self.faults.values())
        self.groups_switched = {controller.nodes for controller in network.controllers.values()}
        self.groups_left = left_groups(network)
        self.elements = elements_of(network)
        self.wall_ns = 0  # what the wall clock is ahead of time by
        self._wall_keys = frozenset(TIMEOUT << ELEMENT_BITS | element for element in wall_elements(network))
        self.groups = {name: Group(name, count) for name, count in node_groups(network).items()}
        self.caches = {
            name: LruCache(name, cache, self.groups[cache.nodes].count) for name, cache in network.caches.items()
        }
        for name, cache in network.caches.items():
            self.groups[cache.nodes].residents.append(self.caches[name])
        for group in self.groups.values():
            group.crashed = self.recorder.crashed
        self.pools = {
            name: Pool(self, name, resource, self.groups[group_of(network, name)], resource.units)
            for name, resource in network.resources.items()
        }
        self.breakers = {name: BreakerState(self, breaker) for name, breaker in network.breakers.items()}
        self.timers = {name: TimerState(queue) for name, queue in network.timers.items()}
        self.budgets = {name: BudgetState(self, budget) for name, budget in network.budgets.items()}
        self.stations: dict[str, Any] = {name: self._station(name) for name in network.stations}
        self.routine_ids = {name: index for index, name in enumerate(network.routines)}
        self.routines: dict[str, list[Any]] = build.routines(self)
        self.sources = [
            SourceProcess(self, name, source, (traces or {}).get(name)) for name, source in network.sources.items()
        ]
        for name, fault in self.faults.items():
            FaultProcess(self, name, fault)
        self.controllers = {
            name: ControllerProcess(self, name, controller) for name, controller in network.controllers.items()
        }
        self.next_sample: Timer | None = None
        if plan.sample_ns:
            Process(self.clock, self._sample(plan.sample_ns))

    # -- names, draws, order ----------------------------------------------------------------------------------

    def stream_offset(self, stream: str) -> int:
        """What sets the paths inside a step apart from those inside others."""
        return self.stream_offsets.setdefault(stream, element_id(stream))

    def stream(self, name: str) -> int:
        """Key of a stream of draws in this replication."""
        return stream_key(self.plan.seed, self.plan.replication, name)

    def sampler(self, name: str, distribution: Distribution) -> Sampler:
        """Times drawn from a distribution in the stream `name`."""
        return Sampler(inverse_of(distribution), self.stream(name))

    def number(self, name: str, add: Number | None, to: Number | None = None) -> Callable[[Job], int]:
        """A count as a function of the job that needs it."""
        spec = add if add is not None else to
        if isinstance(spec, FromAttribute):
            attribute = spec.attribute
            return lambda job: job.execution.attributes[attribute]
        draw = self.entity_number(name, spec)
        return lambda job: draw(job.path)

    def entity_number(self, name: str, spec: Number | None) -> Callable[[int], int]:
        """A count as a function of a path."""
        if isinstance(spec, int):
            constant = spec
            return lambda path: constant
        assert spec is not None
        sampler = Sampler(number_of(spec), self.stream(name))
        return lambda path: int(sampler.value(path, 0))

    # -- building ---------------------------------------------------------------------------------------------

    def _station(self, name: str) -> Any:
        spec = self.network.stations[name]
        if isinstance(spec, Delay):
            return DelayStation(self, name, spec)
        if isinstance(spec, TokenBucket):
            return BucketStation(self, name, spec)
        group = self.groups[group_of(self.network, name)]
        if isinstance(spec, GroupCommit):
            return FlushStation(self, name, spec, group)
        if isinstance(spec, Polled):
            return PolledStation(self, name, spec, group)
        units = spec.servers or UNLIMITED
        if spec.setup is not None:
            return SetupServers(self, name, spec, group, units)
        shared = spec.cores is not None or spec.contention is not None or group.name in self._slowed
        return (Shared if shared else Servers)(self, name, spec, group, units)

    def jump(self, by_ns: int) -> None:
        """The wall clock goes forward, or back."""
        self.wall_ns += by_ns
        self.clock.shift(self._wall_keys, by_ns)

    # -- executions -------------------------------------------------------------------------------------------

    def launch(self, source: SourceProcess, path: int) -> Execution:
        """Let an execution in."""
        spec = source.spec
        execution = self._new_execution(spec.routine, path, spec.priority, spec.counted)
        self._begin(execution, spec.routine)
        return execution

    def let_in_child(self, child: ChildExecution, path: int) -> Execution:
        """Let a child execution in."""
        body, parent = child.step.body, child.parent
        execution = self._new_execution(body.routine, path, child.job.priority, parent.counted)
        execution.as_child = child
        execution.followed = parent.followed or parent.row >= 0
        for name in body.takes:
            execution.attributes[name] = parent.attributes[name]
        self._begin(execution, body.routine)
        return execution

    def _new_execution(self, routine: str, path: int, priority: int, counted: bool) -> Execution:
        ordinal = self.ordinal
        self.ordinal += 1
        execution = Execution(ordinal, self.routine_ids[routine], path, self.clock._now, priority, counted)
        if self.network.attributes:
            execution.attributes = dict(self.network.attributes)
        if ordinal == self.trace:
            execution.log = self.log
        return execution

    def _begin(self, execution: Execution, routine: str) -> None:
        self.recorder.opened(execution)
        job = Job(execution, execution.ordinal << CHILD_BITS, execution.path, self.clock._now)
        execution.main = job
        if execution.row < 0 and not execution.followed:
            self.others[job] = None
        job.process = Process(self.clock, self._live(job, self.routines[routine], self._main_ended))

    def spawn(self, parent: Job, path: int, steps: list[Any], ended: Callable[[Job, str | None], None]) -> Job:
        """Start a child job; `ended` hears of its end."""
        execution = parent.execution
        execution.children += 1
        assert execution.children < 1 << CHILD_BITS
        execution.open_jobs += 1
        job = Job(execution, execution.ordinal << CHILD_BITS | execution.children, path, self.clock._now, parent)
        job.priority = parent.priority
        job.process = Process(self.clock, self._live(job, steps, ended))
        return job

    def _live(self, job: Job, steps: list[Any], ended: Callable[[Job, str | None], None]) -> Any:
        error: str | None = None
        try:
            if self.pauses:
                yield from self.walk(job, steps)
            else:
                for step in steps:
                    pending = step.run(job)
                    if pending is not None:
                        yield from pending
        except Failed as failure:
            error = failure.error
        except Cancelled:
            error = CANCELLED
        job.spend("lost", self.clock._now)  # only a job interrupted between two steps has anything left to book
        if job.held:
            job.give_back(0)
        job.process = None  # job, process and generator would keep each other alive
        execution = job.execution
        execution.open_jobs -= 1
        ended(job, error)
        if execution.open_jobs == 0 and self.watch.marks and not execution.dropped:
            self.watch.closed(execution, self.clock._now)

    def _main_ended(self, job: Job, error: str | None) -> None:
        execution = job.execution
        now = self.clock._now
        self.others.pop(job, None)
        execution.main = None
        if execution.dropped:
            return
        if error == CANCELLED:
            error = TERMINATED
        job.tell(now, "closed" if error is None else f"closed: {error}")
        self.recorder.closed(execution, error, now, job.split)
        for cache in self.caches.values():
            cache.drop(execution.ordinal)
        if execution.client_done is not None:
            self.clock.wake(execution.client_done)
        let_go_of_children(execution)
        if execution.as_child is not None:
            execution.as_child.closed(job, error)

    def walk(self, job: Job, steps: list[Any]) -> Any:
        """Take steps one after the other; none while a node that one runs on is paused."""
        for step in steps:
            if self.pauses:
                yield from self._while_paused(job)
            pending = step.run(job)
            if pending is not None:
                yield from pending
        if self.pauses:
            yield from self._while_paused(job)

    def _while_paused(self, job: Job) -> Any:
        """A job on a paused node does nothing, and notices nothing, before the node goes on."""
        while True:
            where = job.paused_at()
            if where is None:
                return
            resumed = Event(self.clock)
            where.pool.group.resumed[where.node].append(resumed)
            try:
                yield resumed
            finally:
                job.spend("paused", self.clock._now)

    def reacted(self) -> None:
        """A timer, a retry or a failover has reacted to something."""
        self.recorder.reactions.append(self.clock._now)

    # -- running ----------------------------------------------------------------------------------------------

    def run(self) -> Replication:
        """Run through warm-up, window, follow-up and drain."""
        collecting = gc.isenabled()
        gc.disable()  # nothing here goes round in circles, and looking for that takes a tenth of the time
        try:
            return self._run()
        finally:
            if collecting:
                gc.enable()

    def _run(self) -> Replication:
        plan, clock, recorder = self.plan, self.clock, self.recorder
        clock.run_before(plan.warmup_ns)
        self._mark()
        clock.run_before(plan.horizon_ns)
        self._mark()
        slice_ns = max((plan.horizon_ns - plan.warmup_ns) // 64, 1)
        end = plan.horizon_ns + plan.follow_ns
        least = plan.horizon_ns + (plan.follow_ns if plan.drill is not None else 0)
        while (recorder.cohort_open or clock._now < least) and clock._now < end:
            clock.run_before(min(clock._now + slice_ns, end))
        followed_ns = clock._now
        for source in self.sources:
            source.stopped = True
        if self.next_sample is not None:  # what is followed alone makes no timeline
            self.next_sample.cancel()
        alone = list(self.others) if recorder.cohort_open and plan.drain_ns else []
        for job in alone:
            job.execution.dropped = True
            assert job.process is not None
            interrupt(job.process, Cancelled())
        last = followed_ns + plan.drain_ns
        while recorder.cohort_open and clock._now < last:
            following = clock.next_ns
            if following is None:
                break
            clock.run_before(min(max(clock._now + slice_ns, following + 1), last))
        self.watch.finish(clock._now)
        return replication_of(self, followed_ns)

    def _mark(self) -> None:
        now = self.clock._now
        for place in [*self.pools.values(), *self.stations.values()]:
            if isinstance(place, Shared | BatchStation):
                place.mark()
            place.meter.mark()
        for level in self.recorder.in_flight.values():
            level.mark(now)
        for controller in self.controllers.values():
            controller.mark()

    def _sample(self, interval_ns: int) -> Any:
        samples, times = self.recorder.samples, self.recorder.sample_ns
        known: dict[str, int] = {}  # rejections up to the sample before
        number = 0
        while True:
            self.next_sample = self.clock.timer(number * interval_ns, key(OBSERVATION, 0))
            yield self.next_sample
            number += 1
            times.append(self.clock._now)
            for name, place in [*self.pools.items(), *self.stations.items()]:
                samples[f"queue.{name}"].append(place.meter.waiting)
                samples[f"busy.{name}"].append(place.meter.busy)
            for routine, index in self.routine_ids.items():
                level = self.recorder.in_flight.get(index)
                samples[f"in_flight.{routine}"].append(level.current if level else 0)
            for name, controller in self.controllers.items():
                samples[f"nodes.{name}"].append(controller.kept.current)
            for name, breaker in self.breakers.items():
                samples[f"breaker.{name}"].append(breaker.level)
            for name, budget in self.budgets.items():
                samples[f"budget.{name}"].append(budget.level)
            for name in shedding(self.network):
                rejected = (self.pools.get(name) or self.stations[name]).meter.rejected
                samples[f"rejected.{name}"].append(rejected - known.get(name, 0))
                known[name] = rejected
