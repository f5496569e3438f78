"""Numbers of the elements in the order of events, and limits that both engines keep. The law is SEMANTICS.md."""

from __future__ import annotations

from typing import Final

from sim.errors import Problem
from sim.network import Network
from sim.network.facts import group_of, node_groups
from sim.network.kinds import walk
from sim.network.routines import Attempt, DelayStep

STEP_KEYS: Final = 4
"""Elements that each step takes in the order of events: an attempt has four timers."""
HEARTBEAT_TENTHS: Final = 8
"""Tenths of the timeout after which SDKs send a heartbeat. Source: Temporal docs, evaluate/cloud/actions, 2026-08."""
STANDSTILL: Final = 10_000
"""So many cycles of a client at one instant are taken for a loop without end."""
UNLIMITED: Final = 1 << 40
"""Jobs that shared cores without `servers` hold at once."""
EXAMPLES: Final = 10
"""Violating executions that a monitor remembers by number, for a look at their lives."""


def elements_of(network: Network) -> dict[str, int]:
    """Numbers from 1 by name: sources, resources, stations, steps (by stream), faults, controllers, as in the file."""
    groups = node_groups(network)
    counts = [
        *((f"sources.{name}", 1) for name in network.sources),
        *((name, groups.get(group_of(network, name), 1)) for name in [*network.resources, *network.stations]),
        *((placed.stream, STEP_KEYS) for name, steps in network.routines.items() for placed in walk(name, steps)),
        *((f"faults.{name}", 1) for name in network.faults),
        *((f"controllers.{name}", 1) for name in network.controllers),
    ]
    number, elements = 1, {}
    for name, count in counts:
        elements[name] = number
        number += count
    return elements


def wall_elements(network: Network) -> set[int]:
    """Elements whose timeouts read the wall clock: delays of kind timer, attempts with their back-offs."""
    elements, found = elements_of(network), set[int]()
    for routine, steps in network.routines.items():
        for placed in walk(routine, steps):
            if isinstance(placed.step, Attempt):
                found.update(range(elements[placed.stream], elements[placed.stream] + STEP_KEYS))
            elif isinstance(placed.step, DelayStep) and placed.step.kind == "timer":
                found.add(elements[placed.stream])
    return found


def stands_still(source: str) -> Problem:
    """What is said of a closed loop whose clients take no time."""
    return Problem(
        f"sources.{source}.arrivals",
        f"a client has gone through {STANDSTILL:,} cycles at one instant; time stands still",
        "write think: 1 ms, or give the routine something that takes time",
    )
