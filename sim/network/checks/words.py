"""The form of a mistake in a network: its dotted path, and the one "did you mean"."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from sim.errors import Problem
from sim.network.kinds import Path


def dotted(path: Path) -> str:
    """A path as problems name it: `routines.order.0.use`."""
    return ".".join(map(str, path))


def unknown(path: Path, what: str, name: str, known: Collection[str]) -> Problem:
    """A name that leads nowhere, with the name that may have been meant."""
    close = get_close_matches(name, known, 1)
    listed = ", ".join(sorted(known)) or "there is none yet"
    hint = f"did you mean `{close[0]}`?" if close else f"known: {listed}"
    return Problem(dotted(path), f"`{name}` is not {what}", hint)
