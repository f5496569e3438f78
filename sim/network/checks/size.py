"""How large a network is: the places that are kept, the steps of an execution. What no machine could run is refused.

Numbers that are each sensible multiply: pods by queues, items by rounds. This is told before anything is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sim.errors import Problem
from sim.network.counts import MOST_AT_ONCE
from sim.network.distributions import Geometric, Number, Poisson, UniformCount
from sim.network.facts import group_of, node_groups
from sim.network.kinds import bodies, children_of
from sim.network.network import Network
from sim.network.routines import Branch, Call, Child, Fork, Loop, Race, Steps

MOST_PLACES: Final = 1_000_000
"""Resources and stations, each counted once for each of its nodes."""
MOST_SOURCES: Final = 2_000
"""Sources and `child` steps; the compiled engine tells some two thousand origins of an execution apart."""
MOST_STEPS: Final = 100_000_000
"""Steps of one execution, on average: hours of computing."""


def too_large(network: Network) -> Iterator[Problem]:
    """What makes the network too large to be run."""
    places = places_of(network)
    total = sum(places.values())
    if total > MOST_PLACES:
        most = max(places, key=places.__getitem__)
        kind = "resources" if most in network.resources else "stations"
        message = f"is on {places[most]:,} nodes, of {total:,} in all places together; at most {MOST_PLACES:,} are run"
        yield Problem(f"{kind}.{most}", message, "lower the numbers of nodes, pods or shards")
    origins = len(network.sources) + len(children_of(network.routines))
    if origins > MOST_SOURCES:
        message = f"and the `child` steps are {origins:,} together; at most {MOST_SOURCES:,} are run"
        yield Problem("sources", message, "let one source, or one routine, serve several of them")
    for name, source in network.sources.items():
        number = getattr(source.arrivals, "burst", None) or getattr(source.arrivals, "batch", None)
        if number is not None and _mean(network, number) > MOST_AT_ONCE:
            message = f"brings {_mean(network, number):,.0f} at once; at most {MOST_AT_ONCE:,} are run"
            yield Problem(f"sources.{name}.arrivals", message, "bring fewer, more often")
    known: dict[str, float] = {}
    # What runs beside the executions, such as a thread that looks for work, may go round for ever.
    for routine in dict.fromkeys(source.routine for source in network.sources.values() if source.counted):
        steps = _of_routine(network, routine, known)
        if steps > MOST_STEPS:
            message = f"takes {steps:,.0f} steps on average; at most {MOST_STEPS:,} are run"
            yield Problem(f"routines.{routine}", message, "lower the items of its fan-outs or the rounds of its loops")


def places_of(network: Network) -> dict[str, int]:
    """Nodes of each resource and station."""
    groups = node_groups(network)
    return {name: groups.get(group_of(network, name), 1) for name in (*network.resources, *network.stations)}


def _of_routine(network: Network, routine: str, known: dict[str, float]) -> float:
    """Steps of a routine, those of the routines that it calls included; of one that calls itself, of one round."""
    if routine not in known:
        known[routine] = 0.0
        known[routine] = _of_steps(network, network.routines.get(routine, ()), known)
    return known[routine]


def _of_steps(network: Network, steps: Steps, known: dict[str, float]) -> float:
    total = float(len(steps))
    for step in steps:
        inside = [_of_steps(network, body, known) for _, body in bodies(step)]
        if isinstance(step, Call):
            total += _of_routine(network, step.call, known)
        elif isinstance(step, Child):
            total += _of_routine(network, step.child.routine, known) + sum(inside)
        elif isinstance(step, Branch | Race):
            total += max(inside, default=0.0)
        elif isinstance(step, Loop):
            total += _mean(network, step.loop.times) * sum(inside)
        elif isinstance(step, Fork) and step.fork.items is not None:
            total += _mean(network, step.fork.items) * (1 + sum(inside))
        else:
            total += sum(inside)
    return total


def _mean(network: Network, number: Number) -> float:
    match number:
        case int():
            return float(number)
        case Geometric():
            return number.geometric
        case Poisson():
            return number.poisson
        case UniformCount():
            return sum(number.between) / 2
    return float(network.attributes.get(number.attribute, 1))
