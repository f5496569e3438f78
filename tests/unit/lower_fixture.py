"""A small deployment with round numbers, for timelines worked out by hand; changed by `--set` assignments."""

from __future__ import annotations

from collections.abc import Sequence

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import Loaded, load
from sim.network import Network
from sim.results.audit import audit
from sim.results.columns import Replication
from sim.studies.episodes import disturbed, kinds_of
from sim.units.tables import SECOND

SMALL = """
name: small
workflows:
  order:
    arrivals: {burst: 1}
    task_queue: orders
    steps:
      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}
workers:
  orders: {replicas: 2, cpu: 1}
temporal: {rtt: 0 ms, history_shards: 4}
postgres: {nodes: 1, cpu: 4, synchronous_standbys: 0, flush: 1 ms, rtt: 0 ms}
constants:
  temporal:
    {history_cpu: 0 ms, start_cpu: 0 ms, close_cpu: 0 ms, matching_cpu: 0 ms, frontend_cpu: 0 ms,
     transfer_read_cpu: 0 ms, persistence_retry_jitter: 0, transfer_saved: 0 s, transfer_follow_up: false,
     transfer_of_close: false, retry_by_transfer: true, forward_rate: 0, sync_match_wait: 200 ms}
  postgres: {cpu_per_message: 0 ms, connect: 0 ms, connect_cpu: 0 ms}
  sdk: {workflow_task_cpu: 0 ms, activity_task_cpu: 0 ms, replay_cpu_per_event: 0 ms}
"""
"""One workflow of one activity; only flushes (1 ms), the service (100 ms) and the transfer queue (50 ms) take time.
A read of that takes an interval, none are saved up; a poll is waited for; what else a server does is tested apart."""


def small(*sets: str) -> Loaded:
    """The small deployment with some values changed."""
    return load(SMALL, sets)


def run(
    loaded: Loaded,
    horizon_s: float = 1.0,
    drain_s: float = 1000.0,
    seed: int = 1,
    drill: str | None = None,
    follow_s: float = 0.0,
) -> Replication:
    """One replication by the reference engine; whatever it does, it keeps the laws."""
    plan = Plan(
        seed=seed,
        horizon_ns=round(horizon_s * SECOND),
        follow_ns=round(follow_s * SECOND),
        drain_ns=round(drain_s * SECOND),
        drill=drill,
    )
    replication = Engine(loaded.lowered.network, plan).run()
    assert audit(replication) == []
    return replication


def counts(replication: Replication) -> dict[str, int]:
    """Operations of the cohort, all routines together."""
    total: dict[str, int] = {}
    for (_, operation), number in replication.counts.items():
        total[operation] = total.get(operation, 0) + number
    return total


def latencies_ms(replication: Replication) -> list[float]:
    """Latencies of the cohort in ms, in the order of arrival."""
    rows = replication.executions
    return [float(rows.end_ns[row] - rows.start_ns[row]) / 1e6 for row in rows.cohort]


def messages(error: BaseException) -> Sequence[str]:
    """The paths of what was wrong with a file."""
    return [f"{problem.path}: {problem.message}" for problem in error.problems]  # type: ignore[attr-defined]


def in_drill(loaded: Loaded, drill: str) -> Network:
    """The network in which a scripted fault comes at its own time with all that it takes, and nothing else fails."""
    kind = kinds_of(loaded.lowered)[drill]
    assert kind.at_ns is not None
    network, named = disturbed(loaded.lowered.network, [(kind.variant(1, 0), kind.at_ns)])
    assert named == drill
    return network
