"""Tests in `long.txt` are marked long: they take too much CPU for the fast tests, and are evidence instead."""

from __future__ import annotations

from pathlib import Path

import pytest

LONG = frozenset(
    line.partition(" ")[2]
    for line in (Path(__file__).parent / "long.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them before pytest chooses by marks."""
    for item in items:
        if item.nodeid in LONG:
            item.add_marker(pytest.mark.long)
