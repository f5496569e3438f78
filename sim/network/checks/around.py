"""What is around a step: units that it needs are held there, sagas and attempts that it speaks to, who calls whom."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Path, Problem, dotted
from sim.network.facts import has_timer
from sim.network.kinds import bodies, calls_of, children_of, reached, runs_of
from sim.network.network import Network
from sim.network.routines import (
    Acquire,
    Attempt,
    Cached,
    Call,
    Child,
    Compensate,
    Release,
    Saga,
    Start,
    Step,
    Steps,
    Use,
)


def unheld(network: Network) -> Iterator[Problem]:
    """Units that are needed or released but not held. What is called may use what its callers hold; what a child
    execution runs may not."""
    for routine in _begun(network):
        yield from _held(network, routine, network.routines[routine])


def without_context(network: Network) -> Iterator[Problem]:
    """Steps that speak to something around them, where there is nothing of the kind around."""
    for routine in _begun(network):
        steps = network.routines[routine]
        yield from _context(steps, ("routines", routine), in_saga=False, in_attempt=False)


def _begun(network: Network) -> list[str]:
    """Routines that executions begin with: those that are not called, and those of child executions."""
    called = set[str]().union(*calls_of(network.routines).values())
    inside = called - set(children_of(network.routines).values())
    return [routine for routine in network.routines if routine not in inside]


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
                    yield Problem(dotted(here), f"releases `{step.release}`, which is not held here")
            for wanted in _held_wanted(network, step):
                below, name = wanted
                held_now = now[:-1] if isinstance(step, Acquire) else now
                if name in network.resources and name not in held_now and not _may_hold(before, name):
                    yield Problem(dotted((*here, *below)), f"no unit of `{name}` is held here")
            for below, body in bodies(step):
                inner = now[:-1] if isinstance(step, Acquire) else now
                if isinstance(step, Child):  # jobs of others, which hold nothing that this one does
                    yield from check(body, (), (*here, *below), ())
                else:
                    yield from check(body, tuple(inner), (*here, *below), before)

    yield from check(steps, (), ("routines", routine), ())


def _held_wanted(network: Network, step: Step) -> Iterator[tuple[Path, str]]:
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


def _may_hold(steps: Steps, resource: str) -> bool:
    return any(
        (isinstance(step, Acquire) and step.acquire.resource == resource)
        or isinstance(step, Call)
        or any(_may_hold(body, resource) for _, body in bodies(step))
        for step in steps
    )


def _context(steps: Steps, path: Path, in_saga: bool, in_attempt: bool) -> Iterator[Problem]:
    """Steps that speak to something around them, where there is nothing of the kind around."""
    for index, step in enumerate(steps):
        here = (*path, index)
        if isinstance(step, Compensate) and not in_saga:
            yield Problem(dotted(here), "there is no saga around this step that it could undo something of")
        if isinstance(step, Start) and not in_attempt:
            yield Problem(dotted(here), "there is no attempt with a timeout around this step that it could start")
        for below, body in bodies(step):
            if isinstance(step, Child):
                yield from _context(body, (*here, *below), in_saga=False, in_attempt=False)
                continue
            saga = in_saga or isinstance(step, Saga)
            timed = isinstance(step, Attempt) and has_timer(step.attempt) and below == ("attempt", "steps")
            yield from _context(body, (*here, *below), saga, in_attempt or timed)


def recursion(network: Network) -> Iterator[Problem]:
    """Routines that call themselves."""
    runs = runs_of(network.routines)
    for routine in network.routines:
        if routine in reached(runs[routine], runs):
            yield Problem(f"routines.{routine}", "calls itself, directly or by way of others", "use a loop instead")
