"""Simple steps: acquire, use, delay, mark and their kin. Steps with steps inside: `control`.

`run(job)` takes the step; where the job has to wait it gives a generator for the rest, else None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.draws.streams import uniform
from sim.engine.order import COMPLETION, TIMEOUT, key
from sim.engine.reference.batches import PolledStation
from sim.engine.reference.jobs import Failed, Job
from sim.engine.reference.pools import Grant
from sim.network.kinds import Placed
from sim.network.routines import (
    Acquire,
    CountStep,
    DelayStep,
    Fail,
    Forget,
    Mark,
    Notify,
    Prompt,
    Release,
    SetStep,
    Use,
)

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine


class AcquireStep:
    """Ask for units; wait; hold them."""

    def __init__(self, engine: Engine, placed: Placed, spec: Acquire, otherwise: list[Any] | None) -> None:
        body = spec.acquire
        self.engine = engine
        self.clock = engine.clock
        self.pool = engine.pools[body.resource]
        self.body = body
        self.otherwise = otherwise
        self.element = engine.elements[placed.stream]
        self.stream_offset = engine.stream_offset(placed.stream)
        self.patience = engine.sampler(f"{placed.stream}/patience", body.patience) if body.patience else None
        self.plain = body.at is None and body.affinity is None
        if body.affinity is not None:
            self.pool.group.affinities.add(body.affinity)

    def run(self, job: Job) -> Any:
        """Take what is free, or wait for it."""
        bound = -1 if self.plain else self._bound(job)
        if bound == -2:
            return self.engine.walk(job, self.otherwise or [])
        body, pool = self.body, self.pool
        priority = job.priority if body.priority is None else body.priority
        grant = Grant(pool, job, body.units, priority, bound, self.stream_offset)
        pool.request(grant)
        if grant.node >= 0 and not grant.opens:
            if body.affinity is not None:
                self._remember(job, grant)
            if job.execution.log is not None:
                job.tell(self.clock._now, f"acquired {pool.name} on node {grant.node}")
            return None
        return self._wait(job, grant)

    def _bound(self, job: Job) -> int:
        """The one node that it must be; -1 for any; -2 when the remembered node is known to be gone."""
        body = self.body
        if body.at is not None:
            return job.node_of(body.at)
        affinity = job.execution.affinity
        node = -1 if affinity is None else affinity.get(body.affinity or "", -1)
        if node < 0:
            return -1
        group = self.pool.group
        since = group.down_since[node]
        known = body.lease_ns is not None and since >= 0 and self.clock._now - since >= body.lease_ns
        if known or group.leaves[node]:
            return -2 if self.otherwise is not None else -1
        return node

    def _wait(self, job: Job, grant: Grant) -> Any:
        pool, clock = self.pool, self.clock
        timer = None
        if grant.node < 0:
            job.tell(clock._now, f"waits for {pool.name}")
            if self.patience is not None:
                grant.limited = True
                end = clock._now + self.patience.ns(job.path, 0)
                timer = clock.call(end, key(TIMEOUT, self.element) | job.order, lambda _: self._give_up(grant))
            assert grant.event is not None
            try:
                given_up = yield grant.event
            except BaseException:
                pool.withdraw(grant)
                raise
            finally:
                if timer is not None:
                    timer.cancel()
                job.spend(pool.wait_state, clock._now)
            if given_up:
                job.tell(clock._now, f"gave up waiting for {pool.name}")
                if self.otherwise is None:
                    raise Failed("patience")
                yield from self.engine.walk(job, self.otherwise)
                return
        if grant.opens:
            yield from pool.open_unit(grant)
        if self.body.affinity is not None:
            self._remember(job, grant)
        job.tell(clock._now, f"acquired {pool.name} on node {grant.node}")

    def _give_up(self, grant: Grant) -> None:
        if grant.node < 0:
            self.engine.reacted()
            self.pool.withdraw(grant)
            assert grant.event is not None
            self.clock.wake(grant.event, True)

    def _remember(self, job: Job, grant: Grant) -> None:
        execution = job.execution
        if execution.affinity is None:
            execution.affinity = {}
        assert self.body.affinity is not None
        execution.affinity[self.body.affinity] = grant.node


class ReleaseStep:
    """Give back what was acquired last."""

    def __init__(self, engine: Engine, spec: Release) -> None:
        self.name = spec.release

    def run(self, job: Job) -> None:
        """Give it back, and let who waits have it. Raises Failed("not_held") when there is none."""
        held = job.held
        for index in range(len(held) - 1, -1, -1):
            grant = held[index]
            if grant.pool.name == self.name:
                del held[index]
                grant.free()
                return
        raise Failed("not_held")


class UseStep:
    """Visit a station."""

    def __init__(self, engine: Engine, placed: Placed, spec: Use, blocks: bool) -> None:
        body = spec.use
        self.station: Any = engine.stations[body.station]
        self.body = body
        self.element = engine.elements[placed.stream]
        self.stream_offset = engine.stream_offset(placed.stream)
        self.keeps = blocks
        service = getattr(engine.network.stations[body.station], "service", None)
        demand = body.demand or service
        self.demand = engine.sampler(f"{placed.stream}/demand", demand) if demand is not None else None
        self.per = list(body.per.items())
        self.patience = engine.sampler(f"{placed.stream}/patience", body.patience) if body.patience else None

    def run(self, job: Job) -> Any:
        """Wait, be served, leave."""
        demand = self.demand.ns(job.path, 0) if self.demand is not None else 0
        for attribute, each in self.per:
            demand += job.execution.attributes[attribute] * each
        if demand < 0:
            demand = 0
        body = self.body
        bound = job.node_of(body.at) if body.at is not None else -1
        priority = job.priority if body.priority is None else body.priority
        patience = self.patience.ns(job.path, 0) if self.patience is not None else -1
        if job.execution.log is not None:
            job.tell(job.since, f"uses {self.body.station}")
        return self.station.visit(job, self, demand, priority, bound, patience)


class DelaySteps:
    """Let time pass, with a floor and a grid."""

    def __init__(self, engine: Engine, placed: Placed, spec: DelayStep) -> None:
        self.engine = engine
        self.clock = engine.clock
        self.spec = spec
        self.timers = None if spec.timers is None else engine.timers[spec.timers]
        self.length = engine.sampler(f"{placed.stream}/delay", spec.delay)
        self.per = list(spec.per.items())
        self.key = key(TIMEOUT if spec.kind == "timer" else COMPLETION, engine.elements[placed.stream])
        label = placed.stream.rsplit("/", 1)[1]
        self.state = "timer" if spec.kind == "timer" else f"{spec.kind}.{label}"
        if spec.kind == "network":
            self.state = "network"

    def run(self, job: Job) -> Any:
        """Wait until it is over."""
        length = self.length.ns(job.path, 0)
        for attribute, each in self.per:
            length += job.execution.attributes[attribute] * each
        end = self.clock._now + max(length, self.spec.floor_ns)
        if self.spec.grid_ns is not None:
            end = -(-end // self.spec.grid_ns) * self.spec.grid_ns
        return self._wait(job, end if self.timers is None else self.timers.end_of(end))

    def _wait(self, job: Job, end: int) -> Any:
        self.engine.recorder.activities += 2
        yield from job.sleep(self.clock, end, self.key, self.state)
        if self.timers is not None:
            self.timers.ended(self.clock._now)


class MarkStep:
    """Make a mark."""

    def __init__(self, engine: Engine, spec: Mark) -> None:
        self.engine = engine
        self.name = spec.mark.name
        self.once = spec.mark.once
        self.ends = engine.recorder.spans_ending.get(self.name, [])
        self.starts = engine.recorder.spans_starting.get(self.name, [])
        self.watched = self.name in engine.watch.marks
        self.readies = self.name in engine.recorder.recovery_starts
        self.recovers = self.name in engine.recorder.recoveries_ending

    def run(self, job: Job) -> None:
        """End and begin spans; tell the monitors."""
        now = self.engine.clock._now
        for span in self.ends:
            begun = job.open_spans.pop(span.metric, None)
            if begun is not None:
                span.record(begun, now)
        for span in self.starts:
            job.open_spans[span.metric] = now
        if self.recovers and job.execution.crashes:
            self.engine.recorder.recovered(job.execution, self.name, now)
        if self.readies:
            execution = job.execution
            execution.readied = {**(execution.readied or {}), self.name: now}
        if self.watched:
            self.engine.watch.mark(job.execution, self.name, self.once, now)
        if job.execution.log is not None:
            job.tell(now, f"mark {self.name}")


class CountSteps:
    """Count operations."""

    def __init__(self, engine: Engine, spec: CountStep) -> None:
        self.recorder = engine.recorder
        self.counts = list(spec.count.items())

    def run(self, job: Job) -> None:
        """Add to the counts of the executions that started in the window."""
        if job.execution.row >= 0:
            for name, number in self.counts:
                self.recorder.counts[job.execution.routine, name] += number


class SetSteps:
    """Change attributes."""

    def __init__(self, engine: Engine, placed: Placed, spec: SetStep) -> None:
        self.changes = [
            (name, change.add is not None, engine.number(f"{placed.stream}/{name}", change.add, change.to))
            for name, change in spec.set.items()
        ]

    def run(self, job: Job) -> None:
        """Add or assign."""
        attributes = job.execution.attributes
        for name, adds, number in self.changes:
            value = number(job)
            attributes[name] = attributes[name] + value if adds else value


class FailStep:
    """Fail, always or with a chance."""

    def __init__(self, engine: Engine, placed: Placed, spec: Fail) -> None:
        self.error = spec.fail
        self.probability = spec.probability
        self.stream = engine.stream(f"{placed.stream}/fail")

    def run(self, job: Job) -> None:
        """Raise the failure, or go on."""
        if self.probability >= 1 or uniform(self.stream, job.path, 0) < self.probability:
            raise Failed(self.error)


class StartStep:
    """The attempt around it has started."""

    def run(self, job: Job) -> None:
        """Tell the innermost attempt with a timeout, with the node of what is held last."""
        if job.attempt is not None:
            job.attempt.start(job.held[-1] if job.held and job.held[-1].node >= 0 else None)


class NotifyStep:
    """Tell a timer queue of something new."""

    def __init__(self, engine: Engine, spec: Notify) -> None:
        self.clock = engine.clock
        self.timers = engine.timers[spec.notify]

    def run(self, job: Job) -> None:
        """Tell it."""
        self.timers.notify(self.clock._now)


class PromptStep:
    """Read a polled queue on the spot."""

    def __init__(self, engine: Engine, spec: Prompt) -> None:
        station = engine.stations[spec.prompt]
        assert isinstance(station, PolledStation), "checked"
        self.station = station

    def run(self, job: Job) -> None:
        """Read it."""
        self.station.prompt(job)


class ForgetStep:
    """Forget a remembered node."""

    def __init__(self, spec: Forget) -> None:
        self.name = spec.forget

    def run(self, job: Job) -> None:
        """Forget it."""
        if job.execution.affinity is not None:
            job.execution.affinity.pop(self.name, None)
