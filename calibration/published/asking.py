"""What the function of a published figure asks of runs: metrics, lines of a bill, properties, error budgets.

Such a function takes `Runs` and gives a figure. What it asks is known before anything runs: `requested` calls it with
1 for every answer. How runs answer lives in `outcomes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sim.figure import Figure
from sim.units import parse_events_in_time, parse_rate_per_s


@dataclass(frozen=True, slots=True)
class Switch:
    """How a behaviour is turned off, and what that must do.

    run: that has it. remove: changes, as `--set` takes them, that turn it off. metric: what changes, named before the
    runs were seen: a figure, or `violations.M` for the share that breaks M. direction: where turning it off moves it.
    """

    run: str
    remove: tuple[str, ...]
    metric: str
    direction: Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class OfRun:
    """Something that one run tells."""

    run: str


@dataclass(frozen=True, slots=True)
class Metric(OfRun):
    """A figure of a run, by the name that `sim run` gives it: `latency.W.p99`."""

    metric: str


@dataclass(frozen=True, slots=True)
class BillLine(OfRun):
    """What a run pays in a month for a part of its deployment, as the bill names it: `postgres`, `workers.orders`."""

    bill: str


@dataclass(frozen=True, slots=True)
class Kept(OfRun):
    """The share of a run's executions that kept all of these monitors."""

    monitors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Broken(OfRun):
    """The share of a run's executions that broke one of these monitors."""

    monitors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoDeadlock(OfRun):
    """That no two executions of a run ever wait for each other, which every run is audited for."""


@dataclass(frozen=True, slots=True)
class Loss(OfRun):
    """How often a fault comes in truth, and the run in which it comes far more often, so that its harm is seen.

    fault: a random one of that run. source: where the rate is from; `assumption: ..` where nobody knows it. rate: how
    often it comes, `4/day`; or seen: how often it was seen to come, `2 in 2 years`.
    """

    fault: str
    source: str
    rate: str = ""
    seen: str = ""

    def __post_init__(self) -> None:
        assert bool(self.rate) != bool(self.seen), f"{self.fault} needs one of `rate` and `seen`, and only one"

    @property
    def rate_per_s(self) -> float:
        """How often it comes a second."""
        return parse_rate_per_s(self.rate)

    @property
    def seen_in(self) -> tuple[int, int]:
        """How many were seen, in how many ns."""
        return parse_events_in_time(self.seen)


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """The share of a workflow's executions that end correctly in time, with faults that are too rare to be seen.

    calm: the run without any fault, which tells what ends badly all the same, and how many start.
    """

    workflow: str
    calm: str
    losses: tuple[Loss, ...]

    @property
    def of_calm(self) -> tuple[Metric, Metric]:
        """The share that ends correctly without faults, and how many are offered a second."""
        return Metric(self.calm, f"availability.{self.workflow}"), Metric(self.calm, f"offered.{self.workflow}")


@dataclass(frozen=True, slots=True)
class Shown:
    """Whether a behaviour of the registry shows: 1 where it does."""

    behaviour: str


Question = OfRun | ErrorBudget | Shown | Switch
"""All that can be asked. A `Switch` asks whether its design shows when it is turned off: 1 where it does."""


class Runs:
    """The runs that a figure is made of, by name; all that its function is given."""

    def __init__(self, answer: Callable[[Question], Figure]) -> None:
        self._answer = answer

    def metric(self, run: str, metric: str) -> Figure:
        """A figure of a run, by the name that `sim run` gives it."""
        return self._answer(Metric(run, metric))

    def bill(self, run: str, part: str) -> Figure:
        """What a run pays in a month for a part of its deployment."""
        return self._answer(BillLine(run, part))

    def kept(self, run: str, *monitors: str) -> Figure:
        """The share of a run's executions that kept all of these monitors."""
        return self._answer(Kept(run, monitors))

    def broken(self, run: str, *monitors: str) -> Figure:
        """The share of a run's executions that broke one of these monitors."""
        return self._answer(Broken(run, monitors))

    def no_deadlock(self, run: str) -> Figure:
        """The share of a run's executions that did not wait for each other."""
        return self._answer(NoDeadlock(run))

    def error_budget(self, workflow: str, calm: str, *losses: Loss) -> Figure:
        """The share of a workflow's executions that end correctly in time, with these rare faults."""
        return self._answer(ErrorBudget(workflow, calm, losses))

    def shows(self, behaviour: str) -> Figure:
        """1 where a behaviour of the registry shows."""
        return self._answer(Shown(behaviour))

    def switched(self, switch: Switch) -> Figure:
        """1 where a design shows that is turned off in one run."""
        return self._answer(switch)


Predict = Callable[[Runs], Figure]
"""The function of a figure."""


def requested(predict: Predict) -> list[Question]:
    """What a function asks, in turn; in the place of an error budget, what that is made of."""
    found: list[Question] = []

    def answer(question: Question) -> Figure:
        parts = (*question.of_calm, *question.losses) if isinstance(question, ErrorBudget) else (question,)
        found.extend(parts)
        return Figure.exact(1.0, "")

    predict(Runs(answer))
    return found


def is_metric_alone(predict: Predict) -> bool:
    """Whether a function gives a metric as it is."""
    given: list[Figure] = []

    def answer(question: Question) -> Figure:
        figure = Figure.exact(1.0, "")
        if isinstance(question, Metric):
            given.append(figure)
        return figure

    returned = predict(Runs(answer))
    return any(one is returned for one in given)


def runs_of(predict: Predict) -> list[str]:
    """The runs that a figure is made of, each once."""
    return list(dict.fromkeys(one.run for one in requested(predict) if isinstance(one, OfRun | Switch)))


def is_of_drills(metric: str) -> bool:
    """Whether a figure is about the recovery from scripted faults, which have runs of their own."""
    return metric.startswith(("recovery.", "worker_recovery."))
