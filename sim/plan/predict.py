"""The whole line, once: scenario, network, runs, audit, figures, verdicts, bill."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from sim.cost.bill import Bill
from sim.engine.plan import Plan
from sim.engine.run import Planned, Traces, life_of, run_all
from sim.errors import InputErrors, Problem
from sim.figure import Figure
from sim.lower.load import Loaded
from sim.network import Network
from sim.plan.billing import bill_of
from sim.plan.inputs import check_inputs, placed
from sim.plan.window import Measured, measured
from sim.results.columns import Replication
from sim.scenario.objectives import ServiceLevel
from sim.scenario.settings import RunSettings
from sim.stats.drills import PLATFORM_SPAN, drill_recovery, losses_in_drill
from sim.stats.joined import joined
from sim.stats.metrics import memory_hours, of_the_platform, recoveries_of_executions, shares_of_operations
from sim.stats.sli import Sli, good_share
from sim.stats.summarise import Drill, base_figures, monitors, pictures, recovery_metrics, verdicts
from sim.stats.summary import Recovery, Summary
from sim.units import format_duration_ns

VERSION = "0.1.0"
MOST_REPLICATIONS_FACTOR = 20
"""`precision` gives up at this many times the replications asked for: seeds are never retried."""
RECOVERY_WINDOW_NS = 10_000_000_000
"""Windows in which recovery is looked for, unless a drill is too short for it (SEMANTICS.md, Recovery)."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller may ask for beside the scenario; None leaves the scenario's own.

    lives: whether the life of the first execution that breaks a monitor is told, for which it is run once more.
    drills: whether scripted faults are run; without them nothing is told of recovery from them.
    """

    seed: int | None = None
    replications: int | None = None
    precision: float | None = None
    horizon_ns: int | None = None
    warmup: str | int | None = None
    processes: int = -1
    engine: str = "fast"
    progress: Callable[[str, float, int], None] | None = None
    command: str = ""
    lives: bool = True
    drills: bool = True

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
    """What the line gives. replications: the base runs; drills: runs with one scripted fault, by its name; twins: the
    same without any."""

    summary: Summary
    bill: Bill | None
    replications: tuple[Replication, ...]
    drills: Mapping[str, tuple[Replication, ...]] = field(default_factory=dict)
    interrupted: bool = False
    twins: tuple[Replication, ...] = ()


def predict(loaded: Loaded, options: Options | None = None) -> Prediction:
    """Predict latency, recovery and cost of a scenario.

    Raises InputErrors for what is wrong with the input, AuditFailed when a run breaks a law, KeyboardInterrupt when it
    is stopped before there is anything to tell.
    """
    options = options or Options()
    began = time.perf_counter()
    network = loaded.lowered.network
    settings = options.settings(loaded.scenario.run)
    line = _Line(loaded, network, settings, check_inputs(loaded), options)
    window = line.window()
    base = line.base(window)
    drills = line.drills()
    return line.conclude(window, base, drills, time.perf_counter() - began)


def life(loaded: Loaded, execution: int, replication: int, drill: str | None, seed: int | None) -> list[str]:
    """The life of one execution as lines of text; with a drill, of the run in which that fault happens."""
    network = loaded.lowered.network
    settings = Options(seed=seed).settings(loaded.scenario.run)
    traces = check_inputs(loaded)
    line = _Line(loaded, network, settings, traces, Options())
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
        window = Measured(warmup, settings.horizon_ns, follow, settings.drain_ns, 0, True, "")
        plan = window.plan(settings.seed, replication)
    else:
        plan = line.drill_plan(drill, replication)
        network = loaded.lowered.drilled(drill)
    log, run = life_of(network, plan, execution, traces)
    count = len(run.executions.start_ns)
    if execution >= count:
        there = f"has {count:,}, counted from 0 to {count - 1}" if count else "has none"
        raise InputErrors([Problem("--execution", f"is {execution}, but this run {there}")])
    return _told(log, run, execution, drill)


def _told(log: Sequence[tuple[int, str]], run: Replication, execution: int, drill: str | None) -> list[str]:
    rows = run.executions
    start = int(rows.start_ns[execution])
    routine = run.routines[int(rows.routine[execution])]
    where = f"replication {run.index}" if drill is None else f"replication {run.index} of the drill {drill}"
    lines = [f"execution {execution} of {routine} in {where}, started at {format_duration_ns(start)} of the run"]
    lines += [f"  +{format_duration_ns(when - start):>12}  {what}" for when, what in log]
    if rows.end_ns[execution] < 0:
        lines.append("  still open at the end of the run")
    return lines


class _Line:
    """One prediction under way."""

    def __init__(
        self, loaded: Loaded, network: Network, settings: RunSettings, traces: Traces, options: Options
    ) -> None:
        self.loaded = loaded
        self.network = network
        self.settings = settings
        self.traces = traces
        self.options = options
        self.warnings: list[str] = []
        self.interrupted = False
        companions = loaded.lowered.companion_of
        self.faults = [
            name
            for name, fault in network.faults.items()
            if fault.is_drill and fault.at_ns is not None and name not in companions
        ]

    def run(self, what: str, planned: Sequence[Planned]) -> list[Replication]:
        """Run replications on all cores, telling the progress; an interruption keeps what is done."""
        if self.interrupted or not planned:
            return []
        progress = self.options.progress

        def told(done: float) -> None:
            if progress is not None:
                progress(what, done, len(planned))

        told(0)
        options = self.options
        runs, whole = run_all(planned, self.traces, options.processes, told, options.engine)
        if not whole:
            self.interrupted = True
            effect = "intervals are wider for it" if runs else "what they tell is left out"
            self.warn(f"interrupted: {what}: {len(runs)} of {len(planned)} are used, {effect}")
        return [joined(run, self.loaded.lowered.in_progress) for run in runs]

    def warn(self, text: str) -> None:
        """Say something once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def window(self) -> Measured:
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
        runs = self.run("warm-up", [(self.network, plan) for plan in plans])
        if self.interrupted:
            raise KeyboardInterrupt
        return runs

    def base(self, window: Measured) -> list[Replication]:
        """The measured runs: as many as asked for, or as many as the precision takes, in batches of that size."""
        batch = self.settings.replications
        runs = self.run("runs", self._planned(window, range(batch)))
        if not runs:
            raise KeyboardInterrupt
        if self.settings.precision is None:
            return runs
        most = batch * MOST_REPLICATIONS_FACTOR
        while len(runs) < most and not self.interrupted and not self._precise(runs):
            more = range(len(runs), min(len(runs) + batch, most))
            runs += self.run("runs", self._planned(window, more))
        if not self._precise(runs) and not self.interrupted:
            self.warn(f"the precision asked for is not reached after {len(runs)} runs; run.horizon may be too short")
        return runs

    def _planned(self, window: Measured, indices: range) -> list[Planned]:
        return [(self.network, window.plan(self.settings.seed, index)) for index in indices]

    def _precise(self, runs: Sequence[Replication]) -> bool:
        figures = base_figures(runs, self.deadlines, self.settings.confidence, lambda _: None, False)
        wanted = {objective.metric for objective in self.loaded.scenario.objectives} & figures.keys()
        names = wanted or {
            name for name in figures if name.startswith("latency.") and name.endswith((".mean", ".p99"))
        }
        precision = self.settings.precision
        assert precision is not None
        return all(_relative(name, figures[name]) <= precision for name in names)

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

    def drill_plan(self, fault: str | None, replication: int = 0) -> Plan:
        """A run with one scripted fault, or (None) the twin of them all; long enough for the last one."""
        last = max(self.network.faults[name].at_ns or 0 for name in self.faults)
        horizon = last + self.settings.drill_window_ns
        sample = min(RECOVERY_WINDOW_NS, max(self.settings.drill_window_ns // 12, 1))
        horizon = -(-horizon // sample) * sample
        return Plan(
            self.settings.seed, replication, 0, horizon, sample + 1, 0, sample, fault, self.settings.memory_bytes
        )

    def drills(self) -> list[Drill]:
        """Every scripted fault in runs of its own, beside twins without any."""
        if not self.faults or not self.options.drills or self.interrupted:
            return []
        networks = {None: self.network} | {fault: self.loaded.lowered.drilled(fault) for fault in self.faults}
        planned = [
            (network, self.drill_plan(fault, index))
            for index in range(self.settings.drills or self.settings.replications)
            for fault, network in networks.items()
        ]
        runs, kinds = self.run("drills", planned), len(networks)
        twins = runs[::kinds]
        found = []
        for kind, fault in enumerate(self.faults, start=1):
            drilled = runs[kind::kinds]
            if drilled:
                found.append(Drill(fault, drilled, twins[: len(drilled)], self.settings.drill_window_ns))
        return found

    @property
    def _latency_ns(self) -> float | None:
        """The bound that the scenario puts on the p99 by which recovery is told; None where it puts none."""
        routines = {source.routine for source in self.network.sources.values() if source.counted}
        metric = f"{PLATFORM_SPAN}.p99"
        if PLATFORM_SPAN.removeprefix("span.") not in self.network.spans:
            metric = f"latency.{min(routines)}.p99" if len(routines) == 1 else ""
        objectives = self.loaded.scenario.objectives
        bounds = [one.below for one in objectives if one.metric == metric and one.below is not None]
        return min(bounds) * 1e9 if bounds else None

    # -- conclusions ------------------------------------------------------------------------------------------

    def conclude(
        self, window: Measured, base: Sequence[Replication], drills: Sequence[Drill], wall_s: float
    ) -> Prediction:
        """Figures, verdicts, monitors, bill."""
        scenario, lowered = self.loaded.scenario, self.loaded.lowered
        confidence = self.settings.confidence

        @cache
        def recoveries(level: float) -> tuple[Recovery, ...]:
            return tuple(
                replace(
                    drill_recovery(drill.fault, drill.runs, drill.twins, drill.limit_ns, self._latency_ns, level),
                    losses=losses_in_drill(drill.runs, lowered.in_drills, lowered.ages_in_drills, level),
                )
                for drill in drills
            )

        @cache
        def bill(level: float) -> Bill | None:
            return bill_of(self.loaded, base, window.steady, self.settings.runs_per_month, level)

        @cache
        def figures(level: float) -> Mapping[str, Figure]:
            warn = self.warn if level == confidence else (lambda _: None)
            found = base_figures(base, self.deadlines, level, warn, window.steady)
            # Where nothing is lost outside of drills, nobody asks how old it was.
            ages = tuple(f"{family}." for family in lowered.ages_in_drills.values())
            found = {name: one for name, one in found.items() if one.value is not None or not name.startswith(ages)}
            queues = {name: (match.dispatched, match.backlog) for name, match in lowered.task_queues.items()}
            found.update(of_the_platform(base, lowered.flushes, queues, level))
            found.update(memory_hours(base, lowered.memories, level))
            found.update(shares_of_operations(base, lowered.shares, level))
            found.update(recovery_metrics(recoveries(level)))
            crashed = [run for drill in drills for run in drill.runs if _crashes(run)]
            found.update(recoveries_of_executions(crashed or base, level, bool(crashed)))
            found.update({name: Figure.exact(one.value, one.unit, one.how) for name, one in lowered.computed.items()})
            found.update({sli.name: good_share(base, sli, level) for sli in self._slis})
            money = bill(level)
            if money is not None and money.total_per_month is not None:
                found["cost.total"] = money.total_per_month
            return found

        every = [*base, *(run for drill in drills for run in drill.runs)]
        measured_routines = [name.split(".")[1] for name in figures(confidence) if name.startswith("throughput.")]
        shown = pictures(base, drills, confidence, measured_routines)
        if window.note:
            self.warn(f"window: {window.note}")
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
            metrics=figures(confidence),
            objectives=verdicts(scenario.objectives, figures, confidence),
            recovery=recoveries(confidence),
            monitors=monitors(every, self._traces_of_violators(every, window)) if every else (),
            warnings=tuple(self.warnings),
            curves=shown.curves,
            timelines=shown.timelines,
            splits=shown.splits,
            assumptions=lowered.assumptions,
            provenance=_provenance(base, wall_s),
        )
        return Prediction(
            summary,
            bill(confidence),
            tuple(base),
            {drill.fault: tuple(drill.runs) for drill in drills},
            self.interrupted,
            tuple(drills[0].twins) if drills else (),
        )

    def _traces_of_violators(self, runs: Sequence[Replication], window: Measured) -> dict[str, list[str]]:
        """The life of the first execution that broke each monitor, by running its replication once more."""
        found: dict[str, list[str]] = {}
        for run in runs if self.options.lives else ():
            for monitor in run.monitors:
                if monitor.examples and monitor.name not in found:
                    drills = (e.fault for e in run.episodes if self.network.faults[e.fault].is_drill)
                    first = next(drills, None)
                    fault = self.loaded.lowered.companion_of.get(first, first) if first is not None else None
                    plan = (
                        window.plan(self.settings.seed, run.index)
                        if fault is None
                        else self.drill_plan(fault, run.index)
                    )
                    network = self.network if fault is None else self.loaded.lowered.drilled(fault)
                    log, again = life_of(network, plan, monitor.examples[0], self.traces)
                    found[monitor.name] = _told(log, again, monitor.examples[0], fault)
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


def _provenance(runs: Sequence[Replication], wall_s: float) -> dict[str, object]:
    import platform
    from importlib.metadata import version

    return {
        "engine": runs[0].engine if runs else "",
        "wall_s": round(wall_s, 3),
        "versions": {
            "durasim": VERSION,
            "python": platform.python_version(),
            **{name: version(name) for name in ("numba", "numpy", "pydantic", "scipy", "simpy")},
        },
    }
