"""Data and the workers that read it: which share runs beside its data, what is moved, what waiting for it costs.

Goal: a site-aware queue keeps tasks beside their data while there is room, and a plain one does so by chance. Method:
timelines by hand; shares with four standard errors (a miss of a true claim once in 16,000), and Erlang's loss formula
where nobody waits for a worker.
"""

from __future__ import annotations

import math

import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.lower.load import Loaded
from sim.studies.run.study import Options, predict
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
READS = "workflows.order.steps.0.activity.reads=1 GB"
REGIONS = "regions={names: [a, b, c, d], rtt: 0 ms, bandwidth: 1 GB/s}"
POOL = "replicas: 8, cpu: 100, regions: [a, b, c, d], workflow_task_pollers: 99, activity_pollers: 99"


def reading(*sets: str, pool: str = "") -> Loaded:
    return small(QUICK, READS, REGIONS, f"workers.orders={{{POOL}{pool}}}", "temporal.history_shards=4096", *sets)


def shares(loaded: Loaded, horizon_s: float) -> tuple[float, int]:
    """The local share, and of how many."""
    plan = Plan(seed=1, horizon_ns=round(horizon_s * SECOND), follow_ns=0, drain_ns=600 * SECOND)
    found = counts(run_one(loaded.lowered.network, plan))
    return found["local_orders"] / found["reading_orders"], found["reading_orders"]


def test_beside_its_data_a_task_takes_no_longer_than_one_that_reads_nothing() -> None:
    plain = latencies_ms(run(small(QUICK, REGIONS, f"workers.orders={{{POOL}}}", "temporal.history_shards=4096")))
    replication = run(reading())
    assert latencies_ms(replication) == plain
    assert counts(replication)["local_orders"] == counts(replication)["reading_orders"] == 1
    assert "moved_byte" not in counts(replication)


def test_a_task_waits_for_a_worker_beside_its_data_and_then_runs_elsewhere() -> None:
    # One slot in each of four regions, and five tasks of 20 s at once, whose data lies where chance has it: whoever
    # finds its region busy waits 2 s, takes any other slot, and has 1 GB moved in 1 s.
    busy = (
        "workflows.order.arrivals={burst: 5}",
        "workflows.order.steps.0.activity.service=20 s",
        "workflows.order.steps.0.activity.start_to_close=1 min",
    )
    replication = run(reading(*busy, "workers.orders.replicas=4", pool=", activity_slots: 1, locality_wait: 2 s"))
    found = counts(replication)
    assert found["reading_orders"] == 5
    assert found["moved_byte"] == (5 - found["local_orders"]) * 10**9 > 0
    # Four slots: the first round ends after 20 s, or 23 s where the data was moved; the fifth task has its turn then,
    # and whether its data is beside it nobody can tell any more: it has waited for longer than 2 s.
    latencies_s = sorted(latency / 1e3 for latency in latencies_ms(replication))
    moved = 4 - found["local_orders"]
    assert latencies_s[:4] == pytest.approx([20.0] * (4 - moved) + [23.0] * moved, abs=0.2)
    assert latencies_s[4] == pytest.approx(20 + 1 + 20, abs=0.2)


def test_a_plain_queue_runs_beside_the_data_by_chance() -> None:
    loaded = reading("behaviours.locality=false", "workflows.order.arrivals=50/s")
    share, n = shares(loaded, 40)
    assert share == pytest.approx(1 / 4, abs=4 * math.sqrt(3 / 16 / n))


def test_without_waiting_the_local_share_is_what_erlangs_loss_formula_leaves() -> None:
    # With no wait at all a task is local when its region has a slot free. A slot is held for the service of 1 s and a
    # few ms of commits; what is moved goes elsewhere and takes slots there too, so that the load of each region is
    # that of all tasks over all regions, moved ones longer by their transfer, which is made short here.
    rate, slots = 20.0, 8
    loaded = reading(
        f"workflows.order.arrivals={rate:g}/s",
        "workflows.order.steps.0.activity.service={exponential: 1 s}",
        "workflows.order.steps.0.activity.start_to_close=1 min",
        "workflows.order.steps.0.activity.reads=1 B",
        pool=f", activity_slots: {slots // 2}, locality_wait: 0 s",
    )
    share, n = shares(loaded, 200)
    load = rate / 4 * 1.005
    loss = (load**slots / math.factorial(slots)) / sum(load**k / math.factorial(k) for k in range(slots + 1))
    # Overflow adds to the load of its region: a little more is moved than Erlang's formula has it, bounded by the
    # same formula at the load with all that overflows on top.
    more = load * (1 + loss)
    worse = (more**slots / math.factorial(slots)) / sum(more**k / math.factorial(k) for k in range(slots + 1))
    error = 4 * math.sqrt(loss / n) * 2  # what overflows comes in bursts
    assert 1 - worse - error < share < 1 - loss + error


def test_locality_keeps_bytes_where_they_are_and_makes_executions_faster() -> None:
    # Neither bytes nor latency are words of the switch.
    load = ("workflows.order.arrivals=40/s", "run={replications: 2, horizon: 20 s, warmup: 2 s}")
    found = {}
    for switch in ("true", "false"):
        predicted = predict(reading(f"behaviours.locality={switch}", *load), Options(processes=1)).summary.metrics
        found[switch] = {name: figure.value or 0.0 for name, figure in predicted.items()}
    on, off = found["true"], found["false"]
    assert on["local_share.orders"] > 0.99
    assert off["local_share.orders"] == pytest.approx(0.25, abs=0.06)
    assert off["count.moved_byte.per_execution"] == pytest.approx(0.75e9, rel=0.08)
    assert on.get("count.moved_byte.per_execution", 0.0) < 1e7
    assert off["latency.order.mean"] - on["latency.order.mean"] == pytest.approx(0.75, abs=0.1)
