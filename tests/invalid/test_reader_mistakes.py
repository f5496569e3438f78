"""Every file in `reader/` is wrong in the way that its first lines say, at the place they say, and in no other way.

A header line reads `# expect LINE:COLUMN PATH: words / words of the hint`; both are parts of what is printed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from a_shop import Shop

from sim.errors import InputErrors
from sim.scenario.reader import read, validate

FILES = sorted((Path(__file__).parent / "reader").glob("*.yaml"))
EXPECTED = re.compile(r"# expect (\d+):(\d+) (\S*): (.*)")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_invalid_file_fails_for_its_own_reason_at_its_own_place(file: Path) -> None:
    header = [found.groups() for line in file.read_text().splitlines() if (found := EXPECTED.match(line))]
    assert header, "the file does not say what is wrong with it"

    with pytest.raises(InputErrors) as caught:
        validate(read(file), Shop)

    problems = caught.value.problems
    assert [(problem.line, problem.column) for problem in problems] == [
        (int(line), int(column)) for line, column, _, _ in header
    ], str(caught.value)
    for problem, (_, _, path, words) in zip(problems, header, strict=True):
        message, _, hint = words.partition(" / ")
        assert problem.path == path or not path
        assert message.strip() in problem.message
        assert hint.strip() in problem.hint


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_about_an_invalid_file_is_said_in_the_words_of_python(file: Path) -> None:
    with pytest.raises(InputErrors) as caught:
        validate(read(file), Shop)
    said = str(caught.value)
    for jargon in ("pydantic", "Input should", "dict", "validator", "NoneType", "https://", "union", "yaml."):
        assert jargon not in said
