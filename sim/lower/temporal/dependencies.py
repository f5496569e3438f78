"""Dependencies as places, a station with their concurrency and a token bucket as quota; and how a worker calls them.

A call has retries, breaker, bulkhead, timeout, hedging, from the outside to the inside. The order is that of the
libraries: each try asks the breaker, which sees whatever becomes of it; a bulkhead is held until the caller has its
answer or has given up; a timeout counts from the moment that the call is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.lower.constants import Constants
from sim.lower.context import Context
from sim.lower.parts import Parts
from sim.lower.setting import Setting, gauge, of, p99, rate
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Fork,
    ForkBody,
    Step,
    Steps,
    acquire,
    constant,
    count,
    delay,
    fail,
    release,
    start,
)
from sim.network.places import Resource, Server, Shed, TokenBucket
from sim.network.policies import Breaker, Budget, Retry
from sim.network.routines import Use, UseBody
from sim.scenario.model.dependencies import CallRetry, CircuitBreaker, Dependency, Hedge


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: pods of `nodes`, each of which stands for `pods`, in a unit of `slots` that is held."""

    nodes: str
    slots: str
    pods: int = 1


def guarded(
    context: Context, name: str, dependency: Dependency, caller: Caller, token: Steps, requested: Steps
) -> Steps:
    """The call with all that guards it. token: what has to be had before it is sent. requested: the call alone."""
    parts, constants, steps = context.parts, context.constants, requested
    if dependency.hedge is not None:
        steps = _hedged(constants, dependency.hedge, steps)
    if dependency.timeout_ns is not None:
        if not dependency.propagate_deadline:
            constants.record_assumption(
                "a call whose caller has given up",
                "is worked off there for nobody; an effect that it has there is in no figure",
            )
        timed = AttemptBody(
            steps=(start(), *steps),
            start_to_close_ns=dependency.timeout_ns,
            stops=dependency.propagate_deadline,
            counted=False,
        )
        steps = (Attempt(attempt=timed),)
    if dependency.bulkhead is not None:
        room = f"{caller.slots}-bulkhead-{name}"
        parts.add_resource(
            room,
            Resource(
                nodes=caller.nodes,
                units=dependency.bulkhead.calls * caller.pods,
                queue_limit=dependency.bulkhead.queue,
            ),
            Setting(
                f"bulkhead of calls to {name}",
                f"dependencies.{name}.bulkhead.calls",
                "maxConcurrentCalls of the bulkhead",
                gauge("resilience4j_bulkhead_available_concurrent_calls", name=name),
                "restart",
                dependency.bulkhead.calls,
            ),
        )
        steps = (acquire(room, at=caller.slots), *steps, release(room))
    steps = (*token, *steps)
    if dependency.breaker is not None or dependency.retry is not None:
        breaker = None if dependency.breaker is None else _breaker(parts, name, dependency.breaker, caller)
        retry = None if dependency.retry is None else _retry(parts, name, dependency.retry)
        tried = AttemptBody(steps=steps, breaker=breaker, retry=retry, counted=retry is not None)
        steps = (Attempt(attempt=tried),)
    return steps


def _hedged(constants: Constants, hedge: Hedge, requested: Steps) -> Steps:
    """Two calls, the second one after a while. The first answer counts, and stops the other one."""
    constants.record_assumption(
        "a hedged call",
        "is cancelled at the other side, too, when the other one of the two is answered; one that fails waits for it",
    )
    second: Steps = (delay(constant(hedge.after_ns), "timer"), count(hedge=1), *requested)
    return (Fork(fork=ForkBody(branches=(requested, second), join="first", cancel=True)),)


def _breaker(parts: Parts, name: str, own: CircuitBreaker, caller: Caller) -> str:
    breaker = f"{name}-of-{caller.slots}" if own.per == "pod" else name
    parts.breakers[breaker] = Breaker(
        window=own.window,
        failures=own.failures,
        open_ns=own.open_ns,
        trials=own.trials,
        at=caller.slots if own.per == "pod" else None,
    )
    return breaker


def _retry(parts: Parts, name: str, own: CallRetry) -> Retry:
    if own.budget is not None:
        parts.budgets[name] = Budget(ratio=own.budget.ratio, burst=own.budget.burst)
    return Retry(
        initial_interval_ns=own.initial_interval_ns,
        backoff_coefficient=own.backoff_coefficient,
        maximum_interval_ns=own.maximum_interval_ns,
        maximum_attempts=own.attempts,
        jitter=own.jitter,
        budget=None if own.budget is None else name,
    )


THROTTLED = "throttled"
"""Failure: the quota of a dependency is spent."""


class Dependencies:
    """The services that activities call."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.dependencies = context.scenario.dependencies
        for name, dependency in self.dependencies.items():
            self._add(name, dependency)

    def _add(self, name: str, dependency: Dependency) -> None:
        """Its station, and the bucket of its quota."""
        parts = self.context.parts
        parts.add_station(
            place_of(name),
            Server(
                servers=dependency.concurrency,
                service=dependency.latency,
                queue_limit=dependency.queue_limit,
                shed=None if dependency.shed_after_ns is None else Shed(after_ns=dependency.shed_after_ns),
            ),
            Setting(
                name,
                f"dependencies.{name}.concurrency",
                f"capacity of {name}",
                p99("temporal_activity_execution_latency"),
                value=dependency.concurrency,
            ),
        )
        quota = dependency.quota
        if quota is not None:
            parts.add_station(
                _quota(name),
                TokenBucket(
                    kind="token_bucket",
                    rate_per_s=quota.rate_per_s,
                    burst=quota.burst,
                    when_empty="wait" if quota.when_spent == "wait" else "reject",
                ),
                Setting(
                    of(name, "quota"),
                    f"dependencies.{name}.quota.rate",
                    f"quota that {name} grants",
                    rate("temporal_activity_execution_failed"),
                    value=quota.rate_per_s,
                    unit="/s",
                ),
            )

    def call(self, name: str, caller: Caller) -> Steps:
        """A call up to its effect; it fails with `error`, with `throttled` when its quota is spent, and as its caller
        guards it."""
        dependency = self.dependencies[name]
        failing = (fail("error", dependency.error_rate),) if dependency.error_rate else ()
        requested: Steps = (Use(use=UseBody(station=place_of(name))), *failing)
        return guarded(self.context, name, dependency, caller, tuple(self._token(name)), requested)

    def reply(self, name: str) -> Iterator[Step]:
        """The answer to a call that has had its effect; it may be lost."""
        if self.dependencies[name].lost_reply_rate:
            yield fail("error", self.dependencies[name].lost_reply_rate)

    def _token(self, name: str) -> Iterator[Step]:
        quota = self.dependencies[name].quota
        if quota is None:
            return
        token: Steps = (Use(use=UseBody(station=_quota(name))),)
        if quota.when_spent == "reject":
            # Not `rejected`, which is final: this one is tried again.
            turned_away = AttemptBody(steps=token, on_failure=(fail(THROTTLED),), counted=False)
            token = (Attempt(attempt=turned_away),)
        yield from token


def place_of(name: str) -> str:
    """The station that a dependency is."""
    return f"dependency-{name}"


def _quota(name: str) -> str:
    return f"quota-{name}"
