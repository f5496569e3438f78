"""What every study has: options of a run, a runner on all cores that keeps what is done when it is interrupted, and
what ran where and how long it took, which stands beside figures and is never part of them.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import ClassVar

from sim import __version__
from sim.engine.plan import Plan
from sim.engine.run import Planned, Traces, run_all
from sim.lower.lowered import Lowered
from sim.network import Network
from sim.results.columns import Replication
from sim.scenario.model.settings import RunSettings
from sim.stats.asked import HandOver, Questions, asked_of_pilots
from sim.stats.summarise import standstill
from sim.stats.summary import Standstill

Progress = Callable[[str, float, int], None]
"""Hears what runs, how many are done, and of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a study is run. seed, max_events, memory_bytes: None leaves the scenario's own. processes: -1 takes all
    cores. command: what repeats it."""

    OF_A_RUN: ClassVar[tuple[str, ...]] = ("seed", "max_events", "memory_bytes")
    """Options that stand for a setting of the run, by whose name they go."""

    seed: int | None = None
    max_events: int | None = None
    memory_bytes: int | None = None
    processes: int = -1
    engine: str = "fast"
    progress: Progress | None = None
    command: str = ""

    def settings(self, run: RunSettings) -> RunSettings:
        """The scenario's run settings with these in place of its own."""
        asked = {name: getattr(self, name) for name in self.OF_A_RUN}
        return run.model_copy(update={name: value for name, value in asked.items() if value is not None})


@dataclass(frozen=True, slots=True)
class StudyResult:
    """Which scenario a study is of, and the seed of its draws: what every result of one begins with."""

    name: str
    file: str
    hash: str
    seed: int


class Runner:
    """Runs what it is given, until it is interrupted; from then on nothing.

    warnings: what is to be said beside the figures, each once. interrupted: whether Ctrl-C came. runs_done: so far.
    standstills: deadlocks, by what was run.
    """

    def __init__(self, lowered: Lowered, traces: Traces, options: RunOptions) -> None:
        """traces: arrival times of sources that replay files."""
        self.lowered, self.traces, self.options = lowered, traces, options
        self.warnings: list[str] = []
        self.standstills: list[Standstill] = []
        self.interrupted = False
        self.runs_done = 0

    def run(self, what: str, planned: Sequence[Planned], asked: Questions | None = None) -> list[Replication]:
        """The replications in order; fewer, from the first on, when it is interrupted. asked: what they are asked
        before they are reduced to the answers; None keeps their rows."""
        if self.interrupted or not planned:
            return []

        def report(done: float) -> None:
            if self.options.progress is not None:
                self.options.progress(what, done, len(planned))

        report(0)
        hand_over = HandOver(dict(self.lowered.in_progress), asked)
        runs, whole = run_all(planned, self.traces, self.options.processes, report, self.options.engine, hand_over)
        self.runs_done += len(runs)
        if not whole:
            self.interrupted = True
            effect = "intervals are wider for it" if runs else "what they would show is left out"
            self.warn(f"interrupted: {what}: {len(runs)} of {len(planned)} are used, {effect}")
        found = standstill(runs, self.lowered.words, what)
        self.standstills += [] if found is None else [found]
        return runs

    def whole(self, what: str, planned: Sequence[Planned], asked: Questions | None = None) -> list[Replication]:
        """The replications in order. Raises KeyboardInterrupt unless all are there: half an answer is none."""
        runs = self.run(what, planned, asked)
        if self.interrupted:
            raise KeyboardInterrupt
        return runs

    def pilots(self, network: Network, plans: Sequence[Plan]) -> list[Replication]:
        """The runs that a warm-up is looked for in, reduced to that. Raises KeyboardInterrupt as `whole` does."""
        return self.whole("warm-up", [(network, plan) for plan in plans], asked_of_pilots)

    def warn(self, text: str) -> None:
        """Say something once."""
        if text not in self.warnings:
            self.warnings.append(text)


def provenance(engine: str, wall_s: float) -> dict[str, object]:
    """The engine, the time that it took, and the versions of what computed."""
    return {
        "engine": engine,
        "wall_s": round(wall_s, 3),
        "versions": {
            "durasim": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("numba", "numpy", "pydantic", "scipy", "simpy")},
        },
    }
