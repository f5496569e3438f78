"""The presets: every constant says what it is and where it was read, and none is there for nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.scenario.presets import PRODUCTS, preset, versions

EVERY = [(product, version) for product in (*PRODUCTS, "disk") for version in versions(product)]
LOWER = Path(__file__).parents[2] / "sim" / "lower"


@pytest.mark.parametrize(("product", "version"), EVERY)
def test_each_constant_has_a_meaning_and_a_dated_source_or_is_an_assumption(product: str, version: str) -> None:
    for constant in preset(product, version).constants.values():
        assert constant.what, constant.name
        assert bool(constant.source) == bool(constant.date), constant.name
        assert constant.written, constant.name


@pytest.mark.parametrize(("product", "version"), EVERY)
def test_each_constant_is_used(product: str, version: str) -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in LOWER.rglob("*.py"))
    for constant in preset(product, version).constants.values():
        name = constant.name.split(".", 1)[1]
        assert re.search(rf'"(?:{product}\.)?{name}"', code), f"{constant.name} is in the preset and nowhere used"


def test_all_sdks_have_the_same_constants() -> None:
    names = {frozenset(preset("sdk", version).constants) for version in versions("sdk")}
    assert len(names) == 1


def test_a_transition_without_events_commits_once() -> None:
    constants = preset("temporal", "1.31").constants
    started, completed = constants["activity_started"].value, constants["activity_completed"].value
    assert (started.waited_commits, started.events) == (1, 0)
    assert (completed.waited_commits, completed.events) == (2, 3)
    # Five of the mutable-state transaction always, three for this kind, one history node, one read of the queue.
    assert completed.statements == 5 + 3 + 1 + 1
    # The append commits by itself; BEGIN and COMMIT stand around the other eight.
    assert completed.round_trips == 1 + 8 + 2


def test_versions_are_found_by_their_files() -> None:
    assert versions("temporal") == ("1.31",)
    assert set(versions("sdk")) == {"go", "java", "python", "typescript", "dotnet"}
