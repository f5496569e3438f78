"""The crash of a database that holds tables: how long it is away, and what it may not be asked for.

Goal: a standby takes over in the phases of a failover; without one the log since the last checkpoint is replayed.
"""

from __future__ import annotations

import pytest
from lower_fixture import messages

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.errors import InputErrors
from sim.lower.load import Loaded, load
from sim.network.distributions import Empirical
from sim.results.audit import audit
from sim.results.columns import FAILED
from sim.units.tables import SECOND

TEXT = """
name: a database
databases:
  main: {kind: postgres, cpu: 4, memory: 16 GB, rtt: 0 ms, flush: 1 ms, disk: {profile: gp3, size: 2 TB}}
tables:
  events:
    database: main
    kept: 7 days
    columns:
      at: {width: 8 B, correlation: 100 %, values: steps}
      host: {width: 8 B, distinct: 1000}
      value: {width: 8 B, values: measured}
    partition: {by: at, every: 1 day}
ingest:
  row: {table: events, rows: 10000/s, batch: 100}
faults:
  crash: {target: databases.main, at: 2 s}
"""


def changed(*sets: str) -> Loaded:
    return load(TEXT, sets)


def test_a_lone_database_replays_the_log_since_its_last_checkpoint() -> None:
    away = changed().lowered.network.faults["crash"].duration
    twice = changed("ingest.row.rows=20000/s").lowered.network.faults["crash"].duration
    assert isinstance(away, Empirical)
    assert isinstance(twice, Empirical)
    restart_ns = 149_000_000
    shortest, longest = (away.empirical.values_ns[place] - restart_ns for place in (0, -1))
    # A checkpoint each 5 min, spread over 0.9 of it: between 0.9 and 1.9 of the log of 5 min, at 372 MB/s.
    assert longest / shortest == pytest.approx(1.9 / 0.9, rel=0.01)
    assert twice.empirical.values_ns[-1] - restart_ns == pytest.approx(2 * longest, rel=0.01)


def test_with_a_copy_a_standby_takes_over() -> None:
    away = changed("databases.main.copies=2").lowered.network.faults["crash"].duration
    assert isinstance(away, Empirical)
    # Lease 20 to 30 s, the look 0 to 10 s, promotion 0 to 2 s.
    assert 20 * SECOND <= away.empirical.values_ns[0] < 23 * SECOND
    assert 39 * SECOND < away.empirical.values_ns[-1] <= 42 * SECOND


def test_statements_under_way_fail_and_the_others_wait_until_it_is_back() -> None:
    # Statements of 200 ms, so that some 20 are under way at any time.
    loaded = changed("constants.postgres.restart=1 s", "databases.main.rtt=200 ms")
    plan = Plan(seed=1, horizon_ns=3 * SECOND, follow_ns=0, drain_ns=60 * SECOND, drill="crash")
    replication = Engine(loaded.lowered.network, plan).run()
    assert audit(replication) == []
    rows = replication.executions
    failed = rows.outcome == FAILED
    assert 5 < failed.sum() < 40
    assert ((rows.start_ns < 2 * SECOND) | ~failed).all()
    [episode] = replication.episodes
    waited = (rows.start_ns > 2 * SECOND) & (rows.start_ns < episode.end_ns)
    assert waited.any()
    assert (rows.end_ns[waited] > episode.end_ns).all()


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        (("databases.main.nodes=3",), "rows lie on 3 nodes"),
        (("faults.crash.target=databases.mein",), "not a database"),
        (("faults.crash.repair=3 s",), "is not known for the database"),
    ],
)
def test_what_cannot_be_meant_is_refused(sets: tuple[str, ...], told: str) -> None:
    with pytest.raises(InputErrors) as caught:
        changed(*sets)
    assert told in messages(caught.value)[0]


def test_a_node_of_a_ring_is_refused() -> None:
    ring = TEXT.replace("kind: postgres", "kind: cassandra, nodes: 3, copies: 3").replace("flush: 1 ms, ", "")
    ring = ring.replace("partition: {by: at, every: 1 day}", "key: {partition: [host], order: at}")
    with pytest.raises(InputErrors) as caught:
        load(ring)
    assert "a ring" in messages(caught.value)[0]
