"""Claims about how measurements of the Temporal server are written down: from a history to figures.

The history is one that a development server 1.32.0 wrote on 2026-11-26: two activities, the second of which failed
three times. Expected figures are differences of its timestamps, worked out by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from calibration.measure.temporal_cells import Load
from calibration.measure.temporal_figures import Stamp, count_figures, durations, latency_figures, read_stamps
from calibration.measure.temporal_history import nanoseconds, read
from calibration.measure.temporal_recovery import recovery, row
from calibration.measure.temporal_server import parse

WRITTEN = [
    ("WORKFLOW_EXECUTION_STARTED", "32.929993431", {"identity": "client"}),
    ("WORKFLOW_TASK_SCHEDULED", "32.930124263", {"attempt": 1}),
    ("WORKFLOW_TASK_STARTED", "32.935962169", {"scheduledEventId": "2", "identity": "worker0"}),
    ("WORKFLOW_TASK_COMPLETED", "32.954090572", {"scheduledEventId": "2", "identity": "worker0"}),
    ("ACTIVITY_TASK_SCHEDULED", "32.954187771", {"activityId": "1"}),
    ("ACTIVITY_TASK_STARTED", "32.960150829", {"scheduledEventId": "5", "identity": "worker0", "attempt": 1}),
    ("ACTIVITY_TASK_COMPLETED", "32.968368292", {"scheduledEventId": "5", "identity": "worker0"}),
    ("WORKFLOW_TASK_SCHEDULED", "32.968389404", {"attempt": 1}),
    ("WORKFLOW_TASK_STARTED", "32.97061108", {"scheduledEventId": "8", "identity": "worker0"}),
    ("WORKFLOW_TASK_COMPLETED", "32.981090826", {"scheduledEventId": "8", "identity": "worker0"}),
    ("ACTIVITY_TASK_SCHEDULED", "32.98115238", {"activityId": "2"}),
    ("ACTIVITY_TASK_STARTED", "35.992289347", {"scheduledEventId": "11", "identity": "worker0", "attempt": 4}),
    ("ACTIVITY_TASK_COMPLETED", "36.00490419", {"scheduledEventId": "11", "identity": "worker0"}),
    ("WORKFLOW_TASK_SCHEDULED", "36.004931896", {"attempt": 1}),
    ("WORKFLOW_TASK_STARTED", "36.012105368", {"scheduledEventId": "14", "identity": "worker0"}),
    ("WORKFLOW_TASK_COMPLETED", "36.022813461", {"scheduledEventId": "14", "identity": "worker0"}),
    ("WORKFLOW_EXECUTION_COMPLETED", "36.022869345", {}),
]
MINUTE = "2026-11-26T23:14:"
BEGAN_NS = nanoseconds(f"{MINUTE}32.927Z")


def events() -> list[dict[str, Any]]:
    """The history as the server exports it, without the fields that nobody reads."""
    return [
        {
            "eventId": str(i),
            "eventTime": f"{MINUTE}{second}Z",
            "eventType": f"EVENT_TYPE_{kind}",
            f"{kind.lower()}EventAttributes": attributes,
        }
        for i, (kind, second, attributes) in enumerate(WRITTEN, start=1)
    ]


def test_a_timestamp_is_read_to_the_nanosecond() -> None:
    assert nanoseconds("2026-11-26T23:14:32.97061108Z") - nanoseconds("2026-11-26T23:14:32Z") == 970_611_080
    assert nanoseconds("1970-01-01T00:00:01Z") == 1_000_000_000


def test_the_figures_are_the_differences_of_the_servers_own_timestamps() -> None:
    samples = durations([read("w0", events())], {"w0": BEGAN_NS}, {})
    assert samples["e2e_server"] == [pytest.approx(3092.875914)]
    assert samples["e2e_client"] == [pytest.approx(3095.869345)]
    assert samples["act_sched_to_start"] == pytest.approx([5.963058, 3011.136967])
    assert samples["act_start_to_close"] == pytest.approx([8.217463, 12.614843])
    assert samples["wft_sched_to_start"] == pytest.approx([5.837906, 2.221676, 7.173472])
    assert samples["wft_first_start_to_close"] == pytest.approx([18.128403])
    assert samples["wft_later_start_to_close"] == pytest.approx([10.479746, 10.708093])


def test_the_way_to_the_code_and_back_comes_from_the_stamps_of_the_last_attempt() -> None:
    started_ns = nanoseconds(f"{MINUTE}35.992289347Z")
    stamps = {
        ("w0", "2", 3): Stamp("worker0", started_ns - 900_000_000, started_ns - 890_000_000),
        ("w0", "2", 4): Stamp("worker0", started_ns + 4_000_000, started_ns + 11_000_000),
        ("w0", "1", 1): Stamp("worker0", started_ns, None),
    }
    samples = durations([read("w0", events())], {"w0": BEGAN_NS}, stamps)
    assert samples["act_started_to_code"] == [4.0]
    assert samples["act_code"] == [7.0]
    assert samples["act_code_end_to_completed"] == [pytest.approx(1.614843)]


def test_attempts_events_and_throughput_are_counted() -> None:
    counted = count_figures([read("w0", events())], {"w0": BEGAN_NS}, BEGAN_NS, 5.0, 2)
    assert counted["attempts_hist"] == {"1": 1, "4": 1}
    assert counted["acts_by_worker"] == [2, 0]
    assert (counted["wft_per_workflow"], counted["events_per_workflow"], counted["wft_timeouts"]) == (3, 17, 0)
    assert counted["throughput_in_load_wf_s"] == 0.25, "one close in the 4 s after the first second"
    assert counted["throughput_total_wf_s"] == round(1 / 3.095869345, 3)
    assert counted["arrival_rate_actual"] == 0.2
    assert counted["series_by_arrival_s"] == [[0, 1, 3095.87]]


def test_a_workflow_that_still_runs_gives_no_latency() -> None:
    running = read("w0", events()[:-5])
    assert running.closed_ns is None
    assert latency_figures(durations([running], {"w0": BEGAN_NS}, {}))["e2e_server_ms"] == {"n": 0}


def test_the_stamp_at_the_end_of_an_attempt_replaces_that_of_its_start(tmp_path: Path) -> None:
    (tmp_path / "worker0").write_text("w0 1 1 100 -\nw0 1 1 100 200\n")
    (tmp_path / "worker1").write_text("w1 1 1 150 -\n")
    assert read_stamps(tmp_path) == {
        ("w0", "1", 1): Stamp("worker0", 100, 200),
        ("w1", "1", 1): Stamp("worker1", 150, None),
    }


def test_counters_are_added_up_over_namespaces_and_subtracted_between_two_readings() -> None:
    before = parse('persistence_requests{namespace="a",operation="GetTransferTasks",service_name="history"} 2\n')
    after = parse(
        'persistence_requests{namespace="a",operation="GetTransferTasks",service_name="history"} 5\n'
        'persistence_requests{namespace="b",operation="GetTransferTasks",service_name="history"} 1e+01\n'
        'service_requests{namespace="a",operation="PollActivityTaskQueue",service_name="matching"} 3\n'
        'persistence_latency_sum{namespace="a",operation="GetTransferTasks"} 0.25\n'
        "# HELP persistence_requests\n"
    )
    counted = after.since(before)
    assert counted.persistence == {"GetTransferTasks": 13}
    assert counted.persistence_s == {"GetTransferTasks": 0.25}
    assert counted.service == {"PollActivityTaskQueue:matching": 3}


@pytest.mark.parametrize("wrong", [{}, {"mode": "closed", "rate": 5}, {"rate": 5, "inflight": 1}, {"mode": "closed"}])
def test_a_load_without_its_own_size_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="mode open needs rate"):
        Load.model_validate(wrong)


def test_a_row_of_a_kill_counts_from_the_kill_and_knows_who_was_hit() -> None:
    killed_ns = nanoseconds(f"{MINUTE}33.5Z")
    began_ns = nanoseconds(f"{MINUTE}32.96Z")
    hit = row(0, read("w0", events()), {("w0", "1", 1): Stamp("worker0", began_ns, None)}, killed_ns)
    assert hit["on_victim"]
    assert hit["hit"]
    assert hit["attempt1_code_rel_s"] == -0.54
    assert hit["final_started_rel_s"] == round(32.960150829 - 33.5, 4)
    assert hit["act_completed_rel_s"] == round(32.968368292 - 33.5, 4)
    assert hit["close_rel_kill_s"] == round(36.022869345 - 33.5, 4)
    assert hit["wft_sched_to_start_ms"] == [5.84, 2.22, 7.17]
    over = row(0, read("w0", events()), {("w0", "1", 1): Stamp("worker0", began_ns, began_ns + 1)}, killed_ns)
    other = row(0, read("w0", events()), {("w0", "1", 1): Stamp("worker1", began_ns, None)}, killed_ns)
    assert (over["on_victim"], over["hit"]) == (True, False)
    assert (other["on_victim"], other["hit"]) == (False, False)
    figures = recovery([hit, over, other], sticky=False)
    assert figures["n_hit"] == figures["recovery_after_kill_s"]["n"] == 1
    assert figures["last_close_after_kill_s"] == hit["close_rel_kill_s"]
