"""Child workflows: an execution that another one starts, waits for, and is told of.

The parent's workflow task asks for it. Its shard's transfer queue then starts the child on a shard of the child's own,
tells the parent, and has the child's first workflow task scheduled. When the child has closed, the transfer queue of
*its* shard tells the parent. The parent has a workflow task for each of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sim.lower.placement.zones import AWAY
from sim.lower.steps import Attempt, AttemptBody, Branch, Option, Steps, call, count, fail, mark, set_to
from sim.lower.temporal.as_child import AsChild
from sim.lower.temporal.branches import CLOSED, Where, requested
from sim.lower.temporal.matching import WRITER
from sim.lower.temporal.platform import PARTITION
from sim.lower.temporal.workers import READY, Workers
from sim.lower.temporal.workflow_tasks import Shared
from sim.network.monitors import Span

FAILED = "child_failed"
"""Failure: a child has failed, been undone, or has not been let run to its end."""


class Children:
    """Makes the children of one workflow.

    parent: its name. own: the workers of its tasks. pools: attributes by which federated queues find a pool. steps:
    those of a workflow, from its first workflow task on.
    """

    def __init__(
        self,
        parent: str,
        own: Workers,
        pools: Sequence[str],
        steps: Callable[[str, Where], Steps],
    ) -> None:
        self.parts, self.constants = own.parts, own.constants
        self.parent = parent
        self.own = own
        self.pools = pools
        self.steps = steps

    def step(self, workflow: str, where: Where) -> Steps:
        """A child that has been asked for, until the parent has been told of its end."""
        shared = where.shared
        own = Shared(self.own.task_pending, (f"child-done-{where.path}", CLOSED))
        if shared is None:
            self.parts.attributes.update(dict.fromkeys((own.pending, *own.done), 0))
        begin, steps, leave = self._child(workflow, where)
        created, run, closing = steps
        told = self._told("child_completed", "child_completed_beside", shared)
        if shared is None:
            told = (set_to(own.done[0], 1), *told)
        failed = (*closing, *leave, *told, fail(FAILED))
        return (
            *(() if shared is not None else (set_to(own.pending, 0), set_to(own.done[0], 0))),
            *self.own.platform.read_queue(),
            *begin,
            *created,
            *self._told("child_started", "child_started_beside", shared or own),
            Attempt(attempt=AttemptBody(steps=run, on_failure=failed, counted=False)),
            *closing,
            *leave,
            mark(READY),
            *told,
        )

    def _child(self, workflow: str, where: Where) -> tuple[Steps, list[Steps], Steps]:
        """What the child begins with; its start, its run and its close; what it ends with."""
        store, platform = self.own.store, self.own.platform
        alone = not where.in_item
        scope = f"{workflow}-of-{self.parent}-{where.path}" if alone else f"{workflow}-of-many"
        self._note(alone)
        before = set(self.parts.routines)
        span = f"child-{workflow}"
        self.parts.spans[span] = Span(start=f"{span}-begun", end=f"{span}-ended", metric=f"child_latency.{workflow}")
        created = (
            count(**{f"execution_of_{workflow}": 1}),
            mark(f"{span}-begun"),
            store.transition("child_created"),
        )
        run = f"{workflow}-as-child"
        self.parts.routines[run] = (
            store.transition("child_first_task_scheduled"),
            *self.steps(workflow, Where(first=True, in_item=not alone)),
            mark(f"{span}-ended"),
        )
        kept = {PARTITION, WRITER, AWAY, *self.pools}
        places = (*self.parts.resources.values(), *self.parts.stations.values())
        kept |= {keyed.by for place in places if (keyed := getattr(place, "keyed", None)) is not None}
        child = AsChild(self.parts, workflow, scope, alone, frozenset(kept))
        begin, steps = child.arrive(created, (call(run),), tuple(platform.read_queue()))
        for routine, copy in child.copies.items():
            if routine in store.carried_out:
                store.carried_out[copy] = store.carried_out[routine]
        self.parts.patterns |= set(child.copies) - before
        return begin, steps, child.leave()

    def _told(self, kind: str, beside_kind: str, shared: Shared | None) -> Steps:
        """The parent is told, and a workflow task of it scheduled; with `shared`, unless one is that will tell it, for
        which there is a transition of its own."""
        transition = self.own.store.transition
        if shared is None:
            return (transition(kind),)
        beside = Option(attribute=shared.pending, above=0, steps=(transition(beside_kind),))
        alone = Option(steps=(set_to(shared.pending, 1), transition(kind), *requested(self.own, shared)))
        return (Branch(branch=(beside, alone)),)

    def _note(self, alone: bool) -> None:
        note = self.constants.record_assumption
        note(
            "children that their parent does not wait for any more",
            "run on to their end (ParentClosePolicy ABANDON); Temporal's default would terminate them when the parent "
            "closes. One in a branch that has lost a race stops there and then",
        )
        note(
            "what tells a parent of its child",
            "takes the time of a task on its way from a transfer queue to a worker",
        )
        note(
            "latency and outcome of executions",
            "are those of parents, their children included; child_latency.NAME is from a child's start to its end",
        )
        note(
            "records, zone and master of a child",
            "are those of its parent: the row that it writes, where its shard is",
        )
        if not alone:
            note(
                "children that run at the same time in one parent",
                "are known to no pod: each workflow task goes to any pod, and finds the state there; each result has "
                "a workflow task of its own; no activity comes eagerly",
            )
            note(
                "the owner of such a child's shard, and its partition in Cassandra",
                "drawn anew for each transition; its shard stays",
            )
