"""Whether the parts of a network fit together: every name leads somewhere, nothing is impossible."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from sim.errors import Problem
from sim.network.distributions import FromAttribute
from sim.network.facts import group_of, node_groups
from sim.network.network import Network
from sim.network.places import Delay, GroupCommit, Polled, Server, TokenBucket
from sim.network.routines import (
    Acquire,
    Attempt,
    Branch,
    Cached,
    Call,
    DelayStep,
    Forget,
    Fork,
    Loop,
    Mark,
    Notify,
    Prompt,
    Release,
    SetStep,
    Step,
    Steps,
    Use,
)
from sim.network.sense import held_wanted, nonsense
from sim.network.size import too_large
from sim.network.walk import Path, Placed, bodies, walk


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _unknown(path: Path, what: str, name: str, known: Collection[str]) -> Problem:
    close = get_close_matches(name, known, 1)
    listed = ", ".join(sorted(known)) or "there is none yet"
    hint = f"did you mean `{close[0]}`?" if close else f"known: {listed}"
    return Problem(_dotted(path), f"`{name}` is not {what}", hint)


def problems(network: Network) -> list[Problem]:
    """Everything that does not fit, each with its path in the network."""
    large = list(too_large(network))
    if large:
        return large
    found = [*_names(network), *_places(network), *_sources(network), *_faults(network)]
    found += [*_controllers(network), *_monitors(network), *_policies(network)]
    placed = {routine: list(walk(routine, steps)) for routine, steps in network.routines.items()}
    steps_of_all = [one.step for every in placed.values() for one in every]
    called = {step.call for step in steps_of_all if isinstance(step, Call)}
    affinities = {
        step.acquire.affinity
        for step in steps_of_all
        if isinstance(step, Acquire) and step.acquire.affinity is not None
    }
    for routine, steps in network.routines.items():
        for one in placed[routine]:
            found.extend(_step(network, one, affinities))
        found.extend(_streams(routine, placed[routine]))
        if routine not in called:  # what is called may use what its callers hold
            found.extend(_held(network, routine, steps))
    recursion = list(_recursion(network))
    if not recursion:
        found.extend(nonsense(network))
    return [*found, *recursion]


def _names(network: Network) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for kind in ("nodes", "resources", "stations"):
        for name in getattr(network, kind):
            if name in taken:
                yield Problem(
                    f"{kind}.{name}",
                    f"`{name}` is already the name of one of the {taken[name]}",
                    "rename one of them",
                )
            taken[name] = kind


def _places(network: Network) -> Iterator[Problem]:
    for kind in ("resources", "stations", "caches"):
        for name, place in getattr(network, kind).items():
            nodes = getattr(place, "nodes", None)
            if isinstance(nodes, str) and nodes not in network.nodes:
                yield _unknown((kind, name, "nodes"), "a node group", nodes, network.nodes)
            keyed = getattr(place, "keyed", None)
            if keyed is not None and keyed.by != "execution" and keyed.by not in network.attributes:
                yield _unknown((kind, name, "keyed", "by"), "an attribute", keyed.by, network.attributes)
    groups = node_groups(network)
    for name, station in network.stations.items():
        if isinstance(station, Polled) and station.keyed is None and groups.get(group_of(network, name), 1) > 1:
            yield Problem(
                f"stations.{name}.keyed",
                "several queues need a key that chooses one",
                "write keyed: {by: execution}",
            )


def _sources(network: Network) -> Iterator[Problem]:
    if not network.sources:
        yield Problem("sources", "is empty: nothing would ever happen", "write sources: {jobs: {routine: job, ...}}")
    for name, source in network.sources.items():
        if source.routine not in network.routines:
            yield _unknown(("sources", name, "routine"), "a routine", source.routine, network.routines)
        if source.stop_ns is not None and source.stop_ns <= source.start_ns:
            yield Problem(f"sources.{name}.stop", "is not after `start`")
        if source.during is not None and source.during not in network.faults:
            yield _unknown(("sources", name, "during"), "a fault", source.during, network.faults)


def _faults(network: Network) -> Iterator[Problem]:
    groups = node_groups(network)
    for name, fault in network.faults.items():
        for index, target in enumerate(fault.targets):
            path: Path = ("faults", name, "targets", index)
            if target.group not in groups:
                yield _unknown((*path, "group"), "a node group, resource or station with nodes", target.group, groups)
            elif isinstance(target.nodes, tuple):
                size = groups[target.group]
                for node in target.nodes:
                    if not 0 <= node < size:
                        yield Problem(
                            _dotted((*path, "nodes")),
                            f"there is no node {node}: the {size} are 0 to {size - 1}",
                        )


def _controllers(network: Network) -> Iterator[Problem]:
    groups = node_groups(network)
    places = network.resources.keys() | network.stations.keys()
    for name, controller in network.controllers.items():
        path: Path = ("controllers", name)
        if controller.nodes not in groups:
            what = "a node group, resource or station with nodes"
            yield _unknown((*path, "nodes"), what, controller.nodes, groups)
            continue
        for place in controller.of:
            if place not in places:
                yield _unknown((*path, "of"), "a resource or station", place, places)
        points = controller.schedule.points if controller.schedule is not None else ()
        numbers = {
            "minimum": controller.minimum,
            "initial": controller.initial or 0,
            **{f"schedule.points.{index}.nodes": point.nodes for index, point in enumerate(points)},
        }
        for key, number in numbers.items():
            if number > groups[controller.nodes]:
                size = groups[controller.nodes]
                yield Problem(_dotted((*path, key)), f"is {number}, but `{controller.nodes}` has {size} nodes")


def _policies(network: Network) -> Iterator[Problem]:
    for kind in ("breakers", "budgets"):
        for name, policy in getattr(network, kind).items():
            if policy.at is not None and policy.at not in network.resources:
                yield _unknown((kind, name, "at"), "a resource", policy.at, network.resources)


def _monitors(network: Network) -> Iterator[Problem]:
    made = {
        placed.step.mark.name
        for routine, steps in network.routines.items()
        for placed in walk(routine, steps)
        if isinstance(placed.step, Mark)
    }
    for name, monitor in network.monitors.items():
        for key in ("when", "eventually", "never_both", "at_most_once", "conserve"):
            value = getattr(monitor, key)
            for mark in [value] if isinstance(value, str) else value or ():
                if mark not in made:
                    yield _unknown(("monitors", name, key), "a mark that any routine makes", mark, made)
    for name, span in network.spans.items():
        for key in ("start", "end"):
            if key == "start" and span.after_crash is not None and span.after_crash not in node_groups(network):
                yield _unknown(("spans", name, "after_crash"), "a node group", span.after_crash, node_groups(network))
            if getattr(span, key) not in made:
                yield _unknown(("spans", name, key), "a mark that any routine makes", getattr(span, key), made)


def _step(network: Network, placed: Placed, affinities: Collection[str]) -> Iterator[Problem]:
    step, path = placed.step, placed.path
    if isinstance(step, Acquire):
        body = step.acquire
        if body.resource not in network.resources:
            yield _unknown((*path, "acquire", "resource"), "a resource", body.resource, network.resources)
        elif body.units > network.resources[body.resource].units:
            limit = network.resources[body.resource].units
            yield Problem(
                _dotted((*path, "acquire", "units")),
                f"asks for {body.units} units of one node, which has {limit}",
            )
        else:
            yield from _same_nodes(network, (*path, "acquire", "at"), body.resource, body.at)
    elif isinstance(step, Release) and step.release not in network.resources:
        yield _unknown((*path, "release"), "a resource", step.release, network.resources)
    elif isinstance(step, Use):
        yield from _use(network, step, path)
    elif isinstance(step, DelayStep):
        yield from _attributes(network, step.per, (*path, "per"))
        if step.timers is not None and step.timers not in network.timers:
            yield _unknown((*path, "timers"), "a timer queue", step.timers, network.timers)
    elif isinstance(step, Notify) and step.notify not in network.timers:
        yield _unknown((*path, "notify"), "a timer queue", step.notify, network.timers)
    elif isinstance(step, Call) and step.call not in network.routines:
        yield _unknown((*path, "call"), "a routine", step.call, network.routines)
    elif isinstance(step, SetStep):
        yield from _attributes(network, step.set, (*path, "set"))
    elif isinstance(step, Branch):
        for index, option in enumerate(step.branch):
            if option.attribute is not None and option.attribute not in network.attributes:
                yield _unknown((*path, "branch", index), "an attribute", option.attribute, network.attributes)
    elif isinstance(step, Attempt):
        breaker = step.attempt.breaker
        if breaker is not None and breaker not in network.breakers:
            yield _unknown((*path, "attempt", "breaker"), "a circuit breaker", breaker, network.breakers)
        timers = step.attempt.retry.timers if step.attempt.retry is not None else None
        if timers is not None and timers not in network.timers:
            yield _unknown((*path, "attempt", "retry", "timers"), "a timer queue", timers, network.timers)
        budget = step.attempt.retry.budget if step.attempt.retry is not None else None
        if budget is not None and budget not in network.budgets:
            yield _unknown((*path, "attempt", "retry", "budget"), "a retry budget", budget, network.budgets)
    elif isinstance(step, Cached):
        if step.cached.cache not in network.caches:
            yield _unknown((*path, "cached", "cache"), "a cache", step.cached.cache, network.caches)
        if step.cached.at not in network.resources:
            yield _unknown((*path, "cached", "at"), "a resource", step.cached.at, network.resources)
        elif (
            step.cached.cache in network.caches
            and group_of(network, step.cached.at) != network.caches[step.cached.cache].nodes
        ):
            yield Problem(
                _dotted((*path, "cached", "at")),
                f"`{step.cached.at}` does not stand on the nodes of cache `{step.cached.cache}`",
            )
    elif isinstance(step, Forget) and step.forget not in affinities:
        yield _unknown((*path, "forget"), "an affinity that any step acquires by", step.forget, affinities)
    elif isinstance(step, Prompt) and not isinstance(network.stations.get(step.prompt), Polled):
        polled = [name for name, station in network.stations.items() if isinstance(station, Polled)]
        yield _unknown((*path, "prompt"), "a polled station", step.prompt, polled)
    yield from _numbers(network, step, path)


def _use(network: Network, step: Use, path: Path) -> Iterator[Problem]:
    body = step.use
    station = network.stations.get(body.station)
    if station is None:
        yield _unknown((*path, "use", "station"), "a station", body.station, network.stations)
        return
    yield from _same_nodes(network, (*path, "use", "at"), body.station, body.at)
    if isinstance(station, Server | Delay):
        if body.demand is None and station.service is None:
            yield Problem(
                _dotted((*path, "use")),
                f"neither this visit nor station `{body.station}` says how long the service takes",
                "write demand: 5 ms here, or service: 5 ms at the station",
            )
    elif isinstance(station, GroupCommit | Polled | TokenBucket) and (body.demand is not None or body.per):
        yield Problem(
            _dotted((*path, "use", "demand")),
            f"station `{body.station}` ({station.kind}) sets the time itself; a visit brings no demand",
        )
    yield from _attributes(network, body.per, (*path, "use", "per"))


def _attributes(network: Network, names: Collection[str], path: Path) -> Iterator[Problem]:
    for name in names:
        if name not in network.attributes:
            yield _unknown((*path, name), "an attribute", name, network.attributes)


def _same_nodes(network: Network, path: Path, place: str, at: str | None) -> Iterator[Problem]:
    if at is None:
        return
    if at not in network.resources:
        yield _unknown(path, "a resource", at, network.resources)
    elif group_of(network, at) != group_of(network, place):
        yield Problem(
            _dotted(path),
            f"`{place}` and `{at}` do not stand on the same nodes",
            "give both the same node group: nodes: NAME",
        )


def _numbers(network: Network, step: Step, path: Path) -> Iterator[Problem]:
    numbers: list[tuple[Path, object]] = []
    if isinstance(step, Loop):
        numbers.append((("loop", "times"), step.loop.times))
    elif isinstance(step, Fork) and step.fork.items is not None:
        numbers.append((("fork", "items"), step.fork.items))
    elif isinstance(step, SetStep):
        for name, change in step.set.items():
            numbers.append((("set", name), change.add if change.add is not None else change.to))
    for below, number in numbers:
        if isinstance(number, FromAttribute) and number.attribute not in network.attributes:
            yield _unknown((*path, *below), "an attribute", number.attribute, network.attributes)


def _streams(routine: str, steps: Sequence[Placed]) -> Iterator[Problem]:
    seen: dict[str, Path] = {}
    for placed in steps:
        if placed.stream in seen:
            yield Problem(
                _dotted((*placed.path, "name")),
                f"another step of `{routine}` has this name; their draws would be the same",
                "give one of them another name",
            )
        seen[placed.stream] = placed.path


def _held(network: Network, routine: str, steps: Steps) -> Iterator[Problem]:
    """Units that are needed or released but not held, followed along the straight line of each list of steps."""

    def check(steps: Steps, held: tuple[str, ...], path: Path, outside: Steps) -> Iterator[Problem]:
        now = list(held)
        for index, step in enumerate(steps):
            here, before = (*path, index), (*outside, *steps[:index])
            if isinstance(step, Acquire):
                now.append(step.acquire.resource)
            elif isinstance(step, Release):
                if step.release in now:
                    now.remove(step.release)
                elif step.release in network.resources and not _may_hold(before, step.release):
                    yield Problem(_dotted(here), f"releases `{step.release}`, which is not held here")
            for wanted in held_wanted(network, step):
                below, name = wanted
                held_now = now[:-1] if isinstance(step, Acquire) else now
                if name in network.resources and name not in held_now and not _may_hold(before, name):
                    yield Problem(_dotted((*here, *below)), f"no unit of `{name}` is held here")
            for below, body in bodies(step):
                inner = now[:-1] if isinstance(step, Acquire) else now
                yield from check(body, tuple(inner), (*here, *below), before)

    yield from check(steps, (), ("routines", routine), ())


def _may_hold(steps: Steps, resource: str) -> bool:
    return any(
        (isinstance(step, Acquire) and step.acquire.resource == resource)
        or isinstance(step, Call)
        or any(_may_hold(body, resource) for _, body in bodies(step))
        for step in steps
    )


def _recursion(network: Network) -> Iterator[Problem]:
    calls = {
        routine: {placed.step.call for placed in walk(routine, steps) if isinstance(placed.step, Call)}
        for routine, steps in network.routines.items()
    }
    for routine in network.routines:
        reached: set[str] = set()
        todo = list(calls[routine])
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo.extend(calls.get(name, ()))
        if routine in reached:
            yield Problem(f"routines.{routine}", "calls itself, directly or by way of others", "use a loop instead")


__all__ = ["group_of", "node_groups", "problems"]
