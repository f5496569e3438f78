"""Each kind of place tells what share of what it can do it did; room is one over that. Arithmetic by hand."""

from __future__ import annotations

import pytest

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.network import Network
from sim.network.places import Delay, GroupCommit, Keyed, Polled, Resource, Server, TokenBucket, Used
from sim.stats.room import rooms

FLUSH = {"constant": "10 ms"}


def test_slots_and_servers_are_as_full_as_they_are_busy() -> None:
    used = Used(seconds=10, served=100, busy=0.25)
    assert Resource(units=4).fullness(used, 1) == 0.25
    assert Server(servers=2).fullness(used, 3) == 0.25
    assert Delay(kind="delay").fullness(used, 1) is None


def test_the_most_loaded_node_counts_where_keys_are_skewed() -> None:
    # Shares 1, 1/2, 1/3, 1/4 of 25/12: the first has 12/25 of the work, 1.92 times the mean of a quarter.
    place = Resource(units=1, nodes=4, keyed=Keyed(skew=1.0))
    assert place.fullness(Used(10, 100, 0.25), 4) == pytest.approx(0.25 * 1.92)


def test_a_log_whose_flushes_serve_everybody_has_no_limit_however_busy_it_is() -> None:
    used = Used(seconds=10, served=5000, busy=0.99, rounds=990)
    assert GroupCommit(kind="group_commit", flush=FLUSH).fullness(used, 1) is None
    # At most 20 in a flush: 1,000 flushes of 10 ms could have served 20,000.
    limited = GroupCommit(kind="group_commit", flush=FLUSH, batch_limit=20)
    assert limited.fullness(used, 1) == pytest.approx(0.25)


def test_a_polled_queue_is_full_when_every_read_is_and_the_next_follows_at_once() -> None:
    # 10 s hold 100 reads of at most 5 by each of two readers; 300 were taken.
    queue = Polled(kind="polled", interval_ns=100_000_000, batch=5)
    assert queue.fullness(Used(10, 300, 0.1, rounds=150), 2) == pytest.approx(300 / 1000)


def test_a_rate_limit_is_full_when_it_has_no_token_left() -> None:
    assert TokenBucket(kind="token_bucket", rate_per_s=50).fullness(Used(10, 100, 0.0), 1) == pytest.approx(0.2)


def test_room_is_how_many_times_the_load_it_takes_and_below_1_when_more_is_asked_for() -> None:
    # M/D/1 with 10/s of 40 ms each has room for 2.5 times as much; with 50/s for half of it.
    for rate, room in ((10, 2.5), (50, 0.5)):
        network = Network.model_validate(
            {
                "sources": {"jobs": {"routine": "job", "arrivals": f"{rate}/s"}},
                "stations": {
                    "desk": {"servers": 1, "service": {"constant": "40 ms"}},
                    "log": {"kind": "group_commit", "flush": {"constant": "1 ms"}},
                },
                "routines": {"job": [{"use": "desk"}, {"use": "log"}]},
            }
        )
        runs = [run_one(network, Plan(1, index, 0, 60_000_000_000)) for index in range(10)]
        found = dict(rooms(network, runs, 0.999))
        assert found.keys() == {"room.desk"}
        assert found["room.desk"].low is not None
        assert found["room.desk"].high is not None
        assert found["room.desk"].low <= room <= found["room.desk"].high  # wrong once in 1,000 runs
