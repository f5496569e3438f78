"""Stations that decide when to serve by themselves: delay, group commit, polled queue, token bucket."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from sim.engine.order import COMPLETION, TIMEOUT, key
from sim.engine.reference.choices import Keys
from sim.engine.reference.clock import Alarm, Event
from sim.engine.reference.groups import Group
from sim.engine.reference.jobs import Failed, Job
from sim.engine.reference.meters import Meter
from sim.network.places import Delay, GroupCommit, Polled, TokenBucket

if TYPE_CHECKING:
    from sim.engine.reference.engine import Engine


class Guest:
    """A job at one of these stations; `inside` once it is being served."""

    __slots__ = ("asked_ns", "granted_ns", "event", "inside", "job", "left", "units")

    def __init__(self, job: Job, now_ns: int, event: Event) -> None:
        self.job = job
        self.asked_ns = now_ns
        self.granted_ns = now_ns
        self.units = 1
        self.event = event
        self.inside = False
        self.left = False


class Batches:
    """What these stations share: a line, a meter, the wait of a job with patience and interruption."""

    demand_sum = 0

    def __init__(self, engine: Engine, name: str, units: int) -> None:
        self.engine = engine
        self.clock = engine.clock
        self.name = name
        self.element = engine.elements[name]
        self.meter = Meter(self.clock, engine.window, units)
        self.guests: dict[Guest, None] = {}
        self.wait_state = f"wait.{name}"
        self.service_state = f"service.{name}"

    def visit(
        self, job: Job, demand_ns: int, priority: int, bound: int, patience_ns: int, element: int, keeps: bool
    ) -> Any:
        """Wait, be served, leave: a generator that ends with the service. patience_ns: -1 waits for ever.

        These stations serve in the order of arrival, for a time of their own, and have no server to keep: demand,
        priority and `keeps` mean nothing here (the network's check refuses a demand).
        """
        guest = Guest(job, self.clock._now, Event(self.clock))
        self.meter.ask()
        self.enter(guest, bound)
        if not guest.left:
            self.guests[guest] = None
        patience = None
        if patience_ns >= 0 and not guest.inside:
            patience = self.clock.alarm(self.clock._now + patience_ns, key(TIMEOUT, element) | job.order)
            assert patience.callbacks is not None
            patience.callbacks.append(lambda _: self._give_up(guest))
        try:
            if (yield guest.event) == "patience":
                raise Failed("patience")
        except BaseException:
            if not guest.left:
                self.abandon(guest)
            job.spend(self.service_state if guest.inside else self.wait_state, self.clock._now)
            raise
        finally:
            if patience is not None:
                patience.cancel()
        if guest.granted_ns > job.since:
            job.spend(self.wait_state, guest.granted_ns)
        job.spend(self.service_state, self.clock._now)

    def enter(self, guest: Guest, bound: int) -> None:
        """Stand in line, or be served at once."""
        raise AssertionError

    def abandon(self, guest: Guest) -> None:
        """Leave before the end."""
        raise AssertionError

    def _give_up(self, guest: Guest) -> None:
        if not guest.inside:
            self.abandon(guest)
            self.clock.wake(guest.event, "patience")

    def _begin(self, guest: Guest, waited: bool) -> None:
        guest.inside = True
        guest.granted_ns = self.clock._now
        if waited:
            self.meter.wait_ends(guest.asked_ns, served=True)
        self.meter.grant(guest.asked_ns, 1, waited)

    def _done(self, guest: Guest) -> None:
        guest.left = True
        self.guests.pop(guest, None)
        self.meter.release(guest.granted_ns, 1)

    def _gone(self, guest: Guest) -> None:
        guest.left = True
        self.guests.pop(guest, None)
        self.meter.wait_ends(guest.asked_ns, served=False)

    def present_grants(self) -> list[Guest]:
        """Who is being served now."""
        return [guest for guest in self.guests if guest.inside]

    def waiting_grants(self) -> list[Guest]:
        """Who stands in line now."""
        return [guest for guest in self.guests if not guest.inside]


class DelayStation(Batches):
    """Room for everybody."""

    def __init__(self, engine: Engine, name: str, spec: Delay) -> None:
        super().__init__(engine, name, 0)

    def visit(
        self, job: Job, demand_ns: int, priority: int, bound: int, patience_ns: int, element: int, keeps: bool
    ) -> Any:
        """Be served at once."""
        begun = self.clock._now
        guest = Guest(job, begun, Event(self.clock))
        self.guests[guest] = None
        self.meter.ask()
        self._begin(guest, False)
        alarm = self.clock.alarm(begun + demand_ns, key(COMPLETION, self.element) | job.order)
        try:
            yield alarm
        except BaseException:
            alarm.cancel()
            raise
        finally:
            self._done(guest)
            job.spend(self.service_state, self.clock._now)
        self.demand_sum += demand_ns


class FlushStation(Batches):
    """Group commit: one flush at a time; it serves all who wait when it starts."""

    def __init__(self, engine: Engine, name: str, spec: GroupCommit, group: Group) -> None:
        super().__init__(engine, name, 1)
        self.spec = spec
        self.group = group
        self.flush = engine.sampler(f"{name}/flush", spec.flush)
        self.line: OrderedDict[Guest, None] = OrderedDict()
        self.batch: list[Guest] = []
        self.flushes = 0
        self.alarm: Alarm | None = None
        self.paused_left_ns = -1
        group.residents.append(self)

    def enter(self, guest: Guest, bound: int) -> None:
        """Join the next flush; it starts at once when none is under way."""
        if self.spec.when_down == "refuse" and not self.group.is_up(0):
            self.meter.refuse()
            guest.left = True
            raise Failed("refused")
        self.line[guest] = None
        self.meter.wait_begins()
        self._start()

    def _start(self) -> None:
        if self.batch or not self.line or not self.group.is_up(0) or self.group.speed(0) == 0:
            return
        limit = self.spec.batch_limit or len(self.line)
        while self.line and len(self.batch) < limit:
            guest, _ = self.line.popitem(last=False)
            self._begin(guest, True)
            self.batch.append(guest)
        length = self.flush.ns(0, self.flushes)
        speed = self.group.speed(0)
        if speed != 1:
            length = round(length / speed)
        self._end_at(self.clock._now + length)
        self.flushes += 1

    def _end_at(self, time_ns: int) -> None:
        self.alarm = self.clock.alarm(time_ns, key(COMPLETION, self.element))
        assert self.alarm.callbacks is not None
        self.alarm.callbacks.append(self._end)
        self.ends_ns = time_ns

    def _end(self, _: Event) -> None:
        served, self.batch, self.alarm = self.batch, [], None
        self._start()
        for guest in served:
            if not guest.left:
                self._done(guest)
                self.clock.wake(guest.event)

    def abandon(self, guest: Guest) -> None:
        """Leave the line; a flush under way goes on without it."""
        if guest.inside:
            self._done(guest)
        else:
            del self.line[guest]
            self._gone(guest)

    def node_down(self, node: int, hit: dict[Job, int | None]) -> None:
        """The flush under way is lost, and those in it are interrupted."""
        if node:
            return
        for guest in self.batch:
            if not guest.left:
                hit.setdefault(guest.job, None)
        self.batch = []
        self.paused_left_ns = -1
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None

    def node_up(self, node: int) -> None:
        """Flush for those who wait."""
        if node == 0:
            self._start()

    def node_speed(self, node: int, speed: float) -> None:
        """A pause stops the flush under way; a slow node takes longer for the next one."""
        if node:
            return
        if speed == 0 and self.alarm is not None:
            self.paused_left_ns = self.ends_ns - self.clock._now
            self.alarm.cancel()
            self.alarm = None
        elif speed > 0 and self.paused_left_ns >= 0:
            self._end_at(self.clock._now + self.paused_left_ns)
            self.paused_left_ns = -1
        elif speed > 0:
            self._start()


class PolledStation(Batches):
    """Queues that a reader looks into at a limited rate, a batch at a time; one queue a node, chosen by key."""

    def __init__(self, engine: Engine, name: str, spec: Polled, count: int) -> None:
        super().__init__(engine, name, count)
        self.spec = spec
        self.keys = Keys(engine, name, spec.keyed, count) if spec.keyed is not None else None
        self.read = engine.sampler(f"{name}/read", spec.read) if spec.read is not None else None
        self.lines: list[OrderedDict[Guest, None]] = [OrderedDict() for _ in range(count)]
        self.next_ns = [0] * count
        self.alarms: list[Alarm | None] = [None] * count
        self.reads = [0] * count
        self.places: dict[Guest, int] = {}

    def enter(self, guest: Guest, bound: int) -> None:
        """Stand in the queue of one's node."""
        node = bound if bound >= 0 else 0 if self.keys is None else self.keys.node(guest.job)
        self.places[guest] = node
        self.lines[node][guest] = None
        self.meter.wait_begins()
        self._plan(node)

    def _plan(self, node: int) -> None:
        """Set the alarm of the next read, if somebody waits."""
        if self.alarms[node] is not None or not self.lines[node]:
            return
        now = self.clock._now
        if self.spec.trigger == "timer":
            interval = self.spec.interval_ns
            time = max((now // interval + 1) * interval, self.next_ns[node])
        else:
            time = max(now, self.next_ns[node])
        # Visit 1, so that a read that ends at this instant hands its batch on first.
        alarm = self.clock.alarm(time, key(COMPLETION, self.element + node) | 1)
        assert alarm.callbacks is not None
        alarm.callbacks.append(lambda _: self._read(node))
        self.alarms[node] = alarm

    def _read(self, node: int) -> None:
        """Take a batch; those taken go on when the read has ended."""
        self.alarms[node] = None
        line = self.lines[node]
        now = self.clock._now
        taken = []
        while line and len(taken) < self.spec.batch:
            guest, _ = line.popitem(last=False)
            self._begin(guest, True)
            taken.append(guest)
        self.next_ns[node] = now + self.spec.interval_ns
        if self.read is None:
            self._finish(node, taken)
            return
        ends = now + self.read.ns(node, self.reads[node])
        self.reads[node] += 1
        self.next_ns[node] = max(self.next_ns[node], ends)
        alarm = self.clock.alarm(ends, key(COMPLETION, self.element + node))
        assert alarm.callbacks is not None
        alarm.callbacks.append(lambda _: self._finish(node, taken))

    def _finish(self, node: int, taken: list[Guest]) -> None:
        self._plan(node)
        for guest in taken:
            if not guest.left:
                self._done(guest)
                del self.places[guest]
                self.clock.wake(guest.event)

    def abandon(self, guest: Guest) -> None:
        """Leave the queue, or what a read under way has taken."""
        node = self.places.pop(guest)
        if guest.inside:
            self._done(guest)
        else:
            del self.lines[node][guest]
            self._gone(guest)
            alarm = self.alarms[node]
            if not self.lines[node] and alarm is not None:
                alarm.cancel()
                self.alarms[node] = None


class BucketStation(Batches):
    """Token bucket, by the time at which it would be full again: no clock ticks while nobody comes."""

    def __init__(self, engine: Engine, name: str, spec: TokenBucket) -> None:
        super().__init__(engine, name, 0)
        self.spec = spec
        self.interval_ns = round(1e9 / spec.rate_per_s)
        self.slack_ns = self.interval_ns * (spec.burst - 1)
        self.full_ns = 0  # the theoretical arrival time of the generic cell rate algorithm
        self.line: OrderedDict[Guest, None] = OrderedDict()
        self.alarm: Alarm | None = None

    def enter(self, guest: Guest, bound: int) -> None:
        """Take a token, or wait for one in line."""
        if not self.line and self.full_ns - self.slack_ns <= self.clock._now:
            self._take(guest, False)
            return
        limit = 0 if self.spec.when_empty == "reject" else self.spec.queue_limit
        if limit is not None and len(self.line) >= limit:
            self.meter.reject()
            guest.left = True
            raise Failed("rejected")
        self.line[guest] = None
        self.meter.wait_begins()
        self._plan()

    def _take(self, guest: Guest, waited: bool) -> None:
        self.full_ns = max(self.full_ns, self.clock._now) + self.interval_ns
        self._begin(guest, waited)
        self._done(guest)
        self.clock.wake(guest.event)

    def _plan(self) -> None:
        if self.alarm is None and self.line:
            self.alarm = self.clock.alarm(self.full_ns - self.slack_ns, key(COMPLETION, self.element))
            assert self.alarm.callbacks is not None
            self.alarm.callbacks.append(self._token)

    def _token(self, _: Event) -> None:
        self.alarm = None
        guest, _none = self.line.popitem(last=False)
        self._take(guest, True)
        self._plan()

    def abandon(self, guest: Guest) -> None:
        """Leave the line."""
        if not guest.inside:
            del self.line[guest]
            self._gone(guest)
            if not self.line and self.alarm is not None:
                self.alarm.cancel()
                self.alarm = None
