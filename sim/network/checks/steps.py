"""Whether each step fits: its names lead somewhere, what it asks for can be had there, its options mean something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sim.errors import Path, Problem, dotted
from sim.network.checks.at_once import always_tried, fails_at_once
from sim.network.checks.words import unknown, unless_known
from sim.network.facts import group_of
from sim.network.kinds import KINDS, Placed, complete, walk
from sim.network.network import Network
from sim.network.places import Delay, GroupCommit, Polled, Server, TokenBucket
from sim.network.routines import (
    Acquire,
    Attempt,
    Branch,
    Cached,
    Call,
    Child,
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
    Tell,
    Use,
)

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
RESERVED = frozenset({"cancelled", "compensated", "terminated"})
"""Ends of a job that are no failures; no `fail` step may have their names."""
BUILT_IN = frozenset(
    {
        "cancel_requested",
        "crash",
        "error",
        "join",
        "not_held",
        "open_circuit",
        "patience",
        "preempted",
        "refused",
        "rejected",
        "terminated",
        "timeout_heartbeat",
        "timeout_schedule_to_close",
        "timeout_schedule_to_start",
        "timeout_start_to_close",
    }
)
"""Failures that come about by themselves. SEMANTICS.md says when."""


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
        yield from unless_known((*placed.path, *path), SECTIONS[section], name, known)


def _nothing(network: Network, step: object, path: Path) -> Iterator[Problem]:
    """Of a kind in which nothing else can be wrong."""
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
    yield from unless_known((*path, "prompt"), "a polled station", step.prompt, polled)


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
                Child,
                Tell,
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


def nonsense_of_steps(network: Network) -> Iterator[Problem]:
    """Steps that are well formed and yet cannot be meant, each with its path in the network."""
    placed = [one for routine, steps in network.routines.items() for one in walk(routine, steps)]
    failures = BUILT_IN | {one.step.fail for one in placed if isinstance(one.step, Fail)}
    affinities: dict[str, str] = {}
    for one in placed:
        yield from _OPTIONS[type(one.step)](network, one.step, one.path)
        yield from _retried(one, failures)
        yield from _affinity(network, one, affinities)


def _acquire_options(network: Network, step: Acquire, path: Path) -> Iterator[Problem]:
    if step.acquire.lease_ns is not None and step.acquire.affinity is None:
        yield Problem(dotted((*path, "acquire", "lease")), "goes with `affinity`: it is about the remembered node")


def _use_options(network: Network, step: Use, path: Path) -> Iterator[Problem]:
    station = network.stations.get(step.use.station)
    if isinstance(station, Delay) and step.use.patience is not None:
        yield Problem(dotted((*path, "use", "patience")), f"nobody waits at `{step.use.station}`, a delay")
    if isinstance(station, Server) and station.when_full == "block" and step.use.at is not None:
        yield Problem(dotted((*path, "use", "at")), f"`{step.use.station}` blocks; its one line is for all nodes")


def _fork(network: Network, step: Fork, path: Path) -> Iterator[Problem]:
    body = step.fork
    if body.branches is not None and isinstance(body.join, int) and body.join > len(body.branches):
        yield Problem(
            dotted((*path, "fork", "join")),
            f"asks for {body.join} of {len(body.branches)} branches; it would always fail",
        )


def _fail(network: Network, step: Fail, path: Path) -> Iterator[Problem]:
    if step.fail in RESERVED:
        yield Problem(dotted((*path, "fail")), f"`{step.fail}` is an end that is no failure", "choose another name")


def _attempt(network: Network, step: Attempt, path: Path) -> Iterator[Problem]:
    beat, retry = step.attempt.heartbeat, step.attempt.retry
    if beat is not None and beat.interval_ns is not None and beat.interval_ns > beat.timeout_ns:
        yield Problem(
            dotted((*path, "attempt", "heartbeat", "interval")),
            "is longer than the timeout, which would always expire",
        )
    if retry is not None and always_tried(retry) and fails_at_once(network, step.attempt.steps):
        yield Problem(
            dotted((*path, "attempt", "retry", "initial_interval")),
            "is 0 and there is no limit to the attempts: one that fails at once would be tried for ever in no time",
            "write initial_interval: 1 ms, or maximum_attempts: 10",
        )


_OPTIONS: Mapping[type[StepSpec], Callable[[Network, Any, Path], Iterator[Problem]]] = complete(
    {
        Acquire: _acquire_options,
        Use: _use_options,
        Fork: _fork,
        Fail: _fail,
        Attempt: _attempt,
        **dict.fromkeys(
            (
                Release,
                DelayStep,
                Branch,
                Loop,
                Race,
                Start,
                Saga,
                Compensate,
                Call,
                Child,
                Tell,
                Mark,
                CountStep,
                SetStep,
                Cached,
                Forget,
                Prompt,
                Notify,
            ),
            _nothing,
        ),
    },
    "the check of a step's options",
)


def _retried(placed: Placed, failures: frozenset[str]) -> Iterator[Problem]:
    """Failures that are not tried again and cannot come about."""
    retry = placed.step.attempt.retry if isinstance(placed.step, Attempt) else None
    for name in retry.non_retryable if retry is not None else ():
        if name not in failures:
            where = dotted((*placed.path, "attempt", "retry", "non_retryable"))
            known = ", ".join(sorted(failures))
            yield Problem(where, f"`{name}` is no failure that could come about", f"known: {known}")


def _affinity(network: Network, placed: Placed, seen: dict[str, str]) -> Iterator[Problem]:
    step = placed.step
    if (
        not isinstance(step, Acquire)
        or step.acquire.affinity is None
        or step.acquire.resource not in network.resources
    ):
        return
    group = group_of(network, step.acquire.resource)
    before = seen.setdefault(step.acquire.affinity, group)
    if before != group:
        yield Problem(
            dotted((*placed.path, "acquire", "affinity")),
            f"`{step.acquire.affinity}` remembers a node of `{before}` elsewhere, here one of `{group}`",
            "give one of them another name",
        )
