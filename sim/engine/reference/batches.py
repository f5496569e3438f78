"""Batch stations: group commit and the polled queue, one batch in service at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

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


class Round:
    """A flush or read that may be under way on one node: whom it serves and when it ends.

    A pause prolongs the one under way; a slow node takes longer for the next one; a crash undoes it.
    """

    __slots__ = ("begun_ns", "customers", "end", "ends_ns", "group", "key", "left_ns", "node", "station", "timer")

    def __init__(
        self, station: BatchStation, group: Group, node: int, key: int, end: Callable[[list[Customer]], None]
    ) -> None:
        self.station = station
        self.group = group
        self.node = node
        self.key = key
        self.end = end
        self.customers: list[Customer] = []
        self.timer: Timer | None = None
        self.begun_ns = self.ends_ns = 0
        self.left_ns = -1  # when paused, what is left of it

    def begin(self, customers: list[Customer], length_ns: int) -> None:
        """Serve `customers`, for `length_ns` at full speed."""
        self.station.meter.batches += 1
        self.customers = customers
        for customer in customers:
            self.station.begin(customer, True)
        speed = self.group.speed(self.node)
        self._end_in(length_ns if speed == 1 else round(length_ns / speed))

    def _end_in(self, length_ns: int) -> None:
        clock = self.station.clock
        self.begun_ns = clock._now
        self.ends_ns = clock._now + length_ns
        self.timer = clock.call(self.ends_ns, self.key, self._over)

    def _over(self, _: Event) -> None:
        self.account()
        served, self.customers, self.timer = self.customers, [], None
        self.end(served)

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


class BatchStation(CustomerStation, Resident):
    """What both share: rounds, whose time at work is what the station is used, however many each one serves."""

    group: Group

    def __init__(self, engine: Engine, name: str, group: Group) -> None:
        super().__init__(engine, name, 0)
        self.group = group
        self.rounds: list[Round] = []
        group.residents.append(self)

    def mark(self) -> None:
        """Bring the time at work up to this instant."""
        for round_ in self.rounds:
            round_.account()

    def advance(self, node: int) -> None:
        """Begin or plan the next round of a node, where it may be."""
        raise AssertionError

    def halt(self, node: int) -> None:
        """Plan no round of a node."""

    def node_down(self, node: int, hit: Hit) -> None:
        """The round under way is lost, and those in it are interrupted; the queue stays, and nobody serves it."""
        if node < len(self.rounds):
            self.rounds[node].drop(hit)
            self.halt(node)

    def node_up(self, node: int) -> None:
        """Serve those who wait."""
        if node < len(self.rounds):
            self.advance(node)

    def node_speed(self, node: int, speed: float) -> None:
        """A pause stops the round under way and what is planned; a slow node takes longer for the next one."""
        if node < len(self.rounds):
            self.rounds[node].change_speed(speed)
            if speed == 0:
                self.halt(node)
            self.advance(node)

    def release(self, served: list[Customer]) -> None:
        """Let those go on whose flush or read has ended, in the order of their arrival."""
        for customer in served:
            if not customer.left:
                self.done(customer)
                self.clock.wake(customer.event)


class FlushStation(BatchStation):
    """Group commit: one flush at a time; it serves all who wait when it starts."""

    def __init__(self, engine: Engine, name: str, spec: GroupCommit, group: Group) -> None:
        super().__init__(engine, name, group)
        self.spec = spec
        self.flush = engine.sampler(f"{name}/flush", spec.flush)
        self.line: OrderedDict[Customer, None] = OrderedDict()
        self.round = Round(self, group, 0, key(COMPLETION, self.element), self._end)
        self.rounds.append(self.round)
        self.flushes = 0

    def enter(self, customer: Customer, bound: int) -> None:
        """Join the next flush; it starts at once when none is under way."""
        if self.spec.when_down == "refuse" and not self.group.is_up(0):
            self.meter.refused += 1
            customer.left = True
            raise Failed("refused")
        self.line[customer] = None
        self.meter.wait_begins()
        self.advance(0)

    def advance(self, node: int) -> None:
        """Start the next flush, where somebody waits, none is under way and the node is ready."""
        if self.round.customers or not self.line or not self.group.ready[0]:
            return
        limit = self.spec.batch_limit or len(self.line)
        customers = [self.line.popitem(last=False)[0] for _ in range(min(limit, len(self.line)))]
        self.flushes += 1
        self.round.begin(customers, self.flush.ns(0, self.flushes - 1))

    def _end(self, served: list[Customer]) -> None:
        self.advance(0)
        self.release(served)

    def abandon(self, customer: Customer) -> None:
        """Leave the line; a flush under way goes on without it."""
        if customer.inside:
            self.done(customer)
        else:
            del self.line[customer]
            self.gone(customer)


@dataclass(slots=True, eq=False)
class PolledNode:
    """The queue of one node and its reader."""

    round: Round
    line: OrderedDict[Customer, None] = field(default_factory=OrderedDict)
    planned: Timer | None = None
    full_ns: int = 0  # when all tokens for reads would be there again
    reads: int = 0
    again: bool = False  # somebody came while a read was planned: another one follows


class PolledStation(BatchStation):
    """Queues that a reader looks into at a limited rate, a batch at a time; one queue a node, chosen by key."""

    def __init__(self, engine: Engine, name: str, spec: Polled, group: Group) -> None:
        super().__init__(engine, name, group)
        self.spec = spec
        self.keys = Keys(engine, name, spec.keyed, group.count) if spec.keyed is not None else None
        self.read = engine.sampler(f"{name}/read", spec.read) if spec.read is not None else None
        self.nodes = [
            PolledNode(Round(self, group, node, key(COMPLETION, self.element + node), partial(self._end, node)))
            for node in range(group.count)
        ]
        self.rounds += [place.round for place in self.nodes]

    def enter(self, customer: Customer, bound: int) -> None:
        """Stand in the queue of one's node."""
        customer.node = bound if bound >= 0 else self._node(customer.job)
        place = self.nodes[customer.node]
        place.line[customer] = None
        self.meter.wait_begins()
        place.again |= self.spec.follow_up and place.planned is not None
        self.advance(customer.node)

    def _node(self, job: Job) -> int:
        return 0 if self.keys is None else self.keys.node(job)

    def prompt(self, job: Job) -> None:
        """Read on the spot."""
        node = self._node(job)
        place = self.nodes[node]
        if not place.line or not self.group.ready[node]:
            return
        self.meter.batches += 1
        customers = self._taken(place)
        for customer in customers:
            self.begin(customer, True)
        if not place.line and not self.spec.follow_up:
            self.halt(node)
        self.release(customers)

    def _taken(self, place: PolledNode) -> list[Customer]:
        return [place.line.popitem(last=False)[0] for _ in range(min(self.spec.batch, len(place.line)))]

    def advance(self, node: int) -> None:
        """Set the timer of the next read, if somebody waits and none is under way."""
        place = self.nodes[node]
        if place.planned is not None or place.round.customers or not self.group.ready[node]:
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
        customers = self._taken(place)
        if self.read is None:
            self.meter.batches += 1
            for customer in customers:
                self.begin(customer, True)
            self._end(node, customers)
            return
        place.reads += 1
        place.round.begin(customers, self.read.ns(node, place.reads - 1))

    def _end(self, node: int, served: list[Customer]) -> None:
        self.advance(node)
        self.release(served)

    def abandon(self, customer: Customer) -> None:
        """Leave the queue, or what a read under way has taken."""
        if customer.inside:
            self.done(customer)
            return
        del self.nodes[customer.node].line[customer]
        self.gone(customer)
        if not self.nodes[customer.node].line and not self.spec.follow_up:
            self.halt(customer.node)

    def halt(self, node: int) -> None:
        """Plan no read."""
        planned, self.nodes[node].planned = self.nodes[node].planned, None
        if planned is not None:
            planned.cancel()
