"""Whether a figure meets its objective: met, missed or undecided, and many verdicts at once.

An interval that holds the bound decides nothing; 'undecided' asks for more replications.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from sim.figure import Figure

Outcome = Literal["met", "missed", "undecided"]
Side = Literal["below", "above"]


def verdict(figure: Figure, bound: float, side: Side) -> Outcome:
    """Outcome of an interval against a bound in the figure's unit.

    "below": met when the whole interval is at or below the bound, missed when it is wholly above; "above" the other
    way round. A refused figure, and one without an interval, is undecided.
    """
    if figure.value is None or (figure.low is None and figure.high is None):
        return "undecided"
    low = float("-inf") if figure.low is None else figure.low
    high = float("inf") if figure.high is None else figure.high
    if side == "above":
        low, high, bound = -high, -low, -bound
    if high <= bound:
        return "met"
    return "missed" if low > bound else "undecided"


def holm(tests: Sequence[Callable[[float], Outcome]], confidence: float = 0.95) -> list[Outcome]:
    """Verdicts that are all right together with probability `confidence`, by Holm's step-down.

    tests: each gives the verdict of one objective from an interval at the confidence it is called with, such as
    `lambda level: verdict(mean_interval(values, "s", level), bound, "below")`.

    With m objectives still undecided each is tried at 1 - (1 - confidence) / m; whenever one is decided the next try
    is at the smaller m (Holm, Scandinavian Journal of Statistics 6, 1979). A single objective is tried at
    `confidence` itself.
    """
    verdicts: list[Outcome] = ["undecided"] * len(tests)
    open_tests = list(range(len(tests)))
    while open_tests:
        level = 1 - (1 - confidence) / len(open_tests)
        for index in open_tests:
            verdicts[index] = tests[index](level)
        still_open = [index for index in open_tests if verdicts[index] == "undecided"]
        if len(still_open) == len(open_tests):
            break
        open_tests = still_open
    return verdicts
