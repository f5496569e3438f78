"""Steps at the same time: fan-outs, parallel branches, races; and the workflow tasks that their results share.

A workflow task asks for everything at once. Each result that comes back while no workflow task of the execution is
scheduled has one scheduled, which nobody waits for; those that come before it has started share it. The one that finds
the join done is the one that asks for what follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Fork,
    ForkBody,
    Loop,
    LoopBody,
    Option,
    Race,
    Step,
    Steps,
    add,
    fail,
    set_to,
)
from sim.lower.stores.base import HISTORY
from sim.lower.temporal.requested import asked_together, events_requested
from sim.lower.temporal.workers import Workers
from sim.lower.temporal.workflow_tasks import Shared, workflow_task
from sim.scenario.model.workflow_steps import FanOutStep, ParallelStep, RaceStep, WorkflowStep

CLOSED = "closed"
"""Attribute: 1 when the execution is closed, so that a result beside others has nobody to tell any more."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where steps stand.

    path: of the step, for names. beside: in a branch or an item, with other steps at the same time. in_item: inside an
    item of a fan-out, of which many run in one execution. together: the first step has been asked for already. shared:
    the last result shares its workflow task with those beside it. first: the execution has just been created.
    """

    path: str = ""
    beside: bool = False
    in_item: bool = False
    together: bool = False
    shared: Shared | None = None
    first: bool = False


class Body(Protocol):
    """What turns the steps of a branch or an item into steps of a routine."""

    def __call__(self, steps: Sequence[WorkflowStep], where: Where) -> Steps:
        """Steps of a routine."""


class Branches:
    """Makes the steps of one workflow that run at the same time.

    own: the workers of its tasks. at_once: whether the items of a fan-out may.
    """

    def __init__(self, own: Workers, body: Body) -> None:
        self.parts, self.constants = own.parts, own.constants
        self.own = own
        self.at_once = own.context.scenario.behaviours.dynamic_fanout
        self.body = body

    def fan_out(self, step: FanOutStep, where: Where) -> Steps:
        """The items of a fan-out, each a child of a fork; or, where they cannot run at the same time, a loop."""
        body = step.fan_out
        label = f"each-{body.activity.name if body.activity is not None else where.path}"
        failed = f"failed-{label}"
        at_once = self.at_once
        shared = self._shared(label, where, body.join == "all") if at_once else None
        item = replace(where, beside=True, in_item=True, together=at_once, shared=shared, first=False)
        each: Steps = self.body(body.each, item)
        if at_once:
            each = (*self._requested(body.each), *each)
        before, after = [], []
        if body.failures != "fail_on_any":
            handled: list[Step] = []
            if body.failures == "gather_all":
                self.parts.attributes[failed] = 0
                before.append(set_to(failed, 0))
                handled.append(add(failed, 1))
                gathered = Option(attribute=failed, above=0, steps=(fail("items_failed"),))
                after.append(Branch(branch=(gathered,)))
            handled += request(self.own, shared)
            caught = AttemptBody(steps=each, on_failure=tuple(handled), counted=False)
            each = (Attempt(name=f"gather-{label}", attempt=caught),)
        if not at_once:
            times = body.items if body.join == "all" else 1 if body.join == "first" else body.join
            return (*before, Loop(name=label, loop=LoopBody(times=times, steps=each)), *after)
        fork = Fork(name=label, fork=ForkBody(items=body.items, steps=each, join=body.join))
        return (*before, *self._joining(shared, fork), *after)

    def parallel(self, step: ParallelStep, where: Where) -> Steps:
        """One child of a fork for each branch."""
        label = f"parallel-{where.path}"
        shared = self._shared(label, where, joins_all=True)
        fork = ForkBody(branches=tuple(self._branch(step.parallel, where, shared)))
        return tuple(self._joining(shared, Fork(name=label, fork=fork)))

    def race(self, step: RaceStep, where: Where) -> Steps:
        """The branches against each other."""
        self.constants.record_assumption(
            "activities of a branch that has lost a race",
            "give their slot back at once; Temporal's are told so in the answer to their next heartbeat",
        )
        return (Race(name=f"race-{where.path}", race=tuple(self._branch(step.race, where, None))),)

    def _branch(self, branches: Sequence[Sequence[WorkflowStep]], where: Where, shared: Shared | None) -> list[Steps]:
        return [
            (
                *self._requested(steps),
                *self.body(
                    steps,
                    replace(
                        where,
                        path=f"{where.path}-{index}",
                        beside=True,
                        together=True,
                        shared=shared,
                        first=False,
                    ),
                ),
            )
            for index, steps in enumerate(branches)
        ]

    def _requested(self, steps: Sequence[WorkflowStep]) -> Steps:
        """The events of what one workflow task asked for together with others: the first step, and before it children
        that nobody waits for."""
        events = sum(map(events_requested, asked_together(steps)))
        return (add(HISTORY, events),) if events else ()

    def _shared(self, label: str, where: Where, joins_all: bool) -> Shared:
        """What tells a workflow task that the join is done, or that the execution is closed."""
        self.constants.record_assumption(
            "workflow tasks of fan-outs and branches",
            "results that come before a scheduled one has started share it; the next one does not wait for one that "
            "is running",
        )
        pending, closed = self.own.task_pending, CLOSED
        self.parts.attributes.update({pending: 0, closed: 0})
        if not joins_all or where.in_item:
            return Shared(pending, (closed,))
        joined = f"joined-{label}"
        self.parts.attributes[joined] = 0
        return Shared(pending, (joined, closed), joined)

    def _joining(self, shared: Shared | None, fork: Fork) -> list[Step]:
        """The fork, between the marks that its workflow tasks look at."""
        assert shared is not None
        before = [set_to(name, 0) for name in (shared.pending, shared.joined) if name is not None]
        return [*before, fork, *([set_to(shared.joined, 1)] if shared.joined is not None else ())]


def request(own: Workers, shared: Shared | None) -> Steps:
    """A workflow task that tells of a result, unless one is scheduled that will; nobody waits for it."""
    if shared is None:
        return ()
    return (Branch(branch=(Option(attribute=shared.pending, above=0), Option(steps=requested(own, shared)))),)


def requested(own: Workers, shared: Shared) -> Steps:
    """A workflow task that tells of a result; nobody waits for it."""
    task = workflow_task(own, "nothing_asked", shared=shared)
    return (set_to(shared.pending, 1), Fork(fork=ForkBody(branches=((task,),), join=0)))
