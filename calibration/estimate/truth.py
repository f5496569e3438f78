"""What a deployment does, by long runs: where its limit is, which place is full there, and how it does below it.

"True" is what the fast engine shows. The limit is found by bisection, the full place by intervention: twice its units
and the lines no longer grow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from calibration.estimate.load import System, doubled
from calibration.estimate.runs import Shown, run
from sim.lower.load import Loaded

Kind = Literal["steady", "turned away", "bursts", "closed"]

EVENTS = 6_000_000
"""Events of a run, about: half a second of the fast engine."""
FEWEST, MOST = 6_000, 60_000
"""Executions of a run, within which its number of events may move it."""
STAYS = 8.0
"""A run is at least so many mean latencies long: an empty start is over, to 2 %, when its second half begins."""
STRETCHED = 12.0
"""A run has at most so many times the executions that its events allow, whatever the latencies."""
LIGHT = 0.2
"""Factor on the load of the run that tells how long executions take, and how many events they are."""
LEAST_FACTOR, MOST_FACTOR = 1 / 64, 64.0
WITHIN = 1.02
"""The bisection ends when its ends are this close."""
ABOVE = (1.2, 1.1, 1.05)
"""Factors on the limit at which units are doubled: lower ones where the next place is full so soon that no single
place keeps the lines from growing."""
NEARLY_FULL = 0.9
MOST_TRIED = 6
"""Places whose units are doubled at most, the fullest ones."""
BELOW = 0.7
"""Factor on the limit of the second run for latencies."""
SEEDS = (1, 2)
"""Of the two searches, whose difference is the noise."""
TURNED_AWAY = 0.02
"""A place that turns more than this share away at the greatest load is no line that could grow."""
SKIPPED = 0.25
"""Share of a run before the window in which latencies are taken."""


@dataclass(frozen=True)
class Conduct:
    """How a deployment does under one load, in one run.

    factor: on its load. utilisation: by place, the share of what it can do that it does. throughput_per_s: by routine,
    executions that end. latency_s: by routine that a source lets in, mean of all that ended, well or not;
    latency_noise: its relative standard error. turned_away: by place, the share of visits that were rejected or gave
    up. failed: share of the executions that ended failed or rejected. executions: so many came in the window.
    """

    factor: float
    utilisation: dict[str, float]
    throughput_per_s: dict[str, float]
    latency_s: dict[str, float]
    latency_noise: dict[str, float]
    turned_away: dict[str, float]
    failed: float
    executions: int


@dataclass(frozen=True)
class Truth:
    """What a deployment does without faults, at the peak of its profiles.

    kind: turned away: it has no limit, since what is too much is rejected or gives up; bursts: some of its work comes
        in bursts, whose jitter is then their length. limit: factor on the load at which it is full; None where no line
        grows below 64 times the load, and where there is no rate to scale: clients in a loop, bursts at an instant.
    noise: relative: half the distance of two searches, and half of the last step.
    full: the places that limit it. Doubling the units of any of them makes the lines vanish at `above` times the
        limit; with `together` it takes all of them. Empty where two places do not do.
    grows: the places whose lines grow there, the fastest first.
    at_load: at the load as it is. below: at 0.7 times the limit. most: at the greatest load that was run.
    """

    kind: Kind
    limit: float | None
    noise: float | None
    full: tuple[str, ...]
    together: bool
    above: float | None
    grows: tuple[str, ...]
    at_load: Conduct
    below: Conduct | None
    most: Conduct | None


@dataclass(frozen=True)
class Full:
    """The outcome of doubling; see `Truth`."""

    places: tuple[str, ...]
    together: bool
    above: float | None
    grows: tuple[str, ...]


@dataclass
class Search:
    """Runs of one system, remembered by factor and seed."""

    system: System
    known: dict[tuple[float, int], bool] = field(default_factory=dict)
    executions: float = FEWEST
    stays_s: float = 0.0
    highest: tuple[float, Shown] | None = None

    def prepare(self) -> None:
        """See how long executions take and how many events they are, where they hardly wait."""
        base = self.system.at(LIGHT)
        rate_per_s = self.system.rate_per_s * LIGHT
        shown = run(base, SEEDS[0], FEWEST / 4 / rate_per_s)
        events = max(shown.run.events / (FEWEST / 4), 1.0)
        self.executions = min(max(EVENTS / events, FEWEST), MOST)
        if not self.system.starts_in_progress:
            self.stays_s = shown.mean_latency_s

    def length_s(self, factor: float) -> float:
        """How long a run at this load is."""
        each_s = 1 / (self.system.rate_per_s * factor)
        return min(max(self.executions * each_s, STAYS * self.stays_s), STRETCHED * self.executions * each_s)

    def look(self, factor: float, seed: int) -> Shown:
        """A run at this load."""
        shown = run(self.system.at(factor), seed, self.length_s(factor))
        self.known[factor, seed] = shown.overloaded
        if self.highest is None or factor > self.highest[0]:
            self.highest = (factor, shown)
        return shown

    def for_latency(self, factor: float) -> Shown:
        """A run at this load whose executions are followed beyond its end, so that the long ones are in its means."""
        length_s = self.length_s(factor)
        return run(self.system.at(factor), SEEDS[0], length_s, SKIPPED, follow_s=max(length_s / 2, 4 * self.stays_s))

    def overloaded(self, factor: float, seed: int) -> bool:
        """Whether it is too much."""
        if (factor, seed) not in self.known:
            self.look(factor, seed)
        return self.known[factor, seed]

    def bracket(self, seed: int) -> tuple[float, float] | None:
        """A load that it carries and one that it does not, from nothing; None where it carries all."""
        factor, step = 1.0, 1.1
        shown = self.look(factor, seed)
        if shown.overloaded:
            while factor > LEAST_FACTOR:
                factor /= 1.5
                if not self.overloaded(factor, seed):
                    return factor, factor * 1.5
            return None
        while factor < MOST_FACTOR:
            top = max(shown.full.values(), default=0.0)
            # Far from full, what is left of the fullest place tells how far to go; near to it, nothing does.
            near = top > NEARLY_FULL
            step = min(step * 1.5, 4.0) if near and factor > 1 else 1.1 if near else min(0.97 / max(top, 0.01), 4.0)
            lower, factor = factor, min(factor * step, MOST_FACTOR)
            shown = self.look(factor, seed)
            if shown.overloaded:
                return lower, factor
        return None

    def around(self, guess: float, seed: int) -> tuple[float, float]:
        """The same from a limit that another seed has."""
        low, high = guess / 1.03, guess * 1.03
        while self.overloaded(low, seed) and low > LEAST_FACTOR:
            low, high = low / 1.06, low
        while not self.overloaded(high, seed) and high < 2 * MOST_FACTOR:
            low, high = high, high * 1.06
        return low, high

    def closed_in(self, ends: tuple[float, float], seed: int) -> float:
        """The limit between two loads."""
        low, high = ends
        while high / low > WITHIN:
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self.overloaded(middle, seed) else (middle, high)
        return math.sqrt(low * high)

    def limit(self) -> tuple[float, float] | None:
        """The limit and its relative noise; None where there is none."""
        ends = self.bracket(SEEDS[0])
        if ends is None:
            return None
        first = self.closed_in(ends, SEEDS[0])
        second = self.closed_in(self.around(first, SEEDS[1]), SEEDS[1])
        limit = math.sqrt(first * second)
        return limit, abs(first - second) / 2 / limit + (WITHIN - 1) / 2

    def full_places(self, limit: float) -> Full:
        """The places that keep it from more."""
        grows: tuple[str, ...] = ()
        tried: list[str] = []
        for above in ABOVE:
            shown = self.look(limit * above, SEEDS[0])
            if not shown.overloaded:
                continue
            tried, grows = self._candidates(shown), grows or shown.growing
            found = tuple(name for name in tried if self._vanishes(limit * above, (name,)))
            if found:
                return Full(found, False, above, shown.growing)
        for names in combinations(tried, 2):
            if self._vanishes(limit * ABOVE[1], names):
                return Full(names, True, ABOVE[1], grows)
        return Full((), False, None, grows)

    def _candidates(self, shown: Shown) -> list[str]:
        """Places that may be full: by what they did, or by a line that grows where nothing tells what they can do."""
        full = sorted(
            (name for name, share in shown.full.items() if share > NEARLY_FULL), key=lambda n: -shown.full[n]
        )
        return list(dict.fromkeys([*full, *shown.growing]))[:MOST_TRIED]

    def _vanishes(self, factor: float, names: tuple[str, ...]) -> bool:
        network = doubled(self.system.at(factor), names)
        return not run(network, SEEDS[0], self.length_s(factor)).overloaded


def truth_of(loaded: Loaded) -> Truth:
    """The truth about a scenario. Takes some twenty runs of half a second each, where they are as long as EVENTS."""
    system = System(loaded)
    if system.kind == "closed" or system.has_instants:
        return _without_a_limit(system)
    search = Search(system)
    search.prepare()
    at_load = _conduct(1.0, search.for_latency(1.0))
    found = search.limit()
    assert search.highest is not None
    most = _conduct(*search.highest)
    kind: Kind = "bursts" if system.kind == "bursts" else "steady"
    if found is None:
        if max(most.turned_away.values(), default=0.0) > TURNED_AWAY:
            kind = "turned away"
        return Truth(kind, None, None, (), False, None, (), at_load, None, most)
    limit, noise = found
    full = search.full_places(limit)
    below = _conduct(BELOW * limit, search.for_latency(BELOW * limit))
    return Truth(kind, limit, noise, full.places, full.together, full.above, full.grows, at_load, below, most)


def _without_a_limit(system: System) -> Truth:
    """Clients in a loop, which wait for what they ask for; bursts at an instant. Clients alone run longer than the
    scenario says, for as many events as any other; bursts run as long as it says, from the start."""
    length_s = system.loaded.scenario.run.horizon_ns * 1e-9
    skipped = 0.0 if system.has_instants else SKIPPED
    shown = run(system.base, SEEDS[0], length_s, skipped, follow_s=length_s / 2)
    if not system.has_instants:
        longer = min(max(EVENTS / max(shown.run.events, 1), 1.0), MOST / FEWEST)
        shown = run(system.base, SEEDS[0], length_s * longer, skipped, follow_s=length_s / 2)
    kind: Kind = "closed" if system.kind == "closed" else "bursts"
    return Truth(kind, None, None, (), False, None, (), _conduct(1.0, shown), None, None)


def _conduct(factor: float, shown: Shown) -> Conduct:
    """What a run shows, as numbers to keep."""
    return Conduct(
        factor,
        shown.full,
        shown.throughput_per_s,
        {name: mean for name, (mean, _) in shown.latency_s.items()},
        {name: noise for name, (_, noise) in shown.latency_s.items()},
        shown.turned_away,
        shown.failed,
        shown.executions,
    )
