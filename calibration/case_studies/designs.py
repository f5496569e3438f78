"""Designs that the case studies name, each turned off under common random numbers, and the choice of a store."""

from __future__ import annotations

from calibration.published.asking import Switch
from calibration.published.case_study import CaseStudy
from calibration.published.registry import Behaviour, Choice, Decision, RunOf

WORK_IS_DONE = (
    "objectives=[{name: 20 ms of work are done within 500 ms on average, metric: latency.encode.mean, below: 500 ms}]"
)
BATCHES_ARE_WRITTEN = (
    "objectives=[{name: a batch is written within 1 s on average, metric: latency.write_others.mean, below: 1 s}]"
)
LARGE_PLATFORM = (
    "workflows.encode.steps.0.activity.service=20 ms",
    "faults={}",
    "temporal.frontend={replicas: 12, cpu: 4}",
    "temporal.history={replicas: 12, cpu: 4}",
    "temporal.matching={replicas: 24, cpu: 4}",
    "temporal.history_shards=4096",
)
"""The platform is never the limit: twelve pods of four cores for frontend and history."""
MANY_WORKERS = (
    "workers.encodes={replicas: 32, cpu: 4, workflow_task_pollers: 20}",
    "workers.encoders={replicas: 32, cpu: 4, activity_pollers: 20}",
)
SHORT = ("run.warmup=1 s", "run.horizon=3 s", "run.follow=0 s", "run.replications=3")

RUNS = {
    "cron": RunOf(file="cron.yaml"),
    # Which store for which load.
    "store-sqlite": RunOf(
        file="sqlite.yaml",
        set=(WORK_IS_DONE, "run.warmup=2 s", "run.horizon=12 s", "run.follow=0 s", "run.replications=3"),
    ),
    "store-postgres": RunOf(
        file="temporal-postgres.yaml",
        set=(WORK_IS_DONE, *LARGE_PLATFORM, "temporal.sql.max_conns=40", *MANY_WORKERS, *SHORT),
    ),
    "store-cassandra": RunOf(
        file="temporal-cassandra.yaml", set=(WORK_IS_DONE, *LARGE_PLATFORM, *MANY_WORKERS, *SHORT)
    ),
    # The same for measurements, kept for 15 days: an event is one of them.
    "series-postgres": RunOf(
        file="datadog.yaml",
        set=(
            "databases.metrics.kind=postgres",
            "ingest.write_others.rows=10k/s",
            "tables.cpu.packed=null",
            "tables.others.packed=null",
            BATCHES_ARE_WRITTEN,
            "queries={}",
            "run.warmup=5 s",
            "run.horizon=20 s",
            "run.replications=2",
        ),
    ),
    "series-timescaledb": RunOf(
        file="datadog.yaml",
        set=(BATCHES_ARE_WRITTEN, "queries={}", "run.warmup=5 s", "run.horizon=20 s", "run.replications=2"),
    ),
    "series-cassandra": RunOf(
        file="datadog-cassandra.yaml",
        set=(BATCHES_ARE_WRITTEN, "queries={}", "run.warmup=5 s", "run.horizon=20 s", "run.replications=2"),
    ),
}
STUDY = CaseStudy("", RUNS)

BEHAVIOURS = (
    Behaviour(
        id="retry_backoff",
        section="2.1",
        text="machines: tried again, with exponential back-off",
        switch=Switch("coinbase-calm", ("behaviours.retry_backoff=false",), "violations.released", "up"),
    ),
    Behaviour(
        id="region_replication",
        section="2.1",
        text="regions: replication from one to another",
        switch=Switch(
            "uber-regions", ("behaviours.region_replication=false",), "recovery.phoenix_lost.restore.mean", "up"
        ),
    ),
    Behaviour(
        id="global_saga",
        section="2.1",
        text="globally: sagas with compensation",
        switch=Switch("coinbase-calm", ("behaviours.global_saga=false",), "violations.funds_are_conserved", "up"),
    ),
    Behaviour(
        id="federation",
        section="2.1",
        text="task queues over several worker pools",
        switch=Switch("uber-federation", ("behaviours.federation=false",), "schedule_to_start.upgrades.mean", "up"),
    ),
    Behaviour(
        id="history_matching",
        section="2.1",
        text="history and matching services in front of the store",
        switch=Switch("uber-polling", ("temporal=null", "dbos={pool_size: 2}"), "utilisation.postgres-cpu", "up"),
    ),
    Behaviour(
        id="partitioning",
        section="2.1",
        text="partitions by time of creation and a partial composite index",
        switch=Switch(
            "uber-queries",
            ("tables.executions.partition=null", "tables.executions.indexes={}"),
            "latency.running.mean",
            "up",
        ),
    ),
    Behaviour(
        id="auto_rollback",
        section="2.1",
        text="failed upgrades roll back by themselves",
        switch=Switch("uber-lossy", ("behaviours.global_saga=false",), "violations.no_machine_is_left_broken", "up"),
    ),
    Behaviour(
        id="dynamic_fanout",
        section="3.1",
        text="fan-out decided at run time that gathers all or fails on any",
        switch=Switch("spotify", ("behaviours.dynamic_fanout=false",), "latency.train.mean", "up"),
    ),
    Behaviour(
        id="scale_to_zero",
        section="3.1",
        text="idle workflows take nothing; GPU nodes start on demand",
        switch=Switch(
            "netflix",
            ("workers.gpu={replicas: 340, cpu: 4, activity_slots: 4, node: g4dn.xlarge}", "objectives=[]"),
            "utilisation.gpu-activity-slots",
            "down",
        ),
    ),
    Behaviour(
        id="checkpoint",
        section="3.1",
        text="state persisted after every chunk",
        switch=Switch("nih", ("behaviours.checkpoint=false",), "latency.experiment.mean", "up"),
    ),
    Behaviour(
        id="event_sourcing",
        section="1.2",
        text="histories grow by events, and replay and storage with them",
        switch=Switch("coinbase-forgetful", ("behaviours.event_sourcing=false",), "span.platform.mean", "down"),
    ),
    Behaviour(
        id="heartbeat",
        section="4.2",
        text="a lost worker is noticed long before start-to-close",
        switch=Switch(
            "uber-lossy",
            ("workflows.upgrade-1.steps.0.activity.heartbeat=", "workflows.upgrade-1.steps.1.activity.heartbeat="),
            "latency.upgrade-1.p99",
            "up",
        ),
    ),
    Behaviour(
        id="multi_master",
        section="4.1",
        text="logical multi-master replication, with conflicts and lag",
        switch=Switch("cern-catalogue", ("behaviours.multi_master=false",), "latency.register.mean", "up"),
    ),
    # At the text's 1 ms, below the lag, no further write is lost; larger errors lose what the last stamp overrules.
    Behaviour(
        id="clock_skew",
        section="4.1",
        text="a global clock error below 1 ms",
        switch=Switch("cern-skewed", ("behaviours.clock_skew=false",), "count.lost_catalogue.per_execution", "down"),
    ),
    Behaviour(
        id="versioning",
        section="4.2",
        text="old executions finish on old workers",
        switch=Switch("nih-rollout", ("behaviours.versioning=false",), "violations.cleaned", "up"),
    ),
    Behaviour(
        id="locality",
        section="4.1",
        text="scheduling that knows of racks",
        switch=Switch("uber-federation", ("behaviours.locality=false",), "count.cross_site_byte.per_execution", "up"),
    ),
    Behaviour(
        id="pool_tuning",
        section="6.3",
        text="connection pools: too few queue, too many thrash",
        switch=Switch(
            "coinbase-pool-500", ("constants.postgres.backend_coherency=0",), "latency.piled_up.p99", "down"
        ),
    ),
    Behaviour(
        id="manual_recovery",
        section="2.1, 3.1",
        text="Borg, SWF and Airflow are recovered by hand",
        switch=Switch(
            "airflow", ("network.routines.task.0.attempt.retry.initial_interval=5 s",), "latency.task.mean", "down"
        ),
    ),
    # Contradictory as claimed: switched off, masters tell each other later, as the text has it, and writes conflict.
    Behaviour(
        id="serializable_multimaster",
        section="4.1",
        text="serializable isolation over asynchronous masters",
        switch=Switch(
            "cern-serializable",
            ("behaviours.serializable_multimaster=false",),
            "count.conflict_catalogue.per_execution",
            "up",
        ),
    ),
    Behaviour(
        id="cronjob_residency",
        section="3.1",
        text="cron jobs keep memory resident, idle workflows none",
        switch=Switch(
            "cron",
            (
                (
                    "workflows.job.steps=[{activity: {name: pod, service: {uniform: [20 min, 22 min]}, "
                    "start_to_close: 2 h, memory: 256 MiB}}]"
                ),
            ),
            "utilisation.jobs-memory",
            "up",
        ),
    ),
    Behaviour(
        id="store_recommendation",
        section="6.2, 6.3",
        text="which store for which load",
        decisions={
            "platform_store": Decision(
                choices=(
                    Choice(run="store-sqlite", load="workflows.encode.arrivals"),
                    Choice(run="store-postgres", load="workflows.encode.arrivals"),
                    Choice(run="store-cassandra", load="workflows.encode.arrivals"),
                ),
                least_per_s=10,
                most_per_s=1600,
            ),
            "series_store": Decision(
                choices=(
                    Choice(run="series-postgres", load="ingest.write_others.rows", times=0.1),
                    Choice(run="series-timescaledb", load="ingest.write_others.rows", times=0.1),
                    Choice(run="series-cassandra", load="ingest.write_others.rows"),
                ),
                least_per_s=100_000,
                most_per_s=5_000_000,
            ),
        },
    ),
    Behaviour(
        id="runtime_monitor",
        section="6.3",
        text="properties checked at run time",
        switch=Switch("coinbase-unkeyed", ("monitors={}",), "violations.released_once", "down"),
    ),
)
