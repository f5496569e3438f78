"""Looks at an engine at work: functions that are called before methods of its classes, for the time of a run.

The looks themselves are in `see_*.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Seen = set[str]
Look = Callable[..., None]
LOOKS: dict[tuple[type, str], Look] = {}


def look(owner: type, method: str) -> Callable[[Look], Look]:
    """Register a function that looks at every call of a method: it gets what was seen, `self` and the arguments."""
    assert (owner, method) not in LOOKS, f"{owner.__name__}.{method} is looked at already"

    def register(function: Look) -> Look:
        LOOKS[owner, method] = function
        return function

    return register


def looking(seen: Seen) -> list[tuple[type, str, Any]]:
    """What to replace during a run: (class, name, a method that looks first and then does what it did)."""
    return [(owner, name, _first(function, vars(owner)[name], seen)) for (owner, name), function in LOOKS.items()]


def _first(function: Look, original: Callable[..., Any], seen: Seen) -> Callable[..., Any]:
    def looked_at(*arguments: Any, **named: Any) -> Any:
        function(seen, *arguments, **named)
        return original(*arguments, **named)

    return looked_at


@contextmanager
def replaced(replacements: list[tuple[Any, str, Any]]) -> Iterator[None]:
    """Attributes of classes or modules are others for a while: (owner, name, replacement)."""
    before = [(owner, name, vars(owner)[name]) for owner, name, _ in replacements]
    for owner, name, replacement in replacements:
        setattr(owner, name, replacement)
    try:
        yield
    finally:
        for owner, name, original in reversed(before):
            setattr(owner, name, original)
