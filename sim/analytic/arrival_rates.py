"""How often a source sends on average, and at its peak. Closed loops are settled with what they load: `estimate`."""

from __future__ import annotations

import numpy as np

from sim.draws.build import inverse_of, number_of
from sim.network.distributions import FromAttribute, Number
from sim.network.sources import BurstArrivals, ModulatedArrivals, PoissonArrivals, RenewalArrivals, Source


def rate_and_peak(source: Source) -> tuple[float | None, float]:
    """Mean rate a second, None without a lasting one; and the peak over the mean."""
    arrivals = source.arrivals
    match arrivals:
        case PoissonArrivals():
            rate = arrivals.poisson_per_s * mean_number(arrivals.batch)
            if arrivals.profile is None:
                return rate, 1.0
            points = arrivals.profile.points
            factors = [point.factor for point in points]
            if arrivals.profile.period_ns is None:
                return rate * factors[-1], max(factors) / max(factors[-1], 1e-9)
            ends = [*(point.at_ns for point in points[1:]), arrivals.profile.period_ns]
            following = [*factors[1:], factors[0]]
            linear = arrivals.profile.between == "linear"
            area = sum(
                (end - point.at_ns) * ((point.factor + after) / 2 if linear else point.factor)
                for point, end, after in zip(points, ends, following, strict=True)
            )
            mean = area / arrivals.profile.period_ns
            return rate * mean, max(factors) / max(mean, 1e-9)
        case RenewalArrivals():
            gap = inverse_of(arrivals.renewal).mean()
            return (mean_number(arrivals.batch) / gap if gap > 0 else None), 1.0
        case ModulatedArrivals():
            stays = sum(phase.stay_ns for phase in arrivals.mmpp)
            mean = sum(phase.rate_per_s * phase.stay_ns for phase in arrivals.mmpp) / stays
            return mean, max(phase.rate_per_s for phase in arrivals.mmpp) / max(mean, 1e-9)
        case BurstArrivals() if arrivals.every_ns is not None:
            return mean_number(arrivals.burst) / arrivals.every_ns * 1e9, 1.0
    return None, 1.0


def dispersion(source: Source) -> tuple[float, float, float] | None:
    """Mean rate a second, index of dispersion of the counts over long times (1 for a Poisson source), and how long the
    source itself remembers, in seconds; None where it has no steady state.

    Of renewals it is the scv of a gap (Cox, Renewal Theory, 1962), of groups E[B] times that plus Var[B] / E[B]; of a
    modulated source 1 + 2 (p R) D (R 1) / rate with the deviation matrix D of its phases (Neuts, 1989).
    """
    arrivals = source.arrivals
    rate, _ = rate_and_peak(source)
    if rate is None:
        return None
    match arrivals:
        case PoissonArrivals() if arrivals.profile is None:
            return rate, _of_groups(1.0, arrivals.batch), 0.0
        case RenewalArrivals():
            return rate, _of_groups(inverse_of(arrivals.renewal).scv(), arrivals.batch), 0.0
        case ModulatedArrivals():
            return rate, *_of_phases(arrivals, rate)
    return None


def _of_groups(index: float, batch: Number | None) -> float:
    if batch is None or isinstance(batch, FromAttribute):
        return index
    number = number_of(batch)
    return number.mean() * (index + number.scv())


def _of_phases(arrivals: ModulatedArrivals, rate: float) -> tuple[float, float]:
    """Index of dispersion, and relaxation time of the phases."""
    stays = np.array([phase.stay_ns * 1e-9 for phase in arrivals.mmpp])
    rates = np.array([phase.rate_per_s for phase in arrivals.mmpp])
    generator = (np.roll(np.eye(stays.size), 1, axis=1) - np.eye(stays.size)) / stays[:, None]
    shares = stays / stays.sum()
    deviation = np.linalg.inv(np.tile(shares, (stays.size, 1)) - generator) - np.tile(shares, (stays.size, 1))
    index = 1 + 2 * float(shares * rates @ deviation @ rates) / rate if rate else 1.0
    slowest = max(np.linalg.eigvals(generator).real, key=lambda value: value if value < -1e-12 else -np.inf)
    return index, float(-1 / slowest)


def mean_number(number: Number | None) -> float:
    """Mean of a count; 1 where none is given, or an attribute tells it."""
    if number is None or isinstance(number, FromAttribute):
        return 1.0
    return number_of(number).mean()
