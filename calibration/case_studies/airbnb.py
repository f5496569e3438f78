"""Airbnb, listings (section 2.2)."""

from __future__ import annotations

from calibration.published.asking import Runs, Switch
from calibration.published.case_study import CaseStudy, at_least, equal
from calibration.published.registry import Assumed, Mechanism, RunOf, UsedIn
from sim.figure import Figure

RUNS = {
    "airbnb": RunOf(
        file="airbnb.yaml", set=("monitors.is_published={when: calendar_written, eventually: [published]}",)
    )
}
STUDY = CaseStudy("2.2", RUNS)


STUDY.states(
    "airbnb.scale",
    at_least(1_000_000, "listings"),
    role="input",
    used=UsedIn(
        file="airbnb.yaml",
        paths=("workflows.sync.schedule.count",),
        cells=10,
        times=100,
        other=("workflows.sync.schedule.count=1000",),
    ),
    derivation="2,000 batches of 100 listings an hour in each of 10 cells, which share nothing",
)


@STUDY.predicts(
    "airbnb.retry",
    equal(1, "behaviour"),
    reading="failures of others' interfaces are tried again",
    mechanism=Mechanism(name="activities are tried again", remove=("behaviours.retry_backoff=false",)),
)
def airbnb_retry(runs: Runs) -> Figure:
    return runs.switched(Switch("airbnb", ("behaviours.retry_backoff=false",), "violations.is_published", "up"))


@STUDY.predicts(
    "airbnb.resume",
    equal(1, "behaviour"),
    reading="an interrupted sync goes on where it stood",
    mechanism=Mechanism(name="progress that heartbeats report", remove=("behaviours.checkpoint=false",)),
)
def airbnb_resume(runs: Runs) -> Figure:
    return runs.switched(Switch("airbnb", ("behaviours.checkpoint=false",), "count.heartbeat.per_execution", "up"))


@STUDY.predicts(
    "airbnb.compensate",
    equal(1, "behaviour"),
    reading="inconsistent data is rolled back",
    assumes=(
        Assumed(
            what="that a rollback never fails for good",
            ends=(("workflows.sync.steps.1.activity.compensate.non_retryable_rate=10 %",),),
            reason="one in ten fails",
        ),
    ),
    mechanism=Mechanism(name="sagas", remove=("behaviours.global_saga=false",)),
)
def airbnb_compensate(runs: Runs) -> Figure:
    return runs.switched(Switch("airbnb", ("behaviours.global_saga=false",), "violations.consistent", "up"))
