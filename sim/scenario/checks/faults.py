"""Whether what fails is there: every target leads to something, every pod that is listed is one of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sim.errors import Path, Problem, dotted
from sim.network.sources import BurstArrivals, ClosedArrivals, TraceArrivals
from sim.scenario.checks.words import unknown
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.workflow import Workflow
from sim.scenario.scenario import Scenario

NAMED = {
    "databases": "a database",
    "workers": "a pool of workers",
    "dependencies": "a dependency",
    "workflows": "a workflow",
}


def fault_problems(scenario: Scenario) -> Iterator[Problem]:
    """Targets that lead nowhere, and pods that there are not. Places are looked at in `check_places`."""
    for path, fault in scenario.failing:
        if fault.of_place:
            continue
        missing = _missing(scenario, path, fault)
        if missing is not None:
            yield missing
            continue
        yield from _pods(scenario, path[:2], fault)
        yield from _shared(scenario, path[:2], fault)


def _missing(scenario: Scenario, path: Path, fault: DeploymentFault) -> Problem | None:
    """What is wrong with the target."""
    kind, _, name = fault.target.removeprefix("partition.").partition(".")
    match kind:
        case "databases" | "workers" | "dependencies" | "workflows":
            known: Collection[str] = getattr(scenario, kind)
            if name not in known:
                before = fault.target.removesuffix(name)
                return unknown(path, NAMED[kind], fault.target, [before + one for one in known])
            return _without_a_rate(path, name, scenario.workflows[name]) if kind == "workflows" else None
        case "kubernetes":
            if scenario.kubernetes is None:
                hint = "add   kubernetes: {node: m7g.2xlarge, nodes: 6}"
                return Problem(dotted(path), "is kubernetes.node, and there are none", hint)
        case "temporal" if fault.of_clock:
            return None
        case "temporal":
            if "history" not in scenario.services:
                hint = "add   temporal: {history: {replicas: 3, cpu: 2}}"
                return Problem(dotted(path), "is temporal.history, which has no pods here", hint)
        case _ if kind not in scenario.stores:
            return Problem(dotted(path), f"is {fault.target}, but the store is {scenario.store_key}")
    return None


def _without_a_rate(path: Path, name: str, workflow: Workflow) -> Problem | None:
    """Of a load spike: a workflow whose starts have no rate of which there could be more."""
    if workflow.rollout is not None:
        return Problem(dotted(path), f"is of {name}, of which there are two versions", "leave out its `rollout`")
    once = isinstance(workflow.arrivals, BurstArrivals) and workflow.arrivals.every_ns is None
    if workflow.arrivals is None or once or isinstance(workflow.arrivals, ClosedArrivals | TraceArrivals):
        hint = f"write   workflows: {{{name}: {{arrivals: 50/s}}}}"
        return Problem(dotted(path), f"is of {name}, which is not started at a rate", hint)
    return None


def _pods(scenario: Scenario, path: Path, fault: DeploymentFault) -> Iterator[Problem]:
    """The pods or nodes that are listed."""
    if not isinstance(fault.nodes, tuple):
        return
    size = number_of(scenario, fault)
    for node in fault.nodes:
        if not 0 <= node < size:
            yield Problem(
                dotted((*path, "nodes")), f"names pod {node}; there are {size}, counted from 0 to {size - 1}"
            )
    if fault.mttf_ns is not None:
        yield Problem(dotted((*path, "nodes")), "lists pods, but `mttf` is for every single one", "leave it out")


def _shared(scenario: Scenario, path: Path, fault: DeploymentFault) -> Iterator[Problem]:
    """What happens to the cores of one component alone, where several share them."""
    component = fault.target.partition(".")[0] if fault.of_store else fault.target
    for name, host in scenario.hosts.items():
        if component in host.components and fault.happens in ("slow", "errors"):
            yield Problem(
                dotted((*path, "effect")),
                f"is {fault.happens}, but the cores of {component} are those of the host {name}, which others share",
                "write   effect: pause   or   effect: crash",
            )


def number_of(scenario: Scenario, fault: DeploymentFault) -> int:
    """How many pods or nodes of a target may fail one by one; 1 where it is one thing."""
    if fault.pool is not None:
        return scenario.workers[fault.pool].most
    kind = "" if fault.of_clock else fault.target.split(".")[0]
    if kind == "kubernetes":
        assert scenario.kubernetes is not None
        return scenario.kubernetes.nodes
    if kind == "temporal":
        return scenario.services["history"].replicas
    return 1 if fault.is_whole or kind not in scenario.stores else scenario.stores[kind].members(fault.target)
