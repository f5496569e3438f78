"""What a commit costs at each level of `synchronous_commit`, and what a failover may lose, by timelines of hand.

Goal: each level waits for what PostgreSQL's documentation says it waits for, and for nothing else. Method: constants,
one execution of 13 commits one after the other; F = 1 ms flush, R = 2 ms to a standby and back.
"""

from __future__ import annotations

import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.network.places import GroupCommit

FAST_QUEUE = "temporal.transfer_queue.max_poll_rate=100k/s"
COMMITS = 13
FLUSH, TRAVEL, SERVICE = 1.0, 2.0, 100.0


def at(level: str, *more: str, nodes: int = 3, standbys: int = 1) -> list[str]:
    return [
        FAST_QUEUE,
        f"postgres.nodes={nodes}",
        f"postgres.synchronous_standbys={standbys}",
        f'postgres.synchronous_commit="{level}"',
        "postgres.replication_rtt=2 ms",
        *more,
    ]


@pytest.mark.parametrize(
    ("level", "waits_ms"),
    [
        ("off", 0.0),
        ("local", FLUSH),
        ("remote_write", FLUSH + TRAVEL + 0.011),
        ("on", FLUSH + TRAVEL + FLUSH),
        ("remote_apply", FLUSH + TRAVEL + FLUSH + 0.757 + 0.143),
    ],
)
def test_a_commit_waits_for_what_its_level_says(level: str, waits_ms: float) -> None:
    loaded = small(*at(level))
    # Between commits nothing takes time; each of the three reads of the transfer queue may wait 10 us for its turn.
    assert latencies_ms(run(loaded)) == [pytest.approx(COMMITS * waits_ms + SERVICE, abs=0.03)]


def test_the_levels_are_in_the_order_of_their_price() -> None:
    latencies = [
        latencies_ms(run(small(*at(level))))[0] for level in ("off", "local", "remote_write", "on", "remote_apply")
    ]
    assert latencies == sorted(latencies)
    assert len(set(latencies)) == 5


def test_switches_mean_on_and_off() -> None:
    for switch, level in (("true", "on"), ("false", "off")):
        assert small(*at(level), f"postgres.synchronous_commit={switch}").scenario == small(*at(level)).scenario


def test_without_synchronous_standbys_on_is_local() -> None:
    assert latencies_ms(run(small(*at("on", standbys=0)))) == latencies_ms(run(small(*at("local"))))


def spread(*more: str) -> list[str]:
    """Flushes that vary, and many executions: here which standby is the fastest matters."""
    return [
        "postgres.flush={exponential: 1 ms}",
        "workflows.order.arrivals=5/s",
        "temporal.history_shards=4096",
        *more,
    ]


def test_each_further_standby_that_must_confirm_costs_more() -> None:
    means = []
    for needed in (1, 2, 3):
        found = latencies_ms(run(small(*spread(*at("on", nodes=4, standbys=needed))), horizon_s=30))
        means.append((sum(found) / len(found) - SERVICE) / COMMITS)
    # Nearly alone (5 x 13 commits a second): flush, way, and the k-th fastest of three exponential flushes, whose
    # means are 1/3, 1/3 + 1/2, 1/3 + 1/2 + 1 ms. About 150 executions of 13: standard error 0.03 ms; queueing behind
    # another's flush adds less than 65/s x 1 ms of it.
    for mean, remote in zip(means, (1 / 3, 5 / 6, 11 / 6), strict=True):
        assert mean == pytest.approx(FLUSH + TRAVEL + remote, abs=0.2)
    assert means == sorted(means)


def test_standbys_flush_in_rounds_of_their_own() -> None:
    stations = small(*at("on")).lowered.network.stations
    assert [name for name, place in stations.items() if isinstance(place, GroupCommit)] == [
        "wal",
        "standby-1-wal",
        "standby-2-wal",
    ]


def test_a_commit_that_waited_for_a_standby_cannot_be_lost() -> None:
    for level in ("remote_write", "on", "remote_apply"):
        assert "commits-at-risk" not in small(*at(level)).lowered.network.resources


def test_the_lag_of_an_asynchronous_standby_is_the_way_and_its_flush() -> None:
    lag = run(small(*at("local"))).spans["replication_lag.postgres"]
    # The fastest of two standbys that are alike.
    assert (lag.count, lag.sum_ns) == (COMMITS, COMMITS * round((TRAVEL + FLUSH) * 1e6))


def test_without_a_flush_commits_are_at_risk_until_the_log_writer_comes_round() -> None:
    lag = run(small(*at("off"))).spans["replication_lag.postgres"]
    # Everything but the service takes no time: created and scheduled at 0, answered and closed at 100 ms, and all
    # commits are flushed by the round at 200 ms; then the way and the standby's flush, which the first has for itself
    # and the others wait for. Six commits until the activity is scheduled and one when it starts, six after it.
    assert lag.count == COMMITS
    behind = COMMITS * (FLUSH + TRAVEL + FLUSH) + (COMMITS - 1) * FLUSH
    assert lag.sum_ns / 1e6 == pytest.approx(7 * 200 + 6 * 100 + behind, abs=0.5)


CRASHES = "faults.loss={target: postgres.primary, rate: 4/s}"
QUICK = "postgres.failover={detect: 10 ms, promote: 10 ms}"


def lost(level: str) -> int:
    busy = ["workflows.order.arrivals=20/s", "temporal.history_shards=4096", "temporal.sql={connect: 0 ms}"]
    return counts(run(small(*at(level, CRASHES, QUICK, *busy)), horizon_s=8)).get("lost_commit", 0)


def test_a_failover_loses_what_is_at_risk_and_more_the_less_was_waited_for() -> None:
    # Some 30 crashes. On average 20 x 13 commits a second x 3 ms = 0.8 are under way to a standby, and x 100 ms = 26
    # wait for the log writer.
    on, local, off = lost("on"), lost("local"), lost("off")
    assert on == 0
    assert 5 < local < 60
    assert off > 5 * local
