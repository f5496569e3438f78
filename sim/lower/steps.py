"""Constructors of steps: the models of `sim.network.routines`, written short."""

from __future__ import annotations

from typing import Literal

from sim.network.distributions import Constant, Distribution, Number
from sim.network.routines import (
    Acquire,
    AcquireBody,
    Attempt,
    AttemptBody,
    Branch,
    Cached,
    CachedBody,
    Call,
    Change,
    Child,
    ChildBody,
    Compensate,
    CountStep,
    DelayStep,
    Fail,
    Forget,
    Fork,
    ForkBody,
    Loop,
    LoopBody,
    Mark,
    MarkBody,
    Option,
    Race,
    Release,
    Saga,
    SetStep,
    Start,
    Step,
    Steps,
    Tell,
    Use,
    UseBody,
)
from sim.units import InUnitInt

__all__ = [
    "Acquire",
    "AcquireBody",
    "Attempt",
    "AttemptBody",
    "Branch",
    "Child",
    "ChildBody",
    "Compensate",
    "Constant",
    "DelayStep",
    "Distribution",
    "Fork",
    "ForkBody",
    "Loop",
    "LoopBody",
    "Number",
    "Option",
    "Race",
    "Saga",
    "Step",
    "Steps",
    "acquire",
    "add",
    "cached",
    "call",
    "constant",
    "count",
    "delay",
    "fail",
    "forget",
    "mark",
    "release",
    "set_drawn",
    "set_to",
    "start",
    "tell_parent",
    "use",
]


def constant(ns: int) -> Constant:
    """A time that does not vary."""
    return Constant(constant_ns=ns)


def acquire(
    resource: str,
    *,
    units: int = 1,
    at: str | None = None,
    affinity: str | None = None,
    lease_ns: int | None = None,
    patience_ns: int | None = None,
    otherwise: Steps | None = None,
) -> Step:
    """Wait for units of one node and hold them."""
    patience = None if patience_ns is None else constant(patience_ns)
    body = AcquireBody(
        resource=resource,
        units=units,
        at=at,
        affinity=affinity,
        lease_ns=lease_ns,
        patience=patience,
        otherwise=otherwise,
    )
    return Acquire(acquire=body)


def release(resource: str) -> Step:
    """Give back the unit acquired last."""
    return Release(release=resource)


def use(
    station: str,
    demand_ns: int | None = None,
    *,
    demand: Distribution | None = None,
    at: str | None = None,
    per_ns: dict[str, int] | None = None,
) -> Step:
    """Visit a station with work that is constant or varies. per_ns: further work for each unit of an attribute."""
    if demand_ns is not None:
        demand = constant(demand_ns)
    further = {attribute: InUnitInt(ns) for attribute, ns in (per_ns or {}).items()}
    return Use(use=UseBody(station=station, demand=demand, at=at, per=further))


def delay(
    time: Distribution,
    kind: Literal["service", "network", "timer"],
    name: str | None = None,
    floor_ns: int = 0,
    grid_ns: int | None = None,
    per_ns: dict[str, int] | None = None,
    timers: str | None = None,
) -> Step:
    """Let time pass. per_ns: further time for each unit of an attribute. timers: queue whose timer it is."""
    further = {attribute: InUnitInt(ns) for attribute, ns in (per_ns or {}).items()}
    return DelayStep(name=name, delay=time, kind=kind, floor_ns=floor_ns, grid_ns=grid_ns, per=further, timers=timers)


def call(routine: str) -> Step:
    """Run another routine's steps."""
    return Call(call=routine)


def mark(name: str, *, once: bool = False) -> Step:
    """Make a mark."""
    return Mark(mark=MarkBody(name=name, once=once))


def count(**operations: int) -> Step:
    """Count operations; those that are 0 are left out."""
    return CountStep(count={name: number for name, number in operations.items() if number})


def add(attribute: str, number: int) -> Step:
    """Add to an attribute."""
    return SetStep(set={attribute: Change(add=number)})


def set_to(attribute: str, number: int) -> Step:
    """Give an attribute a value."""
    return SetStep(set={attribute: Change(to=number)})


def set_drawn(attribute: str, number: Number) -> Step:
    """Give an attribute a value that is drawn."""
    return SetStep(set={attribute: Change(to=number)})


def fail(error: str, probability: float = 1.0) -> Step:
    """Fail, always or with a chance."""
    return Fail(fail=error, probability=probability)


def start() -> Step:
    """The attempt around it has started."""
    return Start(start=True)


def tell_parent() -> Step:
    """Have the parent take what it has for being told."""
    return Tell(tell="parent")


def cached(cache: str, at: str, miss: Steps) -> Step:
    """Look into the cache of the node held."""
    return Cached(cached=CachedBody(cache=cache, at=at, miss=miss))


def forget(affinity: str) -> Step:
    """Forget the remembered node."""
    return Forget(forget=affinity)
