"""Range queries of Prometheus, as `/api/v1/query_range` answers them: histograms, counters and gauges.

A classic histogram is a family of counters `NAME_bucket` with a label `le`. Counters only grow, until a restart sets
them to 0; what is added between two samples is the difference, or the new value after a restart. Durations are taken
from the end of the name, `_seconds`, `_milliseconds`, and are seconds without one.
Source: Prometheus, HTTP API and "Metric and label naming", read 2026-11.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.observed.table import Binned, Floats, Observations, Sample, in_columns
from sim.observed.text import json_lines, refused

IN_NS = {"_seconds": 1e9, "_milliseconds": 1e6, "_ms": 1e6, "_microseconds": 1e3, "_us": 1e3, "_ns": 1.0}
"""Ends of names, and how many ns their unit has."""

_HINT = "ask   /api/v1/query_range?query=NAME_bucket&start=...&end=...&step=15   for the counters themselves"


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels, times in s, values."""

    labels: Mapping[str, str]
    t_s: Floats
    value: Floats

    @property
    def name(self) -> str:
        """Of the metric; empty where the query dropped it, as `sum by (le) (...)` does."""
        return self.labels.get("__name__", "")

    @property
    def added(self) -> Floats:
        """What a counter grew by between its samples."""
        steps = np.diff(self.value)
        return np.where(steps < 0, self.value[1:], steps)

    @property
    def counts(self) -> bool:
        """Whether it can be a counter of whole things."""
        return bool((self.value == np.floor(self.value)).all())


def is_prometheus(data: Any) -> bool:
    """Whether a JSON value is the answer to a query."""
    return isinstance(data, dict) and "resultType" in (data["data"] if isinstance(data.get("data"), dict) else data)


def read_prometheus(paths: Sequence[Path]) -> Observations:
    """The answers in these files.

    Kinds: a histogram NAME is `NAME`, or `NAME.VALUE` by the labels in which several differ, with counts in intervals;
    a counter is `rate.NAME`, by interval between samples, anything else `level.NAME`. Raises InputErrors.
    """
    series = [one for path in paths for one in _series(path)]
    samples: dict[str, Sample] = {}
    notes: list[str] = []
    groups = _groups([one for one in series if "le" in one.labels])
    binned = {kind: _binned(paths[0], kind, group, series, notes) for kind, group in groups.items()}
    for kind, (one, *_) in _groups([one for one in series if "le" not in one.labels]).items():
        t_ns = np.round(one.t_s * 1e9).astype(np.int64)
        if one.name.endswith(("_total", "_count")) and one.t_s.size > 1:
            samples[f"rate.{kind}"] = in_columns(t_ns[:-1], one.added / np.diff(one.t_s))
        elif not one.name.endswith("_sum"):
            samples[f"level.{kind}"] = in_columns(t_ns, one.value)
    return Observations("Prometheus range query", samples, binned, notes=tuple(notes))


def _series(path: Path) -> list[Series]:
    found = []
    for line, answer in json_lines(path):
        data = answer.get("data", answer)
        if data.get("resultType") != "matrix":
            what = f"is the answer to an instant query, a {data.get('resultType')}; a matrix is expected"
            raise refused(path, what, _HINT, line)
        for number, one in enumerate(data["result"], 1):
            if "histograms" in one:
                what = f"series {number} is a native histogram; classic ones with `le` are read"
                raise refused(
                    path, what, "ask for   histogram_quantile   at several quantiles, or for NAME_bucket", line
                )
            try:
                rows = [(float(t), float(value)) for t, value in one["values"]]
            except (KeyError, TypeError, ValueError) as error:
                what = f"series {number} has no `values` of [time, text] pairs: {error}"
                raise refused(path, what, _HINT, line) from None
            columns = np.array([row for row in rows if not math.isnan(row[1])], dtype=np.float64).reshape(-1, 2)
            found.append(Series(one.get("metric", {}), columns[:, 0], columns[:, 1]))
    if not found:
        raise refused(path, "holds no series", "widen the range of the query")
    return found


def _groups(series: Sequence[Series]) -> dict[str, list[Series]]:
    """Series by kind: the metric's name and those labels in which series of that name differ."""
    groups: dict[str, list[Series]] = {}
    for one in series:
        others = [other for other in series if other.name == one.name]
        keys = sorted({key for other in others for key in other.labels} - {"le", "__name__"})
        differ = [key for key in keys if len({other.labels.get(key, "") for other in others}) > 1]
        name = one.name.removesuffix("_bucket") or "histogram"
        groups.setdefault(".".join([name, *(one.labels.get(key, "") for key in differ)]), []).append(one)
    return groups


def _binned(path: Path, kind: str, group: Sequence[Series], every: Sequence[Series], notes: list[str]) -> Binned:
    """Counts in intervals over the whole range, from cumulative counters by `le`."""
    if not all(one.counts for one in group):
        what = f"{kind}: counters of whole observations are expected; these are rates"
        raise refused(path, what, _HINT)
    total: dict[float, float] = {}
    for one in group:
        edge = float(one.labels["le"].replace("Inf", "inf"))
        total[edge] = total.get(edge, 0.0) + float(one.added.sum())
    edges = sorted(total)
    counts = np.diff([0.0, *(total[edge] for edge in edges)])
    if (counts < 0).any():
        notes.append(f"{kind}: some counters fall with `le`, as when samples are missing; these count as 0")
    unit_ns = next((ns for end, ns in IN_NS.items() if group[0].name.removesuffix("_bucket").endswith(end)), 0.0)
    if not unit_ns:
        unit_ns = 1e9
        notes.append(f"{kind}: the name has no unit; `le` is taken for seconds")
    sums = [
        float(one.added.sum())
        for one in every
        if one.name == group[0].name.removesuffix("_bucket") + "_sum"
        and all(
            one.labels.get(key) == value for key, value in group[0].labels.items() if key not in ("le", "__name__")
        )
    ]
    return Binned(np.array([0.0, *edges]) * unit_ns, np.maximum(counts, 0.0), sums[0] * unit_ns if sums else math.nan)
