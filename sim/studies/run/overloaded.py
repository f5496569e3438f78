"""What follows from an overload or a deadlock: which figures mean nothing then, and which objectives are not met.

Times and rates of an overloaded system depend on how long it is watched: objectives on them are missed, whatever the
figure. Availability, counts and cost stay as they were measured. Nothing is told to run longer: it would not help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sim.figure import Figure
from sim.lower.load import Loaded
from sim.results.columns import Replication
from sim.scenario.model.settings import RunSettings
from sim.stats.metrics import DONE
from sim.stats.overload import Overload, Place, overload
from sim.stats.summary import Verdict
from sim.studies.metrics.families import INDICATORS, PLANNED, families_of
from sim.studies.window import is_stationary


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
