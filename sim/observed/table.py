"""What was observed of a running system, by kind: the one table that every importer fills and every fit reads.

A kind names what was measured and of whom: `latency`, `service`, `start_to_close.activity.charge`,
`schedule_to_start.workflow_task`, `rate.http_reqs`. Durations are in ns; kinds that begin with `rate.` are in 1/s,
those that begin with `count.` or `level.` are plain numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Unit = Literal["ns", "1/s", ""]


@dataclass(frozen=True, slots=True)
class Sample:
    """Values of one kind, in the order of time.

    t_ns: when what was measured began, since the epoch. value: in the unit of the kind. cut: True where the value is
    only a lower bound, because a timeout ended the wait (censored on the right).
    """

    t_ns: Ints
    value: Floats
    cut: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """How many, cut ones included."""
        return int(self.value.size)

    @property
    def span_s(self) -> float:
        """From the first beginning to the last, in s."""
        return float(self.t_ns[-1] - self.t_ns[0]) / 1e9 if self.n else 0.0

    @property
    def rate_per_s(self) -> float:
        """Beginnings a second: intervals over the span. NaN where there are none."""
        return (self.n - 1) / self.span_s if self.span_s > 0 else float("nan")


@dataclass(frozen=True, slots=True)
class Binned:
    """Durations of which only counts in intervals are known, as Prometheus keeps them.

    edges_ns: rising, one more than counts, from 0; the last is infinite where the highest interval has no end.
    counts: in (edge, next edge]. sum_ns: of all durations; NaN where it is not known.
    """

    edges_ns: Floats
    counts: Floats
    sum_ns: float = float("nan")

    @property
    def n(self) -> float:
        """How many; counts that were made of shares need not be whole."""
        return float(self.counts.sum())


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything that was read from one log, history, metric or trace.

    source: what it is, such as "pgbench log". samples, binned: by kind. facts: what else the source says, under names
    of the importer's own, such as `clients`. notes: what the reader of the figures must know, one sentence each.
    """

    source: str
    samples: Mapping[str, Sample]
    binned: Mapping[str, Binned] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def only(self, kind: str) -> Sample:
        """The sample of a kind; an empty one where there is none."""
        return self.samples.get(kind) or sample([])


def unit_of(kind: str) -> Unit:
    """The unit of a kind's values."""
    first = kind.partition(".")[0]
    return "1/s" if first == "rate" else "" if first in ("count", "level") else "ns"


def sample(rows: Iterable[tuple[int, float] | tuple[int, float, bool]]) -> Sample:
    """A sample of (t_ns, value) or (t_ns, value, cut), in any order."""
    found = sorted(rows, key=lambda row: row[0])
    return Sample(
        np.array([row[0] for row in found], dtype=np.int64),
        np.array([row[1] for row in found], dtype=np.float64),
        np.array([len(row) > 2 and bool(row[2]) for row in found], dtype=np.bool_),
    )


def in_columns(t_ns: Ints, value: NDArray[Any], cut: NDArray[np.bool_] | None = None) -> Sample:
    """A sample of columns, in any order."""
    order = np.argsort(t_ns, kind="stable")
    where = np.zeros(order.size, dtype=np.bool_) if cut is None else cut
    return Sample(t_ns[order].astype(np.int64), value[order].astype(np.float64), where[order])


class Kinds:
    """Values that an importer collects one by one."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[int, float, bool]]] = {}

    def add(self, kind: str, t_ns: int, value: float, cut: bool = False) -> None:
        """One value of a kind."""
        self._rows.setdefault(kind, []).append((t_ns, value, cut))

    def samples(self) -> dict[str, Sample]:
        """What was collected, kinds in the order of their first value."""
        return {kind: sample(rows) for kind, rows in self._rows.items()}
