"""Random steps of every kind. Those that go to a place are in `visits`; where they stand is told in `routines`."""

from __future__ import annotations

from typing import Any

from .attempts import attempt_step
from .children import child_step, parting
from .idioms import activity, question, worker
from .places import Document
from .routines import Listed
from .visits import Visits

MARKS = ("asked", "answered", "paid", "shipped")
FAILURES = ("boom", "declined")
BOUNDS: tuple[Document, ...] = ({"above": 0}, {"below": 3}, {"above": 0.5, "below": 2.5}, {"above": 2})
MOST_REPEATS = 16
"""Bound on the product of rounds, children and attempts around a step, about."""


class Steps(Visits):
    """Makes steps of all kinds, which are the names of its methods."""

    def possible(self, kind: str, listed: Listed) -> bool:
        """Whether a step of this kind may stand here."""
        around = listed.around
        match kind:
            case "acquire" | "worker" | "activity":
                return bool(self.places.resources)
            case "release":
                return bool(self.releasable(listed))
            case "chain":
                return bool(self.blocking) and len(self.serving) > 1
            case "set":
                return bool(self.attributes)
            case "forget":
                return bool(self.affinities)
            case "start":
                return around.timed
            case "compensate":
                return around.saga
            case "call":
                return bool(self.routines.callable) and around.repeats * 2 <= MOST_REPEATS
            case "cached":
                return bool(self.cached_at(listed))
            case "child" | "parting":
                return bool(self.routines.kids and self.routines.families) and around.repeats * 4 <= MOST_REPEATS
            case "tell":
                return self.routines.lets_in
            case "loop" | "fork":
                return around.repeats * 2 <= MOST_REPEATS
        return True

    def worker(self, listed: Listed) -> Document:
        """Told in `idioms`."""
        return worker(self, listed)

    def activity(self, listed: Listed) -> Document:
        """Told in `idioms`."""
        return activity(self, listed)

    def question(self, listed: Listed) -> list[Document]:
        """Told in `idioms`."""
        return question(self)

    def delay(self, listed: Listed) -> Document:
        """Time passes."""
        swarm, times = self.swarm, self.times
        step: Document = {"delay": times.distribution()}
        kind = swarm.choose("delay", ("service", "network", "timer"))
        if kind != "service":
            step["kind"] = kind
        if self.attributes and swarm.allows("per"):
            step["per"] = {swarm.pick(self.attributes): times.steps(swarm.pick((0, 1, 1, 0.5)))}
        if swarm.allows("delay.floor"):
            step["floor"] = times.time()
        if swarm.allows("delay.grid"):
            step["grid"] = times.time(1)
        return step

    def mark(self, listed: Listed) -> Document:
        """A mark."""
        name = self.swarm.pick(MARKS)
        return {"mark": {"name": name, "once": True} if self.swarm.allows("mark.once") else name}

    def count(self, listed: Listed) -> Document:
        """Operations."""
        return {"count": {name: self.swarm.between(0, 3) for name in self.swarm.some(("query", "commit"), 0.7)}}

    def set(self, listed: Listed) -> Document:
        """Attributes change. None grows by another one where it is done again and again: it would never stop."""
        changes: dict[str, Any] = {}
        for name in self.swarm.some(self.attributes, 0.6):
            other = self.swarm.pick(self.attributes)
            alone = listed.around.repeats == 1 and not listed.around.free
            if self.swarm.chance(0.5):
                changes[name] = {"add": self.times.number(2, other if alone else None)}
            else:
                changes[name] = {"to": self.times.number(3, other)}
        return {"set": changes}

    def fail(self, listed: Listed) -> Document:
        """A failure; seldom one that nothing around takes up."""
        bare = listed.around.depth == 0 or not self.swarm.chance(0.3)
        step: Document = {"fail": self.swarm.pick(FAILURES)}
        if bare:
            step["probability"] = self.swarm.pick((0.02, 0.1) if listed.around.depth == 0 else (0.1, 0.3, 0.5))
        return step

    def start(self, listed: Listed) -> Document:
        """The attempt around has started."""
        return {"start": True}

    # -- steps with steps inside ------------------------------------------------------------------------------

    def branch(self, listed: Listed) -> Document:
        """Ways by chance, by attribute, and the rest."""
        swarm, left = self.swarm, 1.0
        ways: list[Document] = []
        for _ in range(swarm.between(1, 3)):
            steps: Document = {"steps": self.routines.inner(listed)}
            if self.attributes and swarm.allows("branch.attribute"):
                bounds = swarm.pick(BOUNDS)
                ways.append({"attribute": swarm.pick(self.attributes), **bounds, **steps})
            else:
                probability = swarm.pick((0.0, 0.25, 0.5, left))
                left -= min(probability, left)
                ways.append({"probability": min(probability, left) if left else 0.0, **steps})
        if swarm.chance(0.5):
            ways.append({"steps": self.routines.inner(listed)})
        return {"branch": ways}

    def loop(self, listed: Listed) -> Document:
        """The same steps again."""
        attribute = self.swarm.pick(self.attributes) if self.attributes else None
        most = self.swarm.between(1, 3)
        repeats = listed.around.repeats * 2
        return {
            "loop": {
                "times": self.times.number(most, attribute),
                "steps": self.routines.inner(listed, repeats=repeats),
            }
        }

    def fork(self, listed: Listed) -> Document:
        """Children, as many as an attribute or a draw says or one for each branch; none at all too."""
        swarm = self.swarm
        body: Document = {}
        if swarm.choose("fork", ("items", "branches")) == "items":
            attribute = swarm.pick(self.attributes) if self.attributes else None
            body["items"] = self.times.number(swarm.between(1, 3), attribute)
            body["steps"] = self.routines.inner(listed, repeats=listed.around.repeats * 2)
            size = 4
        else:
            size = swarm.between(0, 3)
            body["branches"] = [self.routines.inner(listed) for _ in range(size)]
        join = swarm.choose("join", ("all", "first", "none", "some"))
        if join in ("all", "first"):
            body["join"] = join
        else:
            body["join"] = 0 if join == "none" else swarm.between(min(1, size), size)
        if swarm.allows("fork.cancel"):
            body["cancel"] = True
        return {"fork": body}

    def race(self, listed: Listed) -> Document:
        """The first to end decides."""
        return {"race": [self.routines.inner(listed) for _ in range(self.swarm.between(1, 3))]}

    def attempt(self, listed: Listed) -> Document:
        """Told in `attempts`."""
        return attempt_step(self.routines, self.swarm, self.times, listed)

    def saga(self, listed: Listed) -> Document:
        """Steps that are undone when one fails."""
        steps = self.routines.inner(listed, saga=True)
        if self.swarm.chance(0.5):
            steps.append(self.fail(listed))
        return {"saga": steps}

    def compensate(self, listed: Listed) -> Document:
        """What undoes the steps before."""
        return {"compensate": self.routines.inner(listed)}

    def call(self, listed: Listed) -> Document:
        """Another routine's steps."""
        listed.calls = True
        return {"call": self.swarm.pick(self.routines.callable)}

    def child(self, listed: Listed) -> Document:
        """Told in `children`."""
        return child_step(self, listed)

    def parting(self, listed: Listed) -> Document:
        """Told in `children`."""
        return parting(self, listed)

    def tell(self, listed: Listed) -> Document:
        """The parent hears, where there is one."""
        return {"tell": "parent"}
