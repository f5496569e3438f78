"""Traces: spans in OTLP's JSON and in the JSON of Jaeger's API and user interface.

The own time of a span is its duration without what its children cover: what the service did itself, or waited for
without saying so. Sources: OTLP 1.x, trace.proto in JSON encoding; Jaeger, `/api/traces` (both read 2026-11).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.observed.table import Kinds, Observations
from sim.observed.text import json_lines, refused

OTLP_ERROR = (2, "STATUS_CODE_ERROR")


@dataclass(frozen=True, slots=True)
class Span:
    """One span, times in ns. parent: the span of the same trace that it was begun by; empty at the root."""

    trace: str
    id: str
    parent: str
    name: str
    begin_ns: int
    end_ns: int
    failed: bool


def is_otlp(data: Any) -> bool:
    """Whether a JSON value is an export of traces by OTLP."""
    return isinstance(data, dict) and "resourceSpans" in data


def is_jaeger(data: Any) -> bool:
    """Whether a JSON value is an answer of Jaeger's."""
    traces = data.get("data") if isinstance(data, dict) else None
    return isinstance(traces, list) and bool(traces) and isinstance(traces[0], dict) and "spans" in traces[0]


def read_spans(paths: Sequence[Path]) -> Observations:
    """The spans in these files; names are SERVICE/OPERATION.

    Kinds, in ns: `latency.NAME` of roots, `span.NAME` of every span, `own.NAME` without what children cover;
    `count.failed.NAME`. A span that failed counts in none of the three. Raises InputErrors.
    """
    spans = [span for path in paths for span in _spans(path)]
    if not spans:
        raise refused(paths[0], "holds no span", "export traces of the requests that are to be fitted")
    children: dict[tuple[str, str], list[Span]] = {}
    known = {(span.trace, span.id) for span in spans}
    for span in spans:
        children.setdefault((span.trace, span.parent), []).append(span)
    kinds = Kinds()
    lost = Counter(span.name for span in spans if span.parent and (span.trace, span.parent) not in known)
    for span in spans:
        if span.failed:
            kinds.add(f"count.failed.{span.name}", span.begin_ns, 1)
            continue
        length_ns = span.end_ns - span.begin_ns
        kinds.add(f"span.{span.name}", span.begin_ns, length_ns)
        kinds.add(
            f"own.{span.name}", span.begin_ns, length_ns - _covered_ns(span, children.get((span.trace, span.id), []))
        )
        if not span.parent:
            kinds.add(f"latency.{span.name}", span.begin_ns, length_ns)
    notes = [
        f"{name}: the parent of {count} is not in the file; they count as no root" for name, count in lost.items()
    ]
    return Observations("traces", kinds.samples(), notes=tuple(notes))


def _covered_ns(span: Span, children: Sequence[Span]) -> int:
    """How much of a span some child covers; what a child does after the span's end does not count."""
    covered = 0
    upto = span.begin_ns
    for begin_ns, end_ns in sorted((child.begin_ns, child.end_ns) for child in children):
        end_ns = min(end_ns, span.end_ns)
        covered += max(0, end_ns - max(begin_ns, upto))
        upto = max(upto, end_ns)
    return covered


def _spans(path: Path) -> Iterator[Span]:
    for line, data in json_lines(path):
        if not (is_otlp(data) or is_jaeger(data)):
            raise refused(path, "is no trace: `resourceSpans` or `data` with `spans` is expected", "", line)
        try:
            yield from _of_otlp(data) if is_otlp(data) else _of_jaeger(data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"a span has no `{error.args[0]}`" if isinstance(error, KeyError) else f"a span is wrong: {error}"
            raise refused(path, what, "export the trace again", line) from None


def _of_otlp(data: Mapping[str, Any]) -> Iterator[Span]:
    for resource in data["resourceSpans"]:
        attributes = resource.get("resource", {}).get("attributes", [])
        service = next((one["value"]["stringValue"] for one in attributes if one["key"] == "service.name"), "")
        for scope in resource.get("scopeSpans", resource.get("instrumentationLibrarySpans", [])):
            for span in scope["spans"]:
                yield Span(
                    span["traceId"],
                    span["spanId"],
                    span.get("parentSpanId", ""),
                    f"{service}/{span['name']}" if service else span["name"],
                    int(span["startTimeUnixNano"]),
                    int(span["endTimeUnixNano"]),
                    span.get("status", {}).get("code") in OTLP_ERROR,
                )


def _of_jaeger(data: Mapping[str, Any]) -> Iterator[Span]:
    for trace in data["data"]:
        for span in trace["spans"]:
            service = trace.get("processes", {}).get(span.get("processID", ""), {}).get("serviceName", "")
            parents = [one["spanID"] for one in span.get("references", []) if one["refType"] == "CHILD_OF"]
            begin_ns = int(span["startTime"]) * 1_000
            yield Span(
                span["traceID"],
                span["spanID"],
                parents[0] if parents else "",
                f"{service}/{span['operationName']}" if service else span["operationName"],
                begin_ns,
                begin_ns + int(span["duration"]) * 1_000,
                any(tag["key"] == "error" and tag["value"] in (True, "true") for tag in span.get("tags", [])),
            )
