"""The form of a mistake in a scenario: a name that leads nowhere, and what is known instead."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sim.errors import Path, Problem, dotted
from sim.meant import meant


def unknown(path: Path, what: str, name: str, known: Collection[str]) -> Problem:
    """A name that leads nowhere."""
    return Problem(dotted(path), f"is {name}, which is not {what}", known_hint(name, known))


def unless_known(path: Path, what: str, name: str | None, known: Collection[str]) -> Iterator[Problem]:
    """The problem of a name that leads nowhere, where there is a name and it does."""
    if name is not None and name not in known:
        yield unknown(path, what, name, known)


def known_hint(name: str, known: Collection[str], as_written: bool = False) -> str:
    """The name that was probably meant, else all that are known: sorted, or in the order in which they are written."""
    return meant(name, known, f"known: {', '.join(known if as_written else sorted(known)) or 'none'}")
