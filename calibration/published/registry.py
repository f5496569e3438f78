"""Published figures: what is claimed, how the product predicts it, behaviours, and the runs that all of it needs.

Case studies declare figures and runs (`case_study`); the function of a figure takes what runs tell (`asking`). How
runs answer lives in `outcomes`, the rules of the verdicts in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from calibration.published.asking import OfRun, Predict, Shown, Switch, requested
from sim.network.counts import Name
from sim.spec import Spec
from sim.units import Mistake, PositiveRate, Ratio

Assignment = Annotated[str, Field(pattern=r"^[^=\s]+=")]
"""`PATH=VALUE`, as `--set` takes it."""
Relation = Literal["eq", "lt", "le", "gt", "ge", "between"]
Role = Literal["input", "target", "both"]
Kind = Literal["arithmetic", "fitted", "contradictory", "undetermined"]
Identity = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")]


class RunOf(Spec):
    """A scenario that is run, whole or with some of its values changed."""

    file: str
    """The scenario, in the folder of scenarios."""
    set: tuple[Assignment, ...] = ()
    """Values that differ from the file, as `--set` takes them."""


class Mechanism(Spec):
    """The part of the model that a met figure rests on."""

    name: str
    """What it is."""
    remove: tuple[Assignment, ...] = ()
    """Changes, as `--set` takes them, that take it out of every run of the prediction."""
    edit: str = ""
    """A change to the lowered network that no value of a scenario can make, in words; a test makes it, on top of the
    changes."""

    @model_validator(mode="after")
    def _can_be_removed(self) -> Self:
        if not self.remove and not self.edit:
            raise Mistake("needs `remove`: without its removal nothing shows that the figure rests on it")
        return self


class Place(Spec):
    """Where the value of a parameter is put."""

    run: Name
    """The run."""
    path: Annotated[str, Field(pattern=r"^[^=\s]+$")]
    """Place in its scenario."""
    times: Annotated[float, Field(gt=0)] = 1.0
    """What is put there over the parameter."""


class Found(Spec):
    """Where a figure comes out, as `python -m calibration validate figures --solve` found it."""

    value: Annotated[float, Field(gt=0)]
    """The parameter's value."""
    low: Annotated[float, Field(gt=0)]
    """Lower end of its interval."""
    high: Annotated[float, Field(gt=0)]
    """Upper end of its interval."""


class Parameter(Spec):
    """The one parameter that a figure hangs on and that the text does not give."""

    name: str
    """What it is."""
    unit: str = ""
    """What stands behind its number in the scenario: `ms`, `/s`."""
    at: Annotated[tuple[Place, ...], Field(min_length=1)]
    """Where it stands."""
    search: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
    """Least and greatest value that are tried."""
    plausible: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
    """From where to where somebody would have it."""
    reason: str
    """Why that is plausible."""
    whole: bool = False
    """Whether it is a count."""
    found: Found | None = None
    """Where the figure comes out; a test finds it anew."""

    @model_validator(mode="after")
    def _are_ranges(self) -> Self:
        for name, (low, high) in (("search", self.search), ("plausible", self.plausible)):
            if low >= high:
                raise Mistake("is no range", "the smaller number first", at=(name,))
        return self

    def show(self, value: float) -> str:
        """A value as a person reads it."""
        number = f"{value:,.0f}" if value >= 1000 or self.whole else f"{value:.3g}"
        return f"{number}{'' if self.unit.startswith('/') or not self.unit else ' '}{self.unit}"

    def plausibility(self, found: Found) -> str:
        """`plausible` where the value is; `not plausible` where its whole interval is not; `hardly plausible`
        between."""
        low, high = self.plausible
        if low <= found.value <= high:
            return "plausible"
        return "not plausible" if found.high < low or found.low > high else "hardly plausible"

    def to_json(self) -> dict[str, Any]:
        """The parameter of the output contract; its values are in `unit`."""
        found = self.found
        return {
            "name": self.name,
            "paths": [{"run": place.run, "path": place.path} for place in self.at],
            "unit": self.unit,
            "value": None if found is None else found.value,
            "low": None if found is None else found.low,
            "high": None if found is None else found.high,
            "plausible": None if found is None else self.plausibility(found),
            "plausible_range": list(self.plausible),
            "reason": self.reason,
        }

    def assignments(self, run: str, value: float) -> list[str]:
        """Changes to a run that give the parameter this value."""
        return [f"{place.path}={value * place.times:.10g}{self.unit}" for place in self.at if place.run == run]


class Assumed(Spec):
    """Something that the text does not give, and over all plausible values of which the verdict has to be the same."""

    what: str
    """What is assumed."""
    ends: Annotated[tuple[Annotated[tuple[Assignment, ...], Field(min_length=1)], ...], Field(min_length=1)]
    """Changes to every run of the prediction that make it the least, the greatest, or the worst that is plausible."""
    reason: str
    """Why these are the ends."""


class Prediction(Spec):
    """How the product predicts a figure."""

    by: Predict
    """The prediction: a function of what runs tell."""
    kind: Kind | None = None
    """`arithmetic`: it follows from inputs alone, or echoes one. `fitted`: a parameter was chosen to reach it, or it
    holds by assumption. `contradictory`: it conflicts with another figure or with arithmetic. `undetermined`: the
    mechanism is there, but hangs on one parameter that the text does not give."""
    mechanism: Mechanism | None = None
    """What it rests on; needed unless it is of a kind."""
    parameter: Parameter | None = None
    """Of what is undetermined: what it hangs on."""
    assumes: tuple[Assumed, ...] = ()
    """What the verdict must not hang on; where it does, the figure is fitted."""

    @model_validator(mode="after")
    def _rests_on_something(self) -> Self:
        if self.kind is None and self.mechanism is None:
            raise Mistake("needs a `mechanism`, or a `kind`", "add   mechanism: {name: .., remove: [..]}")
        if (self.kind == "undetermined") != (self.parameter is not None):
            raise Mistake("needs a `parameter` that it hangs on, and only what is undetermined has one")
        if self.assumes and self.kind is not None:
            raise Mistake(f"is for what is counted, and this is {self.kind}", "leave it out", at=("assumes",))
        return self


class UsedIn(Spec):
    """Where a scenario has a published input."""

    file: str
    """The scenario."""
    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    """Places of the value; the numbers of several are multiplied, and a mapping or a list counts its entries."""
    per: str = ""
    """Place of a time that the value is for, which makes it a rate: a batch of data every 200 s."""
    cells: Annotated[int, Field(ge=1)] = 1
    """Of how many cells that share nothing the scenario is one; the value is that of all of them."""
    times: Annotated[float, Field(gt=0)] = 1.0
    """What else the value is multiplied by to be the published one: listings in a batch, seconds between two requests
    of a user. The figure's derivation says what it is made of."""
    other: Annotated[tuple[Assignment, ...], Field(min_length=1)]
    """Another value: the scenario must then mean something else, or be refused."""


class Published(Spec):
    """A figure of the case studies."""

    id: Identity
    """Its name."""
    section: str
    """Where it stands."""
    relation: Relation
    """What is claimed of it; `between` includes its ends."""
    value: float | tuple[float, float] | str
    """The number; two with `between`; a word for a mode."""
    unit: str
    """Its unit; `ratio` for none, `property` and `behaviour` for what holds or does not."""
    role: Role
    """`input`: given to a scenario. `target`: to be predicted. `both`: one in one scenario, the other in another."""
    reading: str = ""
    """How it is understood."""
    used: UsedIn | None = None
    """Where a scenario has it as an input."""
    predicted: Prediction | None = None
    """How it is predicted; without it, it is not modelled yet."""
    same_as: Identity | None = None
    """The figure that states the same: it is predicted as that one is, and not counted once more."""
    derivation: str = ""
    """Why it comes out as it does."""

    @property
    def ends(self) -> tuple[float, float]:
        """The range of the number; both ends are the same for a single one."""
        assert not isinstance(self.value, str), f"{self.id} is a word"
        return self.value if isinstance(self.value, tuple) else (self.value, self.value)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.relation == "between") != isinstance(self.value, tuple):
            raise Mistake("is one number, or two with `between`", at=("value",))
        if isinstance(self.value, tuple) and self.value[0] > self.value[1]:
            raise Mistake("has its ends the wrong way round", "the smaller one first", at=("value",))
        if self.same_as is not None and (self.used is not None or self.predicted is not None):
            raise Mistake("is for a figure without a prediction of its own", "leave one out", at=("same_as",))
        hangs_on = None if self.predicted is None else self.predicted.parameter
        if hangs_on is not None and self.relation == "between":
            raise Mistake("is for figures of one number", "write what it is instead: fitted", at=("predicted",))
        if self.used is not None and self.role == "target":
            raise Mistake("is for inputs, and this is a target", at=("used",))
        if self.used is not None and self.used.times != 1 and not self.derivation:
            raise Mistake("is missing; what `times` is made of needs saying", at=("derivation",))
        if self.predicted is not None and (self.role == "input" or isinstance(self.value, str)):
            raise Mistake("is for targets, and this is an input", at=("predicted",))
        if self.predicted is not None and self.predicted.kind is not None and not self.derivation:
            raise Mistake(f"is missing; what is {self.predicted.kind} needs its derivation", at=("derivation",))
        return self


def parameter_of(figure: Published) -> Parameter:
    """What an undetermined figure hangs on."""
    assert figure.predicted is not None
    assert figure.predicted.parameter is not None, figure.id
    return figure.predicted.parameter


class Choice(Spec):
    """A deployment that may be chosen."""

    run: Name
    """The run, with the objectives that it has to keep and what it costs."""
    load: Annotated[str, Field(pattern=r"^[^=\s]+$")]
    """Place of the value in its scenario that the load is put into, as a rate."""
    times: Annotated[float, Field(gt=0)] = 1.0
    """What is put there over the load: 0.1 where ten of what the load counts come in one row."""


class Decision(Spec):
    """Which deployment to choose for which load: the cheapest that keeps its objectives."""

    choices: Annotated[tuple[Choice, ...], Field(min_length=2)]
    """The deployments; among equals in price the first named is chosen."""
    least_per_s: PositiveRate
    """The least load asked about."""
    most_per_s: PositiveRate
    """The greatest."""
    within: Annotated[Ratio, Field(gt=0)] = 0.1
    """How far apart the two loads may lie between which a choice flips, as a share."""


class Behaviour(Spec):
    """A design that the case studies name."""

    id: Name
    """Its name."""
    section: str
    """Where it stands."""
    text: str
    """What it is."""
    switch: Switch | None = None
    """How it is turned off; without it, or decisions, it is not modelled yet."""
    decisions: dict[Name, Decision] = Field(default_factory=dict)
    """Of a recommendation: what it becomes when runs decide."""


class Registry(Spec):
    """Every published figure and behaviour, and the runs that predict them."""

    runs: dict[Name, RunOf] = Field(default_factory=dict)
    """Runs by name; each is run once, whoever asks."""
    figures: tuple[Published, ...]
    """The figures."""
    behaviours: tuple[Behaviour, ...] = ()
    """The behaviours."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        problems = [*_given_twice(self), *_leads_nowhere(self), *_stated_otherwise(self)]
        if problems:
            raise Mistake("; ".join(problems))
        return self

    def with_the_same_predicted(self) -> Registry:
        """With each figure that states what another one does predicted as that one."""
        by_id = {figure.id: figure for figure in self.figures}
        figures = (one if one.same_as is None else _as_the_other(one, by_id[one.same_as]) for one in self.figures)
        return self.model_copy(update={"figures": tuple(figures)})


def _as_the_other(figure: Published, other: Published) -> Published:
    derivation = "; ".join(part for part in (f"stated as {other.id} too", figure.derivation) if part)
    return figure.model_copy(update={"predicted": other.predicted, "derivation": derivation})


def _stated_otherwise(registry: Registry) -> Iterator[str]:
    """Figures that are said to state what another one does, and do not."""
    by_id = {figure.id: figure for figure in registry.figures}
    for figure in registry.figures:
        if figure.same_as is None:
            continue
        other = by_id.get(figure.same_as)
        if other is None or other.predicted is None:
            yield f"{figure.id} is the same as {figure.same_as}, which is no figure with a prediction"
        elif (other.relation, other.value, other.unit) != (figure.relation, figure.value, figure.unit):
            claims = f"{other.relation} {other.value} {other.unit}"
            yield f"{figure.id} is the same as {figure.same_as}, which claims {claims}"


def _given_twice(registry: Registry) -> Iterator[str]:
    ids = [figure.id for figure in registry.figures], [behaviour.id for behaviour in registry.behaviours]
    for names in ids:
        yield from (f"{name} is there twice" for name in dict.fromkeys(names) if names.count(name) > 1)


def _leads_nowhere(registry: Registry) -> Iterator[str]:
    """Names of runs and behaviours that there are not."""
    switches = [one.id for one in registry.behaviours if one.switch is not None]
    for where, run in _runs_requested(registry):
        if run not in registry.runs:
            yield f"{where} asks for the run {run}, which there is not"
    for figure in registry.figures:
        for question in [] if figure.predicted is None else requested(figure.predicted.by):
            if isinstance(question, Shown) and question.behaviour not in switches:
                yield f"{figure.id} is about {question.behaviour}, which is no behaviour with a switch"


def _runs_requested(registry: Registry) -> Iterator[tuple[str, str]]:
    for figure in registry.figures:
        if figure.predicted is None:
            continue
        places = () if figure.predicted.parameter is None else figure.predicted.parameter.at
        questions = [one for one in requested(figure.predicted.by) if isinstance(one, OfRun | Switch)]
        yield from ((figure.id, one.run) for one in (*questions, *places))
    for behaviour in registry.behaviours:
        if behaviour.switch is not None:
            yield behaviour.id, behaviour.switch.run
        for decision in behaviour.decisions.values():
            yield from ((behaviour.id, choice.run) for choice in decision.choices)
