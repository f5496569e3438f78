"""Workflow histories become observations: what each event tells, and what a history cannot tell.

`order-histories.jsonl.gz` are 60 workflows of a real server (1.32.0, development server): an activity, two in
parallel, a timer of 500 ms, an activity that fails at times. `temporal-workflow-show.json` is one of them, as the
command line prints it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.errors import InputErrors
from sim.observed.recognise import read
from sim.observed.temporal_history import Step
from sim.observed.text import instant_ns, length_ns

ROOT = Path(__file__).parents[2]
ORDERS = ROOT / "notebooks" / "data" / "order-histories.jsonl.gz"
SHOWN = Path(__file__).parent / "samples" / "temporal-workflow-show.json"

STEPS = (
    (Step("activity", "charge"),),
    (Step("activity", "notify"), Step("activity", "reserve")),
    (Step("timer", timer_ns=500_000_000),),
    (Step("activity", "ship"),),
)


class Story:
    """A history told event by event; times in ms after a full second."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.add("WORKFLOW_EXECUTION_STARTED", 0, workflowType={"name": "w"}, taskQueue={"name": "q"})

    def add(self, kind: str, ms: int, **attributes: Any) -> int:
        number = len(self.events) + 1
        time = f"2026-11-26T10:00:{ms // 1000:02}.{ms % 1000:03}Z"
        key = kind.title().replace("_", "")
        key = key[0].lower() + key[1:] + "EventAttributes"
        self.events.append(
            {"eventId": str(number), "eventTime": time, "eventType": f"EVENT_TYPE_{kind}", key: attributes}
        )
        return number

    def activity(self, name: str, task: int, begin: int, start: int, end: int, ended: str, attempt: int = 1) -> None:
        scheduled = self.scheduled(name, task, begin)
        self.ended(scheduled, start, end, ended, attempt)

    def scheduled(self, name: str, task: int, begin: int) -> int:
        kind = "ACTIVITY_TASK_SCHEDULED"
        return self.add(kind, begin, activityType={"name": name}, workflowTaskCompletedEventId=str(task))

    def ended(self, scheduled: int, start: int, end: int, ended: str, attempt: int = 1) -> None:
        self.add("ACTIVITY_TASK_STARTED", start, scheduledEventId=str(scheduled), attempt=attempt, identity="a")
        self.add(f"ACTIVITY_TASK_{ended}", end, scheduledEventId=str(scheduled))

    def written(self, folder: Path, **more: Any) -> Path:
        path = folder / "history.json"
        path.write_text(json.dumps({"events": self.events, **more}), encoding="utf-8")
        return path


def test_times_of_an_activity_run_from_scheduled_to_started_to_completed(tmp_path: Path) -> None:
    story = Story()
    story.activity("a", 4, 10, 30, 75, "COMPLETED")
    story.add("WORKFLOW_EXECUTION_COMPLETED", 80)
    found = read([story.written(tmp_path)])
    assert found.only("schedule_to_start.activity.a").value.tolist() == [20e6]
    assert found.only("start_to_close.activity.a").value.tolist() == [45e6]
    assert found.only("latency.workflow.w").value.tolist() == [80e6]


def test_an_activity_of_several_attempts_tells_only_how_long_the_last_one_ran(tmp_path: Path) -> None:
    story = Story()
    story.activity("a", 4, 10, 1030, 1075, "COMPLETED", attempt=3)
    found = read([story.written(tmp_path)])
    assert found.only("schedule_to_start.activity.a").n == 0
    assert found.only("start_to_close.activity.a").value.tolist() == [45e6]
    assert found.only("count.attempts.activity.a").value.tolist() == [3]
    assert found.facts["activities"]["a"].failure_share == pytest.approx(2 / 3)
    assert any("tried again" in note for note in found.notes)


def test_a_timeout_cuts_the_service_time_and_a_failure_has_none(tmp_path: Path) -> None:
    story = Story()
    story.activity("a", 4, 10, 30, 2030, "TIMED_OUT")
    story.activity("b", 4, 10, 30, 90, "FAILED")
    found = read([story.written(tmp_path)])
    assert found.only("start_to_close.activity.a").cut.tolist() == [True]
    assert found.only("start_to_close.activity.a").value.tolist() == [2e9]
    assert found.only("start_to_close.activity.b").n == 0


def test_a_workflow_that_is_open_counts_as_started_and_has_no_latency(tmp_path: Path) -> None:
    found = read([Story().written(tmp_path)])
    assert found.only("count.started.w").n == 1
    assert found.only("latency.workflow.w").n == 0
    assert any("1 of 1 workflows are open" in note for note in found.notes)


def test_steps_asked_for_by_one_workflow_task_run_in_parallel(tmp_path: Path) -> None:
    story = Story()
    one, two = story.scheduled("b", 4, 10), story.scheduled("a", 4, 10)
    story.ended(one, 12, 20, "COMPLETED")
    story.ended(two, 12, 30, "COMPLETED")
    story.activity("c", 9, 35, 36, 40, "COMPLETED")
    story.add("WORKFLOW_EXECUTION_COMPLETED", 50)
    workflow = read([story.written(tmp_path)]).facts["workflows"]["w"]
    parallel = (Step("activity", "a"), Step("activity", "b"))
    assert list(workflow.steps) == [(parallel, (Step("activity", "c"),))]
    assert workflow.overlapping == 0


def test_a_step_begun_while_an_earlier_one_is_under_way_is_told(tmp_path: Path) -> None:
    story = Story()
    one, two = story.scheduled("a", 4, 10), story.scheduled("b", 4, 10)
    story.ended(one, 12, 20, "COMPLETED")
    story.activity("c", 9, 22, 23, 28, "COMPLETED")
    story.ended(two, 12, 30, "COMPLETED")
    found = read([story.written(tmp_path)])
    assert found.facts["workflows"]["w"].overlapping == 1
    assert any("branches overlap" in note for note in found.notes)


def test_a_timer_that_was_cancelled_is_no_step_and_one_that_fired_tells_how_late(tmp_path: Path) -> None:
    story = Story()
    kept = story.add("TIMER_STARTED", 10, startToFireTimeout="0.500s", workflowTaskCompletedEventId="4")
    dropped = story.add("TIMER_STARTED", 10, startToFireTimeout="60s", workflowTaskCompletedEventId="4")
    story.add("TIMER_CANCELED", 20, startedEventId=str(dropped))
    story.add("TIMER_FIRED", 513, startedEventId=str(kept))
    story.add("WORKFLOW_EXECUTION_COMPLETED", 520)
    found = read([story.written(tmp_path)])
    assert list(found.facts["workflows"]["w"].steps) == [((Step("timer", timer_ns=500_000_000),),)]
    assert found.only("lateness.timer").value.tolist() == [3e6]


def test_the_command_line_and_the_library_write_the_same_history() -> None:
    shown, exported = read([SHOWN]), read([ORDERS])
    assert list(shown.facts["workflows"]["order"].steps) == list(exported.facts["workflows"]["order"].steps) == [STEPS]
    times = exported.only("start_to_close.activity.charge")
    (mine,) = shown.only("start_to_close.activity.charge").value
    assert mine in times.value[np.isin(times.t_ns, shown.only("start_to_close.activity.charge").t_ns)]


def test_sixty_orders_of_a_real_server_are_read() -> None:
    found = read([ORDERS])
    assert found.only("latency.workflow.order").n == 60
    assert found.facts["workflows"]["order"].outcomes == {"completed": 60}
    assert found.facts["activities"]["ship"].task_queue == "shipping"
    assert found.facts["activities"]["ship"].initial_interval_ns == 200_000_000
    assert found.facts["activities"]["charge"].start_to_close_ns == 10_000_000_000
    assert found.facts["workers"] == {"orders": 1, "shipping": 1}
    assert found.facts["sdks"] == ["temporal-python"]
    assert (found.only("lateness.timer").value >= 0).all()


def test_a_folder_of_histories_is_one_sample(tmp_path: Path) -> None:
    for name in ("1.json", "2.json"):
        (tmp_path / name).write_bytes(SHOWN.read_bytes())
    assert read([tmp_path]).only("latency.workflow.order").n == 2


def test_instants_and_lengths_keep_their_nanoseconds() -> None:
    assert instant_ns("1970-01-01T00:00:01.000000007Z") == 1_000_000_007
    assert instant_ns("1970-01-01T02:00:00+02:00") == 0
    assert length_ns("0.500s") == 500_000_000
    for wrong in ("yesterday", "2026-11-26"):
        with pytest.raises(ValueError, match="is no time"):
            instant_ns(wrong)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"events": []}', "does not begin with WorkflowExecutionStarted"),
        ('{"events": [{"eventId": 1}]}', "event 1 of the history: has no `eventType`"),
        ('{"events": [{"eventId": 1, "eventType": 1, "eventTime": "x"}]}', "`eventType` is 1; a name such as"),
        ('{"events": [\n', "history.json:.*is no JSON"),
        ('{"data": 1}', "expected is one of"),
    ],
)
def test_what_is_no_history_is_told(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputErrors, match="(?s)" + says):
        read([tmp_path / "history.json"])
