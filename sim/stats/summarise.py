"""From replications to the summary: figures, verdicts, recovery, monitors, pictures, warnings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sim.figure import Figure
from sim.results.columns import SUCCEEDED, Replication
from sim.results.questions import OfCycle
from sim.scenario.model.objectives import Objective
from sim.stats.drift import drift, infinite_variance
from sim.stats.metrics import Cohort, measured_routines, metrics
from sim.stats.overload import MISTAKEN
from sim.stats.pictures import latency_curve, split, timeline
from sim.stats.relaxation import Memory
from sim.stats.summary import Curve, Holder, MonitorResult, Recovery, Split, Standstill, Timeline, Verdict
from sim.stats.verdicts import Outcome, Side, holm, verdict
from sim.units import format_quantity

FiguresAt = Callable[[float], Mapping[str, Figure]]
"""All figures at a given confidence."""


def recovery_metrics(recoveries: Sequence[Recovery]) -> dict[str, Figure]:
    """The figures of recovery under names that objectives can use: `recovery.F.latency_ok.p95`."""
    found: dict[str, Figure] = {}
    for row in recoveries:
        figures = {
            **{f"{name}.mean": getattr(row, f"{name}_s") for name in ("detect", "restore", "drain", "latency_ok")},
            **{f"{name}.{label}": one for name, few in row.percentiles.items() for label, one in few.items()},
            **{name: getattr(row, name) for name in ("lost", "redone", "amplification", "never_back")},
            **row.losses,
        }
        found |= {f"recovery.{row.fault}.{name}": figure for name, figure in figures.items()}
    return found


def verdicts(objectives: Sequence[Objective], figures_at: FiguresAt, confidence: float) -> tuple[Verdict, ...]:
    """Every objective against its figure; all verdicts together hold with `confidence` (Holm)."""

    def test(objective: Objective) -> Callable[[float], Outcome]:
        side, bound = _bound(objective)
        return lambda level: verdict(figure_of(objective, figures_at(level)), bound, side)

    outcomes = holm([test(objective) for objective in objectives], confidence)
    shown = figures_at(confidence)
    return tuple(
        Verdict(
            objective.name or objective.metric,
            _target(objective, figure_of(objective, shown).unit),
            objective.metric,
            figure_of(objective, shown),
            outcome,
        )
        for objective, outcome in zip(objectives, outcomes, strict=True)
    )


def figure_of(objective: Objective, figures: Mapping[str, Figure]) -> Figure:
    """The figure of an objective's metric; refused with a reason where this run has none of that name."""
    found = figures.get(objective.metric)
    return found if found is not None else Figure.refused("", f"this run has no figure `{objective.metric}`")


def _bound(objective: Objective) -> tuple[Side, float]:
    if objective.below is not None:
        return "below", objective.below
    assert objective.above is not None
    return "above", objective.above


def _target(objective: Objective, unit: str) -> str:
    side, bound = _bound(objective)
    sign = "<" if side == "below" else ">="
    # An amplification is a factor; all other ratios are shares.
    return f"{sign} {format_quantity(bound, 'x' if unit == 'ratio' and bound > 1 else unit)}"


def monitors(replications: Sequence[Replication], traces: Mapping[str, Sequence[str]]) -> tuple[MonitorResult, ...]:
    """Every property over all runs. traces: life of the first violator by monitor, as lines."""
    results = []
    for position, first in enumerate(replications[0].monitors):
        counts = [run.monitors[position] for run in replications]
        checked = sum(count.checked + count.violated for count in counts)
        violated = sum(count.violated for count in counts)
        example = next(
            (
                (run.index, count.examples[0])
                for run, count in zip(replications, counts, strict=True)
                if count.examples
            ),
            None,
        )
        results.append(
            MonitorResult(
                name=first.name,
                antecedents=sum(count.antecedents for count in counts),
                checked=checked,
                undecided=sum(count.undecided for count in counts),
                violated=violated,
                upper_bound=_upper_bound(violated, checked),
                example=example,
                trace=tuple(traces.get(first.name, ())),
            )
        )
    return tuple(results)


def _upper_bound(violated: int, checked: int) -> Figure:
    if checked == 0:
        return Figure.refused("ratio", "its condition never arose, so nothing was tested")
    if violated:
        return Figure(violated / checked, "ratio", n=checked, note="share of executions that broke it")
    note = "none seen: limit 3/n on the share, if executions break it independently of one another"
    limit = min(1.0, 3 / checked)
    return Figure(limit, "ratio", 0.0, limit, 0.95, checked, note)


def standstill(
    replications: Sequence[Replication], words: Mapping[str, str] | None = None, during: str = ""
) -> Standstill | None:
    """The deadlocks of some runs together; None without one. words: what people call a place, its name by default."""
    found = [(run.deadlock, run) for run in replications if run.deadlock is not None]
    if not found:
        return None
    deadlock, run = min(found, key=lambda one: one[0].since_ns)

    def call(place: str) -> str:
        return (words or {}).get(place, place)

    holders = (
        Holder(
            routine,
            tuple(call(place) for place in dict.fromkeys(one.holds)),
            call(one.waits_for),
        )
        for one, routine in zip(deadlock.cycle, run.ask(OfCycle()), strict=True)
    )
    return Standstill(during, deadlock.since_ns / 1e9, len(found), len(replications), tuple(dict.fromkeys(holders)))


def pictures(
    replications: Sequence[Replication],
    drills: Mapping[str, Sequence[Replication]],
    confidence: float,
    memory: Memory | None = None,
) -> tuple[dict[str, Curve], tuple[Timeline, ...], dict[str, Split]]:
    """Latency curves, timelines and splits of latency."""
    routines = measured_routines(replications)
    curves = {name: latency_curve(Cohort(replications, name), confidence, memory or Memory()) for name in routines}
    splits = {name: split(replications, name) for name in routines}
    drilled = (timeline(runs, fault) for fault, runs in drills.items())
    return curves, (timeline(replications, None), *drilled), splits


def base_figures(
    replications: Sequence[Replication],
    deadlines_ns: Mapping[str, int | None],
    confidence: float,
    warn: Callable[[str], None],
    steady: bool,
    memory: Memory | None = None,
) -> dict[str, Figure]:
    """Figures of the base runs; means of unstable or infinitely varying quantities refused, with a warning."""
    found = metrics(replications, deadlines_ns, confidence, memory)
    if steady:
        _refuse_growing(found, replications, warn)
    for routine in measured_routines(replications):
        latencies = [part.histogram for part in Cohort(replications, routine).durations(SUCCEEDED)]
        reason = infinite_variance(latencies, confidence)
        if reason:
            name = f"latency.{routine}.mean"
            found[name] = Figure.refused("s", reason, len(replications))
            warn(f"{name}: {reason}")
    return found


def _refuse_growing(
    found: dict[str, Figure], replications: Sequence[Replication], warn: Callable[[str], None]
) -> None:
    """A queue that grows over the window has no mean: what is shown would depend on the horizon.

    Of settled runs at most a share of MISTAKEN is refused, as of stable ones called overloaded; workflows share it.
    """
    judged = [name for name in replications[0].routines if f"in_flight.{name}" in replications[0].samples]
    for routine in judged:
        rows = [run.samples[f"in_flight.{routine}"][run.in_window(run.sample_ns)] for run in replications]
        shortest = min(len(row) for row in rows)
        if shortest < 10 or f"latency.{routine}.mean" not in found:
            continue
        series = np.stack([row[:shortest] for row in rows])
        growth = drift(series, 1 - 2 * MISTAKEN / len(judged))
        if growth.growing:
            reason = (
                f"in_flight.{routine} grows over the window ({growth.growth.value:.2g} times its mean level): "
                "there is no steady state, means and percentiles depend on the horizon"
            )
            warn(reason)
            for name in list(found):
                if name.startswith((f"latency.{routine}.", f"in_flight.{routine}.")):
                    value = found[name].value
                    guess = "" if value is None else f"; over this window it was {value:.4g}"
                    found[name] = Figure.refused(found[name].unit, reason + guess, len(replications))
