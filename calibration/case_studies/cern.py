"""CERN, physics analysis (section 4.1)."""

from __future__ import annotations

from calibration.published.arithmetic import product
from calibration.published.asking import Runs, Switch
from calibration.published.case_study import CaseStudy, below, equal
from calibration.published.registry import Found, Mechanism, Parameter, Place, RunOf, UsedIn
from sim.figure import Figure

RUNS = {
    "cern-events": RunOf(file="cern-events.yaml"),
    "cern-pipeline": RunOf(
        file="cern.yaml", set=("faults={}", "objectives=[]", "run.horizon=12 min", "run.replications=3")
    ),
    # The catalogue alone.
    "cern-catalogue": RunOf(
        file="cern.yaml",
        set=("workflows.analysis.arrivals={renewal: 1 h}", "faults={}", "objectives=[]", "run.horizon=20 min"),
    ),
    "cern-skewed": RunOf(
        file="cern.yaml",
        set=(
            "workflows.analysis.arrivals={renewal: 1 h}",
            "faults={}",
            "objectives=[]",
            "run.horizon=20 min",
            "regions.masters.clock_error=500 ms",
        ),
    ),
    # Some 45 conflicts in 10,000 writes: 5 replications are too few to set their interval apart from zero, 10 do.
    "cern-serializable": RunOf(
        file="cern.yaml",
        set=(
            "workflows.analysis.arrivals={renewal: 1 h}",
            "faults={}",
            "objectives=[]",
            "run.horizon=20 min",
            "run.replications=10",
            "behaviours.serializable_multimaster=true",
        ),
    ),
    # Three nodes, offered more than they can take.
    "cern-full": RunOf(
        file="cern-events.yaml",
        set=(
            "databases.sites.nodes=3",
            "tables.events.kept=10 min",
            "ingest.write.rows=12M/s",
            "queries.range_scan.arrivals=1/s",
            "objectives=[]",
            "run.warmup=4 s",
            "run.horizon=8 s",
        ),
    ),
}
STUDY = CaseStudy("4.1", RUNS)


STUDY.states(
    "cern.sites",
    equal(50, "sites"),
    role="input",
    used=UsedIn(
        file="cern-events.yaml",
        paths=("databases.sites.nodes",),
        other=("databases.sites.nodes=40", "databases.sites.disk.size=4 TB"),
    ),
)


STUDY.states(
    "cern.raw_rate",
    equal(1_000_000_000_000_000, "B/s"),
    role="input",
    reading="before filtering",
    used=UsedIn(
        file="cern.yaml",
        paths=("workflows.analysis.steps.0.fan_out.items", "workflows.analysis.steps.0.fan_out.activity.reads"),
        per="workflows.analysis.arrivals.renewal",
        cells=100000,
        other=("workflows.analysis.steps.0.fan_out.activity.reads=1 GB",),
    ),
    derivation="1,000 pieces of 2 GB every 200 s, in each of 100,000 cells",
)


STUDY.states(
    "cern.filter_parallel",
    equal(1000, "activities"),
    role="input",
    used=UsedIn(
        file="cern.yaml",
        paths=("workflows.analysis.steps.0.fan_out.items",),
        other=("workflows.analysis.steps.0.fan_out.items=900",),
    ),
)


STUDY.states(
    "cern.feature_parallel",
    equal(500, "activities"),
    role="input",
    used=UsedIn(
        file="cern.yaml",
        paths=("workflows.analysis.steps.1.fan_out.items",),
        other=("workflows.analysis.steps.1.fan_out.items=400",),
    ),
)


STUDY.states(
    "cern.training_parallel",
    equal(10, "workflows"),
    role="input",
    used=UsedIn(
        file="cern.yaml",
        paths=("workflows.analysis.steps.2.fan_out.items",),
        other=("workflows.analysis.steps.2.fan_out.items=9",),
    ),
)


STUDY.states(
    "cern.masters",
    equal(3, "sites"),
    role="input",
    used=UsedIn(file="cern.yaml", paths=("regions.masters.at",), other=("regions.masters.at=[cern, fermilab]",)),
)


STUDY.states(
    "cern.clock_error",
    below(0.001, "s"),
    role="input",
    used=UsedIn(
        file="cern.yaml", paths=("regions.masters.clock_error",), other=("regions.masters.clock_error=100 ms",)
    ),
    derivation=(
        "inside it 1 write in 10,000 of the catalogue has another one that no clock can tell it from; the lag, 12 "
        "to 57 ms, has 1 in 200 in conflict. So clocks within 1 ms are not what loses writes"
    ),
)


@STUDY.predicts(
    "cern.query_latency",
    equal(0.0008, "s"),
    reading="a scan over a range of time",
    kind="undetermined",
    parameter=Parameter(
        name="of time scanned",
        unit="ms",
        at=(Place(run="cern-events", path="queries.range_scan.where.event_time.range"),),
        search=(1, 64),
        plausible=(1, 1000),
        reason="a scan over 1 ms to 1 s of one site, 200 to 200,000 events",
        found=Found(value=23, low=22.6, high=23.4),
    ),
    mechanism=Mechanism(name="index on the time of events", remove=("tables.events.indexes={}", "run.horizon=2 s")),
    derivation=(
        "a site has 200 events a millisecond; time grows by 0.2 us an event, and half of what 5 ms take is the "
        "round trip. The text does not tell the length of the range"
    ),
)
def cern_query_latency(runs: Runs) -> Figure:
    return runs.metric("cern-events", "latency.range_scan.mean")


@STUDY.predicts(
    "cern.write_throughput",
    equal(10_000_000, "events/s"),
    reading="in batches, all sites together",
    kind="arithmetic",
    mechanism=Mechanism(
        name="rows spread by site: each node writes its own",
        remove=("databases.sites.multi_master=true", "tables.events.kept=10 min", "run.horizon=3 s"),
    ),
    derivation=(
        "an open load of 10 M/s, in batches of 20,000, that is not overloaded comes out as it goes in. It is "
        "carried where each site's rows are its own node's; as multi-master, where every node applies every write, "
        "the claim is in conflict with these nodes, which would have a quarter of the cores it takes"
    ),
)
def cern_write_throughput(runs: Runs) -> Figure:
    return product(runs.metric("cern-events", "throughput.write"), 20_000)


@STUDY.predicts(
    "cern.locality",
    equal(1, "behaviour"),
    reading="task queues keep transfers local",
    mechanism=Mechanism(name="tasks wait for a worker beside their data", remove=("behaviours.locality=false",)),
    derivation=(
        "an analysis reads 2.4 TB; about 1 GB of it is moved. A queue that knows no sites moves 49 of 50 pieces"
    ),
)
def cern_locality(runs: Runs) -> Figure:
    return runs.switched(
        Switch("cern-pipeline", ("behaviours.locality=false",), "count.moved_byte.per_execution", "up")
    )
