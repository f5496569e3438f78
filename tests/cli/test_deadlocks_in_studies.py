"""A deadlock that only a fault brings about: told in the same words by `sim run`, `drill` and `stability`, while
`sim error-budget` says that it has no meaning then.

Method: executions take two locks one after the other; while the fault is there, others take them the other way round,
twenty a second for three seconds. That none of sixty meets one of fifteen has a chance far below one in a million.
"""

from __future__ import annotations

import json
import re

from a_command import Command

SWAPPED = """\
name: swapped
network:
  sources:
    ones: {routine: one, arrivals: {renewal: 200 ms}}
    others: {routine: other, arrivals: 20/s, during: swap}
  resources: {left: {units: 1}, right: {units: 1}}
  routines:
    one: [{acquire: left}, {delay: 50 ms}, {acquire: right}, {delay: 50 ms}]
    other: [{acquire: right}, {delay: 50 ms}, {acquire: left}, {delay: 50 ms}]
  faults:
    swap: {effect: load, at: 5 s, duration: 3 s}
run: {horizon: 20 s, warmup: none, replications: 2, drill_window: 10 s}
"""
AT_RANDOM = SWAPPED.replace("at: 5 s", "mttf: 10 days").replace("warmup: none", "warmup: 2 s") + (
    "objectives: [{sli: latency.one, within: 3 s, above: 99 %}]\n"
)
STORY = re.compile(
    r"DEADLOCK at [\d.]+ m?s in 2 of [24] runs( \([^)]*\))?: "
    r"(one holds left and waits for right; other holds right and waits for left|"
    r"other holds right and waits for left; one holds left and waits for right)"
)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_deadlock_in_drills_is_at_the_head_of_the_run_and_shuts_the_gate(command: Command) -> None:
    ended = command.run(SWAPPED + "objectives: [{metric: availability.one, above: 10 %}]\n", "--gate")
    assert ended.code == 1
    found = STORY.search(flat(ended.out))
    assert found
    assert found[1] == " (drills of swap)"
    assert "20 s" in ended.out.splitlines()[0]  # the base runs stand as they are, and meet the objective
    assert "The objective is met" in ended.out


def test_a_drill_tells_the_deadlock_and_that_nothing_ever_comes_back(command: Command) -> None:
    given = ("drill", command.file(SWAPPED), "--fault", "swap", "-n", "2", "--processes", "1")
    ended = command.sim(*given)
    assert ended.code == 0
    assert STORY.match(flat(ended.out))
    found = command.sim(*given, "--json").document
    assert found["deadlocks"][0]["runs"] == 2
    assert found["cases"][0]["recovery"]["never_back"]["value"] == 1


def test_a_drill_of_what_stands_still_without_a_fault_says_so(command: Command) -> None:
    text = SWAPPED.replace("  resources:", "    always: {routine: other, arrivals: 20/s}\n  resources:")
    ended = command.sim("drill", command.file(text), "--fault", "swap", "-n", "2", "--processes", "1")
    assert (ended.code, ended.out) == (2, "")
    assert STORY.search(flat(ended.err))
    assert "(without the fault)" in ended.err
    assert "first see sim run" in flat(ended.err).lower()


def test_a_study_of_stability_counts_it_as_staying_down_and_says_why(command: Command) -> None:
    ended = command.sim("stability", command.file(SWAPPED), "--fault", "swap", "-n", "2", "--quiet", "--json")
    assert ended.code == 0
    found = json.loads(ended.out)
    assert any(STORY.search(note) and "staying down" in note for note in found["notes"])


def test_an_error_budget_has_no_meaning_then(command: Command) -> None:
    ended = command.sim("error-budget", command.file(AT_RANDOM), "-n", "20", "--processes", "1")
    assert (ended.code, ended.out) == (2, "")
    assert "DEADLOCK at" in ended.err
    assert "Minutes below target have no meaning" in ended.err
