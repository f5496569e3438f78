"""The steps of a workflow as those of a child: the same, with a shard and a state of its own.

An engine's execution is a parent with all its children, each a job of its own in it. What stands in the execution has
to be parted: its key, which picks its shard; its attributes and the pods that remember it. A child draws a key of its
own and, in each place that is found by the key of the execution, holds a unit of a resource on the node that the key
gives, its *home* there: whatever it does in that place is done at home. Nodes that may crash take what is held there
with them; there the node is chosen anew for each visit.

A child that runs once at a time has copies of all attributes and remembered pods. Of many at the same time, nothing is
remembered: an attribute is what it is at first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from sim.lower.parts import Parts
from sim.lower.setting import inner
from sim.lower.steps import (
    Acquire,
    Attempt,
    Branch,
    DelayStep,
    Fork,
    FromAttribute,
    Option,
    Step,
    Steps,
    acquire,
    call,
    forget,
    release,
    set_drawn,
    set_to,
)
from sim.lower.stores.base import OWNER
from sim.network.distributions import UniformCount
from sim.network.kinds import bodies
from sim.network.places import NodeGroup, Polled, Resource
from sim.network.routines import Cached, Call, CountStep, Forget, Release, SetStep, StepSpec, Use

KEY = "child-key"
"""Attribute: the key of the child at hand; read at the instant at which it is set."""
MANY = 2**30
_OF_A_CHILD = inner("where a child workflow belongs")
TRANSITION = "transition"
"""Operation: a state transition; those of children bear the name of the child's workflow besides."""


class AsChild:
    """Turns steps into those of a child.

    scope: name of the copies that are made of routines and attributes. alone: the child runs once at a time in its
    execution. kept: attributes that are no state of a workflow. copies: of each routine,
    the child's own.
    """

    def __init__(self, parts: Parts, workflow: str, scope: str, alone: bool, kept: frozenset[str]) -> None:
        self.parts = parts
        self.operation = f"{TRANSITION}_of_{workflow}"
        self.scope = scope
        self.alone = alone
        self.kept = kept | {KEY}
        self.copies: dict[str, str] = {}
        self.state: dict[str, None] = {}
        self.affinities: dict[str, None] = {}
        self.homes: dict[str, str] = {}
        parts.attributes.setdefault(KEY, 0)
        self.key = f"{KEY}-of-{scope}"
        if alone:
            parts.attributes[self.key] = 0

    # -- around the steps ---------------------------------------------------------------------------------------

    def arrive(self, *bodies: Steps) -> tuple[Steps, list[Steps]]:
        """What a child begins with, and what its steps become: its key, its homes, an empty state."""
        for steps in bodies:
            for place in self._places(steps, set()):
                if self._stays(place) and place not in self.homes:
                    self.homes[place] = self._home(place)
        done = [self.steps(steps) for steps in bodies]
        drawn = UniformCount(between=(0, MANY - 1))
        key: Steps = (set_drawn(KEY, drawn),)
        if self.alone:
            key = (set_drawn(self.key, drawn), set_drawn(KEY, FromAttribute(attribute=self.key)))
        fresh = (*map(forget, self.affinities), *(set_to(name, 0) for name in self.state))
        return (*fresh, *key, *map(acquire, self.homes.values())), done

    def leave(self) -> Steps:
        """What gives the homes back."""
        return tuple(map(release, reversed(self.homes.values())))

    # -- steps --------------------------------------------------------------------------------------------------

    def steps(self, steps: Steps) -> Steps:
        """The steps as those of the child."""
        return tuple(new for step in steps for new in self._step(step))

    def _step(self, step: Step) -> Iterator[Step]:
        match step:
            case Acquire():
                yield from self._acquire(step)
            case Release():
                yield release(self._deeper(step.release)) if step.release in self.parts.homes else step
            case Use():
                yield from self._use(step)
            case DelayStep():
                yield step.model_copy(update={"per": self._per(step.per)}) if step.per else step
            case SetStep():
                yield from self._set(step)
            case Branch():
                yield from self._branch(step)
            case Cached() if not self.alone:
                yield from self.steps(step.cached.hit)
            case Forget():
                if self.alone:
                    yield forget(self._affinity(step.forget))
            case Call():
                yield call(self._copy(step.call))
            case CountStep():
                yield self._counted(step)
            case Fork():
                yield self._fork(step)
            case Attempt():
                yield self._attempt(step)
            case _:
                yield self._inside(step)

    def _acquire(self, step: Acquire) -> Iterator[Step]:
        body = step.acquire
        changes: dict[str, Any] = {}
        if body.otherwise is not None:
            changes["otherwise"] = self.steps(body.otherwise)
        if body.affinity is not None:
            changes |= (
                {"affinity": self._affinity(body.affinity)} if self.alone else {"affinity": None, "lease_ns": None}
            )
        if body.at in self.parts.homes:
            changes["at"] = self._deeper(body.at)
        if body.resource in self.parts.homes:
            changes["resource"] = self._deeper(body.resource)
        goes_by_key = body.at is None and self._by_execution(body.resource)
        if goes_by_key:
            changes["at"] = self.homes.get(body.resource, f"{body.resource}-chosen")
        there = step.model_copy(update={"acquire": body.model_copy(update=changes)})
        yield from self._visit(body.resource, there) if goes_by_key else (there,)

    def _use(self, step: Use) -> Iterator[Step]:
        body = step.use
        changes: dict[str, Any] = {"per": self._per(body.per)} if body.per else {}
        if body.at in self.parts.homes:
            changes["at"] = self._deeper(body.at)
        goes_by_key = body.at is None and self._by_execution(body.station)
        if goes_by_key:
            changes["at"] = self.homes.get(body.station, f"{body.station}-chosen")
        there = step.model_copy(update={"use": body.model_copy(update=changes)}) if changes else step
        yield from self._visit(body.station, there) if goes_by_key else (there,)

    def _visit(self, place: str, there: Step) -> Steps:
        """A step at the node of the child's key: at home, or where its key leads at this moment."""
        if place in self.homes:
            return (there,)
        chosen = f"{place}-chosen"
        spec = self._spec(place)
        resource = Resource(
            nodes=self._named_nodes(place),
            units=MANY,
            keyed=spec.keyed.model_copy(update={"by": KEY}),
            when_down=getattr(spec, "when_down", "wait"),
        )
        self.parts.add_resource(chosen, resource, _OF_A_CHILD)
        key = FromAttribute(attribute=self.key) if self.alone else UniformCount(between=(0, MANY - 1))
        return (set_drawn(KEY, key), acquire(chosen), there, release(chosen))

    def _set(self, step: SetStep) -> Iterator[Step]:
        changes = {}
        for name, change in step.set.items():
            if self._is_state(name):
                if not self.alone:
                    continue
                name = self._own(name)
            value = change.to
            if isinstance(value, FromAttribute) and self._is_state(value.attribute):
                assert self.alone, "of many children, none has a state to be read"
                change = change.model_copy(update={"to": FromAttribute(attribute=self._own(value.attribute))})
            changes[name] = change
        if changes:
            yield step.model_copy(update={"set": changes})

    def _branch(self, step: Branch) -> Iterator[Step]:
        ways: list[Option] = []
        for option in step.branch:
            name = option.attribute
            if name is None or not self._is_state(name):
                ways.append(option.model_copy(update={"steps": self.steps(option.steps)}))
            elif self.alone:
                ways.append(
                    option.model_copy(update={"attribute": self._own(name), "steps": self.steps(option.steps)})
                )
            elif (option.above is None or option.above < 0) and (option.below is None or option.below > 0):
                ways.append(Option(steps=self.steps(option.steps)))
                break
        if not ways:
            return
        if ways[0].attribute is None and ways[0].probability is None:
            yield from ways[0].steps
        else:
            yield step.model_copy(update={"branch": tuple(ways)})

    def _fork(self, step: Fork) -> Step:
        """Children of the fork may outlive the child workflow: each holds its homes itself."""
        body = step.fork
        changes: dict[str, Any] = {}
        if body.steps is not None:
            changes["steps"] = self._at_home(body.steps)
        if body.branches is not None:
            changes["branches"] = tuple(self._at_home(steps) for steps in body.branches)
        return step.model_copy(update={"fork": body.model_copy(update=changes)})

    def _attempt(self, step: Attempt) -> Step:
        """So may what an attempt with timeouts leaves behind."""
        body = step.attempt
        is_timed = any((body.start_to_close_ns, body.schedule_to_start_ns, body.schedule_to_close_ns, body.heartbeat))
        changes: dict[str, Any] = {"steps": self._at_home(body.steps) if is_timed else self.steps(body.steps)}
        if body.on_failure is not None:
            changes["on_failure"] = self.steps(body.on_failure)
        return step.model_copy(update={"attempt": body.model_copy(update=changes)})

    def _at_home(self, steps: Steps) -> Steps:
        used = self._places(steps, set())
        held = tuple(acquire(home, at=home) for place, home in self.homes.items() if place in used)
        return (*held, *self.steps(steps))

    def _inside(self, value: Any) -> Any:
        """The same with what is inside turned."""
        if isinstance(value, tuple):
            if value and all(isinstance(item, StepSpec) for item in value):
                return self.steps(value)
            return tuple(map(self._inside, value))
        if not isinstance(value, BaseModel):
            return value
        changes = {}
        for field in type(value).model_fields:
            old = getattr(value, field)
            new = self._inside(old)
            if new is not old:
                changes[field] = new
        return value.model_copy(update=changes) if changes else value

    def _counted(self, step: CountStep) -> Step:
        counted = step.count
        if not counted.get(TRANSITION) or any(name.startswith(f"{TRANSITION}_of_") for name in counted):
            return step  # or one of a child's own child
        return step.model_copy(update={"count": {**counted, self.operation: counted[TRANSITION]}})

    def _copy(self, routine: str) -> str:
        """The copy of a routine; one that is not there yet belongs to nobody's state."""
        if routine not in self.parts.routines:
            return routine
        if routine not in self.copies:
            steps = self.steps(self.parts.routines[routine])
            self.copies[routine] = self.parts.add_routine(f"{routine}-{self.scope}", steps)
        return self.copies[routine]

    # -- names --------------------------------------------------------------------------------------------------

    def _is_state(self, attribute: str) -> bool:
        return attribute not in self.kept

    def _own(self, attribute: str) -> str:
        own = f"{attribute}-of-{self.scope}"
        self.parts.attributes[own] = 0
        self.state[own] = None
        return own

    def _affinity(self, name: str) -> str:
        own = f"{name}-of-{self.scope}"
        self.affinities[own] = None
        return own

    def _per(self, per: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for name, further in per.items():
            if not self._is_state(name):
                found[name] = further
            elif self.alone:
                found[self._own(name)] = further
        return found

    # -- places -------------------------------------------------------------------------------------------------

    def _spec(self, place: str) -> Any:
        return self.parts.resources.get(place) or self.parts.stations[place]

    def _by_execution(self, place: str) -> bool:
        keyed = getattr(self._spec(place), "keyed", None)
        return keyed is not None and keyed.by == "execution"

    def _stays(self, place: str) -> bool:
        """Whether a unit may be held there all the time: nodes of this place never crash."""
        return self._by_execution(place) and place != OWNER and isinstance(self._spec(place), Resource | Polled)

    def _places(self, steps: Steps, seen: set[str]) -> dict[str, None]:
        """The places that the steps go to without being told where, in the order of mention."""
        found: dict[str, None] = {}
        for step in steps:
            if isinstance(step, Acquire) and step.acquire.at is None and self._by_execution(step.acquire.resource):
                found[step.acquire.resource] = None
            elif isinstance(step, Use) and step.use.at is None and self._by_execution(step.use.station):
                found[step.use.station] = None
            elif isinstance(step, Call) and step.call not in seen:
                seen.add(step.call)
                found |= self._places(self.parts.routines.get(step.call, ()), seen)
            for _, body in bodies(step):
                found |= self._places(body, seen)
        return found

    def _home(self, place: str) -> str:
        home = f"{place}-home"
        keyed = self._spec(place).keyed.model_copy(update={"by": KEY})
        resource = Resource(nodes=self._named_nodes(place), units=MANY, keyed=keyed)
        self.parts.add_resource(home, resource, _OF_A_CHILD)
        self.parts.homes.add(home)
        return home

    def _deeper(self, home: str) -> str:
        """The home of a child of the child."""
        deeper = f"{home}-within"
        self.parts.add_resource(deeper, self.parts.resources[home], _OF_A_CHILD)
        self.parts.homes.add(deeper)
        return deeper

    def _named_nodes(self, place: str) -> str:
        """The node group of a place, which is given a name where it has none."""
        spec = self._spec(place)
        if isinstance(spec.nodes, str):
            return str(spec.nodes)
        group = f"{place}-nodes"
        self.parts.nodes[group] = NodeGroup(count=spec.nodes)
        self.parts.not_pods.add(group)
        self.parts.change_place(place, nodes=group)
        return group
