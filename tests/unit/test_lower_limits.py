"""Rate limits of the services: a bucket's tokens by hand, and the rate that it lets through.

Goal: what is above a limit is turned down with its own error, tried again later, and counted. Method: constants; the
bucket's refill and the back-offs beside the assertion.
"""

from __future__ import annotations

import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.lower.load import load
from sim.lower.temporal.limits import attempts_within
from sim.results.columns import FAILED, SUCCEEDED

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
STEADY = ("constants.temporal.client_retry_jitter=0", "constants.temporal.rps_burst_ratio=1")


def test_an_execution_of_one_activity_makes_seven_requests_of_the_frontend() -> None:
    # The start, three polls and three results. A bucket of 6 tokens is one short: the result of the last task is
    # turned down and comes again 200 ms later, when the bucket (6 a second) has another one.
    enough = run(small(QUICK, *STEADY, "temporal.frontend={replicas: 1, cpu: 1, rps: 7}"))
    short = run(small(QUICK, *STEADY, "temporal.frontend={replicas: 1, cpu: 1, rps: 6}"))
    assert "request_throttled" not in counts(enough)
    assert counts(short)["request_throttled"] == 1
    assert latencies_ms(short)[0] - latencies_ms(enough)[0] == pytest.approx(200)


def test_a_start_that_is_turned_down_is_tried_again_by_its_client() -> None:
    # Two starts at once and one token a second: turned down after 0, 200 and 600 ms, let in after 1400. A creation
    # takes 12 round trips of a second, so that no other request comes in between.
    sets = ("temporal.frontend={replicas: 1, cpu: 1, rps: 1}", "workflows.order.arrivals={burst: 2}", QUICK, *STEADY)
    slow = ("temporal.history_shards=4096", "postgres.synchronous_commit=false", "postgres.rtt=1 s")
    assert run(small(*sets, *slow)).spans["start.order"].sum_ns == 25_400_000_000


def test_a_client_gives_up_to_start_after_a_while_and_the_execution_fails_with_the_error_of_its_own() -> None:
    # Polls and results of the first one take every token that there is, one a minute.
    limit = ("temporal.frontend={replicas: 1, cpu: 1, rps: 1}", "constants.temporal.client_retry_expiration=300 ms")
    replication = run(small(*limit, "workflows.order.arrivals={burst: 2}", QUICK, *STEADY), drain_s=10_000)
    rows = replication.executions
    assert sorted(int(rows.outcome[row]) for row in rows.cohort) == [SUCCEEDED, FAILED]
    assert list(rows.errors.values()) == ["resource_exhausted"]
    # It has tried after 0 and 200 ms.
    assert attempts_within(200, 6000, 300) == 2


def test_who_gives_up_after_a_minute_has_tried_fourteen_times() -> None:
    # After 0, 0.2, 0.6, 1.4, 3, 6.2, 12.2, 18.2, 24.2, 30.2, 36.2, 42.2, 48.2 and 54.2 s.
    assert attempts_within(200, 6000, 60_000) == 14


def test_writes_above_the_limit_of_the_store_are_turned_down_and_come_later() -> None:
    # Requests: create 1, first task 3, scheduled 1, started 1, completed 1, task started 2, closed 1: ten.
    limited = "temporal.history={replicas: 1, cpu: 1, persistence_max_qps: %d}"
    enough = run(small(QUICK, *STEADY, limited % 10))
    short = run(small(QUICK, *STEADY, limited % 9))
    assert "persistence_throttled" not in counts(enough)
    # The tenth is wanted after 111 ms; at nine a second one is there at 111.1 ms, so it comes after one back-off of
    # the worker, whose result it is: the server does not try again itself.
    assert counts(short)["persistence_throttled"] == 1
    assert latencies_ms(short)[0] - latencies_ms(enough)[0] == pytest.approx(200)


def test_a_task_of_a_queue_that_the_store_refuses_waits_for_three_seconds() -> None:
    # Requests: create 1, first task 3, scheduled 1. The start of the activity is the sixth, and a task of the shard's
    # transfer queue brought it there. A token more is there every 200 ms, so that none is wanted in vain again.
    limited = "temporal.history={replicas: 1, cpu: 1, persistence_max_qps: 5}"
    long = "workflows.order.steps.0.activity.start_to_close=10 s"
    enough, short = (run(small(QUICK, *STEADY, long, *more)) for more in ((), (limited,)))
    assert counts(short)["persistence_throttled"] == 1
    assert latencies_ms(short)[0] - latencies_ms(enough)[0] == pytest.approx(3000)


@pytest.mark.parametrize(("service", "calls"), [("history", 7), ("matching", 6)])
def test_history_and_matching_take_the_calls_that_an_execution_costs_them(service: str, calls: int) -> None:
    # History: the start, three starts of tasks and three results. Matching: three tasks come, and are fetched.
    limit = f"temporal.{service}={{replicas: 1, cpu: 1, rps: %d}}"
    enough = run(small(QUICK, *STEADY, limit % calls))
    assert "request_throttled" not in counts(enough)
    assert enough.places[f"{service}-rate-limit"].served == calls
    short = run(small(QUICK, *STEADY, limit % (calls - 1)))
    assert counts(short)["request_throttled"] >= 1
    assert latencies_ms(short)[0] - latencies_ms(enough)[0] >= 200


@pytest.mark.parametrize(("service", "each"), [("history", 7), ("matching", 6)])
def test_a_service_lets_in_its_rate_and_what_it_has_saved_up(service: str, each: int) -> None:
    # More come than its rate lets through: each execution takes `each` calls, and 60 a second are there. There are so
    # many polls that some of them always ask again.
    limit = f"temporal.{service}={{replicas: 1, cpu: 8, rps: 60}}"
    polls = "workers.orders={replicas: 2, cpu: 1, workflow_task_pollers: 200, activity_pollers: 200}"
    loaded = small("workflows.order.arrivals={poisson: 40/s}", limit, polls, STEADY[1], QUICK)
    replication = run(loaded, horizon_s=10, drain_s=0)
    bucket = replication.places[f"{service}-rate-limit"]
    most = 60 * 11
    # A request that finds fewer tokens than it wants of a bucket has taken those that there were.
    assert most - each <= bucket.served <= most


@pytest.mark.parametrize("pods", [1, 2])
def test_a_frontend_lets_in_its_rate_and_what_it_has_saved_up(pods: int) -> None:
    # 150 starts a second want seven requests each; 60 a second and pod are let in, and what a second saves up. The
    # bucket, once empty, is asked more often than it has tokens, and who finds one goes in at once.
    loaded = small(
        "workflows.order.arrivals={poisson: 150/s}",
        f"temporal.frontend={{replicas: {pods}, cpu: 8, rps: 60}}",
        "constants.temporal.rps_burst_ratio=1",
        QUICK,
    )
    replication = run(loaded, horizon_s=10, drain_s=0)
    bucket = replication.places["frontend-rate-limit"]
    most = 60 * pods * 11
    assert most - 2 <= bucket.served <= most


def test_without_the_limit_the_same_load_gets_in_at_once() -> None:
    load_of = ("workflows.order.arrivals={poisson: 40/s}", QUICK)
    free = run(small(*load_of, "temporal.frontend={replicas: 1, cpu: 8}"), horizon_s=10)
    tight = run(small(*load_of, "temporal.frontend={replicas: 1, cpu: 8, rps: 200}", STEADY[1]), horizon_s=10)
    # 40 x 7 = 280 requests a second against 200: 800 too many in the window, and 200 are saved up.
    assert free.spans["start.order"].histogram.quantile(0.99) < 0.1e9
    assert tight.spans["start.order"].histogram.quantile(0.99) > 0.2e9


def test_services_that_are_not_named_have_no_limit_and_named_ones_that_of_the_product() -> None:
    assert not [name for name in small().lowered.network.stations if name.endswith("rate-limit")]
    named = load(small().document.text, ["temporal.frontend={replicas: 3, cpu: 1}"]).lowered.network.stations
    bucket = named["frontend-rate-limit"]
    assert (bucket.rate_per_s, bucket.burst) == (7200, 14400)  # type: ignore[union-attr]
    services = ["temporal.history={replicas: 2, cpu: 1}", "temporal.matching={replicas: 3, cpu: 1}"]
    others = load(small().document.text, services).lowered.network.stations
    found = [(others[name].rate_per_s, others[name].burst) for name in ("history-rate-limit", "matching-rate-limit")]  # type: ignore[union-attr]
    assert found == [(6000, 12000), (3600, 7200)]
