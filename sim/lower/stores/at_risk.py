"""Commits that were acknowledged and that a failover of this moment would lose.

They are held in a resource of the primary, so that its mean is the expected loss at a random crash, and a crash counts
each of them as lost.
"""

from __future__ import annotations

from sim.lower.parts import Parts
from sim.lower.setting import inner
from sim.lower.steps import Attempt, AttemptBody, Fork, ForkBody, Step, Steps, acquire, count, mark, release
from sim.network.monitors import Span
from sim.network.places import Resource

AT_RISK = "commits-at-risk"
"""Resource: such commits."""
MOST_AT_RISK = 10**9
"""Units of the resource: more commits than a run has, so that nobody ever waits for one."""


def add_at_risk(parts: Parts, primary: str, key: str) -> None:
    """Put the resource in place, and the time that a commit is in it: the replication lag of the store."""
    at_risk = inner("commits that a failover would lose")
    parts.add_resource(AT_RISK, Resource(nodes=primary, units=MOST_AT_RISK), at_risk)
    parts.spans["commit-at-risk"] = Span(
        start="commit-acknowledged", end="commit-safe", metric=f"replication_lag.{key}"
    )


def at_risk(until_safe: Steps) -> Step:
    """What goes on behind a commit that has returned, until nothing can lose it any more."""
    steps = (acquire(AT_RISK), mark("commit-acknowledged"), *until_safe, mark("commit-safe"), release(AT_RISK))
    watched = Attempt(attempt=AttemptBody(steps=steps, on_failure=(count(lost_commit=1),), counted=False))
    return Fork(fork=ForkBody(branches=((watched,),), join=0))
