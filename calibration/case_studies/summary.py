"""What the summary states (section 6)."""

from __future__ import annotations

from calibration.published.arithmetic import product, ratio, saving
from calibration.published.asking import Runs
from calibration.published.case_study import CaseStudy, at_least, below, equal
from calibration.published.registry import Found, Mechanism, Parameter, Place, RunOf
from sim.figure import Figure

RUNS: dict[str, RunOf] = {}
STUDY = CaseStudy("6.1", RUNS)


@STUDY.predicts(
    "summary.index_speedup",
    equal(322, "ratio"),
    section="6.1",
    reading="index and partition pruning against a scan of the table",
    kind="undetermined",
    parameter=Parameter(
        name="executions a second, kept for 72 h",
        unit="/s",
        at=(
            Place(run="uber-queries", path="ingest.started.rows"),
            Place(run="uber-queries", path="ingest.started_flat.rows"),
        ),
        search=(0.5, 32),
        plausible=(0.1, 50),
        reason="a tenth of one to 50 a second, the text's rates of executions",
        found=Found(value=8.31, low=8.18, high=8.45),
    ),
    mechanism=Mechanism(
        name="partial composite index and partitions",
        remove=("tables.executions.indexes={}", "tables.executions.partition=null"),
    ),
    derivation=(
        "a table in memory, read by three processes, against four pages; the round trip of 0.2 ms is in both. It "
        "grows with the table, of which the text tells no rows: 300,000 here"
    ),
)
def summary_index_speedup(runs: Runs) -> Figure:
    return ratio(runs.metric("uber-queries", "latency.scan.mean"), runs.metric("uber-queries", "latency.running.mean"))


@STUDY.predicts(
    "summary.storage_optimisation",
    equal(0.4, "ratio"),
    section="6.1",
    kind="undetermined",
    parameter=Parameter(
        name="of each execution's attributes",
        unit="B",
        at=(
            Place(run="uber-queries", path="tables.executions.columns.attributes.width"),
            Place(run="uber-queries", path="tables.flat.columns.attributes.width"),
        ),
        search=(20, 400),
        plausible=(50, 2000),
        reason="tens of bytes to the 2 KB at which PostgreSQL puts a value elsewhere",
        found=Found(value=109, low=108, high=113),
    ),
    mechanism=Mechanism(
        name="partial index and partitions that are dropped whole",
        remove=(
            "tables.executions.indexes={running: {columns: [namespace_id, workflow_type, status, start_time]}}",
            "tables.executions.partition=null",
        ),
    ),
    derivation=(
        "a plain index and rows deleted one by one, of which a fifth wait for vacuum, against a partial index and "
        "partitions that are dropped: the narrower a row, the more the index weighs"
    ),
)
def summary_storage_optimisation(runs: Runs) -> Figure:
    return saving(runs.metric("uber-queries", "storage.executions"), runs.metric("uber-queries", "storage.flat"))


STUDY.states("summary.fintech_p99", below(0.2, "s"), section="6.2", role="target", same_as="coinbase.p99_latency")


STUDY.states(
    "summary.fintech_availability",
    at_least(0.9999, "ratio"),
    section="6.2",
    role="target",
    same_as="coinbase.reliability",
)


@STUDY.predicts(
    "summary.pg_limit",
    below(10_000_000, "events/s"),
    section="6.3",
    role="both",
    reading="the rule of choice: PostgreSQL below it",
    kind="undetermined",
    parameter=Parameter(
        name="nodes of 8 cores",
        at=(Place(run="cern-full", path="databases.sites.nodes"),),
        search=(2, 8),
        plausible=(3, 50),
        reason="the text has clusters of 3 nodes, and 50 sites",
        whole=True,
        found=Found(value=4, low=3, high=4),
    ),
    mechanism=Mechanism(
        name="CPU of a COPY, for each value and each index entry",
        remove=("constants.storage.cpu_copy_value=0 s", "constants.storage.cpu_index_ordered=0 s"),
    ),
    derivation=(
        "where nodes of 8 cores saturate in batches of 20,000 events of 48 bytes with an index on their time, 8.1 "
        "M/s with three; a store that takes less keeps such a bound more easily, and the text does not tell what "
        "its limit is of"
    ),
)
def summary_pg_limit(runs: Runs) -> Figure:
    return product(runs.metric("cern-full", "throughput.write"), 20_000)
