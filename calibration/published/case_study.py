"""How a case study declares its figures: a claim in words, and a decorator for the function that predicts it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from calibration.published.asking import Predict
from calibration.published.registry import (
    Assumed,
    Behaviour,
    Kind,
    Mechanism,
    Parameter,
    Prediction,
    Published,
    Registry,
    Relation,
    Role,
    RunOf,
    UsedIn,
)


class Claim(NamedTuple):
    """What is claimed of a figure."""

    relation: Relation
    value: float | tuple[float, float] | str
    unit: str


def equal(value: float | str, unit: str) -> Claim:
    """It is this, within the tolerance of its unit."""
    return Claim("eq", value, unit)


def below(value: float, unit: str) -> Claim:
    """It is less than this."""
    return Claim("lt", value, unit)


def at_most(value: float, unit: str) -> Claim:
    """It is this or less."""
    return Claim("le", value, unit)


def at_least(value: float, unit: str) -> Claim:
    """It is this or more."""
    return Claim("ge", value, unit)


def between(low: float, high: float, unit: str) -> Claim:
    """It lies between these, or is one of them."""
    return Claim("between", (low, high), unit)


class CaseStudy:
    """The runs and figures of one case study, in the order in which they are declared.

    section: where its figures stand, unless one says otherwise.
    """

    def __init__(self, section: str, runs: Mapping[str, RunOf]) -> None:
        self.section = section
        self.runs = runs
        self.figures: list[Published] = []

    def states(
        self,
        id: str,
        claim: Claim,
        role: Role,
        section: str = "",
        reading: str = "",
        derivation: str = "",
        used: UsedIn | None = None,
        same_as: str | None = None,
        predicted: Prediction | None = None,
    ) -> None:
        """Declare a figure without a function of its own; the arguments are those of `Published`."""
        figure = Published(
            id=id,
            section=section or self.section,
            relation=claim.relation,
            value=claim.value,
            unit=claim.unit,
            role=role,
            reading=reading,
            used=used,
            predicted=predicted,
            same_as=same_as,
            derivation=derivation,
        )
        self.figures.append(figure)

    def predicts(
        self,
        id: str,
        claim: Claim,
        *,
        role: Role = "target",
        section: str = "",
        reading: str = "",
        derivation: str = "",
        used: UsedIn | None = None,
        kind: Kind | None = None,
        mechanism: Mechanism | None = None,
        parameter: Parameter | None = None,
        assumes: tuple[Assumed, ...] = (),
    ) -> Callable[[Predict], Predict]:
        """Declare the figure that the decorated function predicts; the arguments are those of `Published` and
        `Prediction`."""

        def declare(by: Predict) -> Predict:
            predicted = Prediction(by=by, kind=kind, mechanism=mechanism, parameter=parameter, assumes=assumes)
            self.states(id, claim, role, section, reading, derivation, used, predicted=predicted)
            return by

        return declare


def registry_of(studies: Iterable[CaseStudy], behaviours: Iterable[Behaviour] = ()) -> Registry:
    """The registry of some case studies. Raises ValueError with all that is wrong in them."""
    known = list(studies)
    return Registry(
        runs={name: run for study in known for name, run in study.runs.items()},
        figures=tuple(figure for study in known for figure in study.figures),
        behaviours=tuple(behaviours),
    ).with_the_same_predicted()
