"""How a worker calls a dependency: circuit breaker, bulkhead, timeout, hedging, from the outside to the inside.

The order is that of the libraries: a breaker sees whatever becomes of a call, a bulkhead is held until the caller has
its answer or has given up, a timeout counts from the moment that the call is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Fork,
    ForkBody,
    Steps,
    acquire,
    constant,
    count,
    delay,
    release,
    start,
)
from sim.network.places import Resource
from sim.network.policies import Breaker
from sim.scenario.dependencies import Dependency
from sim.scenario.resilience import CircuitBreaker, Hedge


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: pods of `nodes`, each of which stands for `pods`, in a unit of `slots` that is held."""

    nodes: str
    slots: str
    pods: int = 1


def guarded(
    parts: Parts, constants: Constants, name: str, dependency: Dependency, caller: Caller, token: Steps, asked: Steps
) -> Steps:
    """The call with all that guards it. token: what has to be had before it is sent. asked: the call alone."""
    steps = asked
    if dependency.hedge is not None:
        steps = _hedged(constants, dependency.hedge, steps)
    if dependency.timeout_ns is not None:
        if not dependency.propagate_deadline:
            constants.note(
                "a call whose caller has given up",
                "is worked off there for nobody; an effect that it has there is in no figure",
            )
        timed = AttemptBody(
            steps=(start(), *steps),
            start_to_close_ns=dependency.timeout_ns,
            stops=dependency.propagate_deadline,
            counted=False,
        )
        steps = (Attempt(attempt=timed),)
    if dependency.bulkhead is not None:
        room = f"{caller.slots}-bulkhead-{name}"
        parts.resources[room] = Resource(
            nodes=caller.nodes,
            units=dependency.bulkhead.calls * caller.pods,
            queue_limit=dependency.bulkhead.queue,
        )
        steps = (acquire(room, at=caller.slots), *steps, release(room))
    steps = (*token, *steps)
    if dependency.breaker is not None:
        breaker = _breaker(parts, name, dependency.breaker, caller)
        steps = (Attempt(attempt=AttemptBody(steps=steps, breaker=breaker, counted=False)),)
    return steps


def _hedged(constants: Constants, hedge: Hedge, asked: Steps) -> Steps:
    """Two calls, the second one after a while. The first answer counts, and stops the other one."""
    constants.note(
        "a hedged call",
        "is cancelled at the other side, too, when the other one of the two is answered; one that fails waits for it",
    )
    second: Steps = (delay(constant(hedge.after_ns), "timer"), count(hedge=1), *asked)
    return (Fork(fork=ForkBody(branches=(asked, second), join="first", cancel=True)),)


def _breaker(parts: Parts, name: str, own: CircuitBreaker, caller: Caller) -> str:
    breaker = f"{name}-of-{caller.slots}" if own.per == "pod" else name
    parts.breakers[breaker] = Breaker(
        window=own.window,
        failures=own.failures,
        open_ns=own.open_ns,
        trials=own.trials,
        at=caller.slots if own.per == "pod" else None,
    )
    return breaker
