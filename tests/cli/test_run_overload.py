"""What a person reads of an overloaded system: one headline, no objective on time met, no advice to run longer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from a_command import QUEUE, Command

from sim.studies.run.figures import has_no_steady_value

OVERLOADED = QUEUE.replace("5/s", "15/s")
"""M/M/1 at one and a half times its limit: 900 jobs a run, of which it does some 600."""
OBJECTIVES = """\
objectives:
  - {metric: latency.job.p50, below: 1 h}
  - {metric: throughput.job, above: 1}
  - {metric: availability.job, above: 10 %}
  - {metric: queue.server.mean, below: 1000000}
"""
LONGER = re.compile(r"times as long|longer|as many replications|run\.horizon|run\.drain")
"""Ways in which somebody is told to run longer."""


def test_overload_is_the_headline_with_the_full_place_and_its_setting(command: Command) -> None:
    ended = command.run(OVERLOADED)
    assert ended.code == 0
    lines = ended.out.splitlines()
    told = r"OVERLOADED: ([\d.]+) of ([\d.]+)/s are done, in-flight work grows by ([\d.]+)/s\. No latency is steady\."
    found = re.fullmatch(told, lines[1])
    assert found
    done, offered, growth = map(float, found.groups())
    assert done + growth == pytest.approx(offered, abs=0.2)  # each is rounded to three digits
    assert re.fullmatch(r" FULL    server \(100 % busy, \d+ wait\)  network\.stations\.server\.servers  :6", lines[2])
    assert "room" in ended.out
    assert not LONGER.search(ended.out)


def test_objectives_on_times_and_rates_are_missed_and_the_gate_is_shut(command: Command) -> None:
    ended = command.run(OVERLOADED + OBJECTIVES, "--json", "--gate")
    assert ended.code == 1
    verdicts = {one["metric"]: (one["verdict"], one["note"]) for one in ended.document["objectives"]}
    reason = "overloaded: no latency is steady"
    assert verdicts["latency.job.p50"] == ("missed", reason)
    assert verdicts["throughput.job"] == ("missed", reason)
    assert verdicts["queue.server.mean"] == ("missed", reason)
    assert verdicts["availability.job"][0] == "met"  # as it was measured


@pytest.mark.parametrize(
    "metric",
    [
        *("schedule_to_end.q.p99", "workflow_task_schedule_to_start.q.p99", "wait.server.mean", "queue.server.mean"),
        *("in_flight.job.mean", "latency.job.p99", "start.job.p99"),
    ],
)
def test_a_time_or_a_number_that_grows_with_the_watch_has_no_steady_value(metric: str) -> None:
    assert has_no_steady_value(metric)


@pytest.mark.parametrize("metric", ["cost.total", "availability.job", "utilisation.server", "outcome.job"])
def test_money_shares_and_outcomes_keep_their_value_in_an_overload(metric: str) -> None:
    assert not has_no_steady_value(metric)


def test_the_gate_is_shut_without_any_objective(command: Command) -> None:
    assert command.run(OVERLOADED + "objectives: [{metric: availability.job, above: 10 %}]\n", "--gate").code == 1


def test_the_document_tells_rates_growth_and_places(command: Command) -> None:
    found = command.run(OVERLOADED, "--json").document["overload"]
    assert found["overloaded"] is True
    assert found["growth"]["low"] > 0
    assert found["offered"]["value"] == pytest.approx(found["done"]["value"] + found["growth"]["value"])
    (place,) = found["full"]
    assert (place["resource"], place["setting"]) == ("server", "network.stations.server.servers")
    assert place["line"].endswith(":6")
    assert place["utilisation"] > 0.99
    assert place["waiting"] > 50
    assert found["workflows"]["job"]["overloaded"] is True


def test_a_stable_system_is_judged_and_says_nothing(command: Command) -> None:
    ended = command.run(QUEUE, "--json")
    assert ended.document["overload"]["overloaded"] is False
    assert ended.document["overload"]["full"] == []
    assert "OVERLOADED" not in command.run(QUEUE).out


@pytest.mark.parametrize(
    "arrivals",
    [
        "{burst: 900}",
        "{poisson: 15/s, profile: {points: [{at: 0 s, factor: 1}, {at: 50 s, factor: 0}]}}",
    ],
)
def test_bursts_and_profiles_are_not_judged_by_growth(command: Command, arrivals: str) -> None:
    assert command.run(QUEUE.replace("arrivals: 5/s", f"arrivals: {arrivals}"), "--json").document["overload"] is None


def test_a_finite_run_is_not_judged_by_growth(command: Command) -> None:
    text = OVERLOADED.replace("warmup: none", "finite: true")
    assert command.run(text, "--json").document["overload"] is None


def test_an_overloaded_system_has_no_warm_up_and_nobody_is_asked_for_a_longer_run(command: Command) -> None:
    text = OVERLOADED.replace("warmup: none", "warmup: auto")
    ended = command.run(text)
    assert ended.code == 0
    assert "OVERLOADED" in ended.out
    assert not LONGER.search(ended.out + ended.err)


def test_no_precision_is_sought_where_none_can_be_had(command: Command) -> None:
    ended = command.run(OVERLOADED.replace("replications: 5", "replications: 5, precision: 0.1 %"), "--json")
    assert ended.document["run"]["replications"] == 5
    assert not LONGER.search(" ".join(ended.document["warnings"]))


def test_no_fault_is_drilled_in_a_system_that_goes_down_without_it(command: Command) -> None:
    fault = "faults: {outage: {targets: [{group: server}], at: 20 s, duration: 5 s}}"
    for text, drilled in ((QUEUE, 1), (OVERLOADED, 0)):
        found = command.run(text.replace("  routines:", f"  {fault}\n  routines:"), "--json").document
        assert len(found["recovery"]) == drilled


def test_a_drill_of_an_overloaded_system_is_refused_with_the_reason(command: Command) -> None:
    text = OVERLOADED.replace("warmup: none", "warmup: auto").replace(
        "  routines:", "  faults: {outage: {targets: [{group: server}], mttf: 1 h, duration: 5 s}}\n  routines:"
    )
    ended = command.sim("drill", command.file(text), "--fault", "outage", "-n", "2", "--processes", "1")
    assert ended.code == 2
    assert "OVERLOADED" in ended.err
    assert not LONGER.search(ended.err)


def test_the_page_has_the_headline_and_the_place(command: Command) -> None:
    page = command.folder / "report.html"
    assert command.run(OVERLOADED, "--report", str(page)).code == 0
    text = page.read_text(encoding="utf-8")
    assert re.search(r"<h2>OVERLOADED: .* No latency is steady\.</h2>", text)
    assert "network.stations.server.servers" in text


def test_the_page_of_an_overload_draws_no_latency_curve(command: Command, tmp_path: Path) -> None:
    for load, drawn in (("5/s", True), ("15/s", False)):
        page = tmp_path / "page.html"
        assert command.run(QUEUE.replace("5/s", load), "--report", str(page)).code == 0
        assert ('id="latency"' in page.read_text()) is drawn
