"""What follows from a network: groups of nodes, who stands on which, when attempts start, which have timers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from sim.network.kinds import bodies, calls_of, children_of, reached, routine_of, runs_of
from sim.network.network import Network
from sim.network.places import Delay, GroupCommit, Server, TokenBucket
from sim.network.routines import Acquire, Attempt, AttemptBody, Call, Child, Start, Step, Steps, Use


def node_groups(network: Network) -> dict[str, int]:
    """Every group of nodes with its size: the named ones, and each place's own under the place's name."""
    groups = {name: group.count for name, group in network.nodes.items()}
    for name, place in [*network.resources.items(), *network.stations.items()]:
        if isinstance(place, GroupCommit):
            if place.nodes is None:
                groups[name] = 1
        elif not isinstance(place, Delay | TokenBucket) and isinstance(place.nodes, int):
            groups[name] = place.nodes
    return groups


def group_of(network: Network, place: str) -> str:
    """Name of the node group that a resource or station stands on; its own name where it has nodes of its own."""
    nodes = getattr(network.resources.get(place) or network.stations[place], "nodes", 1)
    return nodes if isinstance(nodes, str) else place


def has_line_by_node(place: object) -> bool:
    """Whether work waits at a node that was chosen before, by a key or on arrival, instead of in one line for all."""
    return getattr(place, "keyed", None) is not None or getattr(place, "wait_at", "place") == "node"


def shedding(network: Network) -> tuple[str, ...]:
    """Resources and stations that shed load by the age of their line."""
    places = {**network.resources, **network.stations}
    return tuple(name for name, place in places.items() if getattr(place, "shed", None) is not None)


def run_by_executions(network: Network) -> tuple[str, ...]:
    """The routines that executions run, let in by sources or as children, in the order of the file."""
    run = {source.routine for source in network.sources.values()} | set(children_of(network.routines).values())
    return tuple(name for name in network.routines if name in run)


def counted_routines(network: Network) -> tuple[str, ...]:
    """The routines that counted executions run: those that sources let in, in their order, then those of children."""
    begun = {source.routine: None for source in network.sources.values() if source.counted}
    children = children_of(network.routines)
    taken = reached(begun, runs_of(network.routines)) if children else set()
    let_in = {child: None for stream, child in children.items() if routine_of(stream) in taken}
    return tuple(begun | let_in)


def waited_for(network: Network) -> dict[tuple[str, str], set[str]]:
    """The routines of the child executions that a state `child.LABEL` waits for, by routine and label."""
    children = children_of(network.routines)
    if not children:
        return {}
    calls = calls_of(network.routines)
    found: dict[tuple[str, str], set[str]] = {}
    for routine in calls:
        inside = reached([routine], calls)
        for stream, child in children.items():
            if routine_of(stream) in inside:
                found.setdefault((routine, stream.rsplit("/", 1)[1]), set()).add(child)
    return found


def left_groups(network: Network) -> set[str]:
    """Groups whose nodes may leave: by a controller, or on notice of a fault, be it one of this run or not."""
    noticed = (fault for fault in network.faults.values() if fault.notice_ns is not None)
    return {controller.nodes for controller in network.controllers.values()} | {
        target.group for fault in noticed for target in fault.targets
    }


def has_timer(attempt: AttemptBody) -> bool:
    """Whether any timeout can end the attempt; its body is then a job of its own, which can be left behind."""
    return bool(
        attempt.start_to_close_ns
        or attempt.schedule_to_start_ns
        or attempt.schedule_to_close_ns
        or attempt.heartbeat is not None
    )


def starts_of(network: Network, steps: Steps) -> Literal["at_once", "granted", "by_step"]:
    """When an attempt with this body has started."""
    if any(isinstance(step, Start) for step in _inside(network, steps, timed_too=False)):
        return "by_step"
    return "granted" if any(_grants(network, step) for step in _inside(network, steps, timed_too=True)) else "at_once"


def _grants(network: Network, step: Step) -> bool:
    """Whether the step asks for units of a resource or for a server."""
    return isinstance(step, Acquire) or (
        isinstance(step, Use) and isinstance(network.stations[step.use.station], Server)
    )


def _inside(network: Network, steps: Steps, timed_too: bool) -> Iterator[Step]:
    """The steps and those inside them and inside the routines that they call; those of attempts with timers too?"""
    for step in steps:
        yield step
        if isinstance(step, Call):
            yield from _inside(network, network.routines[step.call], timed_too)
        for below, body in bodies(step) if not isinstance(step, Child) else ():  # those are jobs of others
            if (
                timed_too
                or below != ("attempt", "steps")
                or not (isinstance(step, Attempt) and has_timer(step.attempt))
            ):
                yield from _inside(network, body, timed_too)
