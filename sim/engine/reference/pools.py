"""Resources: units that jobs acquire, hold and give back. What a job does while it holds them is told elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.engine.order import COMPLETION, key
from sim.engine.reference.choices import Chooser
from sim.engine.reference.clock import Event, interrupt
from sim.engine.reference.groups import Group
from sim.engine.reference.jobs import Failed, Job
from sim.engine.reference.lines import line
from sim.engine.reference.meters import Meter
from sim.network.places import Place, Resource

if TYPE_CHECKING:
    from sim.engine.reference.engine import Engine


class Grant:
    """A request for units and, once `node` is 0 or more, the possession of them.

    bound: the one node that it must be, or -1.
    """

    __slots__ = ("asked_ns", "bound", "event", "granted_ns", "job", "node", "opens", "pool", "priority", "limited", "serial", "units", "waited")

    def __init__(self, pool: Pool, job: Job, units: int, priority: int, bound: int = -1) -> None:
        self.pool = pool
        self.job = job
        self.units = units
        self.priority = priority
        self.bound = bound
        self.asked_ns = pool.clock._now
        self.serial = 0
        self.waited = False
        self.limited = False
        self.node = -1
        self.granted_ns = -1
        self.opens = False
        self.event: Event | None = None

    def begin(self) -> None:
        """The units are there: let the job go on, if it had to wait."""
        if self.event is not None:
            self.pool.clock.wake(self.event)

    def free(self) -> None:
        """Give the units back."""
        self.pool.free(self)

    def lose(self) -> None:
        """Another takes the units by priority: what was done with them fails."""
        job, depth = self.job, self.job.held.index(self)
        assert job.process is not None
        interrupt(job.process, Failed("preempted", depth), lambda: self in job.held)


class PoolNode:
    """Units of one node: free, open, and the lines of those who want this node and no other."""

    __slots__ = ("bound", "chosen", "free", "holders", "open")

    def __init__(self, units: int, open_units: int, queue: str) -> None:
        self.free = units
        self.open = open_units
        self.holders: dict[Grant, None] = {}
        self.bound = line(queue)  # by affinity, `at` or key: they wait for this node whatever happens
        self.chosen = line(queue)  # by choice on arrival: they choose again when the node crashes


class Pool:
    """A resource at run time."""

    def __init__(self, engine: Engine, name: str, spec: Place, group: Group, units: int) -> None:
        self.engine = engine
        self.clock = engine.clock
        self.name = name
        self.spec = spec
        self.units = units
        self.group = group
        resource = spec if isinstance(spec, Resource) else None
        opened = units if resource is None or resource.open is None else resource.open
        self.nodes = [PoolNode(units, opened, spec.queue) for _ in range(group.count)]
        self.line = line(spec.queue)
        self.fresh = Chooser(engine, name, spec, group)
        self.meter = Meter(self.clock, engine.window, units * group.count)
        self.serial = 0
        self.wait_state = f"wait.{name}"
        self.opening_state = f"opening.{name}"
        self.element = engine.elements[name]
        opening = resource.opening if resource is not None else None
        self.opening = engine.sampler(f"{name}/opening", opening) if opening is not None else None
        self.single = group.count == 1 and not engine.can_fail(group) and not spec.preemptive
        group.residents.append(self)

    # -- asking -----------------------------------------------------------------------------------------------

    def request(self, grant: Grant) -> None:
        """Ask for units; the grant has a node at once, or gets one later and wakes its event.

        Raises Failed("rejected") when the line is full and Failed("refused") when the resource refuses while no
        node is up.
        """
        job, units = grant.job, grant.units
        self.serial += 1
        grant.serial = self.serial
        self.meter.ask()
        node = grant.bound if grant.bound >= 0 else self.fresh.key_node(job)
        if node < 0 and self.spec.wait_at == "node":
            node = self.fresh.on_arrival(job, self.nodes)
            if node >= 0:
                self._join_or_take(grant, node, self.nodes[node].chosen)
                return
        elif node >= 0:
            self._join_or_take(grant, node, self.nodes[node].bound)
            return
        if self.spec.when_down == "refuse" and not self.fresh.any_up():
            self.meter.refuse()
            raise Failed("refused")
        if not self.line:
            node = 0 if self.single else self.fresh.with_units(job, units, self.nodes)
            if node >= 0 and self.nodes[node].free >= units:
                self._give(grant, node)
                return
        if self.spec.preemptive and self._preempt(grant, range(self.group.count)):
            return
        self._wait(grant, self.line)

    def _join_or_take(self, grant: Grant, node: int, own_line: Any) -> None:
        place = self.nodes[node]
        up = self.group.downs[node] == 0
        if not up and self.spec.when_down == "refuse":
            self.meter.refuse()
            raise Failed("refused")
        if up and place.free >= grant.units and not place.bound and not place.chosen and not self.line:
            self._give(grant, node)
        elif up and self.spec.preemptive and self._preempt(grant, (node,)):
            return
        else:
            self._wait(grant, own_line)

    def _wait(self, grant: Grant, where: Any) -> None:
        if self.spec.queue_limit is not None and len(where) >= self.spec.queue_limit:
            self.meter.reject()
            raise Failed("rejected")
        if grant.event is None:
            grant.event = Event(self.clock)
        grant.waited = True
        where.push(grant)
        self.meter.wait_begins()

    def withdraw(self, grant: Grant) -> None:
        """Stop asking; a grant that came in the meantime is held by the job and given back with the rest."""
        if grant.node >= 0:
            return
        for where in self._lines(grant):
            if grant in where.entries:
                where.discard(grant)
                self.meter.wait_ends(grant.asked_ns, served=False)
                self._serve_after_leaving(grant)
                return

    def _lines(self, grant: Grant) -> list[Any]:
        lines = [self.line]
        for node in self.nodes if grant.bound < 0 else [self.nodes[grant.bound]]:
            lines += [node.bound, node.chosen]
        return lines

    def _serve_after_leaving(self, grant: Grant) -> None:
        """Who left may have stood before somebody who needs fewer units."""
        if self.units > 1:
            for node in range(self.group.count) if grant.bound < 0 else (grant.bound,):
                self.serve(node)

    # -- giving and taking back -------------------------------------------------------------------------------

    def _give(self, grant: Grant, node: int) -> None:
        place = self.nodes[node]
        place.free -= grant.units
        now = self.clock._now
        grant.node = node
        grant.granted_ns = now
        job = grant.job
        job.held.append(grant)
        place.holders[grant] = None
        self.meter.grant(grant.asked_ns, grant.units, grant.waited)
        self.fresh.changed(node, place.free)
        if self.opening is not None:
            used = self.units - place.free
            if used > place.open:
                place.open = used
                grant.opens = True
        if job.trial is not None:
            job.trial.granted(grant)
        grant.begin()

    def free(self, grant: Grant) -> None:
        """Take the units of `grant` back and serve who waits."""
        node = grant.node
        if node < 0:
            return  # the node crashed, or another took it by priority
        grant.node = -1
        place = self.nodes[node]
        place.free += grant.units
        del place.holders[grant]
        self.meter.release(grant.granted_ns, grant.units)
        self.fresh.changed(node, place.free)
        self.serve(node)

    def serve(self, node: int) -> None:
        """Give the free units of a node to those who waited longest (or by the line's own rule)."""
        place = self.nodes[node]
        if self.group.downs[node] or (self.engine.pauses and self.group.speed(node) == 0):
            return
        while place.free > 0:
            best = None
            for where in (self.line, place.bound, place.chosen):
                if where.entries:
                    head = where.peek()
                    if best is None or where.rank(head) < best[1]:
                        best = (where, where.rank(head), head)
            if best is None or best[2].units > place.free:
                return
            best[0].pop()
            self.meter.wait_ends(best[2].asked_ns, served=True)
            self._give(best[2], node)

    def _preempt(self, grant: Grant, nodes: Any) -> bool:
        """Take the units of the holder of least priority, the youngest among equals, if below the asker's."""
        victims = [
            (holder.priority, -holder.serial, node, holder)
            for node in nodes
            if self.group.downs[node] == 0
            for holder in self.nodes[node].holders
            if holder.priority < grant.priority and holder.units >= grant.units
        ]
        if not victims:
            return False
        _, _, node, victim = min(victims, key=lambda entry: entry[:3])
        self.nodes[node].free += victim.units
        self.nodes[node].holders.pop(victim)
        victim.node = -1
        self.meter.release(victim.granted_ns, victim.units)
        victim.lose()
        self._give(grant, node)
        self.serve(node)
        return True

    def open_unit(self, grant: Grant) -> Any:
        """The wait for a unit to be opened, as a generator; the one who needs the unit waits for it."""
        assert self.opening is not None
        job = grant.job
        grant.opens = False
        alarm = self.clock.alarm(
            self.clock._now + self.opening.ns(job.path, 0), key(COMPLETION, self.element) | job.order
        )
        try:
            yield alarm
        except BaseException:
            alarm.cancel()
            raise
        finally:
            job.spend(self.opening_state, self.clock._now)

    # -- looking at it ----------------------------------------------------------------------------------------

    def present_grants(self) -> list[Grant]:
        """Who holds units now."""
        return [grant for node in self.nodes for grant in node.holders]

    def waiting_grants(self) -> list[Grant]:
        """Who stands in a line now."""
        return [*self.line, *(grant for node in self.nodes for where in (node.bound, node.chosen) for grant in where)]

    # -- faults -----------------------------------------------------------------------------------------------

    def node_down(self, node: int, hit: dict[Job, int | None]) -> None:
        """Units are gone with their holders; those who had chosen this node choose again, in their order."""
        place = self.nodes[node]
        for grant in list(place.holders):
            depth = grant.job.held.index(grant)
            known = hit.get(grant.job, depth)
            hit[grant.job] = depth if known is None else min(depth, known)
            grant.node = -1
            self.meter.release(grant.granted_ns, grant.units)
        place.holders.clear()
        self.meter.units_change(-self.units)
        place.free = 0
        place.open = 0
        self.fresh.changed(node, 0)
        waiting = list(place.chosen)
        for grant in waiting:
            place.chosen.discard(grant)
            other = self.fresh.on_arrival(grant.job, self.nodes)
            (self.nodes[other].chosen if other >= 0 else self.line).push(grant)
        if waiting:
            for other in range(self.group.count):
                self.serve(other)

    def node_up(self, node: int) -> None:
        """All units are free again (and closed, where they are opened on demand)."""
        place = self.nodes[node]
        place.free = self.units
        if self.opening is None:
            place.open = self.units
        self.meter.units_change(self.units)
        self.fresh.changed(node, place.free)
        self.serve(node)

    def node_speed(self, node: int, speed: float) -> None:
        """A paused node grants nothing; holders keep what they hold."""
        self.fresh.changed(node, 0 if speed == 0 else self.nodes[node].free)
        if speed > 0:
            self.serve(node)


