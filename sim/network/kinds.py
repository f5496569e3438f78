"""The registry of step kinds: for each kind its class, the lists of steps inside it and the names that it refers to.

Whoever reads steps has a table `{class: handler}` in its own room, passed through `complete`: a kind that a table
leaves out is an error when the program starts, by name, and never a step that is silently skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from sim.errors import Path
from sim.network.distributions import FromAttribute
from sim.network.routines import (
    STEP_CLASSES,
    Acquire,
    Attempt,
    Branch,
    Cached,
    Call,
    Child,
    Compensate,
    CountStep,
    DelayStep,
    Fail,
    Forget,
    Fork,
    Loop,
    Mark,
    Notify,
    Prompt,
    Race,
    Release,
    Saga,
    SetStep,
    Start,
    Step,
    Steps,
    StepSpec,
    Tell,
    Use,
)

Body = tuple[Path, Steps]
Handler = TypeVar("Handler")


class Reference(NamedTuple):
    """A name in a step that an element of a section of the network must have; `path` is below the step."""

    path: Path
    section: str
    name: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of step.

    bodies: the lists of steps inside a step, each with its path below it. names: the names that it refers to.
    """

    spec: type[StepSpec]
    bodies: Callable[[Any], Iterable[Body]] = lambda step: ()
    names: Callable[[Any], Iterable[Reference]] = lambda step: ()


def _optional(path: Path, section: str, name: str | None) -> Iterator[Reference]:
    if name is not None:
        yield Reference(path, section, name)


def _attribute(path: Path, number: object) -> Iterator[Reference]:
    if isinstance(number, FromAttribute):
        yield Reference(path, "attributes", number.attribute)


def _acquire_bodies(step: Acquire) -> Iterator[Body]:
    if step.acquire.otherwise is not None:
        yield ("acquire", "otherwise"), step.acquire.otherwise


def _acquire_names(step: Acquire) -> Iterator[Reference]:
    yield Reference(("acquire", "resource"), "resources", step.acquire.resource)
    yield from _optional(("acquire", "at"), "resources", step.acquire.at)


def _use_names(step: Use) -> Iterator[Reference]:
    yield Reference(("use", "station"), "stations", step.use.station)
    yield from _optional(("use", "at"), "resources", step.use.at)
    yield from (Reference(("use", "per", name), "attributes", name) for name in step.use.per)


def _delay_names(step: DelayStep) -> Iterator[Reference]:
    yield from (Reference(("per", name), "attributes", name) for name in step.per)
    yield from _optional(("timers",), "timers", step.timers)


def _branch_bodies(step: Branch) -> Iterator[Body]:
    for index, option in enumerate(step.branch):
        yield ("branch", index, "steps"), option.steps


def _branch_names(step: Branch) -> Iterator[Reference]:
    for index, option in enumerate(step.branch):
        yield from _optional(("branch", index), "attributes", option.attribute)


def _fork_bodies(step: Fork) -> Iterator[Body]:
    if step.fork.steps is not None:
        yield ("fork", "steps"), step.fork.steps
    for index, steps in enumerate(step.fork.branches or ()):
        yield ("fork", "branches", index), steps


def _race_bodies(step: Race) -> Iterator[Body]:
    for index, steps in enumerate(step.race):
        yield ("race", index), steps


def _attempt_bodies(step: Attempt) -> Iterator[Body]:
    yield ("attempt", "steps"), step.attempt.steps
    if step.attempt.on_failure is not None:
        yield ("attempt", "on_failure"), step.attempt.on_failure


def _attempt_names(step: Attempt) -> Iterator[Reference]:
    yield from _optional(("attempt", "breaker"), "breakers", step.attempt.breaker)
    if step.attempt.retry is not None:
        yield from _optional(("attempt", "retry", "timers"), "timers", step.attempt.retry.timers)
        yield from _optional(("attempt", "retry", "budget"), "budgets", step.attempt.retry.budget)


def _child_bodies(step: Child) -> Iterator[Body]:
    yield ("child", "told"), step.child.told
    yield ("child", "after"), step.child.after


def _child_names(step: Child) -> Iterator[Reference]:
    yield Reference(("child", "routine"), "routines", step.child.routine)
    for key in ("takes", "gives"):
        for index, name in enumerate(getattr(step.child, key)):
            yield Reference(("child", key, index), "attributes", name)


def _set_names(step: SetStep) -> Iterator[Reference]:
    yield from (Reference(("set", name), "attributes", name) for name in step.set)
    for name, change in step.set.items():
        yield from _attribute(("set", name), change.add if change.add is not None else change.to)


def _cached_bodies(step: Cached) -> Iterator[Body]:
    yield ("cached", "hit"), step.cached.hit
    yield ("cached", "miss"), step.cached.miss


def _cached_names(step: Cached) -> Iterator[Reference]:
    yield Reference(("cached", "cache"), "caches", step.cached.cache)
    yield Reference(("cached", "at"), "resources", step.cached.at)


KINDS: Mapping[type[StepSpec], Kind] = {
    kind.spec: kind
    for kind in (
        Kind(Acquire, _acquire_bodies, _acquire_names),
        Kind(Release, names=lambda step: [Reference(("release",), "resources", step.release)]),
        Kind(Use, names=_use_names),
        Kind(DelayStep, names=_delay_names),
        Kind(Branch, _branch_bodies, _branch_names),
        Kind(
            Loop,
            lambda step: [(("loop", "steps"), step.loop.steps)],
            lambda step: _attribute(("loop", "times"), step.loop.times),
        ),
        Kind(Fork, _fork_bodies, lambda step: _attribute(("fork", "items"), step.fork.items)),
        Kind(Race, _race_bodies),
        Kind(Attempt, _attempt_bodies, _attempt_names),
        Kind(Start),
        Kind(Saga, lambda step: [(("saga",), step.saga)]),
        Kind(Compensate, lambda step: [(("compensate",), step.compensate)]),
        Kind(Call, names=lambda step: [Reference(("call",), "routines", step.call)]),
        Kind(Child, _child_bodies, _child_names),
        Kind(Tell),
        Kind(Mark),
        Kind(CountStep),
        Kind(SetStep, names=_set_names),
        Kind(Fail),
        Kind(Cached, _cached_bodies, _cached_names),
        Kind(Forget),
        Kind(Prompt),
        Kind(Notify, names=lambda step: [Reference(("notify",), "timers", step.notify)]),
    )
}
"""Every kind, in the order of `STEP_CLASSES`."""


def complete(table: Mapping[type[StepSpec], Handler], reader: str) -> Mapping[type[StepSpec], Handler]:
    """The table of a reader of steps, which has a handler for every kind.

    Raises TypeError with the kinds that it does not know.
    """
    lacking = [spec.TAG for spec in STEP_CLASSES if spec not in table]
    if lacking:
        raise TypeError(f"{reader} does not know the steps: {', '.join(lacking)}")
    return table


def bodies(step: Step) -> Iterator[Body]:
    """The lists of steps inside a step, each with its path below the step."""
    yield from KINDS[type(step)].bodies(step)


complete(KINDS, "the registry of step kinds")


@dataclass(frozen=True, slots=True)
class Placed:
    """A step, where it stands, and the name of its stream of draws."""

    step: Step
    path: Path
    stream: str


def walk(routine: str, steps: Steps) -> Sequence[Placed]:
    """Every step of a routine, outer before inner, in order.

    A stream is named `routine/step`: by the step's own name, else by its kind and its place among the steps of
    that kind in the routine (`use-1`, `use-2`, ...), so that adding a step of another kind moves no draw.
    """
    known = _walked.get(id(steps))
    if known is None or known[0] is not steps or known[1] != routine:
        if len(_walked) >= WALKED:
            _walked.clear()
        known = _walked[id(steps)] = steps, routine, _walk(routine, steps)
    return known[2]


WALKED: Final = 1000
"""So many routines are remembered with their steps: whoever checks, lowers or compiles a network walks all of them."""
_walked: dict[int, tuple[Steps, str, Sequence[Placed]]] = {}
"""By the identity of the steps, which are frozen, and are kept here so that no others can have it."""


def _walk(routine: str, steps: Steps) -> list[Placed]:
    counts: dict[str, int] = {}
    found: list[Placed] = []

    def visit(steps: Steps, path: Path) -> None:
        for index, step in enumerate(steps):
            counts[step.TAG] = counts.get(step.TAG, 0) + 1
            label = step.name or f"{step.TAG}-{counts[step.TAG]}"
            here = (*path, index)
            found.append(Placed(step, here, f"{routine}/{label}"))
            for below, body in bodies(step):
                visit(body, (*here, *below))

    visit(steps, ("routines", routine))
    return found


def calls_of(routines: Mapping[str, Steps]) -> dict[str, set[str]]:
    """The routines that each one calls itself."""
    return {
        routine: {placed.step.call for placed in walk(routine, steps) if isinstance(placed.step, Call)}
        for routine, steps in routines.items()
    }


def runs_of(routines: Mapping[str, Steps]) -> dict[str, set[str]]:
    """The routines that each one calls itself, or lets a child execution run."""
    found = calls_of(routines)
    for stream, child in children_of(routines).items():
        found[routine_of(stream)].add(child)
    return found


def routine_of(stream: str) -> str:
    """The routine in which a step with this stream stands.

    >>> routine_of("order/child-ship")
    'order'
    """
    return stream.rsplit("/", 1)[0]


def children_of(routines: Mapping[str, Steps]) -> dict[str, str]:
    """The routine that each `child` step lets an execution run, by the stream of the step."""
    return {
        placed.stream: placed.step.child.routine
        for routine, steps in routines.items()
        for placed in walk(routine, steps)
        if isinstance(placed.step, Child)
    }


def reached(begin: Iterable[str], beyond: Mapping[str, Iterable[str]]) -> set[str]:
    """Names of `begin`, those that are told beyond them, and so on.

    >>> sorted(reached(["a"], {"a": ["b", "c"], "b": ["a"], "d": ["a"]}))
    ['a', 'b', 'c']
    """
    found: set[str] = set()
    left = [*begin]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += beyond.get(name, ())
    return found
