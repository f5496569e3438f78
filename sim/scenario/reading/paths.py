"""The path of a part of a scenario, found by looking for the part itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from sim.spec import key_of


def path_to(whole: Any, part: BaseModel, before: str = "") -> str:
    """The dotted path from the whole to the part, which is in it, behind `before`: `workflows.checkout.steps.0`.

    Of equal parts the one that is meant, of one that stands at several places the first. `before` alone where the part
    is nowhere, as in what was made from what is written.
    """
    return next(_paths(whole, part, before), before)


def _paths(whole: Any, part: BaseModel, before: str) -> Iterator[str]:
    if whole is part:
        yield before
        return
    if isinstance(whole, BaseModel):
        for name, field in type(whole).model_fields.items():
            yield from _paths(getattr(whole, name), part, f"{before}.{field.alias or key_of(name)}".lstrip("."))
    elif isinstance(whole, Mapping):
        for name, inside in whole.items():
            yield from _paths(inside, part, f"{before}.{name}".lstrip("."))
    elif isinstance(whole, tuple | list):
        for index, inside in enumerate(whole):
            yield from _paths(inside, part, f"{before}.{index}".lstrip("."))
