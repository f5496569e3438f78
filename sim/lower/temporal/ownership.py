"""Which history pod owns a shard, and what happens to it when that pod dies.

A transition is carried out by the owner of its shard, and the shard's queues are read by it. When the pod crashes,
what it was doing is lost and tried again; its shards stand still until the others know that it is gone and have
acquired them. Then their queues are fired anew: a task that was on its way is read once more.

Two groups of nodes stand for the pods: one for the shards that each owns, away until these have moved, and one for
their cores, away until the pod is replaced.
"""

from __future__ import annotations

from math import ceil

from sim.lower.steps import Attempt, AttemptBody, Distribution, Step, Steps, acquire, constant, count, fail, release
from sim.lower.stores.base import OWNER, Store
from sim.lower.sums import least_of, sum_of
from sim.network.distributions import Uniform
from sim.network.routines import Retry
from sim.units.tables import MILLISECOND

LOST = "shard_ownership_lost"
"""Failure: the pod that owned the shard has crashed while it read a queue."""


def read_by_owner(steps: Steps) -> Steps:
    """Steps of reading a shard's queue, by the pod that owns the shard; read again by the next one if it crashes."""
    refired = (count(refired=1), fail(LOST))
    reading: Step = Attempt(
        attempt=AttemptBody(steps=(acquire(OWNER), *steps, release(OWNER)), counted=False, on_failure=refired)
    )
    again = Retry(initial_interval_ns=MILLISECOND, backoff_coefficient=1.0)  # as good as at once
    return (Attempt(attempt=AttemptBody(steps=(reading,), retry=again, counted=False)),)


def shards_away(store: Store, repair: Distribution, all_pods: bool, announced: bool = False) -> Distribution:
    """How long the shards of a pod that has crashed stand still: until others own them, or until it is back.

    all_pods: nobody is left to take over. announced: the pod says that it goes, and need not be missed first.
    """
    history, constants = store.scenario.services["history"], store.constants
    if all_pods or history.replicas == 1:
        return repair
    shards = store.temporal.history_shards or constants.number("temporal.history_shards")
    moved = shards / history.replicas / (history.replicas - 1)
    one_ns = max(1, constants.number("temporal.shard_acquire_round_trips") * store.rtt_ns + store.commit_ns())
    last_ns = one_ns * ceil(moved / constants.number("temporal.shard_acquire_concurrency"))
    acquiring = constant(one_ns) if last_ns == one_ns else Uniform(uniform_ns=(one_ns, last_ns))
    constants.record_assumption(
        "shards of a history pod that is gone",
        "move together, and the others' CPU takes their work from then on",
        "derived: shards over survivors over concurrency, each acquired in two round trips and a commit",
    )
    if announced:
        return least_of(repair, sum_of(constant(constants.number("temporal.shard_handover_gossip")), acquiring))
    return least_of(repair, sum_of(constants.distribution("temporal.shard_owner_detect"), acquiring))
