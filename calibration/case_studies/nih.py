"""NIH, proteomics (section 4.2)."""

from __future__ import annotations

from calibration.published.arithmetic import product, ratio
from calibration.published.asking import Runs
from calibration.published.case_study import CaseStudy, at_most, equal
from calibration.published.registry import Assumed, Found, Mechanism, Parameter, Place, RunOf, UsedIn
from sim.figure import Figure

RUNS = {
    "nih-storage": RunOf(file="nih-storage.yaml"),
    "nih": RunOf(file="nih.yaml"),
    # A new version in the middle, on workers of its own.
    "nih-rollout": RunOf(
        file="nih.yaml",
        set=(
            "workers.next={replicas: 50, cpu: 16, activity_slots: 3}",
            "workflows.experiment.rollout={at: 9 days, task_queue: next}",
            "faults={}",
            "objectives=[]",
        ),
    ),
}
STUDY = CaseStudy("4.2", RUNS)


STUDY.states(
    "nih.samples",
    equal(5000, "samples"),
    role="input",
    reading="of an experiment",
    used=UsedIn(
        file="nih-storage.yaml",
        paths=("tables.measurements.rows",),
        times=3.90625e-08,
        other=("tables.measurements.rows=64G",),
    ),
    derivation="128 G rows are 100 experiments of 5000 samples of 256,000 rows each",
)


@STUDY.predicts(
    "nih.makespan",
    at_most(172_800, "s"),
    reading="an experiment, interruptions included",
    assumes=(
        Assumed(
            what="how long stages take and how often nodes are lost",
            ends=(
                (
                    "workflows.experiment.arrivals=5/h",
                    "workflows.experiment.steps.0.activity.service={p50: 100 min, p99: 115 min}",
                    "workflows.experiment.steps.2.activity.service={p50: 18 min, p99: 22 min}",
                    "workflows.experiment.steps.3.activity.service={p50: 200 min, p99: 235 min}",
                    "faults.node_loss.mttf=12 h",
                ),
            ),
            reason=(
                "the text's greatest: training of 12 h each time, the other stages near their timeouts; nodes lost "
                "four times as often; as many experiments at once"
            ),
        ),
    ),
    mechanism=Mechanism(
        name="heartbeats and the checkpoints that they carry",
        remove=("behaviours.checkpoint=false", "behaviours.heartbeat=false"),
    ),
)
def nih_makespan(runs: Runs) -> Figure:
    return runs.metric("nih", "latency.experiment.p99")


STUDY.states(
    "nih.training_time",
    at_most(43_200, "s"),
    role="input",
    used=UsedIn(
        file="nih.yaml",
        paths=("workflows.experiment.steps.2.activity.service.p50", "workflows.experiment.steps.2.activity.chunks"),
        other=("workflows.experiment.steps.2.activity.chunks=20",),
    ),
    derivation="40 epochs of 14 min, 9.3 h, at the median",
)


STUDY.states(
    "nih.preprocess_timeout",
    equal(7200, "s"),
    role="input",
    used=UsedIn(
        file="nih.yaml",
        paths=("workflows.experiment.steps.0.activity.start_to_close",),
        other=("workflows.experiment.steps.0.activity.start_to_close=3 h",),
    ),
)


STUDY.states(
    "nih.visualise_timeout",
    equal(14_400, "s"),
    role="input",
    used=UsedIn(
        file="nih.yaml",
        paths=("workflows.experiment.steps.3.activity.start_to_close",),
        other=("workflows.experiment.steps.3.activity.start_to_close=3 h",),
    ),
)


@STUDY.predicts(
    "nih.concurrency",
    equal(100, "experiments"),
    kind="fitted",
    derivation="7.3 experiments an hour, of 13.7 h each, are chosen for it",
)
def nih_concurrency(runs: Runs) -> Figure:
    return runs.metric("nih", "in_flight.experiment.mean")


@STUDY.predicts(
    "nih.storage",
    equal(12, "TB"),
    kind="arithmetic",
    derivation="one copy of heap and index of the rows that were assumed so as to be 12 TB; 24 MB a sample",
)
def nih_storage(runs: Runs) -> Figure:
    return product(runs.metric("nih-storage", "storage.single"), 0.001073741824)


@STUDY.predicts(
    "nih.index_speedup",
    equal(40, "ratio"),
    reading="index on protein and time",
    kind="undetermined",
    parameter=Parameter(
        name="points in time of an experiment",
        at=(Place(run="nih-storage", path="tables.measurements.columns.time_point.distinct"),),
        search=(4, 100),
        plausible=(5, 100),
        reason="time courses in proteomics have from a handful to some dozens of points; an assumption",
        whole=True,
        found=Found(value=15, low=14, high=16),
    ),
    mechanism=Mechanism(name="composite index", remove=("tables.measurements.indexes={}", "run.horizon=2 h")),
    derivation=(
        "against a scan of the experiment's partition, with 40 points in time some 109; against an index on the "
        "protein alone 18. The text does not tell which, nor how many points in time there are"
    ),
)
def nih_index_speedup(runs: Runs) -> Figure:
    return ratio(
        runs.metric("nih-storage", "latency.without.mean"), runs.metric("nih-storage", "latency.composite.mean")
    )
