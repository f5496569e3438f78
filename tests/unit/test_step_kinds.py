"""Every reader of steps knows every kind of step, and the registry tells what is inside one and what it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter

from sim.analytic import flow
from sim.engine.fast import compile_steps
from sim.engine.reference import build
from sim.network import holding, kinds
from sim.network.checks import at_once, steps
from sim.network.distributions import FromAttribute
from sim.network.kinds import walk
from sim.network.network import Network
from sim.network.routines import STEP_CLASSES, STEP_KINDS, Step, Steps

READERS: dict[str, Mapping[type[Any], object]] = {
    "registry": kinds.KINDS,
    "check of parts": steps._PARTS,
    "check of options": steps._OPTIONS,
    "check of attempts that fail at once": at_once._AT_ONCE,
    "what is held where": holding._HELD_AFTER,
    "first estimate": flow._TIMES,
    "reference engine": build._BUILDERS,
    "compiled engine": compile_steps._WRITERS,
}

ONE_OF_EACH: tuple[dict[str, Any], ...] = (
    {"acquire": {"resource": "slots", "at": "held", "patience": "1 s", "otherwise": [{"mark": "a"}]}},
    {"release": "slots"},
    {"use": {"station": "cpu", "at": "slots", "per": {"size": "1 ms"}}},
    {"delay": "1 s", "per": {"size": "1 ms"}, "timers": "server"},
    {"branch": [{"attribute": "size", "above": 1, "steps": [{"mark": "b"}]}, {"steps": [{"mark": "c"}]}]},
    {"loop": {"times": {"attribute": "size"}, "steps": [{"mark": "d"}]}},
    {"fork": {"items": {"attribute": "size"}, "steps": [{"mark": "e"}]}},
    {"fork": {"branches": [[{"mark": "f"}], [{"mark": "g"}]]}},
    {"race": [[{"mark": "h"}], [{"mark": "i"}]]},
    {
        "attempt": {
            "steps": [{"mark": "j"}],
            "breaker": "guard",
            "retry": {"timers": "server", "budget": "spare"},
            "on_failure": [{"mark": "k"}],
        }
    },
    {"start": True},
    {"saga": [{"mark": "l"}]},
    {"compensate": [{"mark": "m"}]},
    {"call": "other"},
    {
        "child": {
            "routine": "part",
            "takes": ["size"],
            "gives": ["other_size"],
            "told": [{"mark": "q"}],
            "after": [{"mark": "r"}],
            "on_close": "cancel",
        }
    },
    {"tell": "parent"},
    {"mark": "n"},
    {"count": {"commit": 1}},
    {"set": {"size": {"add": {"attribute": "other_size"}}}},
    {"fail": "no"},
    {"cached": {"cache": "sticky", "at": "slots", "hit": [{"mark": "o"}], "miss": [{"mark": "p"}]}},
    {"forget": "home"},
    {"prompt": "outbox"},
    {"notify": "server"},
)
"""A step of each kind, with everything inside it that it can have; marks are numbered by letters."""


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_knows_every_kind_and_no_other(reader: str) -> None:
    assert set(READERS[reader]) == set(STEP_CLASSES)


def test_a_table_that_leaves_a_kind_out_is_refused_by_name() -> None:
    lacking = {spec: None for spec in STEP_CLASSES if spec.TAG not in ("saga", "notify")}
    with pytest.raises(TypeError, match=r"^the oracle does not know the steps: saga, notify$"):
        kinds.complete(lacking, "the oracle")


def one_of_each() -> Steps:
    return TypeAdapter(tuple[Step, ...]).validate_python(ONE_OF_EACH)


def test_there_is_an_example_of_every_kind() -> None:
    assert {step.TAG for step in one_of_each()} == set(STEP_KINDS)


def test_the_registry_tells_every_list_of_steps_that_is_inside_a_step() -> None:
    inner = [placed.step for placed in walk("job", one_of_each()) if len(placed.path) > 3]
    assert "".join(sorted(step.mark.name for step in inner if hasattr(step, "mark"))) == "abcdefghijklmopqr"


def test_the_registry_tells_every_name_of_another_element_that_a_step_has() -> None:
    """All texts of a step are names of elements, apart from those of its own kind that nothing else has to declare."""
    own = {"tell", "mark", "count", "fail", "forget", "prompt"}
    for step in one_of_each():
        told = {reference.name for reference in kinds.KINDS[type(step)].names(step)}
        assert told == (set() if step.TAG in own else set(_names(step))), step


def _names(value: Any) -> list[str]:
    """Names in the fields of a step, without the lists of steps inside it."""
    if isinstance(value, str):
        return [] if value in ("all", "service", "fail", "cancel") else [value]
    if isinstance(value, FromAttribute):
        return [value.attribute]
    if isinstance(value, dict):
        return [name for key, item in value.items() for name in [key, *_names(item)]]
    if isinstance(value, tuple):
        return [name for item in value for name in _names(item) if not isinstance(item, STEP_CLASSES)]
    fields = getattr(type(value), "model_fields", {})
    return [name for field in fields for name in _names(getattr(value, field)) if field != "name"]


def test_a_step_with_two_wrong_names_is_told_both() -> None:
    network = Network.model_validate(
        {
            "sources": {"jobs": {"routine": "job", "arrivals": {"poisson": "1/s"}}},
            "routines": {"job": [{"use": {"station": "cpuu", "at": "slotss"}}]},
        }
    )
    found = [problem.path for problem in steps.misfits_of_steps(network)]
    assert found == ["routines.job.0.use.station", "routines.job.0.use.at"]
