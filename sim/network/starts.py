"""When an attempt has started: by a `start` step inside, with its first grant, or at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from sim.network.facts import has_timer
from sim.network.kinds import bodies
from sim.network.network import Network
from sim.network.places import Server
from sim.network.routines import Acquire, Attempt, Call, Start, Step, Steps, Use


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
        for below, body in bodies(step):
            if (
                timed_too
                or below != ("attempt", "steps")
                or not (isinstance(step, Attempt) and has_timer(step.attempt))
            ):
                yield from _inside(network, body, timed_too)
