"""Steps without steps inside that speak of the execution itself: marks, counts, attributes, failures, news."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from sim.network.counts import Counted, Name
from sim.network.distributions import Number
from sim.spec import Spec
from sim.units import Ratio


class StepSpec(Spec):
    """What every step may carry."""

    TAG: ClassVar[str]
    """Its key in a file."""
    name: Name | None = None
    """Name of the step: the stream of its draws, so that they stay when steps are added before it."""


class Release(StepSpec):
    """Give back the units of a resource that were acquired last."""

    TAG: ClassVar[str] = "release"
    release: Name
    """The resource."""


class Start(StepSpec):
    """The attempt around it has started: start-to-close and heartbeats count from here."""

    TAG: ClassVar[str] = "start"
    start: Literal[True]
    """Always true; without such a step an attempt starts with its first grant."""


class Tell(StepSpec):
    """The parent of this execution takes the steps that it has for being told; wait until it has."""

    TAG: ClassVar[str] = "tell"
    tell: Literal["parent"]
    """Always `parent`; without one nothing happens."""


class MarkBody(Spec):
    """A fact about the execution."""

    plain_value_is: ClassVar[str] = "name"
    name: Name
    """Its name."""
    once: bool = False
    """Made again it counts as the same one (an idempotency key)."""


class Mark(StepSpec):
    """Make a mark: the begin or end of a span, a fact for a monitor."""

    TAG: ClassVar[str] = "mark"
    mark: MarkBody
    """Its name."""


class CountStep(StepSpec):
    """Count operations: `{count: {storage_query: 3, commit: 1}}`."""

    TAG: ClassVar[str] = "count"
    count: dict[Name, Counted]
    """How many of which."""


class Change(Spec):
    """A change of an attribute."""

    add: Number | None = None
    """Add this."""
    to: Number | None = None
    """Make it this."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.add is None) == (self.to is None):
            raise ValueError("needs `add` or `to`")
        return self


class SetStep(StepSpec):
    """Change attributes of the execution: `{set: {history: {add: 3}}}`."""

    TAG: ClassVar[str] = "set"
    set: dict[Name, Change]
    """The changes."""


class Fail(StepSpec):
    """Fail, always or with a chance."""

    TAG: ClassVar[str] = "fail"
    fail: str
    """Name of the failure; retry policies may list it as non-retryable."""
    probability: Ratio = 1.0
    """Chance."""


class Forget(StepSpec):
    """Forget the node remembered under a name."""

    TAG: ClassVar[str] = "forget"
    forget: Name
    """The affinity."""


class Prompt(StepSpec):
    """Read a polled queue on the spot, without a token: `{prompt: notices}`."""

    TAG: ClassVar[str] = "prompt"
    prompt: Name
    """The station."""


class Notify(StepSpec):
    """A timer queue hears of something new, and will take no timer that is due soon: `{notify: server}`."""

    TAG: ClassVar[str] = "notify"
    notify: Name
    """The timer queue."""
