"""Workflows on the bridge: waits, sagas, fan-outs, sleeps, work in progress, failovers; by hand and by counts."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from lower_fixture import SMALL, counts, latencies_ms, run, small

from sim.lower.load import Loaded, load
from sim.results.columns import COMPENSATED, FAILED, SUCCEEDED

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
TRANSFER = (
    SMALL.replace(
        "      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}",
        """\
      - activity:
          name: lock
          service: 100 ms
          start_to_close: 2 s
          effect: locked
          compensate: {name: unlock, service: 100 ms, start_to_close: 2 s, effect: unlocked}
      - wait: {signal: confirmed, after: 10 s, timer: 1 min}
      - activity: {name: release, service: 100 ms, start_to_close: 2 s, effect: released}
""",
    )
    + """
monitors:
  conserved: {when: locked, eventually: [released, unlocked]}
  never_both: {never_both: [released, unlocked]}
"""
)


def transfer(*sets: str) -> Loaded:
    """A saga: lock, wait for a signal, release; undone by unlock. Flushes of 1 ms and these times are all there is."""
    return load(TRANSFER, [QUICK, *sets])


def outcomes(replication: object) -> list[int]:
    rows = replication.executions  # type: ignore[attr-defined]
    return [int(rows.outcome[row]) for row in rows.cohort]


def test_a_signal_and_a_timer_add_a_transition_and_a_workflow_task() -> None:
    replication = run(transfer())
    # Two activities 4 x 2 + 3, the signal and the workflow task after it (started, ended) 3.
    assert counts(replication)["transition"] == 14
    # Two commits each, one where an activity starts.
    assert latencies_ms(replication) == [26 + 2 * 100 + 10_000]
    assert outcomes(replication) == [SUCCEEDED]


def test_when_the_timer_wins_what_was_done_is_undone() -> None:
    replication = run(transfer("workflows.order.steps.1.wait.missing=1"))
    # Timer instead of signal; then unlock instead of release; the same number of transitions.
    assert counts(replication)["transition"] == 14
    assert latencies_ms(replication) == [26 + 2 * 100 + 60_000]
    assert outcomes(replication) == [COMPENSATED]
    assert [monitor.violated for monitor in replication.monitors] == [0, 0]
    assert replication.monitors[0].checked == 1


def test_a_signal_later_than_the_timer_loses() -> None:
    assert outcomes(run(transfer("workflows.order.steps.1.wait.after=61 s"))) == [COMPENSATED]
    assert outcomes(run(transfer("workflows.order.steps.1.wait.after=60 s"))) == [SUCCEEDED]


def test_a_workflow_may_go_on_when_the_timer_wins() -> None:
    sets = ("workflows.order.steps.1.wait.missing=1", "workflows.order.steps.1.wait.on_timeout=continue")
    assert outcomes(run(transfer(*sets))) == [SUCCEEDED]


def test_an_activity_that_is_turned_down_for_good_is_not_tried_again_and_is_compensated() -> None:
    replication = run(transfer("workflows.order.steps.2.activity.non_retryable_rate=1"))
    # Lock, signal, release (turned down after its service), unlock, close: four more transitions.
    assert outcomes(replication) == [COMPENSATED]
    assert counts(replication)["transition"] == 18
    assert [monitor.violated for monitor in replication.monitors] == [0, 0]


def test_a_saga_that_is_broken_on_purpose_is_caught() -> None:
    broken = TRANSFER.replace(
        "          compensate: {name: unlock, service: 100 ms, start_to_close: 2 s, effect: unlocked}\n", ""
    )
    broken = broken.replace("eventually: [released, unlocked]", "eventually: [released]")
    broken = broken.replace("  never_both: {never_both: [released, unlocked]}\n", "")
    replication = run(load(broken, [QUICK, "workflows.order.steps.1.wait.missing=1"]))
    assert outcomes(replication) == [FAILED]
    assert replication.monitors[0].violated == 1
    assert replication.monitors[0].examples == [0]


def test_a_bare_name_compensates_with_an_activity_like_the_one_undone() -> None:
    bare = TRANSFER[: TRANSFER.index("monitors:")].replace(
        "compensate: {name: unlock, service: 100 ms, start_to_close: 2 s, effect: unlocked}", "compensate: unlock"
    )
    replication = run(load(bare, [QUICK, "workflows.order.steps.1.wait.missing=1"]))
    assert latencies_ms(replication) == [26 + 2 * 100 + 60_000]


def test_a_fan_out_runs_at_the_same_time_and_writes_one_after_the_other() -> None:
    fan_out = (
        "      - fan_out: {items: 10, activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}}"
    )
    text = SMALL.replace(
        "      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}", fan_out
    )
    replication = run(load(text, [QUICK]))
    found = counts(replication)
    assert found["activity_task"] == 10
    # Scheduled at 6; the shard starts one after the other in 1 ms each, so the last one is done at 116; their ends
    # take 2 ms each from 107 on. The first is durable at 109 and has a workflow task scheduled; those from 108 and 109
    # ask before that task does and end at 111 and 113, it starts at 115; and so on in turn, while one is under way.
    own = (found["transition"] - 5 - 2 * 10) // 2
    assert own >= 1
    # The shard is busy with 20 ms of results and 4 ms for each workflow task before the last, which takes 4.
    assert latencies_ms(replication) == [107 + 20 + 4 * own + 4]


def test_a_sleep_is_a_timer_that_fires_into_a_transition() -> None:
    text = SMALL.replace("    steps:\n", "    steps:\n      - sleep: 5 s\n")
    replication = run(load(text, [QUICK]))
    assert counts(replication)["transition"] == 7 + 3
    assert latencies_ms(replication) == [13 + 100 + 6 + 5000]


def test_work_in_progress_is_there_from_the_start_and_in_no_figure() -> None:
    sets = ("run.start=in_progress", "workflows.order.arrivals=20/s", "workflows.order.steps.1.wait.missing=10 %")
    loaded = transfer(*sets)
    assert loaded.lowered.in_progress == {"order-in-confirmed": "order"}
    replication = run(loaded, horizon_s=10)
    # Little: 20/s x (0.9 x 10 s + 0.1 x 60 s) = 300 in the wait; Poisson, so within 4 standard deviations (6e-5).
    seeded = sum(
        1 for routine in replication.executions.routine if replication.routines[routine] == "order-in-confirmed"
    )
    assert abs(seeded - 300) <= 4 * math.sqrt(300)
    cohort = replication.executions.routine[replication.executions.cohort]
    assert {replication.routines[routine] for routine in cohort} == {"order"}


def test_what_was_in_progress_ends_at_the_rate_at_which_executions_start() -> None:
    loaded = transfer("run.start=in_progress", "workflows.order.arrivals=40/s")
    replication = run(loaded, horizon_s=8, drain_s=0)
    # Waits take 10 s, so whatever ends in the first 8 s was in progress: 8 x 40 of them, with the residual times of a
    # constant, which are uniform. Poisson, within 4 standard deviations.
    ended = int((replication.executions.end_ns >= 0).sum())
    assert abs(ended - 8 * 40) <= 4 * math.sqrt(8 * 40)


def test_executions_in_progress_are_known_to_a_pod_and_have_their_compensation_before_them() -> None:
    loaded = transfer(
        "run.start=in_progress",
        "workflows.order.arrivals=4/s",
        "workflows.order.steps.1.wait={signal: confirmed, after: 1 s, missing: 1, timer: 20 s}",
    )
    replication = run(loaded, horizon_s=25, drain_s=0)
    rows = replication.executions
    seeded = rows.routine == replication.routines.index("order-in-confirmed")
    assert set(rows.outcome[seeded].tolist()) == {COMPENSATED}
    assert [monitor.violated for monitor in replication.monitors] == [0, 0]
    assert replication.caches["orders-sticky-cache"][0] > 0


def test_a_failover_delays_what_it_meets_and_loses_nothing() -> None:
    loaded = transfer(
        "workflows.order.arrivals=20/s",
        "workflows.order.steps.1.wait.after={exponential: 2 s}",
        "postgres.nodes=2",
        "postgres.failover={detect: 5 s, promote: 1 s}",
        "faults.failover={target: postgres.primary, at: 4 s}",
    )
    calm = run(loaded, horizon_s=12, drain_s=300)
    hurt = run(loaded, horizon_s=12, drain_s=300, drill="failover")
    assert [episode.end_ns - episode.start_ns for episode in hurt.episodes] == [6_000_000_000]
    assert set(outcomes(hurt)) == {SUCCEEDED}
    assert [monitor.violated for monitor in hurt.monitors] == [0, 0]
    assert counts(hurt)["transition"] >= counts(calm)["transition"]
    # Starts in the first second of the outage wait at least for the five that are left of it.
    assert calm.spans["start.order"].histogram.quantile(1) < 0.1e9
    assert hurt.spans["start.order"].histogram.quantile(0.95) > 3e9


def test_a_history_pod_that_crashes_keeps_its_shards_waiting() -> None:
    loaded = small(
        QUICK,
        "workflows.order.steps.0.activity.start_to_close=10 s",
        "temporal.history={replicas: 1, cpu: 1}",
        "faults.boom={target: temporal.history, at: 50 ms, repair: 3 s}",
    )
    # Service until 107; the result waits for the pod until 3050: completed 2, started 2, closed 2.
    assert latencies_ms(run(loaded, drill="boom")) == [pytest.approx(3050 + 6)]


@pytest.mark.parametrize("sdk", ["go", "python"])
def test_everything_together_keeps_the_laws(sdk: str) -> None:
    text = """
name: shop
workflows:
  checkout:
    arrivals: {poisson: 8/s, profile: {points: [{at: 0 s, factor: 1}, {at: 10 s, factor: 2}], period: 20 s}}
    task_queue: orders
    retry: {initial_interval: 1 s, maximum_attempts: 4}
    steps:
      - activity: {name: authorize, service: {p50: 80 ms, p99: 900 ms}, start_to_close: 5 s, error_rate: 5 %}
      - activity:
          name: capture
          service: {p50: 90 ms, p99: 1.2 s}
          start_to_close: 10 s
          heartbeat: 2 s
          task_queue: heavy
          effect: paid
          compensate: refund
      - sleep: {mean: 2 s, cv: 1}
      - activity:
          {name: ship, service: 50 ms, schedule_to_start: 20 s, schedule_to_close: 1 min, non_retryable_rate: 10 %}
  sync:
    arrivals: {burst: 3, every: 10 s, jitter: 2 s}
    task_queue: heavy
    steps:
      - fan_out:
          items: {geometric: 20}
          join: 3
          activity: {name: pull, service: {mean: 300 ms, cv: 2}, error_rate: 2 %, non_retryable_rate: 1 %}
      - wait: {signal: done, after: {exponential: 3 s}}
workers:
  orders: {replicas: 2, cpu: 2, activity_slots: 40, sticky_cache: 20, rtt: 3 ms}
  heavy: {replicas: 3, cpu: 1, activity_slots: 8, start_delay: 2 s}
temporal:
  history_shards: 16
  frontend: {replicas: 2, cpu: 1}
  history: {replicas: 2, cpu: 1}
  matching: {replicas: 1, cpu: 1}
  sql: {initial: 2, max_conns: 10, acquire_timeout: 2 s}
postgres: {cpu: 4, memory: 8 GiB, failover: {detect: 3 s, promote: 1 s}}
faults:
  heavy_loss: {target: workers.heavy, mttf: 20 s, repair: {mean: 2 s, cv: 1}}
  history_loss: {target: temporal.history, rate: 2/min, repair: 2 s}
  database: {target: postgres.primary, seen: 3 in 1 min}
run: {start: in_progress}
"""
    loaded = load(text, [f"presets.sdk={sdk}"])
    replication = run(loaded, horizon_s=30, drain_s=2000)
    assert len({episode.fault for episode in replication.episodes}) >= 2
    assert (replication.executions.end_ns[replication.executions.cohort] >= 0).all()


def test_funds_are_conserved_while_workers_history_pods_and_the_database_crash() -> None:
    # The case study's workflow at 3/s with waits of some seconds, for a minute; everything that can crash does.
    loaded = load(
        Path(__file__).parents[2] / "configs" / "coinbase.yaml",
        [
            "workflows.transfer.arrivals=3/s",
            "workflows.transfer.steps.1.wait.after={mean: 5 s, cv: 0.8}",
            "workflows.transfer.steps.1.wait.missing=5 %",
            "workflows.transfer.steps.1.wait.timer=20 s",
            "workflows.transfer.steps.2.activity.non_retryable_rate=5 %",
            "faults.worker_loss.mttf=20 s",
            "faults.pod={target: temporal.history, mttf: 1 min, repair: 5 s}",
            "faults.db={target: postgres.primary, rate: 2/min}",
            "postgres.failover={detect: 5 s, promote: 1 s}",
        ],
    )
    replication = run(loaded, horizon_s=60, drain_s=10_000)
    assert {"worker_loss", "pod", "db"} <= {episode.fault for episode in replication.episodes}
    assert set(outcomes(replication)) == {SUCCEEDED, COMPENSATED}
    for monitor in replication.monitors:
        assert monitor.violated == 0, monitor.name
        assert monitor.checked > 100, monitor.name
