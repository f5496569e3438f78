"""Pods, nodes and stores that stand still, are slow or give errors, and several that fail together.

Method: timelines by hand on the small deployment, in which a flush takes 1 ms; drills from 0 on or at an instant
chosen between two steps.
"""

from __future__ import annotations

import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.lower.load import Loaded
from sim.lower.sums import mean_ns
from sim.network.faults import Fault
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
ONE = "workers.orders={replicas: 1, cpu: 1}"


def drilled(fault: str, *sets: str) -> list[float]:
    return latencies_ms(run(small(QUICK, ONE, *sets, f"faults.boom={{{fault}}}"), drill="boom"))


def faults_of(loaded: Loaded) -> dict[str, Fault]:
    return dict(loaded.lowered.network.faults)


def step(activity: str) -> str:
    return f"workflows.order.steps=[{{activity: {{name: a, start_to_close: 20 s, {activity}}}}}]"


def test_without_a_fault_it_takes_13_flushes_and_the_activity() -> None:
    assert latencies_ms(run(small(QUICK, ONE, step("service: 100 ms")))) == [7 + 100 + 6]


def test_a_slow_worker_takes_longer_for_what_takes_its_cpu_and_for_nothing_else() -> None:
    slow = "target: workers.orders, effect: slow, speed: 0.5, at: 0 s, repair: 1 min"
    assert drilled(slow, step("service: 100 ms")) == [7 + 100 + 6]
    assert drilled(slow, step("service: 100 ms, cpu: 50 ms")) == [7 + 2 * 50 + 100 + 6]


def test_a_worker_that_stands_still_goes_on_where_it_was() -> None:
    # The activity has started at 7 and is done at 107; the pod goes on at 1050.
    pause = "target: workers.orders, effect: pause, at: 50 ms, repair: 1 s"
    assert drilled(pause, step("service: 100 ms")) == [1050 + 6]


@pytest.mark.parametrize(("cpu", "tried_ms"), [("", 7.0), (", cpu: 50 ms", 57.0)])
def test_an_activity_on_a_worker_that_gives_errors_is_tried_again(cpu: str, tried_ms: float) -> None:
    # Fails when its CPU is taken, or at once where it takes none; written 1, back-off 1 s, started again 1.
    errors = "target: workers.orders, effect: errors, at: 6.5 ms, repair: 500 ms"
    again = tried_ms + 1 + 1000 + 1
    assert drilled(errors, step(f"service: 100 ms{cpu}")) == [again + (tried_ms - 7) + 100 + 6]


def test_a_workflow_task_that_fails_goes_to_any_pod_at_once() -> None:
    # Its first one fails at 4, over and over until 20.5: each time the failure and the next start are written.
    errors = "target: workers.orders, effect: errors, at: 3.5 ms, repair: 17 ms"
    [latency_ms] = drilled(errors, step("service: 100 ms"))
    assert 20 + 3 + 100 + 6 < latency_ms < 20 + 15 + 100 + 6


def test_with_a_probability_as_many_attempts_fail() -> None:
    # 400 attempts first: 100 of them fail at 25 %, within 4 standard deviations of 8.7; and of these some again.
    burst = (
        "workflows.order.arrivals={burst: 400}",
        "temporal.history_shards=4096",
        "workers.orders.activity_slots=400",
    )
    errors = "faults.boom={target: workers.orders, effect: errors, probability: 25 %, at: 0 s, repair: 1 h}"
    replication = run(small(QUICK, ONE, step("service: 100 ms"), *burst, errors), drill="boom")
    first, again = replication.attempts["order"]
    assert first == 400
    assert again == pytest.approx(400 / 0.75 - 400, abs=4 * (400 * 0.25) ** 0.5 / 0.75)


def test_a_slow_primary_flushes_slowly() -> None:
    slow = "target: postgres.primary, effect: slow, speed: 0.5, at: 0 s, repair: 1 min"
    assert drilled(slow, step("service: 100 ms")) == [2 * 7 + 100 + 2 * 6]


def test_a_primary_that_stands_still_keeps_its_connections() -> None:
    # Paused between two flushes: the one from 7 to ... nothing is under way while the activity is at work.
    pause = "target: postgres.primary, effect: pause, at: 50 ms, repair: 1 s"
    replication = run(small(QUICK, ONE, step("service: 100 ms"), f"faults.boom={{{pause}}}"), drill="boom")
    assert latencies_ms(replication) == [1050 + 6]
    assert counts(replication).get("connection", 0) == 0


def test_a_primary_that_gives_errors_has_its_transactions_made_again() -> None:
    errors = "target: postgres.primary, effect: errors, at: 50 ms, repair: 1 s"
    [latency_ms] = drilled(errors, step("service: 100 ms"), "constants.postgres.cpu_per_message=1 us")
    # From 107 on the completion fails; tried again until 1050, with back-offs of at most 1 s.
    assert 1050 < latency_ms < 2200


HISTORY = "temporal.history={replicas: 3, cpu: 4}"


def test_shards_of_a_history_pod_that_stands_still_are_missed_after_a_while() -> None:
    def away_s(repair: str) -> dict[str, float]:
        fault = f"faults.boom={{target: temporal.history, effect: pause, nodes: [0], at: 1 s, repair: {repair}}}"
        found = faults_of(small(HISTORY, fault, "constants.temporal.shard_owner_detect=10 s"))
        assert {one.effect for one in found.values()} == {"pause"}
        return {name: mean_ns(one.duration) / SECOND for name, one in found.items() if one.duration is not None}

    assert away_s("2 s") == {"boom": 2, "boom-cores": 2}
    # Known after 10 s, then each of two or so acquired in some milliseconds.
    assert away_s("1 min") == {"boom": pytest.approx(10, abs=0.1), "boom-cores": 60}


def test_a_slow_history_pod_keeps_its_shards() -> None:
    found = faults_of(
        small(
            HISTORY,
            "faults.boom={target: temporal.history, effect: slow, speed: 0.1, nodes: any, at: 1 s, repair: 1 min}",
        )
    )
    [fault] = found.values()
    assert (fault.effect, fault.speed, fault.targets[0].group) == ("slow", 0.1, "history")


def test_a_node_that_stands_still_keeps_its_pods() -> None:
    nodes = ("kubernetes={node: box, cpu: 4, nodes: 1}", "prices.nodes={box: 100 USD/month}")
    pool = "workers.orders={replicas: 1, cpu: 1, start_delay: 5 s}"
    fault = "faults.boom={target: kubernetes.node, nodes: [0], effect: %s, at: 50 ms, repair: 10 min}"
    [paused] = faults_of(small(*nodes, pool, fault % "pause")).values()
    assert (paused.effect, mean_ns(paused.duration)) == ("pause", 600 * SECOND)  # type: ignore[arg-type]
    [slow] = faults_of(small(*nodes, pool, fault % "slow, speed: 0.5")).values()
    assert (slow.effect, slow.speed) == ("slow", 0.5)
    [crashed] = faults_of(small(*nodes, pool, fault % "crash")).values()
    assert mean_ns(crashed.duration) == 605 * SECOND  # type: ignore[arg-type]


TWO = (
    "workers={orders: {replicas: 2, cpu: 1}, mails: {replicas: 3, cpu: 1}}",
    "workflows.order.steps=[{activity: {name: a, service: 1 ms, start_to_close: 1 s, task_queue: mails}}]",
)


def test_pods_that_fail_together_are_one_fault() -> None:
    together = "target: [workers.orders, workers.mails], nodes: all, repair: 10 s"
    [fault] = faults_of(small(*TWO, f"faults.boom={{{together}, mttf: 1 h}}")).values()
    assert [one.group for one in fault.targets] == ["orders-workers", "mails-workers"]
    assert not fault.each
    found = small(*TWO, f"faults.boom={{{together}, mttf: 1 h}}").lowered.classes["boom"]
    assert found.rate.per_s == pytest.approx(1 / 3610)


def test_what_comes_back_at_different_times_begins_together_in_a_drill() -> None:
    together = "target: [workers.orders, postgres.primary], nodes: all, repair: 10 s"
    loaded = small(*TWO, f"faults.boom={{{together}, at: 5 s}}")
    found = faults_of(loaded)
    assert {name: one.targets[0].group for name, one in found.items()} == {
        "boom": "orders-workers",
        "boom-1": "postgres-primary",
    }
    assert loaded.lowered.companions == {"boom": ("boom-1",)}
    at_random = small(*TWO, f"faults.boom={{{together}, seen: 1 in 2 years}}").lowered.classes["boom"]
    [variant] = at_random.variants
    assert [fault.at_ns for fault in variant.faults.values()] == [0, 0]


CALLING = ("dependencies.bank={latency: 100 ms, concurrency: 1}", step("service: 0 ms, calls: [bank]"))


@pytest.mark.parametrize(
    ("outage", "latency_ms"),
    [
        # Called at 7; errors: ends at 107, when the outage is still there; written 1, back-off 1 s, started 1, 100.
        ("repair: 500 ms", 107 + 1 + 1000 + 1 + 100 + 6),
        # 43 of 100 are done at 50, the rest from 550 on.
        ("effect: hang, repair: 500 ms", 550 + 57 + 6),
        # 57 at a tenth of the speed take 570, of which 50 are served in 500.
        ("effect: slow, speed: 0.1, repair: 500 ms", 550 + 7 + 6),
    ],
)
def test_an_outage_of_somebody_else_fails_calls_or_holds_them(outage: str, latency_ms: float) -> None:
    # A speed is a whole number of 2^-20: a tenth is so by a millionth, of 570 ms.
    found = drilled(f"target: dependencies.bank, at: 50 ms, {outage}", *CALLING)
    assert found == [pytest.approx(latency_ms, abs=0.001)]


def test_the_bank_and_the_workers_may_fail_together() -> None:
    loaded = small(*CALLING, "faults.boom={target: [dependencies.bank, workers.orders], rate: 1/week, repair: 1 min}")
    [variant] = loaded.lowered.classes["boom"].variants
    assert [one.effect for one in variant.faults.values()] == ["errors", "crash"]


def test_workers_that_are_cut_off_report_when_they_are_back() -> None:
    # The activity ends at 107 all the same; its result gets through at 1050.
    cut = "target: partition.workers.orders, nodes: all, at: 50 ms, repair: 1 s"
    assert drilled(cut, step("service: 100 ms")) == [1050 + 6]
    [fault] = faults_of(small(f"faults.boom={{{cut}}}")).values()
    assert fault.effect == "pause"


def test_a_partition_of_one_of_two_workers_leaves_the_other_one() -> None:
    found = small("faults.boom={target: partition.workers.orders, mttf: 1 day, repair: 1 min}").lowered.classes["boom"]
    assert found.rate.per_s == pytest.approx(2 / (86_400 + 60))


SPIKE = "target: workflows.order, effect: load, factor: 5, repair: 10 s"
RATE = ("workflows.order.arrivals=20/s", "temporal.history_shards=4096")


def test_a_load_spike_starts_so_many_times_as_much_while_it_lasts() -> None:
    replication = run(small(QUICK, *RATE, f"faults.boom={{{SPIKE}, at: 5 s}}"), horizon_s=20, drill="boom")
    starts = replication.executions.start_ns / 1e9
    during = (starts >= 5) & (starts < 15)
    # 1000 in the 10 s and 200 in the others; four standard deviations each.
    assert during.sum() == pytest.approx(1000, abs=4 * 1000**0.5)
    assert (~during).sum() == pytest.approx(200, abs=4 * 200**0.5)


def test_a_load_spike_moves_no_start_that_comes_anyhow() -> None:
    loaded = small(QUICK, *RATE, f"faults.boom={{{SPIKE}, at: 5 s}}")
    with_it, without = (run(loaded, horizon_s=20, drill=drill).executions.start_ns for drill in ("boom", None))
    assert set(without.tolist()) < set(with_it.tolist())


def test_a_load_spike_may_come_with_an_outage_at_random() -> None:
    both = "target: [dependencies.bank, workflows.order], factor: 2, rate: 1/week, repair: 1 min"
    loaded = small(*CALLING, *RATE, f"faults.boom={{{both}}}")
    [variant] = loaded.lowered.classes["boom"].variants
    assert {name: fault.effect for name, fault in variant.faults.items()} == {"boom": "load", "boom-1": "errors"}
    assert loaded.lowered.network.sources["order-boom"].during == "boom"


def test_the_rate_of_a_class_of_spikes_is_as_written() -> None:
    found = small(*RATE, f"faults.boom={{{SPIKE}, rate: 1/day}}").lowered.classes["boom"]
    assert found.rate.per_s == pytest.approx(1 / 86_400)
    assert [fault.targets for fault in found.variants[0].faults.values()] == [()]


SLEEP = "workflows.order.steps=[{sleep: 10 s}]"


@pytest.mark.parametrize(("jump", "later_ms"), [("4 s", -4000), ("-4 s", 4000), ("1 min", -5006)])
def test_a_jump_of_the_clock_moves_the_timers_that_are_pending(jump: str, later_ms: int) -> None:
    # Set at 6, after 3 transitions of two flushes. A jump beyond its end lets it fire at the instant of the jump.
    [usual] = latencies_ms(run(small(QUICK, ONE, SLEEP)))
    clock = f"target: temporal.clock, jump: {jump}, at: 5 s"
    assert drilled(clock, SLEEP) == [usual + later_ms]


def test_a_clock_that_is_set_right_moves_what_is_pending_back() -> None:
    [usual] = latencies_ms(run(small(QUICK, ONE, SLEEP)))
    assert drilled("target: temporal.clock, jump: 4 s, at: 1 s, repair: 2 s", SLEEP) == [usual]
    assert drilled("target: temporal.clock, jump: 4 s, at: 11 s, repair: 2 s", SLEEP) == [usual]


def test_a_worker_that_is_told_before_it_goes_ends_what_it_has_at_hand() -> None:
    two = "workers.orders={replicas: 2, cpu: 1}"
    crash = "target: workers.orders, nodes: [0], at: 50 ms, repair: 10 s"
    lost, ended = (
        latencies_ms(run(small(QUICK, two, step("service: 100 ms"), f"faults.boom={{{one}}}"), drill="boom"))[0]
        for one in (crash, f"{crash}, notice: 1 s")
    )
    # Lost: found out by the timeout of 20 s. Told: its result at 107, then the other pod, which does not know it yet.
    assert lost > 20_000
    assert 107 + 6 <= ended < 107 + 20


def test_spot_machines_are_taken_back_on_notice_where_it_is_used() -> None:
    spot = "workers.orders={replicas: 2, cpu: 1, capacity: spot, spot_mttf: 1 day%s}"
    for more, notice_ns in (("", None), (", spot_notice: 2 min", 120 * SECOND)):
        found = faults_of(small("prices.spot_saving=60 %", spot % more))
        assert found["orders-spot-loss"].notice_ns == notice_ns
