"""What was measured of each product: settings from where to where, and how far predictions were off. And which product
a network is a model of, so that a prediction can say whether it was measured there.

`presets/calibrated.yaml` holds the ranges. `sim.studies.envelope` decides whether a scenario lies inside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.network.counts import Name
from sim.scenario.reading.reader import load_yaml
from sim.spec import Spec

FILE = "calibrated.yaml"


class Span(Spec):
    """What was measured of one setting: numbers from `low` to `high`, or words."""

    low: float | None = None
    """Least number."""
    high: float | None = None
    """Greatest number."""
    unit: Literal["", "s", "1/s", "ratio"] = ""
    """Unit of both."""
    words: tuple[str, ...] = ()
    """Instead: the words that were measured."""
    others: Literal["outside", "edge"] = "outside"
    """What another word means: another product (outside), or another version of this one (edge)."""
    cells: str | None = None
    """Setting of the measured cells that the span is read from; written by hand where there is none."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if bool(self.words) == (self.low is not None) or (self.low is None) != (self.high is None):
            raise ValueError("needs either `low` and `high` or `words`")
        return self


class Product(Spec):
    """A product as it was measured."""

    what: str
    """Product, versions and host."""
    settings: dict[str, Span]
    """By the names of `sim.studies.envelope`."""
    used: tuple[str, ...] = ()
    """What is used or not, and was used when it was measured."""
    discrepancy: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """By group of figures (throughput, latency.p99, schedule_to_start.mean, recovery, ..): standard deviation of the
    logarithm of predicted over measured, noise of both taken off. Empty until predictions have been scored."""
    inputs: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """By group: how far the uncertainty of the fitted parameters moves a figure, as the standard deviation of its
    logarithm, to first order."""
    scored: str = ""
    """On what: the cells that the two above come from."""


@cache
def calibrated() -> Mapping[str, Product]:
    """The products that were measured, by name."""
    text = (files("sim.scenario") / "presets" / FILE).read_text(encoding="utf-8")
    return {name: Product.model_validate(one) for name, one in load_yaml(text, FILE)["products"].items()}


class StandsFor(Spec):
    """For a network: the product, and where its settings stand in this file."""

    product: Name
    """One of those in `presets/calibrated.yaml`: postgres, temporal, dbos."""
    settings: dict[Annotated[str, Field(min_length=1)], str] = Field(default_factory=dict)
    """By the names that are used there: the dotted path of a value in this file, as for `--set`, or the figure of the
    runs that tells it, such as `metric:utilisation.host`."""
