"""Options that would mean nothing, or something else than they seem to: said before a run, not found out after it.

Whether names lead somewhere is checked in `check`.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Problem
from sim.network.at_once import always_tried, fails_at_once
from sim.network.distributions import Constant, FromAttribute
from sim.network.facts import group_of, has_timer, node_groups
from sim.network.network import Network
from sim.network.places import Delay, GroupCommit, Polled, Server, TokenBucket
from sim.network.routines import (
    Acquire,
    Attempt,
    Cached,
    Call,
    Compensate,
    Fail,
    Fork,
    Retry,
    Saga,
    Start,
    Step,
    Steps,
    Use,
)
from sim.network.sources import BurstArrivals, PoissonArrivals, RenewalArrivals, lets_nothing_in
from sim.network.walk import Path, Placed, bodies, walk

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


def nonsense(network: Network) -> Iterator[Problem]:
    """Everything that is well formed and yet cannot be meant, each with its path in the network."""
    yield from _stations(network)
    yield from _sources(network)
    yield from _faults(network)
    yield from _controllers(network)
    yield from _spans(network)
    failures = BUILT_IN | {
        placed.step.fail
        for routine, steps in network.routines.items()
        for placed in walk(routine, steps)
        if isinstance(placed.step, Fail)
    }
    called = {
        placed.step.call
        for routine, steps in network.routines.items()
        for placed in walk(routine, steps)
        if isinstance(placed.step, Call)
    }
    affinities: dict[str, str] = {}
    for routine, steps in network.routines.items():
        for placed in walk(routine, steps):
            yield from _step(network, placed, failures)
            yield from _affinity(network, placed, affinities)
        if routine not in called:
            yield from _context(steps, ("routines", routine), in_saga=False, in_attempt=False)


def _is_0(time: object) -> bool:
    return isinstance(time, Constant) and time.constant_ns == 0


def _at(path: Path) -> str:
    return ".".join(map(str, path))


def _stations(network: Network) -> Iterator[Problem]:
    groups = node_groups(network)
    for name, station in network.stations.items():
        here = f"stations.{name}"
        if isinstance(station, TokenBucket) and station.rate_per_s == 0:
            yield Problem(f"{here}.rate", "is 0: nobody would ever get a token")
        if not isinstance(station, Server):
            continue
        if station.setup is not None:
            if groups.get(group_of(network, name), 1) > 1:
                yield Problem(f"{here}.setup", "needs a station of one node", "write nodes: 1")
            if station.when_full == "block":
                yield Problem(
                    f"{here}.when_full", "`block` and `setup` do not go together: all wait in line for a set-up"
                )
        if station.when_full == "block" and (station.keyed is not None or station.wait_at == "node"):
            yield Problem(
                f"{here}.when_full", "`block` needs one line for all nodes: neither `keyed` nor `wait_at: node`"
            )


def _sources(network: Network) -> Iterator[Problem]:
    is_silent = all(lets_nothing_in(source.arrivals) for source in network.sources.values())
    for name, source in network.sources.items():
        here, arrivals = f"sources.{name}.arrivals", source.arrivals
        if is_silent:
            key = "poisson" if isinstance(arrivals, PoissonArrivals) else "mmpp"
            yield Problem(f"{here}.{key}", "is 0: nothing would ever arrive", "give this source, or another, a rate")
        if isinstance(arrivals, RenewalArrivals) and _is_0(arrivals.renewal) and source.limit is None:
            yield Problem(f"{here}.renewal", "is 0 and there is no `limit`: all that ever come would come at once")
        number = arrivals.burst if isinstance(arrivals, BurstArrivals) else getattr(arrivals, "batch", None)
        if isinstance(number, FromAttribute):
            yield Problem(here, "an arrival has no attributes yet; how many come needs a number or {geometric: ..}")
        if source.during in network.faults and network.faults[source.during].each:
            yield Problem(
                f"sources.{name}.during",
                f"`{source.during}` has a clock for `each` node: it may be there several times",
            )


def _faults(network: Network) -> Iterator[Problem]:
    for name, fault in network.faults.items():
        if fault.mttf is not None and _is_0(fault.mttf) and _is_0(fault.duration):
            yield Problem(f"faults.{name}.mttf", "and `duration` are 0: it would come and go for ever at one instant")
        if fault.effect == "load" and all(source.during != name for source in network.sources.values()):
            yield Problem(
                f"faults.{name}.effect",
                "is `load`, and no source sends during it: nothing would happen",
                f"write sources: {{spike: {{routine: .., arrivals: .., during: {name}}}}}",
            )
        for index, target in enumerate(fault.targets):
            path: Path = ("faults", name, "targets", index, "group")
            standing = [s for s in network.stations if group_of(network, s) == target.group]
            for stayer, what in _stayers(network, target.group) if fault.notice_ns is not None else ():
                yield Problem(
                    _at(path),
                    f"`{stayer}` stands on `{target.group}` and {what}; its nodes cannot leave before they crash",
                    f"leave `notice` out, or give `{stayer}` nodes of its own",
                )
            if fault.effect == "errors" and not standing:
                yield Problem(_at(path), f"no station stands on `{target.group}`, so no service there could fail")
            for station in standing:
                place = network.stations[station]
                if fault.effect in ("slow", "pause") and isinstance(place, Server) and place.setup is not None:
                    yield Problem(
                        _at(path),
                        f"station `{station}` has a `setup`; such a station can crash but not be {fault.effect}d",
                    )


def _stayers(network: Network, group: str) -> Iterator[tuple[str, str]]:
    """Places on a group that cannot do without a node of it which leaves, each with the reason."""
    for place, spec in [*network.resources.items(), *network.stations.items()]:
        if isinstance(spec, Delay | TokenBucket) or group_of(network, place) != group:
            continue
        what = (
            "serves in rounds"
            if isinstance(spec, GroupCommit | Polled)
            else "chooses its nodes by a key"
            if spec.keyed is not None
            else "has a `setup` of its own"
            if isinstance(spec, Server) and spec.setup is not None
            else ""
        )
        if what:
            yield place, what


def _controllers(network: Network) -> Iterator[Problem]:
    places = {**network.resources, **network.stations}
    taken: dict[str, str] = {}
    for name, controller in network.controllers.items():
        here = f"controllers.{name}"
        before = taken.setdefault(controller.nodes, name)
        if before != name:
            yield Problem(f"{here}.nodes", f"`{controller.nodes}` is already switched by `{before}`")
        if controller.nodes not in node_groups(network):
            continue
        for place in controller.of:
            if place in places and group_of(network, place) != controller.nodes:
                yield Problem(f"{here}.of", f"`{place}` does not stand on `{controller.nodes}`")
        for place, what in _stayers(network, controller.nodes):
            yield Problem(
                f"{here}.nodes",
                f"`{place}` stands on `{controller.nodes}` and {what}; it needs nodes that stay",
                f"give `{place}` nodes of its own",
            )


def _spans(network: Network) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for name, span in network.spans.items():
        metric = span.metric or f"span.{name}"
        if metric in taken:
            yield Problem(f"spans.{name}.metric", f"`{metric}` is already the metric of span `{taken[metric]}`")
        taken[metric] = name


def _step(network: Network, placed: Placed, failures: frozenset[str]) -> Iterator[Problem]:
    step, path = placed.step, placed.path
    if isinstance(step, Acquire):
        if step.acquire.lease_ns is not None and step.acquire.affinity is None:
            yield Problem(_at((*path, "acquire", "lease")), "goes with `affinity`: it is about the remembered node")
    elif isinstance(step, Use):
        station = network.stations.get(step.use.station)
        if isinstance(station, Delay) and step.use.patience is not None:
            yield Problem(_at((*path, "use", "patience")), f"nobody waits at `{step.use.station}`, a delay")
        if isinstance(station, Server) and station.when_full == "block" and step.use.at is not None:
            yield Problem(_at((*path, "use", "at")), f"`{step.use.station}` blocks; its one line is for all nodes")
    elif isinstance(step, Fork):
        body = step.fork
        if body.branches is not None and isinstance(body.join, int) and body.join > len(body.branches):
            yield Problem(
                _at((*path, "fork", "join")),
                f"asks for {body.join} of {len(body.branches)} branches; it would always fail",
            )
    elif isinstance(step, Fail) and step.fail in RESERVED:
        yield Problem(_at((*path, "fail")), f"`{step.fail}` is an end that is no failure", "choose another name")
    elif isinstance(step, Attempt):
        beat, retry = step.attempt.heartbeat, step.attempt.retry
        if beat is not None and beat.interval_ns is not None and beat.interval_ns > beat.timeout_ns:
            yield Problem(
                _at((*path, "attempt", "heartbeat", "interval")),
                "is longer than the timeout, which would always expire",
            )
        if retry is not None:
            if always_tried(retry) and fails_at_once(network, step.attempt.steps):
                yield Problem(
                    _at((*path, "attempt", "retry", "initial_interval")),
                    "is 0 and there is no limit to the attempts: one that fails at once would be tried for ever in no "
                    "time",
                    "write initial_interval: 1 ms, or maximum_attempts: 10",
                )
            yield from _retry(retry, (*path, "attempt", "retry"), failures)


def _retry(retry: Retry, path: Path, failures: frozenset[str]) -> Iterator[Problem]:
    for name in retry.non_retryable:
        if name not in failures:
            known = ", ".join(sorted(failures))
            yield Problem(
                _at((*path, "non_retryable")), f"`{name}` is no failure that could come about", f"known: {known}"
            )


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
            _at((*placed.path, "acquire", "affinity")),
            f"`{step.acquire.affinity}` remembers a node of `{before}` elsewhere, here one of `{group}`",
            "give one of them another name",
        )


def _context(steps: Steps, path: Path, in_saga: bool, in_attempt: bool) -> Iterator[Problem]:
    """Steps that speak to something around them, where there is nothing of the kind around."""
    for index, step in enumerate(steps):
        here = (*path, index)
        if isinstance(step, Compensate) and not in_saga:
            yield Problem(_at(here), "there is no saga around this step that it could undo something of")
        if isinstance(step, Start) and not in_attempt:
            yield Problem(_at(here), "there is no attempt with a timeout around this step that it could start")
        for below, body in bodies(step):
            saga = in_saga or isinstance(step, Saga)
            timed = isinstance(step, Attempt) and has_timer(step.attempt) and below == ("attempt", "steps")
            yield from _context(body, (*here, *below), saga, in_attempt or timed)


def held_wanted(network: Network, step: Step) -> Iterator[tuple[Path, str]]:
    """The resources of which a step needs a held unit, each with the path of what says so."""
    if isinstance(step, Acquire) and step.acquire.at is not None:
        yield ("acquire", "at"), step.acquire.at
    elif isinstance(step, Use) and step.use.at is not None:
        yield ("use", "at"), step.use.at
    elif isinstance(step, Cached):
        yield ("cached", "at"), step.cached.at
    elif isinstance(step, Attempt):
        breaker = network.breakers.get(step.attempt.breaker or "")
        if breaker is not None and breaker.at is not None:
            yield ("attempt", "breaker"), breaker.at
        budget = network.budgets.get((step.attempt.retry and step.attempt.retry.budget) or "")
        if budget is not None and budget.at is not None:
            yield ("attempt", "retry", "budget"), budget.at
