"""Every figure of the registry against its prediction: what must be run is run once, and each row gets a verdict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from calibration.published.asking import (
    Broken,
    Kept,
    Loss,
    Metric,
    NoDeadlock,
    OfRun,
    Shown,
    Switch,
    is_metric_alone,
    is_of_drills,
    requested,
    runs_of,
)
from calibration.published.behaviours import Effects
from calibration.published.inputs import check_input
from calibration.published.outcomes import Outcome, figure_of
from calibration.published.registry import Published, Registry, RunOf, parameter_of
from calibration.published.rules import MONEY, Judged, Verdict, judge
from calibration.published.solve import Solved, solve
from sim.errors import InputErrors, Problem
from sim.figure import Figure
from sim.lower.load import Loaded, load
from sim.meant import meant
from sim.report.wording import deadlock_sentence
from sim.studies.loading.inputs import check_inputs
from sim.studies.metrics.families import metric_units
from sim.studies.run.study import Options, predict

COUNTED = ("met", "met ?", "missed", "missed ?")
"""Verdicts of what could have come out otherwise."""

Tell = Callable[[str], None]
Edit = Callable[[Loaded], Loaded]


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with its verdict. scenario: the files that it is predicted by or used in."""

    published: Published
    predicted: Figure | None
    judged: Judged
    scenario: str

    @property
    def verdict(self) -> Verdict:
        """The verdict."""
        return self.judged.verdict

    @property
    def mechanism(self) -> str:
        """The part of the model that it rests on; empty where there is none."""
        predicted = self.published.predicted
        return predicted.mechanism.name if predicted is not None and predicted.mechanism is not None else ""

    @property
    def derivation(self) -> str:
        """Why it is as it is: the verdict's reason, or else what the prediction says of itself; then the registry's
        words."""
        said = self.judged.reason or ("" if self.predicted is None else self.predicted.note)
        return "; ".join(part for part in (said, self.published.derivation) if part)

    def _parameter(self) -> dict[str, Any] | None:
        """What an undetermined figure hangs on, and where it comes out."""
        predicted = self.published.predicted
        if predicted is None or predicted.parameter is None:
            return None
        return predicted.parameter.to_json()

    def to_json(self) -> dict[str, Any]:
        """The row of the output contract; unit and relation tell how `published` is meant."""
        figure = self.predicted
        return {
            "id": self.published.id,
            "section": self.published.section,
            "role": "input" if self.verdict in ("used", "not used") else "target",
            "relation": self.published.relation,
            "published": self.published.value,
            "unit": self.published.unit,
            "predicted": None if figure is None else figure.value,
            "low": None if figure is None else figure.low,
            "high": None if figure is None else figure.high,
            "wide_low": None if figure is None else figure.wide_low,
            "wide_high": None if figure is None else figure.wide_high,
            "verdict": self.verdict,
            "counted": self.verdict in ("met", "missed") and self.published.same_as is None,
            "same_as": self.published.same_as,
            "parameter": self._parameter(),
            "scenario": self.scenario,
            "mechanism": self.mechanism,
            "derivation": self.derivation,
        }


class Checker:
    """The registry with what was run for it so far."""

    def __init__(
        self, registry: Registry, configs: Path, options: Options | None = None, tell: Tell | None = None
    ) -> None:
        self.registry = registry
        self.configs = configs
        self.options = replace(options or Options(), lives=False)
        self.tell = tell or (lambda _: None)
        self.outcomes: dict[str, Outcome] = {}
        self.effects = Effects(self.registry, configs, self.options)
        self.shown: dict[str, bool] = {}
        self.scenarios: dict[str, Loaded] = {}

    def rows(self, only: Collection[str] = ()) -> list[Row]:
        """A row for each figure (two for one that is both), or for those named in `only`.

        Raises InputErrors, before anything runs, for names that lead nowhere and scenarios that are wrong.
        """
        chosen = self._chosen(only)
        self._check_names(chosen)
        return [row for figure in chosen for row in self._rows_of(figure)]

    def without_its_mechanism(self, figure: Published, edit: Edit | None = None) -> Row:
        """The row of a predicted figure with its mechanism taken out of every run that it is made of.

        edit: what no value of a scenario can take out. Objectives go as well: no figure depends on them, and they may
        be about what is taken out.
        """
        assert figure.predicted is not None
        assert figure.predicted.mechanism is not None
        return self._changed(figure, figure.predicted.mechanism.remove, edit or _as_it_is)

    def solved(self, figure: Published) -> Solved:
        """Where an undetermined figure comes out, by runs.

        Raises InputErrors, before anything runs, where the parameter cannot be what is searched.
        """
        parameter = parameter_of(figure)
        needed = _outcomes_needed(figure)
        for end in parameter.search:
            for run in needed:
                self._load(self.registry.runs[run], [*parameter.assignments(run, end), "objectives=[]"])

        def attempt(value: float) -> Figure:
            self.tell(f"{figure.id} at {parameter.show(value)} {parameter.name}")
            outcomes = {run: self._with(figure, run, parameter.assignments(run, value)) for run in needed}
            predicted = self._target(figure, outcomes).predicted
            assert predicted is not None
            return predicted

        return solve(attempt, parameter, figure.ends[0])

    def _with(self, figure: Published, run: str, changes: Sequence[str]) -> Outcome:
        """A run with changes, or as it is where there are none."""
        if changes:
            return self._outcome(run, self._load(self.registry.runs[run], [*changes, "objectives=[]"]), [figure])
        self._run(run)
        return self.outcomes[run]

    def undetermined(self, only: Collection[str] = ()) -> list[Published]:
        """The figures that hang on a parameter, or those that are named of them. Raises InputErrors without any."""
        chosen = self._chosen(only)
        self._check_names(chosen)
        found = [
            one for one in chosen if one.same_as is None and one.predicted is not None and one.predicted.parameter
        ]
        if not found:
            what = f"{' and '.join(only)} hang on no parameter" if only else "no figure hangs on a parameter"
            raise InputErrors([Problem("--solve", what, "leave it out to see the verdicts")])
        return found

    def _changed(self, figure: Published, changes: Sequence[str], edit: Edit) -> Row:
        """The row with changes to every run."""
        changes = [*changes, "objectives=[]"]
        outcomes = {
            run: self._outcome(run, edit(self._load(self.registry.runs[run], changes)), [figure])
            for run in _outcomes_needed(figure)
        }
        return self._target(figure, outcomes, changes)

    def _over_assumptions(self, row: Row) -> Row:
        """The row, fitted where another plausible value of something assumed gives another verdict."""
        predicted = row.published.predicted
        if predicted is None or row.verdict not in COUNTED:
            return row
        for assumed in predicted.assumes:
            for end in assumed.ends:
                changes = ", ".join(end)
                self.tell(f"{row.published.id} with {changes}")
                other = self._changed(row.published, end, _as_it_is)
                if other.verdict.removesuffix(" ?") != row.verdict.removesuffix(" ?"):
                    reason = f"{assumed.what} is not in the text, and with {changes} it is {other.verdict}"
                    return replace(row, judged=Judged("fitted", reason))
        return row

    def _rows_of(self, figure: Published) -> Iterator[Row]:
        # What is both is judged as an input where a scenario has it as one.
        if figure.role == "input" or figure.used is not None:
            yield self._input(figure)
        if figure.role != "input":
            for run in _outcomes_needed(figure):
                self._run(run)
            yield self._over_assumptions(self._target(figure, self.outcomes))

    def _input(self, figure: Published) -> Row:
        if figure.used is None:
            return Row(figure, None, Judged("not modelled yet"), "")
        judged, value = check_input(figure, self.configs)
        return Row(figure, value, judged, figure.used.file)

    def _target(self, figure: Published, outcomes: Mapping[str, Outcome], both: Sequence[str] = ()) -> Row:
        if figure.predicted is None:
            return Row(figure, None, judge(figure, None), "")
        bound = figure.ends[0] if figure.relation in ("ge", "gt") else None
        value = figure_of(figure.predicted.by, outcomes, lambda design: self._shows(design, both), bound)
        runs = [self.registry.runs[run] for run in runs_of(figure.predicted.by)]
        return Row(figure, value, judge(figure, value), ", ".join(dict.fromkeys(map(_shown, runs))))

    def _run(self, name: str) -> None:
        """Run it, unless that was done."""
        if name not in self.outcomes:
            self.tell(name)
            self.outcomes[name] = self._outcome(name, self.scenarios[name], self.registry.figures)

    def _outcome(self, run: str, loaded: Loaded, figures: Sequence[Published]) -> Outcome:
        """Run it; with its drills only where one of the figures is about them."""
        check_inputs(loaded)
        drills = any(_of_drills(one) for figure in figures for one in _questions_of(figure) if one.run == run)
        found = predict(loaded, replace(self.options, drills=drills))
        stuck = tuple(map(deadlock_sentence, found.summary.standstills))
        return Outcome(None, None, 0, deadlocks=stuck) if stuck else Outcome.of(found, loaded.lowered)

    def _shows(self, design: Shown | Switch, both: Sequence[str] = ()) -> bool:
        """Whether a design shows that is turned off; `both` are changes to the run with it and to that without."""
        if isinstance(design, Switch):
            switch = design
        else:
            (switch,) = (one.switch for one in self.registry.behaviours if one.id == design.behaviour and one.switch)
        key = f"{switch} {both}"
        if key not in self.shown:
            self.tell(f"{switch.run}, and without {', '.join(switch.remove)}")
            self.shown[key] = self.effects.of(switch, both).shows
        return self.shown[key]

    # -- before anything runs ---------------------------------------------------------------------------------

    def _chosen(self, only: Collection[str]) -> list[Published]:
        known = [figure.id for figure in self.registry.figures]
        problems = []
        for name in only:
            if name not in known and not any(one.startswith(f"{name}.") for one in known):
                problems.append(Problem("--only", f"is {name}, which is no published figure", meant(name, known, "")))
        if problems:
            raise InputErrors(problems)
        return [
            figure
            for figure in self.registry.figures
            if not only or figure.id in only or figure.id.partition(".")[0] in only
        ]

    def _check_names(self, figures: Sequence[Published]) -> None:
        problems = []
        for figure in figures:
            if figure.predicted is None:
                continue
            for question in _questions_of(figure):
                if question.run not in self.scenarios:
                    self.scenarios[question.run] = self._load(self.registry.runs[question.run])
                problems += _unanswerable(figure, question, self.scenarios[question.run])
        if problems:
            raise InputErrors(problems)

    def _load(self, run: RunOf, more: Sequence[str] = ()) -> Loaded:
        return load(self.configs / run.file, [*run.set, *more])


def _unanswerable(figure: Published, question: OfRun, loaded: Loaded) -> list[Problem]:
    """Whether the run has what is asked for, in a unit that the figure can have."""
    assert figure.predicted is not None
    if isinstance(question, Metric):
        units = metric_units(loaded.lowered)
        if question.metric not in units:
            message = f"asks for {question.metric}, which run {question.run} does not have"
            return [Problem(figure.id, message, meant(question.metric, units, ""))]
        if is_metric_alone(figure.predicted.by) and not _units_agree(figure.unit, units[question.metric]):
            return [
                Problem(figure.id, f"is in {figure.unit}, and the metric in {units[question.metric] or 'numbers'}")
            ]
    network = loaded.lowered.network
    if isinstance(question, Loss):
        random = [name for name, fault in network.faults.items() if fault.at_ns is None]
        if question.fault not in random:
            known = f"random there: {', '.join(random) or 'none'}"
            message = f"asks for the random fault {question.fault}, which run {question.run} does not have"
            return [Problem(figure.id, message, known)]
    if isinstance(question, Kept | Broken):
        return [
            Problem(figure.id, f"asks for the monitor {name}, which run {question.run} does not have")
            for name in question.monitors
            if name not in network.monitors
        ]
    return []


def _units_agree(published: str, predicted: str) -> bool:
    """Times are times, money is money, and a share is no count."""
    of = {"s": "s", "ratio": "ratio", "1/s": "1/s", "events/s": "1/s"} | {unit: unit.upper() for unit in MONEY}
    return of.get(published, "") == (predicted.upper() if predicted.startswith("USD") else predicted)


def _outcomes_needed(figure: Published) -> list[str]:
    """The runs whose figures a prediction is made of, each once; what is turned off makes runs of its own."""
    return list(dict.fromkeys(question.run for question in _questions_of(figure)))


def _questions_of(figure: Published) -> list[OfRun]:
    """What a figure is made of and a run tells."""
    every = () if figure.predicted is None else requested(figure.predicted.by)
    return [question for question in every if isinstance(question, OfRun)]


def _of_drills(question: OfRun) -> bool:
    """Whether runs with scripted faults tell it, or are part of it as every run is."""
    if isinstance(question, Metric):
        return is_of_drills(question.metric)
    return isinstance(question, Kept | Broken | NoDeadlock)


def _as_it_is(loaded: Loaded) -> Loaded:
    return loaded


def _shown(run: RunOf) -> str:
    return " ".join([run.file, *(f"--set {assignment}" for assignment in run.set)])
