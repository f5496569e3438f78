"""What a missed objective comes from, and what meets it. Data only; both are found by `sim.studies.run`."""

from __future__ import annotations

from dataclasses import dataclass

from sim.figure import Figure


@dataclass(frozen=True, slots=True)
class Cause:
    """What a missed objective comes from. path: the key that says so; where: its place. Empty where there is none."""

    words: str
    path: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """What meets an objective, as runs showed.

    name: of the mitigation in the file, else empty. sets: the assignments. where: the place of the first of their
    keys. usd_per_month: what it costs more; None where that is not known. has_bill: whether anything has a price.
    figure: what it was found to be, in so many replications of the same seeds. sure: whether its interval lies on
    the right side too.
    """

    name: str
    sets: tuple[str, ...]
    where: str
    usd_per_month: float | None
    figure: Figure
    replications: int
    sure: bool
    has_bill: bool = True


@dataclass(frozen=True, slots=True)
class Remedy:
    """A missed objective with its cause and the cheapest fix that runs found.

    tried: how many fixes were tried for it. left: how many were not, because the events allowed for it were spent.
    """

    objective: str
    metric: str
    cause: Cause | None
    fix: Fix | None = None
    tried: int = 0
    left: int = 0
