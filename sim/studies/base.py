"""Running replications for a verb: on all cores, with progress, keeping what is done when it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sim.engine.run import Planned, Traces, run_all
from sim.results.columns import Replication
from sim.stats.joined import joined
from sim.stats.standstill import Standstill, standstill

Progress = Callable[[str, float, int], None]
"""Hears what runs, how many are done, and of how many."""


class Runner:
    """Runs what it is given, until it is interrupted; from then on nothing.

    warnings: what is to be said beside the figures, each once. interrupted: whether Ctrl-C came. runs_done: so far.
    standstills: deadlocks, by what was run.
    """

    def __init__(
        self,
        traces: Traces,
        in_progress: Mapping[str, str],
        processes: int = -1,
        engine: str = "fast",
        progress: Progress | None = None,
        words: Mapping[str, str] | None = None,
    ) -> None:
        """traces: arrival times of sources that replay files. in_progress: see `Lowered`. processes: -1 takes all
        cores. words: what people call a place."""
        self.traces = traces
        self.in_progress = in_progress
        self.processes = processes
        self.engine = engine
        self.progress = progress
        self.words = words
        self.warnings: list[str] = []
        self.standstills: list[Standstill] = []
        self.interrupted = False
        self.runs_done = 0

    def run(self, what: str, planned: Sequence[Planned]) -> list[Replication]:
        """The replications in order; fewer, from the first on, when it is interrupted."""
        if self.interrupted or not planned:
            return []

        def report(done: float) -> None:
            if self.progress is not None:
                self.progress(what, done, len(planned))

        report(0)
        runs, whole = run_all(planned, self.traces, self.processes, report, self.engine)
        self.runs_done += len(runs)
        if not whole:
            self.interrupted = True
            effect = "intervals are wider for it" if runs else "what they would show is left out"
            self.warn(f"interrupted: {what}: {len(runs)} of {len(planned)} are used, {effect}")
        runs = [joined(run, self.in_progress) for run in runs]
        found = standstill(runs, self.words, what)
        self.standstills += [] if found is None else [found]
        return runs

    def warn(self, text: str) -> None:
        """Say something once."""
        if text not in self.warnings:
            self.warnings.append(text)
