"""Histories become scenarios: children, queues that are no names, activities that are seldom seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sim.calibrate.scenarios import name_of, temporal_scenario
from sim.calibrate.service_times import fit_kinds, service_kinds
from sim.lower.load import load
from sim.observed.recognise import read
from sim.scenario.reading.reader import load_yaml


def event(number: int, ms: int, kind: str, **attributes: Any) -> dict[str, Any]:
    key = kind[0].lower() + kind[1:] + "EventAttributes"
    time = f"2026-11-26T10:00:{ms // 1000:02}.{ms % 1000:03}Z"
    return {"eventId": str(number), "eventTime": time, "eventType": kind, key: attributes}


def parent(begin_ms: int, child: str) -> list[dict[str, Any]]:
    """A workflow `main` on the queue `main queue:1` that runs one activity and then a child."""
    activity = {"activityType": {"name": "a.b"}, "taskQueue": {"name": "main queue:1"}}
    kind = {"workflowType": {"name": "main"}, "taskQueue": {"name": "main queue:1"}}
    requested = {"workflowTaskCompletedEventId": "4"}
    return [
        event(1, begin_ms, "WorkflowExecutionStarted", **kind),
        event(2, begin_ms, "ActivityTaskScheduled", workflowTaskCompletedEventId="1", **activity),
        event(3, begin_ms + 5, "ActivityTaskStarted", scheduledEventId="2", identity="w"),
        event(4, begin_ms + 25, "ActivityTaskCompleted", scheduledEventId="2"),
        event(5, begin_ms + 30, "StartChildWorkflowExecutionInitiated", **requested, workflowType={"name": child}),
        event(6, begin_ms + 90, "ChildWorkflowExecutionCompleted", initiatedEventId="5"),
        event(7, begin_ms + 95, "WorkflowExecutionCompleted"),
    ]


def child(begin_ms: int) -> list[dict[str, Any]]:
    kind = {"workflowType": {"name": "part"}, "taskQueue": {"name": "main queue:1"}}
    return [
        event(1, begin_ms, "WorkflowExecutionStarted", **kind),
        event(2, begin_ms + 1, "TimerStarted", startToFireTimeout="2s", workflowTaskCompletedEventId="1"),
        event(3, begin_ms + 2001, "TimerFired", startedEventId="2"),
        event(4, begin_ms + 2002, "WorkflowExecutionCompleted"),
    ]


def scenario(folder: Path, *histories: list[dict[str, Any]]) -> tuple[Path, dict[str, Any]]:
    source = folder / "histories.jsonl"
    source.write_text("\n".join(json.dumps({"events": events}) for events in histories), encoding="utf-8")
    observed = read([source])
    text = temporal_scenario(observed, fit_kinds(observed, service_kinds(observed)), source.name, "sim calibrate")
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return path, load_yaml(text, "scenario.yaml")


def test_a_child_whose_histories_are_there_is_started_by_its_parent_alone(tmp_path: Path) -> None:
    path, data = scenario(tmp_path, parent(0, "part"), parent(500, "part"), child(30), child(530))
    assert data["workflows"]["main"]["steps"][1] == {"child": "part"}
    assert "arrivals" not in data["workflows"]["part"]
    assert data["workflows"]["part"]["steps"] == [{"sleep": "2 s"}]
    load(path)


def test_a_child_without_histories_is_left_out_and_told(tmp_path: Path) -> None:
    path, data = scenario(tmp_path, parent(0, "elsewhere"), parent(500, "elsewhere"))
    assert len(data["workflows"]["main"]["steps"]) == 1
    assert "elsewhere" in data["assumptions"]["children left out"]
    load(path)


def test_names_that_scenarios_do_not_allow_are_changed(tmp_path: Path) -> None:
    _, data = scenario(tmp_path, parent(0, "part"), child(30))
    assert data["workflows"]["main"]["task_queue"] == "main-queue-1"
    assert data["workflows"]["main"]["steps"][0]["activity"]["name"] == "a-b"
    assert [name_of(text) for text in ("1st", "ok_1", "--", "a b")] == ["_1st", "ok_1", "unnamed", "a-b"]


def test_an_activity_seen_too_seldom_takes_its_mean_and_it_is_told(tmp_path: Path) -> None:
    _, data = scenario(tmp_path, parent(0, "part"), child(30))
    assert data["workflows"]["main"]["steps"][0]["activity"]["service"] == "20 ms"
    assert "always the mean" in data["assumptions"]["too few to fit"]
