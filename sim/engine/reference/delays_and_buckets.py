"""Stations without servers of their own: what their visits share, the delay and the token bucket.

Group commit and the polled queue, which serve in batches, are in `batches`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.draws.streams import child_path
from sim.engine.order import COMPLETION, TIMEOUT, key
from sim.engine.reference.clock import Event, Timer
from sim.engine.reference.groups import Group
from sim.engine.reference.jobs import Failed, Job
from sim.engine.reference.meters import Meter
from sim.network.places import Delay, TokenBucket

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine
    from sim.engine.reference.steps import UseStep


@dataclass(slots=True, eq=False)
class Customer:
    """A job at one of these stations; `inside` once it is being served, `left` once that is over."""

    job: Job
    requested_ns: int
    event: Event
    granted_ns: int = -1
    units: int = 1
    node: int = 0
    inside: bool = False
    left: bool = False


class CustomerStation:
    """What these stations share: a meter, the wait of a job with patience and interruption.

    group: the nodes it stands on, None where there are none.
    """

    group: Group | None = None

    def __init__(self, engine: Engine, name: str, units: int) -> None:
        self.engine = engine
        self.clock = engine.clock
        self.name = name
        self.element = engine.elements[name]
        self.meter = Meter(self.clock, engine.window, units)
        self.customers: dict[Customer, None] = {}
        self.wait_state = f"wait.{name}"
        self.service_state = f"service.{name}"

    def visit(self, job: Job, step: UseStep, demand_ns: int, priority: int, bound: int, patience_ns: int) -> Any:
        """Wait, be served, leave: a generator that ends with the service. patience_ns: -1 waits for ever.

        These stations serve in the order of arrival, for a time of their own, and have no server to keep: demand and
        priority mean nothing here (the network's check refuses a demand).
        """
        customer = Customer(job, self.clock._now, Event(self.clock))
        self.meter.requested += 1
        self.enter(customer, bound)
        if not customer.left:
            self.customers[customer] = None
        patience = None
        if patience_ns >= 0 and not customer.inside:
            patience = self.clock.call(
                self.clock._now + patience_ns,
                key(TIMEOUT, step.element) | job.order,
                lambda _: self._give_up(customer),
            )
        try:
            if (yield customer.event) == "patience":
                raise Failed("patience")
        except BaseException:
            if not customer.left:
                self.abandon(customer)
            if customer.inside:  # a service that is cut off is lost work
                job.spend(self.wait_state, max(customer.granted_ns, job.since))
                job.spend("lost", self.clock._now)
            job.spend(self.wait_state, self.clock._now)
            raise
        finally:
            if patience is not None:
                patience.cancel()
        job.spend(self.wait_state, max(customer.granted_ns, job.since))
        job.spend(self.service_state, self.clock._now)
        group = self.group
        if (
            group is not None
            and group.error_chances[customer.node]
            and group.spoils(customer.node, child_path(job.path, step.stream_offset))
        ):
            raise Failed("error")

    def enter(self, customer: Customer, bound: int) -> None:
        """Stand in line, or be served at once."""
        raise AssertionError

    def abandon(self, customer: Customer) -> None:
        """Leave before the end."""
        raise AssertionError

    def _give_up(self, customer: Customer) -> None:
        if not customer.inside:
            self.engine.reacted()
            self.abandon(customer)
            self.clock.wake(customer.event, "patience")

    def begin(self, customer: Customer, waited: bool) -> None:
        """The service starts."""
        customer.inside = True
        customer.granted_ns = self.clock._now
        if waited:
            self.meter.wait_ends(customer.requested_ns, served=True)
        self.meter.grant(customer.requested_ns, 1, waited)

    def done(self, customer: Customer) -> None:
        """The service is over, or cut off."""
        customer.left = True
        self.customers.pop(customer, None)
        self.meter.release(customer.granted_ns, 1)

    def gone(self, customer: Customer) -> None:
        """Left the line without service."""
        customer.left = True
        self.customers.pop(customer, None)
        self.meter.wait_ends(customer.requested_ns, served=False)

    def present_grants(self) -> list[Customer]:
        """Who is being served now."""
        return [customer for customer in self.customers if customer.inside]

    def waiting_grants(self) -> list[Customer]:
        """Who stands in line now."""
        return [customer for customer in self.customers if not customer.inside]


class DelayStation(CustomerStation):
    """Room for everybody."""

    def __init__(self, engine: Engine, name: str, spec: Delay) -> None:
        super().__init__(engine, name, 0)

    def visit(self, job: Job, step: UseStep, demand_ns: int, priority: int, bound: int, patience_ns: int) -> Any:
        """Be served at once."""
        begun = self.clock._now
        customer = Customer(job, begun, Event(self.clock))
        self.customers[customer] = None
        self.meter.requested += 1
        self.begin(customer, False)
        timer = self.clock.timer(begun + demand_ns, key(COMPLETION, self.element) | job.order)
        state = self.service_state
        try:
            yield timer
        except BaseException:
            timer.cancel()
            state = "lost"
            raise
        finally:
            self.done(customer)
            job.spend(state, self.clock._now)


class BucketStation(CustomerStation):
    """Token bucket, by the time at which it would be full again: no clock ticks while nobody comes."""

    def __init__(self, engine: Engine, name: str, spec: TokenBucket) -> None:
        super().__init__(engine, name, 0)
        self.spec = spec
        self.interval_ns = round(1e9 / spec.rate_per_s)
        self.slack_ns = self.interval_ns * (spec.burst - 1)
        self.full_ns = 0  # the theoretical arrival time of the generic cell rate algorithm
        self.line: OrderedDict[Customer, None] = OrderedDict()
        self.timer: Timer | None = None

    def enter(self, customer: Customer, bound: int) -> None:
        """Take a token, or wait for one in line."""
        if not self.line and self.full_ns - self.slack_ns <= self.clock._now:
            self._take(customer, False)
            return
        limit = 0 if self.spec.when_empty == "reject" else self.spec.queue_limit
        if limit is not None and len(self.line) >= limit:
            self.meter.rejected += 1
            customer.left = True
            raise Failed("rejected")
        self.line[customer] = None
        self.meter.wait_begins()
        self._plan()

    def _take(self, customer: Customer, waited: bool) -> None:
        self.full_ns = max(self.full_ns, self.clock._now) + self.interval_ns
        self.begin(customer, waited)
        self.done(customer)
        self.clock.wake(customer.event)

    def _plan(self) -> None:
        if self.timer is None and self.line:
            self.timer = self.clock.call(self.full_ns - self.slack_ns, key(COMPLETION, self.element), self._token)

    def _token(self, _: Event) -> None:
        self.timer = None
        customer, _none = self.line.popitem(last=False)
        self._take(customer, True)
        self._plan()

    def abandon(self, customer: Customer) -> None:
        """Leave the line."""
        del self.line[customer]
        self.gone(customer)
        if not self.line and self.timer is not None:
            self.timer.cancel()
            self.timer = None
