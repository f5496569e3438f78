"""Random steps that go to a place: acquire, release, use, cached and their kin. Other steps: `steps`."""

from __future__ import annotations

from .dice import Swarm
from .places import Document, Places
from .routines import Listed, Routines
from .times import Times


class Visits:
    """Makes these steps: a method for each kind, which gets the list that the step will stand in."""

    def __init__(self, routines: Routines, swarm: Swarm, times: Times, places: Places) -> None:
        self.routines = routines
        self.swarm = swarm
        self.times = times
        self.places = places
        self.attributes = routines.attributes
        self.affinities: set[str] = set()
        self.questions: list[int] = []
        self.blocking = [name for name, s in places.stations.items() if s.get("when_full") == "block"]
        self.serving = [name for name, s in places.stations.items() if s.get("kind", "server") == "server"]

    def _held(self, listed: Listed) -> list[str]:
        """Resources that steps may speak of as held."""
        return list(self.places.resources) if listed.around.free else sorted(set(listed.around.held))

    def beside(self, listed: Listed, held: list[str]) -> list[tuple[str, str]]:
        """Stations that can be visited on the node of a held resource, with that resource."""
        group_of, visitable = self.places.group_of, ("server", "polled", "group_commit")
        return [
            (name, resource)
            for name, station in self.places.stations.items()
            if name not in self.blocking and station.get("kind", "server") in visitable
            for resource in held
            if group_of(resource) == group_of(name)
        ]

    def demand(self, station: str) -> Document:
        """Patience, priority, place and work of a visit."""
        swarm, times, spec = self.swarm, self.times, self.places.stations[station]
        kind = spec.get("kind", "server")
        visit: Document = {"station": station}
        if kind in ("server", "delay"):
            if "service" not in spec or swarm.allows("demand"):
                visit["demand"] = times.distribution()
            if self.attributes and swarm.allows("per"):
                visit["per"] = {swarm.pick(self.attributes): times.steps(swarm.pick((0, 1, 1, 0.5)))}
        if kind != "delay" and swarm.allows("patience"):
            visit["patience"] = times.distribution(longer=swarm.pick((1, 1, 4)))
        if kind == "server" and swarm.likely("step priority"):
            visit["priority"] = swarm.between(0, 3)
        return visit

    def use(self, listed: Listed) -> Document:
        """A visit."""
        station, at = self.swarm.pick(sorted(self.places.stations)), None
        beside = self.beside(listed, self._held(listed))
        if beside and self.swarm.likely("at"):
            station, at = self.swarm.pick(beside)
        visit = self.demand(station)
        if at is not None:
            visit["at"] = at
        return {"use": visit if len(visit) > 1 else station}

    def prompted(self, made: Document) -> list[Document]:
        """A visit with a prompt before it, where it is one to a polled queue and prompts are switched on."""
        visit = made.get("use")
        station = visit["station"] if isinstance(visit, dict) else visit
        polled = visit is not None and self.places.stations[station].get("kind") == "polled"
        return [{"prompt": station}, made] if polled and self.swarm.weight("prompt") else [made]

    def chain(self, listed: Listed) -> list[Document]:
        """Visits one after the other at stations that keep who finds the next one full."""
        swarm = self.swarm
        stations = [swarm.pick(self.serving), *swarm.some(self.blocking, 0.8)]
        if not self.routines.deadlocks:
            stations = sorted(set(stations))
        return [{"use": self.demand(station)} for station in stations]

    def acquire(self, listed: Listed) -> Document:
        """Units of a resource."""
        swarm, times, around = self.swarm, self.times, listed.around
        names = list(self.places.resources)
        name = swarm.pick(names)
        order = names.index(name)
        body: Document = {"resource": name}
        most = self.places.resources[name]["units"]
        if most > 1 and swarm.allows("several units"):
            body["units"] = swarm.between(1, most)
        group_of = self.places.group_of
        at = [resource for resource in self._held(listed) if group_of(resource) == group_of(name)]
        if at and swarm.allows("at"):
            body["at"] = swarm.pick(at)
        elif swarm.allows("affinity"):
            body["affinity"] = f"home_{self.places.group_of(name)}"
            self.affinities.add(body["affinity"])
            if swarm.allows("lease"):
                body["lease"] = times.time()
        risky = not self.routines.deadlocks and (order <= around.order or around.repeats > 1 or around.free)
        if swarm.allows("patience") and not (self.routines.deadlocks and swarm.chance(0.7)):
            body["patience"] = times.distribution(longer=swarm.pick((1, 1, 4, 10)))
        elif risky:
            body["patience"] = times.steps(swarm.pick((10, 20, 50)))
        if "patience" in body and around.depth < 4 and swarm.allows("otherwise"):
            body["otherwise"] = self.routines.inner(listed)
        if swarm.likely("step priority"):
            body["priority"] = swarm.between(0, 3)
        listed.holds(name, order)
        return {"acquire": body if len(body) > 1 else name}

    def releasable(self, listed: Listed) -> list[str]:
        around = listed.around
        if around.free or listed.calls:
            return sorted(self.places.resources)
        return [*around.held, *sorted(listed.maybe)]

    def release(self, listed: Listed) -> Document:
        """Mostly of what was acquired last; sometimes of what may not be held at all, or is held by another job."""
        held = listed.around.held
        name = held[-1] if held and self.swarm.chance(0.7) else self.swarm.pick(self.releasable(listed))
        if name in held:
            listed.lets_go(name)
        return {"release": name}

    def cached_at(self, listed: Listed) -> list[tuple[str, str]]:
        places = self.places
        return [
            (cache, resource)
            for cache, spec in places.caches.items()
            for resource in self._held(listed)
            if places.group_of(resource) == spec["nodes"]
        ]

    def cached(self, listed: Listed) -> Document:
        """A look into a cache."""
        cache, at = self.swarm.pick(self.cached_at(listed))
        body: Document = {"cache": cache, "at": at}
        for way in self.swarm.some(("hit", "miss"), 0.7):
            body[way] = self.routines.inner(listed)
        return {"cached": body}

    def forget(self, listed: Listed) -> Document:
        """A remembered node is forgotten."""
        return {"forget": self.swarm.pick(sorted(self.affinities))}
