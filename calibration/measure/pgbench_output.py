"""What pgbench 15 says, read: its report, and its log of transactions (`-l`). No server is needed here."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.measure import quantiles

Integers = NDArray[np.int64]

REPORTED = {
    "tps_reported": r"tps = ([\d.]+)",
    "lat_avg_reported_ms": r"latency average = ([\d.]+) ms",
    "initial_connection_ms": r"initial connection time = ([\d.]+) ms",
}
STATEMENT = re.compile(r"^ +([\d.]+) +\d+  (.*)$", re.MULTILINE)


def report(printed: str) -> dict[str, float]:
    """The figures of pgbench's report that are kept."""
    found = {name: re.search(pattern, printed) for name, pattern in REPORTED.items()}
    return {name: float(match.group(1)) for name, match in found.items() if match}


def statements(printed: str) -> list[list[Any]]:
    """Mean latency in ms and text of each statement of the script, from the report of `-r`."""
    table = printed.partition("statement latencies in milliseconds")[2]
    return [[float(mean_ms), text] for mean_ms, text in STATEMENT.findall(table)]


@dataclass(frozen=True, slots=True)
class Log:
    """The transactions of one run that did not fail, in the order in which they started.

    start_us: of the transaction or, with a rate, its scheduled arrival; since the first one. lag_us: from there to
    the start on a connection, 0 without a rate. latency_us: until its end, lag included.
    failed: number of transactions that were aborted, by kind.
    """

    start_us: Integers
    lag_us: Integers
    latency_us: Integers
    first_start_epoch_us: int
    failed: dict[str, int]

    @property
    def end_us(self) -> Integers:
        """Ends, since the first start."""
        return self.start_us + self.latency_us


def read_log(paths: Iterable[Path]) -> Log:
    """The log in the files that pgbench wrote (one a thread), gzipped or not."""
    rows, failed = [], Counter[str]()
    for path in paths:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            for line in lines:
                words = line.split()
                if words[2].isdecimal():
                    end_us = int(words[4]) * 10**6 + int(words[5])
                    rows.append((end_us - int(words[2]), int(words[6]) if len(words) > 6 else 0, int(words[2])))
                else:
                    failed[words[2]] += 1  # the kind stands in the place of the latency
    columns = np.array(sorted(rows), dtype=np.int64).reshape(-1, 3)
    first_us = int(columns[0, 0]) if len(columns) else 0
    return Log(columns[:, 0] - first_us, columns[:, 1], columns[:, 2], first_us, dict(failed))


def line(log: Log, dropped_first_s: float, has_rate: bool) -> dict[str, Any]:
    """The fields of a measured line that come from the log, without transactions started before `dropped_first_s`.

    `tps_steady` divides those left by the time in which they ended: from one mean latency after the first of them may
    start, to the end.
    """
    kept = log.start_us >= dropped_first_s * 1e6
    latency_ms = log.latency_us[kept] / 1e3
    span_s = float(log.end_us.max()) / 1e6
    window_s = span_s - dropped_first_s - (latency_ms.mean() / 1e3 if dropped_first_s else 0.0)
    fields: dict[str, Any] = {
        "first_start_epoch_us": log.first_start_epoch_us,
        "dropped_first_s": dropped_first_s,
        "span_s": round(span_s, 3),
        "tps_steady": round(len(latency_ms) / window_s, 2),
    }
    fields |= quantiles.both("latency", "ms", latency_ms)
    if has_rate:
        lag_ms = log.lag_us[kept] / 1e3
        fields |= quantiles.both("lag", "ms", lag_ms) | quantiles.both("service", "ms", latency_ms - lag_ms)
    return fields | {"series_0.5s": series(log)}


def series(log: Log, width_s: float = 0.5) -> list[list[float]]:
    """Number of the window, transactions that ended in it, and their mean latency in ms; of all the log."""
    window = (log.end_us / (width_s * 1e6)).astype(int)
    rows: Sequence[int] = sorted(set(window.tolist()))
    return [[w, int((window == w).sum()), round(float(log.latency_us[window == w].mean()) / 1e3, 3)] for w in rows]


def samples_csv(log: Log) -> str:
    """The log as a table: arrival, lag and latency of each transaction in us, in the order of starts."""
    columns = zip(log.start_us.tolist(), log.lag_us.tolist(), log.latency_us.tolist(), strict=True)
    return "arrival_us,lag_us,latency_us\n" + "".join(f"{a},{g},{t}\n" for a, g, t in columns)
