"""Build: from the steps of a network to steps that run, one constructor a kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.engine.reference.attempts import AttemptStep
from sim.engine.reference.control import (
    BranchStep,
    CachedStep,
    CallStep,
    CompensateStep,
    ForkStep,
    LoopStep,
    RaceStep,
    SagaStep,
)
from sim.engine.reference.steps import (
    AcquireStep,
    CountSteps,
    DelaySteps,
    FailStep,
    ForgetStep,
    MarkStep,
    NotifyStep,
    PromptStep,
    ReleaseStep,
    SetSteps,
    StartStep,
    UseStep,
)
from sim.network.kinds import Path, bodies
from sim.network.places import Server
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
    Steps,
    Use,
)
from sim.network.starts import starts_of
from sim.network.walk import Placed, walk

if TYPE_CHECKING:
    from sim.engine.reference.engine import Engine


def routines(engine: Engine) -> dict[str, list[Any]]:
    """Every routine as a list of steps that run."""
    built = {}
    for routine, steps in engine.network.routines.items():
        placed = {item.path: item for item in walk(routine, steps)}
        built[routine] = _list(engine, steps, ("routines", routine), placed)
    return built


def _list(engine: Engine, steps: Steps, path: Path, placed: dict[Path, Placed]) -> list[Any]:
    built = []
    for index, step in enumerate(steps):
        following = steps[index + 1] if index + 1 < len(steps) else None
        here = (*path, index)
        inner = {below: _list(engine, body, (*here, *below), placed) for below, body in bodies(step)}
        built.append(_step(engine, placed[here], inner, following))
    return built


def _step(engine: Engine, placed: Placed, inner: dict[Path, list[Any]], following: Any) -> Any:
    step = placed.step
    lists = list(inner.values())
    match step:
        case Acquire():
            return AcquireStep(engine, placed, step, inner.get(("acquire", "otherwise")))
        case Release():
            return ReleaseStep(engine, step)
        case Use():
            return UseStep(engine, placed, step, _blocks(engine, following))
        case DelayStep():
            return DelaySteps(engine, placed, step)
        case Branch():
            return BranchStep(engine, placed, step, lists)
        case Loop():
            return LoopStep(engine, placed, step, lists[0])
        case Fork():
            return ForkStep(engine, placed, step, lists)
        case Race():
            return RaceStep(engine, placed, lists)
        case Attempt():
            return AttemptStep(
                engine,
                placed,
                step.attempt,
                inner[("attempt", "steps")],
                inner.get(("attempt", "on_failure"), []),
                starts_of(engine.network, step.attempt.steps),
            )
        case Start():
            return StartStep(step)
        case Saga():
            return SagaStep(engine, placed, lists[0])
        case Compensate():
            return CompensateStep(lists[0])
        case Call():
            return CallStep(engine, placed, step.call)
        case Mark():
            return MarkStep(engine, step)
        case CountStep():
            return CountSteps(engine, step)
        case SetStep():
            return SetSteps(engine, placed, step)
        case Fail():
            return FailStep(engine, placed, step)
        case Cached():
            return CachedStep(
                engine, step.cached.cache, step.cached.at, inner[("cached", "hit")], inner[("cached", "miss")]
            )
        case Forget():
            return ForgetStep(step)
        case Notify():
            return NotifyStep(engine, step)
        case Prompt():
            return PromptStep(engine, step)
    raise AssertionError(step)


def _blocks(engine: Engine, following: Any) -> bool:
    """Whether the next step is a visit that may be blocked on entry."""
    if not isinstance(following, Use):
        return False
    station = engine.network.stations[following.use.station]
    return isinstance(station, Server) and station.when_full == "block"
