"""Scenarios that are spoilt at random are answered with problems or an estimate, in bounded memory and time.

Method: seeded mutations of every configuration, in a process with 2 GiB of memory; see `mutations`. A failure is
repeated with `python tests/properties/mutations.py SEED 1 FILE`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "configs").rglob("*.yaml"))
PROGRAM = Path(__file__).with_name("mutations.py")


def failures(seed: int, count: int, files: list[Path]) -> list[str]:
    command = [sys.executable, str(PROGRAM), str(seed), str(count), *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_a_few_spoilt_scenarios_are_answered_with_problems_or_an_estimate() -> None:
    small = [file for file in FILES if file.parent.name in ("network", "pathologies")]
    assert failures(1_000_000, 40, small) == []


@pytest.mark.long
@pytest.mark.parametrize("part", range(8))
def test_spoilt_scenarios_are_answered_with_problems_or_an_estimate(part: int) -> None:
    assert failures(100 * part, 100, FILES) == []
