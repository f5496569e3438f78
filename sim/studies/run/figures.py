"""The figures of a prediction's runs, at any level of confidence: metrics, recovery, bill.

Times and rates of an overloaded system depend on how long it is watched: objectives on them are missed, whatever the
figure. Availability, counts and cost stay as they were measured. Nothing is told to run longer: it would not help.
What the runs remember are relaxation times by the closed form, at the load that the runs have shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from sim.analytic.estimate import estimate
from sim.analytic.relaxation import Pace, paces
from sim.cost.bill import Bill
from sim.figure import Figure
from sim.lower.load import Loaded
from sim.network import Network
from sim.report.wording import reason_of
from sim.results.columns import PlaceUse, Replication
from sim.scenario.model.settings import RunSettings
from sim.stats.episodes import Episode, losses_in, recovery_of
from sim.stats.intervals import NS
from sim.stats.metrics import DONE, memory_hours, of_the_platform, recoveries_of_executions, shares_of_operations
from sim.stats.overload import Overload, Place, overload
from sim.stats.relaxation import Memory, Relaxation
from sim.stats.room import busy_of, rooms
from sim.stats.sli import good_share
from sim.stats.summarise import base_figures, recovery_metrics
from sim.stats.summary import Recovery, Standstill, Verdict
from sim.studies.billing import bill_of
from sim.studies.episodes import goes_round
from sim.studies.metrics.families import INDICATORS, PLANNED, families_of
from sim.studies.run.asked import slis_of
from sim.studies.window import MeasuredWindow, is_stationary
from sim.units import format_duration_s

ERRORS = 4.0
"""Standard errors by which the runs have to be off the closed form before they are believed instead."""


def memory_of(known: Mapping[str, Pace], window: MeasuredWindow, runs: Sequence[Replication]) -> Memory:
    """Relaxation times of a network's places, and how long its runs are. known: see `paces_of`.

    The utilisation is that of the closed form, which no luck of the runs can move, as long as the runs are within
    ERRORS standard errors of it; else the nearest that they are. Where work is turned away or gives up at a place that
    is asked for more than it can do, the closed form does not hold, and its time is not known.
    """
    found = {}
    for name, pace in known.items():
        uses = [run.places[name] for run in runs]
        shown = [busy_of(use, run.window_ns) for use, run in zip(uses, runs, strict=True)]
        utilisation = _believed(pace, shown)
        if utilisation >= 1 and any(use.rejected or use.refused or use.abandoned for use in uses):
            continue
        wait = _wait_s(pace, uses, utilisation)
        seconds = pace.relaxation_s(utilisation)
        found[name] = Relaxation(name, utilisation, seconds, wait, pace.visits, pace.scv)
    return Memory(found, (window.horizon_ns - window.warmup_ns) * NS, window.warmup_ns * NS, len(runs))


def paces_of(network: Network) -> dict[str, Pace]:
    """What relaxation times are made of, by place; nothing where load or faults depend on the time."""
    return paces(network, estimate(network)) if is_stationary(network) else {}


def _believed(pace: Pace, shown: Sequence[float | None]) -> float:
    """The utilisation that is gone by."""
    computed = pace.estimate.utilisation
    values = np.array([share for share in shown if share is not None], dtype=np.float64)
    if not pace.measured or len(values) < max(len(shown), 2):
        return computed
    reach = ERRORS * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(np.clip(computed, values.mean() - reach, values.mean() + reach))


def _wait_s(pace: Pace, uses: Sequence[PlaceUse], utilisation: float) -> float:
    """Mean wait of a visit: the longer of what the runs have shown and of the closed form, where it has one."""
    count = sum(use.wait_count for use in uses)
    shown = sum(use.wait_sum_ns for use in uses) * NS / count if count else 0.0
    computed = pace.estimate.wait_s
    return shown if math.isinf(computed) and utilisation < 1 else max(shown, computed)


def judged(loaded: Loaded, replications: Sequence[Replication], settings: RunSettings) -> Overload | None:
    """The judgement of base runs, with what each place is set by; None where growth says nothing: bursts, profiles,
    loads that end."""
    network = loaded.lowered.network
    if settings.finite or settings.cycle_ns is not None or not is_stationary(network):
        return None
    found = overload(network, replications, settings.confidence)
    if found is None:
        return None
    elements = loaded.elements

    def told(place: Place) -> Place:
        setting = elements[place.name].setting
        return replace(place, words=setting.words, setting=setting.path, where=elements[place.name].where.short)

    def users(places: Sequence[Place]) -> tuple[Place, ...]:
        return tuple(told(one) for one in places if not elements[one.name].setting.is_inner)

    return replace(found, full=users(found.full), behind=users(found.behind))


def without_a_steady_value(figures: Mapping[str, Figure], reason: str, times: bool) -> dict[str, Figure]:
    """The figures with the reason in place of every refusal, none of which a longer run would lift; with `times` also
    in place of those that have no steady value."""
    return {
        name: Figure.refused(one.unit, reason, one.n)
        if one.value is None or (times and has_no_steady_value(name))
        else one
        for name, one in figures.items()
    }


def not_met(verdicts: Sequence[Verdict], reason: str, all_but_cost: bool) -> tuple[Verdict, ...]:
    """The verdicts with all on times and rates missed, for this reason; with `all_but_cost` on anything but money."""

    def fails(metric: str) -> bool:
        family = metric.partition(".")[0]
        return has_no_steady_value(metric) or family in DONE or (all_but_cost and family != "cost")

    return tuple(
        replace(one, verdict="missed", fragile=False, figure=replace(one.figure, note=reason))
        if fails(one.metric)
        else one
        for one in verdicts
    )


def has_no_steady_value(metric: str) -> bool:
    """Whether a figure depends on how long it is watched while work piles up: every time that runs show and every
    number that waits or is under way; indicators of a latency and of the answer to a start, too."""
    family = families_of(metric)[0]
    if family in INDICATORS:
        return not metric.startswith("outcome.")
    return (family.unit == "s" and family.cohort != PLANNED) or metric.startswith(("in_flight.", "queue."))


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


@dataclass(frozen=True)
class Runs:
    """Everything that was run for a prediction.

    base: the measured runs; drills: episodes by fault. inputs: by metric, how far the
    uncertainty of drawn parameters moves it.
    """

    window: MeasuredWindow
    base: Sequence[Replication]
    drills: Mapping[str, Sequence[Episode]]
    inputs: Mapping[str, float]
    findings: Findings

    @cached_property
    def drilled(self) -> dict[str, list[Replication]]:
        """The runs of the drills, by fault."""
        return {fault: [episode.run for episode in episodes] for fault, episodes in self.drills.items()}

    @property
    def every(self) -> list[Replication]:
        """All runs, the base runs first."""
        return [*self.base, *(run for runs in self.drilled.values() for run in runs)]


class Figures:
    """Figures of runs at any level of confidence, each computed once.

    limit_ns: up to which episodes were followed. warn: hears the remarks on the figures at the scenario's level.
    """

    def __init__(
        self,
        loaded: Loaded,
        settings: RunSettings,
        runs: Runs,
        paces: Mapping[str, Pace],
        limit_ns: int,
        warn: Callable[[str], None],
    ) -> None:
        self.loaded, self.settings, self.runs = loaded, settings, runs
        self.limit_ns, self.warn = limit_ns, warn
        self.memory = memory_of(paces, runs.window, runs.base)
        self.recoveries = cache(self._recoveries)
        self.bill = cache(self._bill)
        self.at_level = cache(self._figures)

    def _recoveries(self, level: float) -> tuple[Recovery, ...]:
        lowered = self.loaded.lowered
        return tuple(
            replace(
                recovery_of(episodes, None, level),
                followed_s=self.limit_ns / 1e9,
                losses=losses_in([e.run for e in episodes], lowered.in_drills, lowered.ages_in_drills, level),
            )
            for episodes in self.runs.drills.values()
        )

    def _bill(self, level: float) -> Bill | None:
        window, per_month = self.runs.window, self.settings.runs_per_month
        is_any_hour = window.steady or (
            per_month is None and goes_round(self.loaded, window.horizon_ns - window.warmup_ns)
        )
        return bill_of(self.loaded, self.runs.base, is_any_hour, per_month, level)

    def _figures(self, level: float) -> Mapping[str, Figure]:
        found = self._of_the_network(level) | self._of_the_product(level) | self._of_recovery(level)
        lowered, findings = self.loaded.lowered, self.runs.findings
        found |= {name: Figure.exact(one.value, one.unit, one.how) for name, one in lowered.computed.items()}
        found |= {sli.name: good_share(self.runs.base, sli, level) for sli in slis_of(self.loaded)}
        money = self.bill(level)
        if money is not None and money.total_per_month is not None:
            found["cost.total"] = money.total_per_month
        return without_a_steady_value(found, findings.reason, findings.grows) if findings.reason else found

    def _of_the_network(self, level: float) -> dict[str, Figure]:
        """Latency, waits and loads of the base runs."""
        lowered, runs = self.loaded.lowered, self.runs
        warn = self.warn if level == self.settings.confidence else (lambda _: None)
        steady = runs.window.steady and not runs.findings.grows
        found = base_figures(runs.base, lowered.deadlines_ns, level, warn, steady, self.memory)
        found |= rooms(lowered.network, runs.base, level)
        # Where nothing is lost outside of drills, nobody asks how old it was.
        ages = tuple(f"{family}." for family in lowered.ages_in_drills.values())
        return {name: one for name, one in found.items() if one.value is not None or not name.startswith(ages)}

    def _of_the_product(self, level: float) -> dict[str, Figure]:
        """What a product counts by itself: flushes, matches of task queues, memory, shares of operations."""
        lowered, base = self.loaded.lowered, self.runs.base
        queues = {name: (match.dispatched, match.backlog) for name, match in lowered.task_queues.items()}
        found = of_the_platform(base, lowered.flushes, queues, level) | memory_hours(base, lowered.memories, level)
        return found | shares_of_operations(base, lowered.shares, level)

    def _of_recovery(self, level: float) -> dict[str, Figure]:
        """Recovery from faults, and of the executions that a crash hit: in drills, else in the base runs."""
        crashed = [
            run
            for runs in self.runs.drilled.values()
            for run in runs
            if any(span.after_crash and span.count for span in run.spans.values())
        ]
        of_executions = recoveries_of_executions(crashed or self.runs.base, level, bool(crashed))
        return recovery_metrics(self.recoveries(level)) | of_executions
