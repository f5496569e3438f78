"""Going through the steps of a routine: every step with its path and the name of its stream of draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.network.routines import (
    Acquire,
    Attempt,
    Branch,
    Cached,
    Compensate,
    Fork,
    Loop,
    Race,
    Saga,
    Step,
    Steps,
)

Path = tuple[str | int, ...]


def bodies(step: Step) -> Iterator[tuple[Path, Steps]]:
    """The lists of steps inside a step, each with its path below the step."""
    if isinstance(step, Acquire) and step.acquire.otherwise is not None:
        yield ("acquire", "otherwise"), step.acquire.otherwise
    elif isinstance(step, Branch):
        for index, option in enumerate(step.branch):
            yield ("branch", index, "steps"), option.steps
    elif isinstance(step, Loop):
        yield ("loop", "steps"), step.loop.steps
    elif isinstance(step, Fork):
        if step.fork.steps is not None:
            yield ("fork", "steps"), step.fork.steps
        for index, steps in enumerate(step.fork.branches or ()):
            yield ("fork", "branches", index), steps
    elif isinstance(step, Race):
        for index, steps in enumerate(step.race):
            yield ("race", index), steps
    elif isinstance(step, Attempt):
        yield ("attempt", "steps"), step.attempt.steps
        if step.attempt.on_failure is not None:
            yield ("attempt", "on_failure"), step.attempt.on_failure
    elif isinstance(step, Saga):
        yield ("saga",), step.saga
    elif isinstance(step, Compensate):
        yield ("compensate",), step.compensate
    elif isinstance(step, Cached):
        yield ("cached", "hit"), step.cached.hit
        yield ("cached", "miss"), step.cached.miss


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
