"""Workflow tasks as steps: the pod that knows an execution, sticky timeouts, replay, lost tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Option,
    Step,
    Steps,
    acquire,
    add,
    cached,
    count,
    fail,
    forget,
    mark,
    release,
    set_to,
    start,
    use,
)
from sim.lower.stores.base import HISTORY
from sim.lower.temporal.eager import STARTED
from sim.lower.temporal.workers import Workers
from sim.network.routines import Retry
from sim.units.tables import MILLISECOND


@dataclass(frozen=True, slots=True)
class Shared:
    """Attributes by which results that come together share a workflow task.

    pending: 1 while one is scheduled and has not started. done: those that are above 0 when it has nothing to tell
    any more: another one does. joined: of these the one that the join sets, where it does.
    """

    pending: str
    done: tuple[str, ...]
    joined: str | None = None


Which = Literal["later", "first", "eager"]
"""A later workflow task, which goes to the pod that has the execution in its cache; the first one, which goes to any;
the first one that may come with the reply to the start."""


@dataclass(frozen=True, slots=True)
class Inside:
    """Local activities of a workflow task: a name for them, their steps, the events that record them."""

    name: str
    steps: Steps
    events: int


def workflow_task(
    workers: Workers,
    ending: str,
    which: Which = "later",
    shared: Shared | None = None,
    inside: Inside | None = None,
) -> Step:
    """The step that runs a workflow task which ends by the transition `ending`.

    shared: it tells of whatever has come by its start. inside: local activities that it runs.
    """
    before = "" if which == "later" else f"{which}-"
    name = f"{workers.queue}-{before}workflow-task-{ending.replace('_', '-')}"
    if shared is not None:
        name += f"-until-{shared.done[0]}"
    if inside is not None:
        name += f"-after-{inside.name}"
    return workers.parts.call_of(name, lambda: _task(workers, ending, which, shared, inside))


def remembered(workers: Workers) -> Steps:
    """What an execution that is under way has behind it: a pod that knows it and holds it in its cache."""
    slots = workers.workflow_slots
    return (
        acquire(slots, affinity=workers.sticky),
        cached(workers.cache, slots, miss=()),
        release(slots),
        set_to(workers.sticky, 1),
    )


def _task(workers: Workers, ending: str, which: Which, shared: Shared | None, inside: Inside | None) -> Steps:
    store, slots, number = workers.store, workers.workflow_slots, workers.constants.number
    names = workers.workflow_task_names
    workers.runs_workflows = True
    workers.measure(names, "workflow_task_schedule_to_start")
    replay_ns = workers.replay_ns if workers.event_sourcing else 0
    fetched = (
        *workers.fetched(),
        store.transition("workflow_task_started" if which == "later" else "first_workflow_task_started"),
        release(workers.workflow_pollers if which == "later" else workers.first_pollers),
        *(() if which == "later" else workers.workflow_tasks.poll_returns()),
    )
    run: tuple[Step, ...] = (
        mark(names.started),
        # Whatever is not in the cache is rebuilt: each event of the history, which came with the task, is replayed.
        cached(
            workers.cache, slots, miss=(count(replay=1), use(workers.cpu, 0, at=slots, per_ns={HISTORY: replay_ns}))
        ),
        *workers.at_work(
            number("sdk.workflow_task_cpu") + (0 if which == "later" else number("sdk.first_workflow_task_cpu")), slots
        ),
        mark(names.running),
        *(() if inside is None else inside.steps),
        *workers.platform.enter(),
        store.transition(ending),
        *(workers.platform.closed() if ending == "closed" else ()),
        *((add(HISTORY, inside.events),) if inside is not None else ()),
        *(workers.eager.allowed() if ending in ("activity_scheduled", "commands_scheduled") else ()),
        release(slots),
    )
    before: Steps = tuple(workers.workflow_tasks.dispatch(sticky=which == "later"))
    attempt_steps: Steps
    if which == "eager":
        before, attempt_steps = (), (*_handed_over(workers, (*before, *_pod(workers, which), start(), *fetched)), *run)
    else:
        run = (*fetched, *run)
        attempt_steps = (*_pod(workers, which), start(), *(run if shared is None else _unless_done(shared, run)))
    # A lost task is noticed by its timeout alone; the next one is scheduled on the normal queue at once.
    attempt = AttemptBody(
        counted=False,
        steps=attempt_steps,
        start_to_close_ns=workers.task_timeout_ns,
        on_crash="silent",
        on_failure=(*_timed_out(workers), fail("workflow_task_timed_out")),
    )
    again = Retry(initial_interval_ns=MILLISECOND, backoff_coefficient=1.0)  # as good as at once
    return (
        mark(names.scheduled),
        Attempt(attempt=AttemptBody(steps=(*before, Attempt(attempt=attempt)), retry=again, counted=False)),
    )


def _handed_over(workers: Workers, ordinary: Steps) -> Steps:
    """The first workflow task with the reply to the start, where a slot is free; else, and later on, by matching."""
    workers.parts.attributes[STARTED] = 0
    workers.constants.record_assumption("an eager start", "leaves the mutable state in the memory of its history pod")
    handed: Steps = (
        acquire(workers.workflow_slots, affinity=workers.sticky, patience_ns=0),
        set_to(workers.sticky, 1),
        start(),
        count(eager_start=1),
        *workers.eager.reply(),
    )
    eager = (set_to(STARTED, 0), Attempt(attempt=AttemptBody(steps=handed, counted=False, on_failure=ordinary)))
    return (Branch(branch=(Option(attribute=STARTED, above=0.5, steps=eager), Option(steps=ordinary))),)


def _unless_done(shared: Shared, run: Steps) -> Steps:
    """The task, unless the workflow task that it stands for is another one by now."""
    ways = [Option(attribute=name, above=0) for name in shared.done]
    return (set_to(shared.pending, 0), Branch(branch=(*ways, Option(steps=run))))


def _pod(workers: Workers, which: Which) -> Steps:
    """A slot and a poller of the pod that knows the execution, or of any pod where none does."""
    slots, pollers, sticky = workers.workflow_slots, workers.workflow_pollers, workers.sticky
    dispatched = count(**{workers.sync_match.dispatched: 1})
    of_any = workers.first_pollers if which != "later" else pollers
    fresh = (*workers.any_pod(workers.workflow_tasks, slots, of_any, sticky), set_to(sticky, 1))
    if which != "later":
        return (dispatched, *fresh)
    constants = workers.constants
    constants.record_assumption(
        "a sticky worker that is known to be gone", "costs a transition, as a sticky timeout does"
    )
    workers.are_remembered = True
    # When its time is up the task goes to any pod, by way of the normal queue.
    moved = (
        mark(workers.sticky_timed_out),
        *_timed_out(workers),
        count(sticky_timeout=1),
        *workers.workflow_tasks.dispatch(),
        acquire(slots, affinity=sticky),
        set_to(sticky, 1),
    )
    known = (
        acquire(
            slots,
            affinity=sticky,
            lease_ns=constants.number("temporal.sticky_lease"),
            patience_ns=workers.sticky_wait_ns,
            otherwise=moved,
        ),
        acquire(
            pollers,
            at=slots,
            patience_ns=workers.sticky_wait_ns,
            otherwise=(release(slots), *moved, acquire(pollers, at=slots)),
        ),
    )
    return (dispatched, Branch(branch=(Option(attribute=sticky, above=0, steps=known), Option(steps=fresh))))


def _timed_out(workers: Workers) -> Steps:
    """The workflow task has timed out: no pod is taken to know the execution any more."""
    return (
        forget(workers.sticky),
        set_to(workers.sticky, 0),
        workers.store.transition("workflow_task_timed_out"),
    )
