"""`sim drill`: what it prints of a fault, and what it says of one that is not there.

Goal: the words and figures of a drill. Method: the command runs in this process on a queue of some hundred jobs whose
server is away for a while.
"""

from __future__ import annotations

import pytest
from a_command import Command

BATCHES = """\
name: batches
network:
  nodes: {pods: {count: 2}}
  sources:
    jobs: {routine: job, arrivals: 5/s}
    hourly: {routine: job, arrivals: {burst: 40, every: 1 min}}
  stations:
    server: {servers: 1, nodes: pods, service: {exponential: 80 ms}}
  routines:
    job:
      - attempt:
          retry: {initial_interval: 200 ms}
          steps: [{use: server}]
  faults:
    outage: {targets: [{group: pods}], at: 90 s, duration: 4 s}
    loss: {targets: [{group: pods}], each: true, mttf: 1 h, duration: {exponential: 6 s}}
run: {horizon: 3 min, warmup: 10 s, replications: 5, drill_window: 30 s}
objectives:
  - {metric: recovery.outage.restore.mean, below: 1 min}
  - {metric: latency.job.p99, below: 1 min}
mitigations:
  more: {network.stations.server.servers: 3}
prices: {downtime: 3600 USD/h}
"""


def test_a_drill_tells_times_losses_cost_and_two_episodes(command: Command) -> None:
    ended = command.sim("drill", command.file(BATCHES), "--fault", "outage", "-n", "4", "--processes", "1")
    assert ended.code == 0, ended.err
    assert "batches: outage, 4 episodes beside runs without it on the same draws, seed 1" in ended.out
    for word in (
        "OUTAGE",
        "at 90 s of the run",
        "to detect",
        "to restore",
        "to drain",
        "to SLO",
        "not back",
        "still not back after",
        "retries",
    ):
        assert word in ended.out
    assert "COST OF AN EPISODE" in ended.out
    assert "the median episode" in ended.out
    assert "a bad episode (p95)" in ended.out
    assert "▀" in ended.out
    assert "recovery.outage.restore.mean" in ended.out
    assert "latency.job.p99" not in ended.out, "a drill does not tell it"
    told, repeat = ended.out.split("repeat with")
    assert max(map(len, told.splitlines())) <= 100
    assert "sim drill" in repeat


def test_a_drill_as_a_document_has_every_episode(command: Command) -> None:
    found = command.sim(
        *("drill", command.file(BATCHES), "--fault", "outage", "-n", "4", "--processes", "1", "--json")
    ).document
    assert found.keys() == {"schema", "scenario", "run", "fault", "deadlocks", "cases", "warnings", "renamed"}
    (case,) = found["cases"]
    assert (case["when"], case["mitigation"]) == ("at 90 s of the run", None)
    assert [one["replication"] for one in case["episodes"]] == [0, 1, 2, 3]
    assert all(one["begin_s"] == 90 and one["restore_s"] <= 30 for one in case["episodes"])
    assert case["recovery"]["episodes"]["value"] == 4
    (objective,) = case["objectives"]
    assert (objective["metric"], objective["verdict"]) == ("recovery.outage.restore.mean", "met")
    assert objective["value"] == case["recovery"]["restore_s"]["value"]
    times = [one["latency_ok_s"] for one in case["episodes"]]
    assert case["recovery"]["latency_ok_s"]["value"] == pytest.approx(sum(times) / 4)
    # 3,600 USD an hour are a dollar for each second that is not in order.
    cost = case["cost"]
    assert cost["downtime"]["value"] == pytest.approx(cost["not_in_order_s"]["value"])
    assert cost["total"]["value"] == pytest.approx(cost["downtime"]["value"])
    assert cost["nodes"] is None
    assert {case["median"], case["bad"]} <= {0, 1, 2, 3}


def test_the_same_command_gives_the_same_document(command: Command) -> None:
    line = ("drill", command.file(BATCHES), "--fault", "loss", "-n", "3", "--processes", "1", "--json")
    assert command.sim(*line).document == command.sim(*line).document
    other = command.sim(*line, "--seed", "2").document
    assert other["cases"] != command.sim(*line).document["cases"]


def test_phases_of_the_cycle_are_compared_on_the_same_draws(command: Command) -> None:
    line = ("drill", command.file(BATCHES), "--fault", "outage", "-n", "3", "--processes", "1", "--json")
    found = command.sim(*line, "--phase", "2 s", "--phase", "40 s").document
    assert [case["when"] for case in found["cases"]] == ["at 2 s", "at 40 s"]
    # The first such instants after the warm-up of 10 s.
    assert [{one["begin_s"] for one in case["episodes"]} for case in found["cases"]] == [{62.0}, {40.0}]
    # At 2 s some of the 40 jobs of the minute are still there: they are hit, and tried again.
    worse, better = (case["recovery"]["redone"]["value"] for case in found["cases"])
    assert worse > better
    assert found["cases"][0]["against_first"] == {}
    assert found["cases"][1]["against_first"]["redone"]["value"] == pytest.approx(better - worse)


def test_a_random_fault_begins_at_phases_that_are_drawn(command: Command) -> None:
    found = command.sim(
        *("drill", command.file(BATCHES), "--fault", "loss", "-n", "5", "--processes", "1", "--json")
    ).document
    (case,) = found["cases"]
    assert case["when"] == "at any phase of 60 s"
    begins = {one["begin_s"] for one in case["episodes"]}
    assert len(begins) == 5
    assert all(10 <= begin < 70 for begin in begins)


def test_a_mitigation_is_shown_beside_the_scenario_as_it_stands(command: Command) -> None:
    line = ("drill", command.file(BATCHES), "--fault", "outage", "-n", "3", "--processes", "1")
    ended = command.sim(*line, "--mitigation", "more")
    assert ended.code == 0, ended.err
    assert "at 90 s of the run, with more" in ended.out
    assert "BEYOND at 90 s of the run" in ended.out
    document = command.sim(*line, "--mitigation", "more", "--json").document
    assert [case["mitigation"] for case in document["cases"]] == [None, "more"]
    plain, mitigated = (case["recovery"]["drain_s"]["value"] for case in document["cases"])
    assert mitigated <= plain


def test_an_episode_that_is_not_over_is_followed_up_to_the_limit(command: Command) -> None:
    line = ("drill", command.file(BATCHES), "--fault", "outage", "-n", "2", "--processes", "1", "--json")
    lasting = ("--set", "network.faults.outage.duration=10 min")
    found = command.sim(*line, *lasting, "--limit", "1 min").document["cases"][0]
    assert (found["longer"], found["cut"]) == (2, 2)
    assert all(one["followed_s"] >= 60 for one in found["episodes"])
    assert command.sim(*line).document["cases"][0]["longer"] == 0


def test_a_fault_that_stays_is_said_to(command: Command) -> None:
    text = BATCHES.replace("at: 90 s, duration: 4 s", "at: 90 s")
    line = ("drill", command.file(text), "--fault", "outage", "-n", "2", "--limit", "30 s", "--processes", "1")
    ended = command.sim(*line)
    assert "WARNING outage stays, since it has no `duration`" in ended.out
    assert "never" in ended.out


def test_the_page_of_a_drill_has_its_table_and_its_pictures(command: Command) -> None:
    page = command.folder / "drill.html"
    ended = command.sim(
        *("drill", command.file(BATCHES), "--fault", "outage", "-n", "3", "--processes", "1", "--report", str(page))
    )
    assert ended.code == 0, ended.err
    text = page.read_text(encoding="utf-8")
    assert "batches: outage" in text
    assert "The median episode, replication" in text
    assert text.count('class="chart"') == text.count("data-chart=") >= 6
    assert "without the fault" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fault", "outag"), "--fault is `outag`, which is no fault of this scenario did you mean outage?"),
        (("--fault", "x"), "faults here: outage, loss"),
        (("--fault", "outage", "--phase", "noon"), "--phase is `noon`, which is no phase of a cycle"),
        (("--fault", "outage", "--phase", ":58"), "--phase is `:58`, but the load's cycle is 60 s long"),
        (("--fault", "outage", "-n", "1"), "-n is 1; at least 2 is expected"),
        (("--fault", "outage", "--limit", "soon"), "--limit is 'soon'; a duration is expected"),
        (("--fault", "outage", "--limit", "1 s"), "--limit is below run.drill_window"),
        (("--fault", "outage", "--mitigation", "mor"), "did you mean `more`?"),
        (("--fault", "outage", "--engine", "warp"), "there is no engine `warp`"),
    ],
)
def test_what_cannot_be_drilled_is_said(command: Command, options: tuple[str, ...], said: str) -> None:
    ended = command.sim("drill", command.file(BATCHES), *options)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())
    assert ended.out == ""


def test_a_phase_needs_a_cycle(command: Command) -> None:
    text = BATCHES.replace("    hourly: {routine: job, arrivals: {burst: 40, every: 1 min}}\n", "")
    ended = command.sim("drill", command.file(text), "--fault", "outage", "--phase", ":58")
    assert ended.code == 2
    assert "nothing in this scenario's load goes round in a cycle" in ended.err


def test_a_scenario_in_which_nothing_fails_has_nothing_to_drill(command: Command) -> None:
    text = BATCHES[: BATCHES.index("  faults:")] + "run: {horizon: 3 min}\n"
    ended = command.sim("drill", command.file(text), "--fault", "outage")
    assert ended.code == 2
    assert "nothing fails in it" in ended.err
