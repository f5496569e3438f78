"""The study of stability: does a short fault leave a lasting outage? A trigger is removed and watched, two starts are
compared, the load is searched from which the fault is permanent, and mitigations are tried.

A search assumes that more load never makes it easier to come back. Its episodes at every load are on the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from sim.analytic.estimate import estimate
from sim.draws.build import inverse_of
from sim.engine.run import Traces
from sim.errors import InputErrors, Problem
from sim.figure import Figure
from sim.lower.load import Loaded, mitigated
from sim.lower.lower import lower
from sim.network.distributions import Constant
from sim.network.faults import Fault
from sim.report.wording import deadlock_sentence
from sim.scenario.load import inexact, scaled
from sim.scenario.reading.edit import Mitigation, as_assignments
from sim.stats.drift import drift, modes
from sim.stats.episodes import recovery_of
from sim.stats.intervals import mean_interval, ratio_interval
from sim.stats.late import NOT_DONE, Late, falls_behind
from sim.stats.quantiles import MIN_SECTIONS, percentile_interval
from sim.stats.skewed import independent_share
from sim.stats.threshold import Tried, decisions_at_most, threshold
from sim.studies.base import Runner
from sim.studies.billing import bill_of
from sim.studies.episodes import Bench, FaultKind, kinds_of
from sim.studies.loading.inputs import check_inputs, placed
from sim.studies.stability.at_load import Alone, AtLoad, TriggerWatch, good_share
from sim.studies.stability.records import Band, EndState, Stability, StabilityOptions, TriggerOutcome, TwoStarts

MOST = 4
"""A decision that takes more than this many times its fewest outcomes stays undecided."""
FARTHEST = 2.0
"""The closed form is asked for loads of up to this many times the upper end of a search."""
FEW_GOOD = 0.9
"""Good ends for each start, at the lowest load, below which the reader has to know."""
PICTURED = 5
"""Loads at least at which both starts are compared: the ends of the search, and evenly between."""
CLOSE = 0.01
"""Relative width at which the search for the load of the closed form ends."""


def foreseen(loaded: Loaded, options: StabilityOptions) -> int:
    """About how many runs it will take, known before it begins."""
    least, mitigations = max(options.decision.least, MIN_SECTIONS), len(loaded.scenario.mitigations)
    steps = decisions_at_most(options.low, options.high, options.within) // 2 if options.sweeps else 0
    search = least + 3 * steps * least if steps else 0  # episodes beside baseline runs, and about as many runs without
    each = 2 * options.episodes
    starts = (max(steps, PICTURED) + PICTURED) * least if steps else least
    return each + starts + search + mitigations * (each + (search if options.sweep_mitigations else 0))


def stability(loaded: Loaded, options: StabilityOptions) -> Stability:
    """The whole study.

    Raises InputErrors for what is wrong with the input, AuditFailed when a run breaks a law, KeyboardInterrupt when it
    is stopped.
    """
    return _Study(loaded, options).conclude()


def watch_of(loaded: Loaded, options: StabilityOptions, traces: Traces) -> TriggerWatch:
    """What is watched. Raises InputErrors for a fault that is not there or never ends, and a load that ends."""
    run = options.settings(loaded.scenario.run)
    settings = run.model_copy(update={"drill_window_ns": options.limit_ns or run.drill_window_ns})
    kinds = kinds_of(loaded.lowered)
    problems: list[Problem] = []
    if run.finite:
        problems.append(
            Problem("run.finite", "is set, but only a load that goes on can keep a system down", "leave it out")
        )
    if options.fault not in kinds:
        known = f"faults here: {', '.join(kinds)}" if kinds else "this scenario has no faults"
        problems.append(Problem("--fault", f"is {options.fault}, which is no fault of this scenario", known))
        raise InputErrors(placed(loaded, problems))
    kind = kinds[options.fault]
    faults = _faults_of(kind)
    lasts = [(fault.at_ns or 0, fault.duration) for fault in faults if fault.duration is not None]
    if len(lasts) < len(faults):
        message = f"is {options.fault}, which never ends by itself: there is no trigger to remove"
        problems.append(Problem("--fault", message, "give the fault a `duration` (or `repair`)"))
    if problems:
        raise InputErrors(placed(loaded, problems))
    lasts_ns = max(at_ns + round(inverse_of(duration).quantile(0.99) * 1e9) for at_ns, duration in lasts)
    return TriggerWatch(options.fault, kind.at_ns, 0, lasts_ns, settings.drill_window_ns, settings, traces)


def _faults_of(kind: FaultKind) -> list[Fault]:
    """All that an episode may be made of."""
    return [fault for variant in kind.variants for fault in variant.faults.values()]


class _Study:
    """One study under way."""

    def __init__(self, loaded: Loaded, options: StabilityOptions) -> None:
        self.loaded = loaded
        self.options = options
        self.watch = watch_of(loaded, options, check_inputs(loaded))
        self.decision = options.decision
        self.runners: list[Runner] = []
        self.notes: list[str] = []
        if self.watch.begin_ns is None:
            self.runners.append(Runner(loaded.lowered, self.watch.traces, options))
            bench = Bench(loaded, self.watch.settings, self.runners[-1])
            bench.settle()
            self.watch = replace(self.watch, settled_ns=bench.settled_ns)

    def conclude(self) -> Stability:
        options, watch = self.options, self.watch
        loads = _Loads(self, self.loaded)
        as_it_is = loads.outcome("", ())
        given = loads.at(options.at)
        backlog = options.backlog or max(after.left for after in given.after)
        starts = self._starts(loads, backlog)
        mitigations = tuple(
            self._mitigation(name, mitigation) for name, mitigation in self.loaded.scenario.mitigations.items()
        )
        loads.say_deadlocks()
        self._say_what_is_approximate(given, as_it_is.band)
        return Stability(
            name=self.loaded.scenario.name,
            file=self.loaded.document.file,
            hash=self.loaded.hash,
            seed=watch.settings.seed,
            fault=watch.fault,
            begin_s=None if watch.begin_ns is None else watch.begin_ns / 1e9,
            lasts_s=watch.lasts_ns / 1e9,
            lasts_exactly=all(isinstance(fault.duration, Constant) for fault in _faults_of(given.kind)),
            limit_s=watch.limit_ns / 1e9,
            at=options.at,
            as_it_is=as_it_is,
            backlog=backlog,
            starts=starts,
            mitigations=mitigations,
            error=options.error,
            within=options.within,
            runs=sum(one.runs_done for one in self.runners),
            notes=tuple(self.notes),
        )

    def _starts(self, loads: _Loads, backlog: int) -> tuple[TwoStarts, ...]:
        """Both starts at every load that was tried, and at PICTURED loads between the ends of the search."""
        if not backlog:
            self.notes.append("the fault leaves no backlog, so there is no overloaded start: declare one by --backlog")
            return ()
        low, high, count = self.options.low, self.options.high, max(self.decision.least, MIN_SECTIONS)
        for step in range(PICTURED if self.options.sweeps else 0):
            loads.at(low + (high - low) * step / (PICTURED - 1))
        found = []
        for at in loads.every:
            at.alone_up_to(count)
            at.run_overloaded(backlog, count)
            found.append(_starts_at(at))
        return tuple(found)

    def _mitigation(self, name: str, mitigation: Mitigation) -> TriggerOutcome:
        """The trigger with a mitigation, at the given load; and its own search, where that is requested."""
        loaded = mitigated(self.loaded, name)
        if self.watch.fault not in kinds_of(loaded.lowered):
            message = f"takes the fault {self.watch.fault} away, so that there is nothing to try it on"
            raise InputErrors(placed(self.loaded, [Problem(f"mitigations.{name}", message)]))
        loads = _Loads(self, loaded)
        outcome = loads.outcome(name, tuple(as_assignments(mitigation)))
        loads.say_deadlocks(name)
        return outcome

    def _say_what_is_approximate(self, given: AtLoad, band: Band | None) -> None:
        options = self.options
        if band is not None and band.good < FEW_GOOD:
            self.notes.append(
                f"of what starts in the last stretch at the lowest load, {100 * band.good:.0f} % ends well in it; "
                "this is taken for a load that is carried, and others are held against it"
            )
        if band is not None and (band.permanent.is_contradicted or band.alone.is_contradicted):
            self.notes.append(
                "it mostly stays at one load and mostly not at a greater one: either a verdict is wrong by chance, or "
                "more load makes it easier to come back, and the search does not hold"
            )
        for factor in (options.low, options.high):
            rounded = list(inexact(self.loaded.scenario, factor))
            if rounded:
                self.notes.append(f"at {factor:g} times the load whole numbers are rounded: {'; '.join(rounded)}")
        cycle = given.bench.cycle
        quarter_ns = given.request(0).last_ns + self.watch.record_ns
        if cycle.of_load and cycle.length_ns and (quarter_ns // 4) % cycle.length_ns:
            self.notes.append(
                "the load goes round in a cycle, and quarters of a run, whose lines are compared, are no whole "
                "cycles: growth may be the cycle's own; a --limit of whole cycles avoids that"
            )


class _Loads:
    """One scenario, as it stands or with a mitigation, at the loads that were tried."""

    def __init__(self, study: _Study, loaded: Loaded) -> None:
        self.study = study
        self.loaded = loaded
        self.tried: dict[float, AtLoad] = {}

    @property
    def every(self) -> list[AtLoad]:
        """In the order of the load."""
        return [self.tried[factor] for factor in sorted(self.tried)]

    def at(self, factor: float) -> AtLoad:
        """The scenario at a factor of its load."""
        if factor not in self.tried:
            self.tried[factor] = AtLoad.of(self.loaded, factor, self.study.watch, self.study.options)
            self.study.runners.append(self.tried[factor].runner)
        return self.tried[factor]

    def say_deadlocks(self, mitigation: str = "") -> None:
        """Record deadlocks: a run that stands still never comes back, and is counted so."""
        found = [deadlock_sentence(one) for at in self.tried.values() for one in at.runner.standstills]
        with_mitigation = f" with {mitigation}" if mitigation else ""
        self.study.notes += [f"{one}; they count as staying down{with_mitigation}" for one in dict.fromkeys(found)]

    def outcome(self, mitigation: str, settings: tuple[str, ...]) -> TriggerOutcome:
        """What comes of the trigger at the given load, and the search where it is requested."""
        options, watch = self.study.options, self.study.watch
        given = self.at(options.at)
        episodes = given.run_more(options.episodes)
        confidence = watch.settings.confidence
        back = sum(one.back for one in given.after)
        recovery = recovery_of(episodes, watch.limit_ns, confidence)
        money = bill_of(given.loaded, [one.baseline for one in episodes], True, None, confidence)  # without the fault
        episodes.clear()  # a run may hold a million rows
        searched = options.sweeps and (not mitigation or options.sweep_mitigations)
        return TriggerOutcome(
            mitigation,
            settings,
            independent_share(back, options.episodes, confidence),
            sum(one.draining for one in given.after),
            _good([one.late for one in given.after], confidence),
            recovery,
            None if money is None else money.total_per_month,
            self.band() if searched else None,
        )

    def band(self) -> Band:
        """Both thresholds. The lowest load shows how many executions end well where all is well."""
        options = self.study.options
        lowest = self.at(options.low)
        lowest.alone_up_to(self.study.decision.least)
        good = good_share(lowest.alone)
        known = [self._permanent(options.at, good)] if options.low <= options.at <= options.high else []

        blip = threshold(
            partial(self._permanent, good=good), options.low, options.high, options.within, options.error, known
        )
        seen = [one for at in self.every if at.alone and (one := self._alone_so_far(at, good)).verdict is not None]
        whole = threshold(
            partial(self._alone, good=good), options.low, options.high, options.within, options.error, seen
        )
        estimate = overloaded_from(self.loaded, options.high)
        first = self.at(blip.above).after if blip.above is not None else []
        away = [one for one in first if not one.back]
        return Band(blip, whole, estimate, good, len(away), sum(one.draining for one in away))

    def _permanent(self, factor: float, good: float) -> Tried:
        """Whether most episodes do not come back, or come back to a system that does not keep up."""
        at = self.at(factor)

        def so_far() -> Tried:
            hits = sum(
                not after.back or falls_behind(alone.late, alone.grows, good)
                for after, alone in zip(at.after, at.alone, strict=False)
            )
            return self._tried(at, hits, len(at.after))

        return self._decided(so_far, at.run_more)

    def _alone(self, factor: float, good: float) -> Tried:
        """Whether most runs without the fault do not keep up."""
        at = self.at(factor)
        return self._decided(partial(self._alone_so_far, at, good), at.run_alone)

    def _alone_so_far(self, at: AtLoad, good: float) -> Tried:
        return self._tried(at, sum(falls_behind(one.late, one.grows, good) for one in at.alone), len(at.alone))

    def _tried(self, at: AtLoad, hits: int, done: int) -> Tried:
        return Tried(at.factor, hits, done, self.study.decision.verdict(hits, done))

    def _decided(self, so_far: Callable[[], Tried], run_more: Callable[[int], object]) -> Tried:
        """What was tried once it is decided, or takes too many. First as many are tried as decide at once; then two,
        one for each core of the smallest machine."""
        least = self.study.decision.least
        while True:
            found = so_far()
            if found.verdict is not None or found.n >= MOST * least:
                return found
            run_more(max(least - found.n, 2))


def overloaded_from(loaded: Loaded, high: float) -> float | None:
    """The factor of the load from which the closed form finds a place overloaded; None far beyond what is requested.

    It takes places one by one, at their mean load, and knows no retries by timeouts.
    """

    def stable(factor: float) -> bool:
        return estimate(lower(scaled(loaded.scenario, factor)).network).stable

    low, top = 0.0, FARTHEST * high
    if stable(top):
        return None
    bottleneck = estimate(loaded.lowered.network).bottleneck
    if bottleneck is not None and bottleneck.utilisation > 0:
        # Most places are used in proportion to the load, which leaves little to search for.
        for guess in ((1 - CLOSE / 2) / bottleneck.utilisation, (1 + CLOSE / 2) / bottleneck.utilisation):
            if low < guess < top:
                low, top = (guess, top) if stable(guess) else (low, guess)
    while top - low > CLOSE * top:
        middle = (low + top) / 2
        low, top = (middle, top) if stable(middle) else (low, middle)
    return top


def _starts_at(at: AtLoad) -> TwoStarts:
    confidence = at.watch.settings.confidence
    found = modes([one.late.at_work for one in at.alone], [one.late.at_work for one in at.overloads], "")
    from_empty, from_backlog = _level(at.alone, confidence), _level(at.overloads, confidence)
    differ = None if found.differ and from_backlog.settled == "falls" else found.differ
    return TwoStarts(at.factor, from_empty, from_backlog, differ)


def _level(runs: Sequence[Alone], confidence: float) -> EndState:
    stretches = [one.late for one in runs]
    shortest = min(len(one.there) for one in runs)
    # Executions get less while the tasks that they make are still more; in a storm it is the other way round.
    trends = [
        drift([course[:shortest] for course in courses])
        for courses in ([one.there for one in runs], [one.working for one in runs])
    ]
    catches_up = all(one.good_share > 1 + NOT_DONE for one in stretches)  # by chance in one of 2^n, if it stays
    falls = catches_up or any(trend.falling for trend in trends)
    return EndState(
        mean_interval([one.at_work for one in stretches], "", confidence),
        _good(stretches, confidence),
        percentile_interval([one.latency for one in stretches], 0.99, 0.0, confidence),
        "falls" if falls else "grows" if trends[0].growing else "stays",
    )


def _good(stretches: Sequence[Late], confidence: float) -> Figure:
    """Good ends for each start."""
    starts = [float(one.starts) for one in stretches]
    return ratio_interval([float(one.good) for one in stretches], starts, "ratio", confidence)
