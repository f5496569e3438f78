"""How often things happen on average, told from the parts of a network before it runs."""

from __future__ import annotations

from sim.lower.parts import Parts
from sim.lower.steps import Branch, Fork, Steps
from sim.lower.sums import mean_count, mean_ns
from sim.network.kinds import bodies
from sim.network.routines import Call, Child, CountStep, Loop
from sim.network.sources import Arrivals, BurstArrivals, ModulatedArrivals, PoissonArrivals, RenewalArrivals

UNKNOWN_PLACES = ("compensate", "on_failure", "otherwise")
"""Bodies that are run only when something goes wrong."""


def operations_per_s(parts: Parts, operation: str) -> float:
    """Operations a second, as `count` steps name them, of all executions together: nothing goes wrong, no load is
    more than usual.

    Ways of a branch count with their probability; of ways by attribute the last is taken, and of a race all are.
    """
    known: dict[str, float] = {}
    return sum(
        rate_of(source.arrivals) * _in_routine(parts, source.routine, operation, known)
        for source in parts.sources.values()
        if source.counted and source.during is None
    )


def operations_each(parts: Parts, routine: str, operation: str) -> float:
    """The same for one execution of a routine."""
    return _in_routine(parts, routine, operation, {})


def _in_routine(parts: Parts, routine: str, operation: str, known: dict[str, float]) -> float:
    if routine not in known:
        known[routine] = _in_steps(parts, parts.routines[routine], operation, known)
    return known[routine]


def _in_steps(parts: Parts, steps: Steps, operation: str, known: dict[str, float]) -> float:
    total = 0.0
    for step in steps:
        if isinstance(step, CountStep):
            total += step.count.get(operation, 0)
        elif isinstance(step, Call):
            total += _in_routine(parts, step.call, operation, known)
        elif isinstance(step, Branch):
            left = 1.0
            for option in step.branch:
                is_last = option is step.branch[-1]
                share = option.probability
                if share is None:
                    share = left if is_last else 0.0
                left -= share
                total += share * _in_steps(parts, option.steps, operation, known)
        else:
            if isinstance(step, Child):
                total += _in_routine(parts, step.child.routine, operation, known)
            times = 1.0
            if isinstance(step, Loop):
                times = mean_count(step.loop.times)
            elif isinstance(step, Fork) and step.fork.items is not None:
                times = mean_count(step.fork.items)
            for path, body in bodies(step):
                if not any(place in UNKNOWN_PLACES for place in path):
                    total += times * _in_steps(parts, body, operation, known)
    return total


def rate_of(arrivals: Arrivals) -> float:
    """Mean executions a second; of a profile its mean over the period, or its first factor where it has none."""
    match arrivals:
        case PoissonArrivals():
            return arrivals.poisson_per_s * _mean_factor(arrivals) * mean_count(arrivals.batch)
        case RenewalArrivals():
            return 1e9 / mean_ns(arrivals.renewal) * mean_count(arrivals.batch)
        case ModulatedArrivals():
            total_ns = sum(phase.stay_ns for phase in arrivals.mmpp)
            return sum(phase.rate_per_s * phase.stay_ns for phase in arrivals.mmpp) / total_ns
        case BurstArrivals():
            return 0.0 if arrivals.every_ns is None else mean_count(arrivals.burst) * 1e9 / arrivals.every_ns
    return 0.0


def _mean_factor(arrivals: PoissonArrivals) -> float:
    profile = arrivals.profile
    if profile is None:
        return 1.0
    if profile.period_ns is None:
        return profile.points[0].factor
    times = [point.at_ns for point in profile.points] + [profile.period_ns]
    factors = [point.factor for point in profile.points] + [profile.points[0].factor]
    total = 0.0
    for index in range(len(profile.points)):
        here = factors[index] if profile.between == "step" else (factors[index] + factors[index + 1]) / 2
        total += here * (times[index + 1] - times[index])
    return total / profile.period_ns
