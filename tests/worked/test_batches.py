"""Delay, group commit, polled queue and token bucket, with what faults do to them. Times in ms."""

from __future__ import annotations

import pytest
from timeline import Engine

PLAIN = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
stations: {place: {%s}}
routines: {job: [{use: %s}]}
"""


def at(station: str, use: str = "place") -> str:
    return PLAIN % (station, use)


# -- delay ----------------------------------------------------------------------------------------------------------


def test_a_delay_has_room_for_everybody(engine: Engine) -> None:
    t = engine(at("kind: delay, service: 5 ms"), {"jobs": [0, 0, 3]})
    assert t.ends == [5, 5, 8]
    assert t.busy("place") == 15
    assert t.split(2) == {"service.place": 5}


# -- group commit ---------------------------------------------------------------------------------------------------

FLUSH = "kind: group_commit, flush: 10 ms"


def test_one_flush_serves_all_who_wait_when_it_starts(engine: Engine) -> None:
    # Flush 0-10 for the first alone; 1, 2 and 3 wait for the one of 10-20; 4, at 12, for 20-30.
    t = engine(at(FLUSH), {"jobs": [0, 1, 2, 9, 12]})
    assert t.ends == [10, 20, 20, 20, 30]
    assert t.split(2) == {"wait.place": 8, "service.place": 10}
    assert t.place("place").speed_area == 30_000_000  # a flush is under way 0-30
    assert t.place("place").batches == 3


def test_of_those_who_come_together_the_first_is_flushed_alone(engine: Engine) -> None:
    t = engine(at(FLUSH), {"jobs": [0, 0, 0]})
    assert t.ends == [10, 20, 20]


def test_who_comes_at_the_end_of_a_flush_waits_for_the_next_but_one_when_others_wait(engine: Engine) -> None:
    # At 10 the flush for execution 1 starts with the end of the first, before the arrival of execution 2.
    t = engine(at(FLUSH), {"jobs": [0, 5, 10]})
    assert t.ends == [10, 20, 30]


def test_a_flush_has_a_limit(engine: Engine) -> None:
    t = engine(at(FLUSH + ", batch_limit: 2"), {"jobs": [0, 1, 2, 3]})
    assert t.ends == [10, 20, 20, 30]


def test_who_gives_up_in_line_leaves_and_who_is_in_a_flush_stays(engine: Engine) -> None:
    t = engine(at(FLUSH, "{station: place, patience: 4 ms}"), {"jobs": [0, 1, 7]})
    # 1 gives up at 5; 7 is in the flush of 10-20, within its patience.
    assert t.ends == [10, 5, 20]
    assert t.errors == {1: "patience"}


CRASH = "faults: {gone: {targets: [{group: %s}], at: %s, duration: %s, drill: false}}"


def test_a_crash_undoes_the_flush_and_the_line_is_flushed_after_it(engine: Engine) -> None:
    # Flush 0-10 lost at 4 with execution 0; execution 1 waits; up at 6: 6-16.
    t = engine(at(FLUSH) + CRASH % ("place", "4 ms", "2 ms"), {"jobs": [0, 1]})
    assert t.errors == {0: "crash"}
    assert t.ends == [4, 16]
    assert t.split(0) == {"lost": 4}
    assert t.place("place").speed_area == 14_000_000


def test_group_commit_may_refuse_while_its_node_is_down(engine: Engine) -> None:
    t = engine(at(FLUSH + ", when_down: refuse") + CRASH % ("place", "4 ms", "2 ms"), {"jobs": [0, 1, 5]})
    # Execution 1 waits already and goes on waiting; execution 2 is refused.
    assert t.errors == {0: "crash", 2: "refused"}
    assert t.ends == [4, 16, 5]


def test_a_pause_prolongs_the_flush_under_way_and_a_slow_node_only_the_next_one(engine: Engine) -> None:
    fault = "faults: {gc: {targets: [{group: place}], effect: %s, at: 4 ms, duration: 8 ms, drill: false}}"
    t = engine(at(FLUSH) + fault % "pause", {"jobs": [0, 5]})
    # 4 done, paused 4-12, 6 left: 18; then 18-28.
    assert t.ends == [18, 28]
    t = engine(at(FLUSH) + fault % "slow, speed: 0.5", {"jobs": [0, 5, 13]})
    # 0-10 as begun; the next begins at 10 at half speed: 20 ms, 10-30; then 30-40.
    assert t.ends == [10, 30, 40]


def test_services_that_are_hit_by_errors_fail_at_their_end(engine: Engine) -> None:
    fault = "{targets: [{group: place}], effect: errors, probability: 1, at: 5 ms, drill: false}"
    t = engine(at(FLUSH) + f"faults: {{bad: {fault}}}", {"jobs": [0]})
    assert t.ends == [10]
    assert t.errors == {0: "error"}


# -- polled queue ---------------------------------------------------------------------------------------------------


def test_a_read_comes_as_soon_as_something_waits_and_the_interval_allows(engine: Engine) -> None:
    # Reads at 1 (execution 0), 11 (1 and 2), 31 (3): the interval since 21 has long passed.
    t = engine(at("kind: polled, interval: 10 ms, batch: 2"), {"jobs": [1, 2, 3, 31]})
    assert t.ends == [1, 11, 11, 31]
    assert t.split(1) == {"wait.place": 9}
    assert t.place("place").batches == 3


def test_a_batch_is_the_most_that_one_read_takes(engine: Engine) -> None:
    t = engine(at("kind: polled, interval: 10 ms, batch: 2"), {"jobs": [0, 0, 0, 0]})
    # 0 alone, since it was there first; then two at 10; then one at 20.
    assert t.ends == [0, 10, 10, 20]


def test_who_is_read_goes_on_at_the_end_of_the_read(engine: Engine) -> None:
    # Read 0-4 (0), 10-14 (1).
    t = engine(at("kind: polled, interval: 10 ms, read: 4 ms"), {"jobs": [0, 1]})
    assert t.ends == [4, 14]
    assert t.split(1) == {"wait.place": 9, "service.place": 4}
    assert t.place("place").speed_area == 8_000_000


def test_a_read_longer_than_the_interval_delays_the_next(engine: Engine) -> None:
    # 0-15, then at once 15-30.
    t = engine(at("kind: polled, interval: 10 ms, read: 15 ms"), {"jobs": [0, 1]})
    assert t.ends == [15, 30]


def test_reads_are_saved_up_to_the_burst_and_no_further(engine: Engine) -> None:
    # Two reads are there at the start: 0 and 1. The third read waits until 10, the fourth until 20. Then nobody
    # comes until 60: two reads are saved, not four. Then 60, 61, and the next ones at 70 and 80.
    t = engine(at("kind: polled, interval: 10 ms, burst: 2"), {"jobs": [0, 1, 2, 3, 60, 61, 62, 63]})
    assert t.ends == [0, 1, 10, 20, 60, 61, 70, 80]
    assert t.place("place").batches == 8


def test_a_read_that_is_half_saved_goes_on_being_saved(engine: Engine) -> None:
    # Reads at 0 and 0.. are taken by 0 and 4; tokens ripen at 10 and 20: at 15 one is there, the next one at 20.
    t = engine(at("kind: polled, interval: 10 ms, burst: 2"), {"jobs": [0, 4, 15, 16]})
    assert t.ends == [0, 4, 15, 20]


def test_a_saved_read_takes_place_while_another_one_may_not(engine: Engine) -> None:
    # Reads 0-4 and at once 4-8, with a saved token; that of 10 takes both who came meanwhile: 10-14.
    t = engine(at("kind: polled, interval: 10 ms, burst: 2, read: 4 ms, batch: 5"), {"jobs": [0, 1, 5, 6]})
    assert t.ends == [4, 8, 14, 14]


def test_who_comes_while_a_read_is_planned_has_another_one_follow(engine: Engine) -> None:
    # 0 is read at once. 2 and 4 wait for the read of 10; since 4 came while it was planned, another one is planned for
    # 20. It finds nobody and takes its token, so 23 waits for the one of 30; alone, it has none follow: 47 at once.
    text = at("kind: polled, interval: 10 ms, batch: 5%s")
    t = engine(text % ", follow_up: true", {"jobs": [0, 2, 4, 23, 47]})
    assert t.ends == [0, 10, 10, 30, 47]
    assert t.place("place").batches == 4
    t = engine(text % "", {"jobs": [0, 2, 4, 23, 47]})
    assert t.ends == [0, 10, 10, 23, 47]


PROMPTED = """
sources: {jobs: {routine: job, arrivals: {trace: t}}, calls: {routine: caller, arrivals: {trace: t}}}
stations: {place: {kind: polled, interval: 10 ms%s}}
routines: {job: [{use: place}], caller: [{prompt: place}]}
"""


def test_a_prompt_reads_on_the_spot_and_costs_no_token(engine: Engine) -> None:
    # 0 is read at once; 1, 2 and 3 wait. A prompt at 4 takes 1, the next tokens are those of 10 and 20 as before.
    t = engine(PROMPTED % "", {"jobs": [0, 1, 2, 3], "calls": [4]})
    assert t.ends == [0, 4, 10, 20, 4]
    assert t.place("place").batches == 4
    # With nobody there it does nothing, and is not remembered.
    t = engine(PROMPTED % "", {"jobs": [0, 5], "calls": [4]})
    assert t.ends == [0, 4, 10]


def test_a_prompt_leaves_the_read_under_way_alone(engine: Engine) -> None:
    # Read 0-6 for execution 0; 1 and 2 wait. The prompt at 3 takes execution 1 at once; 2 is read 10-16.
    t = engine(PROMPTED % ", read: 6 ms", {"jobs": [0, 1, 2], "calls": [3]})
    assert t.ends == [6, 3, 16, 3]


def test_by_timer_reads_are_at_multiples_of_the_interval(engine: Engine) -> None:
    # The first multiple after each arrival: 3 -> 10; 10 (at the very instant of a read) -> 20; 21 and 22 -> 30.
    t = engine(at("kind: polled, interval: 10 ms, trigger: timer, batch: 5"), {"jobs": [3, 10, 21, 22]})
    assert t.ends == [10, 20, 30, 30]


def test_by_timer_a_long_read_skips_multiples(engine: Engine) -> None:
    # 10-25, then the next multiple: 30-45.
    t = engine(at("kind: polled, interval: 10 ms, trigger: timer, read: 15 ms"), {"jobs": [1, 2]})
    assert t.ends == [25, 45]


def test_each_node_has_a_queue_of_its_own_by_key(engine: Engine) -> None:
    # One key: all in one queue, one a read, though there are 8 queues.
    text = at("kind: polled, interval: 10 ms, nodes: 8, keyed: {by: tenant}") + "attributes: {tenant: 5}"
    t = engine(text, {"jobs": [0, 0, 0]})
    assert t.ends == [0, 10, 20]


def test_who_gives_up_leaves_the_queue(engine: Engine) -> None:
    use = "{station: place, patience: 4 ms}"
    t = engine(at("kind: polled, interval: 10 ms, read: 6 ms", use), {"jobs": [0, 1, 7]})
    # 1 gives up at 5; execution 2 is read 10-16: patience is about the wait, 3.
    assert t.ends == [6, 5, 16]
    assert t.errors == {1: "patience"}


def test_a_crash_undoes_the_read_and_the_queue_is_read_after_it(engine: Engine) -> None:
    # Read 0-6 lost at 4; the queue stays; up at 6; the interval allows the next read at 10: 10-16.
    text = at("kind: polled, interval: 10 ms, read: 6 ms") + CRASH % ("place", "4 ms", "2 ms")
    t = engine(text, {"jobs": [0, 1]})
    assert t.errors == {0: "crash"}
    assert t.ends == [4, 16]


def test_a_paused_reader_finishes_its_read_later_and_reads_nothing_meanwhile(engine: Engine) -> None:
    fault = "faults: {gc: {targets: [{group: place}], effect: pause, at: 4 ms, duration: 16 ms, drill: false}}"
    t = engine(at("kind: polled, interval: 10 ms, read: 6 ms") + fault, {"jobs": [0, 1]})
    # 0-4, 20-22; the next read at 22: 22-28.
    assert t.ends == [22, 28]


# -- token bucket ---------------------------------------------------------------------------------------------------

BUCKET = "kind: token_bucket, rate: 100/s"  # a token every 10 ms


def test_a_bucket_lets_its_burst_through_and_then_one_for_each_token(engine: Engine) -> None:
    # Full with 2 at the start: two at 0, then 10, 20.
    t = engine(at(BUCKET + ", burst: 2"), {"jobs": [0, 0, 0, 0]})
    assert t.ends == [0, 0, 10, 20]
    assert t.split(3) == {"wait.place": 20}


def test_tokens_are_saved_up_to_the_burst_and_no_further(engine: Engine) -> None:
    # Empty after the two at 0, full again at 20; what would ripen after that is lost. Two at 25, then 35 and 45.
    t = engine(at(BUCKET + ", burst: 2"), {"jobs": [0, 0, 25, 25, 25, 25]})
    assert t.ends == [0, 0, 25, 25, 35, 45]


def test_a_half_ripe_token_goes_on_ripening(engine: Engine) -> None:
    # Two at 0; the next tokens are ripe at 10 and 20. At 15 one is there; the other comes at 20.
    t = engine(at(BUCKET + ", burst: 2"), {"jobs": [0, 0, 15, 15]})
    assert t.ends == [0, 0, 15, 20]


def test_an_empty_bucket_may_reject(engine: Engine) -> None:
    t = engine(at(BUCKET + ", when_empty: reject"), {"jobs": [0, 9, 10]})
    assert t.ends == [0, 9, 10]
    assert t.outcomes == ["succeeded", "rejected", "succeeded"]


def test_the_line_at_a_bucket_may_be_limited(engine: Engine) -> None:
    t = engine(at(BUCKET + ", queue_limit: 1"), {"jobs": [0, 1, 2]})
    assert t.ends == [0, 10, 2]
    assert t.errors == {2: "rejected"}


def test_who_gives_up_before_its_token_leaves_it_to_the_next(engine: Engine) -> None:
    t = engine(at(BUCKET, "{station: place, patience: 6 ms}"), {"jobs": [0, 1, 5]})
    # 1 gives up at 7; execution 2 has the token of 10.
    assert t.ends == [0, 7, 10]
    assert t.errors == {1: "patience"}


def test_the_time_of_a_token_is_rounded_once(engine: Engine) -> None:
    # 3/s: 333,333,333.3 ns, rounded to 333,333,333; the third waits for two of them.
    t = engine(at("kind: token_bucket, rate: 3/s"), {"jobs": [0, 0, 0]})
    assert t.ends_ns == [0, 333_333_333, 666_666_666]


@pytest.mark.parametrize("station", [FLUSH, "kind: polled, interval: 10 ms, read: 10 ms"])
def test_a_batch_goes_on_without_one_who_is_called_away(engine: Engine, station: str) -> None:
    # A race: the visit of execution 0 (0-10) is called off at 4; what it was in ends at 10, and the next begins.
    t = engine(
        f"""
        sources: {{racers: {{routine: racer, arrivals: {{trace: t}}}}, jobs: {{routine: job, arrivals: {{trace: t}}}}}}
        stations: {{place: {{{station}}}}}
        routines:
          racer: [{{race: [[{{use: place}}], [{{delay: 4 ms}}]]}}]
          job: [{{use: place}}]
        """,
        {"racers": [0], "jobs": [5]},
    )
    assert t.ends == [4, 20]
