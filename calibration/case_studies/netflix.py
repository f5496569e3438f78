"""Netflix, encoding, beside Airflow and two stores of Temporal (section 3.1)."""

from __future__ import annotations

from calibration.published.arithmetic import product, saving
from calibration.published.asking import Runs, Switch
from calibration.published.case_study import CaseStudy, at_least, below, between, equal
from calibration.published.registry import Assumed, Found, Mechanism, Parameter, Place, RunOf, UsedIn
from sim.figure import Figure

RUNS = {
    # Chunks of a title one after the other, on nodes of which one is lost every 6 h.
    "netflix-chunks": RunOf(
        file="netflix.yaml",
        set=(
            (
                "workflows.encode.steps.1={activity: {name: encode_title, task_queue: gpu, service: {p1: 5 s, p99: "
                "2 h, min: 5 s, max: 2 h}, chunks: 40, heartbeat: 30 s, start_to_close: 20 days}}"
            ),
            "workflows.encode.arrivals=20/h",
            "workers.gpu={replicas: 60, cpu: 4, activity_slots: 4, node: g4dn.xlarge}",
            "faults={node_loss: {target: workers.gpu, mttf: 6 h, repair: 4 min}}",
            "objectives=[]",
            "run.warmup=none",
            "run.horizon=12 h",
        ),
    ),
    "airflow": RunOf(file="airflow.yaml"),
    "airflow-full": RunOf(
        file="airflow.yaml",
        set=("network.sources.tasks.arrivals={closed: 200}", "run.horizon=30 min", "objectives=[]"),
    ),
    "netflix": RunOf(file="netflix.yaml"),
    "netflix-always-on": RunOf(file="netflix-always-on.yaml"),
    "temporal-postgres": RunOf(file="temporal-postgres.yaml"),
    "temporal-cassandra": RunOf(file="temporal-cassandra.yaml"),
    # More clients than either carries, once what the frontend's limit had saved up is spent.
    "temporal-postgres-full": RunOf(
        file="temporal-postgres.yaml",
        set=(
            "workflows.encode.arrivals={closed: 1000}",
            "workflows.encode.steps.0.activity.service=20 ms",
            "faults={}",
            "objectives=[]",
            "run.warmup=8 s",
            "run.horizon=12 s",
            "run.replications=5",
        ),
    ),
    "temporal-cassandra-full": RunOf(
        file="temporal-cassandra.yaml",
        set=(
            "workflows.encode.arrivals={closed: 1000}",
            "workflows.encode.steps.0.activity.service=20 ms",
            "faults={}",
            "objectives=[]",
            "run.warmup=8 s",
            "run.horizon=12 s",
            "run.replications=5",
        ),
    ),
}
STUDY = CaseStudy("3.1", RUNS)


STUDY.states(
    "netflix.encode_time",
    between(5, 7200, "s"),
    role="input",
    reading="heavy-tailed",
    used=UsedIn(
        file="netflix.yaml",
        paths=("workflows.encode.steps.1.fan_out.activity.service.max",),
        other=("workflows.encode.steps.1.fan_out.activity.service={p1: 5 s, p99: 1 h, min: 5 s, max: 1 h}",),
    ),
)


@STUDY.predicts(
    "netflix.parallelism",
    at_least(10_000, "tasks"),
    kind="fitted",
    derivation=(
        "a cell of ten; its titles an hour, which the text does not give, are chosen so that a thousand chunks are "
        "encoded at once by day"
    ),
)
def netflix_parallelism(runs: Runs) -> Figure:
    return product(runs.metric("netflix", "in_use.gpu-activity-slots.max"), 10)


@STUDY.predicts(
    "netflix.gpu_saving",
    equal(0.6, "ratio"),
    reading="GPU nodes on demand against an always-on cluster for the peak, cold starts included",
    mechanism=Mechanism(
        name="an autoscaler that starts and drains nodes by what waits and is at work",
        remove=("workers.gpu={replicas: 340, cpu: 4, activity_slots: 4, node: g4dn.xlarge}", "objectives=[]"),
    ),
    derivation=(
        "at most 1 - mean / peak of what is at work, less cold starts, drains and the cool-down; at a quarter of "
        "the load by night, and an always-on cluster of 340 nodes, as many as the peak takes. The load over the "
        "day is not in the text, and one that is more uneven would save more"
    ),
)
def netflix_gpu_saving(runs: Runs) -> Figure:
    return saving(runs.bill("netflix", "workers.gpu"), runs.bill("netflix-always-on", "workers.gpu"))


@STUDY.predicts(
    "netflix.checkpoint",
    equal(1, "behaviour"),
    reading="a crash costs the chunk in progress at most",
    mechanism=Mechanism(name="progress that heartbeats report", remove=("behaviours.checkpoint=false",)),
    derivation=(
        "chunks of a title one after the other on nodes that are lost; without it each loss makes all of them again"
    ),
)
def netflix_checkpoint(runs: Runs) -> Figure:
    return runs.switched(
        Switch("netflix-chunks", ("behaviours.checkpoint=false",), "count.heartbeat.per_execution", "up")
    )


@STUDY.predicts(
    "airflow.start_latency",
    between(2, 5, "s"),
    kind="fitted",
    derivation=(
        "half a loop of the scheduler and its work, 0.6 s; the rest is the start of a process, 1.5 to 2.5 s, "
        "chosen for it"
    ),
)
def airflow_start_latency(runs: Runs) -> Figure:
    return runs.metric("airflow", "span.start.p50")


@STUDY.predicts(
    "temporal_pg.start_latency",
    below(0.1, "s"),
    assumes=(
        Assumed(
            what="the load that the latency belongs to",
            ends=(("workflows.encode.arrivals=300/s", "faults={}"),),
            reason=(
                "300/s are somewhat less than half of what the text has it carry; near saturation nothing starts soon"
            ),
        ),
    ),
    mechanism=Mechanism(
        name="a shard's queue of tasks, which is read as soon as there is one and at most 20 times a second",
        remove=("temporal.transfer_queue.max_poll_rate=1/s",),
    ),
    derivation=(
        "99 of 100 tasks; most of it is the wait for the next read of the shard's queue and the writes that a "
        "start takes"
    ),
)
def temporal_pg_start_latency(runs: Runs) -> Figure:
    return runs.metric("temporal-postgres", "schedule_to_start.encoders.p99")


@STUDY.predicts(
    "temporal_cassandra.start_latency",
    below(0.1, "s"),
    assumes=(
        Assumed(
            what="the load that the latency belongs to",
            ends=(("workflows.encode.arrivals=300/s", "faults={}"),),
            reason=(
                "300/s are somewhat less than half of what the text has it carry; near saturation nothing starts soon"
            ),
        ),
    ),
    mechanism=Mechanism(
        name="a shard's queue of tasks, which is read as soon as there is one and at most 20 times a second",
        remove=("temporal.transfer_queue.max_poll_rate=1/s",),
    ),
    derivation=(
        "99 of 100 tasks; most of it is the wait for the next read of the shard's queue and the writes that a "
        "start takes"
    ),
)
def temporal_cassandra_start_latency(runs: Runs) -> Figure:
    return runs.metric("temporal-cassandra", "schedule_to_start.encoders.p99")


@STUDY.predicts(
    "airflow.throughput",
    equal(10, "1/s"),
    kind="fitted",
    derivation="32 places, each taken for half a loop, a start and a run; the run, 0.6 s, is chosen for it",
)
def airflow_throughput(runs: Runs) -> Figure:
    return runs.metric("airflow-full", "throughput.task")


@STUDY.predicts(
    "temporal_pg.throughput",
    equal(847, "1/s"),
    reading="at saturation, 3 nodes",
    kind="undetermined",
    parameter=Parameter(
        name="calls a second that a matching pod lets through, and half of those that a frontend pod does",
        at=(
            Place(run="temporal-postgres-full", path="temporal.matching.rps"),
            Place(run="temporal-postgres-full", path="temporal.frontend.rps", times=2),
        ),
        search=(1200, 4800),
        plausible=(1200, 9600),
        reason=(
            "1,200 and 2,400 are the defaults, which operators raise with the size of their pods, or have more of them"
        ),
        whole=True,
        found=Found(value=2720, low=2617, high=2854),
    ),
    mechanism=Mechanism(
        name="limits of calls, by default 1200/s a matching pod and 2400/s a frontend pod",
        remove=("temporal.matching.rps=100000", "temporal.frontend.rps=100000"),
    ),
    derivation=(
        "2 matching pods, and a task takes six calls to them; those that are refused are tried again, which takes "
        "some more. With limits out of the way history's 16 cores carry 1210 tasks/s. The text gives neither the "
        "number of pods nor a workload: with four or five pods of each kind it would be as much as it says"
    ),
)
def temporal_pg_throughput(runs: Runs) -> Figure:
    return runs.metric("temporal-postgres-full", "throughput.encode")


@STUDY.predicts(
    "temporal_cassandra.throughput",
    equal(812, "1/s"),
    reading="at saturation, 30 nodes",
    kind="undetermined",
    parameter=Parameter(
        name="calls a second that a matching pod lets through, and half of those that a frontend pod does",
        at=(
            Place(run="temporal-cassandra-full", path="temporal.matching.rps"),
            Place(run="temporal-cassandra-full", path="temporal.frontend.rps", times=2),
        ),
        search=(1200, 4800),
        plausible=(1200, 9600),
        reason=(
            "1,200 and 2,400 are the defaults, which operators raise with the size of their pods, or have more of them"
        ),
        whole=True,
        found=Found(value=2702, low=2617, high=2733),
    ),
    mechanism=Mechanism(
        name="limits of calls, by default 1200/s a matching pod and 2400/s a frontend pod",
        remove=("temporal.matching.rps=100000", "temporal.frontend.rps=100000"),
    ),
    derivation=(
        "as on PostgreSQL, matching's limit is met first, and history's 16 cores next; that the two stores come "
        "out equal to a few percent is what one limit in front of both explains"
    ),
)
def temporal_cassandra_throughput(runs: Runs) -> Figure:
    return runs.metric("temporal-cassandra-full", "throughput.encode")


@STUDY.predicts(
    "temporal_pg.recovery",
    equal(5, "s"),
    reading="from the crash of a worker until what it had in its cache runs elsewhere, on average",
    kind="fitted",
    mechanism=Mechanism(
        name=(
            "a task waits for the pod that knows its workflow (sticky, 5 s by default) before another one replays "
            "the history"
        ),
        remove=("workers.encodes.sticky_schedule_to_start=50 ms",),
    ),
    derivation=(
        "5 s of waiting for most, which is the default; 10 s, the timeout of a workflow task, where one was under "
        "way. It hangs on encoding having workers of its own, which the text does not say: with one pool for both, "
        "attempts are lost too and are noticed after their start-to-close, and the mean is some 10 s"
    ),
)
def temporal_pg_recovery(runs: Runs) -> Figure:
    return runs.metric("temporal-postgres", "worker_recovery.encodes.mean")


@STUDY.predicts(
    "temporal_cassandra.recovery",
    equal(5, "s"),
    reading="from the crash of a worker until what it had in its cache runs elsewhere, on average",
    kind="fitted",
    mechanism=Mechanism(
        name=(
            "a task waits for the pod that knows its workflow (sticky, 5 s by default) before another one replays "
            "the history"
        ),
        remove=("workers.encodes.sticky_schedule_to_start=50 ms",),
    ),
    derivation=(
        "5 s of waiting for most, which is the default; 10 s, the timeout of a workflow task, where one was under "
        "way. It hangs on encoding having workers of its own, which the text does not say: with one pool for both, "
        "attempts are lost too and are noticed after their start-to-close, and the mean is some 10 s"
    ),
)
def temporal_cassandra_recovery(runs: Runs) -> Figure:
    return runs.metric("temporal-cassandra", "worker_recovery.encodes.mean")


@STUDY.predicts(
    "airflow.storage_cost",
    equal(1200, "usd/month"),
    kind="fitted",
    derivation="the text does not say what it buys; the price of the database is set to it",
)
def airflow_storage_cost(runs: Runs) -> Figure:
    return runs.bill("airflow", "machines.metadata-database")


STUDY.states("temporal_pg.storage_cost", equal(3325, "usd/month"), role="target", same_as="uber.postgres_cost")


STUDY.states(
    "temporal_cassandra.storage_cost", equal(33_251, "usd/month"), role="target", same_as="uber.cassandra_cost"
)
