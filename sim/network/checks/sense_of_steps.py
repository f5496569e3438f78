"""Options of steps that would mean nothing, or something else than they seem to: said before a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sim.errors import Problem
from sim.network.checks.at_once import always_tried, fails_at_once
from sim.network.checks.words import dotted
from sim.network.facts import group_of
from sim.network.kinds import Path, complete
from sim.network.network import Network
from sim.network.places import Delay, Server
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

RESERVED = frozenset({"cancelled", "compensated"})
"""Ends of a job that are no failures; no `fail` step may have their names."""
BUILT_IN = frozenset(
    {
        "crash",
        "error",
        "join",
        "not_held",
        "open_circuit",
        "patience",
        "preempted",
        "refused",
        "rejected",
        "timeout_heartbeat",
        "timeout_schedule_to_close",
        "timeout_schedule_to_start",
        "timeout_start_to_close",
    }
)
"""Failures that come about by themselves. SEMANTICS.md says when."""


def nonsense_of_steps(network: Network) -> Iterator[Problem]:
    """Steps that are well formed and yet cannot be meant, each with its path in the network."""
    placed = [one for routine, steps in network.routines.items() for one in walk(routine, steps)]
    failures = BUILT_IN | {one.step.fail for one in placed if isinstance(one.step, Fail)}
    affinities: dict[str, str] = {}
    for one in placed:
        yield from _OPTIONS[type(one.step)](network, one.step, one.path)
        yield from _retried(one, failures)
        yield from _affinity(network, one, affinities)


def _nothing(network: Network, step: object, path: Path) -> Iterator[Problem]:
    """Of a kind whose options all mean something."""
    return iter(())


def _acquire(network: Network, step: Acquire, path: Path) -> Iterator[Problem]:
    if step.acquire.lease_ns is not None and step.acquire.affinity is None:
        yield Problem(dotted((*path, "acquire", "lease")), "goes with `affinity`: it is about the remembered node")


def _use(network: Network, step: Use, path: Path) -> Iterator[Problem]:
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
        Acquire: _acquire,
        Use: _use,
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
