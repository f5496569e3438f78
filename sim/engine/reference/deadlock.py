"""Deadlock at the end of a run: wait-for cycles, and executions that no event will ever end."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sim.engine.reference.children import ChildExecution, Telling
from sim.engine.reference.control import ForkGroup
from sim.engine.reference.jobs import Job
from sim.engine.reference.pools import Grant, Pool
from sim.engine.reference.servers import Servers, Visit
from sim.results.columns import Deadlock, Waiter

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine


def unending(engine: Engine) -> Iterator[str]:
    """Says that executions are open and nothing is due that could end them."""
    if engine.clock.next_ns is None and engine.recorder.cohort_open:
        yield (
            f"{engine.recorder.cohort_open} executions are open and no event is left that could end them; "
            f"look at one with --execution"
        )


def _waiter(job: Job) -> Job | None:
    """The job that may wait for the end of this one."""
    around = job.within
    if isinstance(around, ChildExecution | Telling):
        return around.job if around.heard else None
    return job.parent


class Knot:
    """The greatest set of jobs that only members of the set could set free.

    A job that waits for units is in it when too few of them are, on every node that would do, out of the hands of
    the set, when all these nodes are up, and when neither patience nor a preemption nor a sibling nor a timer may call
    it off. A job that waits for its children is in it when all of them are, and no timer runs.
    """

    def __init__(self, engine: Engine) -> None:
        stations = [station for station in engine.stations.values() if isinstance(station, Servers)]
        self.pools = [*engine.pools.values(), *stations]
        self.wanted: dict[Job, Grant] = {}
        for pool in self.pools:
            blocked_here = pool.blocked if isinstance(pool, Servers) else []
            self.wanted.update({grant.job: grant for grant in [*pool.waiting_grants(), *blocked_here]})
        self.stuck = self._greatest(set(self.wanted))

    def deadlock(self) -> Deadlock | None:
        """The jobs that wait for each other for ever, and since when; None where there are none.

        One cycle is told of what was stuck first: of those who asked by the least time that leaves any.
        """
        if not self.stuck:
            return None
        every = self.stuck
        requested = {job: self.wanted[job].requested_ns for job in every if job in self.wanted}
        times = sorted(set(requested.values()))

        def stuck_by(time_ns: int) -> set[Job]:
            return self._greatest({job for job, since in requested.items() if since <= time_ns})

        since_ns = times[bisect_left(times, True, key=lambda time_ns: bool(stuck_by(time_ns)))]
        self.stuck = stuck_by(since_ns)
        return Deadlock(since_ns, len(every), tuple(self.cycle()))

    def _greatest(self, waiting: set[Job]) -> set[Job]:
        """The greatest such set among jobs that wait for units, and those that wait for them."""
        self.stuck = set(waiting)
        for job in waiting:
            waiter = _waiter(job)
            while waiter is not None and waiter.awaits is not None:
                self.stuck.add(waiter)
                waiter = _waiter(waiter)
        before = -1
        while len(self.stuck) != before:
            before = len(self.stuck)
            self.within_reach = {pool: self._within_reach(pool) for pool in self.pools}
            self.stuck = {job for job in self.stuck if self._is_stuck(job)}
        return self.stuck

    def _within_reach(self, pool: Pool) -> list[int]:
        """Units of each node that the set does not hold; all where a node may come back or a preemption free them."""
        found = []
        for node, place in enumerate(pool.nodes):
            lost = sum(grant.units for grant in place.holders if grant.job in self.stuck)
            found.append(pool.units - lost if pool.group.is_up(node) and not pool.spec.preemptive else pool.units)
        return found

    def _is_stuck(self, job: Job) -> bool:
        if self._may_be_called_off(job):
            return False
        if isinstance(job.awaits, ForkGroup):
            return all(child in self.stuck for child in job.awaits.children)
        if job.awaits is not None:
            return job.awaits.child in self.stuck and not job.awaits.timers
        grant = self.wanted[job]
        reach = self.within_reach[grant.pool]
        best = max(reach) if grant.wanted < 0 else reach[grant.wanted]
        blocked_here = isinstance(grant, Visit) and grant.entered is not None
        if blocked_here and any(other.job not in self.stuck for other in grant.pool.line):
            return False  # who leaves the line makes room
        return not grant.limited and best < grant.units

    def _may_be_called_off(self, job: Job) -> bool:
        """Whether a greater priority, or a sibling or timer of it or of one it is a part of, may still stop it."""
        if any(grant.pool.spec.preemptive and grant is not job.kept for grant in job.held):
            return True
        child: Job | None = job
        while child is not None and child.process is not None and child.within is not None:
            around = child.within
            if isinstance(around, ChildExecution | Telling):
                return isinstance(around, ChildExecution) and self._may_be_closed(around)
            if not around.open:
                break
            if isinstance(around, ForkGroup):
                if around.cancels and any(other not in self.stuck for other in around.children if other is not child):
                    return True
            elif (around.started_ns < 0 or around.step.body.stops) and around.timers:
                return True
            child = child.parent
        return False

    def _may_be_closed(self, child: ChildExecution) -> bool:
        """Whether its parent may still end a child execution: who waits for it, or the main line, is free."""
        if child.step.body.on_close == "abandon" or child.asked or child.execution.main is None:
            return False
        if child.heard and child.job not in self.stuck:
            return True
        return child.parent.main is not None and child.parent.main not in self.stuck

    def cycle(self) -> list[Waiter]:
        """One cycle: who holds what and waits for what, from the job with the least number on."""
        job = min(self.stuck, key=lambda job: job.order)
        seen: list[Job] = []
        while job not in seen:
            seen.append(job)
            job = self._next(job)
        return [self._says(job) for job in seen[seen.index(job) :] if job in self.wanted]

    def _next(self, job: Job) -> Job:
        """A job of the set that this one waits for."""
        if isinstance(job.awaits, ForkGroup):
            return next(iter(job.awaits.children))
        if job.awaits is not None:
            return job.awaits.child
        grant = self.wanted[job]
        places = grant.pool.nodes if grant.wanted < 0 else [grant.pool.nodes[grant.wanted]]
        return next(other.job for place in places for other in place.holders if other.job in self.stuck)

    def _says(self, job: Job) -> Waiter:
        held: list[str] = []
        holder: Job | None = job
        while holder is not None:
            held = [grant.pool.name for grant in holder.held if grant.node >= 0] + held
            holder = _waiter(holder)
        return Waiter(job.execution.ordinal, tuple(held), self.wanted[job].pool.name)
