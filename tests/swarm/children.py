"""Random child executions: what they take, give, are told of; what becomes of them. Other steps: `steps`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .places import Document
from .routines import Around, Listed

if TYPE_CHECKING:
    from .steps import Steps

CLOSINGS = ("terminate", "cancel", "abandon")
REPEATS = 4
"""A child's routine is run about so often in one execution of its parent."""


def child_step(make: Steps, listed: Listed) -> Document:
    """A child execution."""
    body = _body(make, listed)
    return {"child": body if len(body) > 1 else body["routine"]}


def _body(make: Steps, listed: Listed) -> Document:
    """One of the routines that are written for children, with all that may be said about it."""
    swarm, routines, around = make.swarm, make.routines, listed.around
    routines.families -= 1
    body: Document = {"routine": swarm.pick(routines.kids)}
    if swarm.allows("child.unheard"):
        body["wait"] = False
    for name in ("takes", "gives"):
        if swarm.allows(f"child.{name}") and not (name == "gives" and "wait" in body):
            body[name] = swarm.some(make.attributes, 0.7)
    policy = swarm.choose("on_close", CLOSINGS)
    if policy != "terminate":
        body["on_close"] = policy
    # Steps of other jobs: nothing is held there, no saga or attempt is around. In what is called nothing is checked.
    beside = replace(around, depth=around.depth + 1, held=(), saga=around.free, timed=around.free)
    if swarm.likely("child.told"):
        body["told"] = routines.listed(replace(beside, repeats=around.repeats * 2)).steps
    if swarm.likely("child.after"):
        body["after"] = routines.listed(replace(beside, order=-1)).steps
        if swarm.chance(0.2):
            body["after"].append({"tell": "parent"})
    return body


def parting(make: Steps, listed: Listed) -> Document:
    """A child that is waited for so long and no longer, or by a job that its parent leaves behind."""
    swarm, times = make.swarm, make.times
    body = _body(make, listed)
    if swarm.chance(0.5):
        body["after"] = [{"delay": times.steps(times.few(1) * swarm.pick((1, 4)))}, *body.get("after", ())]
    branches = [[{"delay": times.steps(times.few(1) * swarm.pick((1, 1, 4)))}], [{"child": body}]]
    if swarm.chance(0.5):
        return {"race": branches}
    return {"fork": {"branches": branches, "join": "first"}}


def farewell(make: Steps) -> list[Document]:
    """A job that its parent leaves behind waits for a child, and mostly hears `terminated`. Last in a routine."""
    swarm, times = make.swarm, make.times
    if not make.routines.kids or not swarm.chance(0.5):
        return []
    body = _body(make, Listed(Around()))
    body.pop("wait", None)
    if swarm.chance(0.7):
        body.pop("on_close", None)
    branches = [[{"delay": times.steps(swarm.pick((0, 1)))}], [{"child": body}]]
    return [{"fork": {"branches": branches, "join": "first"}}]


def kid(make: Steps) -> list[Document]:
    """A routine for children: short, for there may be many. Mostly it tells its parent something.

    Some are sagas with much to undo, so that one may be asked to end, and its parent may close, while it undoes.
    """
    swarm, routines = make.swarm, make.routines
    undoes = swarm.aside(f"kid {len(routines.kids)} undoes").chance(0.3)
    routines.left, routines.families = swarm.pick((4, 8, 12)), 1
    steps = routines.listed(Around(repeats=REPEATS, saga=undoes)).steps
    for told in swarm.some(("first", "last"), 0.6):
        step: Document = {"tell": "parent"}
        steps[:] = [make.delay(Listed(Around())), step, *steps] if told == "first" else [*steps, step]
    if undoes:
        return [{"saga": [{"compensate": [{"delay": make.times.steps(4 * make.times.few(1))}]}, *steps]}]
    return steps
