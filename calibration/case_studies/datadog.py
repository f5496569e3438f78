"""Datadog, monitoring data (section 5.1)."""

from __future__ import annotations

from calibration.published.arithmetic import ratio, saving, total
from calibration.published.asking import Runs
from calibration.published.case_study import CaseStudy, at_least, equal
from calibration.published.registry import Mechanism, RunOf, UsedIn
from sim.figure import Figure

RUNS = {"datadog": RunOf(file="datadog.yaml"), "datadog-cassandra": RunOf(file="datadog-cassandra.yaml")}
STUDY = CaseStudy("5.1", RUNS)


STUDY.states(
    "datadog.rate",
    at_least(1_000_000, "events/s"),
    role="input",
    used=UsedIn(
        file="datadog-cassandra.yaml", paths=("ingest.write_others.rows",), other=("ingest.write_others.rows=500k/s",)
    ),
)


@STUDY.predicts(
    "datadog.query_ratio",
    equal(47, "ratio"),
    reading="aggregation over time, TimescaleDB over Cassandra",
    mechanism=Mechanism(
        name="rows aggregated where they are, against rows shipped to the client",
        remove=("constants.storage.cassandra_cpu_row=0 s",),
    ),
    derivation=(
        "ten metrics of 4,000 hosts over 12 h, 32 partitions at once; the text does not tell what is aggregated. "
        "How many hours it is does not decide: the ratio jumps up and down with the chunks that they touch, from "
        "59 at 2 h to 10 at a day; of five metrics it is some 42, of one 13"
    ),
)
def datadog_query_ratio(runs: Runs) -> Figure:
    return ratio(
        runs.metric("datadog-cassandra", "latency.rollup_all.mean"), runs.metric("datadog", "latency.rollup_all.mean")
    )


@STUDY.predicts(
    "datadog.storage_saving",
    equal(0.6, "ratio"),
    mechanism=Mechanism(
        name="columns packed by how their values change",
        remove=("constants.storage.change_bits=1000", "constants.storage.step_bits=1000"),
    ),
    derivation=(
        "two copies of packed chunks against three of a row for each measurement; more is saved than the text "
        "says. 60 % come out where a value that changed takes 160 bits, and a double has 64"
    ),
)
def datadog_storage_saving(runs: Runs) -> Figure:
    return saving(
        total(runs.metric("datadog", "storage.cpu"), runs.metric("datadog", "storage.others")),
        total(runs.metric("datadog-cassandra", "storage.cpu"), runs.metric("datadog-cassandra", "storage.others")),
    )
