"""Deadlock at the end of a run: wait-for cycles, and executions that no event will ever end."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.engine.fast import layout as L
from sim.engine.fast.program import Program
from sim.engine.fast.read_memory import chain, chains, holders_of, lines_of, units_of
from sim.network import Network
from sim.network.places import Server
from sim.results.columns import Deadlock, Waiter

Words = NDArray[np.int64]
_AWAITING = (L.Wait.FORK, L.Wait.ATTEMPT, L.Wait.CHILD, L.Wait.TOLD)
"""A job waits for the end of others."""


def unending(m: Words, is_idle: bool) -> Iterator[str]:
    """Says that executions are open and nothing is due that could end them."""
    if is_idle and m[L.Header.COHORT_OPEN]:
        yield (
            f"{int(m[L.Header.COHORT_OPEN])} executions are open and no event is left that could end them; "
            f"look at one with --execution"
        )


class Knot:
    """The greatest set of jobs that only members of the set could set free; jobs and grants are handles.

    A job that waits for units is in it when too few of them are, on every node that would do, out of the hands of
    the set, when all these nodes are up, and when neither patience nor a preemption nor a sibling nor a timer may call
    it off. A job that waits for its children is in it when all of them are, and no timer runs.
    """

    def __init__(self, network: Network, program: Program, m: Words) -> None:
        self.m = m
        stations = [name for name, station in network.stations.items() if isinstance(station, Server)]
        self.names = {program.handles[name]: name for name in [*network.resources, *stations]}
        self.stuck: set[int] = set()
        self.wanted: dict[int, int] = {}
        if not self._may_be():
            return
        self.blocked_here: set[int] = set()
        for place in self.names:
            self.wanted.update({self.job_of(grant): grant for grant in lines_of(m, place)})
            if m[place + L.Place.BLOCKS]:
                blocked = chain(m, int(m[place + L.Place.BLOCKED]), L.Grant.LINKS)
                self.wanted.update({self.job_of(grant): grant for grant in blocked})
                self.blocked_here.update(blocked)
        self.stuck = self._greatest(set(self.wanted))

    def deadlock(self) -> Deadlock | None:
        """The jobs that wait for each other for ever, and since when; None where there are none.

        One cycle is told of what was stuck first: of those who asked by the least time that leaves any.
        """
        if not self.stuck:
            return None
        every = self.stuck
        requested = {job: self.word(self.wanted[job] + L.Grant.TIME) for job in every if job in self.wanted}
        times = sorted(set(requested.values()))

        def stuck_by(time_ns: int) -> set[int]:
            return self._greatest({job for job, since in requested.items() if since <= time_ns})

        since_ns = times[bisect_left(times, True, key=lambda time_ns: bool(stuck_by(time_ns)))]
        self.stuck = stuck_by(since_ns)
        return Deadlock(since_ns, len(every), tuple(self.cycle()))

    def _greatest(self, waiting: set[int]) -> set[int]:
        """The greatest such set among jobs that wait for units, and those that wait for them."""
        self.stuck = set(waiting)
        for job in waiting:
            waiter = self.waiter(job)
            while waiter and self.awaits(waiter):
                self.stuck.add(waiter)
                waiter = self.waiter(waiter)
        before = -1
        while len(self.stuck) != before:
            before = len(self.stuck)
            self.within_reach: dict[int, list[int]] = {}
            self.stuck = {job for job in self.stuck if self._is_stuck(job)}
        return self.stuck

    def _may_be(self) -> bool:
        """Whether anybody holds units who waits too, or whose children may; without that there is no knot."""
        m, waiting = self.m, (L.Wait.QUEUE, L.Wait.VISIT, L.Wait.BLOCKED, *_AWAITING)
        for place in self.names:
            if not m[place + L.Place.BUSY]:
                continue
            holders = np.array(chains(m, place, L.PlaceNode.HOLDERS), np.int64)
            jobs = m[holders[m[holders + L.Grant.NODE] & L.Grant.IN_SERVICE == 0]] & L.LOW
            if np.isin(m[jobs + L.Job.STATE] >> L.Job.WAIT_SHIFT & L.Job.WAIT_MASK, waiting).any():
                return True
        return False

    # -- reading the records --------------------------------------------------------------------------------

    def word(self, at: int) -> int:
        """A word."""
        return int(self.m[at])

    def job_of(self, grant: int) -> int:
        """Who asks, or holds."""
        return self.word(grant) & L.LOW

    def place_of(self, grant: int) -> int:
        """Where."""
        return self.word((self.word(grant) >> 31) + L.PlaceStep.PLACE)

    def kind(self, job: int) -> int:
        """What the job waits for."""
        return self.word(job + L.Job.STATE) >> L.Job.WAIT_SHIFT & L.Job.WAIT_MASK

    def awaits(self, job: int) -> int:
        """The fork_group, attempt, child execution or telling whose end the job waits for, or 0."""
        return self.word(job + L.Job.LINK) & L.LOW if self.kind(job) in _AWAITING else 0

    def worker(self, awaited: int) -> int:
        """The job whose end an attempt, a child execution or a telling waits for; 0 when it has ended."""
        kind = self.word(awaited)
        if kind == L.Parent.ATTEMPT:
            return self.word(awaited + L.Attempt.CHILD)
        if kind == L.Parent.CHILD:
            return 0 if self.m[awaited + L.ChildLink.SETTLED] else self.word(awaited + L.ChildLink.WORKING)
        return 0 if self.m[awaited + L.Telling.SETTLED] else self.word(awaited + L.Telling.CHILD)

    def waiter(self, job: int) -> int:
        """The job that may wait for the end of this one, or 0."""
        around = self.within(job)
        kind = self.word(around) if around else L.Parent.NONE
        if kind == L.Parent.CHILD:
            return self.word(around + L.ChildLink.JOB) if self.m[around + L.ChildLink.HEARD] else 0
        return self.word(around + L.Telling.JOB) if kind == L.Parent.TELLING else self.parent(job)

    def parent(self, job: int) -> int:
        """The job that this one is a part of, or 0."""
        return self.word(job + L.Job.TREE) & L.LOW if self.m[L.Header.TREE] else 0

    def within(self, job: int) -> int:
        """The fork_group, attempt, child execution or telling that the job is a child of, or 0."""
        if self.m[L.Header.TREE] and self.parent(job):
            return self.word(job + L.Job.TREE) >> 31
        family = self.word(L.Header.JOB_FAMILY)
        return self.word(job + family + L.Family.LINK) if family else 0

    def held(self, job: int) -> list[int]:
        """Its grants, last first."""
        found, grant = [], self.word(job + L.Job.OWN) & L.LOW
        while grant:
            found.append(grant)
            grant = self.word(grant + L.Grant.HELD) & L.LOW
        return found

    def children(self, fork_group: int) -> list[int]:
        """The children of a fork-join group that have not ended."""
        return chain(self.m, self.word(fork_group + L.Fork.CHILDREN), L.Job.SIBLINGS)

    def timers(self, attempt: int) -> bool:
        """Whether any timer of an attempt runs; a child execution and a telling have none."""
        return self.word(attempt) == L.Parent.ATTEMPT and any(
            self.word(attempt + L.Attempt.TIMERS + which) for which in range(4)
        )

    def wanted_node(self, grant: int) -> int:
        """The one node that it must be, or -1."""
        return ((self.word(grant + L.Grant.NODE) & L.Grant.WANTED_MASK) >> L.Grant.WANTED_SHIFT) - 1

    # -- the set --------------------------------------------------------------------------------------------

    def _reach(self, place: int) -> list[int]:
        """As `_within_reach`, which is asked once of each place that somebody waits for."""
        if place not in self.within_reach:
            self.within_reach[place] = self._within_reach(place)
        return self.within_reach[place]

    def _within_reach(self, place: int) -> list[int]:
        """Units of each node that the set does not hold; all where a node may come back or a preemption free them."""
        units = self.word(place + L.Place.UNITS)
        nodes = self.word(self.word(place + L.Place.GROUP) + L.Group.NODES)
        found = []
        for node in range(self.word(place + L.Place.COUNT)):
            up = self.word(nodes + node * L.Node.SIZE + L.Node.DOWNS) == 0
            if up and not self.m[place + L.Place.PREEMPTIVE]:
                holders = holders_of(self.m, place, node)
                found.append(units - sum(units_of(self.m, g) for g in holders if self.job_of(g) in self.stuck))
            else:
                found.append(units)
        return found

    def _is_stuck(self, job: int) -> bool:
        if self._may_be_called_off(job):
            return False
        awaited = self.awaits(job)
        if awaited and self.kind(job) == L.Wait.FORK:
            return all(child in self.stuck for child in self.children(awaited))
        if awaited:
            return self.worker(awaited) in self.stuck and not self.timers(awaited)
        grant = self.wanted[job]
        place = self.place_of(grant)
        reach, node = self._reach(place), self.wanted_node(grant)
        best = max(reach) if node < 0 else reach[node]
        if grant in self.blocked_here and any(
            self.job_of(other) not in self.stuck for other in lines_of(self.m, place)
        ):
            return False  # who leaves the line makes room
        limited = self.word((self.word(grant) >> 31) + L.AcquireStep.PATIENCE) != 0
        return not limited and best < units_of(self.m, grant)

    def _may_be_called_off(self, job: int) -> bool:
        """Whether a greater priority, or a sibling or timer of it or of one it is a part of, may still stop it."""
        kept = self.word(job + L.Job.SAGA) >> 31 if self.m[L.Header.TREE] else 0
        if any(self.m[self.place_of(grant) + L.Place.PREEMPTIVE] and grant != kept for grant in self.held(job)):
            return True
        child = job
        while child and not self.m[child + L.Job.STATE] & L.Job.ENDED and (around := self.within(child)):
            if self.word(around) in (L.Parent.CHILD, L.Parent.TELLING):
                return self.word(around) == L.Parent.CHILD and self._may_be_closed(around)
            if not self._is_open(around):
                break
            if self.word(around) == L.Parent.FORK:
                others = self.children(around)
                if self.m[around + L.Fork.CANCELS] and any(o not in self.stuck for o in others if o != child):
                    return True
            elif self._stops(around) and self.timers(around):
                return True
            child = self.parent(child)
        return False

    def _may_be_closed(self, link: int) -> bool:
        """Whether its parent may still end a child execution: who waits for it, or the main line, is free."""
        parent, child = self.word(link + L.ChildLink.PARENT), self.word(link + L.ChildLink.CHILD)
        abandoned = self.m[self.word(link + L.ChildLink.STEP) + L.ChildStep.POLICY] == L.OnClose.ABANDON
        if abandoned or self.m[link + L.ChildLink.ASKED] or self.m[child + L.Job.STATE] & L.Job.ENDED:
            return False
        if self.m[link + L.ChildLink.HEARD] and self.word(link + L.ChildLink.JOB) not in self.stuck:
            return True
        return not self.m[parent + L.Job.STATE] & L.Job.ENDED and parent not in self.stuck

    def _stops(self, attempt: int) -> bool:
        """Whether the child would be stopped if a timer of the attempt expired now."""
        return self.word(attempt + L.Attempt.STARTED) < 0 or bool(
            self.m[self.word(attempt + L.Attempt.STEP) + L.AttemptStep.STOPS]
        )

    def _is_open(self, around: int) -> bool:
        return bool(self.m[around + (L.Fork.OPEN if self.word(around) == L.Parent.FORK else L.Attempt.OPEN)])

    # -- one cycle ------------------------------------------------------------------------------------------

    def cycle(self) -> list[Waiter]:
        """One cycle: who holds what and waits for what, from the job with the least number on."""
        job = min(self.stuck, key=lambda job: self.word(job + L.Job.ORDER))
        seen: list[int] = []
        while job not in seen:
            seen.append(job)
            job = self._next(job)
        return [self._says(job) for job in seen[seen.index(job) :] if job in self.wanted]

    def _next(self, job: int) -> int:
        """A job of the set that this one waits for."""
        awaited = self.awaits(job)
        if awaited:
            return self.children(awaited)[0] if self.kind(job) == L.Wait.FORK else self.worker(awaited)
        grant = self.wanted[job]
        place, node = self.place_of(grant), self.wanted_node(grant)
        nodes: Any = range(self.word(place + L.Place.COUNT)) if node < 0 else (node,)
        return next(
            self.job_of(g) for n in nodes for g in holders_of(self.m, place, n) if self.job_of(g) in self.stuck
        )

    def _says(self, job: int) -> Waiter:
        held: list[str] = []
        holder = job
        while holder:
            has = [g for g in reversed(self.held(holder)) if self.word(g + L.Grant.NODE) & L.Grant.NODE_MASK]
            held = [self.names[self.place_of(grant)] for grant in has] + held
            holder = self.waiter(holder)
        return Waiter(self.word(job + L.Job.ORDER) >> 24, tuple(held), self.names[self.place_of(self.wanted[job])])
