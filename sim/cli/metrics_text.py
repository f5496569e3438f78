"""Metrics as text for `sim schema metrics`: every family, or the names that one scenario has."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator

from sim.lower.lowered import Lowered
from sim.studies.metrics.families import FAMILIES, INDICATORS_BY_NAME, OWN_SPAN, MetricFamily

_WIDTH = 100
_UNITS = {"s": "seconds", "": "a number", "ratio": "a share or ratio"}


def families_text() -> str:
    """Every family of metrics, with what the words in capitals stand for left open."""
    head = "An objective may be about any of these; `sim schema metrics FILE` lists the names of a scenario."
    return f"{head}\n\n{_listed(lambda family: [*_about(family), *_levels(family), ''])}"


def names_text(lowered: Lowered) -> str:
    """The metrics that runs of a scenario can have, by family."""
    return _listed(lambda family: _named(family, _without_levels(family, lowered)))


def _listed(lines_of: Callable[[MetricFamily], list[str]]) -> str:
    """All families, those of service levels last."""
    figures = [line for family in (*FAMILIES, OWN_SPAN) for line in lines_of(family)]
    indicators = [line for family in INDICATORS_BY_NAME for line in lines_of(family)]
    return "\n".join([*figures, "INDICATORS of service levels (`sli:`)", "", *indicators]).rstrip() + "\n"


def _named(family: MetricFamily, names: Iterable[str]) -> list[str]:
    """A family with its names; nothing where it has none."""
    names = list(names)
    return [*_about(family), *(f"    {name}" for name in names), ""] if names else []


def _without_levels(family: MetricFamily, lowered: Lowered) -> Iterator[str]:
    """The names, those that differ in the level alone as one."""
    every = list(family.names(lowered))
    if not family.levels:
        yield from every
        return
    together = ",".join(family.levels)
    for name in every[:: len(family.levels)]:
        yield f"{name.rpartition('.')[0]}.{{{together}}}"


def _about(family: MetricFamily) -> list[str]:
    said = f"{_UNITS.get(family.unit, family.unit)}: {family.meaning}; over {family.cohort}"
    return [family.pattern, *textwrap.wrap(said, _WIDTH, initial_indent="  ", subsequent_indent="  ")]


def _levels(family: MetricFamily) -> list[str]:
    return [f"  LEVEL: {', '.join(family.levels)}"] if family.levels else []
