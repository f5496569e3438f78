"""Batch stations: group commit and the polled queue, one batch in service at a time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.draws.sampler import Sampler
from sim.engine.order import COMPLETION, key
from sim.engine.reference.choices import Keys
from sim.engine.reference.clock import Event, Timer
from sim.engine.reference.delays_and_buckets import Customer, CustomerStation
from sim.engine.reference.groups import Group, Hit, Resident, add_hit
from sim.engine.reference.jobs import Failed, Job
from sim.engine.reference.servers import ONE_CORE
from sim.network.places import GroupCommit, Polled

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine


@dataclass(slots=True, eq=False)
class BatchNode:
    """Who waits at one node, and the round (a flush or read) that may be under way there.

    A pause prolongs the one under way; a slow node takes longer for the next one; a crash undoes it.
    """

    station: BatchStation
    number: int
    line: OrderedDict[Customer, None] = field(default_factory=OrderedDict)
    rounds: int = 0
    customers: list[Customer] = field(default_factory=list)  # whom the round serves
    timer: Timer | None = None  # of its end
    begun_ns: int = 0
    ends_ns: int = 0
    left_ns: int = -1  # when paused, what is left of it
    planned: Timer | None = None  # of a polled queue: when it is read next
    full_ns: int = 0  # when all tokens for reads would be there again
    again: bool = False  # somebody came while a read was planned: another one follows

    def begin(self, customers: list[Customer], length: Sampler) -> None:
        """Serve `customers`, for a time that is drawn for full speed."""
        self.customers = customers
        length_ns = length.ns(self.number, self.rounds)
        self.rounds += 1
        speed = self.station.group.speed(self.number)
        self._end_in(length_ns if speed == 1 else round(length_ns / speed))

    def _end_in(self, length_ns: int) -> None:
        clock = self.station.clock
        self.begun_ns = clock._now
        self.ends_ns = clock._now + length_ns
        self.timer = clock.call(self.ends_ns, key(COMPLETION, self.station.element + self.number), self._over)

    def _over(self, _: Event) -> None:
        self.account()
        served, self.customers, self.timer = self.customers, [], None
        self.station.advance(self.number)
        self.station.release(served)

    def drop(self, hit: Hit) -> None:
        """The node has crashed: those that were being served are interrupted."""
        for customer in self.customers:
            if not customer.left:
                add_hit(hit, customer.job, None)
        self.customers = []
        self.left_ns = -1
        self._stop()

    def change_speed(self, speed: float) -> None:
        """Stand still, or go on."""
        if speed == 0 and self.timer is not None:
            self.left_ns = self.ends_ns - self.station.clock._now
            self._stop()
        elif speed > 0 and self.left_ns >= 0:
            left, self.left_ns = self.left_ns, -1
            self._end_in(left)

    def _stop(self) -> None:
        if self.timer is not None:
            self.account()
            self.timer.cancel()
            self.timer = None

    def account(self) -> None:
        """Bring the time at work up to now."""
        if self.timer is not None:
            now = self.station.clock._now
            self.station.meter.work_area += (now - self.begun_ns) * ONE_CORE
            self.begun_ns = now

    def halt(self) -> None:
        """Plan no read."""
        planned, self.planned = self.planned, None
        if planned is not None:
            planned.cancel()


class BatchStation(CustomerStation, Resident):
    """What both share: rounds, whose time at work is what the station is used, however many each one serves."""

    group: Group

    def __init__(self, engine: Engine, name: str, group: Group, count: int) -> None:
        super().__init__(engine, name, 0)
        self.group = group
        self.nodes = [BatchNode(self, number) for number in range(count)]
        group.residents.append(self)

    def mark(self) -> None:
        """Bring the time at work up to this instant."""
        for place in self.nodes:
            place.account()

    def advance(self, node: int) -> None:
        """Begin or plan the next round of a node, where it may be."""
        raise AssertionError

    def node_down(self, node: int, hit: Hit) -> None:
        """The round under way is lost, and those in it are interrupted; the queue stays, and nobody serves it."""
        if node < len(self.nodes):
            self.nodes[node].drop(hit)
            self.nodes[node].halt()

    def node_up(self, node: int) -> None:
        """Serve those who wait."""
        if node < len(self.nodes):
            self.advance(node)

    def node_speed(self, node: int, speed: float) -> None:
        """A pause stops the round under way and what is planned; a slow node takes longer for the next one."""
        if node < len(self.nodes):
            self.nodes[node].change_speed(speed)
            if speed == 0:
                self.nodes[node].halt()
            self.advance(node)

    def stand(self, customer: Customer) -> None:
        """Wait at one's node, where the next round is begun or planned if none is."""
        self.nodes[customer.node].line[customer] = None
        self.meter.wait_begins()
        self.advance(customer.node)

    def take(self, place: BatchNode, limit: int) -> list[Customer]:
        """The first of those who wait at a node, up to `limit`, are a batch and served from now on."""
        self.meter.batches += 1
        customers = [place.line.popitem(last=False)[0] for _ in range(min(limit, len(place.line)))]
        for customer in customers:
            self.begin(customer, True)
        return customers

    def release(self, served: list[Customer]) -> None:
        """Let those go on whose flush or read has ended, in the order of their arrival."""
        for customer in served:
            if not customer.left:
                self.done(customer)
                self.clock.wake(customer.event)

    def abandon(self, customer: Customer) -> None:
        """Leave the line; a round under way goes on without it."""
        if customer.inside:
            self.done(customer)
        else:
            del self.nodes[customer.node].line[customer]
            self.gone(customer)


class FlushStation(BatchStation):
    """Group commit: one flush at a time; it serves all who wait when it starts."""

    def __init__(self, engine: Engine, name: str, spec: GroupCommit, group: Group) -> None:
        super().__init__(engine, name, group, 1)
        self.spec = spec
        self.flush = engine.sampler(f"{name}/flush", spec.flush)

    def enter(self, customer: Customer, bound: int) -> None:
        """Join the next flush; it starts at once when none is under way."""
        if self.spec.when_down == "refuse" and not self.group.is_up(0):
            self.meter.refused += 1
            customer.left = True
            raise Failed("refused")
        self.stand(customer)

    def advance(self, node: int) -> None:
        """Start the next flush, where somebody waits, none is under way and the node is ready."""
        place = self.nodes[0]
        if not place.customers and place.line and self.group.ready[0]:
            place.begin(self.take(place, self.spec.batch_limit or len(place.line)), self.flush)


class PolledStation(BatchStation):
    """Queues that a reader looks into at a limited rate, a batch at a time; one queue a node, chosen by key."""

    def __init__(self, engine: Engine, name: str, spec: Polled, group: Group) -> None:
        super().__init__(engine, name, group, group.count)
        self.spec = spec
        self.keys = Keys(engine, name, spec.keyed, group.count) if spec.keyed is not None else None
        self.read = engine.sampler(f"{name}/read", spec.read) if spec.read is not None else None

    def enter(self, customer: Customer, bound: int) -> None:
        """Stand in the queue of one's node."""
        customer.node = bound if bound >= 0 else self._node(customer.job)
        place = self.nodes[customer.node]
        place.again |= self.spec.follow_up and place.planned is not None
        self.stand(customer)

    def _node(self, job: Job) -> int:
        return 0 if self.keys is None else self.keys.node(job)

    def prompt(self, job: Job) -> None:
        """Read on the spot."""
        node = self._node(job)
        place = self.nodes[node]
        if not place.line or not self.group.ready[node]:
            return
        customers = self.take(place, self.spec.batch)
        self._halt_when_empty(place)
        self.release(customers)

    def _halt_when_empty(self, place: BatchNode) -> None:
        if not place.line and not self.spec.follow_up:
            place.halt()

    def advance(self, node: int) -> None:
        """Set the timer of the next read, if somebody waits and none is under way."""
        place = self.nodes[node]
        if place.planned is not None or place.customers or not self.group.ready[node]:
            return
        if not place.line and not place.again:
            return
        place.again = False
        interval = self.spec.interval_ns
        earliest = place.full_ns - (self.spec.burst - 1) * interval
        time = max(self.clock._now, earliest)
        if self.spec.trigger == "timer":
            time = -(-max(self.clock._now + 1, earliest) // interval) * interval
        # Visit 1, so that a read that ends at this instant hands its batch on first.
        place.planned = self.clock.call(time, key(COMPLETION, self.element + node) | 1, lambda _: self._read(node))

    def _read(self, node: int) -> None:
        """Take a batch; those taken go on when the read has ended."""
        place = self.nodes[node]
        place.planned = None
        place.full_ns = max(place.full_ns, self.clock._now) + self.spec.interval_ns
        if not place.line:
            self.advance(node)
            return
        customers = self.take(place, self.spec.batch)
        if self.read is not None:
            place.begin(customers, self.read)
            return
        self.advance(node)
        self.release(customers)

    def abandon(self, customer: Customer) -> None:
        """Leave the queue, or what a read under way has taken."""
        super().abandon(customer)
        if not customer.inside:
            self._halt_when_empty(self.nodes[customer.node])
