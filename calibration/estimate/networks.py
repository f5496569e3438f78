"""Networks in queueing terms, drawn at random: what work does is drawn first, then how much room each place has."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from calibration.estimate.dice import Dice, Document, percent, rate, time

Steps = list[Document]

STEPS = {
    "use": 5.0,
    "nest": 2.5,
    "delay": 0.8,
    "branch": 1.2,
    "by_attribute": 0.9,
    "loop": 0.7,
    "call": 0.7,
    "fork": 0.8,
    "attempt": 1.0,
}
"""Steps of a routine and how often each is drawn. Those with steps inside hold one to two of them."""
STATIONS = {
    "servers": 5.0,
    "cores": 2.0,
    "keyed": 1.0,
    "group_commit": 0.6,
    "polled": 0.6,
    "token_bucket": 0.7,
    "setup": 0.4,
    "nodes": 0.9,
}
"""Kinds of stations."""
ARRIVALS = {"poisson": 5.0, "renewal": 1.2, "mmpp": 0.9, "batch": 0.8, "profile": 0.8, "closed": 0.8}
"""Kinds of sources."""
EXECUTIONS = 2000
"""Executions within the horizon that is written, of which a fifth is warm-up."""
LEAST_ROOM, MOST_ROOM = 1.25, 14.0
"""Bounds of what a place can do, over what it is asked for."""


class NetworkDraw:
    """One network while it is drawn.

    per_s: executions a second. load: by place, mean units that are busy with what it is asked for; visits: by place,
    visits a second.
    """

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.per_s = dice.log(3, 300)
        self.stations: Document = {}
        self.resources: Document = {}
        self.routines: Document = {}
        self.attributes: Document = {}
        self.load: dict[str, float] = {}
        self.visits: dict[str, float] = {}
        self.mean_s: dict[str, float] = {}
        self.room: dict[str, Callable[[str], None]] = {}

    # -- steps ------------------------------------------------------------------------------------------------

    def steps(self, weight: float, depth: int, most: int) -> tuple[Steps, float]:
        """Some steps and how long they take without any wait, in seconds. weight: passes for each execution."""
        found: Steps = []
        length_s = 0.0
        for _ in range(self.dice.between(1, most)):
            kinds = STEPS if depth < 2 else {"use": 5.0, "delay": 0.8, "nest": 0.6}
            more, taken_s = getattr(self, f"_{self.dice.weighted(kinds)}")(weight, depth)
            found += more
            length_s += taken_s
        return found, length_s

    def _use(self, weight: float, depth: int) -> tuple[Steps, float]:
        name = self._station(weight)
        self.load[name] += self.per_s * weight * self.mean_s[name]
        self.visits[name] += self.per_s * weight
        body: Any = name
        if self.attributes and "servers" in self.stations[name] and self.dice.chance(0.15):
            more_s = self.mean_s[name] * 0.2
            body = {"station": name, "per": {"items": time(more_s)}}
            self.load[name] += self.per_s * weight * more_s * 2
        elif self.dice.chance(0.05) and self.stations[name].get("kind", "server") == "server":
            body = {"station": name, "patience": {"exponential": time(self.mean_s[name] * 20)}}
            lost: Steps = [{"attempt": {"steps": [{"use": body}], "on_failure": [{"count": {"given_up": 1}}]}}]
            return lost, self.mean_s[name]
        return [{"use": body}], self.mean_s[name]

    def _delay(self, weight: float, depth: int) -> tuple[Steps, float]:
        mean_s = self.dice.log(0.005, 0.5)
        return [{"delay": self.dice.law(mean_s)}], mean_s

    def _nest(self, weight: float, depth: int) -> tuple[Steps, float]:
        inner, held_s = self.steps(weight, max(depth, 1) + 1, 2) if depth else self._nest_body(weight)
        name = f"pool-{len(self.resources) + 1}"
        units = self._units(self.per_s * weight * held_s, 1.6)
        self.resources[name] = {"units": units}
        if self.dice.chance(0.1):
            self.resources[name]["queue_limit"] = units * self.dice.between(1, 6)
        body: Any = name
        if self.dice.chance(0.08):
            body = {"resource": name, "patience": time(held_s * 10)}
        return [{"acquire": body}, *inner, {"release": name}], held_s

    def _nest_body(self, weight: float) -> tuple[Steps, float]:
        """What slots are held for: work, and a pool in front of a server within it, as workers and databases have."""
        first, first_s = self._delay(weight, 1) if self.dice.chance(0.5) else self._use(weight, 1)
        second, second_s = self._nest(weight, 1)
        return first + second, first_s + second_s

    def _branch(self, weight: float, depth: int) -> tuple[Steps, float]:
        share = self.dice.pick((0.05, 0.2, 0.35, 0.5, 0.7))
        one, one_s = self.steps(weight * share, depth + 1, 2)
        ways: Steps = [{"probability": percent(share), "steps": one}]
        if self.dice.chance(0.6):
            other, other_s = self.steps(weight * (1 - share), depth + 1, 2)
            ways.append({"steps": other})
            one_s = share * one_s + (1 - share) * other_s
        else:
            one_s *= share
        return [{"branch": ways}], one_s

    def _by_attribute(self, weight: float, depth: int) -> tuple[Steps, float]:
        """Items are drawn from 1 to 5; who has more than 3 goes another way."""
        self.attributes["items"] = 1
        many, many_s = self.steps(weight * 0.4, depth + 1, 2)
        few, few_s = self.steps(weight * 0.6, depth + 1, 1)
        drawn: Document = {"set": {"items": {"to": {"between": [1, 5]}}}}
        ways = [{"attribute": "items", "above": 3, "steps": many}, {"steps": few}]
        return [drawn, {"branch": ways}], 0.4 * many_s + 0.6 * few_s

    def _loop(self, weight: float, depth: int) -> tuple[Steps, float]:
        times: Any = {"attribute": "items"}
        mean = 2.0
        if not (self.attributes and self.dice.chance(0.5)):
            count = self.dice.between(2, 5)
            varies = self.dice.chance(0.5)
            times, mean = {"geometric": count} if varies else count, float(count)
        body, body_s = self.steps(weight * mean, depth + 1, 2)
        return [{"loop": {"times": times, "steps": body}}], body_s * mean

    def _call(self, weight: float, depth: int) -> tuple[Steps, float]:
        """A routine, called once or twice."""
        twice = self.dice.between(1, 2)
        body, body_s = self.steps(weight * twice, depth + 1, 2)
        name = f"part-{len(self.routines) + 1}"
        self.routines[name] = body
        calls: Steps = [{"call": name, "name": f"{name}-{index}"} for index in range(twice)]
        return calls, body_s * twice

    def _fork(self, weight: float, depth: int) -> tuple[Steps, float]:
        """Items or branches at the same time, most often joined by all."""
        width = self.dice.between(2, 5)
        join: Document = {} if self.dice.chance(0.8) else {"join": self.dice.pick(("first", 1, 2))}
        if self.dice.chance(0.6):
            body, body_s = self.steps(weight * width, depth + 1, 1)
            return [{"fork": {"items": width, "steps": body, **join}}], body_s * 1.5
        width = min(width, 3)
        branches = [self.steps(weight, depth + 1, 2) for _ in range(width)]
        longest_s = max(length_s for _, length_s in branches)
        return [{"fork": {"branches": [body for body, _ in branches], **join}}], longest_s * 1.2

    def _attempt(self, weight: float, depth: int) -> tuple[Steps, float]:
        fails = self.dice.pick((0.01, 0.05, 0.1, 0.25))
        body, body_s = self.steps(weight / (1 - fails), depth + 1, 2)
        retry: Document = {"initial_interval": time(self.dice.log(0.01, 0.5)), "backoff_coefficient": 2}
        if self.dice.chance(0.4):
            retry["maximum_attempts"] = self.dice.between(2, 5)
        failing: Document = {"fail": "error", "probability": percent(fails)}
        return [{"attempt": {"retry": retry, "steps": [*body, failing]}}], body_s / (1 - fails)

    # -- places -----------------------------------------------------------------------------------------------

    def _station(self, weight: float) -> str:
        """A station that is there already, or most often a new one with some work for each visit."""
        if self.stations and self.dice.chance(0.2):
            return self.dice.pick(list(self.stations))
        kind = self.dice.weighted(STATIONS)
        name = f"{kind.replace('_', '-')}-{len(self.stations) + 1}"
        offered = self.dice.log(0.15, 8)
        if kind == "setup":
            offered = min(offered, 0.7)
        self.mean_s[name] = offered / (self.per_s * weight)
        if kind in ("group_commit", "polled", "token_bucket"):
            self.mean_s[name] = self.dice.log(0.001, 0.02)
        self.load[name] = self.visits[name] = 0.0
        self.stations[name] = getattr(self, f"_new_{kind}")(name)
        self.room[name] = getattr(self, f"_room_{kind}", self._room_servers)
        return name

    def _room_of(self, least: float = LEAST_ROOM) -> float:
        """What a place can do over what it is asked for: many are tight, few are ample."""
        return self.dice.log(least, MOST_ROOM)

    def _units(self, load: float, least: float = LEAST_ROOM) -> int:
        return max(math.ceil(load * least), round(load * self._room_of(least)), 1)

    def _new_servers(self, name: str) -> Document:
        station: Document = {"servers": 1, "service": self.dice.law(self.mean_s[name])}
        if self.dice.chance(0.12):
            station["queue"] = self.dice.pick(("priority", "lifo"))
        return station

    def _room_servers(self, name: str) -> None:
        station = self.stations[name]
        station["servers"] = self._units(self.load[name])
        if self.dice.chance(0.08):
            station["queue_limit"] = station["servers"] * self.dice.between(1, 8)

    def _new_cores(self, name: str) -> Document:
        return {"cores": 1, "service": self.dice.law(self.mean_s[name])}

    def _room_cores(self, name: str) -> None:
        load = self.load[name]
        cores = self.dice.pick((0.5, 1, 1, 2, 4, 8, 16))
        self.stations[name]["cores"] = max(cores, math.ceil(load * self._room_of() * 2) / 2)

    def _new_keyed(self, name: str) -> Document:
        keyed: Document = {"by": "execution"}
        if self.dice.chance(0.6):
            keyed["skew"] = self.dice.pick((0.3, 0.7, 1.0))
        nodes = self.dice.pick((2, 4, 8, 16))
        return {"nodes": nodes, "servers": 1, "service": self.dice.law(self.mean_s[name]), "keyed": keyed}

    def _room_keyed(self, name: str) -> None:
        station = self.stations[name]
        nodes, skew = station["nodes"], station["keyed"].get("skew", 0.0)
        hottest = 1 / sum(node**-skew for node in range(1, nodes + 1))
        station["servers"] = self._units(self.load[name] * hottest)

    def _new_nodes(self, name: str) -> Document:
        station: Document = {
            "nodes": self.dice.between(2, 4),
            "servers": 1,
            "service": self.dice.law(self.mean_s[name]),
            "choice": self.dice.pick(("round_robin", "random", "least_loaded", "power_of_two")),
        }
        if self.dice.chance(0.6):
            station["wait_at"] = "node"
        return station

    def _room_nodes(self, name: str) -> None:
        station = self.stations[name]
        station["servers"] = self._units(self.load[name] / station["nodes"])

    def _new_setup(self, name: str) -> Document:
        law = self.dice.law(self.mean_s[name])
        return {
            "servers": 1,
            "service": law,
            "setup": {"exponential": time(self.mean_s[name] * self.dice.log(0.3, 4))},
        }

    def _new_group_commit(self, name: str) -> Document:
        station: Document = {"kind": "group_commit", "flush": self.dice.law(self.mean_s[name])}
        if self.dice.chance(0.6):
            station["batch_limit"] = 1
        return station

    def _room_group_commit(self, name: str) -> None:
        station = self.stations[name]
        if "batch_limit" in station:
            station["batch_limit"] = self._units(self.visits[name] * self.mean_s[name])

    def _new_polled(self, name: str) -> Document:
        station: Document = {"kind": "polled", "interval": "1 ms", "batch": self.dice.pick((1, 4, 10, 50))}
        if self.dice.chance(0.4):
            station["trigger"] = "timer"
        return station

    def _room_polled(self, name: str) -> None:
        station = self.stations[name]
        interval_s = min(station["batch"] / (self.visits[name] * self._room_of()), 2.0)
        station["interval"] = time(interval_s)

    def _new_token_bucket(self, name: str) -> Document:
        return {"kind": "token_bucket", "rate": "1/s", "burst": self.dice.pick((1, 2, 10, 50))}

    def _room_token_bucket(self, name: str) -> None:
        station = self.stations[name]
        station["rate"] = rate(self.visits[name] * self._room_of())
        if self.dice.chance(0.12):
            station["when_empty"] = "reject"

    # -- the whole --------------------------------------------------------------------------------------------

    def arrivals(self, per_s: float, length_s: float) -> Any:
        """A source of so many executions a second. length_s: how long one takes without any wait."""
        match self.dice.weighted(ARRIVALS):
            case "renewal":
                cv = self.dice.pick((0.3, 0.6, 1.5, 2))
                return {"renewal": {"gamma": {"mean": time(1 / per_s), "cv": cv}}}
            case "mmpp":
                low = self.dice.pick((0.3, 0.6, 0.8))
                stay_s = self.dice.pick((5, 20, 80)) / per_s
                rates = (per_s * low, per_s * (2 - low))
                return {"mmpp": [{"rate": rate(one), "stay": time(stay_s)} for one in rates]}
            case "batch":
                mean = self.dice.between(2, 8)
                size = self.dice.pick((mean, {"geometric": mean}))
                return {"poisson": rate(per_s / mean), "batch": size}
            case "profile":
                day_s = EXECUTIONS / 4 / per_s
                low = self.dice.pick((0.25, 0.5))
                points = [
                    {"at": "0 s", "factor": low},
                    {"at": time(day_s * 0.3), "factor": 1},
                    {"at": time(day_s * 0.7), "factor": low},
                ]
                between = {"between": "linear"} if self.dice.chance(0.5) else {}
                return {"poisson": rate(per_s), "profile": {"points": points, **between, "period": time(day_s)}}
            case "closed":
                think_s = self.dice.log(0.3, 5) * max(length_s, 0.02)
                clients = max(2, round(per_s * (think_s + length_s * 1.3)))
                return {"closed": clients, "think": {"exponential": time(think_s)}}
        return rate(per_s)

    def document(self, name: str) -> Document:
        """The scenario."""
        shares = self.dice.pick(((1.0,), (1.0,), (0.7, 0.3), (0.5, 0.5)))
        sources: Document = {}
        for index, share in enumerate(shares):
            routine = f"job-{index + 1}"
            self.routines[routine] = []  # stands first, before those that it calls
            steps, length_s = self.steps(share, 0, 4)
            if not (self.stations or self.resources):
                more, more_s = self._use(share, 0)
                steps, length_s = steps + more, length_s + more_s
            self.routines[routine] = steps
            arrivals = self.arrivals(self.per_s * share, length_s)
            sources[f"source-{index + 1}"] = {"routine": routine, "arrivals": arrivals}
        if len(shares) > 1 and any(one.get("queue") == "priority" for one in self.stations.values()):
            sources["source-1"]["priority"] = 1
        for station, make_room in self.room.items():
            make_room(station)
        horizon_s = EXECUTIONS / self.per_s
        network: Document = {"sources": sources}
        parts = {"resources": self.resources, "stations": self.stations, "attributes": self.attributes}
        network |= {key: part for key, part in parts.items() if part}
        run = {"horizon": time(horizon_s), "warmup": time(horizon_s / 5)}
        return {"name": name, "run": run, "network": {**network, "routines": self.routines}}
