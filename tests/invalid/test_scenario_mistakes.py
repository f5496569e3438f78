"""Every file in `scenario/` is wrong in the way that its first lines say, at the place they say, and in no other way.

Goal: a mistake in a scenario is found before anything runs, where it was made, in words that tell what to do. Method:
each file is a sound scenario with one thing changed. A header line reads
`# expect LINE:COLUMN PATH: words / words of the hint`; both are parts of what is printed.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from sim.cli import main
from sim.errors import InputErrors, Problem
from sim.lower.load import load
from sim.studies.loading.inputs import check_inputs

FILES = sorted((Path(__file__).parent / "scenario").glob("*.yaml"))
EXPECTED = re.compile(r"# expect (\d+:\d+) (\S*): (.*)")

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def header_of(file: Path) -> list[tuple[str, tuple[str, str]]]:
    """What the file says is wrong with it: the place, the path and the words."""
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [expected.groups() for line in lines if (expected := EXPECTED.match(line))]
    assert found, "the file does not say what is wrong with it"
    return [(place, (path, words)) for place, path, words in found]


@cache
def problems_of(file: Path) -> tuple[Problem, ...]:
    with pytest.raises(InputErrors) as caught:
        check_inputs(load(file))
    return caught.value.problems


@each_file
def test_an_invalid_scenario_fails_for_its_own_reason_at_its_own_place(file: Path) -> None:
    problems, header = problems_of(file), header_of(file)
    places = [(f"{problem.line}:{problem.column}", problem.path) for problem in problems]
    assert places == [(place, path) for place, (path, _) in header], "\n".join(map(str, problems))
    for problem, (_, (_, words)) in zip(problems, header, strict=True):
        message, _, hint = words.partition(" / ")
        assert problem.file == str(file)
        assert message.strip() in problem.message
        assert hint.strip() in problem.hint


@each_file
def test_nothing_about_an_invalid_scenario_is_said_in_the_words_of_python(file: Path) -> None:
    said = "\n".join(map(str, problems_of(file)))
    for jargon in ("pydantic", "Input should", "dict", "validator", "NoneType", "https://", "union", "yaml.", "_ns"):
        assert jargon not in said


def test_no_two_files_are_wrong_for_the_same_reason() -> None:
    reasons: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for file in FILES:
        reasons.setdefault(tuple(words for _, words in header_of(file)), []).append(file.stem)
    # Only neither and both are told in the same words.
    assert [names for names in reasons.values() if len(names) > 1] == [
        ["fault_of_two_causes", "fault_without_a_time"],
        ["objective_with_two_bounds", "objective_without_a_bound"],
    ]


@pytest.mark.parametrize("verb", ["check", "run", "explain"])
def test_the_command_line_tells_the_same_and_runs_nothing(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = next(file for file in FILES if file.stem == "everything_at_once")
    assert main([verb, str(file)], exit_after=False) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "\n".join([*map(str, problems_of(file)), "", "6 problems; nothing was run.\n"])
