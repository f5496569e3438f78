"""Going through the steps of a routine: every step with its path and the name of its stream of draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.network.kinds import Path, bodies
from sim.network.routines import Step, Steps


@dataclass(frozen=True, slots=True)
class Placed:
    """A step, where it stands, and the name of its stream of draws."""

    step: Step
    path: Path
    stream: str


def walk(routine: str, steps: Steps) -> Iterator[Placed]:
    """Every step of a routine, outer before inner, in order.

    A stream is named `routine/step`: by the step's own name, else by its kind and its place among the steps of
    that kind in the routine (`use-1`, `use-2`, ...), so that adding a step of another kind moves no draw.
    """
    counts: dict[str, int] = {}

    def visit(steps: Steps, path: Path) -> Iterator[Placed]:
        for index, step in enumerate(steps):
            counts[step.TAG] = counts.get(step.TAG, 0) + 1
            label = step.name or f"{step.TAG}-{counts[step.TAG]}"
            here = (*path, index)
            yield Placed(step, here, f"{routine}/{label}")
            for below, body in bodies(step):
                yield from visit(body, (*here, *below))

    yield from visit(steps, ("routines", routine))
