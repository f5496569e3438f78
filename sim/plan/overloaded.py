"""What follows from an overload or a deadlock: which figures mean nothing then, and which objectives are not met.

Times and rates of an overloaded system depend on how long it is watched: objectives on them are missed, whatever the
figure. Availability, counts and cost stay as they were measured. Nothing is told to run longer: it would not help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sim.figure import Figure
from sim.lower.load import Loaded
from sim.plan.window import is_stationary
from sim.results.columns import Replication
from sim.scenario.settings import RunSettings
from sim.scenario.where import where
from sim.stats.overload import Overload, Place, overload
from sim.stats.summary import Verdict

TIMES = (
    *("latency", "latency_compensated", "latency_failed", "span", "wait", "start", "schedule_to_start"),
    *("workflow_task_schedule_to_start", "worker_recovery", "recovery", "in_flight"),
)
"""Families of figures that have no steady value while work piles up."""
RATES = ("throughput", "goodput", "succeeded", "completed")
"""Families that are what the full place lets through; objectives on them ask for what is offered."""


def judged(loaded: Loaded, replications: Sequence[Replication], settings: RunSettings) -> Overload | None:
    """The judgement of base runs, with what each place is set by; None where growth says nothing: bursts, profiles,
    loads that end."""
    network = loaded.lowered.network
    if settings.finite or settings.cycle_ns is not None or not is_stationary(network):
        return None
    found = overload(network, replications, settings.confidence)
    if found is None:
        return None
    settings_of = loaded.lowered.settings

    def told(places: Sequence[Place]) -> tuple[Place, ...]:
        return tuple(
            replace(
                one,
                words=settings_of[one.name].words,
                setting=settings_of[one.name].path,
                where=where(loaded.document, settings_of[one.name].path).short,
            )
            for one in places
            if not settings_of[one.name].is_inner
        )

    return replace(found, full=told(found.full), behind=told(found.behind))


def without_a_steady_value(figures: Mapping[str, Figure], reason: str, times: bool) -> dict[str, Figure]:
    """The figures with the reason in place of every refusal, none of which a longer run would lift; with `times` also
    in place of those that have no steady value."""
    return {
        name: Figure.refused(one.unit, reason, one.n)
        if one.value is None or (times and _family(name) in TIMES)
        else one
        for name, one in figures.items()
    }


def not_met(verdicts: Sequence[Verdict], reason: str, all_but_cost: bool) -> tuple[Verdict, ...]:
    """The verdicts with all on times and rates missed, for this reason; with `all_but_cost` on anything but money."""

    def fails(metric: str) -> bool:
        return _family(metric) in (*TIMES, *RATES) or (all_but_cost and _family(metric) != "cost")

    return tuple(
        replace(one, verdict="missed", fragile=False, figure=replace(one.figure, note=reason))
        if fails(one.metric)
        else one
        for one in verdicts
    )


def _family(metric: str) -> str:
    return metric.partition(".")[0]
