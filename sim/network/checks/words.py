"""The form of a mistake in a network: its dotted path, and a name that leads nowhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sim.errors import Path, Problem, dotted
from sim.meant import meant


def unknown(path: Path, what: str, name: str, known: Collection[str]) -> Problem:
    """A name that leads nowhere, with the name that may have been meant."""
    listed = ", ".join(sorted(known)) or "there is none yet"
    return Problem(dotted(path), f"`{name}` is not {what}", meant(name, known, f"known: {listed}", "`"))


def unless_known(path: Path, what: str, name: str | None, known: Collection[str]) -> Iterator[Problem]:
    """The problem of a name that leads nowhere, where there is a name and it does."""
    if name is not None and name not in known:
        yield unknown(path, what, name, known)
