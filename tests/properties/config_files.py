"""The scenarios of `configs/` as parameters of tests, and those whose runs take too long for the fast tests."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
HEAVY = frozenset(
    f"configs/{name}.yaml"
    for name in (
        "uber",
        "cern",
        "example-cluster",
        "real/postgres-recovery",
        "real/pgbench-hot",
        "real/pgbench-closed",
    )
)
"""Half of the CPU time that all scenarios take together; their tests that lower or run anew are long."""


def name_of(file: Path) -> str:
    """The path from the project's root."""
    return file.relative_to(ROOT).as_posix()


def with_long(files: list[Path]) -> list[object]:
    """The files as parameters, the heavy ones marked long."""
    return [
        pytest.param(file, marks=pytest.mark.long if name_of(file) in HEAVY else (), id=name_of(file))
        for file in files
    ]
