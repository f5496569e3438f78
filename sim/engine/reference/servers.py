"""Server stations, and cores shared by processor sharing.

A visit is a grant of a server that ends by itself; so lines, choice of node, priorities and crashes are the pool's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from sim.engine.order import COMPLETION, TIMEOUT, key
from sim.engine.reference.clock import Event, Timer
from sim.engine.reference.groups import Group, Hit
from sim.engine.reference.jobs import Failed, Job
from sim.engine.reference.pools import Grant, Pool
from sim.network.places import Server

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine
    from sim.engine.reference.steps import UseStep

ONE_CORE = 1 << 20
"""Speeds are whole multiples of 2^-20 core, so that both engines compute them alike."""
FIRST_SETUP = 1 << 62
"""Set-ups stand behind the visits of all executions in the order of events."""


class Visit(Grant):
    """A visit to a station: a server is asked for, serves `demand_ns`, and is free again."""

    __slots__ = ("came_ns", "demand_ns", "entered", "finish", "left_ns")
    pool: Servers

    def __init__(self, pool: Servers, job: Job, demand_ns: int, priority: int, bound: int, stream_offset: int) -> None:
        super().__init__(pool, job, 1, priority, bound, stream_offset)
        self.event = Timer(pool.clock)
        self.came_ns = self.requested_ns
        self.demand_ns = demand_ns
        self.left_ns = demand_ns
        self.entered: Event | None = None
        self.finish = 0

    def begin(self) -> None:
        """A server is there: the service starts."""
        self.pool.start(self)

    def free(self) -> None:
        """Leave, served or not."""
        if self.node >= 0 and self.event is not None and self.event.callbacks is not None:
            self.pool.stop(self)
        self.pool.free(self)

    def lose(self) -> None:
        """Another takes the server by priority: wait again, with what is left to do."""
        self.pool.stop(self)
        self.job.held.remove(self)
        self.pool.wait_again(self)


class Servers(Pool):
    """A station of c servers with one job each; the servers of different nodes may serve one line or several."""

    spec: Server

    def __init__(self, engine: Engine, name: str, spec: Server, group: Group, units: int) -> None:
        super().__init__(engine, name, spec, group, units)
        self.service_state = f"service.{name}"
        self.blocked_state = f"blocked.{name}"
        self.blocks = spec.when_full == "block"
        self.blocked: list[Visit] = []
        self.meter.waits_at_grant = not spec.preemptive

    def visit(self, job: Job, step: UseStep, demand_ns: int, priority: int, bound: int, patience_ns: int) -> Any:
        """Wait, be served, leave: a generator that ends with the service.

        patience_ns: -1 waits for ever. A step that `keeps` holds the server until there is room at the next station.
        """
        visit = Visit(self, job, demand_ns, priority, bound, step.stream_offset)
        visit.limited = patience_ns >= 0
        patience = None
        try:
            if self.blocks and (self.blocked or self._full()) and (self.fresh.any_up() or not self.refuses):
                yield from self._wait_blocked(visit)
            else:
                self.request(visit)
            if job.kept is not None:  # it held its server at the last station until there was room here
                kept, job.kept = job.kept, None
                job.held.remove(kept)
                kept.pool.free(kept)
            if patience_ns >= 0 and visit.node < 0:
                patience = self.clock.call(
                    self.clock._now + patience_ns,
                    key(TIMEOUT, step.element) | job.order,
                    lambda _: self._give_up(visit),
                )
            if (yield visit.event) == "patience":
                raise Failed("patience")
        except BaseException:
            self.withdraw(visit)
            if visit.granted_ns >= 0:  # a service that is cut off is lost work
                job.spend(self.wait_state, max(visit.granted_ns, job.since))
                job.spend("lost", self.clock._now)
            job.spend(self.wait_state, self.clock._now)
            raise
        finally:
            if patience is not None:
                patience.cancel()
        self._book(visit)
        if self.group.error_chances[visit.node] and self.group.spoils(visit.node, visit.path):
            raise Failed("error")
        if step.keeps:
            job.kept = visit
        else:
            job.held.pop()
            self.free(visit)

    def _book(self, visit: Visit) -> None:
        """Split the time of a served visit: demand is service, the rest was waiting."""
        job, now = visit.job, self.clock._now
        passed = now - job.since
        split = job.split
        demand = visit.demand_ns
        if passed > demand:
            split[self.wait_state] = split.get(self.wait_state, 0) + passed - demand
        if demand:
            split[self.service_state] = split.get(self.service_state, 0) + min(demand, passed)
        job.since = now
        if not self.meter.waits_at_grant:
            self.meter.record_wait(visit.came_ns, now - visit.came_ns - demand, visit.waited)

    def _give_up(self, visit: Visit) -> None:
        if visit.node < 0:
            self.engine.reacted()
            self.withdraw(visit)
            assert visit.event is not None
            self.clock.wake(visit.event, "patience")

    # -- fixed speed ------------------------------------------------------------------------------------------

    def start(self, visit: Visit) -> None:
        """Serve from now on."""
        assert isinstance(visit.event, Timer)
        visit.event.set(self.clock._now + visit.left_ns, key(COMPLETION, self.element + visit.node) | visit.job.order)

    def stop(self, visit: Visit) -> None:
        """Serve no longer; what is left to do is kept."""
        visit.left_ns -= self.clock._now - visit.granted_ns
        timer = visit.event
        assert isinstance(timer, Timer)
        waiting = timer.callbacks
        fresh = Timer(self.clock)
        fresh.callbacks = waiting
        timer.cancel()
        visit.event = fresh
        if visit.job.process is not None and visit.job.process._target is timer:
            visit.job.process._target = fresh

    def wait_again(self, visit: Visit) -> None:
        """Stand in line once more, by age, whatever its limit; the wait is counted from now."""
        visit.waited = True
        visit.requested_ns = self.clock._now
        self.meter.wait_begins_again()
        self._push(visit)

    def node_down(self, node: int, hit: Hit) -> None:
        """Services are cut off."""
        for visit in self.nodes[node].holders:
            if visit.event is not None and visit.event.callbacks is not None:
                self.stop(visit)  # type: ignore[arg-type]
        super().node_down(node, hit)

    # -- blocking ---------------------------------------------------------------------------------------------

    def _full(self) -> bool:
        limit = self.spec.queue_limit
        assert limit is not None
        return len(self.line) >= limit and not any(
            place.free and self.group.takes(node) for node, place in enumerate(self.nodes)
        )

    def _wait_blocked(self, visit: Visit) -> Any:
        """Wait, at the place one comes from, until there is room in the line."""
        self.blocked.append(visit)
        visit.entered = Event(self.clock)
        try:
            yield visit.entered
        except BaseException:
            if visit in self.blocked:
                self.blocked.remove(visit)
            raise
        finally:
            visit.job.spend(self.blocked_state, self.clock._now)

    def serve(self, node: int) -> None:
        """Serve who waits, then admit the blocked."""
        super().serve(node)
        self._let_in()

    def left(self, wanted: int) -> None:
        """Somebody has left the line: there may be room for a blocked visit."""
        self._let_in()

    def _let_in(self) -> None:
        while self.blocked and not self._full() and (self.fresh.any_up() or not self.refuses):
            visit = self.blocked.pop(0)
            visit.requested_ns = visit.came_ns = self.clock._now
            self.request(visit)
            assert visit.entered is not None
            self.clock.wake(visit.entered)


class SetupServers(Servers):
    """Servers that go off the moment they have nothing to do, and take time to start again (one node).

    There are as many servers starting as there are visits waiting, up to the number that is off; when a busy server
    takes a waiting visit, the start begun last is called off.
    """

    def __init__(self, engine: Engine, name: str, spec: Server, group: Group, units: int) -> None:
        super().__init__(engine, name, spec, group, units)
        assert spec.setup is not None
        self.setup = engine.sampler(f"{name}/setup", spec.setup)
        self.setup_count = 0
        self.starting: list[Timer] = []

    def request(self, grant: Grant) -> None:
        """Wait in any case: a server that is free is off."""
        self.enter(grant)
        if self.refuses:
            self.refuse_when_down(grant)
        self.wait(grant)
        self._adjust()

    def serve(self, node: int) -> None:
        """A server that has just become free, or ready, takes the next visit; else it goes off."""
        if self.line and self.group.is_up(0):
            visit = self.line.pop()
            visit.line = None
            self.meter.wait_ends(visit.requested_ns, served=True)
            self._give(visit, 0)
        self._adjust()

    def left(self, wanted: int) -> None:
        """Somebody has left the line; a start for it may be one too many."""
        self._adjust()

    def node_down(self, node: int, hit: Hit) -> None:
        """Starts are lost with the node."""
        super().node_down(node, hit)
        self._adjust()

    def node_up(self, node: int) -> None:
        """All servers are off."""
        self.nodes[0].free = self.units
        self.meter.units_change(self.units)
        self._adjust()

    def _adjust(self) -> None:
        wanted = min(len(self.line), self.nodes[0].free) if self.group.is_up(0) else 0
        while len(self.starting) > wanted:
            self.starting.pop().cancel()
        while len(self.starting) < wanted:
            ready = self.clock._now + self.setup.ns(0, self.setup_count)
            timer = self.clock.call(ready, key(COMPLETION, self.element) | FIRST_SETUP | self.setup_count, self._ready)
            self.setup_count += 1
            self.starting.append(timer)

    def _ready(self, timer: Any) -> None:
        self.starting.remove(timer)
        self.serve(0)


@dataclass(slots=True, eq=False)
class SharedNode:
    """Who is in service on one node, and how far: one virtual clock for all of them."""

    waiting: list[tuple[int, int, Visit]] = field(default_factory=list)  # (virtual finish, order, visit)
    present: int = 0
    virtual: int = 0
    last_ns: int = 0
    speed: int = ONE_CORE
    timer: Timer | None = None
    due: tuple[int, int] = (0, 0)  # of the timer: time and order of who departs


class Shared(Servers):
    """Cores shared by all in service: n of them work at speed(n) together, each at a like share.

    speed(n) is a table of whole 2^-20 cores; virtual time advances by floor(dt speed(n) / n), a departure is at the
    ceiling, remainders are dropped at each change of company.
    """

    def __init__(self, engine: Engine, name: str, spec: Server, group: Group, units: int) -> None:
        self.shared = [SharedNode() for _ in range(group.count)]
        super().__init__(engine, name, spec, group, units)
        self.meter.waits_at_grant = False
        self.cores = spec.cores if spec.cores is not None else float(units)
        self.table = [0]

    def speed(self, n: int) -> int:
        """Speed of n in service together, in 2^-20 core."""
        while len(self.table) <= n:
            self.table.append(speed_of(len(self.table), self.cores, self.spec))
        return self.table[n]

    def start(self, visit: Visit) -> None:
        """Join those in service."""
        place = self.shared[visit.node]
        self._advance(place)
        place.present += 1
        visit.finish = place.virtual + visit.left_ns
        heappush(place.waiting, (visit.finish, visit.job.order, visit))
        self._plan(visit.node)

    def stop(self, visit: Visit) -> None:
        """Leave before the end."""
        place = self.shared[visit.node]
        self._advance(place)
        visit.left_ns = max(0, visit.finish - place.virtual)
        place.waiting.remove((visit.finish, visit.job.order, visit))
        place.waiting.sort()
        place.present -= 1
        self._plan(visit.node)

    def node_down(self, node: int, hit: Hit) -> None:
        """Services are cut off, all at once."""
        place = self.shared[node]
        self._advance(place)
        place.waiting.clear()
        place.present = 0
        if place.timer is not None:
            place.timer.cancel()
            place.timer = None
        Pool.node_down(self, node, hit)

    def node_speed(self, node: int, speed: float) -> None:
        """Everybody on the node goes on at another speed."""
        self._advance(self.shared[node])
        self.shared[node].speed = int(speed * ONE_CORE)
        self._plan(node)
        super().node_speed(node, speed)

    def node_up(self, node: int) -> None:
        """Back, at the speed that faults leave it."""
        self.shared[node].speed = int(self.group.speed(node) * ONE_CORE)
        super().node_up(node)

    def _total(self, place: SharedNode) -> int:
        total = self.speed(place.present)
        return total if place.speed == ONE_CORE else (total * place.speed) >> 20

    def _advance(self, place: SharedNode) -> None:
        now = self.clock._now
        passed = now - place.last_ns
        if passed and place.present:
            n = place.present
            place.virtual += passed * self._total(place) // (n << 20)
            used = min(n * ONE_CORE, int(self.cores * ONE_CORE))
            self.meter.work_area += passed * used
            self.meter.excess_area += passed * (n * ONE_CORE - used)
        place.last_ns = now

    def _plan(self, node: int) -> None:
        """Set the timer of the next departure."""
        place = self.shared[node]
        total = self._total(place) if place.waiting else 0
        due = (0, 0)
        if total:
            finish, order, _ = place.waiting[0]
            left = max(0, finish - place.virtual)
            due = (self.clock._now - (-left * (place.present << 20) // total), order)
        if place.timer is not None:
            if total and due == place.due:
                return  # while everybody has a core, company changes nothing
            place.timer.cancel()
            place.timer = None
        if total:
            place.due = due
            place.timer = self.clock.call(
                due[0], key(COMPLETION, self.element + node) | due[1], lambda _: self._depart(node)
            )

    def _depart(self, node: int) -> None:
        place = self.shared[node]
        place.timer = None
        self._advance(place)
        _, _, visit = heappop(place.waiting)
        place.present -= 1
        self._plan(node)
        assert visit.event is not None
        self.clock.wake(visit.event)

    def mark(self) -> None:
        """Bring the areas up to this instant."""
        for place in self.shared:
            self._advance(place)


def speed_of(n: int, cores: float, spec: Server) -> int:
    """Speed of n in service together on one node, in whole 2^-20 cores; cores, then contention."""
    used = min(float(n), cores)
    slow = spec.contention
    if slow is not None:
        used /= 1 + slow.contention * (n - 1) + slow.coherency * n * (n - 1)
    return max(1, round(used * ONE_CORE))
