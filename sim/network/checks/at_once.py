"""Whether an attempt may fail before time has passed, so that a back-off of 0 would try it for ever at one instant.

The answer errs to one side: yes where it is not certain that time passes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.network.distributions import (
    Constant,
    Distribution,
    Empirical,
    Mixture,
    OrderStatistic,
    Pareto,
    Residual,
    Uniform,
)
from sim.network.kinds import bodies, complete
from sim.network.network import Network
from sim.network.places import Delay, GroupCommit, Place, Polled, Server, TokenBucket
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
    Retry,
    Saga,
    SetStep,
    Start,
    Step,
    Steps,
    StepSpec,
    Tell,
    Use,
)


def fails_at_once(network: Network, steps: Steps) -> bool:
    """Whether these steps may fail at the instant at which they begin."""
    for step in steps:
        if _fails(network, step):
            return True
        if _takes_time(network, step):
            return False
    return False


def always_tried(retry: Retry) -> bool:
    """Whether there is no end of the tries, and no time between two."""
    return retry.maximum_attempts is None and retry.initial_interval_ns == 0 and retry.floor_ns == 0


def _fails(network: Network, step: Step) -> bool:
    """Whether the step may fail at the instant at which it begins."""
    may_fail, _ = _AT_ONCE[type(step)]
    return may_fail(network, step)


def _takes_time(network: Network, step: Step) -> bool:
    """Whether time passes in a step for certain."""
    _, takes_time = _AT_ONCE[type(step)]
    return takes_time(network, step)


def _body_fails(network: Network, step: Step) -> bool:
    return any(fails_at_once(network, body) for _, body in bodies(step))


def _call_fails(network: Network, step: Call) -> bool:
    return fails_at_once(_without(network, step.call), network.routines.get(step.call, ()))


def _child_fails(network: Network, step: Child) -> bool:
    body = step.child
    others = _without(network, body.routine)
    inside = (network.routines.get(body.routine, ()), body.after)
    return body.wait and any(fails_at_once(others, steps) for steps in inside)


def _acquire_fails(network: Network, step: Acquire) -> bool:
    wanted, place = step.acquire, network.resources.get(step.acquire.resource)
    given_up = wanted.patience is not None and not is_positive(wanted.patience)
    return wanted.at is not None or given_up or (place is not None and _turns_away(place))


def _attempt_fails(network: Network, step: Attempt) -> bool:
    retry, body = step.attempt.retry, step.attempt
    again = retry is not None and retry.initial_interval_ns > 0 and retry.maximum_attempts != 1
    at_once = body.breaker is not None or (fails_at_once(network, body.steps) and not again)
    return at_once and (body.on_failure is None or fails_at_once(network, body.on_failure))


def _visit_fails(network: Network, step: Use) -> bool:
    visit, station = step.use, network.stations.get(step.use.station)
    given_up = visit.patience is not None and not is_positive(visit.patience)
    if visit.at is not None or given_up:
        return True
    match station:
        case TokenBucket():
            return station.when_empty == "reject" or station.queue_limit is not None
        case GroupCommit():
            return station.when_down == "refuse"
        case Server():
            return _turns_away(station) or not _visit_takes_time(network, step)
    return not isinstance(station, Delay | Polled)


def _turns_away(place: Place) -> bool:
    """Whether a place may turn somebody away at once, or out at any time."""
    return place.queue_limit is not None or place.shed is not None or place.when_down == "refuse" or place.preemptive


def _never(network: Network, step: Step) -> bool:
    return False


def _call_takes_time(network: Network, step: Call) -> bool:
    return _any_takes_time(_without(network, step.call), network.routines.get(step.call, ()))


def _child_takes_time(network: Network, step: Child) -> bool:
    steps = network.routines.get(step.child.routine, ())
    return step.child.wait and _any_takes_time(_without(network, step.child.routine), steps)


def _visit_takes_time(network: Network, step: Use) -> bool:
    station = network.stations.get(step.use.station)
    if isinstance(station, GroupCommit):
        return is_positive(station.flush)
    return isinstance(station, Server | Delay) and is_positive(step.use.demand or station.service)


def _loop_takes_time(network: Network, step: Loop) -> bool:
    often = isinstance(step.loop.times, int) and step.loop.times > 0
    return often and _any_takes_time(network, step.loop.steps)


def _children_take_time(network: Network, step: Fork | Race) -> bool:
    """All of them have to, as the fastest of a race counts."""
    if isinstance(step, Fork):
        items = step.fork.items
        if step.fork.join == 0 or (items is not None and not (isinstance(items, int) and items > 0)):
            return False
    inside = [body for _, body in bodies(step)]
    return bool(inside) and all(_any_takes_time(network, body) for body in inside)


_AT_ONCE: Mapping[type[StepSpec], tuple[Callable[[Network, Any], bool], Callable[[Network, Any], bool]]] = complete(
    {
        Acquire: (_acquire_fails, _never),
        Use: (_visit_fails, _visit_takes_time),
        DelayStep: (_never, lambda _, step: step.floor_ns > 0 or is_positive(step.delay)),
        Loop: (_body_fails, _loop_takes_time),
        Fork: (_body_fails, _children_take_time),
        Race: (_body_fails, _children_take_time),
        Attempt: (_attempt_fails, _never),
        Call: (_call_fails, _call_takes_time),
        Child: (_child_fails, _child_takes_time),
        Fail: (lambda _, step: step.probability > 0, _never),
        **dict.fromkeys((Branch, Saga, Compensate, Cached), (_body_fails, _never)),
        **dict.fromkeys((Release, Start, Mark, CountStep, SetStep, Forget, Prompt, Notify, Tell), (_never, _never)),
    },
    "the check of attempts that fail at once",
)
"""For each kind whether it may fail at the instant at which it begins, and whether time passes in it for certain."""


def _any_takes_time(network: Network, steps: Steps) -> bool:
    return any(_takes_time(network, step) for step in steps)


def _without(network: Network, routine: str) -> Network:
    """The network as it is seen from inside a routine: one that calls itself has no end, which is said elsewhere."""
    others = {name: steps for name, steps in network.routines.items() if name != routine}
    return network.model_copy(update={"routines": others})


def is_positive(time: Distribution | None) -> bool:
    """Whether a time is above 0 with certainty."""
    match time:
        case None:
            return False
        case Constant():
            return time.constant_ns > 0
        case Uniform():
            return time.uniform_ns[1] > 0
        case Pareto():
            return time.pareto.min_ns > 0
        case Empirical():
            return min(time.empirical.values_ns) > 0
        case Mixture():
            return all(is_positive(part.of) for part in time.mixture if part.weight)
        case Residual():
            return is_positive(time.residual)
        case OrderStatistic():
            return is_positive(time.fastest.of)
    return True
