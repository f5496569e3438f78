"""Traces become observations: durations, what a span did itself, and what failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sim.errors import InputErrors
from sim.observed.recognise import read
from sim.observed.table import Observations

MS = 1_000_000


def otlp(*spans: dict[str, Any]) -> dict[str, Any]:
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceSpans": [{"resource": service, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]}


def span(name: str, number: int, parent: str, begin_ms: int, end_ms: int, **more: Any) -> dict[str, Any]:
    times = {"startTimeUnixNano": str(begin_ms * MS), "endTimeUnixNano": str(end_ms * MS)}
    return {"traceId": "t1", "spanId": f"s{number}", "parentSpanId": parent, "name": name, **times, **more}


def jaeger(*spans: dict[str, Any]) -> dict[str, Any]:
    processes = {"p1": {"serviceName": "shop"}}
    return {"data": [{"traceID": "t1", "spans": list(spans), "processes": processes}], "total": 0}


def of_jaeger(name: str, number: int, parent: str, begin_ms: int, end_ms: int, **more: Any) -> dict[str, Any]:
    references = [{"refType": "CHILD_OF", "traceID": "t1", "spanID": parent}] if parent else []
    times = {"startTime": begin_ms * 1000, "duration": (end_ms - begin_ms) * 1000}
    base = {
        "traceID": "t1",
        "spanID": f"s{number}",
        "operationName": name,
        "processID": "p1",
        "references": references,
    }
    return {**base, **times, **more}


BOTH = pytest.mark.parametrize(("trace", "one"), [(otlp, span), (jaeger, of_jaeger)], ids=["otlp", "jaeger"])


def seen(folder: Path, data: Any) -> Observations:
    path = folder / "trace.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return read([path])


@BOTH
def test_the_own_time_of_a_span_is_what_no_child_covers(trace: Any, one: Any, tmp_path: Path) -> None:
    found = seen(
        tmp_path,
        trace(
            one("order", 1, "", 0, 100),
            one("charge", 2, "s1", 10, 40),
            one("reserve", 3, "s1", 30, 60),  # 10 ms of it at the same time
            one("notify", 4, "s1", 90, 130),  # goes on after the order
        ),
    )
    assert found.only("span.shop/order").value.tolist() == [100 * MS]
    assert found.only("own.shop/order").value.tolist() == [(100 - 50 - 10) * MS]
    assert found.only("own.shop/notify").value.tolist() == [40 * MS]


@BOTH
def test_only_roots_have_a_latency(trace: Any, one: Any, tmp_path: Path) -> None:
    found = seen(tmp_path, trace(one("order", 1, "", 5, 100), one("charge", 2, "s1", 10, 40)))
    assert [kind for kind in found.samples if kind.startswith("latency.")] == ["latency.shop/order"]
    assert found.only("latency.shop/order").t_ns.tolist() == [5 * MS]


@pytest.mark.parametrize(
    "data",
    [
        otlp(span("order", 1, "", 0, 9, status={"code": 2})),
        otlp(span("order", 1, "", 0, 9, status={"code": "STATUS_CODE_ERROR"})),
        jaeger(of_jaeger("order", 1, "", 0, 9, tags=[{"key": "error", "type": "bool", "value": True}])),
    ],
)
def test_what_failed_is_counted_and_not_timed(data: Any, tmp_path: Path) -> None:
    found = seen(tmp_path, data)
    assert list(found.samples) == ["count.failed.shop/order"]


def test_a_child_whose_parent_is_in_no_file_is_no_root(tmp_path: Path) -> None:
    found = seen(tmp_path, otlp(span("charge", 2, "s1", 10, 40)))
    assert "latency.shop/charge" not in found.samples
    assert any("parent of 1 is not in the file" in note for note in found.notes)


def test_exports_of_one_line_each_are_one_sample(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    path.write_text("\n".join(json.dumps(otlp(span("a", n, "", n, n + 5))) for n in range(3)), encoding="utf-8")
    assert read([path]).only("span.shop/a").n == 3


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (otlp({"name": "x"}), "a span has no `traceId`"),
        (otlp(span("a", 1, "", 0, 1) | {"endTimeUnixNano": "soon"}), "a span is wrong: .*soon"),
        (otlp(), "holds no span"),
    ],
)
def test_a_wrong_trace_is_told(data: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputErrors, match=says):
        seen(tmp_path, data)
