"""Two predictions side by side: what only one of them counts, and how each came back from a scripted fault.

Goal: a design that is switched off can be told by operations that then do not exist, and by drills. Method: the small
deployment; times by hand, to the resolution of a window of recovery.
"""

from __future__ import annotations

import pytest
from lower_fixture import small

from sim.studies.compare.study import compare
from sim.studies.run.study import Options, Prediction, predict

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
STEADY = (QUICK, "workflows.order.arrivals=20/s", "temporal.history_shards=512")


def predicted(*sets: str) -> Prediction:
    return predict(small(*STEADY, *sets), Options(processes=1))


def test_an_operation_that_one_of_them_does_not_make_was_made_no_times() -> None:
    sets = (
        "workflows.order.steps.0.activity.record=dataset",
        "records={dataset: {keys: 20}}",
        "regions={names: [eu, us], rtt: 100 ms, masters: {at: [eu, us], isolation: serializable}}",
        "run={replications: 3, horizon: 30 s, warmup: 2 s}",
    )
    kept, broken = predicted(*sets), predicted(*sets, "behaviours.serializable_multimaster=false")
    metric = "count.conflict_dataset.per_execution"
    assert metric not in kept.summary.metrics
    found = compare(kept, broken, metric)
    # 20/s on 20 rows, half of them the other master's, 50 ms under way: 1 - exp(-0.025), as a mean of 3 x 560.
    assert found.difference.value == pytest.approx(0.0247, abs=4 * (0.0247 / 1680) ** 0.5)
    assert compare(broken, kept, metric).difference.value == -found.difference.value
    with pytest.raises(KeyError):
        compare(kept, broken, "count.nothing.per_execution")


def test_recovery_is_compared_drill_by_drill() -> None:
    sets = (
        "regions={names: [eu, us], rtt: 80 ms, replication: {to: us, failover: 40 s}}",
        "faults.boom={target: region.eu, at: 20 s, repair: 2 min}",
        "run={replications: 3, horizon: 5 s, warmup: 0 s, drill_window: 3 min}",
    )
    copied, alone = predicted(*sets), predicted(*sets, "behaviours.region_replication=false")
    longer = compare(copied, alone, "recovery.boom.restore.mean").difference
    # 120 s instead of 40 s, in windows of 10 s at either end.
    assert longer.value == pytest.approx(80, abs=20)
    assert longer.low is not None
    assert longer.low > 0
