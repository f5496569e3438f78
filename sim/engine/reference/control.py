"""Control flow: branch, loop, fork, race, saga, cached, call. Attempts: `attempts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.draws.streams import child_path, uniform
from sim.engine.reference.clock import Event, interrupt
from sim.engine.reference.jobs import COMPENSATED, Cancelled, Failed, Job
from sim.network.kinds import Placed
from sim.network.routines import Branch, Fork, ForkBody, Loop

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine


class BranchStep:
    """One way of several."""

    def __init__(self, engine: Engine, placed: Placed, spec: Branch, ways: list[list[Any]]) -> None:
        self.engine = engine
        self.ways = list(zip(spec.branch, ways, strict=True))
        self.draws = any(option.probability is not None for option in spec.branch)
        self.stream = engine.stream(f"{placed.stream}/branch")

    def run(self, job: Job) -> Any:
        """Go the first way whose condition holds."""
        u = uniform(self.stream, job.path, 0) if self.draws else 0.0
        upper = 0.0
        for option, steps in self.ways:
            if option.probability is not None:
                upper += option.probability
                taken = u < upper
            elif option.attribute is not None:
                value = job.execution.attributes[option.attribute]
                taken = (option.above is None or value > option.above) and (
                    option.below is None or value < option.below
                )
            else:
                taken = True
            if taken:
                return self.engine.walk(job, steps) if steps else None
        return None


class LoopStep:
    """The same steps again."""

    def __init__(self, engine: Engine, placed: Placed, spec: Loop, steps: list[Any]) -> None:
        self.engine = engine
        self.steps = steps
        self.times = engine.number(f"{placed.stream}/times", spec.loop.times)
        self.stream_offset = engine.stream_offset(placed.stream)

    def run(self, job: Job) -> Any:
        """Each time with draws of its own."""
        times = self.times(job)
        return self._rounds(job, times) if times else None

    def _rounds(self, job: Job, times: int) -> Any:
        outer = job.path
        base = child_path(outer, self.stream_offset)
        try:
            for index in range(times):
                job.path = child_path(base, index)
                yield from self.engine.walk(job, self.steps)
        finally:
            job.path = outer


class ForkStep:
    """Children at the same time, and a join."""

    def __init__(self, engine: Engine, placed: Placed, spec: Fork, bodies: list[list[Any]]) -> None:
        self.engine = engine
        self.body: ForkBody = spec.fork
        self.bodies = bodies
        self.items = engine.number(f"{placed.stream}/items", spec.fork.items) if spec.fork.items is not None else None
        self.stream_offset = engine.stream_offset(placed.stream)

    def run(self, job: Job) -> Any:
        """Start the children and wait for as many as the join asks for."""
        bodies = self.bodies if self.items is None else [self.bodies[0]] * self.items(job)
        if not bodies:
            return None
        join = self.body.join
        needed = len(bodies) if join == "all" else 1 if join == "first" else int(join)
        if needed > len(bodies):
            raise Failed("join")
        fork_group = ForkGroup(self.engine, job, bodies, self.stream_offset, needed, self.body.cancel)
        return None if needed == 0 else fork_group.wait()


class ForkGroup:
    """The children of a fork or race, and when enough of them have ended.

    cancels: the children that are left are stopped as soon as that is so. either: the first end decides, good or bad.
    """

    def __init__(
        self,
        engine: Engine,
        job: Job,
        bodies: list[list[Any]],
        stream_offset: int,
        needed: int,
        cancels: bool,
        either: bool = False,
    ) -> None:
        self.engine = engine
        self.clock = engine.clock
        self.job = job
        self.needed = needed
        self.cancels = cancels
        self.succeeded = 0
        self.failed = 0
        self.settled = Event(self.clock)
        self.open = needed > 0
        self.deciding: Job | None = None
        base = child_path(job.path, stream_offset)
        self.children: dict[Job, None] = {}
        self.spare = 0 if either else len(bodies) - needed  # so many may fail
        for index, steps in enumerate(bodies):
            child = engine.spawn(job, child_path(base, index), steps, self.ended)
            child.within = self
            self.children[child] = None
        if needed == 0 and cancels:
            self.stop()

    def ended(self, child: Job, error: str | None) -> None:
        """A child has ended."""
        del self.children[child]
        if not self.open:
            self.engine.recorder.off_path_ns += self.clock._now - child.start_ns
            return
        if error is None:
            self.succeeded += 1
        else:
            self.failed += 1
        if self.succeeded >= self.needed or self.failed > self.spare:
            self.open = False
            self.deciding = child
            self.clock.wake(self.settled, error)
        else:
            self.engine.recorder.off_path_ns += self.clock._now - child.start_ns

    def wait(self) -> Any:
        """Wait for the join; take over the time of the child that decided it; fail when it can't come any more."""
        job = self.job
        job.awaits = self
        try:
            error = yield self.settled
        except BaseException:
            self.open = False
            self.stop()
            raise
        finally:
            job.awaits = None
        assert self.deciding is not None
        job.take_over(self.deciding, self.clock._now)
        if self.cancels:
            self.stop()
        if error is not None:
            raise Failed(error)

    def stop(self) -> None:
        """Stop the children that still run, in order."""
        for child in self.children:
            assert child.process is not None
            interrupt(child.process, Cancelled())


class RaceStep:
    """Branches at the same time; the first to end decides."""

    def __init__(self, engine: Engine, placed: Placed, bodies: list[list[Any]]) -> None:
        self.engine = engine
        self.bodies = bodies
        self.stream_offset = engine.stream_offset(placed.stream)

    def run(self, job: Job) -> Any:
        """Wait for the first; stop the others."""
        return ForkGroup(self.engine, job, self.bodies, self.stream_offset, 1, cancels=True, either=True).wait()


class SagaStep:
    """Steps that are undone when one fails."""

    def __init__(self, engine: Engine, placed: Placed, steps: list[Any]) -> None:
        self.engine = engine
        self.steps = steps
        self.stream_offset = engine.stream_offset(placed.stream)

    def run(self, job: Job) -> Any:
        """Run the steps; on failure run what was registered, last first, and end compensated."""
        outer, base, path = job.saga, job.taken, job.path
        undo: list[list[Any]] = []
        job.saga = undo
        try:
            yield from self.engine.walk(job, self.steps)
            return
        except Failed as failure:
            if failure.depth is not None and failure.depth < base:
                raise
            job.tell(self.engine.clock._now, f"saga fails: {failure.error}; {len(undo)} to compensate")
        finally:
            job.saga = outer
        job.give_back(base)
        self.engine.reacted()
        try:
            for index, steps in enumerate(reversed(undo)):
                job.path = child_path(child_path(path, self.stream_offset), index)
                yield from self.engine.walk(job, steps)
        finally:
            job.path = path
        raise Failed(COMPENSATED)


class CompensateStep:
    """Remember what undoes the steps before."""

    def __init__(self, steps: list[Any]) -> None:
        self.steps = steps

    def run(self, job: Job) -> None:
        """Register with the saga around."""
        if job.saga is not None:
            job.saga.append(self.steps)


class CachedStep:
    """A look into the cache of the node held."""

    def __init__(self, engine: Engine, cache: str, at: str, hit: list[Any], miss: list[Any]) -> None:
        self.engine = engine
        self.cache = engine.caches[cache]
        self.at = at
        self.hit = hit
        self.miss = miss

    def run(self, job: Job) -> Any:
        """Go on with hit or miss."""
        node = job.node_of(self.at)
        found = self.cache.look(node, job.execution.ordinal)
        job.tell(self.engine.clock._now, f"cache {self.cache.name} on node {node}: {'hit' if found else 'miss'}")
        steps = self.hit if found else self.miss
        return self.engine.walk(job, steps) if steps else None


class CallStep:
    """Another routine's steps."""

    def __init__(self, engine: Engine, placed: Placed, name: str) -> None:
        self.engine = engine
        self.name = name
        self.stream_offset = engine.stream_offset(placed.stream)

    def run(self, job: Job) -> Any:
        """Run them here, with draws of their own."""
        outer = job.path
        job.path = child_path(outer, self.stream_offset)
        try:
            yield from self.engine.walk(job, self.engine.routines[self.name])
        finally:
            job.path = outer
