"""Random controllers. They are made last and with dice of their own, so that all else stays as it would be without."""

from __future__ import annotations

from .dice import Dice, Swarm
from .places import Document, Places
from .times import Times


def controllers(swarm: Swarm, times: Times, places: Places, used: set[str], length: int) -> Document:
    """Controllers of some groups. used: groups that steps go to; length: of the run, in grid steps."""
    dice = Dice(f"controllers {swarm.seed}")
    if not swarm.weight("controllers"):
        return {}
    made: Document = {}
    for group, count in places.groups().items():
        standing = {
            name: place
            for name, place in {**places.resources, **places.stations}.items()
            if places.group_of(name) == group and place.get("kind", "server") not in ("delay", "token_bucket")
        }
        if group not in used or not all(map(may_go, standing.values())):
            continue
        controller: Document = {
            "nodes": group,
            "interval": times.steps(dice.pick((1, 1, 2, 3, 7)) * max(1, length // 2_000)),
            "minimum": dice.pick((0, 0, 0, 1)),
        }
        if dice.chance(0.5):
            controller["initial"] = dice.between(controller["minimum"], count)
        _target(controller, dice, times, list(standing), count)
        if dice.chance(0.7):
            controller["start_delay"] = times.distribution(longer=dice.pick((1, 1, 3)))
        if dice.chance(0.3):
            controller["cool_down"] = times.steps(dice.pick((1, 2, 5, 10)))
        if dice.chance(0.5):
            controller["drain_limit"] = times.steps(dice.pick((0, 1, 3, 8)))
        made[f"scaler_{group}"] = controller
    return made


def _target(controller: Document, dice: Dice, times: Times, standing: list[str], count: int) -> None:
    """By what it is decided how many."""
    form = dice.pick(("utilisation", "backlog", "schedule", "schedule"))
    if form == "schedule":
        points = [{"at": times.steps(at), "nodes": dice.between(0, count)} for at in (0, 3, 7, 20)]
        controller["schedule"] = {"points": points[: dice.between(2, 4)]}
        if dice.chance(0.2):
            controller["schedule"]["period"] = times.steps(23)
        return
    controller["of"] = dice.some(standing, 0.3) or dice.pick(standing)
    controller[form] = dice.pick((0.25, 0.5, 0.65, 1.0)) if form == "utilisation" else dice.pick((1, 2, 5, 10))


def may_go(place: Document) -> bool:
    """Whether a place can do without nodes of its group."""
    rounds = place.get("kind", "server") in ("polled", "group_commit")
    return not rounds and "keyed" not in place and "setup" not in place
