"""More about faults, and what comes with them. It has dice of its own, so that all else stays as without it."""

from __future__ import annotations

from .dice import Dice, Swarm
from .places import Document, Places
from .routines import within
from .switched import may_go
from .times import Times


def extend(swarm: Swarm, times: Times, faults: Document) -> None:
    """Give faults windows and common causes."""
    for name, fault in faults.items():
        dice = swarm.aside(f"extras of {name}")
        if "mttf" in fault and swarm.weight("fault.window") and dice.chance(0.4):
            fault["window"] = _window(times, dice)
        one_of_many = fault.get("each") or any(target.get("nodes") == "any" for target in fault["targets"])
        if one_of_many and swarm.weight("fault.common") and dice.chance(0.6):
            fault["common"] = dice.pick((0.2, 0.5, 1.0))


def reclaim(swarm: Swarm, times: Times, places: Places, document: Document, used: set[str]) -> None:
    """Add a fault that gives notice to nodes of a group that steps go to, most often of one that they are bound to."""
    faults: Document = document["faults"]
    dice = swarm.aside("reclaim")
    standing = _places(places).items()
    fixed = {places.group_of(name) for name, place in standing if not may_go(place)}
    groups = [group for group in places.groups() if group in used - fixed]
    bodies = [step.get("use") or step.get("acquire") for step in within(document["routines"])]
    visits = [body for body in bodies if isinstance(body, dict) and "at" in body]
    bound = {places.group_of(body.get("station") or body["resource"]) for body in visits}
    favoured = [group for group in groups if group in bound]
    if not groups or not swarm.weight("fault.notice") or not dice.chance(0.9 if favoured else 0.5):
        return
    group = dice.pick(favoured or groups)
    fault: Document = {"targets": [{"group": group}], "effect": "crash"}
    nodes = dice.pick(("any", "any", "all", "each"))
    if nodes == "each":
        fault["each"] = True
    elif nodes == "any":
        fault["targets"][0]["nodes"] = "any"
    fault |= {"mttf": times.distribution(1, dice.pick((2, 5))), "duration": times.steps(dice.pick((0, 1, 3)))}
    if dice.chance(0.2) and swarm.weight("fault.common") and fault["targets"][0].get("nodes", fault.get("each")):
        fault["common"] = 0.3
    faults["reclaim"] = {**fault, "notice": times.steps(dice.pick((5, 20, 50) if favoured else (1, 2, 5, 20)))}


def _places(places: Places) -> Document:
    return {
        name: place
        for name, place in {**places.resources, **places.stations}.items()
        if place.get("kind", "server") not in ("delay", "token_bucket")
    }


def spike(swarm: Swarm, times: Times, document: Document, executions: int) -> None:
    """Add a source that sends only during a fault: one that is nothing else, or one that is there already."""
    dice = swarm.aside("spike")
    if not swarm.weight("fault.load") or not dice.chance(0.45):
        return
    faults: Document = document["faults"]
    known = [name for name, fault in faults.items() if not fault.get("each")]
    during = dice.pick(known) if known and dice.chance(0.3) else "spike"
    if during == "spike":
        length = {"duration": times.steps(dice.pick((1, 5, 10, 20)))}
        again = {"mttf": times.steps(dice.pick((1, 3, 10, 30)))}
        faults["spike"] = {"effect": "load", **length, **(again if dice.chance(0.8) else {"at": times.time()})}
        if "at" in faults["spike"]:
            faults["spike"]["drill"] = False
    source = {"routine": dice.pick(list(document["routines"])), "arrivals": _arrivals(times, dice), "during": during}
    document["sources"]["spike"] = {**source, "limit": dice.between(1, executions)}


def jumps(swarm: Swarm, times: Times, faults: Document) -> None:
    """Add jumps of the wall clock, forward and back."""
    dice = swarm.aside("clock")
    if not swarm.weight("fault.clock") or not dice.chance(0.35):
        return
    for name in ("clock", "other_clock")[: dice.between(1, 2)]:
        jump = dice.pick("+-") + times.steps(dice.pick((1, 2, 5, 20)))
        fault: Document = {"effect": "clock", "jump": jump, "duration": times.steps(dice.pick((0, 1, 3, 10)))}
        if dice.chance(0.7):
            faults[name] = {**fault, "mttf": times.steps(dice.pick((1, 2, 7)))}
        else:
            faults[name] = {**fault, "at": times.time(), "drill": False}


def _arrivals(times: Times, dice: Dice) -> Document:
    """Of every kind that can come and go."""

    def rate(gap: float) -> str:
        return f"{1e9 / (gap * times.grid_ns):.17g}/s"

    kind = dice.pick(("poisson", "profile", "renewal", "mmpp", "burst", "late"))
    if kind == "poisson":
        return {"poisson": rate(dice.pick((0.5, 1, 3)))}
    if kind == "profile":
        points = [{"at": times.steps(at), "factor": factor} for at, factor in ((0, 0.5), (2, 2), (7, 0), (9, 1))]
        period = {"period": times.steps(10)} if dice.chance(0.5) else {}
        profile = {"points": points, "between": dice.pick(("step", "linear")), **period}
        return {"poisson": rate(dice.pick((0.5, 1))), "profile": profile}
    if kind == "renewal":
        return {"renewal": times.steps(dice.pick((1, 2, 4))), **({"batch": 2} if dice.chance(0.3) else {})}
    if kind == "mmpp":
        return {"mmpp": [{"rate": rate(gap), "stay": times.steps(dice.pick((1, 4)))} for gap in (0.5, 2)]}
    every = {"every": times.steps(dice.pick((2, 3, 8)))} if dice.chance(0.7) else {}
    late = {"jitter": times.steps(dice.pick((1, 10, 40)))} if kind == "late" else {}
    return {"burst": dice.between(1, 8), **every, **late, **({"at": times.time()} if dice.chance(0.4) else {})}


def _window(times: Times, dice: Dice) -> Document:
    """Open for some of the steps of a short period, also over its end."""
    period = dice.pick((3, 7, 20))
    opens = dice.between(0, period - 1)
    closes = (opens + dice.between(1, period - 1)) % period
    return {"from": times.steps(opens), "to": times.steps(closes), "period": times.steps(period)}
