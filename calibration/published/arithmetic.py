"""Sums, products, ratios and savings of figures. Intervals of several runs are joined end to end.

A plain number is exact and without a unit.
"""

from __future__ import annotations

from functools import reduce

from sim.cost import propagate
from sim.figure import Figure

Operand = Figure | float


def ratio(over: Operand, under: Operand) -> Figure:
    """One over another."""
    first, second = _figure(over), _figure(under)
    return propagate.ratio(first, second, _quotient(first.unit, second.unit))


def saving(cheaper: Operand, dearer: Operand) -> Figure:
    """What the first costs less than the second, as a share of the second."""
    return propagate.complement(propagate.ratio(_figure(cheaper), _figure(dearer), "ratio"))


def product(*factors: Operand) -> Figure:
    """Figures multiplied, in the unit of the first that has one."""
    return reduce(lambda left, right: propagate.product(left, right, left.unit or right.unit), map(_figure, factors))


def total(*parts: Operand) -> Figure:
    """Figures added, in the unit of the first."""
    figures = [_figure(one) for one in parts]
    return propagate.total(figures, figures[0].unit)


def _figure(operand: Operand) -> Figure:
    return operand if isinstance(operand, Figure) else Figure.exact(float(operand), "")


def _quotient(over: str, under: str) -> str:
    """Unit of a ratio: none for two of a kind, a time for a number by a rate, money by the rate of what is bought."""
    if over == under:
        return "ratio"
    if over == "" and under == "1/s":
        return "s"
    return "USD" if over == "USD/month" and under in ("", "1/s") else over
