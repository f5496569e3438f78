"""Steps of workflows: what an execution may do, one after the other, at the same time, or against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, Tag, model_validator

from sim.errors import Path
from sim.network.counts import Name, Positive
from sim.network.distributions import Distribution, Number
from sim.scenario.model.workload import Activity
from sim.spec import Spec, chosen_by_key
from sim.units import Mistake, PositiveDuration, Ratio


class ActivityStep(Spec):
    """Run an activity and wait for its result."""

    activity: Activity
    """The activity."""


class Wait(Spec):
    """An event from outside, and how long it is waited for."""

    signal: Name
    """Name of the signal that brings it."""
    after: Distribution
    """Time from the begin of the wait to the signal."""
    missing: Ratio = 0.0
    """Share of waits to which no signal ever comes."""
    timer_ns: PositiveDuration | None = None
    """Give up after this long; without it the wait has no end."""
    on_timeout: Literal["fail", "continue"] = "fail"
    """What the workflow does when the timer wins: fail (and compensate what it has done), or go on."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.missing > 0 and self.timer_ns is None:
            raise Mistake(
                "needs a `timer`: a wait whose signal is missing would never end", "add   timer: 24 h", ("missing",)
            )
        return self


class WaitStep(Spec):
    """Wait for a signal, against a timer: `{wait: {signal: confirmed, after: 3 min, timer: 24 h}}`."""

    wait: Wait
    """The signal and the timer."""


class SleepStep(Spec):
    """Let time pass on a durable timer: `{sleep: 10 min}`."""

    sleep: Distribution
    """How long."""


class Child(Spec):
    """A workflow that another one starts, and what passes between the two."""

    plain_value_is: ClassVar[str] = "workflow"
    workflow: Name
    """Which of the `workflows`; one without `arrivals` is started as a child only."""
    wait: bool = True
    """Wait for its end, and fail if it fails; else go on once it has been asked for, whatever becomes of it."""
    parent_close_policy: Literal["terminate", "request_cancel", "abandon"] = "terminate"
    """What the server does with an open child when its parent closes. terminate: it ends at once; request_cancel: it
    stops what it does, undoes what it has to, and closes by a workflow task; abandon: it runs on to its end."""


class ChildStep(Spec):
    """Start another workflow and wait for its end: `{child: ship}`. It is an execution of its own, with its own shard,
    history and task queue; its start, its end and its failure are events of the parent. Several at once are items of
    a fan-out: `{fan_out: {items: 10, steps: [{child: ship}]}}`, with its `join` and `failures`. One that is not waited
    for: `{child: {workflow: ship, wait: false, parent_close_policy: abandon}}`."""

    child: Child
    """The workflow."""


class SequenceStep(Spec):
    """Steps one after the other, where one is expected: `{sequence: [{activity: {..}}, {sleep: 1 min}]}`."""

    sequence: WorkflowSteps
    """The steps."""


class ParallelStep(Spec):
    """Branches at the same time, all waited for; the first that fails fails the step, the others run on."""

    parallel: Annotated[tuple[WorkflowSteps, ...], Field(min_length=2)]
    """The branches, each a list of steps."""


class RaceStep(Spec):
    """Branches at the same time; the first to end decides, good or bad, and the others are cancelled."""

    race: Annotated[tuple[WorkflowSteps, ...], Field(min_length=2)]
    """The branches, each a list of steps."""


class Repeat(Spec):
    """Steps that are taken again and again."""

    times: Number
    """How many times; known only at run time where it varies."""
    steps: WorkflowSteps
    """The steps of a round."""
    at_once: bool = False
    """Whether the workflow's first task asks for the first round too, as a loop in its code does; else a task of its
    own begins the rounds. At the beginning of a workflow, with a whole number of rounds."""

    @model_validator(mode="after")
    def _begins_with_a_round(self) -> Self:
        if self.at_once and not (isinstance(self.times, int) and self.times >= 1):
            raise Mistake(
                "goes with a number of rounds, of which there is one at least", "write times: 3", ("at_once",)
            )
        return self


class RepeatStep(Spec):
    """Take steps again and again, as long-lived workflows do: `{repeat: {times: 1000, steps: [..]}}`."""

    repeat: Repeat
    """How often, and what."""


class FanOut(Spec):
    """The same for many items at the same time: an activity, or steps."""

    items: Number
    """How many; known only at run time where it varies."""
    activity: Activity | None = None
    """What is done for each."""
    steps: WorkflowSteps | None = None
    """Instead: the steps that are taken for each."""
    join: Literal["all", "first"] | Positive = "all"
    """Go on when all, the first, or this many have succeeded."""
    failures: Literal["fail_on_any", "gather_all", "ignore"] = "fail_on_any"
    """fail_on_any: fail as soon as the join can no longer be reached (with `join: all` at the first item that fails
    for good), while the others run on; gather_all: wait for all of them, then fail if any has failed; ignore: an item
    that has failed counts as done."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.activity is None) == (self.steps is None):
            raise Mistake("needs either an `activity` or `steps` for each item", "write   activity: {name: NAME, ..}")
        if self.failures == "gather_all" and self.join != "all":
            raise Mistake("waits for all items, which `join` does not", "leave out `join`", ("failures",))
        return self

    @property
    def each(self) -> WorkflowSteps:
        """The steps of an item."""
        if self.steps is not None:
            return self.steps
        assert self.activity is not None
        return (ActivityStep(activity=self.activity),)


class FanOutStep(Spec):
    """Run an activity for many items and join: `{fan_out: {items: {geometric: 200}, activity: {..}}}`."""

    fan_out: FanOut
    """Items, what is done for each, and join."""


KINDS = ("activity", "wait", "sleep", "sequence", "parallel", "race", "fan_out", "repeat", "child")
"""The keys that make a mapping a step of a workflow."""

WorkflowStep = Annotated[
    Annotated[ActivityStep, Tag("activity")]
    | Annotated[WaitStep, Tag("wait")]
    | Annotated[SleepStep, Tag("sleep")]
    | Annotated[SequenceStep, Tag("sequence")]
    | Annotated[ParallelStep, Tag("parallel")]
    | Annotated[RaceStep, Tag("race")]
    | Annotated[FanOutStep, Tag("fan_out")]
    | Annotated[RepeatStep, Tag("repeat")]
    | Annotated[ChildStep, Tag("child")],
    chosen_by_key({key: key for key in KINDS}),
]
"""One step of a workflow: a mapping whose key says what it does."""

WorkflowSteps = Annotated[tuple[WorkflowStep, ...], Field(min_length=1)]
"""Steps, one after the other."""


def inside(step: WorkflowStep) -> Iterator[tuple[Path, Sequence[WorkflowStep]]]:
    """The lists of steps inside a step, each with its path below the step; of a fan-out those of one item."""
    match step:
        case SequenceStep():
            yield ("sequence",), step.sequence
        case ParallelStep():
            for index, branch in enumerate(step.parallel):
                yield ("parallel", index), branch
        case RaceStep():
            for index, branch in enumerate(step.race):
                yield ("race", index), branch
        case RepeatStep():
            yield ("repeat", "steps"), step.repeat.steps
        case FanOutStep():
            if step.fan_out.steps is not None:
                yield ("fan_out", "steps"), step.fan_out.steps


def walk(steps: Sequence[WorkflowStep], path: Path = ()) -> Iterator[tuple[Path, WorkflowStep]]:
    """Every step with its path, outer before inner, in order."""
    for index, step in enumerate(steps):
        here = (*path, index)
        yield here, step
        for below, body in inside(step):
            yield from walk(body, (*here, *below))


def flat(steps: Sequence[WorkflowStep]) -> tuple[WorkflowStep, ...]:
    """The steps with those of sequences in their places."""
    found: list[WorkflowStep] = []
    for step in steps:
        found += flat(step.sequence) if isinstance(step, SequenceStep) else (step,)
    return tuple(found)


def own_activity(step: WorkflowStep) -> tuple[Path, Activity] | None:
    """The activity that a step names itself, with its path below the step."""
    if isinstance(step, ActivityStep):
        return ("activity",), step.activity
    if isinstance(step, FanOutStep) and step.fan_out.activity is not None:
        return ("fan_out", "activity"), step.fan_out.activity
    return None
