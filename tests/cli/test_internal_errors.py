"""A mistake of ours is three lines and a file; the version is told by an option of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from a_command import Command

from sim import __version__
from sim.analytic import estimate

QUEUE = """\
name: queue
network:
  sources: {jobs: {routine: job, arrivals: 5/s}}
  stations: {server: {servers: 1, service: {exponential: 100 ms}}}
  routines: {job: [{use: server}]}
"""


def broken(_: object) -> None:
    raise AssertionError("busy below zero\nand more")


def test_an_internal_error_is_three_lines_and_its_traceback_is_in_a_named_file(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(estimate, "estimate", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = command.sim("check", command.file(QUEUE))
    assert (ended.code, ended.out) == (3, "")
    first, second, third = ended.err.splitlines()
    assert first == (
        "internal error, so nothing is reported: AssertionError: busy below zero (test_internal_errors.py:24)"
    )
    found = re.fullmatch(r"traceback in (.*)", second)
    assert found is not None
    kept = Path(found[1]).read_text(encoding="utf-8")
    assert kept.startswith(f"sim {__version__}, Python ")
    assert "\nsim check " in kept
    assert "Traceback (most recent call last)" in kept
    assert kept.endswith("AssertionError: busy below zero\nand more\n")
    assert "please report it" in third


def test_a_traceback_that_finds_no_room_is_printed(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "estimate", broken)
    monkeypatch.setattr("tempfile.tempdir", str(command.folder / "nowhere"))
    ended = command.sim("check", command.file(QUEUE))
    assert ended.code == 3
    assert "Traceback (most recent call last)" in ended.err
    assert "please report it" in ended.err


def test_the_version_is_printed_alone(command: Command) -> None:
    ended = command.sim("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"sim {__version__}\n", "")


def test_the_version_is_that_of_the_project() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert f'version = "{__version__}"' in project.read_text(encoding="utf-8")
