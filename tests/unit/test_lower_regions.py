"""Regions on the bridge: distance, the log on its way to another region, and what its loss takes.

Goal: every round trip between regions takes its time once, and what a loss takes is what was acknowledged and had not
arrived. Method: timelines by hand with constants; the recovery point against the closed form rate x lag (Little's
law), with four standard errors of the runs (a miss of a true claim once in 16,000).
"""

from __future__ import annotations

import numpy as np
import pytest
from lower_fixture import counts, in_drill, latencies_ms, run, small

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.lower.load import Loaded
from sim.network.faults import Fault
from sim.report.text import text as as_text
from sim.results.audit import audit
from sim.results.columns import Replication
from sim.studies.billing import bill_of
from sim.studies.run.blocks import blocks
from sim.studies.run.document import document
from sim.studies.run.study import Options, predict
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
COMMITS, TASKS = 13, 3
"""Of a workflow of one activity: commits that are waited for, tasks that go to a worker."""


def regions(copy: str = "", more: str = "") -> str:
    return f"regions={{names: [eu, us, asia], rtt: 80 ms, pairs: {{asia: {{eu: 200 ms}}}}{more}{copy}}}"


def copied(mode: str, more: str = "") -> str:
    return regions(f", replication: {{to: us, mode: {mode}, failover: 40 s{more}}}")


def targets(fault: Fault) -> dict[str, object]:
    return {target.group: target.nodes for target in fault.targets}


def drilled(loaded: Loaded, seed: int = 1, horizon_s: float = 30) -> Replication:
    plan = Plan(seed=seed, horizon_ns=round(horizon_s * SECOND), drain_ns=1000 * SECOND, drill="boom")
    replication = run_one(in_drill(loaded, "boom"), plan)
    assert audit(replication) == []
    return replication


# -- distance ---------------------------------------------------------------------------------------------------


def test_a_worker_in_another_region_is_a_round_trip_away_with_each_task() -> None:
    near = latencies_ms(run(small(QUICK, regions())))[0]
    far = latencies_ms(run(small(QUICK, regions(), "workers.orders.regions=[us]")))[0]
    assert far - near == pytest.approx(TASKS * 80)
    farther = latencies_ms(run(small(QUICK, regions(), "workers.orders.regions=[asia]")))[0]
    assert farther - near == pytest.approx(TASKS * 200)  # as `pairs` has it, in either order
    # At home there is no way at all.
    assert latencies_ms(run(small(QUICK, regions(), "workers.orders.regions=[eu]")))[0] == near
    assert latencies_ms(run(small(QUICK)))[0] == near


def test_pods_in_several_regions_are_as_far_away_as_their_shares_have_it() -> None:
    one = ("workers.orders={replicas: 4, cpu: 1, regions: [eu, us]}", "workflows.order.arrivals={burst: 200}")
    quiet = ("temporal.history_shards=10000", "temporal.history={replicas: 1, cpu: 1}", "temporal.sql.max_conns=999")
    spans = {}
    for rtt in ("80 ms", "0 ms"):
        sets = (*one, *quiet, QUICK, f"regions={{names: [eu, us], rtt: {rtt}}}", "workers.orders.activity_pollers=99")
        spans[rtt] = np.mean(latencies_ms(run(small(*sets, "workers.orders.workflow_task_pollers=99"))))
    # Three tasks, each far with chance 1/2: mean 120 ms, standard deviation 40 sqrt(3), over 200 executions.
    assert spans["80 ms"] - spans["0 ms"] == pytest.approx(120, abs=4 * 40 * 3**0.5 / 200**0.5 + 2)


def test_bytes_between_regions_are_counted_and_billed() -> None:
    priced = ("machines={one: {node: n}}", "prices={nodes: {n: 1 USD/month}}", regions())
    loaded = small(QUICK, *priced, "workers.orders.regions=[us]")
    replications = [run(loaded, seed=seed) for seed in (1, 2)]
    assert counts(replications[0])["cross_region_byte"] == TASKS * 2 * 1000
    bill = bill_of(loaded, replications, True, None, 0.95)
    assert bill is not None
    (item,) = [item for item in bill.items if item.price.sku == "cross_region"]
    # A window of a second, a month of 730 h, 0.02 USD a GB.
    assert item.cost.value == pytest.approx(6000 / 2**30 * 730 * 3600 * 0.02)


# -- replication ------------------------------------------------------------------------------------------------


def test_a_synchronous_commit_waits_for_the_other_regions_flush() -> None:
    alone = latencies_ms(run(small(QUICK, regions())))[0]
    copy = latencies_ms(run(small(QUICK, copied("synchronous"))))[0]
    assert copy - alone == pytest.approx(COMMITS * (80 + 1))


def test_an_asynchronous_one_waits_for_nothing_and_arrives_half_a_round_trip_later() -> None:
    alone = latencies_ms(run(small(QUICK, regions())))[0]
    replication = run(small(QUICK, copied("asynchronous"), "constants.postgres.replay_cpu_per_row=0 ms"))
    assert latencies_ms(replication)[0] == alone
    lag = replication.spans["replication_lag.us"]
    assert (lag.count, lag.sum_ns) == (7, 7 * 40_000_000)


def test_a_line_that_is_too_narrow_makes_the_log_wait() -> None:
    # A transition of 8 changed rows or so is 3 kB: at 100 kB/s it takes 30 ms, so fifty at once end 1.5 s later.
    burst = ("workflows.order.arrivals={burst: 50}", "temporal.history_shards=5000", QUICK)
    free = run(small(*burst, copied("asynchronous")), horizon_s=30).spans["replication_lag.us"]
    tight = run(small(*burst, copied("asynchronous", ", bandwidth: 100 kB/s")), horizon_s=30).spans[
        "replication_lag.us"
    ]
    assert tight.count == free.count == 7 * 50
    assert tight.sum_ns / tight.count > free.sum_ns / free.count + 500e6


def test_the_log_is_sent_to_the_other_region() -> None:
    sent = {
        mode: counts(run(small(QUICK, copied(mode))))["cross_region_byte"] for mode in ("synchronous", "asynchronous")
    }
    assert sent["synchronous"] == sent["asynchronous"] > 0


# -- what a loss takes ------------------------------------------------------------------------------------------

STEADY = (
    "workflows.order.arrivals=20/s",
    "temporal.history_shards=512",
    "temporal.transfer_queue.max_poll_rate=100k/s",
    "constants.postgres.replay_cpu_per_row=0 ms",
)


def test_what_is_lost_with_a_region_is_the_rate_of_events_times_the_lag() -> None:
    # Each execution makes 11 events (6n + 5) and an activity start without one, which counts as a change of state:
    # 12 in all, 20 times a second; each is on its way for half of the round trip of 2 s. Little's law: 240.
    loaded = small(
        *STEADY,
        "regions={names: [eu, us], rtt: 2 s, replication: {to: us, failover: 5 s}}",
        "faults.boom={target: region.eu, at: 6 s, repair: 1 h}",
    )
    lost = [counts(drilled(loaded, seed, 7))["unreplicated_event"] for seed in range(12)]
    error = np.std(lost, ddof=1) / len(lost) ** 0.5
    assert abs(np.mean(lost) - 20 * 12 * 1.0) < 4 * error
    assert error < 20  # the sum of 20 x 12 executions' events, which come 12 at a time: 12 sqrt(20 / 12) = 15.5


def test_the_recovery_point_is_the_age_of_the_oldest_acknowledged_write_that_is_lost() -> None:
    sets = ("regions={names: [eu, us], rtt: 2 s, replication: {to: us, failover: 5 s}}",)
    drill = ("faults.boom={target: region.eu, at: 6 s, repair: 1 h}", "run={replications: 5, horizon: 2 s}")
    loaded = small(*STEADY, *sets, *drill, "run.warmup=0 s", "run.drill_window=30 s")
    predicted = predict(loaded, Options(processes=1))
    found = {name: figure.value or 0.0 for name, figure in predicted.summary.metrics.items()}
    # Everything is on its way for 1 s exactly. Seven transitions of 20 executions a second: the oldest one of the last
    # second is younger than that by the gap to the next, 50 ms of executions on average, and 140 are on their way.
    assert 0.75 < found["recovery.boom.rpo"] <= 1.0
    assert found["recovery.boom.lost_writes"] == pytest.approx(140, abs=4 * 7 * 20**0.5 / 5**0.5)
    assert found["recovery.boom.unreplicated"] == pytest.approx(12 / 7 * found["recovery.boom.lost_writes"], rel=0.05)
    assert "unreplicated_age.us.mean" not in found
    text = as_text(blocks(predicted.summary, None))
    assert "LOST FOR GOOD" in text
    assert "recovery point" in text
    losses = document(predicted.summary, None)["recovery"][0]["losses"]
    assert losses["rpo"]["unit"] == "s"
    assert losses["lost_writes"]["value"] == found["recovery.boom.lost_writes"]


def test_a_line_that_is_too_narrow_for_the_log_moves_the_recovery_point_back_for_as_long_as_it_lasts() -> None:
    # Of what is written in 30 s a line of half the rate has carried what was written in the first 15 s.
    lost = "faults.boom={target: region.eu, at: 30 s, repair: 1 h}"
    sent = [counts(run(small(*STEADY, copied("asynchronous")), 10, seed=seed)) for seed in (1, 2)]
    bytes_per_s = sum(one["cross_region_byte"] / one["transition"] for one in sent) / 2 * 7 * 20
    half = copied("asynchronous", f", bandwidth: {bytes_per_s / 2:.0f} B/s")
    oldest_s = []
    for seed in range(8):
        found = drilled(small(*STEADY, half, lost), seed, 31).spans["unreplicated_age.us"]
        oldest_s.append(found.durations_ns.max() / 1e9)
    # 20 executions a second in 30 s are 600, give or take 24: half of 4 % of 30 s, and as much for where the half is.
    assert np.mean(oldest_s) == pytest.approx(15, abs=4 * 1.0 / 8**0.5)


def test_a_synchronous_copy_loses_nothing() -> None:
    loaded = small(*STEADY, copied("synchronous"), "faults.boom={target: region.eu, at: 2 s, repair: 1 h}")
    assert "unreplicated_event" not in counts(drilled(loaded, horizon_s=3))
    # Nor does a failover within the region lose what is on its way to the other.
    near = small(*STEADY, copied("asynchronous"), "faults.boom={target: postgres.primary, at: 2 s}")
    assert "unreplicated_event" not in counts(drilled(near, horizon_s=3))


def test_region_replication_ends_an_outage_by_a_failover_and_without_it_by_the_repair() -> None:
    # How long until throughput is restored: a figure that the scenario has no word for.
    run_settings = "run={replications: 2, horizon: 5 s, warmup: 0 s, drill_window: 3 min}"
    found = {}
    lost_at_20 = "faults.boom={target: region.eu, at: 20 s, repair: 2 min}"
    for name, switch in {"on": "true", "off": "false"}.items():
        sets = (copied("asynchronous"), lost_at_20, f"behaviours.region_replication={switch}")
        found[name] = predict(small(*STEADY, run_settings, *sets), Options(processes=1)).summary.metrics
    restore = {name: figures["recovery.boom.restore.mean"].value for name, figures in found.items()}
    assert restore["on"] is not None
    assert restore["off"] is not None
    assert restore["on"] < 75 < 115 < restore["off"]
    for name in ("unreplicated", "lost_writes", "rpo"):
        lost = {switch: figures[f"recovery.boom.{name}"].value or 0.0 for switch, figures in found.items()}
        assert lost["on"] > lost["off"] == 0


def test_everything_in_the_home_region_fails_and_what_stands_elsewhere_stays() -> None:
    pods = ("temporal.history={replicas: 2, cpu: 1}", "workers.orders={replicas: 3, cpu: 1, regions: [eu, us]}")
    lost = "faults.boom={target: region.eu, at: 1 s, repair: 1 h}"
    fault = small(QUICK, *pods, copied("asynchronous"), lost).lowered.network.faults["boom"]
    assert targets(fault) == {
        "history": (0, 1),
        "history-shards": "all",
        "orders-workers": (0, 2),
        "postgres-primary": "all",
        "unshipped": "all",
    }


def test_the_region_with_the_copy_may_be_lost_too() -> None:
    lost = "faults.boom={target: region.us, at: 1 s, repair: 10 s}"
    log = small(QUICK, copied("asynchronous"), lost).lowered.network.faults["boom"]
    assert (log.effect, set(targets(log))) == ("pause", {"replication-line", "replication-replay"})
    # A synchronous commit waits for it: a copy that protects the data makes the service fail with either region.
    commits = small(QUICK, copied("synchronous"), lost).lowered.network.faults["boom"]
    assert (commits.effect, set(targets(commits))) == ("pause", {"postgres-primary"})


def test_a_partition_keeps_the_log_and_the_workers_behind_it_waiting() -> None:
    cut = "faults.boom={target: partition.us, at: 2 s, repair: 3 s}"
    loaded = small(*STEADY, copied("asynchronous"), cut)
    lag = drilled(loaded, horizon_s=8).spans["replication_lag.us"]
    # What comes at the beginning of the cut waits for all of its 3 s, and then for nothing but the way.
    assert lag.histogram.quantile(1) / 1e9 == pytest.approx(3.04, rel=0.05)
    pods = ("workers.orders={replicas: 2, cpu: 1, regions: [us]}", QUICK)
    late = drilled(small(*pods, regions(), "faults.boom={target: partition.us, at: 1 ms, repair: 3 s}"))
    on_time = latencies_ms(run(small(*pods, regions())))[0]
    assert latencies_ms(late)[0] == pytest.approx(on_time + 3000, abs=10)
