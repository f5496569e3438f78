"""Pools of units, a resource's or a station's servers: request, queue, grant, release."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sim.draws.streams import child_path
from sim.engine.order import COMPLETION, key
from sim.engine.reference.choices import Chooser, Keys
from sim.engine.reference.clock import Event, interrupt
from sim.engine.reference.groups import Group, Hit, Resident, add_hit
from sim.engine.reference.jobs import Failed, Job
from sim.engine.reference.meters import Meter
from sim.engine.reference.queues import Line, line
from sim.network.places import Place, Resource

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine


class Grant:
    """A request for units and, once `node` is 0 or more, the possession of them.

    wanted: the one node that it must be, or -1; chose: it was chosen on arrival and is chosen again after a crash.
    stream_offset: sets the draws of this visit apart. depth: its number among the grants of the job.
    """

    __slots__ = (
        "chose",
        "depth",
        "event",
        "granted_ns",
        "job",
        "limited",
        "line",
        "node",
        "opens",
        "pool",
        "priority",
        "requested_ns",
        "serial",
        "stream_offset",
        "units",
        "waited",
        "wanted",
    )

    def __init__(self, pool: Pool, job: Job, units: int, priority: int, wanted: int, stream_offset: int) -> None:
        self.pool = pool
        self.job = job
        self.units = units
        self.priority = priority
        self.wanted = wanted
        self.chose = False
        self.stream_offset = stream_offset
        self.requested_ns = pool.clock._now
        self.serial = 0
        self.depth = 0
        self.waited = False
        self.limited = False
        self.node = -1
        self.granted_ns = -1
        self.opens = False
        self.event: Event | None = None
        self.line: Line | None = None

    @property
    def path(self) -> int:
        """Path of the draws that belong to this visit."""
        return child_path(self.job.path, self.stream_offset)

    def begin(self) -> None:
        """The units are there: let the job go on, if it had to wait."""
        if self.event is not None:
            self.pool.clock.wake(self.event)

    def free(self) -> None:
        """Give the units back."""
        self.pool.free(self)

    def lose(self) -> None:
        """Another takes the units by priority: what was done with them fails."""
        job = self.job
        assert job.process is not None
        interrupt(job.process, Failed("preempted", self.depth), lambda: self in job.held)


class PoolNode:
    """Units of one node: free, open, and the lines of those who want this node and no other."""

    __slots__ = ("bound", "chosen", "free", "holders", "open")

    def __init__(self, units: int, open_units: int, spec: Place) -> None:
        self.free = units
        self.open = open_units
        self.holders: dict[Grant, None] = {}
        self.bound = line(spec)  # by affinity, `at` or key: they wait for this node whatever happens
        self.chosen = line(spec)  # by choice on arrival: they choose again when the node crashes


class Pool(Resident):
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
        self.nodes = [PoolNode(units, opened, spec) for _ in range(group.count)]
        self.line = line(spec)
        self.keys = Keys(engine, name, spec.keyed, group.count) if spec.keyed is not None else None
        self.fresh = Chooser(engine, name, spec, group)
        self.meter = Meter(self.clock, engine.window, units * group.count)
        self.serial = 0
        self.wait_state = f"wait.{name}"
        self.opening_state = f"opening.{name}"
        self.element = engine.elements[name]
        opening = resource.opening if resource is not None else None
        self.opening = engine.sampler(f"{name}/opening", opening) if opening is not None else None
        self.refuses = spec.when_down == "refuse"
        # single: all stand in one line, whatever they want
        self.single = group.count == 1 and group.name not in engine.groups_left
        self.plain = self.single and group.name not in engine.groups_hit
        group.residents.append(self)
        group.pools.append(self)
        if spec.wait_at == "node" and not self.single:
            group.chosen_on_arrival.append(self)

    # -- asking -----------------------------------------------------------------------------------------------

    def request(self, grant: Grant) -> None:
        """Ask for units; the grant has a node at once, or gets one later and wakes its event.

        Raises Failed("rejected") when the line is full and Failed("refused") when the resource refuses while no
        node that would do is up.
        """
        self.enter(grant)
        if self.refuses and not self.plain:
            self.refuse_when_down(grant)
        node = self._node_at_once(grant)
        if node >= 0:
            self._give(grant, node)
        elif not (self.spec.preemptive and self._preempt(grant)):
            self.wait(grant)

    def enter(self, grant: Grant) -> None:
        """Take a number, and find out which node it must be."""
        self.serial += 1
        grant.serial = self.serial
        self.meter.requested += 1
        if self.single:
            grant.wanted = -1
        elif grant.wanted < 0 and self.keys is not None:
            grant.wanted = self.keys.node(grant.job)
        elif grant.wanted < 0 and self.spec.wait_at == "node":
            grant.chose = True
            grant.wanted = self.fresh.on_arrival(grant, self.nodes)

    def refuse_when_down(self, grant: Grant) -> None:
        """Raise Failed("refused") when no node that would do is up."""
        if not (self.fresh.any_up() if grant.wanted < 0 else self.group.is_up(grant.wanted)):
            self.meter.refused += 1
            raise Failed("refused")

    def _node_at_once(self, grant: Grant) -> int:
        """A node that serves the newcomer at once, or -1; nobody overtakes those who wait."""
        node = grant.wanted
        if self.line.entries and (node < 0 or not self.group.leaves[node]):
            return -1
        if self.plain:
            return 0 if self.nodes[0].free >= grant.units else -1
        if node < 0:
            return self.fresh.with_units(grant, self.nodes)
        place = self.nodes[node]
        free = self.group.ready[node] and not place.bound.entries and not place.chosen.entries
        return node if free and place.free >= grant.units else -1

    def wait(self, grant: Grant) -> None:
        """Stand in line. Raises Failed("rejected") when it is full or too old."""
        limit = self.spec.queue_limit
        if (limit is not None and self._length(grant.wanted) >= limit) or self._sheds(grant):
            self.meter.rejected += 1
            raise Failed("rejected")
        if grant.event is None:
            grant.event = Event(self.clock)
        grant.waited = True
        self.meter.wait_begins()
        self._push(grant)

    def _length(self, node: int) -> int:
        return len(self.line) if node < 0 else len(self.nodes[node].bound) + len(self.nodes[node].chosen)

    def _sheds(self, grant: Grant) -> bool:
        """Whether it is turned away because the oldest in its line has waited for long."""
        shed = self.spec.shed
        if shed is None or (shed.spare is not None and grant.priority >= shed.spare):
            return False
        node = grant.wanted
        lines = (self.line,) if node < 0 else (self.nodes[node].bound, self.nodes[node].chosen)
        return any(where.entries and self.clock._now - where.oldest_ns >= shed.after_ns for where in lines)

    def _push(self, grant: Grant) -> None:
        node = grant.wanted
        if node < 0:
            grant.line = self.line
        else:
            grant.line = self.nodes[node].chosen if grant.chose else self.nodes[node].bound
        grant.line.push(grant)
        self._note(node)

    def withdraw(self, grant: Grant) -> None:
        """Stop asking; a grant that came in the meantime is held by the job and given back with the rest."""
        if grant.line is None:
            return
        grant.line.discard(grant)
        grant.line = None
        self.meter.wait_ends(grant.requested_ns, served=False)
        self._note(grant.wanted)
        self.left(grant.wanted)

    def left(self, wanted: int) -> None:
        """Who left the line may have stood before somebody who needs fewer units."""
        if self.units > 1:
            for node in range(self.group.count) if wanted < 0 else (wanted,):
                self.serve(node)

    # -- giving and taking back -------------------------------------------------------------------------------

    def _give(self, grant: Grant, node: int) -> None:
        place = self.nodes[node]
        place.free -= grant.units
        grant.node = node
        grant.granted_ns = self.clock._now
        job = grant.job
        grant.depth = job.taken
        job.taken += 1
        job.held.append(grant)
        place.holders[grant] = None
        self.meter.grant(grant.requested_ns, grant.units, grant.waited)
        self._note(node)
        if self.opening is not None:
            used = self.units - place.free
            if used > place.open:
                place.open = used
                grant.opens = True
        attempt = job.attempt
        while attempt is not None:
            attempt.granted(grant)
            attempt = attempt.outer
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
        self._note(node)
        self.serve(node)

    def serve(self, node: int) -> None:
        """Give the free units of a node to those who waited longest (or by the line's own rule)."""
        place = self.nodes[node]
        if not self.group.ready[node]:
            return
        lines = (self.line,) if self.single else (self.line, place.bound, place.chosen)
        if self.group.leaves[node]:
            lines = (place.bound,)
        while place.free > 0:
            best = None
            for where in lines:
                if where.entries:
                    head = where.peek()
                    rank = where.rank(head)
                    if best is None or rank < best[1]:
                        best = (where, rank, head)
            if best is None or best[2].units > place.free:
                return
            best[0].pop()
            best[2].line = None
            self.meter.wait_ends(best[2].requested_ns, served=True)
            self._give(best[2], node)

    def _note(self, node: int) -> None:
        """Let the chooser know whether the node can serve a newcomer: something is free and nobody waits there."""
        if node < 0 or self.plain:
            return
        place = self.nodes[node]
        free = place.free > 0 and self.group.takes(node)
        self.fresh.changed(node, free and not place.bound.entries and not place.chosen.entries)

    def _preempt(self, grant: Grant) -> bool:
        """Take the units of the holder of least priority, the youngest among equals, if below the asker's."""
        nodes: Iterable[int] = range(self.group.count) if grant.wanted < 0 else (grant.wanted,)
        victims = [
            (holder.priority, -holder.serial, node, holder)
            for node in nodes
            if (self.group.takes(node) if grant.wanted < 0 else self.group.ready[node])
            for holder in self.nodes[node].holders
            if holder.priority < grant.priority and holder.units >= grant.units and holder.job.kept is not holder
        ]
        if not victims:
            return False
        _, _, node, victim = min(victims, key=lambda entry: entry[:3])
        self.nodes[node].free += victim.units
        self.nodes[node].holders.pop(victim)
        self.meter.release(victim.granted_ns, victim.units)
        victim.lose()
        victim.node = -1
        self._give(grant, node)
        self.serve(node)
        return True

    def open_unit(self, grant: Grant) -> Any:
        """The wait for a unit to be opened, as a generator; the one who needs the unit waits for it."""
        assert self.opening is not None
        grant.opens = False
        end = self.clock._now + self.opening.ns(grant.path, 0)
        return grant.job.sleep(self.clock, end, key(COMPLETION, self.element), self.opening_state)

    def load(self, node: int) -> int:
        """Units in use on the node, and how many wait at it."""
        place = self.nodes[node]
        used = self.units - place.free if self.group.is_up(node) else 0
        return used + len(place.bound) + len(place.chosen)

    # -- looking at it ----------------------------------------------------------------------------------------

    def present_grants(self) -> list[Grant]:
        """Who holds units now."""
        return [grant for node in self.nodes for grant in node.holders]

    def waiting_grants(self) -> list[Grant]:
        """Who stands in a line now."""
        return [*self.line, *(grant for node in self.nodes for where in (node.bound, node.chosen) for grant in where)]

    # -- faults -----------------------------------------------------------------------------------------------

    def node_down(self, node: int, hit: Hit) -> None:
        """Units are gone with their holders."""
        place = self.nodes[node]
        for grant in place.holders:
            add_hit(hit, grant.job, grant.depth)
            grant.node = -1
            self.meter.release(grant.granted_ns, grant.units)
        place.holders.clear()
        self.meter.units_change(-self.units)
        place.free = 0
        place.open = 0
        self._note(node)

    def choose_again(self, node: int, _: Event) -> None:
        """Those who had chosen this node choose again, oldest first, whatever the limit of the line there."""
        place = self.nodes[node]
        waiting = sorted(place.chosen, key=lambda grant: grant.serial)
        for grant in waiting:
            place.chosen.discard(grant)
            grant.wanted = self.fresh.on_arrival(grant, self.nodes)
            self._push(grant)
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
        self._note(node)
        self.serve(node)

    def node_takes(self, node: int) -> None:
        """The node takes new work again, or no longer does."""
        self._note(node)
        if not self.group.leaves[node]:
            self.serve(node)

    def node_speed(self, node: int, speed: float) -> None:
        """A paused node grants nothing; holders keep what they hold."""
        self._note(node)
        self.serve(node)
