"""Every file in `reader/` is wrong in the way that its first lines say, at the place they say, and in no other way.

A header line reads `# expect LINE:COLUMN PATH: words / words of the hint`; both are parts of what is printed.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from a_shop import Shop

from sim.errors import InputErrors
from sim.scenario.reading.edit import edited
from sim.scenario.reading.reader import parse, read, validate

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


VALID = """\
name: shop
presets: {temporal: "1.31"}
workflows:
  checkout:
    arrivals: 40/s
    overlap: skip
    steps:
      - activity: {name: pay, service: {p50: 5 ms, p99: 9 ms}, error_rate: 5 %}
      - wait: {timer: 1 h}
      - activity: {name: mail, service: 5 s}
workers:
  orders: &pool {replicas: 3..5, cpu: 500m, sticky: true, weight: 2, idle: {exponential: 5 s}}
  payouts: *pool
"""

SHRAPNEL = [
    *["1:30", "010", "off", "~", "1e6", "1e999", "-1", ".inf", "true", "5 s", "5 %", "é", "9" * 50, "\x00"],
    *["[", "]", "{", "}", ":", ": ", "- ", "? ", "\n", "  ", "\t", "'", '"', "|", ">", "#", "%", "@", "`", "\\", ","],
    *["&a ", "*pool", "*b", "<<: *pool", "!!str ", "!x ", "---\n", "{}", "[]", "{a: 1}", "[1, 2]"],
    *["{exponential: {exponential: 1}}", "{uniform: [1 s, 2 s, 3 s]}", "{constant: {constant: 5 s}}"],
]


@pytest.mark.parametrize("seed", range(8))
def test_a_file_mangled_at_random_is_taken_or_refused_but_breaks_nothing(seed: int) -> None:
    rng = random.Random(seed)
    targets = ["workers.orders", "workers.orders.cpu", "workflows.checkout.steps.0", "name", "presets.new", "", "x.y"]
    for attempt in range(40):
        pieces = re.findall(r"[A-Za-z0-9_.%/]+|[^\sA-Za-z0-9]|\s+", VALID)
        for _ in range(rng.choice([1, 1, 2, 4])):
            pieces[rng.randrange(len(pieces))] = rng.choice([*SHRAPNEL, *pieces])
        assignments = [f"{rng.choice(targets)}={rng.choice(SHRAPNEL)}"] if attempt % 4 == 0 else []
        try:
            shop = validate(edited(parse("".join(pieces), "mangled.yaml"), assignments, Shop), Shop)
        except InputErrors:
            continue
        assert shop == Shop.model_validate_json(shop.model_dump_json())
