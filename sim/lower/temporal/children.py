"""Child workflows: executions of their own that another one lets in, is told of, and may wait for.

The parent's workflow task asks for one. The transfer queue of the parent's shard then starts the child, which picks a
shard by a key of its own, tells the parent, and has the child's first workflow task scheduled. When the child has
closed, the transfer queue of *its* shard tells the parent. The parent has a workflow task for each of the two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from sim.lower.placement.masters import MASTER, WAY
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Child,
    ChildBody,
    Fork,
    ForkBody,
    Option,
    Step,
    Steps,
    count,
    fail,
    mark,
    set_to,
    tell_parent,
)
from sim.lower.temporal.branches import CLOSED, Where, requested
from sim.lower.temporal.workers import READY, Workers
from sim.lower.temporal.workflow_tasks import Shared
from sim.network.monitors import Span
from sim.scenario.model.workflow_steps import Child as ChildWritten
from sim.scenario.model.workflow_steps import ChildStep, walk
from sim.scenario.scenario import Scenario

FAILED = "child_failed"
"""Failure: a child has failed, been undone, or has not been let run to its end."""
AS_CHILD = "as-child"
"""Attribute: 1 where a parent lets the execution in; known to executions of workflows that clients start too. A parent
sets its own for its child to take. Of the parent's later steps the mark at its end alone reads it, and ends no span
that has not begun."""
ON_CLOSE = {"terminate": "terminate", "request_cancel": "cancel", "abandon": "abandon"}
"""What a network calls the policies. Source: Temporal documentation, docs/encyclopedia/child-workflows/
parent-close-policy.mdx, 2026-08-21."""


class Children:
    """Makes the children of one workflow. own: the workers of its tasks. also_by_clients: workflows that clients start
    as well."""

    def __init__(self, own: Workers, also_by_clients: Collection[str]) -> None:
        self.parts, self.constants = own.parts, own.constants
        self.own = own
        self.also_by_clients = also_by_clients
        self.known: Counter[str] = Counter()

    def awaited(self, child: ChildWritten, where: Where) -> Steps:
        """A child that has been asked for, until the parent has been told of its end."""
        shared = where.shared
        own = Shared(self.own.task_pending, (f"child-done-{where.path}", CLOSED))
        begun: Steps = ()
        ended = self._told("child_completed", shared)
        if shared is None:
            self.parts.attributes.update(dict.fromkeys((own.pending, *own.done), 0))
            begun = (set_to(own.pending, 0), set_to(own.done[0], 0))
            ended = (set_to(own.done[0], 1), self.own.store.transition("child_completed"))
        ended = (mark(READY), *ended)
        return (
            *begun,
            *self.own.platform.read_queue(),
            *self._until(child, shared or own, (*ended, fail(FAILED))),
            *ended,
        )

    def beside(self, child: ChildWritten) -> Step:
        """A child that has been asked for and is not waited for: the parent is told of it all the same, while it is
        open."""
        shared = Shared(self.own.task_pending, (CLOSED,))
        self.parts.attributes.update(dict.fromkeys((shared.pending, *shared.done), 0))
        whole = (*self._until(child, shared, ()), *self._told("child_completed", shared))
        self.constants.record_assumption(
            "a child that its parent does not wait for",
            "is asked for by the workflow task that asks for the next step; at the end of the steps, or before "
            "rounds, by one of its own",
        )
        return Fork(fork=ForkBody(branches=((*self.own.platform.read_queue(), *whole),), join=0))

    def _until(self, child: ChildWritten, shared: Shared, failed: Steps) -> Steps:
        """From the child's start until its parent's shard hears of its end. failed: what follows its failure."""
        name = child.workflow
        self._note()
        regional = self.parts.regional
        takes = () if regional is None or regional.many is None else (MASTER, WAY)
        begun: Steps = ()
        if name in self.also_by_clients:
            self.parts.attributes[AS_CHILD] = 0
            begun, takes = (set_to(AS_CHILD, 1),), (*takes, AS_CHILD)
        body = ChildBody(
            routine=name,
            takes=takes,
            told=self._told("child_started", shared),
            after=self._closed(),
            on_close=ON_CLOSE[child.parent_close_policy],
        )
        self.known[name] += 1
        number = self.known[name]
        step = Child(name=f"child-{name}" if number == 1 else f"child-{name}-{number}", child=body)
        return (*begun, Attempt(attempt=AttemptBody(steps=(step,), on_failure=failed, counted=False)))

    def _closed(self) -> Steps:
        """What the child's shard does once it has ended: one that could not close itself is closed; then its transfer
        queue is read."""
        terminated = (set_to(CLOSED, 1), self.own.store.transition("closed"))
        closed = Branch(branch=(Option(attribute=CLOSED, below=0.5, steps=terminated), Option()))
        return (closed, *self.own.platform.read_queue())

    def _told(self, kind: str, shared: Shared | None) -> Steps:
        """An open parent is told, and a workflow task of it scheduled, unless one is that will tell it, for which
        there is a transition of its own."""
        if shared is None:
            return ()
        transition = self.own.store.transition
        closed = Option(attribute=CLOSED, above=0)
        beside = Option(attribute=shared.pending, above=0, steps=(transition(f"{kind}_beside"),))
        alone = Option(steps=(set_to(shared.pending, 1), transition(kind), *requested(self.own, shared)))
        return (Branch(branch=(closed, beside, alone)),)

    def _note(self) -> None:
        note = self.constants.record_assumption
        note(
            "open children of a parent that closes",
            "are terminated, asked to cancel or left alone (`parent_close_policy`) at that instant, and so are those "
            "of a branch that has lost a race; the read of the parent's transfer queue before it takes no time",
        )
        note("the termination of a child", "writes what a close does; whatever it was doing is cut off")
        note(
            "what tells a parent of its child",
            "takes the time of a task on its way from a transfer queue to a worker",
        )
        note(
            "figures of a workflow that others start as a child",
            "are of all its executions, whoever started them; child_latency.NAME is of children, from their start to "
            "the end of those that succeed",
        )
        if self.parts.regional is not None:
            note("master of a child", "is that of its parent, whose service starts it; its shard and rows are its own")


class ChildSide:
    """What a workflow does as a child, besides the steps that it takes as any execution. name: its own."""

    def __init__(self, own: Workers, name: str) -> None:
        self.own, self.name = own, name
        self.span = f"child-{name}"

    def started(self) -> Steps:
        """From the child's start until its first workflow task is scheduled."""
        parts, store = self.own.parts, self.own.store
        parts.attributes.setdefault(CLOSED, 0)
        parts.spans[self.span] = Span(
            start=f"{self.span}-begun", end=f"{self.span}-ended", metric=f"child_latency.{self.name}"
        )
        return (
            count(**{f"execution_of_{self.name}": 1}),
            mark(f"{self.span}-begun"),
            mark(READY),
            store.transition("child_created"),
            tell_parent(),
            store.transition("child_first_task_scheduled"),
        )

    def ended(self) -> Step:
        """It has succeeded."""
        return mark(f"{self.span}-ended")


def as_child(steps: Steps) -> Step:
    """The steps, for an execution that a parent lets in; nothing for others of its routine."""
    return Branch(branch=(Option(attribute=AS_CHILD, above=0, steps=steps), Option()))


def by_client(*steps: Step) -> Step:
    """The steps, for an execution that a client starts; nothing for others of its routine."""
    return Branch(branch=(Option(attribute=AS_CHILD, above=0), Option(steps=steps)))


def started_as_children(scenario: Scenario) -> dict[str, set[str]]:
    """The workflows that others start, each with the policies by which their parents close."""
    found: dict[str, set[str]] = {}
    for workflow in scenario.workflows.values():
        for _, step in walk(workflow.steps):
            if isinstance(step, ChildStep):
                found.setdefault(step.child.workflow, set()).add(step.child.parent_close_policy)
    return found
