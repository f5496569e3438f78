"""Uber, kernel upgrades of a fleet, beside Borg and SWF (section 2.1)."""

from __future__ import annotations

from calibration.published.arithmetic import product, ratio, saving, total
from calibration.published.asking import Runs
from calibration.published.case_study import CaseStudy, at_least, at_most, below, between, equal
from calibration.published.registry import Assumed, Mechanism, RunOf, UsedIn
from sim.figure import Figure

RUNS = {
    "uber-federation": RunOf(file="uber-federation.yaml", set=("objectives=[]",)),
    "uber": RunOf(file="uber.yaml"),
    "uber-lossy": RunOf(file="uber.yaml", set=("faults.node_loss.mttf=1 day", "objectives=[]")),
    "borg": RunOf(file="borg.yaml"),
    # Money is held to a thousandth, so the month's tasks must not depend on draws: they come at even intervals.
    "borg-bill": RunOf(
        file="borg.yaml",
        set=(
            "network.sources.jobs.arrivals={renewal: 6 ms}",
            "run.horizon=64 min",
            "run.replications=5",
            "objectives=[]",
        ),
    ),
    "swf": RunOf(file="swf.yaml"),
    # A shorter loss, so that it is over sooner.
    "uber-regions": RunOf(
        file="uber-regions.yaml",
        set=(
            "faults={phoenix_lost: {target: region.phoenix, at: 20 min, repair: 20 min}}",
            "objectives=[]",
            "run={warmup: 1 min, horizon: 2 min, follow: 0 s, replications: 3, drill_window: 35 min}",
        ),
    ),
    "uber-queries": RunOf(file="uber-queries.yaml"),
    # More rows than either takes.
    "uber-writes-full": RunOf(
        file="uber-writes.yaml", set=("ingest.row.rows=200k/s", "ingest.row_ring.rows=60k/s", "run.horizon=600 ms")
    ),
    "uber-burst": RunOf(file="uber-burst.yaml"),
    "uber-polling": RunOf(file="uber-polling.yaml"),
}
STUDY = CaseStudy("2.1", RUNS)

POOLS = (1, 2, 3)
MONTH_S = 2_628_000


def _upgrades_per_s(runs: Runs) -> Figure:
    return total(*(runs.metric("uber", f"throughput.upgrade-{pool}") for pool in POOLS))


STUDY.states(
    "uber.cassandra_nodes",
    equal(30, "nodes"),
    role="input",
    used=UsedIn(file="uber-queries.yaml", paths=("databases.ring.nodes",), other=("databases.ring.nodes=15",)),
)


@STUDY.predicts(
    "uber.cassandra_cost",
    equal(33_251, "usd/month"),
    kind="arithmetic",
    derivation="nodes times the price of one, which is the text's own cost over its nodes",
)
def uber_cassandra_cost(runs: Runs) -> Figure:
    return runs.bill("uber-queries", "databases.ring")


STUDY.states(
    "uber.machines",
    at_least(300_000, "machines"),
    role="input",
    reading="one campaign",
    used=UsedIn(
        file="uber.yaml",
        paths=("workers", "workers.pool-1.replicas", "workers.pool-1.activity_slots"),
        other=("workers.pool-1.activity_slots=9",),
    ),
    derivation="three pools of 10,000 nodes, each with a slot for each of the 10 machines that it serves",
)


@STUDY.predicts(
    "uber.duration",
    at_most(259_200, "s"),
    reading="the whole campaign",
    kind="fitted",
    mechanism=Mechanism(
        name="federation: three pools upgrade machines at the same time",
        remove=("workflows.upgrade-2.arrivals={closed: 1}", "workflows.upgrade-3.arrivals={closed: 1}"),
    ),
    derivation=(
        "300,000 over the machines done in a second while so many of each pool are in work, and the last one's "
        "time. How many those are is not in the text: 2,000 of each pool, 2 % of the fleet, is an assumption, and "
        "with few enough the campaign takes longer than 72 h"
    ),
)
def uber_duration(runs: Runs) -> Figure:
    return total(ratio(300_000, _upgrades_per_s(runs)), runs.metric("uber", "latency.upgrade-1.p99"))


@STUDY.predicts(
    "uber.failure_rate",
    equal(0, "ratio"),
    reading="no machine is left broken",
    kind="fitted",
    mechanism=Mechanism(name="sagas that restore the old kernel", remove=("behaviours.global_saga=false",)),
    derivation=(
        "by assumption: to restore the old kernel is tried again for a day and never fails for good. That no lost "
        "node or failover keeps it from being done is what the run shows"
    ),
)
def uber_failure_rate(runs: Runs) -> Figure:
    return runs.broken("uber", "no_machine_is_left_broken", "never_both")


STUDY.states(
    "uber.worker_pools",
    equal(3, "pools"),
    role="input",
    used=UsedIn(file="uber.yaml", paths=("workers",), other=("workers.pool-3.replicas=100",)),
)


STUDY.states(
    "uber.pool_nodes",
    equal(10_000, "nodes"),
    role="input",
    reading="of each pool",
    used=UsedIn(file="uber.yaml", paths=("workers.pool-1.replicas",), other=("workers.pool-1.replicas=9000",)),
)


STUDY.states(
    "uber.postgres_nodes",
    equal(3, "nodes"),
    role="input",
    used=UsedIn(file="uber.yaml", paths=("postgres.nodes",), other=("postgres.nodes=5",)),
)


@STUDY.predicts(
    "uber.postgres_cost",
    equal(3325, "usd/month"),
    kind="arithmetic",
    derivation="nodes times the price of one, which is the text's own cost over its nodes",
)
def uber_postgres_cost(runs: Runs) -> Figure:
    return runs.bill("uber-queries", "databases.indexed")


@STUDY.predicts(
    "uber.cost_saving", equal(0.9, "ratio"), kind="arithmetic", derivation="3 nodes against 30 of the same price"
)
def uber_cost_saving(runs: Runs) -> Figure:
    return saving(runs.bill("uber-queries", "databases.indexed"), runs.bill("uber-queries", "databases.ring"))


@STUDY.predicts(
    "uber.write_ratio",
    equal(5.4, "ratio"),
    reading="writes a second, PostgreSQL over Cassandra on the same hardware",
    mechanism=Mechanism(
        name="three replicas that each write every row, of whose cores half is compaction's",
        remove=("databases.ring.copies=1", "databases.ring.consistency=one", "constants.cassandra.compaction=0.1 %"),
    ),
    derivation=(
        "rows one by one on 500 connections, as many as the text's pools have, which all wait for flushes here and "
        "on a standby: 50,000/s over 22,000/s. 5.4 come out with some 3,100 connections [2,100, 7,100], where "
        "PostgreSQL comes to its cores; with an index in no order it would be 0.4 (its pages)"
    ),
)
def uber_write_ratio(runs: Runs) -> Figure:
    return ratio(
        runs.metric("uber-writes-full", "throughput.row"), runs.metric("uber-writes-full", "throughput.row_ring")
    )


@STUDY.predicts(
    "uber.query_ratio",
    between(10, 47, "ratio"),
    reading="aggregation over time",
    assumes=(
        Assumed(
            what="over how long events are aggregated",
            ends=(
                ("queries.rollup.where.created_at.range=1 h", "queries.rollup_ring.where.created_at.range=1 h"),
                ("queries.rollup.where.created_at.range=72 h", "queries.rollup_ring.where.created_at.range=72 h"),
            ),
            reason="an hour to all that is kept",
        ),
    ),
    mechanism=Mechanism(
        name="a request for each of Cassandra's partitions, whose rows are all shipped to the client",
        remove=(
            "constants.cassandra.cpu_per_read=0 s",
            "constants.storage.cassandra_cpu_row=0 s",
            "databases.ring.rtt=0 s",
        ),
    ),
    derivation=(
        "an aggregate over the newest 12 h of all histories; 300,000 partitions by 32 at once against a scan of "
        "the partitions of two days by three processes"
    ),
)
def uber_query_ratio(runs: Runs) -> Figure:
    return ratio(
        runs.metric("uber-queries", "latency.rollup_ring.mean"), runs.metric("uber-queries", "latency.rollup.mean")
    )


@STUDY.predicts(
    "uber.schedule_latency",
    below(0.1, "s"),
    reading="schedule to start",
    assumes=(
        Assumed(
            what="the number of history shards",
            ends=(("temporal.history_shards=128",), ("temporal.history_shards=4096",)),
            reason="a quarter of the Helm chart's default, and a large cluster's",
        ),
    ),
    mechanism=Mechanism(name="history shards that write side by side", remove=("temporal.history_shards=1",)),
    derivation="at the campaign's load; not in a burst of a million",
)
def uber_schedule_latency(runs: Runs) -> Figure:
    return runs.metric("uber", "schedule_to_start.pool-1.p99")


@STUDY.predicts(
    "borg.schedule_latency",
    equal(0.2, "s"),
    kind="fitted",
    derivation="the length of a scheduler's pass is chosen for it, 75 ms; the Borg paper gives less than 500 ms",
)
def borg_schedule_latency(runs: Runs) -> Figure:
    return runs.metric("borg", "span.scheduling.mean")


@STUDY.predicts(
    "swf.schedule_latency",
    equal(0.5, "s"),
    kind="fitted",
    derivation="the time of a hand-over inside the service, which is not published, is chosen for it",
)
def swf_schedule_latency(runs: Runs) -> Figure:
    return runs.metric("swf", "span.scheduling.mean")


@STUDY.predicts(
    "uber.parallelism",
    at_least(1_000_000, "tasks"),
    reading="in flight at once",
    kind="fitted",
    derivation=(
        "a cell of four; that a task takes 25 min at least, and each node has 35 slots, is chosen for it. The 847 "
        "tasks a second of section 3.1 are let in for 20 min: a million at one instant wait for the store, and the "
        "100 ms of uber.schedule_latency are not those of such a burst"
    ),
)
def uber_parallelism(runs: Runs) -> Figure:
    return product(4, total(*(runs.metric("uber-burst", f"in_flight.task-{pool}.max") for pool in POOLS)))


STUDY.states(
    "borg.parallelism",
    equal(10_000, "jobs"),
    role="input",
    used=UsedIn(
        file="borg.yaml", paths=("network.resources.jobs.units",), other=("network.resources.jobs.units=9000",)
    ),
)


STUDY.states(
    "swf.parallelism",
    equal(1000, "workflows"),
    role="input",
    used=UsedIn(
        file="swf.yaml",
        paths=("network.sources.workflows.arrivals.closed",),
        other=("network.sources.workflows.arrivals.closed=900",),
    ),
)


@STUDY.predicts(
    "uber.cost_per_task",
    equal(0.0001, "usd"),
    reading="the month's bill over the month's tasks",
    mechanism=Mechanism(name="tasks of a machine", remove=("workflows.upgrade-2.arrivals={closed: 1}",)),
    derivation=(
        "the store's bill over the tasks of a month of campaigns without a break: it hangs on how many those are. "
        "The published figure belongs to 12.65 tasks a second, 1.5 % of the 847 that section 3.1 gives as the "
        "limit"
    ),
)
def uber_cost_per_task(runs: Runs) -> Figure:
    return ratio(
        runs.bill("uber", "postgres"),
        product(_upgrades_per_s(runs), runs.metric("uber", "count.activity_task.per_execution"), MONTH_S),
    )


@STUDY.predicts(
    "borg.cost_per_task",
    equal(0.001, "usd"),
    kind="fitted",
    derivation=(
        "the price of a machine, 43.80 USD a month, is chosen for it; tasks of a month are those of a second times "
        "2,628,000"
    ),
)
def borg_cost_per_task(runs: Runs) -> Figure:
    return ratio(runs.metric("borg-bill", "cost.total"), product(runs.metric("borg-bill", "throughput.job"), MONTH_S))


@STUDY.predicts(
    "swf.latency_advantage",
    equal(5, "ratio"),
    reading="500 ms over 100 ms: it holds against SWF only",
    kind="arithmetic",
    derivation="SWF's published latency over the published bound of 100 ms; against Borg it is 2",
)
def swf_latency_advantage(runs: Runs) -> Figure:
    return ratio(runs.metric("swf", "span.scheduling.mean"), Figure.exact(0.1, "s"))


@STUDY.predicts(
    "swf.parallelism_advantage",
    equal(1000, "ratio"),
    kind="arithmetic",
    derivation="the published numbers, tasks over workflows",
)
def swf_parallelism_advantage(runs: Runs) -> Figure:
    return ratio(1_000_000, 1000)


@STUDY.predicts(
    "uber.cost_per_task_saving",
    equal(0.9, "ratio"),
    reading="against Borg",
    kind="arithmetic",
    derivation="the two published costs of a task; against SWF's it is 99 %",
)
def uber_cost_per_task_saving(runs: Runs) -> Figure:
    return saving(0.0001, 0.001)


@STUDY.predicts(
    "swf.cost_per_task",
    equal(0.01, "usd"),
    mechanism=Mechanism(
        name="decision tasks are billed as well", remove=("network.routines.decide=[{call: hand-over}]",)
    ),
    derivation=(
        "at AWS's list price, 0.00012 USD a start and 0.00003 USD a task (GovCloud, the dearest), a task comes to "
        "0.00011 USD with its share of decisions and starts; 0.01 USD is some 90 times that"
    ),
)
def swf_cost_per_task(runs: Runs) -> Figure:
    return ratio(
        total(
            product(Figure.exact(0.00012, "USD"), runs.metric("swf", "count.billed_start.per_execution")),
            product(Figure.exact(3e-05, "USD"), runs.metric("swf", "count.billed_task.per_execution")),
        ),
        runs.metric("swf", "count.activity_task.per_execution"),
    )
