"""What runs answer to the function of a published figure. Which runs there are is told in `check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from calibration.published.asking import (
    BillLine,
    Broken,
    ErrorBudget,
    Kept,
    Metric,
    NoDeadlock,
    Predict,
    Question,
    Runs,
    Shown,
    Switch,
)
from calibration.published.error_budget import error_budget
from calibration.published.losses import Losses, losses
from sim.cost.bill import Bill
from sim.cost.propagate import complement, total
from sim.figure import Figure
from sim.lower.lowered import Lowered
from sim.network.facts import counted_routines
from sim.stats.summary import MonitorResult, Summary
from sim.studies.run.study import Prediction


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left that figures are made of.

    executions: all that sources let in, drills included; a child shares the lot of its parent. losses: by random fault
    and workflow. deadlocks: what the audit found; nothing else of such a run can be told.
    """

    summary: Summary | None
    bill: Bill | None
    executions: int
    losses: Mapping[tuple[str, str], Losses] = field(default_factory=dict)
    deadlocks: tuple[str, ...] = ()

    @classmethod
    def of(cls, prediction: Prediction, lowered: Lowered) -> Outcome:
        """Of a run that came to its end, without its columns."""
        runs = prediction.replications
        every = [*runs, *(episode.run for episodes in prediction.drills.values() for episode in episodes)]
        random = [name for name, fault in lowered.network.faults.items() if fault.at_ns is None]
        found = {
            (fault, routine): losses(runs, fault, routine, lowered.deadlines_ns.get(routine))
            for fault in random
            for routine in counted_routines(lowered.network)
        }
        return cls(prediction.summary, prediction.bill, sum(run.executions.asked_for for run in every), found)


def figure_of(
    predict: Predict,
    outcomes: Mapping[str, Outcome],
    shows: Callable[[Shown | Switch], bool],
    bound: float | None = None,
) -> Figure:
    """The figure that a function gives; refused where a run cannot tell it.

    outcomes: by run. shows: whether a design shows that is turned off. bound: what is claimed of it. Intervals of
    several runs are joined end to end (`sim.cost.propagate`), so the result is at least as wide as it must be; so are
    those that also hold model error, of the parts of which it is known.
    """

    def with_ends(ends: Callable[[Figure], Figure]) -> Figure:
        return predict(Runs(lambda question: _answer(question, outcomes, shows, bound, ends)))

    noise, wide = with_ends(_by_noise), with_ends(_widely)
    if (wide.low, wide.high) == (noise.low, noise.high):
        return noise
    return replace(noise, wide_low=wide.low, wide_high=wide.high)


def _by_noise(figure: Figure) -> Figure:
    return replace(figure, wide_low=None, wide_high=None)


def _widely(figure: Figure) -> Figure:
    """With the wider interval in place of the noise's, where it is known."""
    if figure.wide_low is None or figure.wide_high is None:
        return figure
    return replace(figure, low=figure.wide_low, high=figure.wide_high, wide_low=None, wide_high=None)


def _answer(
    question: Question,
    outcomes: Mapping[str, Outcome],
    shows: Callable[[Shown | Switch], bool],
    bound: float | None,
    ends: Callable[[Figure], Figure],
) -> Figure:
    """ends: gives a run's figure the interval that is meant."""
    if isinstance(question, Shown | Switch):
        return Figure.exact(1.0 if shows(question) else 0.0, "")
    if isinstance(question, ErrorBudget):
        calm, starts = (_answer(one, outcomes, shows, bound, ends) for one in question.of_calm)
        seen = [outcomes[loss.run].losses.get((loss.fault, question.workflow)) for loss in question.losses]
        return error_budget(question, calm, starts, seen, bound)
    outcome = outcomes[question.run]
    if isinstance(question, NoDeadlock):
        return _no_deadlock(outcome)
    if outcome.summary is None:
        return Figure.refused("", f"run {question.run}: {'; '.join(outcome.deadlocks)}")
    match question:
        case Metric():
            absent = Figure.refused("", f"run {question.run} has no figure {question.metric}")
            return ends(outcome.summary.metrics.get(question.metric, absent))
        case BillLine():
            return _line(outcome.bill, question.bill)
        case Kept():
            return complement(_broken(outcome.summary, question.monitors))
        case Broken():
            return _broken(outcome.summary, question.monitors)
    raise AssertionError(question)


def _line(bill: Bill | None, part: str) -> Figure:
    if bill is None:
        return Figure.refused("USD/month", "this run has no bill")
    lines = [item.cost for item in bill.items if item.resource == part or item.resource.startswith(f"{part}.")]
    if not lines:
        return Figure.refused("USD/month", f"nothing on the bill is called {part}")
    return total(lines, lines[0].unit)


def _broken(summary: Summary, names: tuple[str, ...]) -> Figure:
    """The share of executions that broke any of the properties, at most; the rule of three where none did."""
    by_name = {monitor.name: monitor for monitor in summary.monitors}
    worst = max((by_name[name] for name in names), key=lambda one: (_share(one), -one.checked))
    if worst.checked == 0:
        return Figure.refused("ratio", f"{worst.name}: its condition never arose, so nothing was tested")
    if worst.violated:
        return worst.upper_bound
    return _unseen(worst.checked, worst.name)


def _share(monitor: MonitorResult) -> float:
    return monitor.violated / monitor.checked if monitor.checked else 0.0


def _no_deadlock(outcome: Outcome) -> Figure:
    if outcome.deadlocks:
        return Figure.exact(0.0, "ratio", "; ".join(outcome.deadlocks))
    return complement(_unseen(outcome.executions, "no_deadlock"))


def _unseen(checked: int, what: str) -> Figure:
    """None seen in so many: the rule of three bounds the share."""
    if checked == 0:
        return Figure.refused("ratio", f"{what}: nothing was run")
    note = f"{what}: none broke it in {checked:,} executions; at most 3/n of them do, if independently of each other"
    return Figure(0.0, "ratio", 0.0, min(1.0, 3 / checked), 0.95, checked, note)
