"""Eager dispatch: an activity that comes back with the reply to the workflow task that scheduled it.

The pod that ran the workflow task takes it where it has a free slot. The activity has then been scheduled and started
in one transition; no transfer queue, no matching and no poller are in its way. Up to a few come with one reply; the
others, and every further attempt, go the ordinary way. The first workflow task may come with the reply to the start.
"""

from __future__ import annotations

from sim.lower.steps import Attempt, AttemptBody, Branch, Option, Step, Steps, acquire, constant, count, delay, set_to
from sim.lower.steps import start as started
from sim.lower.temporal.platform import Platform

LEFT = "eager-left"
"""Attribute: how many activities may still come with the reply to the last workflow task."""


STARTED = "eager-start"
"""Attribute: 1 while the first workflow task may still come with the reply to the start."""


class Eager:
    """Eager dispatch on the pods of one task queue.

    slots: of activities. sticky: the pod of the last workflow task.
    """

    def __init__(self, platform: Platform, slots: str, sticky: str, rtt_ns: int | None) -> None:
        self.parts, self.constants = platform.parts, platform.constants
        self.slots, self.sticky = slots, sticky
        self.reply_ns = (platform.rtt_ns + (rtt_ns or 0)) // 2
        self.is_on = self.constants.is_on("temporal.eager_activities", platform.temporal.eager_activities)
        if self.is_on:
            self.parts.attributes[LEFT] = 0
        else:
            self.constants.record_assumption(
                "eager dispatch of activities", "off: every task passes through the transfer queue"
            )

    def allowed(self) -> Steps:
        """The end of a workflow task that schedules activities: so many may come with the reply."""
        return (set_to(LEFT, self.constants.number("sdk.eager_activities")),) if self.is_on else ()

    def or_else(self, ordinary: Steps, activity: str, alone: bool) -> Steps:
        """From the schedule of an activity to its start on a pod whose slot it holds.

        ordinary: by way of matching. alone: the execution runs it once at a time, so that its first attempt is known
        from further ones; where it does not, a further attempt may come eagerly too, while any are left.
        """
        if not self.is_on:
            return ordinary
        most = self.constants.number("sdk.eager_activities")
        one_less = [
            Option(attribute=LEFT, above=left - 0.5, steps=(set_to(LEFT, left - 1),)) for left in range(most, 0, -1)
        ]
        handed: Steps = (
            acquire(self.slots, affinity=self.sticky, patience_ns=0),
            started(),
            count(activity_task=1, eager_activity=1),
            *self.reply(),
        )
        eager: Steps = (
            Branch(branch=tuple(one_less)),
            Attempt(attempt=AttemptBody(steps=handed, counted=False, on_failure=ordinary)),
        )
        ways: Step = Branch(branch=(Option(attribute=LEFT, above=0.5, steps=eager), Option(steps=ordinary)))
        if not alone:
            return (ways,)
        again = _again(activity)
        self.parts.attributes[again] = 0
        first = Option(attribute=again, below=0.5, steps=(set_to(again, 1), ways))
        return (Branch(branch=(first, Option(steps=ordinary))),)

    def first_attempt(self, activity: str, alone: bool) -> Steps:
        """The next attempt of the activity is its first."""
        return (set_to(_again(activity), 0),) if self.is_on and alone else ()

    def reply(self) -> Steps:
        """The way of a reply to a pod of these workers."""
        return (delay(constant(self.reply_ns), "network"),) if self.reply_ns else ()


def _again(activity: str) -> str:
    """The attribute that tells a further attempt of an activity from its first."""
    return f"eager-{activity}"
