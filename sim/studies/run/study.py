"""The whole line, once: scenario, network, runs, audit, figures, verdicts, bill."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from sim.analytic.relaxation import Pace
from sim.cost.bill import Bill
from sim.engine.plan import Plan
from sim.engine.run import Planned, life_of
from sim.errors import InputErrors, Problem
from sim.figure import Figure
from sim.lower.load import Loaded
from sim.report.finding import reason_of
from sim.results.columns import Replication
from sim.scenario.model.objectives import ServiceLevel
from sim.scenario.model.settings import RunSettings
from sim.stats.episodes import Episode, losses_in, recovery_of
from sim.stats.metrics import memory_hours, of_the_platform, recoveries_of_executions, shares_of_operations
from sim.stats.overload import Overload
from sim.stats.room import rooms
from sim.stats.sli import Sli, good_share
from sim.stats.standstill import Standstill, standstill
from sim.stats.summarise import base_figures, monitors, pictures, recovery_metrics, verdicts
from sim.stats.summary import Recovery, Summary
from sim.studies.base import Progress, Runner
from sim.studies.billing import bill_of
from sim.studies.envelope import calibration_of, judged_widely, widened, widened_recovery
from sim.studies.episodes.bench import Bench, EpisodeRequest, limit_of
from sim.studies.episodes.phases import goes_round
from sim.studies.features import features
from sim.studies.loading.inputs import check_inputs, placed
from sim.studies.provenance import provenance
from sim.studies.run.drawn import Draws, input_spread, planned
from sim.studies.run.lives import life_text
from sim.studies.run.memory import memory_of, paces_of
from sim.studies.run.overloaded import judged, not_met, without_a_steady_value
from sim.studies.window import MeasuredWindow, begins_empty, measured
from sim.units import format_duration_s

MOST_REPLICATIONS_FACTOR = 20
"""`precision` gives up at this many times the replications asked for: seeds are never retried."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller may ask for beside the scenario; None leaves the scenario's own.

    lives: whether the life of the first execution that breaks a monitor is told, for which it is run once more.
    drills: whether scripted faults are run; without them nothing is told of recovery from them.
    draws: of uncertain parameters, one for each replication, which is run once more with it.
    """

    seed: int | None = None
    replications: int | None = None
    precision: float | None = None
    horizon_ns: int | None = None
    warmup: str | int | None = None
    processes: int = -1
    engine: str = "fast"
    progress: Progress | None = None
    command: str = ""
    lives: bool = True
    drills: bool = True
    draws: Draws | None = None

    def settings(self, run: RunSettings) -> RunSettings:
        """The scenario's run settings with these in place of its own."""
        changes: dict[str, object] = {
            key: value
            for key, value in (
                ("seed", self.seed),
                ("replications", self.replications),
                ("precision", self.precision),
                ("horizon_ns", self.horizon_ns),
                ("warmup", self.warmup),
            )
            if value is not None
        }
        return run.model_copy(update=changes)


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


@dataclass(frozen=True, slots=True)
class Findings:
    """What goes before every figure."""

    overload: Overload | None
    standstills: tuple[Standstill, ...]

    @property
    def reason(self) -> str:
        """Why times and rates mean nothing; empty where they do."""
        stuck = next((one for one in self.standstills if not one.during), None)
        if stuck is not None:
            return f"deadlock: figures are of the time up to {format_duration_s(stuck.at_s)}"
        return reason_of(self.overload) if self.overload is not None and self.overload.overloaded else ""

    @property
    def stands_still(self) -> bool:
        """Whether a base run ends in a deadlock."""
        return any(not one.during for one in self.standstills)

    @property
    def grows(self) -> bool:
        """Whether work piles up."""
        return self.overload is not None and self.overload.overloaded and self.overload.grows


def predict(loaded: Loaded, options: Options | None = None) -> Prediction:
    """Predict latency, recovery and cost of a scenario.

    Raises InputErrors for what is wrong with the input, AuditFailed when a run breaks a law, KeyboardInterrupt when it
    is stopped before there is anything to tell.
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
        inputs, drills = {}, {}  # beside runs that go down by themselves a fault tells nothing
    stalled = [stuck, *(line.stalled(fault, episodes) for fault, episodes in drills.items())]
    found = Findings(overload, tuple(one for one in stalled if one is not None))
    return line.conclude(window, base, drills, inputs, found, time.perf_counter() - began)


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
        asked = line.drill(drill, replication)
        planned = line.bench.episode_of(asked)
    log, run = life_of(*planned, execution, line.runner.traces)
    if drill is not None and execution >= len(run.executions.start_ns):  # it may be of a record that went on
        planned = line.bench.episode_of(replace(asked, record_ns=max(asked.record_ns, line.limit_ns)))
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
        in_progress = loaded.lowered.in_progress
        self.runner = Runner(check_inputs(loaded), in_progress, options.processes, options.engine, options.progress)
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
            return measured(self.network, self.settings, self.settings.seed, self._pilots)
        except InputErrors as error:
            # What an option says instead of the file is told of the option.
            problems = [
                one if given.get(one.path) is None else replace(one, path=f"--{one.path.removeprefix('run.')}")
                for one in error.problems
            ]
            raise InputErrors(placed(self.loaded, problems)) from None

    def _pilots(self, plans: Sequence[Plan]) -> list[Replication]:
        runs = self.runner.run("warm-up", [(self.network, plan) for plan in plans])
        if self.runner.interrupted:
            raise KeyboardInterrupt
        return runs

    def base(self, window: MeasuredWindow) -> list[Replication]:
        """The measured runs: as many as asked for, or as many as the precision takes, in batches of that size."""
        batch = self.settings.replications
        runs = self.runner.run("runs", self._planned(window, range(batch)))
        if not runs:
            raise KeyboardInterrupt
        if self.settings.precision is None or standstill(runs) is not None or not window.steady:
            return runs
        overload = judged(self.loaded, runs, self.settings)
        if overload is not None and overload.overloaded:
            return runs  # which no number of runs makes precise
        most = batch * MOST_REPLICATIONS_FACTOR
        while len(runs) < most and not self.runner.interrupted and not self._precise(window, runs):
            more = range(len(runs), min(len(runs) + batch, most))
            runs += self.runner.run("runs", self._planned(window, more))
        if not self._precise(window, runs) and not self.runner.interrupted:
            self.runner.warn(
                f"the precision asked for is not reached after {len(runs)} runs; run.horizon may be too short"
            )
        return runs

    def inputs(self, window: MeasuredWindow, base: Sequence[Replication]) -> dict[str, float]:
        """By metric, what is not known of drawn parameters moves it by; nothing where none are drawn."""
        if self.options.draws is None:
            return {}
        plans = [window.plan(self.settings.seed, index) for index in range(len(base))]
        runs = self.runner.run("inputs", planned(self.loaded, self.options.draws(len(base)), plans))
        return input_spread(base, runs)

    def _planned(self, window: MeasuredWindow, indices: range) -> list[Planned]:
        return [(self.network, window.plan(self.settings.seed, index)) for index in indices]

    def _precise(self, window: MeasuredWindow, runs: Sequence[Replication]) -> bool:
        memory = memory_of(self.paces, window, runs)
        figures = base_figures(runs, self.deadlines, self.settings.confidence, lambda _: None, False, memory)
        wanted = {objective.metric for objective in self.loaded.scenario.objectives} & figures.keys()
        names = wanted or {
            name for name in figures if name.startswith("latency.") and name.endswith((".mean", ".p99"))
        }
        precision = self.settings.precision
        assert precision is not None
        return all(_relative(name, figures[name]) <= precision for name in names)

    @cached_property
    def paces(self) -> Mapping[str, Pace]:
        """What relaxation times are made of, by place."""
        return {} if self.settings.finite else paces_of(self.network)

    @property
    def deadlines(self) -> Mapping[str, int | None]:
        """Deadline of each routine's executions, where it has one."""
        return self.loaded.lowered.deadlines_ns

    @property
    def _slis(self) -> list[Sli]:
        """The indicators that the scenario puts a budget on."""
        levels = (one for one in self.loaded.scenario.objectives if isinstance(one, ServiceLevel))
        return [Sli.of(level, self.deadlines) for level in levels]

    # -- drills -----------------------------------------------------------------------------------------------

    def drill(self, fault: str, replication: int, horizon_ns: int = 0) -> EpisodeRequest:
        """A scripted fault at its own time, in a record that ends at an instant, or that is long enough for the last
        of them: they share their baseline runs."""
        end_ns = horizon_ns or max(self.faults.values()) + self.settings.drill_window_ns
        return EpisodeRequest(
            ((self.bench.kinds[fault], self.faults[fault]),), replication, end_ns - self.faults[fault]
        )

    def stalled(self, fault: str, episodes: Sequence[Episode]) -> Standstill | None:
        """The deadlocks of the drills of a fault."""
        return standstill([episode.run for episode in episodes], self.loaded.lowered.words, f"drills of {fault}")

    def drills(self) -> dict[str, list[Episode]]:
        """Every scripted fault in runs of its own, beside baseline runs without any."""
        if not self.faults or not self.options.drills:
            return {}
        count = self.settings.drills or self.settings.replications
        names = [fault for _ in range(count) for fault in self.faults]
        asks = [self.drill(fault, index // len(self.faults)) for index, fault in enumerate(names)]
        found: dict[str, list[Episode]] = {}
        for fault, episode in zip(names, self.bench.run(asks, self.limit_ns), strict=False):
            found.setdefault(fault, []).append(episode)
        return found

    # -- conclusions ------------------------------------------------------------------------------------------

    def conclude(
        self,
        window: MeasuredWindow,
        base: Sequence[Replication],
        drills: Mapping[str, Sequence[Episode]],
        inputs: Mapping[str, float],
        given: Findings,
        wall_s: float,
    ) -> Prediction:
        """Figures, verdicts, monitors, bill."""
        scenario, lowered = self.loaded.scenario, self.loaded.lowered
        confidence = self.settings.confidence
        drilled = {fault: [episode.run for episode in episodes] for fault, episodes in drills.items()}

        @cache
        def recoveries(level: float) -> tuple[Recovery, ...]:
            return tuple(
                replace(
                    recovery_of(episodes, None, level),
                    followed_s=self.limit_ns / 1e9,
                    losses=losses_in([e.run for e in episodes], lowered.in_drills, lowered.ages_in_drills, level),
                )
                for episodes in drills.values()
            )

        memory = memory_of(self.paces, window, base)

        @cache
        def bill(level: float) -> Bill | None:
            per_month = self.settings.runs_per_month
            is_any_hour = window.steady or (
                per_month is None and goes_round(self.loaded, window.horizon_ns - window.warmup_ns)
            )
            return bill_of(self.loaded, base, is_any_hour, per_month, level)

        @cache
        def figures(level: float) -> Mapping[str, Figure]:
            warn = self.runner.warn if level == confidence else (lambda _: None)
            found = base_figures(base, self.deadlines, level, warn, window.steady and not given.grows, memory)
            found.update(rooms(lowered.network, base, level))
            # Where nothing is lost outside of drills, nobody asks how old it was.
            ages = tuple(f"{family}." for family in lowered.ages_in_drills.values())
            found = {name: one for name, one in found.items() if one.value is not None or not name.startswith(ages)}
            queues = {name: (match.dispatched, match.backlog) for name, match in lowered.task_queues.items()}
            found.update(of_the_platform(base, lowered.flushes, queues, level))
            found.update(memory_hours(base, lowered.memories, level))
            found.update(shares_of_operations(base, lowered.shares, level))
            found.update(recovery_metrics(recoveries(level)))
            crashed = [run for runs in drilled.values() for run in runs if _crashes(run)]
            found.update(recoveries_of_executions(crashed or base, level, bool(crashed)))
            found.update({name: Figure.exact(one.value, one.unit, one.how) for name, one in lowered.computed.items()})
            found.update({sli.name: good_share(base, sli, level) for sli in self._slis})
            money = bill(level)
            if money is not None and money.total_per_month is not None:
                found["cost.total"] = money.total_per_month
            return without_a_steady_value(found, given.reason, given.grows) if given.reason else found

        every = [*base, *(run for runs in drilled.values() for run in runs)]
        shown = pictures(base, drilled, confidence, memory)
        if window.note:
            self.runner.warn(f"window: {window.note}")
        if self.settings.start == "empty" and not given.reason:
            mitigation = ", or start: in_progress" if scenario.network is None and scenario.dbos is None else ""
            for what in begins_empty(self.network, window, mitigation):
                self.runner.warn(what)
        if window.steady and self.settings.runs_per_month is not None:
            self.runner.warn("run.runs is not used: the load goes on by itself, and a month of it is billed")
        place = calibration_of(features(scenario, self.loaded.document.data, figures(confidence)))
        place = replace(place, inputs={**place.inputs, **inputs})
        objectives = tuple(
            judged_widely(objective, one, place)
            for objective, one in zip(
                scenario.objectives, verdicts(scenario.objectives, figures, confidence), strict=True
            )
        )
        summary = Summary(
            name=scenario.name,
            file=self.loaded.document.file,
            hash=self.loaded.hash,
            command=self.options.command,
            seed=self.settings.seed,
            replications=len(base),
            events=sum(run.events for run in base),
            warmup_s=window.warmup_ns / 1e9,
            horizon_s=window.horizon_ns / 1e9,
            metrics={name: widened(name, one, place) for name, one in figures(confidence).items()},
            objectives=not_met(objectives, given.reason, given.stands_still) if given.reason else objectives,
            recovery=tuple(widened_recovery(one, place) for one in recoveries(confidence)),
            monitors=monitors(every, self._traces_of_violators(window, base, drilled)) if every else (),
            warnings=tuple(self.runner.warnings),
            curves={} if given.grows else shown.curves,
            timelines=shown.timelines,
            splits=shown.splits,
            assumptions=lowered.assumptions,
            provenance=provenance(base[0].engine if base else "", wall_s),
            calibration=place,
            elements=self.loaded.elements,
            sets=self.loaded.sets,
            mitigation=self.loaded.mitigation,
            overload=given.overload,
            standstills=given.standstills,
        )
        return Prediction(
            summary,
            bill(confidence),
            tuple(base),
            {fault: tuple(episodes) for fault, episodes in drills.items()},
            self.runner.interrupted,
            self.deadlines,
        )

    def _traces_of_violators(
        self, window: MeasuredWindow, base: Sequence[Replication], drilled: Mapping[str, Sequence[Replication]]
    ) -> dict[str, list[str]]:
        """The life of the first execution that broke each monitor, by running its replication once more."""
        runs: list[tuple[str | None, Replication]] = [(None, run) for run in base]
        runs += [(fault, run) for fault, some in drilled.items() for run in some]
        found: dict[str, list[str]] = {}
        for fault, run in runs if self.options.lives else ():
            for monitor in run.monitors:
                if monitor.examples and monitor.name not in found:
                    planned: Planned = self.network, window.plan(self.settings.seed, run.index)
                    if fault is not None:
                        planned = self.bench.episode_of(self.drill(fault, run.index, run.horizon_ns))
                    log, again = life_of(*planned, monitor.examples[0], self.runner.traces)
                    found[monitor.name] = life_text(log, again, monitor.examples[0], fault)
        return found


def _crashes(run: Replication) -> bool:
    """Whether any execution's recovery from a crash was measured in this run."""
    return any(span.after_crash and span.count for span in run.spans.values())


def _relative(name: str, figure: Figure) -> float:
    """Relative half-width; of an availability, that of one minus it."""
    if figure.value is None or figure.half_width is None:
        return float("inf")
    value = 1 - figure.value if name.startswith("availability.") else figure.value
    return figure.half_width / abs(value) if value else 0.0 if figure.half_width == 0 else float("inf")
