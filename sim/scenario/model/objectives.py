"""What is asked of a scenario: bounds on figures, and service levels with an error budget."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, Tag, WithJsonSchema, model_validator

from sim.spec import Spec, chosen_by_key
from sim.units import (
    Mistake,
    PositiveDuration,
    Ratio,
    format_duration_ns,
    parse_duration_ns,
    parse_ratio,
    parse_usd,
    parse_usd_per_month,
)

Indicator = Literal["start", "outcome", "latency"]


class Bound(Spec):
    """A bound on a figure: `{metric: latency.checkout.p99, below: 4 s}`."""

    metric: Annotated[str, Field(pattern=r"^[a-z_]+(\.[A-Za-z0-9_\-]+)+$")]
    """Name of the metric, such as `latency.W.p99`, `availability.W`, `recovery.F.latency_ok.p95`, `cost.total`."""
    name: str | None = None
    """What it is called in reports; the metric by default."""
    below: Quantity | None = None
    """It must stay below this: a time, a share, money a month or a plain number."""
    above: Quantity | None = None
    """It must stay above this."""

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.below is None) == (self.above is None):
            raise ValueError("needs either `below` or `above`")
        return self


def _quantity(value: object) -> object:
    """A bound in the metric's own unit: seconds, a share, USD a month, or a number."""
    if isinstance(value, bool) or not isinstance(value, str):
        return value
    for parse, scale in ((parse_duration_ns, 1e-9), (parse_ratio, 1.0), (parse_usd_per_month, 1.0), (parse_usd, 1.0)):
        try:
            return parse(value) * scale
        except ValueError:
            continue
    raise ValueError(f"is `{value}`, which is no bound; write a time (`4 s`), a share (`99.9 %`), `6000 USD/month`")


Quantity = Annotated[
    float,
    BeforeValidator(_quantity),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": r"\d"}, {"type": "number"}],
            "examples": ["99.9 %", "250 ms", "6000 USD/month", 50],
            "x-kind": "bound",
            "x-unit": "",
            "x-bounds": "in the unit of its metric",
        }
    ),
]


class ServiceLevel(Spec):
    """A share of events that have to be good: `{sli: start.checkout, within: 2 s, above: 99.99 %, window: 30 days}`.

    What may be bad over the window is the error budget; `sim error-budget` tells what each kind of fault takes of it.
    """

    below: ClassVar[None] = None
    sli: Annotated[
        str,
        Field(
            pattern=r"^(start|outcome|latency)\.[A-Za-z_][A-Za-z0-9_\-]*$",
            json_schema_extra={"x-form": "of the form start.WORKFLOW, outcome.WORKFLOW or latency.WORKFLOW"},
        ),
    ]
    """The events and what is a good one. `start.W`: the call that starts W was answered, `within` that time.
    `outcome.W`: the execution ended correctly, released or compensated, `within` that time after its start.
    `latency.W`: it did not succeed later than `within`; one that fails is `outcome`'s matter."""
    within_ns: PositiveDuration | None = None
    """The threshold. With `outcome` it may be left out: then the workflow's deadline counts, if it has one."""
    above: Ratio
    """Share of events that have to be good, such as `99.99 %`."""
    window_ns: PositiveDuration = 30 * 86_400_000_000_000
    """Over which time the budget holds. `sim error-budget` tells the chance to stay inside over one such window,
    beside that of a month and of a year."""
    name: str | None = None
    """What it is called in reports; the indicator by default."""

    @model_validator(mode="after")
    def _has_a_threshold_and_a_budget(self) -> Self:
        if self.within_ns is None and self.indicator != "outcome":
            raise Mistake(f"needs `within`, the time that an event of `{self.sli}` may take", "write   within: 2 s")
        if not 0 < self.above < 1:
            what = "leaves no budget: one bad event in all years breaks it" if self.above else "asks for nothing"
            raise Mistake(what, "write   above: 99.99 %", ("above",))
        return self

    @property
    def indicator(self) -> Indicator:
        """Which events are looked at, and when one is good."""
        kind = self.sli.partition(".")[0]
        assert kind in ("start", "outcome", "latency")
        return kind  # type: ignore[return-value]  # the pattern of `sli` admits no other

    @property
    def workflow(self) -> str:
        """Whose events."""
        return self.sli.partition(".")[2]

    @property
    def metric(self) -> str:
        """Name of the share of good events among the figures of a run."""
        return self.sli if self.within_ns is None else f"{self.sli} within {format_duration_ns(self.within_ns)}"


Objective = Annotated[
    Annotated[Bound, Tag("bound")] | Annotated[ServiceLevel, Tag("service level")],
    chosen_by_key({"metric": "bound", "sli": "service level"}),
]
