"""Build: from the steps of a network to steps that run, one constructor a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.engine.reference.attempts import AttemptStep
from sim.engine.reference.children import ChildStep, TellStep
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
from sim.errors import Path
from sim.network.facts import starts_of
from sim.network.kinds import Placed, bodies, complete, walk
from sim.network.places import Server
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
    Step,
    Steps,
    StepSpec,
    Tell,
    Use,
)

if TYPE_CHECKING:  # the engine makes this part, which keeps it
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
        here = (*path, index)
        inner = {below: _list(engine, body, (*here, *below), placed) for below, body in bodies(step)}
        following = steps[index + 1] if index + 1 < len(steps) else None
        built.append(_BUILDERS[type(step)](Given(engine, placed[here], inner, following), step))
    return built


@dataclass(frozen=True, slots=True)
class Given:
    """What a step that runs is made of, besides its spec: inner: its lists of steps, by path; following: the next step
    of its list."""

    engine: Engine
    placed: Placed
    inner: dict[Path, list[Any]]
    following: Step | None

    @property
    def lists(self) -> list[list[Any]]:
        """The lists of steps inside, in order."""
        return list(self.inner.values())


def _attempt(given: Given, step: Attempt) -> AttemptStep:
    return AttemptStep(
        given.engine,
        given.placed,
        step.attempt,
        given.inner["attempt", "steps"],
        given.inner.get(("attempt", "on_failure"), []),
        starts_of(given.engine.network, step.attempt.steps),
    )


def _cached(given: Given, step: Cached) -> CachedStep:
    hit, miss = given.inner["cached", "hit"], given.inner["cached", "miss"]
    return CachedStep(given.engine, step.cached.cache, step.cached.at, hit, miss)


def _blocks(given: Given) -> bool:
    """Whether the next step is a visit that may be blocked on entry."""
    if not isinstance(given.following, Use):
        return False
    station = given.engine.network.stations[given.following.use.station]
    return isinstance(station, Server) and station.when_full == "block"


_BUILDERS: Mapping[type[StepSpec], Callable[[Given, Any], Any]] = complete(
    {
        Acquire: lambda g, step: AcquireStep(g.engine, g.placed, step, g.inner.get(("acquire", "otherwise"))),
        Release: lambda g, step: ReleaseStep(g.engine, step),
        Use: lambda g, step: UseStep(g.engine, g.placed, step, _blocks(g)),
        DelayStep: lambda g, step: DelaySteps(g.engine, g.placed, step),
        Branch: lambda g, step: BranchStep(g.engine, g.placed, step, g.lists),
        Loop: lambda g, step: LoopStep(g.engine, g.placed, step, g.lists[0]),
        Fork: lambda g, step: ForkStep(g.engine, g.placed, step, g.lists),
        Race: lambda g, step: RaceStep(g.engine, g.placed, g.lists),
        Attempt: _attempt,
        Start: lambda g, step: StartStep(),
        Saga: lambda g, step: SagaStep(g.engine, g.placed, g.lists[0]),
        Compensate: lambda g, step: CompensateStep(g.lists[0]),
        Call: lambda g, step: CallStep(g.engine, g.placed, step.call),
        Child: lambda g, step: ChildStep(g.engine, g.placed, step.child, *g.lists),
        Tell: lambda g, step: TellStep(g.engine, g.placed),
        Mark: lambda g, step: MarkStep(g.engine, step),
        CountStep: lambda g, step: CountSteps(g.engine, step),
        SetStep: lambda g, step: SetSteps(g.engine, g.placed, step),
        Fail: lambda g, step: FailStep(g.engine, g.placed, step),
        Cached: _cached,
        Forget: lambda g, step: ForgetStep(step),
        Notify: lambda g, step: NotifyStep(g.engine, step),
        Prompt: lambda g, step: PromptStep(g.engine, step),
    },
    "the reference engine",
)
