"""Random sources, faults, and the plan of the run: all that has a time of its own. What executions do: `routines`."""

from __future__ import annotations

from typing import Any

from .dice import Swarm
from .places import Document, Places
from .times import Times

SOURCES = ("poisson", "renewal", "mmpp", "burst", "trace", "closed")
EFFECTS = ("crash", "pause", "slow", "errors")


class Load:
    """What comes and what goes wrong in one network.

    used: groups of nodes that steps go to. scale: how many times longer, and with how many more executions, than the
    shortest form of it.
    """

    def __init__(self, swarm: Swarm, times: Times, places: Places, used: set[str], scale: float) -> None:
        self.swarm = swarm
        self.times = times
        self.places = places
        self.used = used
        self.scale = scale
        self.length = swarm.pick((20, 50, 100))
        self.traces: dict[str, list[int]] = {}

    def _rate(self, gap: float) -> str:
        return f"{1e9 / (gap * self.times.grid_ns):.17g}/s"

    # -- sources ----------------------------------------------------------------------------------------------

    def sources(self, routines: list[str]) -> Document:
        """One source or several."""
        jobs = [routine for routine in routines if routine.startswith("job")]
        chosen = jobs + [self.swarm.pick(routines) for _ in range(self.swarm.pick((0, 0, 1, 2)))]
        executions = max(1, round(40 * self.scale / len(chosen)))
        return {f"source{i}": self._source(i, routine, executions) for i, routine in enumerate(chosen)}

    def _source(self, index: int, routine: str, executions: int) -> Document:
        swarm, times = self.swarm, self.times
        kind = swarm.choose("source", SOURCES)
        arrivals = getattr(self, f"_{kind}")(f"source{index}", executions)
        source: Document = {"routine": routine, "arrivals": arrivals}
        if swarm.likely("source.priority"):
            source["priority"] = swarm.between(0, 3)
        start = 0
        if swarm.allows("source.start"):
            start = times.few()
            source["start"] = times.steps(start)
        if swarm.allows("source.stop"):
            source["stop"] = times.steps(start + 1 + round(self.length * self.scale * swarm.pick((0.3, 0.7, 1.1))))
        # All that may come at one instant, or while the run lasts, needs a limit.
        if kind in ("closed", "burst", "renewal") or swarm.chance(0.7):
            source["limit"] = executions
        if index and swarm.allows("source.uncounted"):
            source["counted"] = False
        return source

    def _batch(self) -> Document:
        return {"batch": self.times.number(3)} if self.swarm.allows("source.batch") else {}

    def _poisson(self, name: str, executions: int) -> Document:
        swarm, times = self.swarm, self.times
        arrivals: Document = {"poisson": self._rate(swarm.pick((0.5, 1, 2, 5))), **self._batch()}
        if swarm.allows("source.profile"):
            points = [{"at": times.steps(at), "factor": swarm.pick((0, 0.5, 1, 2))} for at in (0, 5, 10, 20)]
            points[swarm.between(0, 3)]["factor"] = 1
            profile: Document = {"points": points[: swarm.between(1, 4)]}
            if all(point["factor"] == 0 for point in profile["points"]):
                profile["points"][0]["factor"] = 1
            if swarm.allows("profile.linear"):
                profile["between"] = "linear"
            if swarm.allows("profile.period"):
                profile["period"] = times.steps(25)
            arrivals["profile"] = profile
        return arrivals

    def _renewal(self, name: str, executions: int) -> Document:
        arrivals: Document = {
            "renewal": self.times.distribution(least=self.swarm.pick((0, 1, 1, 1, 1))),
            **self._batch(),
        }
        if arrivals == {"renewal": self.times.steps(0), "batch": 0}:  # time would stand still
            arrivals["batch"] = 1
        return arrivals

    def _mmpp(self, name: str, executions: int) -> Document:
        swarm, times = self.swarm, self.times
        rates = [self._rate(swarm.pick((0.5, 1))), self._rate(2), "0/s"][: swarm.between(2, 3)]
        return {"mmpp": [{"rate": rate, "stay": times.steps(swarm.pick((2, 5, 20)))} for rate in rates]}

    def _burst(self, name: str, executions: int) -> Document:
        swarm, times = self.swarm, self.times
        burst: Document = {"burst": times.number(swarm.pick((3, 10, 30)))}
        if swarm.allows("burst.at"):
            burst["at"] = times.time()
        if swarm.allows("burst.jitter"):
            burst["jitter"] = times.time()
        if swarm.chance(0.9):
            burst["every"] = times.time(1)
        else:
            burst["burst"] = executions
        return burst

    def _trace(self, name: str, executions: int) -> Document:
        dice = self.swarm.aside(f"trace {name}")
        time, listed = 0, []
        for _ in range(executions):
            time += dice.pick((0, 0, 1, 1, 2, 5)) * self.times.grid_ns
            listed.append(time)
        self.traces[name] = listed
        return {"trace": f"{name}.csv"}

    def _closed(self, name: str, executions: int) -> Document:
        think = {"think": self.times.distribution()} if self.swarm.allows("source.think") else {}
        return {"closed": self.swarm.between(1, 6), **think}

    # -- faults -----------------------------------------------------------------------------------------------

    def faults(self) -> Document:
        """None, or up to five; several may hold one node down."""
        number = self.swarm.pick((1, 1, 2, 3, 5)) if self.swarm.weight("faults") else 0
        made = [self._fault() for _ in range(number)]
        return {f"fault{i}": fault for i, fault in enumerate(fault for fault in made if fault)} or self._end()

    def _end(self) -> Document:
        """Seldom, and alone: nodes are lost for good, and no event is left for those who wait for them."""
        dice = self.swarm.aside("end")
        groups = sorted(self.used & set(self._targets("crash")))
        if not groups or not dice.chance(0.4):
            return {}
        at = self.times.steps(round(dice.pick((0.1, 0.2, 0.5)) * self.length * self.scale))
        return {"end": {"targets": [{"group": dice.pick(groups)}], "effect": "crash", "at": at, "drill": False}}

    def _targets(self, effect: str) -> list[str]:
        """Groups that it can hit."""
        places = self.places
        standing = {name: places.group_of(name) for name in places.stations}
        groups = list(places.groups())
        if effect == "errors":
            return [group for group in groups if group in standing.values()]
        if effect in ("pause", "slow"):
            fixed = {standing[name] for name, station in places.stations.items() if "setup" in station}
            return [group for group in groups if group not in fixed]
        return groups

    def _fault(self) -> Document:
        swarm, times, places = self.swarm, self.times, self.places
        effect = swarm.choose("fault", EFFECTS, {"crash": 4.0, "pause": 1.5})
        groups = self._targets(effect)
        if not groups:
            return {}
        fault: Document = {"targets": [], "effect": effect}
        for _ in range(2 if swarm.allows("fault.targets") else 1):
            busy = [group for group in groups if group in self.used]
            target: Document = {"group": swarm.pick(busy if busy and swarm.chance(0.85) else groups)}
            which = swarm.choose("target", ("all", "any", "listed"))
            if which == "any":
                target["nodes"] = "any"
            elif which == "listed":
                size = places.groups()[target["group"]]
                target["nodes"] = swarm.some(range(size), 0.5) or [size - 1]
            fault["targets"].append(target)
        if effect == "slow":
            fault["speed"] = swarm.pick((0.5, 0.25, 0.3))
        elif effect == "errors":
            fault["probability"] = swarm.pick((0.1, 0.5, 1.0))
        if swarm.chance(0.5 if swarm.weight("fault.random") else 1.0):
            fault["at"] = times.steps(swarm.between(0, round(1.2 * self.length * self.scale)))
            if not (swarm.allows("fault.for_ever")):
                fault["duration"] = times.distribution(longer=swarm.pick((1, 2, 5)))
            fault["drill"] = swarm.allows("drill")
        else:
            longer = swarm.pick((1, 4, 10))
            fault["mttf"] = times.distribution(least=1, longer=longer)
            fault["duration"] = times.distribution(least=swarm.pick((0, 1)), longer=swarm.pick((1, 1, 4)))
            if swarm.allows("fault.each"):
                fault["each"] = True
        return fault

    # -- plan -------------------------------------------------------------------------------------------------

    def plan(self, faults: Document) -> dict[str, Any]:
        """Window, follow-up, drain, samples, seed, replication, drill: the fields of a Plan."""
        swarm, grid = self.swarm, self.times.grid_ns
        length = max(1, round(self.length * self.scale))
        warmup = swarm.between(0, length // 3) if swarm.allows("warmup") else 0
        drills = [name for name, fault in faults.items() if fault.get("drill")]
        every = swarm.pick((1, 2, 5)) * -(-length // 100)
        return {
            "seed": swarm.seed,
            "replication": swarm.between(0, 2),
            "warmup_ns": warmup * grid,
            "horizon_ns": (warmup + length) * grid,
            "follow_ns": swarm.pick((length // 4, length, 3 * length)) * grid if swarm.allows("follow") else 0,
            "drain_ns": swarm.pick((5, length, 20 * length)) * grid if swarm.chance(0.85) else 0,
            "sample_ns": every * grid if swarm.likely("samples") else 0,
            "drill": swarm.pick(drills) if drills and swarm.chance(0.7) else None,
        }
