"""Whether each step fits: the names in it lead somewhere, and what it asks for can be had there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sim.errors import Problem
from sim.network.checks.words import dotted, unknown
from sim.network.facts import group_of
from sim.network.kinds import KINDS, Path, complete
from sim.network.network import Network
from sim.network.places import Delay, GroupCommit, Polled, Server, TokenBucket
from sim.network.routines import (
    Acquire,
    Attempt,
    Branch,
    Cached,
    Call,
    Compensate,
    CountStep,
    DelayStep,
    Fail,
    Forget,
    Fork,
    Loop,
    Mark,
    Notify,
    Prompt,
    Race,
    Release,
    Saga,
    SetStep,
    Start,
    StepSpec,
    Use,
)
from sim.network.walk import Placed, walk

SECTIONS = {
    "attributes": "an attribute",
    "breakers": "a circuit breaker",
    "budgets": "a retry budget",
    "caches": "a cache",
    "resources": "a resource",
    "routines": "a routine",
    "stations": "a station",
    "timers": "a timer queue",
}
"""What an element of each section of a network is called."""


def misfits_of_steps(network: Network) -> Iterator[Problem]:
    """Steps that do not fit, each with its path in the network."""
    placed = {routine: list(walk(routine, steps)) for routine, steps in network.routines.items()}
    steps = [one.step for every in placed.values() for one in every]
    affinities = {step.acquire.affinity for step in steps if isinstance(step, Acquire)} - {None}
    for every in placed.values():
        for one in every:
            yield from _names(network, one)
            if isinstance(one.step, Forget) and one.step.forget not in affinities:
                what = "an affinity that any step acquires by"
                yield unknown((*one.path, "forget"), what, one.step.forget, {name for name in affinities if name})
            yield from _PARTS[type(one.step)](network, one.step, one.path)
        yield from _streams(every)


def _names(network: Network, placed: Placed) -> Iterator[Problem]:
    """Names in a step that lead nowhere."""
    for path, section, name in KINDS[type(placed.step)].names(placed.step):
        known = getattr(network, section)
        if name not in known:
            yield unknown((*placed.path, *path), SECTIONS[section], name, known)


def _nothing(network: Network, step: object, path: Path) -> Iterator[Problem]:
    """Of a kind that has nothing but names, or not even those."""
    return iter(())


def _acquire(network: Network, step: Acquire, path: Path) -> Iterator[Problem]:
    body = step.acquire
    if body.resource not in network.resources:
        return
    limit = network.resources[body.resource].units
    if body.units > limit:
        yield Problem(
            dotted((*path, "acquire", "units")),
            f"asks for {body.units} units of one node, which has {limit}",
        )
    else:
        yield from _same_nodes(network, (*path, "acquire", "at"), body.resource, body.at)


def _use(network: Network, step: Use, path: Path) -> Iterator[Problem]:
    body = step.use
    station = network.stations.get(body.station)
    if station is None:
        return
    yield from _same_nodes(network, (*path, "use", "at"), body.station, body.at)
    if isinstance(station, Server | Delay):
        if body.demand is None and station.service is None:
            yield Problem(
                dotted((*path, "use")),
                f"neither this visit nor station `{body.station}` says how long the service takes",
                "write demand: 5 ms here, or service: 5 ms at the station",
            )
    elif isinstance(station, GroupCommit | Polled | TokenBucket) and (body.demand is not None or body.per):
        yield Problem(
            dotted((*path, "use", "demand")),
            f"station `{body.station}` ({station.kind}) sets the time itself; a visit brings no demand",
        )


def _same_nodes(network: Network, path: Path, place: str, at: str | None) -> Iterator[Problem]:
    if at in network.resources and group_of(network, at) != group_of(network, place):
        yield Problem(
            dotted(path),
            f"`{place}` and `{at}` do not stand on the same nodes",
            "give both the same node group: nodes: NAME",
        )


def _cached(network: Network, step: Cached, path: Path) -> Iterator[Problem]:
    cache, at = step.cached.cache, step.cached.at
    if cache in network.caches and at in network.resources and group_of(network, at) != network.caches[cache].nodes:
        yield Problem(dotted((*path, "cached", "at")), f"`{at}` does not stand on the nodes of cache `{cache}`")


def _prompt(network: Network, step: Prompt, path: Path) -> Iterator[Problem]:
    polled = [name for name, station in network.stations.items() if isinstance(station, Polled)]
    if step.prompt not in polled:
        yield unknown((*path, "prompt"), "a polled station", step.prompt, polled)


_PARTS: Mapping[type[StepSpec], Callable[[Network, Any, Path], Iterator[Problem]]] = complete(
    {
        Acquire: _acquire,
        Use: _use,
        Cached: _cached,
        Prompt: _prompt,
        **dict.fromkeys(
            (
                Release,
                DelayStep,
                Branch,
                Loop,
                Fork,
                Race,
                Attempt,
                Start,
                Saga,
                Compensate,
                Call,
                Mark,
                CountStep,
                SetStep,
                Fail,
                Forget,
                Notify,
            ),
            _nothing,
        ),
    },
    "the check of a step's parts",
)


def _streams(steps: Sequence[Placed]) -> Iterator[Problem]:
    seen: dict[str, Path] = {}
    for placed in steps:
        if placed.stream in seen:
            yield Problem(
                dotted((*placed.path, "name")),
                f"another step of `{placed.path[1]}` has this name; their draws would be the same",
                "give one of them another name",
            )
        seen[placed.stream] = placed.path
