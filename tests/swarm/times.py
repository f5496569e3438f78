"""Random times and counts: mostly a few constants on one grid, so that events meet at one instant on purpose."""

from __future__ import annotations

from typing import Any

from .dice import Swarm

UNITS = (("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000))
FEW = {0: 2.0, 1: 5.0, 2: 4.0, 3: 1.0, 4: 1.0, 5: 4.0, 10: 2.0}
"""Times in grid steps, with their weights."""
GRIDS = {1_000_000: 12.0, 1_000: 3.0, 7: 2.0, 1: 1.0, 1_000_000_000: 3.0}
"""Grid steps in ns: on the fine ones random times meet too, and every rounding shows."""
KINDS = (
    "exponential",
    "lognormal",
    "quantiles",
    "uniform",
    "gamma",
    "hyperexponential",
    "weibull",
    "pareto",
    "empirical",
    "mixture",
    "residual",
    "fastest",
)


def written(time_ns: int) -> str:
    """A time as a file has it: whole, in the largest unit that keeps it whole."""
    for unit, size in UNITS:
        if time_ns % size == 0:
            return f"{time_ns // size} {unit}"
    return f"{time_ns} ns"


class Times:
    """Random times and counts of one network."""

    def __init__(self, swarm: Swarm) -> None:
        self.swarm = swarm
        self.grid_ns = swarm.weighted(GRIDS)

    def ns(self, number: float) -> int:
        """So many grid steps, in ns."""
        return round(number * self.grid_ns)

    def steps(self, number: float) -> str:
        """So many grid steps."""
        return written(self.ns(number))

    def few(self, least: int = 0) -> int:
        """A number of grid steps out of the few that meet again and again."""
        return self.swarm.weighted({steps: weight for steps, weight in FEW.items() if steps >= least})

    def time(self, least: int = 0) -> str:
        """One of the few times."""
        return self.steps(self.few(least))

    def distribution(self, least: int = 0, longer: int = 1) -> Any:
        """A time that may vary; `longer` stretches it."""
        if not self.swarm.allows("random times"):
            return self.steps(self.few(least) * longer)
        return self._random(self.swarm.choose("distribution", KINDS), longer)

    def _random(self, kind: str, longer: int) -> Any:
        swarm = self.swarm
        mean = self.few(1) * longer
        one, three = self.steps(mean), self.steps(3 * mean)
        shape = {"mean": one, "cv": swarm.pick((0.5, 1.0, 0.25))}
        match kind:
            case "exponential":
                return {"exponential": one}
            case "lognormal":
                return {"mean": one, "cv": swarm.pick((0.0, 1.0))}
            case "quantiles":
                return {"p50": one, "p99": three, "min": self.steps(mean / 2), "max": self.steps(2 * mean)}
            case "uniform":
                return {"uniform": [swarm.pick((self.steps(0), one)), swarm.pick((one, three))]}
            case "gamma":
                return {"gamma": shape}
            case "hyperexponential":
                return {"hyperexponential": {"mean": one, "cv": swarm.pick((1.5, 3.0))}}
            case "weibull":
                return {"weibull": {"scale": one, "shape": swarm.pick((0.7, 2.0))}}
            case "pareto":
                cut = {"max": self.steps(20 * mean)} if swarm.chance(0.5) else {}
                return {"pareto": {"min": one, "alpha": swarm.pick((1.5, 2.5)), **cut}}
            case "empirical":
                values = [self.steps(0), one, one, three]
                at = {"probabilities": [0, 0.25, 0.5, 1]} if swarm.chance(0.5) else {}
                return {"empirical": {"values": values, **at}}
            case "mixture":
                return {"mixture": [{"weight": 0.75, "of": self.time()}, {"weight": 0.25, "of": {"exponential": one}}]}
            case "residual":
                return {"residual": swarm.pick(({"exponential": one}, one, {"gamma": shape}))}
            case "fastest":
                return {"fastest": {"k": swarm.between(1, 2), "n": 3, "of": swarm.pick(({"exponential": one}, one))}}
        raise AssertionError(kind)

    def number(self, most: int, attribute: str | None = None) -> Any:
        """How many: `most` or less, about."""
        swarm = self.swarm
        if attribute is not None and swarm.allows("number.attribute"):
            return {"attribute": attribute}
        if not swarm.allows("random counts"):
            return swarm.between(0, most)
        match swarm.choose("number", ("geometric", "poisson", "between")):
            case "geometric":
                return {"geometric": 1 + most / 4}
            case "poisson":
                return {"poisson": max(most / 3, 0.5)}
        return {"between": [swarm.between(0, 1), most]}
