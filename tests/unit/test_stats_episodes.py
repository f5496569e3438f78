"""Episodes made by hand: an execution a second for two minutes, a second each; in the fault they wait for its end.

The fault lasts from 20 s to 35 s, windows are 10 s. Nothing is random.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.results.columns import FAILED, OPEN, SUCCEEDED, BreakerUse, Episodes, Executions, FaultEpisode, Replication
from sim.stats.episodes import Episode, differences, recoupled_ns, recovery_of, windows_of
from sim.stats.pictures import at_quantile, by_badness, picture

S = 1_000_000_000
WINDOW = 10 * S
HORIZON = 120 * S


def run(
    fault: tuple[int, int] | None = None, failed: int = 0, horizon: int = HORIZON, **changes: object
) -> Replication:
    """The run with a fault between two seconds, in which so many fail at its end."""
    starts = np.arange(horizon // S, dtype=np.int64) * S
    ends = starts + S
    outcome = np.full(len(starts), SUCCEEDED, np.int8)
    if fault is not None:
        begin, end = (second * S for second in fault)
        hit = (starts >= begin) & (starts < end)
        ends[hit] = end + 1
        outcome[np.flatnonzero(hit)[:failed]] = FAILED
    ended = ends <= horizon
    outcome[~ended], ends[~ended] = OPEN, -1
    times = np.arange(horizon // WINDOW + 1, dtype=np.int64) * WINDOW
    open_at = np.array([((starts < t) & ((ends > t) | (ends < 0))).sum() for t in times])
    retries = 0 if fault is None else 30
    found = Replication(
        index=0,
        engine="by hand",
        routines=("job",),
        begin_ns=0,
        horizon_ns=horizon,
        followed_ns=horizon,
        end_ns=horizon,
        executions=Executions(
            starts,
            ends,
            outcome,
            np.zeros(len(starts), np.int16),
            np.arange(len(starts)),
            ("lost",),
            np.zeros((len(starts), 1), np.int64),
            {},
        ),
        places={},
        spans={},
        in_flight={},
        counts={},
        attempts={"job": (len(starts), retries)},
        off_path_ns=0,
        caches={},
        sample_ns=times,
        samples={"in_flight.job": open_at, "breaker.cut": np.minimum(open_at, 2), "queue.db": open_at},
        reactions_ns=np.array([] if fault is None else [fault[0] * S + 3 * S], np.int64),
        episodes=Episodes.of(
            ("down",), ("db",), [] if fault is None else [FaultEpisode("down", fault[0] * S, fault[1] * S, (), 1)]
        ),
        monitors=(),
        events=0,
        findings=(),
        breakers={"cut": BreakerUse(nodes=2, requested=0, turned_away=0, opened=0)},
    )
    for name, value in changes.items():
        object.__setattr__(found, name, value)
    return found


def episode(fault: tuple[int, int] = (20, 35), failed: int = 0, horizon: int = HORIZON) -> Episode:
    mine, baseline = run(fault, failed, horizon), run(horizon=horizon)
    return Episode("down", fault[0] * S, mine, baseline, recoupled_ns(mine, baseline))


def test_an_episode_is_held_against_its_baseline() -> None:
    one = episode(failed=4)
    assert one.lost == 4
    assert one.redone == 30
    assert one.amplification == pytest.approx(1 + 30 / 120)
    assert one.still_open == 0
    assert one.end_ns == 35 * S
    times = one.times()
    # Nothing completes from 21 s on; all that waited does just after 35 s.
    assert (times.detect_ns, times.restore_ns, times.drain_ns) == (3 * S, 10 * S, 10 * S)
    # In the window from 30 s the p99 is of those that waited; from 40 s it is a second again.
    assert times.latency_ok_ns == 20 * S


def test_bad_time_is_that_of_the_windows_that_are_not_in_order_until_they_are() -> None:
    assert episode().not_in_order_ns() == 20 * S
    assert episode((20, 21)).not_in_order_ns() == 0
    # The first window of the fault has one completion and is short; the others have none; that of the repair is slow.
    assert episode((20, 55)).not_in_order_ns() == 40 * S


def test_runs_are_one_again_from_the_first_execution_that_nothing_can_tell_apart() -> None:
    # What begins at 34 s ends a nanosecond late; what begins at 35 s is as in the baseline run.
    assert episode().recoupled_ns == 35 * S
    assert episode().is_over


def test_runs_are_not_one_again_while_any_place_differs_or_too_little_is_left() -> None:
    mine, baseline = run((20, 35)), run()
    longer = {**mine.samples, "queue.db": mine.samples["queue.db"] + 1}
    object.__setattr__(mine, "samples", longer)
    assert recoupled_ns(mine, baseline) is None
    late = episode((20, 100))
    assert late.recoupled_ns is None
    assert not late.is_over


def test_an_episode_that_never_comes_back_is_told_as_such() -> None:
    found = [episode(), episode((20, 110)), episode((20, 30))]
    figures = recovery_of(found, None, 0.95)
    assert figures.episodes == 3
    assert figures.never_back.value == pytest.approx(1 / 3)
    assert figures.latency_ok_s.value == pytest.approx((20 + 20) / 2)
    assert "of the 2 episodes that came back" in figures.latency_ok_s.note
    assert figures.percentiles["latency_ok"]["p50"].value == pytest.approx(20)
    assert figures.percentiles["latency_ok"]["p95"].value is None


def test_cases_are_compared_pair_by_pair() -> None:
    first = [episode(failed=1), episode((20, 30)), episode()]
    other = [episode(failed=3), episode((20, 40), failed=2), episode((20, 110))]
    found = differences(first, other, 0.95)
    assert found["lost"].value == pytest.approx((2 + 2 + 0) / 3)
    assert found["redone"].value == 0
    # 40 s: back from 40 s on where it was from 30 s on; of the third pair one never comes back.
    assert found["latency_ok"].value == pytest.approx((0 + 10) / 2)
    assert found["latency_ok"].note == "in 1 of 3 pairs one never came"


def test_a_bad_episode_stands_where_the_percentile_does() -> None:
    found = [episode((20, 20 + length)) for length in (9, 40, 15, 28)]
    ordered = by_badness([*found, episode((20, 110))])
    assert [one.end_ns // S for one in ordered] == [29, 35, 48, 60, 110]
    assert at_quantile(ordered, 0.5).end_ns == 48 * S
    assert at_quantile(ordered, 0.95).end_ns == 110 * S
    assert at_quantile(ordered, 0.2).end_ns == 29 * S


def test_a_picture_begins_shortly_before_the_fault_and_ends_soon_after_all_is_in_order() -> None:
    shown = picture(episode())
    assert shown.time_s == tuple(range(-20, 80, 10))  # the run begins at -20 s; in order from 20 s on, and 6 windows
    lines = {line.name: line for line in shown.lines}
    assert list(lines) == ["throughput", "latency p99", "backlog", "breaker.cut", "queue.db"]
    assert lines["throughput"].baseline[2:4] == (1.0, 1.0)
    assert lines["throughput"].values[2:5] == (0.1, pytest.approx(1.9), 1.0)  # 1 that began before; 15 waited, 4 not
    assert math.isnan(lines["latency p99"].baseline[2]) is False
    assert lines["latency p99"].values[3] == pytest.approx(15 + 1e-9)
    assert lines["backlog"].values[2] == 10
    assert lines["breaker.cut"].values[2] == 1  # the mean over its two nodes
    assert shown.faults == (("down", 0.0, 15.0),)


def test_a_picture_of_what_never_ends_goes_to_the_end_of_the_record() -> None:
    assert picture(episode((20, 110))).time_s[-1] == 90.0


def test_the_p99_of_a_window_is_the_inverted_cdf_of_what_ended_in_it() -> None:
    draws = np.random.default_rng(7)
    whole = run()
    rows = whole.executions
    ends = np.sort(draws.integers(0, HORIZON, len(rows.start_ns)))
    ends[:3] = (0, WINDOW, 2 * WINDOW)  # at an edge: of the window that begins there
    object.__setattr__(rows, "end_ns", ends)
    object.__setattr__(rows, "start_ns", ends - draws.integers(0, S, len(ends)))
    object.__setattr__(rows, "outcome", np.full(len(ends), SUCCEEDED, np.int8))
    for window_ns in (S // 4, WINDOW, HORIZON):
        found = windows_of(whole, window_ns).latency_p99_ns
        for window, p99 in enumerate(found):
            of_it = (ends >= window * window_ns) & (ends < (window + 1) * window_ns)
            latency = (ends - rows.start_ns)[of_it]
            assert np.isnan(p99) if not len(latency) else p99 == np.quantile(latency, 0.99, method="inverted_cdf")
