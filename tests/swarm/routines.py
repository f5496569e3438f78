"""Random routines: the order of steps, what is held where, how deep they nest. The steps themselves are in `steps`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from .dice import Swarm
from .places import Document, Places
from .times import Times

DEEPEST = 4
LEAVES = {
    "use": 8.0,
    "delay": 3.0,
    "acquire": 3.0,
    "release": 1.5,
    "chain": 1.0,
    "mark": 2.0,
    "count": 0.5,
    "set": 1.0,
    "fail": 0.5,
    "forget": 0.7,
    "start": 1.0,
    "tell": 1.0,
}
NESTS = {
    "branch": 1.0,
    "loop": 1.0,
    "fork": 2.5,
    "race": 1.0,
    "attempt": 3.0,
    "saga": 2.0,
    "compensate": 3.0,
    "call": 1.0,
    "cached": 6.0,
    "worker": 3.0,
    "activity": 2.0,
    "question": 2.0,
    "child": 5.0,
    "parting": 3.0,
}
MOST_FAMILIES = 3
"""Child steps in a routine."""


@dataclass(frozen=True)
class Around:
    """What is around a list of steps.

    held: resources of which a unit is held, as the network's check follows them. order: index of the highest resource
    that may be held; who asks for a lower one brings patience, lest all networks end in a deadlock. repeats: how often
    the list may be run in one execution, about. free: in a routine that others call, where nothing is checked.
    """

    depth: int = 0
    held: tuple[str, ...] = ()
    order: int = -1
    repeats: int = 1
    saga: bool = False
    timed: bool = False
    free: bool = False


@dataclass
class Listed:
    """A list of steps as it grows. maybe: resources that it, or a list inside, has acquired at some time; a
    call may acquire any."""

    around: Around
    steps: list[Document] = field(default_factory=list)
    maybe: set[str] = field(default_factory=set)
    calls: bool = False

    def holds(self, resource: str, order: int) -> None:
        """From here on a unit is held."""
        around = self.around
        self.maybe.add(resource)
        self.around = replace(around, held=(*around.held, resource), order=max(around.order, order))

    def lets_go(self, resource: str) -> None:
        """It is given back."""
        held = list(self.around.held)
        held.remove(resource)
        self.around = replace(self.around, held=tuple(held))

    def learns_of(self, inner: Listed) -> None:
        """A list inside this one may have left things held."""
        self.maybe |= inner.maybe
        self.calls |= inner.calls
        self.around = replace(self.around, order=max(self.around.order, inner.around.order))


class Routines:
    """All routines of a network. Those named `sub` are called by others, those named `kid` are run by children; what
    nobody calls or lets in is left out. Each one may call, or let in, those before it.

    lets_in: there are child executions. families: child steps that the routine at hand may still have.
    """

    def __init__(self, swarm: Swarm, times: Times, places: Places, attributes: list[str]) -> None:
        from .children import farewell, kid
        from .idioms import crossing
        from .steps import Steps  # they make each other: a step holds lists, a list steps

        self.swarm = swarm
        self.attributes = attributes
        self.callable: list[str] = []
        self.kids: list[str] = []
        self.families = 0
        self.lets_in = swarm.aside("children").chance(0.3)
        self.deadlocks = swarm.likely("deadlocks")
        self.make = Steps(self, swarm, times, places)
        written: dict[str, list[Document]] = {}

        def write_kid() -> None:
            name = f"kid{len(self.kids)}"
            written[name] = kid(self.make)
            self.kids.append(name)
            self.make.affinities.clear()

        if self.lets_in:
            write_kid()
        for index in range(2 if swarm.weight("call") else 0):
            written[f"sub{index}"] = self._routine(Around(free=True, saga=True, timed=True))
            self.callable.append(f"sub{index}")
            self.make.affinities.clear()  # what nobody calls is left out, and nobody may forget what it remembers
        if self.lets_in:
            write_kid()
        for index in range(swarm.pick((1, 1, 2))):
            written[f"job{index}"] = [*self._routine(Around()), *crossing(self.make), *farewell(self.make)]
        reached = [name for name in written if name.startswith("job")]
        for name in reached:
            reached += [other for other in called(written[name]) if other not in reached]
        self.written = {name: steps for name, steps in written.items() if name in reached}
        self.questions = self.make.questions

    def _routine(self, around: Around) -> list[Document]:
        self.left, self.families = self.swarm.pick((6, 12, 20, 35)), MOST_FAMILIES
        return self.listed(around, "child" if self.kids and self.swarm.chance(0.5) else None).steps

    def inner(self, outer: Listed, first: str | None = None, **changes: Any) -> list[Document]:
        """A list of steps inside one of `outer`'s steps; `first`: kind of the first step, where it is possible."""
        around = replace(outer.around, depth=outer.around.depth + 1, **changes)
        inner = self.listed(around, first)
        outer.learns_of(inner)
        return inner.steps

    def listed(self, around: Around, first: str | None = None) -> Listed:
        """A list of steps."""
        swarm = self.swarm
        listed = Listed(around)
        if around.depth and swarm.allows("empty lists") and swarm.chance(0.3):
            return listed
        for _ in range(swarm.between(1 if around.depth else 3, 3 if around.depth else 7)):
            if self.left <= 0 and listed.steps:
                break
            self.left -= 1
            kind = self._kind(listed)
            if first is not None and not listed.steps and self.make.possible(first, listed):
                kind = first
            made = getattr(self.make, kind)(listed)
            listed.steps += made if isinstance(made, list) else self.make.prompted(made)
        for resource in reversed(listed.around.held[len(around.held) :]):
            if around.repeats > 1 or swarm.chance(0.6):
                listed.steps.append({"release": resource})
                listed.lets_go(resource)
        return listed

    def _kind(self, listed: Listed) -> str:
        nests = listed.around.depth < DEEPEST and self.left > 2
        weights = {}
        for kind, base in {**LEAVES, **(NESTS if nests else {})}.items():
            if self.make.possible(kind, listed):
                weight = self.swarm.weight(kind) or (0.2 if kind in ("use", "delay") else 0.0)
                weights[kind] = base * weight * (2 if kind in NESTS and listed.around.depth == 0 else 1)
        return self.swarm.weighted(weights)


def called(steps: list[Document]) -> Iterator[str]:
    """Routines that these steps call or let child executions run, however deep inside."""
    for below in within(steps):
        if "call" in below:
            yield below["call"]
        elif "child" in below:
            body = below["child"]
            yield body if isinstance(body, str) else body["routine"]


def within(document: Any) -> Iterator[Document]:
    """Every mapping in a document, outer before inner."""
    if isinstance(document, dict):
        yield document
    for value in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from within(value)
