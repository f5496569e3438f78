"""Every file in `scenario/` is wrong in the way that its first lines say, at the place they say, and in no other way.

Goal: a mistake in a scenario is found before anything runs, where it was made, in words that tell what to do. Method:
each file is a sound scenario with one thing changed. A header line reads
`# expect LINE:COLUMN PATH: words / words of the hint`; both are parts of what is printed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.cli import main
from sim.errors import InputErrors, Problem
from sim.lower.load import load
from sim.plan.inputs import check_inputs

FILES = sorted((Path(__file__).parent / "scenario").glob("*.yaml"))
EXPECTED = re.compile(r"# expect (\d+):(\d+) (\S*): (.*)")

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def problems_of(file: Path) -> tuple[Problem, ...]:
    with pytest.raises(InputErrors) as caught:
        check_inputs(load(file))
    return caught.value.problems


@each_file
def test_an_invalid_scenario_fails_for_its_own_reason_at_its_own_place(file: Path) -> None:
    header = [found.groups() for line in file.read_text().splitlines() if (found := EXPECTED.match(line))]
    assert header, "the file does not say what is wrong with it"

    problems = problems_of(file)

    told = "\n".join(map(str, problems))
    places = [(problem.line, problem.column, problem.path) for problem in problems]
    assert places == [(int(line), int(column), path) for line, column, path, _ in header], told
    for problem, (_, _, _, words) in zip(problems, header, strict=True):
        message, _, hint = words.partition(" / ")
        assert problem.file == str(file)
        assert message.strip() in problem.message
        assert hint.strip() in problem.hint


@each_file
def test_nothing_about_an_invalid_scenario_is_said_in_the_words_of_python(file: Path) -> None:
    said = "\n".join(map(str, problems_of(file)))
    for jargon in ("pydantic", "Input should", "dict", "validator", "NoneType", "https://", "union", "yaml.", "_ns"):
        assert jargon not in said


def test_every_kind_of_step_station_and_word_has_its_invalid_files() -> None:
    # A file is wrong for its own reason only if no other file says the very same.
    reasons = [tuple(found.group(3, 4) for line in file.open() if (found := EXPECTED.match(line))) for file in FILES]
    twice = {reason for reason in reasons if reasons.count(reason) > 1}
    # Both are neither one nor the other, and told in the same words.
    assert {words for reason in twice for _, words in reason} <= {
        "needs either `below` or `above`",
        "needs exactly one of `at` (a drill), `mttf`, `rate` and `seen`; write   at: 5 min   or   rate: 2/year",
    }


@pytest.mark.parametrize("verb", ["check", "run", "explain"])
def test_the_command_line_tells_the_same_and_runs_nothing(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = next(file for file in FILES if file.stem == "everything_at_once")
    assert main([verb, str(file)], exit_after=False) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "\n".join([*map(str, problems_of(file)), "", "6 problems; nothing was run.\n"])
