"""The presets: every constant says what it is and where it was read, and none is there for nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.draws.build import inverse_of
from sim.scenario.presets import PRODUCTS, parsed, preset, versions

EVERY = [(product, version) for product in (*PRODUCTS, "disk") for version in versions(product)]
LOWER = Path(__file__).parents[2] / "sim" / "lower"


@pytest.mark.parametrize(("product", "version"), EVERY)
def test_each_constant_has_a_meaning_and_a_dated_source_or_is_an_assumption(product: str, version: str) -> None:
    for constant in preset(product, version).values():
        assert constant.what, constant.name
        assert bool(constant.source) == bool(constant.date), constant.name
        assert constant.written, constant.name


@pytest.mark.parametrize(("product", "version"), EVERY)
def test_a_text_says_what_the_product_does_and_leaves_every_number_to_the_value(product: str, version: str) -> None:
    for constant in preset(product, version).values():
        # A digit within a name, as in LZ4, is none of a number.
        assert not re.search(r"(?<![A-Za-z])\d", constant.what), f"{constant.name}: {constant.what}"
        assert not re.search(r"\bin (the server|the product|truth) it\b|\bmeasured\b", constant.what), constant.name


def size_of(value: Any) -> Any:
    """A number, or the mean of a distribution."""
    return value if isinstance(value, int | float) else inverse_of(value).mean()


@pytest.mark.parametrize(("product", "version"), EVERY)
def test_a_value_lies_in_the_range_that_is_given_with_it(product: str, version: str) -> None:
    for constant in preset(product, version).values():
        if constant.range is not None:
            plain = {"count": int, "number": float, "distribution": yaml.safe_load}.get(constant.kind, str)
            ends = [parsed(constant.kind, plain(end)) for end in constant.range]
            low, value, high = map(size_of, (ends[0], constant.value, ends[1]))
            assert low <= value <= high, f"{constant.name}: {constant.written}, {constant.range}"
            assert constant.origin, constant.name


@pytest.mark.parametrize("sdk", versions("sdk"))
def test_what_an_sdk_costs_was_measured_or_is_an_assumption_with_a_range_and_a_reason(sdk: str) -> None:
    costs = {"workflow_task_cpu", "first_workflow_task_cpu", "activity_task_cpu", "turns", "one_thread"}
    for name in costs | {"replay_cpu_per_event"}:
        constant = preset("sdk", sdk)[name]
        assert constant.source or (constant.range and constant.why), constant.name
        assert bool(constant.source) == (sdk == "python" and name in costs), constant.name


def test_versions_differ_in_what_the_server_changed() -> None:
    # matching.useNewMatcher is on from 1.31, system.enableActivityEagerExecution from 1.32 on.
    found = {version: preset("temporal", version) for version in versions("temporal")}
    waits = {version: constants["sync_match_wait"].value for version, constants in found.items()}
    eager = {version: constants["eager_activities"].value for version, constants in found.items()}
    assert waits == {"1.29": 200_000_000, "1.30": 200_000_000, "1.31": 0, "1.32": 0}
    assert eager == {"1.29": False, "1.30": False, "1.31": False, "1.32": True}
    differing = {
        name
        for constants in found.values()
        for name, one in constants.items()
        if one.value != found["1.31"][name].value
    }
    assert differing == {"sync_match_wait", "eager_activities"}


@pytest.mark.parametrize("version", versions("temporal"))
def test_settings_of_the_transfer_queue_and_of_forwarding_are_the_servers(version: str) -> None:
    constants = preset("temporal", version)
    assert (constants["transfer_poll_rate"].value, constants["transfer_saved"].value) == (20.0, 1_000_000_000)
    assert all(constants[name].value for name in ("transfer_follow_up", "transfer_of_close"))
    assert not constants["retry_by_transfer"].value
    assert constants["forward_rate"].value == 10
    assert constants["timer_ahead"].value == constants["timer_floor"].value == 1_000_000_000


@pytest.mark.parametrize(("product", "version"), EVERY)
def test_each_constant_is_used(product: str, version: str) -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in LOWER.rglob("*.py"))
    for constant in preset(product, version).values():
        name = constant.name.split(".", 1)[1]
        by_key = r"\{(?:self\.)?(?:key|product)\}\."  # of what products share
        used = re.search(rf'"(?:{product}\.|{by_key})?{name}"', code)
        assert used, f"{constant.name} is in the preset and nowhere used"


def test_all_sdks_have_the_same_constants() -> None:
    names = {frozenset(preset("sdk", version)) for version in versions("sdk")}
    assert len(names) == 1


def test_a_transition_without_events_commits_once() -> None:
    constants = preset("temporal", "1.31")
    started, completed = constants["activity_started"].value, constants["activity_completed"].value
    assert (started.waited_commits, started.events) == (1, 0)
    assert (completed.waited_commits, completed.events) == (2, 3)
    # Five of the mutable-state transaction always, three for this kind, one history node, one read of the queue.
    assert completed.statements == 5 + 3 + 1 + 1
    # The append commits by itself; BEGIN and COMMIT stand around the other eight.
    assert completed.round_trips == 1 + 8 + 2


def test_versions_are_found_by_their_files() -> None:
    assert versions("temporal") == ("1.29", "1.30", "1.31", "1.32")
    assert set(versions("sdk")) == {"go", "java", "python", "typescript", "dotnet"}
