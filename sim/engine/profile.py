"""A Poisson rate that changes over time, and when the next arrival comes. No draws are made here."""

from __future__ import annotations

from math import sqrt

from sim.network.sources import Profile


class RateProfile:
    """Rate over time, piecewise constant or linear, once or periodic; times in ns, rates a second."""

    def __init__(self, rate_per_s: float, profile: Profile) -> None:
        self.times = [point.at_ns for point in profile.points]
        self.rates = [rate_per_s * point.factor for point in profile.points]
        self.linear = profile.between == "linear"
        self.period = profile.period_ns

    def after(self, time_ns: int, work: float) -> int:
        """The time at which `work` (a unit exponential) is used up when it goes down at the rate from `time_ns` on.

        Gives -1 when it never is.
        """
        time = float(time_ns)
        idle = 0
        while True:
            start, end, first, last = self._piece(time)
            seconds = (end - time) * 1e-9 if end is not None else None
            here = first if last == first or end is None else first + (last - first) * (time - start) / (end - start)
            if seconds is None:
                return round(time + work / here * 1e9) if here > 0 else -1
            mass = (here + last) / 2 * seconds
            if mass >= work:
                slope = (last - here) / seconds
                used = work / here if slope == 0 else (sqrt(here * here + 2 * slope * work) - here) / slope
                return round(time + used * 1e9)
            work -= mass
            idle = idle + 1 if mass == 0 else 0
            if idle > 2 * len(self.times):
                return -1
            time = float(end if end is not None else time)

    def _piece(self, time: float) -> tuple[float, float | None, float, float]:
        """The piece that holds `time`: start, end (None for the last), rate at its start and just before its end."""
        base = 0.0
        if self.period is not None:
            base = time // self.period * self.period
        local = time - base
        index = 0
        while index + 1 < len(self.times) and self.times[index + 1] <= local:
            index += 1
        first = self.rates[index]
        if index + 1 < len(self.times):
            end: float | None = base + self.times[index + 1]
            following = self.rates[index + 1]
        else:
            end = base + self.period if self.period is not None else None
            following = self.rates[0] if self.period is not None else first
        return base + self.times[index], end, first, following if self.linear else first
