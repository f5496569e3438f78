"""Who waits for whom: which places work asks for while it holds units of another, and which places it visits at all.

The relation follows from the routines alone. Whether a place is full is measured; the full place that keeps others
full is the innermost one along this relation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.network.kinds import bodies, complete, reached
from sim.network.network import Network
from sim.network.places import Server
from sim.network.routines import (
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

Held = frozenset[str]


@dataclass(frozen=True, slots=True)
class Holding:
    """inner: by resource, the places that its holders ask for while they hold it. visited: by routine, the places
    that it asks for, in routines that it calls too."""

    inner: Mapping[str, frozenset[str]]
    visited: Mapping[str, frozenset[str]]

    def behind(self, place: str) -> frozenset[str]:
        """The places whose holders may wait for this one, directly or through others; itself not."""
        found: set[str] = set()
        fresh = {place}
        while fresh:
            fresh = {name for name, inside in self.inner.items() if inside & fresh} - found
            found |= fresh
        return frozenset(found - {place})

    def within(self, place: str) -> frozenset[str]:
        """The places that its holders may wait for, directly or through others; itself not."""
        return frozenset(reached([place], self.inner) - {place})


def holding(network: Network) -> Holding:
    """Walks every routine from its start with what is held there.

    Where ways part, all that any of them still holds counts as held after it. Children hold what the parent holds that
    awaits them; of those that nobody awaits the parent's units do not depend.
    """
    walker = _Walker(network)
    for routine in network.routines:
        walker.routine(routine, frozenset())
    visited: dict[str, frozenset[str]] = {}
    for routine in network.routines:
        visited[routine] = frozenset().union(*(walker.requested[name] for name in reached([routine], walker.calls)))
    return Holding({name: frozenset(inside) for name, inside in walker.inner.items()}, visited)


@dataclass(slots=True)
class _Walker:
    network: Network
    inner: dict[str, set[str]] = field(default_factory=dict)
    requested: dict[str, set[str]] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=dict)
    known: dict[tuple[str, Held], Held] = field(default_factory=dict)

    def routine(self, name: str, held: Held) -> Held:
        """What is held after a routine that is begun with so much held."""
        if (name, held) not in self.known:
            self.known[name, held] = held  # what calls itself adds nothing that the first pass does not see
            self.requested.setdefault(name, set())
            self.known[name, held] = self.steps(name, self.network.routines[name], held)
        return self.known[name, held]

    def steps(self, routine: str, steps: Steps, held: Held) -> Held:
        """What is held after these steps."""
        for step in steps:
            held = self.step(routine, step, held)
        return held

    def step(self, routine: str, step: Step, held: Held) -> Held:
        """What is held after one step; what it asks for is written down."""
        return _HELD_AFTER[type(step)](self, routine, step, held)

    def acquire(self, routine: str, step: Acquire, held: Held) -> Held:
        """What is held, and what was acquired or the way round left."""
        self._asks(routine, step.acquire.resource, held)
        return held.union({step.acquire.resource}, self.inside(routine, step, held))

    def release(self, routine: str, step: Release, held: Held) -> Held:
        """What is held, without what was released."""
        return held - {step.release}

    def use(self, routine: str, step: Use, held: Held) -> Held:
        """What is held, with the server of this visit where it is kept instead of that of the last."""
        self._asks(routine, step.use.station, held)
        return held - self._servers(held) | self._kept(step.use.station)

    def call(self, routine: str, step: Call, held: Held) -> Held:
        """What the called routine leaves."""
        self.calls.setdefault(routine, set()).add(step.call)
        return self.routine(step.call, held)

    def child(self, routine: str, step: Child, held: Held) -> Held:
        """What is held: who waits for a child execution does not give it back before its end."""
        awaited = held if step.child.wait else frozenset[str]()
        self.calls.setdefault(routine, set()).add(step.child.routine)
        self.routine(step.child.routine, awaited)
        self.steps(routine, step.child.told, awaited)
        self.steps(routine, step.child.after, awaited)
        return held

    def fork(self, routine: str, step: Fork, held: Held) -> Held:
        """What is held: children give back what they acquired."""
        for _, body in bodies(step):
            self.steps(routine, body, held if step.fork.join else frozenset())
        return held

    def same(self, routine: str, step: Step, held: Held) -> Held:
        """What was held before."""
        return held

    def inside(self, routine: str, step: Step, held: Held) -> Held:
        """What is held, and all that any list inside leaves."""
        return held.union(*(self.steps(routine, body, held) for _, body in bodies(step)))

    def _asks(self, routine: str, place: str, held: Held) -> None:
        self.requested.setdefault(routine, set()).add(place)
        for one in held - {place}:
            self.inner.setdefault(one, set()).add(place)

    def _servers(self, held: Held) -> Held:
        return frozenset(name for name in held if name in self.network.stations)

    def _kept(self, station: str) -> Held:
        """A server that is kept, once it is done, until the next place has room."""
        blocking = any(isinstance(one, Server) and one.when_full == "block" for one in self.network.stations.values())
        return frozenset({station}) if blocking and isinstance(self.network.stations[station], Server) else frozenset()


_HELD_AFTER: Mapping[type[StepSpec], Callable[[_Walker, str, Any, Held], Held]] = complete(
    {
        Acquire: _Walker.acquire,
        Release: _Walker.release,
        Use: _Walker.use,
        Call: _Walker.call,
        Child: _Walker.child,
        Fork: _Walker.fork,
        **dict.fromkeys((Branch, Loop, Race, Attempt, Saga, Compensate, Cached), _Walker.inside),
        **dict.fromkeys(
            (DelayStep, Start, Mark, CountStep, SetStep, Fail, Forget, Prompt, Notify, Tell), _Walker.same
        ),
    },
    "what is held where",
)
