"""Queries and updates of open executions, each as an execution of its own that enters no figure but its span."""

from __future__ import annotations

from sim.lower.steps import Branch, Option, Steps, acquire, count, mark, release, use
from sim.lower.temporal.workers import Workers
from sim.network.monitors import Span
from sim.network.sources import PoissonArrivals, Source
from sim.scenario.model.workflow import Queries


def add_queries(workers: Workers, name: str, queries: Queries, events: int) -> None:
    """Queries: through frontend and matching to a pod and back. events: of the history that has to be replayed."""
    slots = workers.workflow_slots
    replay: Steps = ()
    if queries.replayed and workers.event_sourcing:
        cost = use(workers.cpu, events * workers.replay_ns, at=slots)
        missed = Option(probability=queries.replayed, steps=(count(replay=1), cost))
        replay = (Branch(name="cold", branch=(missed,)),)
    answered: Steps = (*replay, *_computed(workers), *workers.platform.enter(), release(slots), count(query=1))
    _add(workers, f"{name}-query", queries.rate_per_s, answered, f"query.{name}")


def add_updates(workers: Workers, name: str, rate_per_s: float) -> None:
    """Updates: as queries, and made durable by the workflow task that has accepted and completed them."""
    done: Steps = (
        *_computed(workers),
        *workers.platform.enter(),
        workers.store.transition("update_completed"),
        release(workers.workflow_slots),
        count(update=1),
    )
    _add(workers, f"{name}-update", rate_per_s, done, f"update.{name}")


def _computed(workers: Workers) -> Steps:
    number = workers.constants.number
    return (use(workers.cpu, number("sdk.workflow_task_cpu"), at=workers.workflow_slots),)


def _add(workers: Workers, routine: str, rate_per_s: float, at_the_pod: Steps, metric: str) -> None:
    """The source, its routine, and the time from the request to its end."""
    workers.constants.record_assumption(
        "queries and updates",
        "reach any pod, come at a rate that does not depend on how many executions are open, and leave their events "
        "in no history that is replayed",
    )
    parts, requested, answered = workers.parts, f"{routine}-asked", f"{routine}-answered"
    parts.sources[routine] = Source(routine=routine, arrivals=PoissonArrivals(poisson_per_s=rate_per_s), counted=False)
    parts.spans[routine] = Span(start=requested, end=answered, metric=metric)
    parts.routines[routine] = (
        mark(requested),
        *workers.platform.enter(),
        *workers.workflow_tasks.direct(),
        acquire(workers.workflow_slots),
        acquire(workers.workflow_pollers, at=workers.workflow_slots),
        *workers.fetched(),
        release(workers.workflow_pollers),
        *at_the_pod,
        mark(answered),
    )
