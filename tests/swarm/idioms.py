"""What workflow platforms do again and again, since chance alone seldom puts it together. Single steps: `steps`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .places import Document
from .routines import Listed

if TYPE_CHECKING:
    from .steps import Steps


def activity(make: Steps, listed: Listed) -> Document:
    """A task with heartbeats on a worker that may be lost: noticed by a missing sign, a timeout, or at once."""
    swarm, times = make.swarm, make.times
    pool = swarm.pick(list(make.places.resources))
    body: Document = {"heartbeat": {"timeout": times.steps(times.few(1) * swarm.pick((1, 3)))}}
    if swarm.likely("start_to_close"):
        body["start_to_close"] = times.steps(times.few(1) * swarm.pick((1, 2, 5)))
    if swarm.likely("on_crash.silent"):
        body["on_crash"] = "silent"
    if swarm.likely("retry"):
        body["retry"] = {"initial_interval": times.time(), "maximum_attempts": swarm.between(1, 4)}
    patience = {"patience": times.distribution(least=1, longer=5)}
    work = [make.use(listed), make.delay(listed), {"delay": times.distribution(least=1, longer=swarm.pick((1, 4)))}]
    body["steps"] = [{"acquire": {"resource": pool, **patience}}, *swarm.some(work, 0.7), {"mark": "answered"}]
    return {"attempt": body}


def worker(make: Steps, listed: Listed) -> Document:
    """Tasks one after the other, each tried again, on the worker that remembers the execution, if it is there."""
    swarm, times, places = make.swarm, make.times, make.places
    cached = {cache["nodes"]: name for name, cache in places.caches.items()}
    pools = list(places.resources)
    pool = swarm.pick([name for name in pools if places.group_of(name) in cached] or pools)
    home = f"home_{places.group_of(pool)}"
    make.affinities.add(home)
    body: Document = {"resource": pool, "affinity": home, "patience": times.distribution(least=1, longer=5)}
    retry: Document = {}
    if swarm.likely("lease"):
        body["lease"] = times.time()
        if swarm.aside("lease").chance(0.9) and not body["lease"].startswith("0 "):
            retry["initial_interval"] = body["lease"]  # who was hit by the crash asks again as the lease ends
    if swarm.likely("otherwise"):
        anywhere = {"resource": pool, "affinity": home, "patience": times.time()}
        body["otherwise"] = [{"forget": home}, {"acquire": anywhere}]
    task: list[Document] = [{"mark": "asked"}, {"acquire": body}, {"delay": times.distribution()}]
    if places.group_of(pool) in cached:
        task.append({"cached": {"cache": cached[places.group_of(pool)], "at": pool, "miss": [make.delay(listed)]}})
    visits = [name for name, at in make.beside(listed, [pool]) if at == pool]
    if visits:
        task.append({"use": {**make.demand(swarm.pick(visits)), "at": pool}})
    task += [{"mark": "answered"}, {"release": pool}]
    retry = {"initial_interval": times.time(1), "maximum_attempts": swarm.between(1, 4), **retry}
    listed.maybe.add(pool)
    return {"loop": {"times": swarm.between(1, 3), "steps": [{"attempt": {"retry": retry, "steps": task}}]}}


def question(make: Steps) -> list[Document]:
    """What is asked is answered after a time that monitors know: just in time, or just too late."""
    steps = make.times.few()
    make.questions.append(steps)
    return [{"mark": "asked"}, {"delay": make.times.steps(steps)}, {"mark": "answered"}]


def crossing(make: Steps) -> list[Document]:
    """Two resources, which half of the executions take in the other order and without patience. Last in a routine."""
    dice = make.swarm.aside("crossing")
    names = list(make.places.resources)
    if len(names) < 2 or not make.routines.deadlocks or not dice.chance(0.3):
        return []
    one, other = dice.pick(names), dice.pick(names)
    ways = [[{"acquire": a}, {"delay": make.times.steps(1)}, {"acquire": b}] for a, b in ((one, other), (other, one))]
    return [{"branch": [{"probability": 0.5, "steps": ways[0]}, {"steps": ways[1]}]}]
