"""Dependencies as places: a station with their concurrency, a token bucket as quota. What callers do: `calls`."""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.context import Context
from sim.lower.setting import Setting, of
from sim.lower.steps import Attempt, AttemptBody, Step, Steps, fail
from sim.lower.temporal.calls import Caller, guarded
from sim.lower.watch import p99, rate
from sim.network.places import Server, Shed, TokenBucket
from sim.network.routines import Use, UseBody
from sim.scenario.model.dependencies import Dependency

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
        station = Server(
            servers=dependency.concurrency,
            service=dependency.latency,
            queue_limit=dependency.queue_limit,
            shed=None if dependency.shed_after_ns is None else Shed(after_ns=dependency.shed_after_ns),
        )
        setting = Setting(
            name,
            f"dependencies.{name}.concurrency",
            f"capacity of {name}",
            p99("temporal_activity_execution_latency"),
            value=dependency.concurrency,
        )
        parts.add_station(place_of(name), station, setting)
        quota = dependency.quota
        if quota is not None:
            bucket = TokenBucket(
                kind="token_bucket",
                rate_per_s=quota.rate_per_s,
                burst=quota.burst,
                when_empty="wait" if quota.when_spent == "wait" else "reject",
            )
            limit = Setting(
                of(name, "quota"),
                f"dependencies.{name}.quota.rate",
                f"quota that {name} grants",
                rate("temporal_activity_execution_failed"),
                value=quota.rate_per_s,
                unit="/s",
            )
            parts.add_station(_quota(name), bucket, limit)

    def call(self, name: str, caller: Caller) -> Steps:
        """A call up to its effect; it fails with `error`, with `throttled` when its quota is spent, and as its caller
        guards it."""
        dependency = self.dependencies[name]
        failing = (fail("error", dependency.error_rate),) if dependency.error_rate else ()
        asked: Steps = (Use(use=UseBody(station=place_of(name))), *failing)
        return guarded(self.context, name, dependency, caller, tuple(self._token(name)), asked)

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
