"""Random extras of faults, with dice of their own, so that all else stays as it would be without them."""

from __future__ import annotations

from .dice import Dice, Swarm
from .places import Document
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


def _window(times: Times, dice: Dice) -> Document:
    """Open for some of the steps of a short period, also over its end."""
    period = dice.pick((3, 7, 20))
    opens = dice.between(0, period - 1)
    closes = (opens + dice.between(1, period - 1)) % period
    return {"from": times.steps(opens), "to": times.steps(closes), "period": times.steps(period)}
