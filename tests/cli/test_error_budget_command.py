"""`sim error-budget`: the table, the document and the page of an error budget, and what it says about where it comes
from.

Goal: whose a rate is, what the noise is and what is not in it can be read from what is printed. Method: a queue
without chance whose pauses take 15 jobs each, as somebody says so often; and longer ones whose rate is nobody's.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from a_command import Command

CLOCKWORK = """\
name: clockwork
network:
  sources: {jobs: {routine: job, arrivals: {renewal: 1 s}}}
  stations: {server: {servers: 1, service: 500 ms}}
  routines: {job: [{use: server}]}
  faults:
    pause: {targets: [{group: server}], effect: pause, mttf: 10 days, duration: 10 s, source: "our pager, 2026"}
    halt: {targets: [{group: server}], effect: pause, mttf: 100 days, duration: 100 s}
run: {horizon: 1 min, warmup: 30 s, drill_window: 2 min}
objectives:
  - {sli: latency.job, within: 3 s, above: 99 %}
"""


def test_the_table_has_each_fault_with_its_rate_its_minutes_and_where_the_verdict_flips(command: Command) -> None:
    ended = command.sim("error-budget", command.file(CLOCKWORK), "-n", "20", "--processes", "1")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert "clockwork: 40 episodes of 2 kinds of faults, each beside a baseline run without" in lines[0]
    said = " ".join(ended.out.split())
    assert "latency.job within 3 s: at least 99 % good: 5,256 min of full outage a year. met: 99.99" in said
    pause = next(line.split() for line in lines if line.startswith(" pause "))
    # 36.5 a year of 15 jobs, a quarter of a minute each.
    assert pause[1] == "36.5"
    assert float(pause[2]) == pytest.approx(0.25, rel=0.02)
    assert float(pause[3]) == pytest.approx(9.13, rel=0.02)
    halt = next(line.split() for line in lines if line.startswith(" halt "))
    assert float(halt[2]) == pytest.approx(195 / 60, rel=0.02)  # 2 x 100 s, less 5 jobs
    assert "rate of pause: our pager, 2026" in said
    assert "ASSUMPTION: nobody is named who says how often these come: halt (3.65 a year; flips at" in said
    assert "not in it: changes, and whatever else the network gives no rate for" in said
    assert "chance that what comes stays inside: 30 days within 432 min" in said
    assert lines[-2] == f"  sim error-budget {command.file(CLOCKWORK)} -n 20 --processes 1"
    assert max(map(len, lines[:-2])) <= 100


def test_the_document_keeps_noise_and_rates_apart(command: Command) -> None:
    ended = command.sim("error-budget", command.file(CLOCKWORK), "-n", "20", "--processes", "1", "--json")
    found = json.loads(ended.out)
    (error_budget,) = found["error_budgets"]
    assert error_budget["verdict"] == "met"
    assert [row["name"] for row in error_budget["rows"]] == ["pause", "halt"]
    assert [row["is_assumption"] for row in error_budget["rows"]] == [False, True]
    assert set(error_budget["expected"]) == {"noise", "rates", "noise_and_rates"}
    assert list(error_budget["stays_inside"]) == ["30 days", "a month", "a year"]
    assert error_budget["stays_inside"]["a year"]["allowed_min"] == pytest.approx(5256)
    assert found["run"]["episodes"] == 40


def test_the_page_has_a_section_for_each_service_level(command: Command) -> None:
    page = command.folder / "budget.html"
    two = CLOCKWORK + "  - {sli: latency.job, within: 8 s, above: 99.9 %, name: not too late}\n"
    file = command.file(two)
    ended = command.sim("error-budget", file, "-n", "20", "--processes", "1", "--report", str(page), "--quiet")
    assert ended.code == 0
    text = page.read_text(encoding="utf-8")
    assert text.count('<section id="level-') == 2
    assert "not too late" in text
    assert "our pager, 2026" in text
    assert "assumption: nobody is named" in text
    assert text.count("data-chart=") == 2


def test_a_gate_stops_what_is_missed(command: Command) -> None:
    tight = CLOCKWORK.replace("99 %", "99.999 %")
    ended = command.sim("error-budget", command.file(tight), "-n", "20", "--processes", "1", "--gate", "--quiet")
    assert ended.code == 1
    assert "MISSED" in ended.out


def test_too_few_episodes_are_refused(command: Command) -> None:
    ended = command.sim("error-budget", command.file(CLOCKWORK), "-n", "5")
    assert ended.code == 2
    assert "is 5; at least 20 is expected" in ended.err


@pytest.mark.long
def test_a_case_study_tells_that_its_rates_are_nobodys_and_where_they_flip(command: Command) -> None:
    # With a sixth of its requests and one of its faults, so that it takes seconds.
    file = str(Path(__file__).parents[2] / "configs" / "spotify.yaml")
    only = (
        "--set",
        "workflows.recommend.arrivals=20/s",
        "--set",
        "faults={pg_loss: {target: postgres.primary, rate: 2/year}}",
    )
    ended = command.sim("error-budget", file, *only, "-n", "20", "--processes", "1")
    assert (ended.code, ended.err) == (0, "")
    said = " ".join(ended.out.split())
    assert "three nines assumed: at least 99.9 % good" in said
    assert "ASSUMPTION: nobody is named who says how often these come: pg_loss (2 a year; flips at" in said
    # Who starts while the primary is away for half a minute has no answer within a second: at least 20 s of them.
    lost = next(line.split() for line in ended.out.splitlines() if line.startswith(" pg_loss "))
    assert float(lost[2]) > 20 / 60
