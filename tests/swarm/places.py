"""Random places: node groups, resources, stations of every kind, caches. What goes on in them is not told here."""

from __future__ import annotations

from typing import Any

from .dice import Swarm
from .times import Times

Document = dict[str, Any]
STATIONS = ("server", "delay", "group_commit", "polled", "token_bucket")
CHOICES = ("round_robin", "random", "least_loaded", "power_of_two")


class Places:
    """Places of one network as its file has them.

    attributes: names of the attributes that a key may be taken from.
    """

    def __init__(self, swarm: Swarm, times: Times, attributes: list[str]) -> None:
        self.swarm = swarm
        self.times = times
        self.attributes = attributes
        self.nodes: Document = {
            f"group{i}": {"count": swarm.pick((1, 1, 2, 3, 4))} for i in range(swarm.pick((0, 1, 1, 2, 3)))
        }
        self.resources: Document = {f"pool{i}": self._resource() for i in range(swarm.pick((0, 1, 2, 2, 3, 4)))}
        self.stations: Document = {f"station{i}": self._station() for i in range(swarm.between(2, 5))}
        self.caches: Document = {}
        groups = {place["nodes"] for place in self.resources.values() if isinstance(place.get("nodes"), str)}
        for group in sorted(groups):
            if swarm.likely("cache"):
                self.caches[f"cache_{group}"] = {"nodes": group, "capacity": swarm.pick((1, 2, 5, 50))}

    def group_of(self, place: str) -> str:
        """The node group that a resource or station stands on; its own name where it has nodes of its own."""
        nodes = (self.resources.get(place) or self.stations[place]).get("nodes", 1)
        return nodes if isinstance(nodes, str) else place

    def groups(self) -> dict[str, int]:
        """Every group of nodes with its size."""
        sizes = {name: group["count"] for name, group in self.nodes.items()}
        for name, place in {**self.resources, **self.stations}.items():
            if place.get("kind", "server") in ("server", "polled", "group_commit") and self.group_of(name) == name:
                sizes[name] = place.get("nodes", 1)
        return sizes

    def _standing(self, most: int = 3) -> Document:
        """A group or a number of nodes."""
        if self.nodes and self.swarm.likely("shared group"):
            return {"nodes": self.swarm.pick(sorted(self.nodes))}
        if self.swarm.likely("several nodes"):
            return {"nodes": self.swarm.between(2, most)}
        return {}

    def _keyed(self) -> Document:
        by = "execution"
        if self.attributes and self.swarm.allows("keyed.attribute"):
            by = self.swarm.pick(self.attributes)
        skew = {"skew": self.swarm.pick((0.5, 1.0, 2.0))} if self.swarm.allows("keyed.skew") else {}
        return {"keyed": {"by": by, **skew}}

    def _place(self, one_line: bool = False) -> Document:
        """What resources and servers share. one_line: neither a key nor lines of nodes."""
        swarm = self.swarm
        place: Document = {}
        queue = swarm.choose("queue", ("fifo", "lifo", "priority"), {"priority": 2.0})
        if queue != "fifo":
            place["queue"] = queue
        if queue == "priority" and swarm.weight("preemptive"):
            place["preemptive"] = True
        if swarm.allows("queue_limit"):
            place["queue_limit"] = swarm.pick((0, 1, 2, 5, 20))
        choice = swarm.choose("choice", CHOICES)
        if choice != "round_robin":
            place["choice"] = choice
        if swarm.likely("when_down.refuse"):
            place["when_down"] = "refuse"
        which = "any" if one_line else swarm.choose("which", ("any", "keyed", "node"))
        if which == "keyed":
            place |= self._keyed()
        elif which == "node":
            place["wait_at"] = "node"
        return place

    def _resource(self) -> Document:
        swarm = self.swarm
        place = {"units": swarm.pick((1, 1, 1, 2, 3, 8)), **self._standing(), **self._place()}
        if swarm.allows("opening"):
            place["open"] = swarm.between(0, place["units"])
            place["opening"] = self.times.distribution()
        return place

    def _station(self) -> Document:
        swarm, times = self.swarm, self.times
        match swarm.choose("station", STATIONS, {"server": 3.5}):
            case "server":
                return self._server()
            case "delay":
                return {"kind": "delay", "service": times.distribution()}
            case "group_commit":
                station: Document = {"kind": "group_commit", "flush": times.distribution()}
                if swarm.allows("batch_limit"):
                    station["batch_limit"] = swarm.pick((1, 2, 5))
                if self.nodes and swarm.likely("shared group"):
                    station["nodes"] = swarm.pick(sorted(self.nodes))
                if swarm.likely("when_down.refuse"):
                    station["when_down"] = "refuse"
                return station
            case "polled":
                return self._polled()
        bucket: Document = {
            "kind": "token_bucket",
            "rate": f"{1e9 / (times.few(1) * times.grid_ns):.17g}/s",
            "burst": swarm.pick((1, 1, 2, 10)),
        }
        if swarm.allows("token_bucket.reject"):
            bucket["when_empty"] = "reject"
        elif swarm.allows("queue_limit"):
            bucket["queue_limit"] = swarm.pick((0, 1, 5, 20))
        return bucket

    def _polled(self) -> Document:
        swarm, times = self.swarm, self.times
        station: Document = {
            "kind": "polled",
            "interval": times.time(1),
            "batch": swarm.pick((1, 2, 5, 100)),
            **self._standing(),
        }
        if swarm.likely("polled.read"):
            station["read"] = times.distribution()
        if swarm.allows("polled.timer"):
            station["trigger"] = "timer"
        if swarm.weight("polled.burst") and station.get("trigger") != "timer":
            station["burst"] = swarm.aside("burst of reads").pick((2, 3, 20))
        if swarm.weight("polled.follow_up") and station.get("trigger") != "timer":
            station["follow_up"] = True
        nodes = station.get("nodes", 1)
        if (self.nodes[nodes]["count"] if isinstance(nodes, str) else nodes) > 1:
            station |= self._keyed()
        return station

    def _server(self) -> Document:
        swarm, times = self.swarm, self.times
        station: Document = {"service": times.distribution()} if swarm.chance(0.7) else {}
        if swarm.allows("setup"):
            station |= {"servers": swarm.between(1, 4), "setup": times.distribution(), **self._place()}
            station.pop("preemptive", None)
            alone = [name for name, group in sorted(self.nodes.items()) if group["count"] == 1]
            if alone and swarm.allows("shared group"):
                station["nodes"] = swarm.pick(alone)
            return station
        blocks = swarm.allows("block")
        station |= {**self._standing(), **self._place(one_line=blocks)}
        if blocks:
            station |= {"when_full": "block", "queue_limit": swarm.pick((0, 0, 1, 2))}
        shared = swarm.allows("cores")
        if shared:
            station["cores"] = swarm.pick((0.5, 1, 1, 2, 2.5))
        if not shared or swarm.likely("servers with cores"):
            station["servers"] = swarm.pick((1, 1, 1, 2, 3))
        if swarm.allows("contention"):
            station["contention"] = {"contention": swarm.pick((0.0, 0.1, 1.0)), "coherency": swarm.pick((0.0, 0.05))}
        return station
