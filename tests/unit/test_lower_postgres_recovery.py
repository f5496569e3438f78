"""How long PostgreSQL is away, and how it comes back: recovery from the log, phases of a failover, cold memory.

Goal: a lone primary is away for as long as its log since the last checkpoint takes to replay; a new primary is slower
until the pages are back. Method: means by hand, restarts that were measured, timelines with constants.
"""

from __future__ import annotations

import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.lower.constants import Constants
from sim.lower.load import Loaded
from sim.lower.parts import Parts
from sim.lower.rates import operations_per_s
from sim.lower.stores.postgres.recovery import WAL_BYTES, redo_bytes
from sim.lower.sums import mean_ns
from sim.scenario.model.stores.postgres import PostgresCluster

LOSS = "faults.loss={target: postgres.primary, at: 1 s}"


def away_s(loaded: Loaded) -> float:
    fault = loaded.lowered.network.faults["loss"]
    assert fault.duration is not None
    return mean_ns(fault.duration) * 1e-9


def lone(*sets: str, rate: str = "1000/s") -> Loaded:
    return small(LOSS, f"workflows.order.arrivals={rate}", *sets)


def test_the_log_of_an_execution_is_that_of_its_changed_rows() -> None:
    found = counts(run(small()))
    parts = Parts()
    network = lone().lowered.network
    parts.routines, parts.sources = network.routines, network.sources
    # What is told from the steps before the run is what a run counts.
    assert operations_per_s(parts, WAL_BYTES) == pytest.approx(1000 * found[WAL_BYTES])
    assert operations_per_s(parts, "transition") == pytest.approx(7000)


def test_the_time_of_recovery_grows_with_the_log_since_the_last_checkpoint() -> None:
    lazy = "postgres.checkpoint={timeout: 1 h, max_wal_size: 1 TB}"
    quiet, busy = away_s(lone(lazy, rate="10/s")), away_s(lone(lazy, rate="100/s"))
    often = away_s(lone("postgres.checkpoint={timeout: 5 min, max_wal_size: 1 TB}", rate="100/s"))
    # Uniform between 0.9 and 1.9 intervals: 1.4 of them on average, less the restart itself.
    assert busy - 0.149 == pytest.approx(10 * (quiet - 0.149), rel=1e-6)
    assert busy - 0.149 == pytest.approx(12 * (often - 0.149), rel=1e-6)
    per_second = counts(run(small()))[WAL_BYTES] * 100
    assert busy - 0.149 == pytest.approx(1.4 * 3600 * per_second / 372e6, rel=1e-6)


def test_the_size_of_the_log_bounds_what_is_replayed() -> None:
    bounded = lone("postgres.checkpoint={timeout: 1 h, max_wal_size: 1 GB}", rate="100k/s")
    # At most 1 GB, at least 0.9 / 1.9 of it.
    assert away_s(bounded) == pytest.approx(0.149 + 1e9 * 1.4 / 1.9 / 372e6, rel=1e-6)


@pytest.mark.parametrize(("megabytes", "measured_s"), [(41.2, 0.260), (113.2, 0.454)])
def test_restarts_that_were_measured_lie_on_the_line(megabytes: float, measured_s: float) -> None:
    # The line was drawn through these two means, so this only checks the constants' units.
    assert 0.149 + megabytes * 1e6 / 372e6 == pytest.approx(measured_s, rel=0.01)
    constants = Constants(small().scenario)
    one = PostgresCluster.model_validate({"nodes": 1, "cpu": 2, "synchronous_standbys": 0})
    assert redo_bytes(constants, one.checkpoint, 1e6) == pytest.approx((0.9 * 300e6, 1.9 * 300e6))


def test_a_cluster_with_standbys_does_not_recover_but_fails_over() -> None:
    pair = ("postgres.nodes=2", "postgres.synchronous_standbys=1", "postgres.failover={promote: 1 s, detect: 2 s}")
    assert away_s(lone(*pair)) == 3
    assert away_s(lone(*pair, "postgres.failover.redirect=4 s")) == 7


CACHE = "postgres.cache=1 GB"
READ = ("constants.postgres.page_read=10 ms", "temporal.transfer_queue.max_poll_rate=100k/s")


def test_an_execution_whose_pages_are_in_memory_reads_nothing() -> None:
    assert latencies_ms(run(small(CACHE, *READ))) == latencies_ms(run(small(*READ)))


def test_after_a_crash_each_execution_reads_its_pages_once() -> None:
    # Crashed during the activity: its end finds nothing in memory and reads 8 pages of 10 ms; what follows finds them.
    away = ("postgres.failover={detect: 0 s, redirect: 0 s}", "constants.postgres.restart=1 ms")
    loss = "faults.loss={target: postgres.primary, at: 50 ms}"
    cold = latencies_ms(run(small(loss, CACHE, *READ, *away), drill="loss"))[0]
    warm = latencies_ms(run(small(loss, *READ, *away), drill="loss"))[0]
    assert cold - warm == pytest.approx(80)


def test_reads_of_a_cold_memory_queue_at_the_volumes_operations_a_second() -> None:
    sets = (
        "workflows.order.arrivals={burst: 10}",
        "temporal.history_shards=4096",
        "faults.loss={target: postgres.primary, at: 50 ms}",
        "postgres.failover={detect: 0 s, redirect: 0 s}",
        "constants.postgres.restart=1 ms",
        CACHE,
        *READ,
    )
    free = max(latencies_ms(run(small(*sets), drill="loss")))
    limited = max(latencies_ms(run(small(*sets, "postgres.disk={type: gp3, size: 1 TB, iops: 100}"), drill="loss")))
    # 80 reads at 100/s take 790 ms from the first on, where side by side they took 80 ms.
    assert limited - free == pytest.approx(790 + 10 - 80, abs=15)


def test_a_memory_too_small_for_what_is_under_way_reads_again_and_again() -> None:
    sets = ("workflows.order.arrivals={burst: 10}", "temporal.history_shards=4096", *READ)
    tight = run(small(*sets, "postgres.cache=131072 B"))  # two executions of eight pages
    hits, misses = tight.caches["postgres-buffers"]
    assert misses > 20
    assert hits + misses == 10 * 7
    assert run(small(*sets, CACHE)).caches["postgres-buffers"] == (60, 10)
