"""What is read off one run, in the way in which the measurement reads its own: counts, means, quantiles by
interpolation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calibration.systems.cells import PROBABILITIES
from sim.results.columns import SUCCEEDED, Replication

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Reading:
    """Figures of one run: single ones by metric (1/s, ms, s, shares), and tables of quantiles in ms at the
    probabilities that the cells have. What a run does not have is left out."""

    values: Mapping[str, float] = field(default_factory=dict)
    quantiles: Mapping[str, Floats] = field(default_factory=dict)

    def __or__(self, other: Reading) -> Reading:
        return Reading({**self.values, **other.values}, {**self.quantiles, **other.quantiles})


def durations(family: str, durations_ns: Ints) -> Reading:
    """Mean, p50, p90, p95 and p99 in ms as `FAMILY.mean` and so on, and the table of quantiles `FAMILY`."""
    if durations_ns.size == 0:
        return Reading()
    table_ms = np.quantile(durations_ns / 1e6, PROBABILITIES)
    named = dict(zip(PERCENTILES, np.quantile(durations_ns / 1e6, list(PERCENTILES.values())), strict=True))
    values = {"mean": float(durations_ns.mean()) / 1e6, **{name: float(value) for name, value in named.items()}}
    return Reading({f"{family}.{name}": value for name, value in values.items()}, {family: table_ms})


def throughput(ends_ns: Ints, begin_ns: int, end_ns: int, metric: str = "throughput") -> Reading:
    """Ends in [begin, end) for each second of it."""
    count = int(((ends_ns >= begin_ns) & (ends_ns < end_ns)).sum())
    return Reading({metric: count / ((end_ns - begin_ns) / 1e9)})


def share(metric: str, part: int, whole: int) -> Reading:
    """A part of a whole; nothing where there is no whole."""
    return Reading({metric: part / whole}) if whole else Reading()


@dataclass(frozen=True, slots=True)
class Finished:
    """Executions of some routines that are over: start and end in ns, and the index of the outcome."""

    start_ns: Ints
    end_ns: Ints
    outcome: NDArray[np.int8]

    @property
    def latency_ns(self) -> Ints:
        """From start to end."""
        return self.end_ns - self.start_ns

    def where(self, chosen: NDArray[np.bool_]) -> Finished:
        """Some of them."""
        return Finished(self.start_ns[chosen], self.end_ns[chosen], self.outcome[chosen])


def finished(run: Replication, *routines: str, outcomes: tuple[int, ...] = (SUCCEEDED,)) -> Finished:
    """Executions of the routines that have one of the outcomes; where none is named, of all that sources let in."""
    rows = run.executions
    mine = (rows.end_ns >= 0) & np.isin(rows.outcome, outcomes)
    if routines:
        mine &= np.isin(rows.routine, [run.routines.index(name) for name in routines])
    elif rows.parent is not None:
        mine &= rows.parent < 0
    return Finished(rows.start_ns[mine], rows.end_ns[mine], rows.outcome[mine])


def span(run: Replication, metric: str, begin_ns: int = 0) -> Ints:
    """Durations in ns of a span of the network (such as `span.lag`), of those that began at `begin` or later."""
    if metric not in run.spans:
        return np.zeros(0, np.int64)
    one = run.spans[metric]
    return one.durations_ns[one.ended_ns - one.durations_ns >= begin_ns]
