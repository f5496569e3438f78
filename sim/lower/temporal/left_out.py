"""What the mechanism of a platform leaves out, said in the notes that `sim explain` prints."""

from __future__ import annotations

from sim.lower.context import Context


def note_what_is_left_out(context: Context) -> None:
    """What the mechanism does not have: said, so that nobody takes it for included."""
    scenario, constants, regional = context.scenario, context.constants, context.parts.regional
    activities = [activity for workflow in scenario.workflows.values() for activity in workflow.activities]
    if any(activity.cpu is None for activity in activities):
        constants.note("CPU of activities that name none", "not taken from the cores of their worker")
    constants.note(
        "timeout of an activity attempt",
        "writes nothing to the store; its retry does, and so does a result that comes too late and is dropped",
    )
    constants.note(
        "reads of queues, visibility and deletion after the retention",
        "take the store's CPU at the transition that causes them; their commits are counted, not waited for",
    )
    if scenario.temporal is not None and scenario.temporal.frontend is not None:
        constants.note(
            "requests that wait for the CPU of the frontend",
            "are as many as come: it turns away by its rate limits alone, and sheds no load",
        )
    if regional is not None and regional.copying is not None:
        constants.note(
            "services and workers of the region that takes over",
            "started by the failover: in the bill only where `machines` names them; its store is billed",
        )
    if any(activity.heartbeat_ns is not None and activity.chunks is None for activity in activities):
        constants.note("heartbeats that report no progress", "write nothing to the store")
    if any(activity.chunks is not None for activity in activities):
        constants.note(
            "heartbeats that report a chunk",
            "reach the server at once; the SDK holds back those that follow within 0.8 of the timeout, so that chunks "
            "shorter than that would cost fewer writes, and a crash more than the chunk in progress",
            "Temporal documentation, docs/evaluate/cloud/actions.mdx, 2026-08-21",
        )
    policies = [activity.retry for activity in activities] + [one.retry for one in scenario.workflows.values()]
    if any(policy is not None and policy.budget is not None for policy in policies):
        constants.note("retry budgets", "are kept for each activity by all workers together; Temporal itself has none")
    if any(activity.local for activity in activities):
        constants.note(
            "workflow tasks with local activities",
            "are not kept alive by heartbeats: all that they do has to end within the workflow task timeout",
        )
