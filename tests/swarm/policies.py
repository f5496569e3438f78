"""Random policies against failures. They are put on last, with dice of their own, so that all else stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sim.network.routines import STEP_KINDS

from .dice import Dice, Swarm
from .places import Document
from .times import Times


def put_policies(document: Document, swarm: Swarm, times: Times) -> None:
    """Breakers, budgets and stops for attempts, and attempts that are made for them; places that shed."""
    dice = Dice(f"guarded {swarm.seed}")
    for name, steps in document["routines"].items():
        if name.startswith("job") and document["resources"] and dice.chance(0.5):
            steps += _guarded(dice.pick(_falling(document) or list(document["resources"])), dice, times)
    _shedding(document, Dice(f"shed {swarm.seed}"), times)
    _orders(document, Dice(f"order {swarm.seed}"))
    attempts = [found for name, steps in document["routines"].items() for found in _attempts(steps, [], name)]
    _breakers(document, attempts, Dice(f"breakers {swarm.seed}"), times)
    _budgets(document, attempts, Dice(f"budgets {swarm.seed}"))
    _timers(document, attempts, Dice(f"timer queue {swarm.seed}"), times)
    dice = Dice(f"stops {swarm.seed}")
    for attempt, _ in attempts:
        if attempt.keys() & {"start_to_close", "schedule_to_close", "heartbeat"} and dice.chance(0.3):
            attempt["stops"] = True


def _shedding(document: Document, dice: Dice, times: Times) -> None:
    """Places that reject by the age of their line."""
    if not dice.chance(0.6):
        return
    for place in [*document["resources"].values(), *document["stations"].values()]:
        if place.get("kind", "server") == "server" and place.get("when_full") != "block" and dice.chance(0.5):
            place["shed"] = {"after": times.steps(dice.pick((1, 1, 2, 5)))}
            if dice.chance(0.4):
                place["shed"]["spare"] = dice.pick((1, 2))


def _orders(document: Document, dice: Dice) -> None:
    """Places whose line goes by an attribute, of which most executions have a value of their own."""
    if not dice.chance(0.7):
        return
    attribute = dice.pick([*sorted(document["attributes"]), "rank"])
    document["attributes"].setdefault(attribute, 0)
    for place in [*document["resources"].values(), *document["stations"].values()]:
        often = {"fifo": 0.9, "lifo": 0.0, "priority": 0.5}[place.get("queue", "fifo")]
        if place.get("kind", "server") == "server" and dice.chance(often):
            place["order"] = {"attribute": attribute}
    for name, steps in document["routines"].items():
        if name.startswith("job") and dice.chance(0.8):
            steps.insert(0, {"set": {attribute: {"to": {"between": [0, dice.pick((1, 3, 9))]}}}, "name": "order"})


def _falling(document: Document) -> list[str]:
    """Resources whose nodes crash."""
    faults = [fault for fault in document["faults"].values() if fault.get("effect", "crash") == "crash"]
    groups = {target["group"] for fault in faults for target in fault["targets"]}
    return [name for name, pool in document["resources"].items() if {name, str(pool.get("nodes"))} & groups]


def _guarded(pool: str, dice: Dice, times: Times) -> list[Document]:
    """A call that fails now and then, made by who holds a unit of a pool, and sometimes no longer waited for."""
    work = [
        {"delay": times.steps(dice.pick((1, 2, 5, 9)))},
        {"fail": "declined", "probability": dice.pick((0.3, 0.6))},
    ]
    retry = {"initial_interval": times.steps(1), "maximum_attempts": dice.between(1, 4)}
    call: Document = {"attempt": {"retry": retry, "steps": work, "on_failure": []}}
    if dice.chance(0.4):
        call["attempt"]["start_to_close"] = times.steps(dice.pick((1, 2, 4)))
    if dice.chance(0.6):
        soon = [{"delay": times.steps(dice.pick((1, 2, 3)))}]
        late = [{"delay": times.steps(dice.pick((7, 15, 40)))}]
        call = {"race": [[call], [{"branch": [{"probability": 0.4, "steps": soon}, {"steps": late}]}]]}
    acquire: Document = {"acquire": {"resource": pool, "patience": times.steps(dice.pick((2, 5, 20)))}}
    return [acquire, call, {"release": pool}]


def _breakers(document: Document, attempts: list[tuple[Document, list[str]]], dice: Dice, times: Times) -> None:
    if not dice.chance(0.6):
        return
    kinds = [
        {
            "window": dice.pick((1, 2, 2, 3, 5, 10)),
            "failures": dice.pick((0.1, 0.3, 0.5, 0.5, 1.0)),
            "open": times.steps(dice.pick((1, 2, 5, 10))),
            "trials": dice.pick((1, 1, 2, 3)),
        }
        for _ in range(dice.between(1, 2))
    ]
    breakers: Document = {}
    for attempt, held in attempts:
        if not dice.chance(0.7):
            continue
        number = dice.between(0, len(kinds) - 1)
        where = dice.pick(held) if held and dice.chance(0.8) else None
        name = f"breaker{number}" + (f"_{where}" if where else "")
        breakers[name] = kinds[number] | ({"at": where} if where else {})
        attempt["breaker"] = name
        if "retry" in attempt and dice.chance(0.2):
            attempt["retry"].setdefault("non_retryable", []).append("open_circuit")
    document["breakers"] = breakers


def _budgets(document: Document, attempts: list[tuple[Document, list[str]]], dice: Dice) -> None:
    if not dice.chance(0.5):
        return
    kind = {"ratio": dice.pick((0.0, 0.1, 0.3, 0.7, 1.0)), "burst": dice.pick((1, 1, 2, 5, 20))}
    budgets: Document = {}
    for attempt, held in attempts:
        if "retry" in attempt and dice.chance(0.7):
            where = dice.pick(held) if held and dice.chance(0.8) else None
            name = "budget" + (f"_{where}" if where else "")
            budgets[name] = kind | ({"at": where} if where else {})
            attempt["retry"]["budget"] = name
    document["budgets"] = budgets


def _timers(document: Document, attempts: list[tuple[Document, list[str]]], dice: Dice, times: Times) -> None:
    """A timer queue for some of the delays and back-offs, which some routines notify at their start."""
    if not dice.chance(0.4):
        return
    ahead, after = times.steps(dice.pick((1, 3, 10))), times.steps(dice.pick((0, 1)))
    document["timers"] = {"server": {"ahead": ahead, "after": after}}
    for attempt, _ in attempts:
        if "retry" in attempt and dice.chance(0.6):
            attempt["retry"]["timers"] = "server"
    for steps in document["routines"].values():
        for step in _delays(steps):
            if dice.chance(0.3):
                step["timers"] = "server"
        if dice.chance(0.3):
            steps.insert(0, {"notify": "server"})


def _delays(steps: list[Document]) -> Iterator[Document]:
    for step in steps:
        if "delay" in step:
            yield step
        for inner in _lists(list(step.values())):
            yield from _delays(inner)


def _attempts(steps: list[Document], held: list[str], routine: str) -> Iterator[tuple[Document, list[str]]]:
    """Every attempt, with the resources held around it as the network's check follows them."""
    held = list(held)
    for step in steps:
        if "attempt" in step:
            yield step["attempt"], list(held)
        for inner in _lists(list(step.values())):
            yield from _attempts(inner, [] if "child" in step else held, routine)
        if "acquire" in step:
            held.append(step["acquire"] if isinstance(step["acquire"], str) else step["acquire"]["resource"])
        elif "release" in step and step["release"] in held:
            held.remove(step["release"])


def _lists(value: Any) -> Iterator[list[Document]]:
    """The lists of steps inside."""
    if isinstance(value, list) and value and all(isinstance(s, dict) and s.keys() & set(STEP_KINDS) for s in value):
        yield value
    elif isinstance(value, list | dict):
        for inner in value if isinstance(value, list) else value.values():
            yield from _lists(inner)
