"""What one execution asks of each place: visits, work, holds, and the waits inside of each hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Clock:
    """Time since something began, on those ways that have begun it.

    place: the resource that is held, if it is a hold. weight: of these ways. time, square: weight x time in s, and x
    its square. waits: weight x how many waits at each place are in it, whose length is not known here.
    """

    place: str | None
    weight: float
    time: float = 0.0
    square: float = 0.0
    waits: dict[str, float] = field(default_factory=dict)

    def passes(self, mean: float, square: float, waits: Iterable[tuple[str, float]]) -> None:
        """Let a time pass that does not depend on the past: its mean, mean square, and waits."""
        self.square += 2 * self.time * mean + self.weight * square
        self.time += self.weight * mean
        for place, number in waits:
            self.waits[place] = self.waits.get(place, 0.0) + self.weight * number

    def scaled(self, factor: float) -> Clock:
        """The same of a share of the ways."""
        waits = {place: number * factor for place, number in self.waits.items()}
        return Clock(self.place, self.weight * factor, self.time * factor, self.square * factor, waits)

    def add(self, other: Clock) -> None:
        """Take the ways of another one in."""
        self.weight += other.weight
        self.time += other.time
        self.square += other.square
        for place, number in other.waits.items():
            self.waits[place] = self.waits.get(place, 0.0) + number

    @property
    def mean(self) -> float:
        """Mean time, waits aside."""
        return self.time / self.weight if self.weight else 0.0

    @property
    def variance(self) -> float:
        """Its variance."""
        return max(self.square / self.weight - self.mean**2, 0.0) if self.weight else 0.0

    @property
    def mean_waits(self) -> list[tuple[str, float]]:
        """How many waits at each place are in it on average."""
        return [(place, number / self.weight) for place, number in self.waits.items()] if self.weight else []


@dataclass(slots=True)
class Visits:
    """Visits to a station, or to a resource. work, squares: of all visits together, in s and s squared; pinned: visits
    whose node was given."""

    number: float = 0.0
    work: float = 0.0
    squares: float = 0.0
    pinned: float = 0.0

    def add(self, other: Visits, factor: float) -> None:
        """Take others in, so many times."""
        self.number += factor * other.number
        self.work += factor * other.work
        self.squares += factor * other.squares
        self.pinned += factor * other.pinned


@dataclass(slots=True)
class Children:
    """Child executions that run one routine: how many, their time in s all together, and their visits by place, those
    of their own children too."""

    number: float = 0.0
    time_s: float = 0.0
    visits: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Ledger:
    """What is asked of the places, for one execution or for a part of it.

    visits: by place. holds: by resource, all together. children: by the routine that they run.
    """

    visits: dict[str, Visits] = field(default_factory=dict)
    holds: dict[str, Clock] = field(default_factory=dict)
    children: dict[str, Children] = field(default_factory=dict)

    def visit(self, place: str, weight: float, work: float, square: float, pinned: bool) -> None:
        """Visits of this weight; work and square are of each."""
        self.visits.setdefault(place, Visits()).add(Visits(1.0, work, square, float(pinned)), weight)

    def hold(self, clock: Clock) -> None:
        """A hold is over."""
        assert clock.place is not None
        self.holds.setdefault(clock.place, Clock(clock.place, 0.0)).add(clock)

    def add(self, other: Ledger, factor: float) -> None:
        """Take in what a part asks for, so many times."""
        for place, row in other.visits.items():
            self.visits.setdefault(place, Visits()).add(row, factor)
        for clock in other.holds.values():
            self.hold(clock.scaled(factor))
        for routine, part in other.children.items():
            mine = self.children.setdefault(routine, Children())
            mine.number += factor * part.number
            mine.time_s += factor * part.time_s
            for place, number in part.visits.items():
                mine.visits[place] = mine.visits.get(place, 0.0) + factor * number
