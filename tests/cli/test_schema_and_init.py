"""`sim schema` and `sim init`: what may be written, for editors and for people, and a file to start from.

Goal: an editor marks what the reader refuses, and nothing else. Method: the schema is held against every scenario of
the repository and the one that `sim init` writes.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from a_command import QUEUE, SHOP, Command

from sim.scenario.reading.reader import load_yaml
from sim.scenario.reading.schema import schema_text
from sim.scenario.scenario import Scenario

CONFIGS = Path(__file__).parents[2] / "configs"


@cache
def editor() -> jsonschema.Draft202012Validator:
    schema: dict[str, Any] = json.loads(schema_text(Scenario))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def complaints(text: str) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in editor().iter_errors(load_yaml(text, "x.yaml"))]


def test_the_schema_is_printed_and_nothing_else(command: Command) -> None:
    ended = command.sim("schema")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == json.loads(schema_text(Scenario))
    assert json.loads(ended.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("file", sorted(CONFIGS.rglob("*.yaml")), ids=lambda file: str(file.relative_to(CONFIGS)))
def test_an_editor_takes_every_scenario_of_the_repository(file: Path) -> None:
    assert complaints(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("text", [QUEUE, SHOP], ids=["queue", "shop"])
def test_an_editor_takes_a_plain_network(text: str) -> None:
    assert complaints(text) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("replicas: 3, cpu: 2, activity_slots", "replicas: 3, cpus: 2, activity_slots"),
        ("replicas: 3, cpu: 2, activity_slots", "replicas: 0, cpu: 2, activity_slots"),
        ("arrivals: 20/s  ", "arrivals: 20  "),
        ("start_to_close: 5 s", "start_to_close: 5"),
        ("error_rate: 0.5 %", "error_rate: 50"),
        ("activity: {name: capture", "actvity: {name: capture"),
        ("{p50: 90 ms, p99: 1.2 s}", "{p50: 90 ms, p98: 1.2 s}"),
        ("target: workers.orders, at", "target: pods.orders, at"),
        ("replications: 10 ", "replications: 1 "),
        ("below: 4 s", "bellow: 4 s"),
        ("name: orders\n", ""),
    ],
)
def test_an_editor_marks_what_the_reader_refuses(command: Command, right: str, wrong: str) -> None:
    text = command.sim("init", "-").out
    assert text.count(right) == 1
    assert complaints(text.replace(right, wrong))
    assert command.sim("check", command.file(text.replace(right, wrong))).code == 2


def test_every_key_at_a_place_is_described_with_kind_bounds_default_and_meaning(command: Command) -> None:
    ended = command.sim("schema", "workers")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("workers: a mapping of names, each a worker pool\n")
    pods = "a whole number or range (1 or more, or a range from 0 on, the lower end first); required"
    assert f"\n  replicas: 6..18\n      {pods}\n      Pods: a number, or a range such as 6..18 " in ended.out
    assert "\n  start_delay: 0 s\n      a duration (0 or more); default 0 s\n" in ended.out
    for key in ("cpu", "workflow_task_slots", "activity_slots", "sticky_cache", "node"):
        assert f"\n  {key}: " in ended.out


@pytest.mark.parametrize(
    "path", ["workflows.steps.activity", "network.stations", "run", "faults.x.seen", "objectives.0", "postgres.disk"]
)
def test_any_place_can_be_asked_about(command: Command, path: str) -> None:
    ended = command.sim("schema", path)
    assert ended.code == 0
    assert len(ended.out.splitlines()) > 2


def test_the_whole_file_can_be_described_as_text(command: Command) -> None:
    ended = command.sim("schema", "--text")
    assert ended.code == 0
    assert all(f"\n  {key}: " in ended.out for key in ("name", "workflows", "workers", "network", "prices"))


def test_a_place_that_there_is_not_is_bad_input(command: Command) -> None:
    ended = command.sim("schema", "workerss")
    assert (ended.code, ended.out) == (2, "")
    assert "workerss\n    is not a key there\n    did you mean `workers`?" in ended.err


def test_the_file_to_start_from_passes_the_check(command: Command) -> None:
    file = command.folder / "mine.yaml"
    ended = command.sim("init", str(file))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{file} written; next:  sim check {file}  and  sim run {file}\n"
    checked = command.sim("check", str(file))
    assert (checked.code, checked.err) == (0, "")
    assert "valid" in checked.out
    assert "UNSTABLE" not in checked.out
    assert complaints(file.read_text(encoding="utf-8")) == []
    assert command.sim("init", "-").out == file.read_text(encoding="utf-8")


def test_a_file_that_is_there_is_not_overwritten_unless_asked_to(command: Command) -> None:
    file = command.file("mine\n")
    ended = command.sim("init", file)
    assert (ended.code, ended.out) == (2, "")
    assert "is there already" in ended.err
    assert Path(file).read_text() == "mine\n"
    assert command.sim("init", file, "--force").code == 0
    assert Path(file).read_text() != "mine\n"


def test_a_place_that_cannot_be_written_to_is_bad_input(command: Command) -> None:
    ended = command.sim("init", str(command.folder / "gone" / "mine.yaml"))
    assert (ended.code, ended.out) == (2, "")
    assert "cannot be written: no such file or directory" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("check", "-h"), ("explain", "-h")])
def test_help_is_no_mistake(command: Command, arguments: tuple[str, ...]) -> None:
    ended = command.sim(*arguments)
    assert (ended.code, ended.err) == (0, "")
    assert "Usage: sim" in ended.out
