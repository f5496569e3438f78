"""Properties that every execution must keep, checked on its marks while it runs."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim.network.counts import Name, Value
from sim.spec import Spec
from sim.units import PositiveDuration


class Monitor(Spec):
    """One property of the marks that an execution makes. Exactly one of the forms below."""

    when: Name | None = None
    """eventually: once this mark is made ..."""
    eventually: tuple[Name, ...] | None = None
    """... one of these must follow before the execution closes ..."""
    within_ns: PositiveDuration | None = None
    """... and within this time."""
    never_both: tuple[Name, Name] | None = None
    """These two marks never occur in one execution."""
    at_most_once: Name | None = None
    """This mark occurs at most once in an execution (exactly-once side effects)."""
    conserve: dict[Name, Value] | None = None
    """Amount that each mark moves; at the close of an execution the amounts add up to 0."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = [self.eventually, self.never_both, self.at_most_once, self.conserve]
        if sum(form is not None for form in forms) != 1:
            raise ValueError("needs exactly one of `eventually`, `never_both`, `at_most_once`, `conserve`")
        if (self.eventually is None) != (self.when is None):
            raise ValueError("`eventually` goes with `when`")
        if self.within_ns is not None and self.eventually is None:
            raise ValueError("`within` goes with `eventually`")
        return self


class Span(Spec):
    """Time from one mark of an execution to another; each time the second follows the first counts once."""

    start: Name
    """Mark at which it begins."""
    end: Name
    """Mark at which it ends."""
    after_crash: Name | None = None
    """Counts once for each execution that a crash of a node of this group hits: one that ran there, or whose
    remembered node it was; from the crash, or from `start` where that comes later."""
    metric: Annotated[str, Field(pattern=r"^[a-z_]+\.[A-Za-z0-9_\-]+$")] | None = None
    """Name of the metric family, such as `schedule_to_start.orders`; `span.NAME` by default."""
