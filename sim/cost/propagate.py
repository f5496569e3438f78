"""Arithmetic on figures with intervals, the conservative way. How intervals come about is not here.

Quantities of one run move together (all of them follow the load), and their covariance is not kept. So ends are
added to ends: by the triangle inequality the standard error of a sum is at most the sum of the standard errors, hence
the result is at least as wide as the interval that the replications' totals would give, and equal to it when all move
together. Products and ratios are the same to first order in the relative errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sim.figure import Figure


def through(figure: Figure, function: Callable[[float], float], unit: str) -> Figure:
    """`function` of the figure, for a function that never falls; ends go to ends.

    What is billed is never negative: an interval's lower end below 0 counts as 0.
    """
    if figure.value is None:
        return Figure.refused(unit, figure.note, figure.n)
    low, high = figure.low, figure.high
    return Figure(
        function(figure.value),
        unit,
        None if low is None else function(max(low, 0.0)),
        None if high is None else function(high),
        figure.confidence,
        figure.n,
        figure.note,
    )


def times(figure: Figure, factor: float, unit: str) -> Figure:
    """The figure times a known factor of at least 0."""
    assert factor >= 0
    return through(figure, lambda value: value * factor, unit)


def total(figures: Iterable[Figure], unit: str) -> Figure:
    """Sum; refused when a part is refused or there is none, without interval when a part has none."""
    parts = tuple(figures)
    if not parts:
        return Figure.refused(unit, "nothing that has a price was counted")
    refused = [part for part in parts if part.value is None]
    if refused:
        return Figure.refused(unit, "; ".join(dict.fromkeys(part.note for part in refused if part.note)))
    lows = [part.low for part in parts]
    highs = [part.high for part in parts]
    bounded = None not in lows and None not in highs
    return Figure(
        sum(part.value for part in parts if part.value is not None),
        unit,
        sum(low for low in lows if low is not None) if bounded else None,
        sum(high for high in highs if high is not None) if bounded else None,
        _confidence(parts) if bounded else None,
        _sample_size(parts),
        _notes(parts),
    )


def complement(figure: Figure) -> Figure:
    """1 - the figure, for a share; the ends change places. What is left after so much, never below 0."""
    if figure.value is None:
        return figure
    low, high = figure.low, figure.high
    return replace(
        figure,
        value=1 - figure.value,
        unit="ratio",
        low=None if high is None else max(0.0, 1 - high),
        high=None if low is None else 1 - low,
    )


def product(left: Figure, right: Figure, unit: str) -> Figure:
    """Product of two figures that are never negative."""
    if left.value is None or right.value is None:
        return Figure.refused(unit, _notes((left, right)))
    bounded = None not in (left.low, left.high, right.low, right.high)
    return Figure(
        left.value * right.value,
        unit,
        max(left.low or 0.0, 0.0) * max(right.low or 0.0, 0.0) if bounded else None,
        (left.high or 0.0) * (right.high or 0.0) if bounded else None,
        _confidence((left, right)) if bounded else None,
        _sample_size((left, right)),
        _notes((left, right)),
    )


def ratio(amount: Figure, count: Figure, unit: str) -> Figure:
    """`amount` per `count`; refused when the count is 0, without interval when its lower end is."""
    if amount.value is None or count.value is None:
        return Figure.refused(unit, _notes((amount, count)))
    if count.value <= 0:
        return Figure.refused(unit, "none were counted")
    bounded = None not in (amount.low, amount.high, count.low, count.high) and (count.low or 0.0) > 0
    return Figure(
        amount.value / count.value,
        unit,
        (amount.low or 0.0) / (count.high or 1.0) if bounded else None,
        (amount.high or 0.0) / (count.low or 1.0) if bounded else None,
        _confidence((amount, count)) if bounded else None,
        _sample_size((amount, count)),
        _notes((amount, count)),
    )


def _confidence(parts: Iterable[Figure]) -> float | None:
    """The lowest level among the parts that have one; exact parts have none."""
    return min((part.confidence for part in parts if part.confidence is not None), default=None)


def _sample_size(parts: Iterable[Figure]) -> int:
    """The smallest sample behind any part; exact parts (n = 0) do not count."""
    return min((part.n for part in parts if part.n > 0), default=0)


def _notes(parts: Iterable[Figure]) -> str:
    return "; ".join(dict.fromkeys(part.note for part in parts if part.note))
