"""The prediction: a scenario's runs, their figures, verdicts and bill."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from sim.analytic.relaxation import Pace
from sim.cost.bill import Bill
from sim.engine.run import Planned, life_of
from sim.errors import InputErrors, Problem
from sim.figure import Figure
from sim.lower.load import Loaded
from sim.results.columns import Replication
from sim.scenario.model.settings import RunSettings
from sim.stats.episodes import Episode
from sim.stats.summarise import base_figures, monitors, pictures, standstill, verdicts
from sim.stats.summary import Calibration, Summary, Verdict
from sim.studies.base import Runner, RunOptions, provenance
from sim.studies.envelope import (
    Draws,
    calibration_of,
    drawn_runs,
    features,
    input_spread,
    judged_widely,
    widened,
    widened_recovery,
)
from sim.studies.episodes import Bench, EpisodeRequest, limit_of
from sim.studies.loading.inputs import check_inputs, placed
from sim.studies.run.asked import asked_of_runs
from sim.studies.run.figures import Figures, Findings, Runs, judged, memory_of, not_met, paces_of
from sim.studies.window import MeasuredWindow, begins_empty, measured
from sim.units import format_duration_ns

MOST_REPLICATIONS_FACTOR = 20
"""`precision` gives up at this many times the requested replications: seeds are never retried."""


@dataclass(frozen=True, slots=True)
class Options(RunOptions):
    """What the caller may ask for beside the scenario; None leaves the scenario's own.

    lives: whether the life of the first execution that breaks a monitor is recorded, for which it is run once more.
    drills: whether scripted faults are run; without them there is nothing on recovery from them.
    draws: of uncertain parameters, one for each replication, which is run once more with it.
    rows: whether base runs keep their rows; without them they tell what the prediction asks, and take far less memory.
    """

    OF_A_RUN = (*RunOptions.OF_A_RUN, "replications", "precision", "horizon_ns", "warmup")

    replications: int | None = None
    precision: float | None = None
    horizon_ns: int | None = None
    warmup: str | int | None = None
    lives: bool = True
    drills: bool = True
    draws: Draws | None = None
    rows: bool = True


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the line gives. replications: the base runs; drills: episodes of each scripted fault, by its name.
    deadlines_ns: within what time an execution has to end correctly, by workflow."""

    summary: Summary
    bill: Bill | None
    replications: tuple[Replication, ...]
    drills: Mapping[str, tuple[Episode, ...]] = field(default_factory=dict)
    interrupted: bool = False
    deadlines_ns: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def passes(self) -> bool:
        """Whether it is neither overloaded nor stands still, every objective is met, and no execution has broken what
        must hold in all."""
        summary = self.summary
        if summary.standstills or (summary.overload is not None and summary.overload.overloaded):
            return False
        broken = any(monitor.violated for monitor in summary.monitors)
        return not broken and all(one.verdict == "met" for one in summary.objectives)


def predict(loaded: Loaded, options: Options | None = None) -> Prediction:
    """Predict latency, recovery and cost of a scenario.

    Raises InputErrors for what is wrong with the input, AuditFailed when a run breaks a law, KeyboardInterrupt when it
    is stopped before there is any result.
    """
    options = options or Options()
    began = time.perf_counter()
    line = _Line(loaded, options.settings(loaded.scenario.run), options)
    window = line.window()
    base = line.base(window)
    stuck = standstill(base, loaded.lowered.words)
    if stuck is not None:
        window = window.until(max(round(stuck.at_s * 1e9), 1))
        base = line.base(window)
    overload = judged(loaded, base, line.settings) if stuck is None else None
    if stuck is None and (overload is None or not overload.overloaded):
        inputs, drills = line.inputs(window, base), line.drills()
    else:
        inputs, drills = {}, {}  # beside runs that go down by themselves a fault shows nothing
    stalled = (
        standstill([one.run for one in episodes], loaded.lowered.words, f"drills of {fault}")
        for fault, episodes in drills.items()
    )
    found = Findings(overload, tuple(one for one in (stuck, *stalled) if one is not None))
    return line.conclude(Runs(window, base, drills, inputs, found), time.perf_counter() - began)


def life(loaded: Loaded, execution: int, replication: int, drill: str | None, seed: int | None) -> list[str]:
    """The life of one execution as lines of text; with a drill, of the run in which that fault happens."""
    settings = Options(seed=seed).settings(loaded.scenario.run)
    line = _Line(loaded, settings, Options())
    if execution < 0:
        raise InputErrors([Problem("--execution", f"is {execution}; executions are counted from 0")])
    if replication < 0:
        raise InputErrors([Problem("--replication", f"is {replication}; replications are counted from 0")])
    if drill is not None and drill not in line.faults:
        known = f"drills here: {', '.join(line.faults)}" if line.faults else "a drill is a fault with a time, `at`"
        raise InputErrors([Problem("--drill", f"is {drill}, which is no drill of this scenario", known)])
    if drill is None:
        warmup = settings.warmup if isinstance(settings.warmup, int) else 0
        follow = settings.horizon_ns if settings.follow_ns is None else settings.follow_ns
        window = MeasuredWindow(warmup, settings.horizon_ns, follow, settings.drain_ns, 0, True, "")
        planned = line.network, window.plan(settings.seed, replication)
    else:
        request = line.drill(drill, replication)
        planned = line.bench.episode_of(request)
    log, run = life_of(*planned, execution, line.runner.traces)
    if drill is not None and execution >= len(run.executions.start_ns):  # it may be of a record that went on
        planned = line.bench.episode_of(replace(request, record_ns=max(request.record_ns, line.limit_ns)))
        log, run = life_of(*planned, execution, line.runner.traces)
    count = len(run.executions.start_ns)
    if execution >= count:
        there = f"has {count:,}, counted from 0 to {count - 1}" if count else "has none"
        raise InputErrors([Problem("--execution", f"is {execution}, but this run {there}")])
    return life_text(log, run, execution, drill)


class _Line:
    """One prediction under way."""

    def __init__(self, loaded: Loaded, settings: RunSettings, options: Options) -> None:
        self.loaded = loaded
        self.network = loaded.lowered.network
        self.settings = settings
        self.options = options
        self.runner = Runner(loaded.lowered, check_inputs(loaded), options)
        self.asked = None if options.rows else asked_of_runs(loaded)
        self.limit_ns = limit_of(settings)
        self.bench = Bench(loaded, settings, self.runner, drain_ns=min(settings.drain_ns, self.limit_ns))
        self.faults = {
            name: kind.at_ns
            for name, kind in self.bench.kinds.items()
            if kind.at_ns is not None and self.network.faults[name].is_drill
        }

    def window(self) -> MeasuredWindow:
        """The part of the runs that is measured."""
        given = {"run.horizon": self.options.horizon_ns, "run.warmup": self.options.warmup}
        try:
            return measured(self.network, self.settings, self.settings.seed, partial(self.runner.pilots, self.network))
        except InputErrors as error:
            # A problem of an option is reported at the option, not in the file.
            problems = [
                one if given.get(one.path) is None else replace(one, path=f"--{one.path.removeprefix('run.')}")
                for one in error.problems
            ]
            raise InputErrors(placed(self.loaded, problems)) from None

    def base(self, window: MeasuredWindow) -> list[Replication]:
        """The measured runs: as many as requested, or as many as the precision takes, in batches of that size."""
        batch = self.settings.replications
        precision = self.settings.precision
        runs = self.runner.run("runs", self._planned(window, range(batch)), self.asked)
        if not runs:
            raise KeyboardInterrupt
        if precision is None or standstill(runs) is not None or not window.steady:
            return runs
        overload = judged(self.loaded, runs, self.settings)
        if overload is not None and overload.overloaded:
            return runs  # which no number of runs makes precise
        most = batch * MOST_REPLICATIONS_FACTOR
        while len(runs) < most and not self.runner.interrupted and not self._precise(window, runs, precision):
            more = range(len(runs), min(len(runs) + batch, most))
            runs += self.runner.run("runs", self._planned(window, more), self.asked)
        if not self._precise(window, runs, precision) and not self.runner.interrupted:
            self.runner.warn(
                f"the requested precision is not reached after {len(runs)} runs; run.horizon may be too short"
            )
        return runs

    def inputs(self, window: MeasuredWindow, base: Sequence[Replication]) -> dict[str, float]:
        """By metric, how far the uncertainty of drawn parameters moves it; empty where none are drawn."""
        if self.options.draws is None:
            return {}
        plans = [window.plan(self.settings.seed, index) for index in range(len(base))]
        planned = drawn_runs(self.loaded, self.options.draws(len(base)), plans)
        runs = self.runner.run("inputs", planned, self.asked)
        return input_spread(base, runs)

    def _planned(self, window: MeasuredWindow, indices: range) -> list[Planned]:
        return [(self.network, window.plan(self.settings.seed, index)) for index in indices]

    def _precise(self, window: MeasuredWindow, runs: Sequence[Replication], precision: float) -> bool:
        memory = memory_of(self.paces, window, runs)
        figures = base_figures(
            runs, self.loaded.lowered.deadlines_ns, self.settings.confidence, lambda _: None, False, memory
        )
        wanted = {objective.metric for objective in self.loaded.scenario.objectives} & figures.keys()
        names = wanted or {
            name for name in figures if name.startswith("latency.") and name.endswith((".mean", ".p99"))
        }
        return all(_relative(name, figures[name]) <= precision for name in names)

    @cached_property
    def paces(self) -> Mapping[str, Pace]:
        """What relaxation times are made of, by place."""
        return {} if self.settings.finite else paces_of(self.network)

    # -- drills -----------------------------------------------------------------------------------------------

    def drill(self, fault: str, replication: int, horizon_ns: int = 0) -> EpisodeRequest:
        """A scripted fault at its own time, in a record that ends at an instant, or that is long enough for the last
        of them: they share their baseline runs."""
        end_ns = horizon_ns or max(self.faults.values()) + self.settings.drill_window_ns
        return EpisodeRequest(
            ((self.bench.kinds[fault], self.faults[fault]),), replication, end_ns - self.faults[fault]
        )

    def drills(self) -> dict[str, list[Episode]]:
        """Every scripted fault in runs of its own, beside baseline runs without any."""
        if not self.faults or not self.options.drills:
            return {}
        count = self.settings.drills or self.settings.replications
        names = [fault for _ in range(count) for fault in self.faults]
        requests = [self.drill(fault, index // len(self.faults)) for index, fault in enumerate(names)]
        found: dict[str, list[Episode]] = {}
        for fault, episode in zip(names, self.bench.run(requests, self.limit_ns), strict=False):
            found.setdefault(fault, []).append(episode)
        return found

    # -- conclusions ------------------------------------------------------------------------------------------

    def conclude(self, runs: Runs, wall_s: float) -> Prediction:
        """Figures, verdicts, monitors, bill."""
        confidence, findings = self.settings.confidence, runs.findings
        figures = Figures(self.loaded, self.settings, runs, self.paces, self.limit_ns, self.runner.warn)
        curves, timelines, splits = pictures(runs.base, runs.drilled, confidence, figures.memory)
        self._warn_of_window(runs)
        place = calibration_of(features(self.loaded.scenario, self.loaded.document.data, figures.at_level(confidence)))
        place = replace(place, inputs={**place.inputs, **runs.inputs})
        summary = Summary(
            name=self.loaded.scenario.name,
            file=self.loaded.document.file,
            hash=self.loaded.hash,
            command=self.options.command,
            seed=self.settings.seed,
            replications=len(runs.base),
            events=sum(run.events for run in runs.base),
            warmup_s=runs.window.warmup_ns / 1e9,
            horizon_s=runs.window.horizon_ns / 1e9,
            metrics={name: widened(name, one, place) for name, one in figures.at_level(confidence).items()},
            objectives=self._objectives(figures, place, findings),
            recovery=tuple(widened_recovery(one, place) for one in figures.recoveries(confidence)),
            monitors=monitors(runs.every, self._traces_of_violators(runs)) if runs.every else (),
            warnings=tuple(self.runner.warnings),
            curves={} if findings.grows else curves,
            timelines=timelines,
            splits=splits,
            assumptions=self.loaded.lowered.assumptions,
            provenance=provenance(runs.base[0].engine if runs.base else "", wall_s),
            calibration=place,
            elements=self.loaded.elements,
            sets=self.loaded.sets,
            mitigation=self.loaded.mitigation,
            overload=findings.overload,
            standstills=findings.standstills,
        )
        drills = {fault: tuple(episodes) for fault, episodes in runs.drills.items()}
        deadlines_ns = self.loaded.lowered.deadlines_ns
        bill = figures.bill(confidence)
        return Prediction(summary, bill, tuple(runs.base), drills, self.runner.interrupted, deadlines_ns)

    def _warn_of_window(self, runs: Runs) -> None:
        """Say what is to be known of the measured window."""
        scenario, window = self.loaded.scenario, runs.window
        if window.note:
            self.runner.warn(f"window: {window.note}")
        if self.settings.start == "empty" and not runs.findings.reason:
            mitigation = ", or start: in_progress" if scenario.network is None and scenario.dbos is None else ""
            for what in begins_empty(self.network, window, mitigation):
                self.runner.warn(what)
        if window.steady and self.settings.runs_per_month is not None:
            self.runner.warn("run.runs is not used: the load goes on by itself, and a month of it is billed")

    def _objectives(self, figures: Figures, place: Calibration, findings: Findings) -> tuple[Verdict, ...]:
        """The objectives with their verdicts; what is overloaded or stands still meets none."""
        objectives = self.loaded.scenario.objectives
        judged = verdicts(objectives, figures.at_level, self.settings.confidence)
        found = tuple(judged_widely(objective, one, place) for objective, one in zip(objectives, judged, strict=True))
        return not_met(found, findings.reason, findings.stands_still) if findings.reason else found

    def _traces_of_violators(self, runs: Runs) -> dict[str, list[str]]:
        """The life of the first execution that broke each monitor, by running its replication once more."""
        every: list[tuple[str | None, Replication]] = [(None, run) for run in runs.base]
        every += [(fault, run) for fault, some in runs.drilled.items() for run in some]
        found: dict[str, list[str]] = {}
        for fault, run in every if self.options.lives else ():
            for monitor in run.monitors:
                if monitor.examples and monitor.name not in found:
                    planned: Planned = self.network, runs.window.plan(self.settings.seed, run.index)
                    if fault is not None:
                        planned = self.bench.episode_of(self.drill(fault, run.index, run.horizon_ns))
                    log, again = life_of(*planned, monitor.examples[0], self.runner.traces)
                    found[monitor.name] = life_text(log, again, monitor.examples[0], fault)
        return found


def _relative(name: str, figure: Figure) -> float:
    """Relative half-width; of an availability, that of one minus it."""
    if figure.value is None or figure.half_width is None:
        return float("inf")
    value = 1 - figure.value if name.startswith("availability.") else figure.value
    return figure.half_width / abs(value) if value else 0.0 if figure.half_width == 0 else float("inf")


def life_text(log: Sequence[tuple[int, str]], run: Replication, execution: int, drill: str | None) -> list[str]:
    """What the log of a run tells of one execution. drill: the fault that happens in that run, if any."""
    rows = run.executions
    start = int(rows.start_ns[execution])
    routine = run.routines[int(rows.routine[execution])]
    where = f"replication {run.index}" if drill is None else f"replication {run.index} of the drill {drill}"
    lines = [f"execution {execution} of {routine} in {where}, started at {format_duration_ns(start)} of the run"]
    lines += [f"  +{format_duration_ns(when - start):>12}  {what}" for when, what in log]
    if rows.end_ns[execution] < 0:
        lines.append("  still open at the end of the run")
    return lines
