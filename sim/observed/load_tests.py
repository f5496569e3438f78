"""Results of load tests: k6 (`--out csv=`, `--out json=`) and locust (`--csv`, or a log of its requests).

k6 writes every value; a metric of kind time is in ms and its time is the end. locust's `--csv` has percentiles only:
`_stats.csv` those of the whole run, `_stats_history.csv` those of a sliding window of 10 s. Single requests are in a
log that a listener of `events.request` writes, under the names of its arguments. Sources: k6 documentation, "CSV" and
"JSON"; locust documentation, "Retrieve test statistics in CSV format" and `locust.event` (both read 2026-11).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from sim.observed.table import Binned, Kinds, Observations
from sim.observed.text import Complaints, instant_ns, refused, text_of

K6_TIMES = ("_duration", "_waiting", "_blocked", "_connecting", "_sending", "_receiving", "_tls_handshaking")
"""Ends of k6's own metrics that are times in ms."""
K6_COUNTERS = ("http_reqs", "iterations", "data_sent", "data_received", "dropped_iterations", "grpc_streams")

K6_HEAD = "metric_name,timestamp,metric_value"
LOCUST_HISTORY = ("Timestamp", "User Count", "Type", "Name", "Requests/s")
LOCUST_STATS = ("Type", "Name", "Request Count", "Failure Count")
LOCUST_REQUESTS = ("request_type", "name", "response_time")


def is_load_test(line: str) -> bool:
    """Whether the first line is the heading, or the first object, of a result of k6 or locust."""
    if line.startswith("{"):
        return '"metric"' in line and '"type"' in line and '"data"' in line
    head = next(csv.reader([line]), [])
    return line.startswith(K6_HEAD) or any(
        _has(head, columns) for columns in (LOCUST_HISTORY, LOCUST_STATS, LOCUST_REQUESTS)
    )


def read_load_test(paths: Sequence[Path]) -> Observations:
    """The results in these files.

    Kinds: `latency.NAME` of k6's http_req_duration and locust's response times, by the name of the request; other
    times of k6 as `http_req_waiting.NAME`; k6's counters and other values as `count.METRIC`, `level.METRIC`;
    `count.failed.NAME`; locust's history as `rate.NAME`. Times in ns. Raises InputErrors.
    """
    line = next((line for line in text_of(paths[0]).splitlines() if line.strip()), "")
    if line.startswith("{"):
        return _of_k6("k6 JSON", paths, _k6_json)
    if line.startswith(K6_HEAD):
        return _of_k6("k6 CSV", paths, _k6_csv)
    head = next(csv.reader([line]))
    if _has(head, LOCUST_HISTORY):
        return _history(paths)
    return _stats(paths) if _has(head, LOCUST_STATS) else _requests(paths)


def _has(head: Sequence[str], columns: Sequence[str]) -> bool:
    return set(columns) <= set(head)


def _table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of a CSV file by column, with their numbers."""
    reader = csv.DictReader(text_of(path).splitlines())
    for row in reader:
        yield reader.line_num, {key: value or "" for key, value in row.items() if key is not None}


# -- k6 -------------------------------------------------------------------------------------------------------------

Point = tuple[str, int, float, Mapping[str, Any]]
"""Metric, time in ns, value, tags."""


def _of_k6(source: str, paths: Sequence[Path], points: Any) -> Observations:
    kinds, whole_seconds = Kinds(), True
    for path in paths:
        complaints = Complaints(path)
        for metric, end_ns, value, tags in points(path, complaints):
            whole_seconds &= end_ns % 10**9 == 0
            name = tags.get("name") or tags.get("url") or tags.get("scenario") or ""
            if metric.endswith(K6_TIMES):
                failed = tags.get("expected_response") == "false"
                kind = f"{'latency' if metric == 'http_req_duration' else metric}.{name}".rstrip(".")
                begin_ns = end_ns - round(value * 1e6)
                kinds.add(f"count.failed.{name}" if failed else kind, begin_ns, 1 if failed else value * 1e6)
            else:
                kinds.add(f"{'count' if metric in K6_COUNTERS else 'level'}.{metric}", end_ns, value)
        complaints.settle()
    notes = ("times are whole seconds; K6_CSV_TIME_FORMAT=unix_micro would tell more",) if whole_seconds else ()
    return Observations(source, kinds.samples(), notes=notes)


def _k6_csv(path: Path, complaints: Complaints) -> Iterator[Point]:
    for line, row in _table(path):
        try:
            yield row["metric_name"], _epoch_ns(row["timestamp"]), float(row["metric_value"]), row
        except ValueError as error:
            complaints.add(line, str(error), f"a line under `{K6_HEAD},...` as k6 writes it is expected")


def _k6_json(path: Path, complaints: Complaints) -> Iterator[Point]:
    for line, text in enumerate(text_of(path).splitlines(), 1):
        try:
            row = json.loads(text) if text.strip() else {}
            if row.get("type") == "Point":
                data = row["data"]
                yield row["metric"], instant_ns(data["time"]), float(data["value"]), data.get("tags") or {}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"has no `{error.args[0]}`" if isinstance(error, KeyError) else str(error)
            complaints.add(line, what, "one object a line as   k6 run --out json=FILE   writes it is expected")


def _epoch_ns(text: str) -> int:
    """k6's `unix`, `unix_milli`, `unix_micro`, `unix_nano` told by their digits, or RFC 3339."""
    if not text.replace(".", "", 1).isdigit():
        return instant_ns(text)
    whole = text.partition(".")[0]
    thousands = max(0, min(3, (len(whole) - 8) // 3))
    return int(Decimal(text).scaleb(9 - 3 * thousands))


# -- locust ---------------------------------------------------------------------------------------------------------


def _each(paths: Sequence[Path], take: Callable[[dict[str, str]], None], hint: str) -> None:
    """Take every row of these tables, and complain of those that cannot be taken."""
    for path in paths:
        complaints = Complaints(path)
        for line, row in _table(path):
            try:
                take(row)
            except (KeyError, ValueError) as error:
                complaints.add(line, str(error), hint)
        complaints.settle()


def _requests(paths: Sequence[Path]) -> Observations:
    kinds = Kinds()

    def take(row: dict[str, str]) -> None:
        took_ns = float(row["response_time"]) * 1e6
        time = row.get("start_time") or row.get("timestamp") or row.get("Timestamp") or ""
        begin_ns = round(float(time) * 1e9) if time.replace(".", "", 1).isdigit() else instant_ns(time)
        failed = row.get("exception", "") not in ("", "None") or row.get("success", "").lower() == "false"
        kinds.add(f"{'count.failed' if failed else 'latency'}.{row['name']}", begin_ns, 1 if failed else took_ns)

    _each(paths, take, "response_time in ms and start_time in s since the epoch are expected")
    return Observations("locust requests", kinds.samples())


def _history(paths: Sequence[Path]) -> Observations:
    kinds = Kinds()

    def take(row: dict[str, str]) -> None:
        t_ns = int(float(row["Timestamp"])) * 10**9
        kinds.add(f"rate.{row['Name']}", t_ns, float(row["Requests/s"]))
        kinds.add("level.users", t_ns, float(row["User Count"]))

    _each(paths, take, "a line of PREFIX_stats_history.csv is expected")
    note = "percentiles of a history are of a sliding window and are not fitted; PREFIX_stats.csv has the whole run's"
    return Observations("locust history", kinds.samples(), notes=(note,))


def _stats(paths: Sequence[Path]) -> Observations:
    """Percentiles of a whole run: between two of them lies a known count."""
    binned: dict[str, Binned] = {}

    def take(row: dict[str, str]) -> None:
        levels = {key: float(key.rstrip("%")) / 100 for key in row if key.endswith("%")}
        count = int(row["Request Count"])
        ends = [(level, float(row[key]) * 1e6) for key, level in levels.items() if row[key] not in ("", "N/A")]
        mean_ms = float(row["Average Response Time"])
        if count and ends:
            binned[f"latency.{row['Name']}"] = _between(count, ends, mean_ms * 1e6)

    _each(paths, take, "a line of PREFIX_stats.csv is expected")
    if not binned:
        raise refused(paths[0], "holds no request", "run the test until there are some")
    note = (
        "response times are rounded to ms and percentiles to two digits by locust; a log of requests would tell more"
    )
    return Observations("locust statistics", {}, binned, notes=(note,))


def _between(count: int, ends: Sequence[tuple[float, float]], mean_ns: float) -> Binned:
    """Counts between successive percentiles; those that are equal are one edge."""
    upto: dict[float, float] = {}
    for level, edge_ns in ends:
        upto[edge_ns] = max(level, upto.get(edge_ns, 0.0))
    edges = sorted(upto)
    shares = np.diff([0.0, *(upto[edge] for edge in edges)])
    return Binned(np.array([0.0, *edges]), np.maximum(shares, 0.0) * count, mean_ns * count)
