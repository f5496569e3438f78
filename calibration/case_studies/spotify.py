"""Spotify, recommendations (section 3.2)."""

from __future__ import annotations

from calibration.published.asking import Loss, Runs
from calibration.published.case_study import CaseStudy, at_least, below, equal
from calibration.published.registry import Mechanism, RunOf, UsedIn
from sim.figure import Figure

RUNS = {
    "spotify": RunOf(file="spotify.yaml"),
    "spotify-fair": RunOf(file="spotify.yaml", set=("faults={}", "objectives=[]")),
    "spotify-crashes": RunOf(
        file="spotify.yaml",
        set=(
            "faults={worker_loss: {target: workers.recommend, mttf: 2 min, repair: 10 s}}",
            "objectives=[]",
            "run.horizon=5 min",
        ),
    ),
    "spotify-failovers": RunOf(
        file="spotify.yaml",
        set=("faults={pg_loss: {target: postgres.primary, rate: 12/h}}", "objectives=[]", "run.horizon=10 min"),
    ),
}
STUDY = CaseStudy("3.2", RUNS)


STUDY.states(
    "spotify.users",
    at_least(1_000_000_000, "users"),
    role="input",
    used=UsedIn(
        file="spotify.yaml",
        paths=("workflows.recommend.arrivals",),
        cells=1000,
        times=8640,
        other=("workflows.recommend.arrivals=100/s",),
    ),
    derivation="116 requests a second in each of 1,000 cells, of users who make one in 8,640 s, that is 10 a day",
)


@STUDY.predicts(
    "spotify.latency",
    below(0.1, "s"),
    reading="a request: analysis, features, inference, answer",
    kind="fitted",
    mechanism=Mechanism(
        name="local activities",
        remove=(
            "workflows.recommend.steps.0.activity.local=false",
            "workflows.recommend.steps.1.activity.local=false",
            "workflows.recommend.steps.3.activity.local=false",
        ),
    ),
    derivation=(
        "it hangs on `eager_start`, which the text does not give and clients have to ask for: by way of matching, "
        "which is the default, a request takes some 125 ms at p99 and the bound is missed. What takes the time are "
        "flushes of the store"
    ),
)
def spotify_latency(runs: Runs) -> Figure:
    return runs.metric("spotify", "latency.recommend.p99")


@STUDY.predicts(
    "spotify.availability",
    at_least(0.999, "ratio"),
    reading="the text has no number: three nines are assumed",
    kind="fitted",
    mechanism=Mechanism(
        name="history shards that write side by side", remove=("temporal.history_shards=4", "run.horizon=50 s")
    ),
    derivation=(
        "the bound is an assumption, and so are the rates; worker pods of the request path and the primary alone, "
        "rollouts and the model's own outages are not in it"
    ),
)
def spotify_availability(runs: Runs) -> Figure:
    return runs.error_budget(
        "recommend",
        "spotify-fair",
        Loss("spotify-crashes", "worker_loss", "assumption: each of 4 pods once a day", rate="4/day"),
        Loss("spotify-failovers", "pg_loss", "assumption", seen="2 in 2 years"),
    )


STUDY.states(
    "spotify.workflows",
    equal(3, "workflows"),
    role="input",
    reading="recommendation, A/B test, training",
    used=UsedIn(file="spotify.yaml", paths=("workflows",), other=("workflows.train.arrivals=3/min",)),
)
