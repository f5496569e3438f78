"""Queries and ingest as they run: by hand where nothing waits, by a closed form where they do, and with parts removed.

Method: bursts of one on the reference engine, the arithmetic beside the assertion; under load, replications on the
fast engine against M/M/c (cores and disks are shared, so the mean does not depend on the shape of the work), with
intervals that are wrong in 1 of 1000: seeds are fixed, and three claims are made.
"""

from __future__ import annotations

from typing import Any

import pytest
from lower_fixture import SMALL as PLATFORM
from lower_fixture import counts, latencies_ms, run
from tables_fixture import SMALL, small

from calibration.closed_forms.disciplines import mmc_ps
from sim.engine.plan import Plan
from sim.engine.run import run_all
from sim.lower.load import Loaded, load
from sim.stats.metrics import metrics
from sim.units.tables import SECOND

ERROR = 1e-3


def value(loaded: Loaded, name: str) -> float:
    return loaded.lowered.computed[name].value


def latency_ms(*sets: str) -> float:
    found = latencies_ms(run(small(*sets)))
    assert len(found) == 1
    return found[0]


def test_a_query_in_memory_takes_the_cpu_of_its_pages_and_rows() -> None:
    # A row of 32 bytes takes 24 + 32 + 4, so 136 of them a page. An hour of 20,000 s: 18 % of 14,706 pages, on which
    # 360 rows touch 2 x 2647 x 360 / (2 x 2647 + 360) = 337; of the index 2 inner pages, a leaf and 0.00018 of 9953.
    region = 0.18 * 14_706
    touched = 2 * region * 360 / (2 * region + 360)
    alone = touched * (1 - (touched / region) ** 0.5) + 1 + 0.18 * 9.953
    cpu_us = 57 + 360 * 0.1 + 360 * 0.015 + (alone + 2) * 0.8
    assert latency_ms() == pytest.approx(cpu_us / 1000, rel=1e-3)
    assert counts(run(small()))["page"] == round(touched + 2 + 1 + 0.18 * 9.953)


def test_what_is_told_without_load_is_what_one_query_takes() -> None:
    assert latency_ms() == pytest.approx(1000 * value(small(), "unloaded.look.mean"), rel=1e-3)
    # On disk, with reads of one length: pages read one by one are fewer than 51 only where few are asked for, so that
    # here their mean number is one visit.
    cold = ("databases.main.memory=1 MB", "queries.look.plans=[sequential]")
    assert latency_ms(*cold) == pytest.approx(1000 * value(small(*cold), "unloaded.look.mean"), rel=1e-3)


def test_a_scan_from_disk_takes_an_operation_for_sixteen_pages_and_the_time_to_move_them() -> None:
    cold = small("databases.main.memory=1 B", "queries.look.plans=[sequential]")
    # 14,706 pages: 919.1 operations of 1.108 ms (the mean of a lognormal of p50 1.05 and p95 1.8 ms), 120.5 MB at
    # 125 MB/s, 2,000,000 rows at 100 ns and 360 values.
    mean_ms = 1.05 * 2.718281828 ** ((0.539 / 1.6448536) ** 2 / 2)
    expected = 14_706 / 16 * mean_ms + 14_706 * 8192 / 125e6 * 1e3 + 200 + 360 * 15e-6 + 0.057
    assert latencies_ms(run(cold))[0] == pytest.approx(expected, rel=1e-3)


def test_each_node_of_a_spread_table_is_asked_for_its_share_unless_the_column_tells_which() -> None:
    spread = ("databases.main.nodes=4", "databases.main.spread_by=d")
    of_all = counts(run(small(*spread, "queries.look.where={t: {range: 1 h}}", "queries.look.plans=[sequential]")))
    assert of_all["row_examined"] == 2_000_000
    assert of_all["page"] == pytest.approx(14_706, abs=4)
    of_one = counts(run(small(*spread)))
    # The device's rows are on its node, as many as before.
    assert of_one["row_examined"] == 360


@pytest.mark.parametrize(("cores", "rate"), [(1, 1.6), (3, 6.0)])
def test_a_scan_under_load_takes_as_long_as_in_m_m_c(cores: int, rate: float) -> None:
    # A sequential scan in memory: 57 us + 2,000,000 x 100 ns + 2,000,000 x 18 % x 15 ns of CPU, and nothing else.
    demand_s = 57e-6 + 0.2 + 360_000 * 15e-9
    sets = [
        f"databases.main.cpu={cores}",
        f"queries.look.arrivals={rate}/s",
        "queries.look.where={t: {range: 1 h}}",
        "queries.look.plans=[sequential]",
    ]
    theory = mmc_ps(rate, demand_s, cores)
    assert 0.3 < theory.utilisation < 0.5
    figure = _mean(small(*sets), "look", horizon_s=1500)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= theory.sojourn_mean_s <= figure.high
    assert figure.high - figure.low < 0.06 * theory.sojourn_mean_s


def test_disk_operations_under_load_take_as_long_as_in_m_m_c() -> None:
    # Nothing in memory: all of a scan's operations are one visit to a disk of 3000/s x 1.108 ms = 3.324 operations at
    # once; with IOPS such that exactly two are, M/M/2 holds. Cores and bandwidth never run short.
    base = small("databases.main.memory=1 B", "queries.look.plans=[sequential]")
    disk_ns = base.lowered.network.stations["main-disk"].cores / 3000 * 1e9  # type: ignore[union-attr, operator]
    iops = 2e9 / disk_ns
    loaded = small(
        "databases.main.memory=1 B",
        "queries.look.plans=[sequential]",
        "databases.main.cpu=10000",
        f"databases.main.disk={{profile: gp3, iops: {iops}, throughput: 1000 GB/s}}",
        "queries.look.arrivals=1.2/s",
        "constants.storage.cpu_per_row=0 ns",
    )
    demand_s = 14_706 / 16 * disk_ns / 1e9
    figure = _mean(loaded, "look", horizon_s=1500)
    theory = mmc_ps(1.2, demand_s, 2).sojourn_mean_s
    assert figure.low is not None
    assert figure.high is not None
    beside = 57e-6 + 360 * 15e-9 + 14_706 * 8192 / 1e12
    assert figure.low <= theory + beside <= figure.high


def _mean(loaded: Loaded, routine: str, horizon_s: float) -> Any:
    planned = [
        (
            loaded.lowered.network,
            Plan(1, index, 20 * SECOND, round(horizon_s * SECOND), 50 * SECOND, 1000 * SECOND, SECOND * 100),
        )
        for index in range(12)
    ]
    runs, whole = run_all(planned, {}, 1, lambda _: None, "fast")
    assert whole
    return metrics(runs, {routine: None}, 1 - ERROR)[f"latency.{routine}.mean"]


def test_parallel_workers_share_the_work_of_a_large_scan() -> None:
    scan = ("queries.look.plans=[sequential]",)
    # 14,706 pages are more than 3 x 1024: two workers beside the one that was asked. In memory it is CPU alone.
    assert latency_ms(*scan, "constants.storage.parallel_workers=2") == pytest.approx(latency_ms(*scan) / 3, rel=1e-6)
    # The bandwidth of the disk is not shared: 120.5 MB at 125 MB/s.
    cold = (*scan, "databases.main.memory=1 B", "constants.storage.parallel_workers=2")
    assert latency_ms(*cold) > 14_706 * 8192 / 125e6 * 1e3
    assert latency_ms(*cold) == pytest.approx(1000 * value(small(*cold), "unloaded.look.mean"), rel=1e-3)
    # What few pages need is not worth starting them.
    assert latency_ms("constants.storage.parallel_workers=2") == latency_ms()


# -- switches: each is turned off and changes a metric that it was not parameterised by -------------------------------


def test_without_the_index_the_query_takes_longer_and_the_table_is_smaller() -> None:
    bare = "tables.m.indexes={}"
    assert latency_ms(bare) > 100 * latency_ms()
    assert value(small(bare), "storage.m") < 0.7 * value(small(), "storage.m")


def test_without_partitions_a_scan_takes_longer() -> None:
    scan = ("queries.look.plans=[sequential]", "queries.look.where={t: {range: 1000 s}}")
    # 1 + 1000 / 1000 of 20 partitions
    assert latency_ms(*scan) > 8 * latency_ms(*scan, "tables.m.partition={by: t, parts: 20}")


def test_with_less_memory_the_same_plan_takes_longer() -> None:
    cold = small("databases.main.memory=64 MB")
    assert latencies_ms(run(cold))[0] > 10 * latency_ms()
    assert value(cold, "pages.look") == pytest.approx(value(small(), "pages.look"), rel=0.05)


TIMESCALE = SMALL.replace("kind: postgres", "kind: timescaledb").replace(
    "    indexes:", "    partition: {by: t, every: 2000 s}\n    packed: {segment_by: d, order_by: t}\n    indexes:"
)


def test_packing_makes_a_table_smaller_and_a_scan_from_disk_shorter() -> None:
    packed = load(TIMESCALE)
    plain = load(TIMESCALE, ["tables.m.packed=null"])
    # A row of 32 bytes and its place on a page, against two measurements of (1 + 0.49 x 29.6) / 8 = 1.94 bytes, a step
    # of 0.2 bytes and what each batch of 200 rows has once: 8 of the time, 8 of each measurement, 4 of the device, and
    # 24 + 4 + 24 + 3 x 18 of its own row.
    row = 2 * ((1 + 0.49 * 29.6) / 8) + 0.2 + (3 * 8 + 4 + 24 + 4 + 24 + 3 * 18) / 200
    assert value(packed, "storage.m.heap") == pytest.approx(2e6 * row / 2**30, rel=0.01)
    assert value(packed, "storage.m") < 0.2 * value(plain, "storage.m")
    scan = ["databases.main.memory=1 B", "queries.look.where={t: {range: 1 h}}"]
    assert (
        latencies_ms(run(load(TIMESCALE, scan)))[0]
        < 0.6
        * latencies_ms(run(load(TIMESCALE, [*scan, "tables.m.packed=null", "queries.look.plans=[sequential]"])))[0]
    )


def test_a_series_is_found_by_its_segment_and_columns_that_nobody_asks_for_are_left() -> None:
    one = load(TIMESCALE)
    every = load(TIMESCALE, ["queries.look.where={t: {range: 1 h}}"])
    assert value(one, "pages.look") < value(every, "pages.look") / 20
    both = load(TIMESCALE, ["queries.look.where={t: {range: 1 h}}", "queries.look.reads=[a, b]"])
    assert value(every, "pages.look") < 0.8 * value(both, "pages.look")


CASSANDRA = """
name: ring
databases:
  ring: {kind: cassandra, nodes: 6, copies: 3, cpu: 8, memory: 32 GB, disk: {profile: gp3}, rtt: 0 ms}
tables:
  m:
    database: ring
    rows: 2M
    columns:
      t: {width: 8 B, distinct: 2000, span: 20000 s, values: steps}
      d: {width: 4 B, distinct: 1000}
      a: {width: 8 B, values: measured}
    key: {partition: [d], order: t}
queries:
  look: {table: m, arrivals: {burst: 1}, where: {d: {equal: 1}, t: {range: 1 h}}}
run: {horizon: 60 s, warmup: none}
"""


def test_a_partition_is_read_from_a_quorum_and_its_slice_is_shipped() -> None:
    found = run(load(CASSANDRA))
    # 2000 rows of the device, 18 % of them in range, on each of two replicas; side by side, so 179 us + 360 x 4.7 us.
    assert counts(found)["row_examined"] == 2 * 360
    assert latencies_ms(found)[0] == pytest.approx(0.179 + 360 * 0.0047, rel=1e-3)
    one = run(load(CASSANDRA, ["databases.ring.consistency=one"]))
    assert counts(one)["row_examined"] == 360


def test_an_aggregate_over_partitions_ships_every_row() -> None:
    every = load(CASSANDRA, ["queries.look.where={t: {range: 1 h}}"])
    assert counts(run(every))["row_examined"] == pytest.approx(2 * 360_000, rel=0.01)
    assert latencies_ms(run(every))[0] > 30 * latencies_ms(run(load(CASSANDRA)))[0]


def test_buckets_keep_partitions_apart_and_each_copy_takes_its_space() -> None:
    bucketed = load(CASSANDRA, ["tables.m.key={partition: [d], order: t, bucket: 2000 s}"])
    # An hour reaches into 1.8 + 1 of ten buckets, in each 360 / 2.8 rows of 6 + (1 + 4) + (1 + 0.51 x 3 + 0.49 x 8)
    # bytes, in two SSTables on two replicas; a slice begins anywhere in a chunk of 16 KiB.
    chunks = 1 + 360 / 2.8 * (6 + 5 + 1 + 0.51 * 3 + 0.49 * 8) / 2 / 16384
    assert value(bucketed, "pages.look") == pytest.approx(2 * 2.8 * 2 * chunks)
    assert value(load(CASSANDRA), "storage.m") == pytest.approx(
        3 * value(load(CASSANDRA, ["databases.ring.copies=1"]), "storage.m"), rel=0.001
    )


def test_values_that_were_there_before_take_less_space_than_those_that_are_all_new() -> None:
    def size(column: str) -> float:
        return value(load(CASSANDRA, [f"tables.m.columns.a={column}"]), "storage.m")

    few, text, new = size("{width: 40 B, distinct: 5}"), size("{width: 40 B, values: text}"), size("{width: 40 B}")
    assert few < 0.7 * text < 0.7 * 0.7 * new


def test_a_batch_for_cassandra_is_written_by_every_replica_and_compacted_later() -> None:
    ingest = CASSANDRA + "ingest:\n  rows: {table: m, rows: 1000/s, batch: 1000, statement: 100}\n"
    replication = run(load(ingest, ["queries={}"]), horizon_s=20.0)
    batches = len(replication.executions.cohort)
    # Ten statements of 179 us and 990 further rows of 20 us, on three replicas, and as much again in the background.
    area = replication.places["ring-cpu"].speed_area
    assert area == pytest.approx(batches * 3 * 2 * (10 * 179e3 + 990 * 20e3), rel=1e-3)
    # It waits for the second of three, all of them idle.
    row = replication.executions
    first = float(row.end_ns[0] - row.start_ns[0]) / 1e6
    size = 1000 * (6 + 5 + 1 + 0.51 * 3 + 0.49 * 8)
    assert first == pytest.approx(10 * 0.179 + 990 * 0.02 + size / 125e6 * 1e3, rel=1e-3)


INGEST = SMALL + "ingest:\n  rows: {table: m, rows: 10k/s, batch: 1000}\n"


def test_a_batch_takes_its_cpu_the_way_of_its_log_and_a_flush() -> None:
    found = load(INGEST, ["tables.m.indexes={}"])
    replication = run(found, horizon_s=2.0)
    routine = replication.routines.index("rows")
    rows = replication.executions
    mine = rows.cohort[rows.routine[rows.cohort] == routine]
    first = float(rows.end_ns[mine[0]] - rows.start_ns[mine[0]]) / 1e6
    # 57 us + 1000 x 4 values x 310 ns; 1000 x (32 + 9) bytes + 1000 / 136 pages x 80 bytes at 125 MB/s; a flush, 1 ms.
    log_ms = (1000 * 41 + 1000 / 136 * 80) / 125e6 * 1e3
    assert first == pytest.approx(0.057 + 1.24 + log_ms + 1, rel=1e-3)


def test_a_table_grows_to_what_is_written_in_the_time_that_is_kept() -> None:
    once, twice = (load(INGEST, ["tables.m.rows=null", f"tables.m.kept={time}"]) for time in ("100 s", "200 s"))
    assert value(twice, "storage.m.heap") == pytest.approx(2 * value(once, "storage.m.heap"), rel=0.001)
    assert value(twice, "storage.m.by_device") == pytest.approx(2 * value(once, "storage.m.by_device"), rel=0.01)


def test_rows_that_are_deleted_one_by_one_leave_space_behind_and_dropped_partitions_do_not() -> None:
    kept = ["tables.m.rows=null", "tables.m.kept=20000 s"]
    deleted = load(INGEST, kept)
    dropped = load(INGEST, [*kept, "tables.m.partition={by: t, parts: 20}"])
    assert value(deleted, "storage.m.heap") == pytest.approx(1.2 * value(dropped, "storage.m.heap"), rel=0.01)


def cpu_of(*sets: str) -> float:
    """Work of all cores in 5 s of ingest alone."""
    area = run(load(INGEST, ["queries={}", *sets]), horizon_s=5.0).places["main-cpu"].speed_area
    assert area is not None
    return float(area)


def test_masters_that_apply_every_write_add_no_capacity() -> None:
    def busy(*sets: str) -> float:
        found = run(load(INGEST, sets), horizon_s=5.0)
        return found.places["main-cpu"].busy_area / found.places["main-cpu"].units

    alone = run(load(INGEST), horizon_s=5.0).places["main-cpu"]
    spread = run(load(INGEST, ["databases.main.nodes=3"]), horizon_s=5.0).places["main-cpu"]
    masters = run(load(INGEST, ["databases.main.nodes=3", "databases.main.multi_master=true"]), horizon_s=5.0).places[
        "main-cpu"
    ]
    assert spread.speed_area == pytest.approx(alone.speed_area, rel=0.05)
    assert masters.speed_area == pytest.approx(3 * (alone.speed_area or 0), rel=0.05)


def test_a_scattered_index_makes_batches_slower_and_their_log_longer() -> None:
    logs = [counts(run(load(INGEST, sets), horizon_s=2.0))["wal_byte"] for sets in (["tables.m.indexes={}"], [])]
    assert logs[1] > 2 * logs[0]
    assert cpu_of() > 2 * cpu_of("tables.m.indexes={}")


def test_what_a_day_adds_is_what_its_rows_take_with_their_indexes_and_copies() -> None:
    found = load(INGEST, ["tables.m.rows=null", "tables.m.kept=10 days", "databases.main.copies=2"])
    assert value(found, "growth.m") == pytest.approx(value(found, "storage.m") / 10)
    alone = load(INGEST, ["tables.m.rows=null", "tables.m.kept=10 days"])
    assert value(found, "growth.m") == pytest.approx(2 * value(alone, "growth.m"))


def test_what_tables_take_is_billed() -> None:
    sets = [
        "databases.main.disk={profile: gp3, type: gp3, iops: 6000}",
        "databases.main.copies=2",
        "tables.m.rows=200M",
        "tables.m.columns.t.distinct=200k",
    ]
    found = small(*sets)
    (volume,) = found.lowered.volumes
    assert (volume.disk, volume.count, volume.iops) == ("gp3", 2, 6000)
    assert volume.gib * 2 == pytest.approx(value(found, "storage.m"))
    bare = small(*sets, "tables.m.indexes={}").lowered.volumes[0]
    assert bare.gib < 0.7 * volume.gib


def test_data_stores_stand_beside_a_platform_and_move_nothing_there() -> None:
    beside = SMALL.partition("databases:")[2].partition("constants:")[0]
    both = load(f"{PLATFORM}\ndatabases:{beside}")
    alone = run(load(PLATFORM))
    found = run(both)
    assert both.lowered.deadlines_ns == {"order": None, "look": None}
    ends = []
    for one in (alone, found):
        rows = one.executions
        mine = rows.cohort[rows.routine[rows.cohort] == one.routines.index("order")]
        ends.append(rows.end_ns[mine].tolist())
    assert ends[0] == ends[1] != []
    assert len(found.executions.cohort) == len(alone.executions.cohort) + 1
