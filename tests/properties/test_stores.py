"""Stores on both engines: forks that outlive their executions, replicas that fail meanwhile, a disk that is full.

Goal: what only stores use (joins of k of n, hints that wait for a node, one writer, room and bytes of a disk) means
the same to both. There is no tolerance: runs are equal to the last bit.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from equal_columns import difference

from sim.engine.fast import run
from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import load
from sim.results.audit import audit

SECOND = 1_000_000_000
TEXT = """
name: two stores
workflows:
  order:
    arrivals: 15/s
    task_queue: orders
    steps:
      - activity: {name: charge, service: 20 ms, start_to_close: 2 s}
workers:
  orders: {replicas: 4, cpu: 2}
temporal: {history_shards: 64}
"""
CASSANDRA = """
cassandra: {nodes: 7, cpu: 1, consistency: LEVEL, datacenters: 2, datacenter_rtt: 20 ms}
faults:
  loss: {target: cassandra.node, nodes: [0, 4], at: 500 ms, repair: 1 s}
  more: {target: cassandra.node, mttf: 5 s, repair: 300 ms}
"""
POSTGRES = """
postgres:
  nodes: 2
  cpu: 1
  cache: 1 MB
  disk: {type: gp3, size: 1 TB, iops: 2000, throughput: 5 MB/s}
  failover: {time: 500 ms}
faults:
  loss: {target: postgres.primary, at: 500 ms}
  more: {target: postgres.disk, mttf: 2 s, repair: 300 ms}
"""
MYSQL = """
mysql:
  nodes: 3
  cpu: 1
  cache: 1 MB
  semi_sync: {replicas: 2, timeout: 300 ms}
  disk: {type: gp3, size: 1 TB, iops: 2000, throughput: 5 MB/s}
  failover: {time: 500 ms}
faults:
  loss: {target: mysql.replica, at: 500 ms, repair: 1 s}
  more: {target: mysql.source, mttf: 2 s}
"""
SQLITE = """
sqlite: {}
"""


@pytest.mark.parametrize(
    "store",
    [
        *(CASSANDRA.replace("LEVEL", level) for level in ("one", "local_quorum", "quorum", "all")),
        POSTGRES,
        MYSQL,
        SQLITE,
    ],
)
def test_both_engines_agree_on_a_store(store: str) -> None:
    network = load(TEXT + store).lowered.network
    for drill in ("loss", None) if network.faults else (None,):
        plan = Plan(seed=3, horizon_ns=2 * SECOND, follow_ns=0, drain_ns=60 * SECOND, drill=drill)
        first = Engine(network, plan).run()
        assert audit(first) == []
        assert len(first.episodes) > (drill is not None) or not network.faults
        assert difference(first, replace(run(network, plan), engine=first.engine)) == ""
