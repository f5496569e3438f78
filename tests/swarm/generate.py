"""A seed makes a network, a plan and traces. How large it is made to be is `fitted`'s matter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sim.engine.plan import Plan
from sim.lower.checks.feasible import undrawable
from sim.network import Network
from sim.network.checks import problems

from .dice import Swarm
from .disturbed import extend, jumps, reclaim, spike
from .load import Load
from .places import Document, Places
from .policies import put_policies
from .routines import Routines, within
from .steps import FAILURES
from .switched import controllers
from .times import Times, written


@dataclass(frozen=True)
class Case:
    """A network as its file has it, with the plan of its run and the arrival times of its traces."""

    seed: int
    document: Document
    plan: Plan
    traces: dict[str, list[int]] = field(default_factory=dict)

    def network(self) -> Network:
        """The network. Raises AssertionError where its parts do not fit."""
        network = Network.model_validate(self.document)
        found = [*problems(network), *undrawable(network)]
        assert not found, f"swarm {self.seed}: " + "; ".join(map(str, found))
        return network

    def planned(self, **changes: Any) -> Case:
        """The same with another plan."""
        return replace(self, plan=replace(self.plan, **changes))


def case(seed: int, scale: float = 1.0) -> Case:
    """The network of a seed; `scale` makes its run longer and lets more executions in."""
    swarm = Swarm(seed)
    times = Times(swarm)
    attributes = [name for name in ("items", "size") if swarm.weight("attributes")]
    places = Places(swarm, times, attributes)
    routines = Routines(swarm, times, places, attributes)
    start_values = {name: swarm.between(0, 3) for name in attributes}
    load = Load(swarm, times, places, _used(routines.written, places), scale)
    faults = load.faults()
    extend(swarm, times, faults)
    properties = _properties(swarm, times, routines, places)
    document = {
        "nodes": places.nodes,
        "sources": load.sources(list(routines.written)),
        "resources": places.resources,
        "stations": places.stations,
        "caches": places.caches,
        "routines": routines.written,
        "attributes": start_values,
        "faults": faults,
        **properties,
    }
    if swarm.weight("faults") and "end" not in faults:  # that one is alone
        reclaim(swarm, times, places, document, _used(routines.written, places))
        jumps(swarm, times, faults)
        spike(swarm, times, document, max(1, round(20 * scale)))
    _know_only_what_can_fail(document)
    put_policies(document, swarm, times)
    plan = Plan(**load.plan(faults))
    length = round(load.length * scale)
    document["controllers"] = controllers(swarm, times, places, _used(routines.written, places), length)
    return Case(seed, document, plan, load.traces)


def _used(routines: Document, places: Places) -> set[str]:
    """Groups of nodes that steps go to."""
    bodies = [step.get("acquire") or step.get("use") for step in within(routines)]
    names = [body if isinstance(body, str) else body.get("resource") or body["station"] for body in bodies if body]
    return {places.group_of(name) for name in names}


def _know_only_what_can_fail(document: Document) -> None:
    """Retry policies name no failure that nothing here brings about."""
    failing = {step["fail"] for step in within(document["routines"]) if "fail" in step}
    for retry in within(document["routines"]):
        if "non_retryable" in retry:
            retry["non_retryable"] = [f for f in retry["non_retryable"] if f in failing or f not in FAILURES]


def _properties(swarm: Swarm, times: Times, routines: Routines, places: Places) -> Document:
    """Monitors and spans of the marks that are made."""
    made = [step["mark"] for step in within(routines.written) if "mark" in step]
    marks = sorted({mark if isinstance(mark, str) else mark["name"] for mark in made})
    monitors: Document = {}
    spans: Document = {}
    if not marks:
        return {"monitors": monitors, "spans": spans}

    def between() -> Document:
        if {"asked", "answered"} <= set(marks) and swarm.chance(0.5):
            return {"start": "asked", "end": "answered"}
        return {"start": swarm.pick(marks), "end": swarm.pick(marks)}

    forms: list[tuple[str, Document]] = [
        ("eventually", _eventually(swarm, times, marks, routines.questions)),
        ("never_both", {"never_both": [swarm.pick(marks), swarm.pick(marks)]}),
        ("at_most_once", {"at_most_once": swarm.pick(marks)}),
        ("conserve", {"conserve": {mark: swarm.pick((-2, -1, 1, 2)) for mark in marks}}),
    ]
    for name, form in forms:
        if swarm.allows(f"monitor.{name}"):
            monitors[name] = form
    if swarm.weight("spans"):
        for index in range(swarm.between(1, 3)):
            spans[f"span{index}"] = between()
    if swarm.weight("after_crash"):
        groups = sorted(_used(routines.written, places) & places.groups().keys())
        for index in range(swarm.between(1, 2) if groups else 0):
            spans[f"recovery{index}"] = {**between(), "after_crash": swarm.pick(groups)}
    return {"monitors": monitors, "spans": spans}


def _eventually(swarm: Swarm, times: Times, marks: list[str], questions: list[int]) -> Document:
    """A question and its answers. questions: grid steps after which questions of the routines are answered."""
    if questions and {"asked", "answered"} <= set(marks) and swarm.chance(0.8):
        just = times.ns(swarm.pick(questions)) + swarm.pick((0, 0, 0, 0, -1, 1))
        limit = {"within": written(just)} if just > 0 and swarm.likely("monitor.within") else {}
        return {"when": "asked", "eventually": ["answered"], **limit}
    limit = {"within": times.time(1)} if swarm.likely("monitor.within") else {}
    return {"when": swarm.pick(marks), "eventually": swarm.some(marks, 0.5) or [swarm.pick(marks)], **limit}
