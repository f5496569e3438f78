"""From the columns of all replications to named figures. Recovery, curves and timelines are in other files.

Names follow the output contract: `latency.W.p99`, `utilisation.R`, `count.OP.per_execution`; seconds and ratios.
What is counted, of whom and in which unit: `docs/glossary.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.figure import Figure
from sim.results.columns import COMPENSATED, FAILED, OPEN, REJECTED, SUCCEEDED, PlaceUse, Replication
from sim.results.histogram import Histogram
from sim.results.questions import CORRECT, Durations, Ended, EndedInWindow, GoodWithin, LetIn, RoutinesRun
from sim.stats.intervals import NS, FloatArray, as_share, mean_interval, proportion_interval, ratio_interval, shares
from sim.stats.quantiles import percentile_interval
from sim.stats.relaxation import Length, Memory

STAGES = ("offered", "accepted", "completed", "succeeded", "goodput")
"""What becomes of the executions that started in the window, a second, each stage a part of the one before."""
RATES = (*STAGES, "throughput")
LATENCY_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
WAIT_PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
FEWEST_FOR_MEAN = 50
"""Durations in all runs together below which a mean is refused: a ratio over replications of a few each has no
interval worth the name."""
OPEN_MEAN_SHARE = 1e-9
"""Share of executions still open above which a mean is refused: what is still open is the longest."""


DONE = ("completed", "succeeded", "goodput", "throughput")
"""Of RATES those of what gets done, which follow what a full place lets through."""


class Cohort:
    """Executions of one routine that started in the window, replication by replication."""

    def __init__(self, replications: Sequence[Replication], routine: str) -> None:
        self.routine = routine
        self.replications = replications
        self.ended = [run.ask(Ended(routine)) for run in replications]

    @property
    def started(self) -> FloatArray:
        """Executions started, one number a replication."""
        return np.array([sum(one.outcomes) for one in self.ended], dtype=np.float64)

    def durations(self, *outcomes: int) -> list[Durations]:
        """Latencies of those with one of the outcomes, replication by replication."""
        return [Durations.together(*(one.latencies[outcome] for outcome in outcomes)) for one in self.ended]

    def count(self, *outcomes: int) -> FloatArray:
        """How many had one of the outcomes, one number a replication."""
        return np.array([sum(one.outcomes[outcome] for outcome in outcomes) for one in self.ended], dtype=np.float64)

    @property
    def mean_s(self) -> float:
        """Mean latency of those that returned, over all replications; 0 where none did."""
        parts = self.durations(SUCCEEDED)
        return sum(float(part.sum_ns) for part in parts) * NS / max(sum(part.count for part in parts), 1)

    @property
    def open_share(self) -> float:
        """Share of those started that had not ended when the run did."""
        total = float(self.started.sum())
        return float(self.count(OPEN).sum()) / total if total else 0.0

    def good(self, deadline_ns: int | None) -> FloatArray:
        """How many succeeded, in time where there is a deadline; one number a replication."""
        if deadline_ns is None:
            return self.count(*CORRECT)
        within = GoodWithin(self.routine, deadline_ns)
        return np.array([run.ask(within) for run in self.replications], dtype=np.float64)

    def stages(self, deadline_ns: int | None) -> dict[str, FloatArray]:
        """How many there are in each of STAGES, one number a replication."""
        accepted = self.started - self.count(REJECTED)
        numbers = (self.started, accepted, accepted - self.count(OPEN), self.count(*CORRECT), self.good(deadline_ns))
        return dict(zip(STAGES, numbers, strict=True))


def metrics(
    replications: Sequence[Replication],
    deadlines_ns: Mapping[str, int | None],
    confidence: float,
    memory: Memory | None = None,
) -> dict[str, Figure]:
    """Every figure of the output contract except those of recovery and cost.

    A routine that children run has its figures like any other. Operations for each execution are of those that
    sources let in, the operations of their children included.

    replications: base runs in index order. deadlines_ns: by routine; without one every success counts. memory: by
    which means and percentiles of runs that are too short are refused; nothing is without it.
    """
    memory = memory or Memory()
    found: dict[str, Figure] = {}
    for routine in measured_routines(replications):
        cohort = Cohort(replications, routine)
        found.update(_routine(replications, cohort, deadlines_ns.get(routine), confidence, memory))
    for metric, span in replications[0].spans.items():
        if span.after_crash:
            continue
        histograms = [run.spans[metric].histogram for run in replications]
        sums = [run.spans[metric].sum_ns * NS for run in replications]
        counts = [float(run.spans[metric].count) for run in replications]
        length = memory.of_span(sum(sums) / max(sum(counts), 1))
        found.update(_durations(metric, histograms, sums, counts, 0.0, confidence, length))
    for name in replications[0].places:
        uses = [run.places[name] for run in replications]
        found.update(_place(name, uses, replications, confidence, memory.of_place(name)))
    started = _let_in(replications)
    for operation in sorted({name for run in replications for _, name in run.counts}):
        counted = [run.operations(operation) for run in replications]
        found[f"count.{operation}.per_execution"] = ratio_interval(counted, started, "", confidence)
    for controller in replications[0].nodes_on:
        found.update(_nodes_on(controller, replications, confidence))
    found.update(policy_figures(replications, confidence))
    hit_rates = {
        f"hit_rate.{cache}": (
            [run.caches[cache][0] for run in replications],
            [sum(run.caches[cache]) for run in replications],
        )
        for cache in replications[0].caches
    }
    return found | shares(hit_rates, confidence)


def _nodes_on(controller: str, replications: Sequence[Replication], confidence: float) -> dict[str, Figure]:
    """How many nodes a controller kept, how often it started one, and what it saved against its own peak."""
    kept = [run.nodes_on[controller] for run in replications]
    mean = [run.nodes_on[controller].area / run.window_ns for run in replications]
    most = [float(one.maximum) for one in kept]
    saved = [1 - part / whole if whole else 0.0 for part, whole in zip(mean, most, strict=True)]
    starts = [run.nodes_on[controller].starts / (run.window_ns * NS) for run in replications]
    found = {}
    for place in kept[0].of if len(replications[0].sample_ns) else ():
        most_in_use = [
            float(run.samples[f"busy.{place}"][run.in_window(run.sample_ns)].max(initial=0)) for run in replications
        ]
        found[f"in_use.{place}.max"] = mean_interval(most_in_use, "", confidence).with_note(
            "the most of the timeline's samples in a window"
        )
    return {
        **found,
        f"nodes.{controller}.mean": mean_interval(mean, "", confidence),
        f"nodes.{controller}.max": mean_interval(most, "", confidence),
        f"node_starts.{controller}": mean_interval(starts, "1/s", confidence),
        f"saving.{controller}": as_share(mean_interval(saved, "ratio", confidence)).with_note(
            "share of node-hours, against as many nodes all the time as were kept at the peak of the window"
        ),
    }


def policy_figures(replications: Sequence[Replication], confidence: float) -> dict[str, Figure]:
    """Of each breaker the share of tries that it turned away and how often it opened; of each budget the share of
    further tries that it had no token for."""
    found: dict[str, Figure] = {}
    for name in replications[0].breakers:
        uses = [run.breakers[name] for run in replications]
        requested = [use.requested for use in uses]
        found |= shares({f"turned_away.{name}": ([use.turned_away for use in uses], requested)}, confidence)
        opened = [run.breakers[name].opened / (run.window_ns * NS) for run in replications]
        found[f"openings.{name}"] = mean_interval(opened, "1/s", confidence)
    withheld = {
        f"withheld.{name}": (
            [run.budgets[name].withheld for run in replications],
            [run.budgets[name].wanted for run in replications],
        )
        for name in replications[0].budgets
    }
    return found | shares(withheld, confidence)


def of_the_platform(
    replications: Sequence[Replication],
    flushes: Sequence[str],
    task_queues: Mapping[str, tuple[str, str]],
    confidence: float,
) -> dict[str, Figure]:
    """Figures that need to know what stations and operations stand for.

    flushes: stations each of whose batches is one flush of a log. task_queues: by queue, the operations whose counts
    are the tasks handed out and those that had to be written to the backlog first.
    """
    found = {}
    if flushes:
        counts = [float(sum(run.places[name].batches or 0 for name in flushes)) for run in replications]
        found["count.flush.per_execution"] = ratio_interval(counts, _let_in(replications), "", confidence).with_note(
            "flushes of the window over executions started in it; one flush serves many commits"
        )
    matched = {}
    for queue, (handed_out, backlog) in task_queues.items():
        tasks = [run.operations(handed_out) for run in replications]
        missed = [run.operations(backlog) for run in replications]
        matched[f"sync_match_rate.{queue}"] = ([max(a - b, 0) for a, b in zip(tasks, missed, strict=True)], tasks)
    return found | shares(matched, confidence)


def memory_hours(
    replications: Sequence[Replication], memories: Mapping[str, str], confidence: float
) -> dict[str, Figure]:
    """Memory that activities held, times the time that they held it, for each execution that sources let in in the
    window.

    memories: by task queue, the resource whose units are MiB.
    """
    started = _let_in(replications)
    return {
        f"memory_gib_hours.{queue}.per_execution": ratio_interval(
            np.array([run.places[name].busy_area * NS / 3600 / 1024 for run in replications]),
            started,
            "",
            confidence,
        )
        for queue, name in memories.items()
    }


def shares_of_operations(
    replications: Sequence[Replication], named: Mapping[str, tuple[str, str]], confidence: float
) -> dict[str, Figure]:
    """Figures that are one operation's share of another. named: by the figure's name, the two."""
    parts = {
        name: ([run.operations(counted) for run in replications], [run.operations(of) for run in replications])
        for name, (counted, of) in named.items()
    }
    return shares(parts, confidence)


def recoveries_of_executions(runs: Sequence[Replication], confidence: float, drilled: bool) -> dict[str, Figure]:
    """Recovery of the executions that crashes hit: of the drills where there are any, else of the base runs."""
    found: dict[str, Figure] = {}
    for metric, first in runs[0].spans.items():
        if not first.after_crash:
            continue
        uses = [run.spans[metric] for run in runs]
        counts = [float(use.count) for use in uses]
        sums = [use.sum_ns * NS for use in uses]
        figures = _durations(metric, [use.histogram for use in uses], sums, counts, 0.0, confidence)
        note = f"of {sum(counts):.0f} executions hit in {len(runs)} runs"
        found.update(
            {
                name: figure.with_note(f"{note}, conditional on the drill" if drilled else note)
                for name, figure in figures.items()
            }
        )
    return found


def _let_in(replications: Sequence[Replication]) -> FloatArray:
    """Executions of the cohort that sources let in, one number a replication: a child belongs to its parent."""
    return np.array([run.ask(LetIn()) for run in replications], dtype=np.float64)


def measured_routines(replications: Sequence[Replication]) -> list[str]:
    """Routines that any counted execution ran, let in by a source or as a child."""
    seen = frozenset().union(*(run.ask(RoutinesRun()) for run in replications))
    return [name for name in replications[0].routines if name in seen]


def _routine(
    replications: Sequence[Replication],
    cohort: Cohort,
    deadline_ns: int | None,
    confidence: float,
    memory: Memory,
) -> dict[str, Figure]:
    routine = cohort.routine
    length = memory.of_routine(routine, cohort.mean_s)
    found: dict[str, Figure] = {}
    for family, outcomes in (
        ("latency", (SUCCEEDED,)),
        ("latency_compensated", (COMPENSATED,)),
        ("latency_failed", (FAILED, REJECTED)),
    ):
        parts = cohort.durations(*outcomes)
        if family != "latency" and not any(part.count for part in parts):
            continue
        histograms = [part.histogram for part in parts]
        sums, counts = [float(part.sum_ns) * NS for part in parts], [float(part.count) for part in parts]
        open_share = cohort.open_share if family == "latency" else 0.0
        found.update(_durations(f"{family}.{routine}", histograms, sums, counts, open_share, confidence, length))
    seconds = [run.window_ns * NS for run in replications]
    stages = cohort.stages(deadline_ns)
    for stage, numbers in stages.items():
        found[f"{stage}.{routine}"] = mean_interval(numbers / np.array(seconds), "1/s", confidence)
    ended = [run.ask(EndedInWindow(routine)) for run in replications]
    done = [good / each for (_, good), each in zip(ended, seconds, strict=True)]
    found[f"throughput.{routine}"] = mean_interval(done, "1/s", confidence)
    # Executions fail one by one as long as nothing fails that they share; an outage takes thousands with it.
    outages = any(run.episodes for run in replications)
    independent = None if outages else max(1, int(cohort.started.sum()))
    availability = proportion_interval(stages["goodput"], cohort.started, "ratio", confidence, independent)
    if not outages:
        availability = availability.with_note("no fault occurred in these runs: conditional on that")
    if cohort.open_share:
        availability = availability.with_note(f"{cohort.open_share:.3g} were still open and count as not ended")
    found[f"availability.{routine}"] = availability
    levels = [run.in_flight[routine] for run in replications if routine in run.in_flight]
    if len(levels) == len(replications):
        means = [level.area * NS / each for level, each in zip(levels, seconds, strict=True)]
        tops = [float(level.maximum) for level in levels]
        found[f"in_flight.{routine}.mean"] = _long_enough(mean_interval(means, "", confidence), length)
        found[f"in_flight.{routine}.max"] = mean_interval(tops, "", confidence).with_note(
            "mean over replications of the greatest number in the window"
        )
    pairs = [run.attempts.get(routine, (0, 0)) for run in replications]
    first = np.array([pair[0] for pair in pairs], float)
    if first.sum():
        every = first + np.array([pair[1] for pair in pairs], float)
        found[f"retry_amplification.{routine}"] = ratio_interval(every, first, "ratio", confidence)
    return found


def _long_enough(figure: Figure, length: Length | None) -> Figure:
    """A mean, or its refusal where the runs are too short for it."""
    if length is None or figure.value is None:
        return figure
    why = length.refuses_mean()
    if not why:
        return length.widened(figure)
    return Figure.refused(figure.unit, f"best guess {figure.value:.4g} {figure.unit}".rstrip() + f"; {why}", figure.n)


def _durations(
    name: str,
    histograms: Sequence[Histogram],
    sums_s: Sequence[float],
    counts: Sequence[float],
    open_share: float,
    confidence: float,
    length: Length | None = None,
) -> dict[str, Figure]:
    """Mean and percentiles of durations."""
    found = {}
    total = sum(counts)
    if open_share > OPEN_MEAN_SHARE and total:
        note = (
            f"{open_share:.3g} of the executions were still open; the mean of those that ended is "
            f"{sum(sums_s) / total:.4g} s and too low; follow them longer (run.drain)"
        )
        found[f"{name}.mean"] = Figure.refused("s", note, len(histograms))
    elif 0 < total < FEWEST_FOR_MEAN:
        note = f"best guess {sum(sums_s) / total:.4g} s, from {total:.0f} only; {FEWEST_FOR_MEAN} are needed"
        found[f"{name}.mean"] = Figure.refused("s", note, len(histograms))
    else:
        found[f"{name}.mean"] = _long_enough(ratio_interval(sums_s, counts, "s", confidence), length)
    for label, p in LATENCY_PERCENTILES.items():
        found[f"{name}.{label}"] = percentile_interval(histograms, p, open_share, confidence, length)
    return found


def _place(
    name: str,
    uses: Sequence[PlaceUse],
    replications: Sequence[Replication],
    confidence: float,
    length: Length | None,
) -> dict[str, Figure]:
    def column(field: str) -> FloatArray:
        return np.array([float(getattr(use, field)) for use in uses])

    found: dict[str, Figure] = {}
    lengths = np.array([run.window_ns for run in replications], float)
    first = uses[0]
    queued = column("waiting_area") / lengths
    if first.speed_area is not None:
        busy, available = column("speed_area"), column("units") * lengths
        queued = (column("excess_area") + column("waiting_area")) / lengths
    else:
        busy, available = column("busy_area"), column("units_area")
    if available.any():
        # The cores of a place are the same in every run, unless a controller has had more on in one than in another.
        fixed = first.speed_area is not None and len({use.units for use in uses}) == 1
        if fixed:
            used = mean_interval(busy / available, "ratio", confidence)
        else:
            used = ratio_interval(busy, available, "ratio", confidence)
        found[f"utilisation.{name}"] = as_share(used)
    found[f"queue.{name}.mean"] = _long_enough(mean_interval(queued, "", confidence), length)
    found[f"queue.{name}.max"] = mean_interval(column("max_waiting"), "", confidence).with_note(
        "mean over replications of the longest line of the whole run"
    )
    counts = column("wait_count")
    if counts.any():
        waits = ratio_interval(column("wait_sum_ns") * NS, counts, "s", confidence)
        found[f"wait.{name}.mean"] = _long_enough(waits, length)
        for label, p in WAIT_PERCENTILES.items():
            histograms = [use.waits for use in uses]
            found[f"wait.{name}.{label}"] = percentile_interval(histograms, p, 0.0, confidence, length)
        # A batch may take one at once, which its line does not tell; cores shared by all have no line at all.
        in_batches = first.batches is not None
        waited = [_waited(use) if in_batches else use.waited for use in uses]
        if in_batches or first.speed_area is None or any(use.max_waiting for use in uses):
            found[f"wait_probability.{name}"] = proportion_interval(waited, counts, "ratio", confidence)
    requested = column("requested")
    for label in ("rejected", "refused", "abandoned"):
        lost = column(label)
        if lost.any() and requested.any():
            found[f"{label}.{name}"] = proportion_interval(np.minimum(lost, requested), requested, "ratio", confidence)
    return found


def _waited(use: PlaceUse) -> int:
    """Visits that asked in the window and waited any time at all."""
    return round(use.waits.fraction_above(0) * use.wait_count) if use.wait_count else 0
