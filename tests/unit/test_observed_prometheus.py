"""Range queries of Prometheus become observations: growth of counters, restarts, intervals of histograms."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.errors import InputErrors
from sim.observed.recognise import read
from sim.observed.table import Observations, unit_of

REAL = Path(__file__).parent / "samples" / "prometheus-query-range.json"


def series(name: str, values: list[float], **labels: str) -> dict[str, Any]:
    rows = [[1000 + 15 * index, str(value)] for index, value in enumerate(values)]
    return {"metric": {"__name__": name, **labels} if name else labels, "values": rows}


def answer(folder: Path, *result: dict[str, Any], kind: str = "matrix") -> Observations:
    path = folder / "answer.json"
    data = {"status": "success", "data": {"resultType": kind, "result": result}}
    path.write_text(json.dumps(data), encoding="utf-8")
    return read([path])


def test_a_histogram_counts_what_was_added_in_each_interval(tmp_path: Path) -> None:
    found = answer(
        tmp_path,
        series("x_seconds_bucket", [10, 12], le="0.1"),
        series("x_seconds_bucket", [10, 17], le="0.5"),
        series("x_seconds_bucket", [10, 18], le="+Inf"),
        series("x_seconds_sum", [3, 5.5]),
    )
    histogram = found.binned["x_seconds"]
    assert histogram.edges_ns.tolist() == [0, 0.1e9, 0.5e9, math.inf]
    assert histogram.counts.tolist() == [2, 5, 1]
    assert histogram.sum_ns == pytest.approx(2.5e9)
    assert found.notes == ()


def test_a_restart_sets_counters_to_zero_and_what_follows_counts_whole(tmp_path: Path) -> None:
    found = answer(tmp_path, series("x_ms_bucket", [10, 14, 3], le="5"), series("x_ms_bucket", [10, 15, 4], le="+Inf"))
    assert found.binned["x_ms"].counts.tolist() == [4 + 3, 1 + 1]
    assert found.binned["x_ms"].edges_ns[1] == 5e6


def test_a_counter_becomes_rates_and_a_gauge_stays_as_it_is(tmp_path: Path) -> None:
    found = answer(tmp_path, series("jobs_total", [0, 30, 15]), series("queue_depth", [1.5, 2]))
    assert found.only("rate.jobs_total").value.tolist() == [2, 1]
    assert found.only("level.queue_depth").value.tolist() == [1.5, 2]
    assert unit_of("rate.jobs_total") == "1/s"


def test_series_of_one_name_are_told_apart_by_the_labels_that_differ(tmp_path: Path) -> None:
    rows = [
        series("x_seconds_bucket", [0, count], le="+Inf", operation=operation, job="server")
        for operation, count in (("Start", 3), ("Poll", 7))
    ]
    found = answer(tmp_path, *rows)
    assert {kind: one.n for kind, one in found.binned.items()} == {"x_seconds.Start": 3, "x_seconds.Poll": 7}


def test_without_a_name_or_a_unit_seconds_are_assumed_and_told(tmp_path: Path) -> None:
    found = answer(tmp_path, series("", [0, 2], le="0.1"), series("", [0, 3], le="+Inf"))
    assert found.binned["histogram"].edges_ns[1] == 0.1e9
    assert any("taken for seconds" in note for note in found.notes)


def test_a_histogram_of_a_real_server_is_read() -> None:
    found = read([REAL])
    activity = found.binned["service_latency.RespondActivityTaskCompleted"]
    assert np.array_equal(activity.edges_ns[:4], [0, 1e6, 2e6, 5e6])
    assert 0 < activity.n <= 240
    assert activity.counts[0] == 0
    assert activity.sum_ns / activity.n == pytest.approx(1.1181 / 240 * 1e9, rel=0.1)  # of the whole run


@pytest.mark.parametrize(
    ("result", "kind", "says"),
    [
        ([series("x", [1, 2])], "vector", "instant query, a vector; a matrix is expected"),
        ([{"metric": {}, "histograms": []}], "matrix", "native histogram"),
        ([{"metric": {}}], "matrix", "series 1 has no `values`"),
        ([], "matrix", "holds no series"),
        ([series("", [0.1, 0.25], le="0.1")], "matrix", "these are rates"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_query_to_ask_instead(
    result: list[dict[str, Any]], kind: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(InputErrors, match=says):
        answer(tmp_path, *result, kind=kind)
