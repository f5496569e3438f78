"""Stripe, payment orchestration (section 1.2)."""

from __future__ import annotations

from calibration.published.asking import Loss, Runs
from calibration.published.case_study import CaseStudy, at_least, below, between, equal
from calibration.published.registry import Found, Mechanism, Parameter, Place, RunOf, UsedIn
from sim.figure import Figure

RUNS = {
    "stripe": RunOf(file="stripe.yaml"),
    "stripe-fair": RunOf(file="stripe.yaml", set=("faults={}", "run.horizon=4 min")),
    "stripe-crashes": RunOf(
        file="stripe.yaml",
        set=("faults={worker_loss: {target: workers.payments, mttf: 1 min, repair: 10 s}}", "run.horizon=5 min"),
    ),
    "stripe-failovers": RunOf(
        file="stripe.yaml", set=("faults={pg_loss: {target: postgres.primary, rate: 20/h}}", "run.horizon=5 min")
    ),
    "stripe-queue": RunOf(file="stripe-queue.yaml", set=("run.replications=30",)),
}
STUDY = CaseStudy("1.2", RUNS)


STUDY.states(
    "stripe.qps",
    at_least(1_000_000, "1/s"),
    role="input",
    reading="an estimate of the industry, read as payments",
    used=UsedIn(
        file="stripe.yaml",
        paths=("workflows.payment.arrivals",),
        cells=33334,
        other=("workflows.payment.arrivals=40/s",),
    ),
    derivation=(
        "a cell takes 30 payments a second, and 33,334 such cells, which share nothing, take a million; read as "
        "statements that reach the store it is some 200 cells"
    ),
)


@STUDY.predicts(
    "stripe.availability",
    at_least(0.9999, "ratio"),
    reading="payments that end correctly within 10 min while 1 % of calls to banks fail",
    kind="fitted",
    mechanism=Mechanism(
        name="retries of a bank that fails for the moment",
        remove=(
            "workflows.payment.retry={maximum_attempts: 1}",
            "monitors={}",
            "run.horizon=1 min",
            "workflows.payment.steps.0.activity.compensate=",
        ),
    ),
    derivation=(
        "rates of faults are invented, and to void a payment never fails for good. A failover takes less than the "
        "deadline of 10 min, so that it delays payments and loses none; worker pods and the primary alone, "
        "rollouts and the banks' own outages are not in it"
    ),
)
def stripe_availability(runs: Runs) -> Figure:
    return runs.error_budget(
        "payment",
        "stripe-fair",
        Loss("stripe-crashes", "worker_loss", "assumption: each of 4 pods once a day", rate="4/day"),
        Loss("stripe-failovers", "pg_loss", "assumption", seen="2 in 2 years"),
    )


@STUDY.predicts(
    "stripe.p99_latency",
    below(0.1, "s"),
    reading=(
        "of the platform itself, from a start or a result until the next activity runs; the banks' own time is longer"
    ),
    kind="undetermined",
    parameter=Parameter(
        name="history shards",
        at=(Place(run="stripe", path="temporal.history_shards"),),
        search=(256, 16_384),
        plausible=(512, 16_384),
        reason="512 is what the Helm chart sets, and 16,384 is a large cluster",
        whole=True,
        found=Found(value=935, low=825, high=1105),
    ),
    mechanism=Mechanism(
        name="history shards that write side by side", remove=("temporal.history_shards=8", "faults={}")
    ),
    derivation="the number of history shards is not in the text; it is chosen when a cluster is made",
)
def stripe_p99_latency(runs: Runs) -> Figure:
    return runs.metric("stripe", "span.platform.p99")


@STUDY.predicts(
    "stripe.mq_latency",
    between(2, 5, "s"),
    reading="the message queue it replaced: consumers that poll, commits in batches",
    kind="fitted",
    derivation=(
        "three rounds of a poll of 1 s, which is a common default, and of a commit interval of 1 s, which the text "
        "does not give"
    ),
)
def stripe_mq_latency(runs: Runs) -> Figure:
    return runs.metric("stripe-queue", "latency.payment.mean")


STUDY.states(
    "stripe.isolation",
    equal("serializable", "mode"),
    role="input",
    used=UsedIn(
        file="stripe.yaml",
        paths=("workflows.payment.steps.1.activity.transaction.isolation",),
        other=("workflows.payment.steps.1.activity.transaction.isolation=read_committed",),
    ),
)
