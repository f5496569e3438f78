"""How a published figure is made of what runs tell, as data: leaves of one run, and sums, products and ratios of them.

How a number comes out of it lives in `terms`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, Tag, model_validator

from sim.network.names import Name
from sim.spec import Spec, chosen_by_key
from sim.units import EventsInTime, Mistake, PositiveRate

Assignment = Annotated[str, Field(pattern=r"^[^=\s]+=")]
"""`PATH=VALUE`, as `--set` takes it."""


class Switch(Spec):
    """How a behaviour is turned off, and what that must do."""

    run: Name
    """The run that has it."""
    remove: Annotated[tuple[Assignment, ...], Field(min_length=1)]
    """Changes, as `--set` takes them, that turn it off."""
    metric: str
    """What changes, named before the runs were seen: a figure, or `violations.M` for the share that breaks M."""
    direction: Literal["up", "down"]
    """Where turning it off moves the metric."""


class OfRun(Spec):
    """Something that one run tells."""

    run: Name
    """Which run."""


class Metric(OfRun):
    """A figure of a run, by the name that `sim run` gives it."""

    metric: str
    """Name of the figure, such as `latency.W.p99`."""


class BillLine(OfRun):
    """What a run pays in a month for a part of its deployment."""

    bill: str
    """The part, as the bill names it: `postgres`, `workers.orders`."""


class Kept(OfRun):
    """The share of a run's executions that kept all of these properties."""

    monitors: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Monitors of the scenario."""


class Broken(OfRun):
    """The share of a run's executions that broke one of these properties."""

    violations: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Monitors of the scenario."""


class Property(OfRun):
    """What every run is audited for."""

    property: Literal["no_deadlock"]
    """`no_deadlock`: no two executions ever wait for each other."""


class Loss(OfRun):
    """How often a fault comes in truth, and the run in which it comes far more often, so that its harm is seen."""

    fault: Name
    """The fault, which has to be a random one there."""
    rate_per_s: PositiveRate | None = None
    """How often it comes in truth: `4/day`."""
    seen: EventsInTime | None = None
    """Or how often it was seen to come: `2 in 2 years`."""
    source: str
    """Where the rate is from; `assumption: ..` where nobody knows it."""

    @model_validator(mode="after")
    def _has_a_rate(self) -> Self:
        if (self.rate_per_s is None) == (self.seen is None):
            raise Mistake(
                "needs one of `rate` and `seen`, and only one", "write   rate: 4/day   or   seen: 2 in 2 years"
            )
        return self


class ErrorBudgetOf(Spec):
    """The share of a workflow's executions that end correctly in time, with faults that are too rare to be seen."""

    error_budget: Name
    """The workflow."""
    calm: Name
    """The run without any fault, which tells what ends badly all the same, and how many start."""
    losses: Annotated[tuple[Loss, ...], Field(min_length=1)]
    """The faults."""

    @property
    def of_calm(self) -> tuple[Metric, Metric]:
        """The share that ends correctly without faults, and how many are offered a second."""
        figures = (f"availability.{self.error_budget}", f"offered.{self.error_budget}")
        available, rate = (Metric(run=self.calm, metric=metric) for metric in figures)
        return available, rate


class Shown(Spec):
    """Whether a behaviour of the registry shows: 1 where it does."""

    behaviour: Name
    """Which behaviour."""


class Switched(Spec):
    """Whether a design of one run shows when it is turned off there: 1 where it does."""

    switch: Switch
    """How it is turned off, and what that must do."""


class Number(Spec):
    """A number that is no prediction, such as the seconds of a month."""

    number: float
    """The number."""
    unit: Literal["", "s", "1/s", "USD", "USD/month"] = ""
    """Its unit."""


class RatioOf(Spec):
    """One prediction over another."""

    ratio: tuple[Term, Term]
    """Numerator and denominator."""


class SavingOf(Spec):
    """What the first costs less than the second, as a share of the second."""

    saving: tuple[Term, Term]
    """The cheaper one, and what it is held against."""


class ProductOf(Spec):
    """Predictions multiplied."""

    product: Annotated[tuple[Term, ...], Field(min_length=2)]
    """The factors."""


class SumOf(Spec):
    """Predictions added."""

    sum: Annotated[tuple[Term, ...], Field(min_length=2)]
    """The terms."""


KEYS = (
    *("metric", "bill", "monitors", "violations", "property", "behaviour", "switch"),
    *("number", "ratio", "saving", "product", "sum", "error_budget"),
)
Term = Annotated[
    Annotated[Metric, Tag("metric")]
    | Annotated[BillLine, Tag("bill")]
    | Annotated[Kept, Tag("monitors")]
    | Annotated[Broken, Tag("violations")]
    | Annotated[Property, Tag("property")]
    | Annotated[Shown, Tag("behaviour")]
    | Annotated[Switched, Tag("switch")]
    | Annotated[Number, Tag("number")]
    | Annotated[RatioOf, Tag("ratio")]
    | Annotated[SavingOf, Tag("saving")]
    | Annotated[ProductOf, Tag("product")]
    | Annotated[SumOf, Tag("sum")]
    | Annotated[ErrorBudgetOf, Tag("error_budget")],
    chosen_by_key({key: key for key in KEYS}),
]
"""How a number comes out of runs."""


def operands(term: Term | Loss) -> tuple[Term | Loss, ...]:
    """The terms that a term is made of; none for a leaf."""
    match term:
        case RatioOf():
            return term.ratio
        case SavingOf():
            return term.saving
        case ProductOf():
            return term.product
        case SumOf():
            return term.sum
        case ErrorBudgetOf():
            return (*term.of_calm, *term.losses)
    return ()


def leaves(term: Term | Loss) -> list[Term | Loss]:
    """The term's leaves, itself when it is one."""
    parts = operands(term)
    return [leaf for part in parts for leaf in leaves(part)] if parts else [term]


def runs_of(term: Term) -> list[str]:
    """The runs that a term is made of, each once."""
    found = []
    for leaf in leaves(term):
        if isinstance(leaf, OfRun):
            found.append(leaf.run)
        elif isinstance(leaf, Switched):
            found.append(leaf.switch.run)
    return list(dict.fromkeys(found))


def is_of_drills(metric: str) -> bool:
    """Whether a figure is about the recovery from scripted faults, which have runs of their own."""
    return metric.startswith(("recovery.", "worker_recovery."))


for model in (RatioOf, SavingOf, ProductOf, SumOf, ErrorBudgetOf):
    model.model_rebuild()
