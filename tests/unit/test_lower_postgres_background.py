"""Checkpoints and autovacuum beside the load.

Goal: they take from the volume and the cores what their documentation and the load say, and the load feels it. Method:
counts by hand, and the same runs with and without.
"""

from __future__ import annotations

import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.rates import rate_of
from sim.network import Network
from sim.network.sources import PoissonArrivals
from sim.units.tables import SECOND

LOAD = ("workflows.order.arrivals=10/s", "temporal.history_shards=4096")
DISK = ("postgres.cache=1 GB", "postgres.disk={type: gp3, size: 1 TB, iops: 300}")


def test_a_checkpoint_writes_the_pages_of_its_interval_over_its_share_of_it() -> None:
    source = small(*LOAD, *DISK).lowered.network.sources["checkpoint-writes"]
    # Ten executions a second of 8 pages: 80 writes a second on average, in 0.9 of the time.
    assert isinstance(source.arrivals, PoissonArrivals)
    assert source.arrivals.poisson_per_s == pytest.approx(80 / 0.9)
    assert rate_of(source.arrivals) == pytest.approx(80)


def test_more_writing_brings_checkpoints_sooner() -> None:
    def period_ns(size: str) -> int:
        network = small(*LOAD, *DISK, f"postgres.checkpoint={{max_wal_size: {size}}}").lowered.network
        arrivals = network.sources["checkpoint-writes"].arrivals
        assert isinstance(arrivals, PoissonArrivals)
        assert arrivals.profile is not None
        assert arrivals.profile.period_ns is not None
        return arrivals.profile.period_ns

    written = 10 * counts(run(small()))["wal_byte"]  # bytes a second
    assert period_ns("1 TB") == 300 * 10**9
    assert period_ns("1 MB") == pytest.approx(1e6 / 1.9 / written * 1e9, rel=1e-6)


def test_reads_of_a_cold_memory_wait_for_the_writes_of_a_checkpoint() -> None:
    cold = ("postgres.cache=131072 B", DISK[1], "constants.postgres.page_read=1 ms")
    network = small(*LOAD, *cold).lowered.network
    sources = {name: source for name, source in network.sources.items() if name != "checkpoint-writes"}
    routines = {name: steps for name, steps in network.routines.items() if name != "checkpoint-writes"}
    without = network.model_copy(update={"sources": sources, "routines": routines})

    def mean_ms(changed: Network) -> float:
        plan = Plan(seed=1, horizon_ns=5 * SECOND, drain_ns=1000 * SECOND)
        times = latencies_ms(Engine(changed, plan).run())
        return sum(times) / len(times)

    # Some 8 reads of each of 7 transitions take as many tokens of 300/s, of which the checkpoint takes 89.
    assert mean_ms(network) > 1.05 * mean_ms(without)


def test_autovacuum_takes_cores_for_what_the_load_has_left_dead() -> None:
    busy = {}
    for switch in ("true", "false"):
        loaded = small(*LOAD, f"postgres.autovacuum={switch}")
        busy[switch] = run(loaded, horizon_s=10).places["postgres-cpu"].busy_area / 1e9
    # The load's own CPU is none here. What 10/s leave dead in a minute is cleaned at the start: 20 rows to a page, 10
    # pages of 50 us at once and then 2 ms of rest.
    rows = 10 * counts(run(small()))["wal_byte"] / 400 * 60
    assert busy["false"] == 0
    assert busy["true"] == pytest.approx(round(rows / 20 / 10) * 10 * 50e-6, rel=0.01)
