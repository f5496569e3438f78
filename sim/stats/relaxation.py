"""Whether runs are long enough for a mean and for a percentile, told before their tail is looked at.

A queue near saturation forgets its past in a relaxation time that grows like 1 / (1 - load)^2. Whoever refuses by the
tail that came out (few values beyond the percentile, few clusters of them) keeps the runs whose tail came out short:
measured here, 81 % of such 95 % intervals held the truth, and their values were 0.83 to 0.86 of it. The rule of this
file therefore knows load, relaxation time and length of the runs alone; `sim.analytic.relaxation` gives the time.

    a mean          MIN_FOR_MEAN relaxation times in all runs together
    a percentile p  MIN_BEYOND of them beyond it: (1 - p) times those in all runs together; twice as many where work is
                    more variable than exponential, since 10 leave the p99 of lognormal services 2.9 % too high
    both            what is left of the empty start is at most MAX_OF_START of the mean

Why (1 - p): the time that reflected Brownian motion spends beyond a high level in one visit has E[S^2] / E[S] equal to
its relaxation time, so that the values beyond come in (1 - p) T / relaxation independent excursions (measured on M/M/1
at 90 %: 35.7 to 39.4 where this says 32). Why a quarter: the mean of that motion begun at zero lacks, integrated over
time, a quarter of its mean times its relaxation time (Abate & Whitt, Advances in Applied Probability 19, 1987), of
which exp(-t / relaxation) at most is left after t.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sim.figure import Figure
from sim.stats.intervals import t_quantile
from sim.units import format_duration_s, format_ratio

MIN_FOR_MEAN = 40
MIN_BEYOND = 10
HEAVY_FROM = 1.01
MAX_OF_START = 0.01
MATTERS = 0.02
"""A wait whose 99th percentile moves a figure by less than this share of its mean does not carry it."""
_P99 = math.log(100)  # 99th percentile of an exponential law, in means


@dataclass(frozen=True, slots=True)
class Relaxation:
    """How long a place remembers. place: its name; utilisation: its load over what it can do; seconds: inf where it
    cannot keep up; wait_s: mean wait of a visit, which tells what it matters to; visits: by routine, of an execution;
    scv: of the work of a visit.
    """

    place: str
    utilisation: float
    seconds: float
    wait_s: float
    visits: Mapping[str, float]
    scv: float = 1.0


@dataclass(frozen=True, slots=True)
class Length:
    """How long runs are beside the relaxation time of the place that a figure hangs on.

    window_s: measured of each run; warmup_s: before it; runs: how many there are.
    """

    slowest: Relaxation
    window_s: float
    warmup_s: float
    runs: int

    @property
    def relaxations(self) -> float:
        """Relaxation times in all runs together."""
        return self.runs * self.window_s / self.slowest.seconds

    @property
    def of_start(self) -> float:
        """Share of the mean that the empty start takes from it, at most."""
        seconds = self.slowest.seconds
        return seconds / (4 * self.window_s) * math.exp(-self.warmup_s / seconds)

    @property
    def is_heavy(self) -> bool:
        """Whether work is more variable than exponential, by more than rounding."""
        return self.slowest.scv > HEAVY_FROM

    def refuses_mean(self) -> str:
        """Why no mean can be given; empty where it can."""
        return self._refuses(self.relaxations, MIN_FOR_MEAN, "")

    def refuses_percentile(self, p: float) -> str:
        """Why the p-quantile cannot be given; empty where it can."""
        needed = 2 * MIN_BEYOND if self.is_heavy else MIN_BEYOND
        return self._refuses((1 - p) * self.relaxations, needed, f" beyond the {100 * p:g} % point")

    def widened(self, figure: Figure) -> Figure:
        """A mean over runs with the interval that it has where work is more variable than exponential.

        The means of such runs are skewed by rare large pieces of work, more than ten of them show: 10 runs of 102
        relaxation times of M/G/1 with lognormal services of scv 4 at 50 % cover 92.9 % instead of 95, of 408 not more.
        With half the degrees of freedom 95.2 % (5 runs 97.8, 20 runs 94.8, 40 runs 96.0).
        """
        value, low, high = figure.value, figure.low, figure.high
        if (
            not self.is_heavy
            or figure.confidence is None
            or value is None
            or low is None
            or high is None
            or figure.n < 3
        ):
            return figure
        degrees = figure.n - 1
        factor = t_quantile(figure.confidence, degrees / 2) / t_quantile(figure.confidence, degrees)
        return replace(figure, low=max(value - factor * (value - low), 0.0), high=value + factor * (high - value))

    def _refuses(self, found: float, needed: int, where: str) -> str:
        place = self.slowest
        if math.isinf(place.seconds):
            return f"{place.place} is asked for {format_ratio(place.utilisation)} of what it can do: no steady state"
        at = f"{place.place} is {format_ratio(place.utilisation)} loaded and forgets in {_about(place.seconds)}"
        if found < needed * (1 - 1e-9):
            runs = f"{self.runs} runs of {format_duration_s(self.window_s)}"
            much = f"{runs} hold {found:.2g} of such times{where}, {needed} are needed"
            return f"{at}; {much}: run {max(1.1, needed / found):.2g} times as long, or as many replications"
        if self.of_start > MAX_OF_START:
            warmup = place.seconds * math.log(place.seconds / (4 * self.window_s) / MAX_OF_START)
            much = f"the empty start takes up to {format_ratio(self.of_start)} off the mean"
            return f"{at}; {much}: write run.warmup: {_about(warmup)}, or a longer run.horizon"
        return ""


def _about(seconds: float) -> str:
    """A time to two digits, rounded up: it is an order of magnitude."""
    step = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return format_duration_s(math.ceil(seconds / step) * step)


@dataclass(frozen=True, slots=True)
class Memory:
    """What the runs of a stationary scenario remember: relaxation times by place, and how long the runs are."""

    places: Mapping[str, Relaxation] = field(default_factory=dict)
    window_s: float = 0.0
    warmup_s: float = 0.0
    runs: int = 0

    def of_place(self, name: str) -> Length | None:
        """For figures of one place; None where its relaxation time is not known, and nothing is refused by it."""
        return self._length(self.places.get(name))

    def of_routine(self, routine: str, mean_s: float) -> Length | None:
        """For times of a routine of this mean: by the slowest place whose waits matter to it."""
        visited = [(one, one.visits.get(routine, 0.0)) for one in self.places.values()]
        return self._slowest([one for one, visits in visited if one.wait_s * visits * _P99 > MATTERS * mean_s])

    def of_span(self, mean_s: float) -> Length | None:
        """For times that may pass any place."""
        return self._slowest([one for one in self.places.values() if one.wait_s * _P99 > MATTERS * mean_s])

    def _slowest(self, places: list[Relaxation]) -> Length | None:
        return self._length(max(places, key=lambda one: one.seconds, default=None))

    def _length(self, slowest: Relaxation | None) -> Length | None:
        if slowest is None or slowest.seconds <= 0:
            return None
        return Length(slowest, self.window_s, self.warmup_s, self.runs)
