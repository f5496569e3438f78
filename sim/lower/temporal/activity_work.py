"""What an activity does on its worker: CPU, time, calls to dependencies, errors, its effect; whole or in chunks."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.lower.parts import Parts
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Option,
    Step,
    Steps,
    call,
    constant,
    count,
    delay,
    fail,
    mark,
    set_to,
)
from sim.lower.temporal.dependencies import Caller, Dependencies
from sim.lower.temporal.workers import Workers
from sim.network.policies import Budget
from sim.network.routines import Use, UseBody
from sim.scenario.model.workload import Activity, RetryPolicy


@dataclass(frozen=True, slots=True)
class Scheduled:
    """How a workflow runs an activity.

    workflow: its name. path: of the activity in the scenario. dependencies: what there is to call. policy: the
    workflow's retry policy. retried: whether it is tried again at all. alone: whether the execution runs it once
    at a time; only then can what one attempt leaves behind (being turned down, an effect, progress) be told in the
    next. eager: whether it waits in the queue of the workflow's own tasks, so that it may come with the reply to
    one. checkpoint: whether progress is kept. beats: whether its worker gives signs of life. completion: what
    makes its result durable; a transition that has a workflow task scheduled by default.
    """

    workflow: str
    path: str
    dependencies: Dependencies
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    retried: bool = True
    alone: bool = True
    eager: bool = False
    checkpoint: bool = True
    beats: bool = True
    completion: Steps | None = None


def work(workers: Workers, activity: Activity, how: Scheduled, failed: Steps) -> Steps:
    """From the start of an attempt on its worker to the last call before its effect.

    failed: what happens when something fails that is tried again.
    """
    part: Steps = (
        *_met(workers, activity, failed),
        delay(activity.service, "service", activity.name),
        *_calls(workers, activity, how, failed),
    )
    if activity.chunks is None:
        return part
    parts, progress = workers.parts, progress_of(activity)
    routine = f"{how.workflow}-{activity.name}-part"
    parts.routines[routine] = (*part, workers.store.transition("heartbeat"), count(heartbeat=1))
    return tuple(
        Branch(
            name=f"part-{index + 1}-{activity.name}",
            branch=(
                Option(attribute=progress, above=index),
                Option(steps=(call(routine), set_to(progress, index + 1))),
            ),
        )
        for index in range(activity.chunks)
    )


def effect(parts: Parts, activity: Activity, how: Scheduled, failed: Steps) -> Steps:
    """The side effect, whether it is there already, and the answers about it, which may be lost."""
    steps: list[Step] = []
    if activity.effect is not None:
        steps += [mark(activity.effect, once=activity.idempotent), count(side_effect=1)]
        if how.alone:
            done = f"done-{activity.effect}"
            parts.attributes[done] = 0
            again = count(prevented_side_effect=1) if activity.idempotent else count(duplicate_side_effect=1)
            ways = (Option(attribute=done, above=0, steps=(again,)), Option(steps=(set_to(done, 1),)))
            steps.append(Branch(name=f"done-{activity.name}", branch=ways))
    replies = tuple(step for name in activity.calls for step in how.dependencies.reply(name))
    if replies:
        steps.append(_handled(f"reply-{activity.name}", replies, failed))
    return tuple(steps)


def local_work(workers: Workers, activity: Activity, how: Scheduled) -> Steps:
    """A local activity inside a workflow task: a slot of its own kind, errors tried again there, a marker event."""
    policy = how.policy.model_copy(update={"maximum_attempts": None})
    tried: Steps = (
        *_cpu(workers, activity, workers.workflow_slots),
        delay(activity.service, "service", activity.name),
        *_called(workers, activity, how, workers.workflow_slots),
        *((fail("error", activity.error_rate),) if activity.error_rate else ()),
        *effect(workers.parts, activity, how, (fail("error"),)),
    )
    budget = retry_budget(workers.parts, activity, how, policy)
    retry = workers.retry(policy, retried=True, on_the_server=False, budget=budget)
    attempt = AttemptBody(steps=tried, retry=retry)
    return workers.in_local_slot((Attempt(name=f"try-{activity.name}", attempt=attempt), count(local_activity=1)))


def progress_of(activity: Activity) -> str:
    """The attribute that holds how many chunks are done."""
    return f"progress-{activity.name}"


def retry_budget(parts: Parts, activity: Activity, how: Scheduled, policy: RetryPolicy) -> str | None:
    """The budget of an activity's retries; None where there is none."""
    if policy.budget is None:
        return None
    name = f"{how.workflow}-{activity.name}"
    parts.budgets[name] = Budget(ratio=policy.budget.ratio, burst=policy.budget.burst)
    return name


def _cpu(workers: Workers, activity: Activity, slots: str) -> Steps:
    """A visit to the cores of the pod: of no length where no CPU is taken, if errors there have to be met."""
    if activity.cpu is None and not workers.may_fail:
        return ()
    demand = activity.cpu or constant(0)
    return (Use(use=UseBody(station=workers.cpu, demand=demand, at=slots)),)


def _met(workers: Workers, activity: Activity, failed: Steps) -> Steps:
    """Its CPU, and what is done about an error there."""
    visit = _cpu(workers, activity, workers.activity_slots)
    return (_handled(f"work-{activity.name}", visit, failed),) if workers.may_fail else visit


def _called(workers: Workers, activity: Activity, how: Scheduled, slots: str) -> Steps:
    """Its calls to dependencies, from the pod whose slot is held."""
    caller = Caller(workers.nodes, slots, workers.pods_as_one)
    return tuple(step for name in activity.calls for step in how.dependencies.call(name, caller))


def _calls(workers: Workers, activity: Activity, how: Scheduled, failed: Steps) -> Steps:
    calls = _called(workers, activity, how, workers.activity_slots)
    return (_handled(f"call-{activity.name}", calls, failed),) if calls else ()


def _handled(name: str, steps: Steps, failed: Steps) -> Step:
    """The steps; when one fails, what is done about it."""
    return Attempt(name=name, attempt=AttemptBody(steps=steps, on_failure=failed, counted=False))
