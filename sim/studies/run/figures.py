"""The figures of a prediction's runs, at any level of confidence: metrics, recovery, bill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

from sim.analytic.relaxation import Pace
from sim.cost.bill import Bill
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
from sim.stats.standstill import Standstill
from sim.stats.summarise import base_figures, recovery_metrics
from sim.stats.summary import Recovery
from sim.studies.billing import bill_of
from sim.studies.episodes.phases import goes_round
from sim.studies.run.memory import memory_of
from sim.studies.run.overloaded import without_a_steady_value
from sim.studies.window import MeasuredWindow
from sim.units import format_duration_s


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

    base: the measured runs; drills: episodes by fault. inputs: by metric, what is not known of drawn parameters moves
    it by.
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
        levels = (one for one in self.loaded.scenario.objectives if isinstance(one, ServiceLevel))
        slis = [Sli.of(one, lowered.deadlines_ns) for one in levels]
        found |= {sli.name: good_share(self.runs.base, sli, level) for sli in slis}
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
        crashed = [run for runs in self.runs.drilled.values() for run in runs if _crashes(run)]
        of_executions = recoveries_of_executions(crashed or self.runs.base, level, bool(crashed))
        return recovery_metrics(self.recoveries(level)) | of_executions


def _crashes(run: Replication) -> bool:
    """Whether any execution's recovery from a crash was measured in this run."""
    return any(span.after_crash and span.count for span in run.spans.values())
