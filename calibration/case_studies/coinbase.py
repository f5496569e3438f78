"""Coinbase, cross-chain transfers (section 1.1)."""

from __future__ import annotations

from calibration.published.arithmetic import product
from calibration.published.asking import Loss, Runs
from calibration.published.case_study import CaseStudy, at_least, below, between, equal
from calibration.published.registry import Assumed, Found, Mechanism, Parameter, Place, RunOf, UsedIn
from sim.figure import Figure

RUNS = {
    "coinbase": RunOf(file="coinbase.yaml"),
    "coinbase-calm": RunOf(
        file="coinbase.yaml",
        set=(
            "faults={}",
            "objectives=[]",
            "monitors.released={when: source_locked, eventually: [target_released], within: 25 h}",
        ),
    ),
    # All that can go wrong goes wrong all the time: workers, history pods and the primary are lost, replies of the
    # ledger and of the chain are lost, and attempts that are slow are given up while they still run.
    "coinbase-hostile": RunOf(
        file="coinbase.yaml",
        set=(
            (
                "faults={worker_loss: {target: workers.transfers, mttf: 2 min, repair: 10 s}, history_loss: "
                "{target: temporal.history, mttf: 2 min, repair: 10 s}, pg_loss: {target: postgres.primary, rate: "
                "20/h}}"
            ),
            "workflows.transfer.steps.0.activity.lost_reply_rate=1 %",
            "workflows.transfer.steps.0.activity.compensate.lost_reply_rate=1 %",
            "workflows.transfer.steps.2.activity.lost_reply_rate=1 %",
            "workflows.transfer.steps.0.activity.start_to_close=500 ms",
            "workflows.transfer.steps.2.activity.start_to_close=500 ms",
            "objectives=[]",
            "run.horizon=8 min",
        ),
    ),
    # For error budgets of availability: as long as it takes to tell nothing from a few in a hundred thousand; and
    # with as many losses as it takes for three of them, which may do harm unseen, to be within the budget.
    "coinbase-fair": RunOf(file="coinbase.yaml", set=("faults={}", "objectives=[]", "run.horizon=8 min")),
    "coinbase-crashes": RunOf(
        file="coinbase.yaml",
        set=(
            "faults={worker_loss: {target: workers.transfers, mttf: 30 s, repair: 10 s}}",
            "objectives=[]",
            "run.horizon=15 min",
            "run.replications=15",
        ),
    ),
    "coinbase-forgetful": RunOf(
        file="coinbase.yaml",
        set=("faults={}", "objectives=[]", "workers.transfers.sticky_cache=1", "workers.transfers.cpu=0.1"),
    ),
    "coinbase-unkeyed": RunOf(
        file="coinbase.yaml",
        set=(
            "faults={worker_loss: {target: workers.transfers, mttf: 1 min, repair: 10 s}}",
            "objectives=[]",
            "workflows.transfer.steps.0.activity.idempotent=false",
            "workflows.transfer.steps.2.activity.idempotent=false",
        ),
    ),
    "coinbase-pool-500": RunOf(file="coinbase-pool.yaml", set=("temporal.sql.max_conns=125",)),
}
STUDY = CaseStudy("1.1", RUNS)


@STUDY.predicts(
    "coinbase.qps_peak",
    at_least(5000, "1/s"),
    role="both",
    reading="statements that reach the store, a second, at peak",
    kind="undetermined",
    parameter=Parameter(
        name="transfers a second at peak",
        unit="/s",
        at=(Place(run="coinbase", path="workflows.transfer.arrivals"),),
        search=(10, 100),
        plausible=(50, 500),
        reason="the 50/s of the text are what is sustained; a peak is that or more",
        found=Found(value=33.2, low=30.5, high=36.5),
    ),
    mechanism=Mechanism(
        name="state transitions of each step: history append, mutable state, task rows, reads and deletes",
        remove=(
            "workflows.transfer.steps=[{activity: {name: lock_funds, service: 30 ms, effect: source_locked}}]",
            "monitors={}",
            "faults={}",
        ),
    ),
    derivation=(
        "statements of an execution, counted in the mechanism, times executions a second; a design that asks more "
        "often keeps such a bound more easily, and the text's peak over its sustained load is not given"
    ),
)
def coinbase_qps_peak(runs: Runs) -> Figure:
    return product(
        runs.metric("coinbase", "count.storage_query.per_execution"), runs.metric("coinbase", "throughput.transfer")
    )


@STUDY.predicts(
    "coinbase.reliability",
    at_least(0.9999, "ratio"),
    reading="transfers released or compensated within their deadline, with failures injected",
    kind="fitted",
    mechanism=Mechanism(name="sagas", remove=("behaviours.global_saga=false", "run.horizon=70 s")),
    derivation=(
        "every rate is invented, and funds are unlocked by an activity that never fails for good, so that it holds "
        "by assumption; the note tells how often each fault may come. Pods and the primary alone, rollouts, the "
        "cluster's own network and the two chains are not in it"
    ),
)
def coinbase_reliability(runs: Runs) -> Figure:
    return runs.error_budget(
        "transfer",
        "coinbase-fair",
        Loss("coinbase-crashes", "worker_loss", "assumption: each of 4 pods once a day", rate="4/day"),
        Loss("coinbase-hostile", "history_loss", "assumption: each of 4 pods once a month", rate="48/year"),
        Loss("coinbase-hostile", "pg_loss", "assumption", seen="2 in 2 years"),
    )


@STUDY.predicts(
    "coinbase.processing_time_mean",
    between(120, 300, "s"),
    reading="end to end, waiting for the chain's confirmation included",
    kind="fitted",
    derivation="the confirmation's mean, which the text does not give, is set to 3 min, and is nearly all of the time",
)
def coinbase_processing_time_mean(runs: Runs) -> Figure:
    return runs.metric("coinbase", "latency.transfer.mean")


STUDY.states(
    "coinbase.confirmation_timeout",
    equal(86_400, "s"),
    role="input",
    reading="a timer races the confirmation; when it wins, funds are unlocked",
    used=UsedIn(
        file="coinbase.yaml",
        paths=("workflows.transfer.steps.1.wait.timer",),
        other=("workflows.transfer.steps.1.wait.timer=12 h",),
    ),
)


STUDY.states(
    "coinbase.pg_nodes",
    equal(3, "nodes"),
    role="input",
    used=UsedIn(file="coinbase.yaml", paths=("postgres.nodes",), other=("postgres.nodes=5",)),
)


STUDY.states(
    "coinbase.pg_vcpu",
    equal(8, "vCPU"),
    role="input",
    reading="of each node",
    used=UsedIn(file="coinbase.yaml", paths=("postgres.cpu",), other=("postgres.cpu=4",)),
)


STUDY.states(
    "coinbase.pg_memory",
    equal(32, "GB"),
    role="input",
    reading="of each node",
    used=UsedIn(file="coinbase.yaml", paths=("postgres.memory",), other=("postgres.memory=4 GB",)),
    derivation="500 connections of 10 MB must fit; with 4 GB the scenario is refused",
)


STUDY.states(
    "coinbase.pool_initial",
    equal(16, "connections"),
    role="input",
    reading="twice the cores",
    used=UsedIn(
        file="coinbase.yaml",
        paths=("temporal.sql.initial", "temporal.history.replicas"),
        other=("temporal.sql.initial=2",),
    ),
)


STUDY.states(
    "coinbase.pool_max",
    equal(500, "connections"),
    role="input",
    used=UsedIn(
        file="coinbase.yaml",
        paths=("temporal.sql.max_conns", "temporal.history.replicas"),
        other=("temporal.sql.max_conns=50",),
    ),
)


@STUDY.predicts(
    "coinbase.throughput",
    equal(50, "1/s"),
    reading="executions a second, sustained",
    kind="arithmetic",
    mechanism=Mechanism(
        name="history shards that write side by side", remove=("temporal.history_shards=1", "faults={}")
    ),
    derivation="an open load of 50/s that is not overloaded comes out as it goes in",
)
def coinbase_throughput(runs: Runs) -> Figure:
    return runs.metric("coinbase", "throughput.transfer")


@STUDY.predicts(
    "coinbase.p99_latency",
    below(0.2, "s"),
    reading="of the platform itself, from a start or an event until the step that it causes is durable",
    assumes=(
        Assumed(
            what="the number of history shards",
            ends=(("temporal.history_shards=256",), ("temporal.history_shards=4096",)),
            reason="half of the Helm chart's default, and a large cluster's",
        ),
    ),
    mechanism=Mechanism(
        name="history shards that write side by side", remove=("temporal.history_shards=8", "faults={}")
    ),
)
def coinbase_p99_latency(runs: Runs) -> Figure:
    return runs.metric("coinbase", "span.platform.p99")


@STUDY.predicts(
    "coinbase.worker_recovery",
    below(5, "s"),
    reading="from a worker's crash until an execution that it held runs elsewhere, p99 over those hit",
    mechanism=Mechanism(
        name="tasks go to other workers when the sticky timeout is over",
        remove=(
            "workers.transfers.sticky_schedule_to_start=30 s",
            "faults={worker_crash: {target: workers.transfers, nodes: any, at: 10 s, repair: 10 s}}",
        ),
    ),
    derivation=(
        "a task waits 5 s (the default) for the worker that knows its execution, and is replayed elsewhere after "
        "that; coinbase-tuned.yaml waits 2 s and meets it"
    ),
)
def coinbase_worker_recovery(runs: Runs) -> Figure:
    return runs.metric("coinbase", "worker_recovery.transfers.p99")


@STUDY.predicts(
    "coinbase.conservation",
    equal(1, "property"),
    reading="locked funds are released or unlocked in the end, never both, in every execution",
    kind="fitted",
    mechanism=Mechanism(name="sagas", remove=("behaviours.global_saga=false", "run.horizon=70 s")),
    derivation=(
        "by assumption: to unlock is tried again for a day and never fails for good; if it did, such funds would "
        "stay locked. That no crash, retry or lost reply breaks it is what the run shows"
    ),
)
def coinbase_conservation(runs: Runs) -> Figure:
    return runs.kept("coinbase-hostile", "funds_are_conserved", "never_both")


@STUDY.predicts(
    "coinbase.exactly_once",
    equal(1, "property"),
    reading="funds move once, whatever is tried again",
    kind="fitted",
    mechanism=Mechanism(
        name="idempotency keys",
        remove=(
            "workflows.transfer.steps.0.activity.idempotent=false",
            "workflows.transfer.steps.2.activity.idempotent=false",
            "run.horizon=70 s",
        ),
    ),
    derivation=(
        "by assumption: with the transfer's id as the key an effect is there once, whatever is tried again; the "
        "text tells of no keys, and without them funds move twice"
    ),
)
def coinbase_exactly_once(runs: Runs) -> Figure:
    return runs.kept("coinbase-hostile", "released_once", "locked_once")


@STUDY.predicts(
    "coinbase.no_deadlock",
    equal(1, "property"),
    mechanism=Mechanism(
        name="every transition takes its shard before its connection",
        # A shortage of both, in which the order shows at once.
        remove=(
            "workflows.transfer.arrivals=5/s",
            "workflows.transfer.steps.1.wait.after=1 s",
            "temporal.history_shards=2",
            "temporal.history.replicas=1",
            "temporal.sql={initial: 1, max_conns: 1}",
            "faults={}",
            "run.start=empty",
        ),
        edit="a transition that takes its connection before its shard",
    ),
)
def coinbase_no_deadlock(runs: Runs) -> Figure:
    return runs.no_deadlock("coinbase-hostile")
