"""Several masters on the bridge: what each applies, when writes conflict, what waiting for all of them costs.

Goal: masters add no capacity for writes, and two of them change one row without having seen each other as often as
theory says. Method: timelines by hand; shares against closed forms of an infinite-server queue on each row (a write
meets another master's if one came within the window, a Poisson event), within four standard errors of the count, which
a true claim fails once in 16,000 runs. Conflicts are rare enough to be nearly independent.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.lower.load import Loaded, load
from sim.results.columns import Replication
from sim.studies.metrics.families import metric_units
from sim.studies.run.study import Options, predict
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
WRITES = "workflows.order.steps.0.activity.record=dataset"
FREE = ("constants.postgres.apply_cpu_per_row=0 ms", "temporal.history_shards=4096")
COMMITS = 13
CERN = Path(__file__).parents[2] / "configs" / "cern.yaml"


def masters(rtt: str = "100 ms", more: str = "", at: str = "[cern, fermilab, bnl]") -> str:
    return f"regions={{names: [cern, fermilab, bnl], rtt: {rtt}, masters: {{at: {at}{more}}}}}"


def records(keys: int, skew: float = 0) -> str:
    return f"records={{dataset: {{keys: {keys}, skew: {skew}}}}}"


def fast(loaded: Loaded, horizon_s: float, seed: int = 1) -> Replication:
    plan = Plan(seed=seed, horizon_ns=round(horizon_s * SECOND), follow_ns=0, drain_ns=60 * SECOND)
    return run_one(loaded.lowered.network, plan)


def expected_conflicts(rate: float, keys: int, skew: float, window_s: float, masters: int) -> float:
    """Chance that a write finds one of another master's on its row within the window."""
    weights = np.arange(1, keys + 1, dtype=float) ** -skew
    shares = weights / weights.sum()
    return float(np.sum(shares * -np.expm1(-rate * shares * window_s * (masters - 1) / masters)))


def test_an_execution_writes_at_its_master_alone_and_the_others_apply_it() -> None:
    replication = run(small(QUICK, masters(), "constants.postgres.cpu_per_message=1 ms"), horizon_s=2)
    served = {name: place.served for name, place in replication.places.items() if name.startswith("postgres-cpu")}
    # Seven transitions at the one, in thirteen transactions; each applied in one piece at the others.
    assert sorted(served.values()) == [7, 7, 13]
    logs = {name: place.batches for name, place in replication.places.items() if name.startswith("wal")}
    assert sorted(logs.values()) == [0, 0, COMMITS]
    # A row takes 30 us on the cores of each other master: 2 + 3.. rows of each transition, locks and reads apart.
    assert set(replication.spans) >= {"replication_lag.cern", "replication_lag.fermilab", "replication_lag.bnl"}


def test_what_was_written_arrives_at_the_others_half_a_round_trip_later() -> None:
    spans = run(small(QUICK, masters(), *FREE), horizon_s=2).spans
    lags = [span for name, span in spans.items() if name.startswith("replication_lag.")]
    assert sorted(span.count for span in lags) == [0, 7, 7]
    assert {span.sum_ns for span in lags if span.count} == {7 * 50_000_000}


def test_masters_that_tell_each_other_later_answer_as_fast_as_one() -> None:
    assert latencies_ms(run(small(QUICK, masters()))) == latencies_ms(run(small(QUICK)))


def test_serializable_isolation_waits_for_the_farthest_master_at_every_commit() -> None:
    alone = latencies_ms(run(small(QUICK)))[0]
    waits = latencies_ms(run(small(QUICK, masters(more=", isolation: serializable"))))[0]
    assert waits - alone == pytest.approx(COMMITS * (100 + 1))


@pytest.mark.parametrize(("keys", "skew"), [(200, 0.0), (1000, 1.0)])
def test_writes_conflict_as_often_as_two_masters_change_a_row_within_the_lag(keys: int, skew: float) -> None:
    rate, horizon = 60.0, 60.0
    loaded = small(
        QUICK,
        *FREE,
        WRITES,
        records(keys, skew),
        masters(more=", clock_error: 20 ms"),
        f"workflows.order.arrivals={rate:g}/s",
    )
    found = counts(fast(loaded, horizon))
    writes = found["write_dataset"]
    # Half of the round trip of 100 ms; two thirds of the writes are others'.
    share = expected_conflicts(rate, keys, skew, 0.050, 3)
    assert found["conflict_dataset"] / writes == pytest.approx(share, abs=4 * math.sqrt(share / writes) + 0.02 * share)
    # Clocks that are apart by less than the lag decide who wins, and lose no further write.
    assert found["lost_dataset"] == found["conflict_dataset"]
    unordered = expected_conflicts(rate, keys, skew, 0.020, 3)
    assert found["unordered_dataset"] / writes == pytest.approx(
        unordered, abs=4 * math.sqrt(unordered / writes) + 0.02 * unordered
    )


def test_the_catalogue_of_cern_has_the_anomalies_that_its_lags_predict() -> None:
    # Ten times as many entries as in the file, and no analyses. Half of the round trips between the three masters.
    rate, horizon, keys, skew = 20.0, 600.0, 20, 0.8
    sets = (f"workflows.register.arrivals={rate:g}/s", "workflows.analysis.arrivals={renewal: 1 h}")
    found = counts(fast(load(CERN, [*sets, "objectives=[]", "faults={}"]), horizon))
    weights = np.arange(1, keys + 1, dtype=float) ** -skew
    shares = weights / weights.sum()
    windows_s = (0.0575 + 0.0525, 0.0575 + 0.0125, 0.0525 + 0.0125)
    share = np.mean([np.sum(shares * -np.expm1(-rate / 3 * shares * window_s)) for window_s in windows_s])
    writes = found["write_catalogue"]
    # Conflicts on the row that a fifth of the writes change come in bunches: half as much again as if independent.
    error = 1.5 * math.sqrt(share / writes)
    assert found["conflict_catalogue"] / writes == pytest.approx(share, abs=4 * error)
    assert error < 0.1 * share


def test_clocks_that_are_apart_by_more_than_the_lag_lose_writes_that_had_seen_what_they_changed() -> None:
    rate, horizon, keys = 60.0, 60.0, 200
    sets = (QUICK, *FREE, WRITES, records(keys), masters(more=", clock_error: 200 ms"))
    found = counts(fast(small(*sets, f"workflows.order.arrivals={rate:g}/s"), horizon))
    # The clocks stand at 200, 100 and 0 ms. A write loses to one of another master within the lag of 50 ms, or within
    # what that one's clock is ahead of its own: nobody is ahead of the first, 100 ms is the first ahead of the second,
    # 200 and 100 ms the others of the third.
    within_s = (0.05 + 0.05, 0.1 + 0.05, 0.2 + 0.1)
    share = sum(1 - math.exp(-rate / 3 / keys * window_s) for window_s in within_s) / 3
    writes = found["write_dataset"]
    assert found["lost_dataset"] / writes == pytest.approx(share, abs=4 * math.sqrt(share / writes) + 0.02 * share)
    conflicts = expected_conflicts(rate, keys, 0, 0.050, 3)
    assert found["conflict_dataset"] / writes == pytest.approx(conflicts, abs=4 * math.sqrt(conflicts / writes))


def test_the_anomaly_window_is_the_lag() -> None:
    replication = run(small(QUICK, *FREE, WRITES, records(10), masters(more=", clock_error: 20 ms")), horizon_s=2)
    windows = [span for name, span in replication.spans.items() if name.startswith("anomaly_window.") and span.count]
    assert [(span.count, span.sum_ns) for span in windows] == [(1, 50_000_000)] * 2


SWITCHED = (
    QUICK,
    *FREE,
    WRITES,
    records(50),
    "workflows.order.arrivals=40/s",
    "run={replications: 2, horizon: 30 s, warmup: 2 s}",
)


def figures(*sets: str) -> dict[str, float]:
    found = predict(small(*SWITCHED, *sets), Options(processes=1)).summary.metrics
    return {name: figure.value for name, figure in found.items() if figure.value is not None}


def test_without_multi_master_nothing_conflicts_nothing_is_applied_and_others_are_farther_away() -> None:
    on = figures(masters())
    off = figures(masters(), "behaviours.multi_master=false")
    assert on["conflict_share.dataset"] > 0.01
    assert not any(name.startswith(("conflict_share", "replication_lag")) for name in off)
    # Two of three executions begin a round trip of 100 ms away.
    assert off["latency.order.mean"] - on["latency.order.mean"] == pytest.approx(2 / 3 * 0.1, rel=0.1)


def test_clocks_that_agree_leave_no_write_whose_order_is_unknown_and_lose_fewer() -> None:
    apart = figures(masters(more=", clock_error: 500 ms"))
    agreed = figures(masters(more=", clock_error: 500 ms"), "behaviours.clock_skew=false")
    assert apart["unordered_share.dataset"] > 0.1
    assert agreed["unordered_share.dataset"] == 0
    # 40/s on 50 rows, a third of them of each master: windows of 100 ms in all, or of 100, 300 and 750 ms.
    assert apart["lost_share.dataset"] > 2 * agreed["lost_share.dataset"]
    assert agreed["lost_share.dataset"] == agreed["conflict_share.dataset"]


def test_serializable_masters_pay_with_latency_for_what_asynchronous_ones_pay_with_anomalies() -> None:
    claimed = masters(more=", isolation: serializable")
    kept = figures(claimed)
    broken = figures(claimed, "behaviours.serializable_multimaster=false")
    # No two change a row at once: there is one lock for all masters, held until all of them have it.
    assert kept["conflict_share.dataset"] == kept["lost_share.dataset"] == 0
    assert broken["conflict_share.dataset"] > 0.01
    # That lock carries some three orders a second; latency is steady below that.
    calm = "workflows.order.arrivals=2/s"
    late, early = figures(claimed, calm), figures(claimed, calm, "behaviours.serializable_multimaster=false")
    assert late["latency.order.mean"] - early["latency.order.mean"] > COMMITS * 0.1
    noted = " ".join(
        one.value for one in small(claimed, "behaviours.serializable_multimaster=false").lowered.assumptions
    )
    assert "is not to be had" in noted


def test_each_master_has_memory_and_a_volume_of_its_own_and_the_work_of_all_that_is_written() -> None:
    store = ("workflows.order.arrivals=200/s", "postgres.autovacuum=true", "postgres.cache=8 MB")
    load = (*store, "postgres.disk={type: gp3, size: 100 GB}")
    alone, shared = small(*load).lowered.network, small(*load, masters()).lowered.network
    for region, ending in (("cern", ""), ("fermilab", "-fermilab"), ("bnl", "-bnl")):
        for name in ("checkpoint-writes", "autovacuum"):
            source = shared.sources[f"{name}{ending}"]
            assert source.arrivals == alone.sources[name].arrivals
            assert source.routine == f"{name}-at-{region}"
        assert shared.caches[f"postgres-buffers{ending}"].nodes == f"postgres-primary{ending}"
        assert f"postgres-iops{ending}" in shared.stations
    replication = fast(small(*load, masters(), QUICK), 3)
    hits = {name: found for name, (found, _) in replication.caches.items()}
    reads = {name: place.served for name, place in replication.places.items() if name.startswith("postgres-iops")}
    assert len(hits) >= 3
    assert min(hits.values()) > 0
    assert min(reads.values()) > 0


def test_masters_add_no_capacity_for_writes() -> None:
    # The same load on one master or shared by three, where applying a row costs what a message costs, and a transition
    # of ten messages changes five rows: each of three does a third of the writes and two thirds of half as much.
    load = ("constants.postgres.cpu_per_message=1 ms", "postgres.cpu=2", "constants.postgres.apply_cpu_per_row=1 ms")
    used = figures(masters(), *load)
    alone = figures(masters(), *load, "behaviours.multi_master=false")
    each = [used[f"utilisation.postgres-cpu{name}"] for name in ("", "-fermilab", "-bnl")]
    assert max(each) > 0.5 * alone["utilisation.postgres-cpu"]
    assert sum(each) > 1.5 * alone["utilisation.postgres-cpu"]


def test_both_engines_agree_on_masters_and_records() -> None:

    loaded = small(QUICK, WRITES, records(20), masters(more=", clock_error: 20 ms"), "workflows.order.arrivals=20/s")
    plan = Plan(seed=1, horizon_ns=3 * SECOND, follow_ns=0, drain_ns=60 * SECOND)
    reference, compiled = (run_one(loaded.lowered.network, plan, engine=engine) for engine in ("reference", "fast"))
    assert reference.executions.end_ns.tolist() == compiled.executions.end_ns.tolist()
    assert reference.executions.split.tolist() == compiled.executions.split.tolist()
    assert (reference.counts, reference.events) == (compiled.counts, compiled.events)


def test_a_master_that_is_lost_keeps_its_own_waiting_and_is_told_afterwards() -> None:
    # The store of one master of two is away for 5 s: executions that are its own wait, those of the other do not.
    lost = "faults.boom={target: region.fermilab, at: 1 s, repair: 5 s}"
    loaded = small(
        QUICK, masters(at="[cern, fermilab]"), lost, "workflows.order.arrivals={burst: 200, jitter: 10 s}", *FREE
    )
    fault = loaded.lowered.network.faults["boom"]
    assert [target.group for target in fault.targets] == ["postgres-primary-fermilab"]
    plan = Plan(seed=1, horizon_ns=20 * SECOND, follow_ns=0, drain_ns=60 * SECOND, drill="boom")
    replication = run_one(loaded.lowered.network, plan)
    latencies = np.array(latencies_ms(replication)) / 1e3
    during = (replication.executions.start_ns >= 1 * SECOND) & (replication.executions.start_ns < 2 * SECOND)
    assert 0.2 < np.mean(latencies[during] > 3) < 0.8
    # Every transition has been applied at the other master in the end: nothing is left out.
    transitions = counts(replication)["transition"]
    told = sum(span.count for name, span in replication.spans.items() if name.startswith("replication_lag."))
    assert told == transitions


def test_masters_that_cannot_reach_each_other_apply_later() -> None:
    cut = "faults.boom={target: partition.fermilab, at: 1 s, repair: 5 s}"
    loaded = small(QUICK, masters(at="[cern, fermilab]"), cut, "workflows.order.arrivals=20/s", *FREE)
    groups = {target.group for target in loaded.lowered.network.faults["boom"].targets}
    assert groups == {"apply-cern-at-fermilab", "apply-fermilab-at-cern"}
    plan = Plan(seed=1, horizon_ns=20 * SECOND, follow_ns=0, drain_ns=60 * SECOND, drill="boom")
    lags = run_one(loaded.lowered.network, plan).spans
    assert lags["replication_lag.cern"].histogram.quantile(1) / 1e9 == pytest.approx(5.05, rel=0.05)


def test_every_figure_of_masters_has_a_name_and_a_unit() -> None:
    units = metric_units(small(WRITES, records(20), masters()).lowered)
    assert {units[f"{kind}_share.dataset"] for kind in ("conflict", "lost", "unordered")} == {"ratio"}
    assert units["anomaly_window.dataset-at-bnl.mean"] == "s"


@pytest.mark.parametrize(
    "background", ["postgres.autovacuum=true", "postgres.disk={type: gp3, size: 1 TB, throughput: 500 MB/s}"]
)
@pytest.mark.parametrize(
    "places", ["regions={names: [eu, us], rtt: 20 ms, masters: {at: [eu, us]}}", "run.finite=false"]
)
def test_records_are_written_beside_what_the_store_does_by_itself(background: str, places: str) -> None:
    sets = [places, background, "records={row: {keys: 100}}", "workflows.order.steps.0.activity.record=row"]
    network = small(*sets).lowered.network
    assert "write-row" in network.routines
