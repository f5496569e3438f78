"""Which of several deployments for which load: the cheapest that keeps its objectives, and where the choice flips.

For each one the greatest load is sought at which a run meets every objective: doubled until one is not met, then cut
in half between (on a logarithmic scale) until both ends lie close together. A flip lies between such two ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.errors import InputErrors
from sim.studies.run.study import Prediction


@dataclass(frozen=True, slots=True)
class Probe:
    """One deployment at one load. missed: why it is not enough; empty where it is."""

    usd_per_month: float
    missed: str


Try = Callable[[float], Probe]


@dataclass(frozen=True, slots=True)
class Carried:
    """What a deployment carries.

    holds_per_s: the greatest load that was seen to be carried; None when not even the least is. fails_per_s: the least
    load that was seen not to be; None when all are carried. why: what was missed there.
    """

    name: str
    usd_per_month: float
    holds_per_s: float | None
    fails_per_s: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Share:
    """A range of loads and the deployment to choose there. until: its end lies between these; None: none was seen."""

    name: str
    usd_per_month: float
    until: tuple[float, float] | None


def carried(name: str, attempt: Try, least_per_s: float, most_per_s: float, within: float) -> Carried:
    """The greatest load that a deployment carries between two, found to within a share of it.

    Raises InputErrors for a scenario that is wrong at the least load.
    """
    first = attempt(least_per_s)
    if first.missed:
        return Carried(name, first.usd_per_month, None, least_per_s, first.missed)
    holds, fails, why = least_per_s, None, ""
    while fails is None and holds < most_per_s:
        load = min(2 * holds, most_per_s)
        missed = _missed(attempt, load)
        if missed:
            fails, why = load, missed
        else:
            holds = load
    while fails is not None and fails > (1 + within) * holds:
        load = (holds * fails) ** 0.5
        missed = _missed(attempt, load)
        if missed:
            fails, why = load, missed
        else:
            holds = load
    return Carried(name, first.usd_per_month, holds, fails, why)


def chosen(found: Sequence[Carried]) -> tuple[Share, ...]:
    """The choice by load, from the least on: the cheapest that carries it, the first named among equals."""
    shares: list[Share] = []
    reached = 0.0
    for one in sorted(found, key=lambda one: one.usd_per_month):
        if one.holds_per_s is None or one.holds_per_s <= reached:
            continue
        until = None if one.fails_per_s is None else (one.holds_per_s, one.fails_per_s)
        shares.append(Share(one.name, one.usd_per_month, until))
        reached = one.holds_per_s
        if until is None:
            break
    return tuple(shares)


def probed(prediction: Prediction) -> Probe:
    """A run as a probe: it is enough when every objective is met; undecided is not."""
    money = prediction.summary.metrics.get("cost.total")
    cost = 0.0 if money is None or money.value is None else money.value
    missed = [one.name for one in prediction.summary.objectives if one.verdict != "met"]
    return Probe(cost, ", ".join(missed))


def _missed(attempt: Try, load: float) -> str:
    try:
        return attempt(load).missed
    except InputErrors as error:
        return "; ".join(problem.message for problem in error.problems)
