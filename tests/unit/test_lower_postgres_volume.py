"""The volume under PostgreSQL: bytes a second as a queue, room that runs out, and growth. Worked out by hand.

Goal: who writes waits for the volume's throughput, shared with checkpoints; a full disk fails writes with an error of
its own until there is room; what is kept follows from arrivals, retention, events and rows.
"""

from __future__ import annotations

import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.lower.load import load
from sim.units.tables import DAY, SECOND

FAST = "temporal.transfer_queue.max_poll_rate=100k/s"
SLOW = "postgres.disk={type: gp3, size: 1 TB, throughput: 100 kB/s}"


def test_a_transaction_moves_what_it_adds_to_the_log_at_the_volumes_throughput() -> None:
    plain, slow = run(small(FAST)), run(small(FAST, SLOW))
    moved_s = counts(slow)["wal_byte"] / 100e3
    assert latencies_ms(slow)[0] - latencies_ms(plain)[0] == pytest.approx(1000 * moved_s, abs=1e-3)
    assert slow.places["postgres-transfer"].busy_area == pytest.approx(moved_s * 1e9, rel=1e-6)


def test_who_writes_at_once_shares_the_throughput() -> None:
    burst = ("workflows.order.arrivals={burst: 20}", "temporal.history_shards=4096", FAST)
    loaded = small(*burst, SLOW)
    replication = run(loaded)
    # All bytes of 20 executions over one line, beside the activity of 100 ms and commits of 1 ms.
    least_ms = 1000 * counts(replication)["wal_byte"] / 100e3
    assert least_ms < max(latencies_ms(replication)) < 1.2 * least_ms + 150
    assert max(latencies_ms(run(small(*burst)))) < least_ms / 2


def test_checkpoints_take_throughput_from_the_log() -> None:
    sets = ("workflows.order.arrivals=10/s", "temporal.history_shards=4096", FAST)
    mean_ms = {}
    for pages in (1, 100):
        disk = "postgres.disk={type: gp3, size: 1 TB, iops: 100000, throughput: 12 MB/s}"
        times = latencies_ms(run(small(*sets, disk, f"constants.postgres.pages_per_execution={pages}"), horizon_s=5))
        mean_ms[pages] = sum(times) / len(times)
    # 100 pages of 8 KiB for each of 10/s over 0.9 of the time are 9.1 of the 12 MB/s.
    assert mean_ms[100] > mean_ms[1] + 1


FULL = "faults.full={target: postgres.disk, at: 50 ms, repair: 1 s}"


def test_while_the_disk_is_full_writes_fail_and_are_tried_again_until_there_is_room() -> None:
    replication = run(small(FAST, FULL, "constants.temporal.client_retry_jitter=0"), drill="full")
    plain = latencies_ms(run(small(FAST)))[0]
    # The end of the activity is written at 107 ms, again by the server after 50 ms, and by its worker after 200, 400
    # and 800 ms more: the fifth try, 1.45 s later, is the first after 1.05 s.
    assert latencies_ms(replication)[0] - plain == pytest.approx(50 + 200 + 400 + 800)
    assert counts(replication)["disk_full"] == 4


def test_a_fault_that_never_comes_changes_nothing() -> None:
    late = FULL.replace("at: 50 ms", "at: 1 h")
    assert latencies_ms(run(small(FAST, late))) == latencies_ms(run(small(FAST)))


KEPT = ("workflows.order.arrivals=10/s", "temporal.retention={closed: 30 days, payload: 2000 B}")


def test_what_is_kept_follows_from_arrivals_retention_events_and_rows() -> None:
    computed = small(*KEPT, "postgres.disk={type: gp3, size: 100 GB}").lowered.computed
    # 11 events of 300 B and the payload; rows: two of create, one of each of the 4 transitions that append beside
    # `activity_started`, which is written with the end, and state, run and visibility.
    each = 11 * 300 + 2000 + (2 + 5 + 3) * 125
    kept = 10 * 30 * DAY / SECOND * each * 1.2
    assert computed["storage.postgres"].value == pytest.approx(kept / 2**30)
    assert computed["growth.postgres"].value == pytest.approx(10 * DAY / SECOND * each / 2**30)
    assert computed["disk_use.postgres"].value == pytest.approx(kept / 100e9)


def told(*sets: str) -> str:
    (note,) = (one for one in small(*KEPT, *sets).lowered.assumptions if one.what == "the volume of the store")
    return note.value


def test_a_volume_too_small_for_the_retention_is_full_after_a_time_that_is_told() -> None:
    assert "in the steady state" in told("postgres.disk={type: gp3, size: 1 TB}")
    # 10/s x 6,550 B are 5.66 GB a day.
    assert "is full after 17.7 days" in told("postgres.disk={type: gp3, size: 100 GB}")


def test_a_volume_of_no_size_is_billed_as_large_as_what_it_holds() -> None:
    loaded = small(*KEPT, "postgres.disk={type: gp3}")
    (volume,) = loaded.lowered.volumes
    assert volume.gib == pytest.approx(loaded.lowered.computed["storage.postgres"].value)


def test_masters_have_a_volume_each() -> None:
    text = """
name: two masters
workflows:
  order: {arrivals: 10/s, task_queue: orders, steps: [{activity: {name: charge, service: 10 ms}}]}
workers: {orders: {replicas: 2, cpu: 1}}
temporal: {}
postgres: {cpu: 4, disk: {type: gp3, size: 1 TB}}
regions: {names: [eu, us], rtt: 80 ms, masters: {at: [eu, us]}}
"""
    stations = load(text).lowered.network.stations
    assert {"postgres-iops", "postgres-iops-us", "postgres-transfer", "postgres-transfer-us"} <= set(stations)
