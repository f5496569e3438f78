"""Whether the connections that all pods may open fit into the database: pools are limits, and one day all are full.

Each pod of history and of matching has a pool of its own, as have workers whose activities make transactions, and the
executors of DBOS. While Kubernetes replaces the pods of a service there are more of them. The run simulates the pools
of history alone; what cannot work is told before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sim.errors import Problem
from sim.lower.constants import Constants
from sim.lower.stores.choose import product_of
from sim.lower.stores.postgres.pool import pool_size
from sim.scenario.model.workflow_steps import own_activity, walk
from sim.scenario.scenario import Scenario
from sim.units import write_bytes

MAX_CONNS = "temporal.sql.max_conns"
POOL_SIZE = "pgbouncer.default_pool_size"


@dataclass(frozen=True, slots=True)
class Pools:
    """Pools of one kind. pods: how many there are, `surge` of them only while others are replaced. each: connections
    of one pod. key: that tells `each`."""

    of: str
    pods: int
    each: int
    key: str
    surge: int = 0

    @property
    def most(self) -> int:
        """Connections of all of them."""
        return (self.pods + self.surge) * self.each

    def __str__(self) -> str:
        surge = f" and {self.surge} more in a rollout" if self.surge else ""
        return f"{self.pods} {self.of}{surge}, of {self.each} each"


def infeasible_pools(constants: Constants, scenario: Scenario) -> Iterator[Problem]:
    """Pools that do not fit into each other, into the connections that the database takes, or into its memory."""
    limits = product_of(scenario).connection_limits(constants, scenario) if scenario.stores else None
    if limits is None:
        return
    bouncer = scenario.pgbouncer
    pools = list(_pools(constants, scenario, limits.application_pool))
    told, key = f"{'; '.join(map(str, pools))}", pools[0].key
    most = backends = sum(one.most for one in pools)
    if bouncer is not None:
        backends, key = pool_size(constants, bouncer), POOL_SIZE
        told = f"{bouncer.replicas} of pgbouncer, of {backends // bouncer.replicas} each"
        if bouncer.pool_mode == "session" and most > backends:
            yield Problem(
                "pgbouncer.pool_mode",
                f"is session: each of {most} connections of the pods keeps one of {backends} to the database for good",
                "write pool_mode: transaction, or a larger default_pool_size",
            )
    allowed, reserved = limits.allowed, limits.reserved
    if allowed is not None and backends > allowed - reserved:
        kept = f", of which {reserved} are kept for {limits.reserved_for}" if reserved else ""
        yield Problem(
            f"{limits.key}.max_connections",
            f"is {allowed}{kept}, but the pools may open {backends}: {told}",
            f"lower {key}, or write max_connections: {backends + reserved}",
            beside=key,
        )
    needed, memory = backends * limits.bytes_each, limits.memory_bytes
    if memory is not None and needed > memory:
        yield Problem(
            f"{limits.key}.memory",
            f"is {write_bytes(memory)}, but {backends} connections may need {write_bytes(needed)}",
            f"lower {key}",
            beside=key,
        )


def _pools(constants: Constants, scenario: Scenario, application_pool: str) -> Iterator[Pools]:
    """All pools with a database at their other end, or pgbouncer. application_pool: constant that tells that of a pod
    of workers."""
    temporal, dbos = scenario.temporal, scenario.dbos
    if temporal is not None:
        each = temporal.sql.max_conns or constants.number("temporal.max_conns")
        pods = temporal.history.replicas if temporal.history is not None else 1
        surge = math.ceil(pods * constants.ratio("kubernetes.max_surge")) if _rolls(scenario) else 0
        yield Pools("history pods" if pods > 1 else "history pod", pods, each, MAX_CONNS, surge)
        if temporal.matching is not None:
            number = temporal.matching.replicas
            yield Pools("matching pods" if number > 1 else "matching pod", number, each, MAX_CONNS)
    for queue, pool in scenario.workers.items():
        if dbos is not None:
            size = dbos.pool_size or constants.number("dbos.pool_size")
            yield Pools(f"executors of {queue}", pool.most, size, "dbos.pool_size")
        elif queue in _transacting(scenario):
            size = constants.number(application_pool)
            yield Pools(f"workers of {queue}", pool.most, size, f"constants.{application_pool}")


def _rolls(scenario: Scenario) -> bool:
    """Whether Kubernetes replaces the pods of history: it starts new ones before it stops old ones."""
    rollouts = (fault for fault in scenario.faults.values() if fault.is_rolling)
    return scenario.kubernetes is not None and any("temporal.history" in fault.each_target for fault in rollouts)


def _transacting(scenario: Scenario) -> set[str]:
    """Queues whose workers make transactions of their own."""
    found = set()
    for workflow in scenario.workflows.values():
        for _, step in walk(workflow.steps):
            own = own_activity(step)
            if own is not None and own[1].transaction is not None:
                found.add(own[1].task_queue or workflow.task_queue)
    return found
