"""The swarm itself: a seed always makes the same network, no difference goes unseen, failures become small.

The engine that fails here is the reference engine with a fault put into it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sim.engine.reference.attempts import RunningAttempt
from sim.engine.reference.caches import LruCache
from sim.engine.reference.pools import Pool
from sim.engine.reference.queues import LastLine
from sim.engine.reference.servers import Shared
from sim.results.columns import Replication

from .compare import ENGINE, differences
from .engines import reference, told_apart
from .generate import Case, case
from .observed import Overrun, observe
from .shrink import as_text, shrink

SEEDS = range(20)
FEW = 500


def test_a_seed_always_makes_the_same_network() -> None:
    for seed in SEEDS:
        assert case(seed, 3.0) == case(seed, 3.0)


def test_a_longer_form_of_a_network_has_the_same_places_and_routines() -> None:
    for seed in SEEDS:
        short, long = case(seed, 1.0).document, case(seed, 7.0).document
        assert {**short, "sources": 0, "faults": 0} == {**long, "sources": 0, "faults": 0}


def test_looking_at_a_run_does_not_change_it() -> None:
    for seed in SEEDS:
        tried = case(seed)
        assert differences(observe(tried).replication, reference(tried.network(), tried)) == []


def test_a_change_anywhere_in_a_replication_is_a_difference() -> None:
    run = max((observe(case(seed)).replication for seed in SEEDS), key=lambda run: len(run.places) * len(run.episodes))
    changes = 0
    for path, other in changed(run, ""):
        changes += 1
        assert len(differences(run, other)) == (path != ENGINE), path
    assert changes > 100


def changed(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Copies of a value, in each of which one thing in it is another one; with the path of that."""
    if isinstance(value, np.ndarray):
        if value.size:
            other = value.copy()
            other.flat[value.size // 2] += 1
            yield path, other
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            for below, other in changed(getattr(value, field.name), f"{path}.{field.name}"):
                yield below, dataclasses.replace(value, **{field.name: other})
    elif isinstance(value, dict):
        for key in value:
            for below, other in changed(value[key], f"{path}[{key!r}]"):
                yield below, {**value, key: other}
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            for below, other in changed(item, f"{path}[{index}]"):
                yield below, type(value)([*value[:index], other, *value[index + 1 :]])
    elif isinstance(value, str):
        yield path, f"{value}?"
    elif isinstance(value, bool):
        yield path, not value
    elif value is not None:
        yield path, value + 1


def nothing(*arguments: Any) -> None:
    """What a fault does in the place of a method."""


FAULTS: dict[str, tuple[type, str, Any]] = {
    "who leaves a line lets nobody in": (Pool, "left", nothing),
    "signs of life never come again": (RunningAttempt, "node_resumed", nothing),
    "closed executions stay in the caches": (LruCache, "drop", nothing),
    "shared cores are not slowed": (Shared, "node_speed", Pool.node_speed),
    "last come is first served only when looked at": (LastLine, "rank", lambda line, entry: (entry.serial, 0)),
}


QUICK = "shared cores are not slowed"


class Broken:
    """The reference engine with a fault."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def run(self, network: Any, case: Case) -> Replication:
        owner, method, replacement = FAULTS[self.fault]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, method, replacement)
            return reference(network, case)

    def fails(self, case: Case) -> bool:
        try:
            expected = observe(case, closely=False).replication
        except Overrun:
            return False
        return bool(told_apart(case, expected, self.run))


@pytest.mark.parametrize(
    "fault", [fault if fault == QUICK else pytest.param(fault, marks=pytest.mark.long) for fault in FAULTS]
)
def test_a_fault_in_an_engine_is_found_and_the_network_made_small(fault: str) -> None:
    broken = Broken(fault)
    found = next(tried for seed in range(FEW) if broken.fails(tried := case(seed, 4.0)))
    small = shrink(found, broken.fails)
    assert broken.fails(small)
    assert as_text(small).count("\n") < 45, as_text(small)
