"""Pictures as numbers. Of a prediction: latency by percentile, quantities over time, where the time goes. Of one
episode beside its baseline run: how it stood window by window, and when the fault was there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.results.columns import SUCCEEDED, Ints, Replication
from sim.results.histogram import Histogram
from sim.results.questions import Completions, SpentByLatency
from sim.stats.episodes import Episode, at_ends
from sim.stats.intervals import NS, FloatArray
from sim.stats.metrics import Cohort
from sim.stats.quantiles import percentile_interval
from sim.stats.relaxation import Memory
from sim.stats.summary import Curve, Series, Split, Timeline

PROBABILITIES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9999)
TAIL = (0.985, 0.995)
"""Executions around the 99th percentile, for a split of the tail."""


def latency_curve(cohort: Cohort, confidence: float, memory: Memory) -> Curve:
    """Latency of those that succeeded, at every percentile that the sample carries."""
    histograms = [part.histogram for part in cohort.durations(SUCCEEDED)]
    length = memory.of_routine(cohort.routine, cohort.mean_s)
    rows = []
    for p in PROBABILITIES:
        figure = percentile_interval(histograms, p, cohort.open_share, confidence, length)
        if figure.value is not None and figure.low is not None and figure.high is not None:
            rows.append((p, figure.value, figure.low, figure.high))
    columns = tuple(zip(*rows, strict=True)) if rows else ((), (), (), ())
    return Curve(*columns)


def split(replications: Sequence[Replication], routine: str) -> Split:
    """Where the time of the routine's successful executions goes: on average, and around the 99th percentile.

    The tail is whole buckets of the latencies of all runs, from that with the one quantile of TAIL to that with the
    other: its ends are rounded outwards, by at most 0.4 % each.
    """
    found = [run.ask(SpentByLatency(routine)) for run in replications]
    every = Histogram.merged(Histogram.of_buckets(one.buckets, one.counts) for one in found)
    if not every.count:
        return Split({}, {})
    low, high = (every.locate(p)[0] for p in TAIL)
    means: dict[str, float] = {}
    tails: dict[str, float] = {}
    tail_count = 0
    for one in found:
        tail = (one.buckets >= low) & (one.buckets <= high)
        tail_count += int(one.counts[tail].sum())
        for column, state in enumerate(one.states):
            spent = one.ns[:, column]
            means[state] = means.get(state, 0.0) + float(spent.sum()) * NS
            tails[state] = tails.get(state, 0.0) + float(spent[tail].sum()) * NS
    return Split(
        {state: total / every.count for state, total in means.items() if total},
        {state: total / tail_count for state, total in tails.items() if total},
    )


def level(run: Replication, name: str) -> FloatArray:
    """The samples of a name as they are shown: of the breakers of several nodes the mean state."""
    family, _, breaker = name.partition(".")
    values = run.samples[name].astype(np.float64)
    return values / run.breakers[breaker].nodes if family == "breaker" else values


def timeline(replications: Sequence[Replication], fault: str | None) -> Timeline:
    """Samples and completions over the time of the runs: mean, and the range of the middle 90 % of replications."""
    episode = next((e for e in replications[0].episodes if e.fault == fault), None)
    begin = None if episode is None else episode.start_ns * NS
    end = None if episode is None or episode.end_ns < 0 else episode.end_ns * NS
    shortest = min(len(run.sample_ns) for run in replications)
    if shortest < 2:
        return Timeline(fault, begin, end, ())
    times = replications[0].sample_ns[:shortest]
    width = float(times[1] - times[0]) * NS
    series = []
    for name in replications[0].samples:
        if any(run.samples[name].any() for run in replications):
            values = np.stack([level(run, name)[:shortest] for run in replications])
            if name.startswith("rejected."):
                series.append(_series(name, "1/s", times[:-1], values[:, 1:] / width))
            else:
                series.append(_series(name, "", times[:-1], values[:, :-1]))
    for routine in replications[0].routines:
        counts = np.stack([_completions(run, routine, shortest) for run in replications])
        if counts.any():
            series.append(_series(f"completions.{routine}", "1/s", times[:-1], counts / width))
    return Timeline(fault, begin, end, tuple(series))


def _completions(run: Replication, routine: str, samples: int) -> Ints:
    """Successful ends of a routine in each window between so many samples."""
    before, up_to = run.ask(Completions(routine))
    return np.diff(np.append(before[: samples - 1], up_to[samples - 1]))


def _series(name: str, unit: str, times: np.ndarray, values: np.ndarray) -> Series:
    low, high = np.quantile(values, (0.05, 0.95), axis=0)
    return Series(
        name,
        unit,
        tuple((times * NS).tolist()),
        tuple(values.mean(axis=0).tolist()),
        tuple(low.tolist()),
        tuple(high.tolist()),
    )


LEAD_WINDOWS = 3
"""Windows before the fault that are shown."""
STATES = ("breaker", "budget", "nodes", "rejected")
"""Families of samples that are states of what protects or scales, or what it turned away in a window."""
MOST_QUEUES = 3
"""Lines shown: those that the fault makes longest, of those that become twice as long as they ever are without it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity over time, in the episode and in its baseline run; NaN where there is nothing to tell.

    at_ends: whether it was sampled at the ends of the windows; else it is of what happened in them.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    baseline: tuple[float, ...]
    at_ends: bool = True


@dataclass(frozen=True, slots=True)
class Picture:
    """time_s: beginnings of windows since the beginning of the fault. faults: what was there, from when to when, in s
    since then; no end where it stays. replication: on which draws."""

    replication: int
    time_s: tuple[float, ...]
    lines: tuple[Line, ...]
    faults: tuple[tuple[str, float, float | None], ...]


def by_badness(episodes: Sequence[Episode]) -> list[Episode]:
    """The episodes, the mildest first: by when their latency is in order, then by backlog and rate, then by what was
    lost and redone."""

    def badness(episode: Episode) -> tuple[float, ...]:
        times = episode.times()
        until = (times.latency_ok_ns, times.drain_ns, times.restore_ns)
        return (*(math.inf if one is None else one for one in until), episode.lost, episode.redone)

    return sorted(episodes, key=badness)


def at_quantile(ordered: Sequence[Episode], p: float) -> Episode:
    """The episode that stands where the p-quantile of its figures does."""
    return ordered[max(math.ceil(p * len(ordered) - 1e-9) - 1, 0)]


def picture(episode: Episode) -> Picture:
    """An episode from shortly before its fault until all is back in order, or to the end of its record."""
    window_ns = episode.window_ns
    times = episode.times()
    until = [times.restore_ns, times.drain_ns, times.latency_ok_ns]
    latest = [one for one in until if one is not None]
    count = episode.run.horizon_ns // window_ns
    first = max(episode.begin_ns // window_ns - LEAD_WINDOWS, 0)
    last = count
    if len(latest) == len(until):
        calm_ns = max(episode.begin_ns + max(latest), episode.end_ns)
        last = min(count, -(-calm_ns // window_ns) + 2 * LEAD_WINDOWS)
    shown = slice(first, last)
    mine, others = episode.windows
    lines = [
        replace(
            _line("throughput", "1/s", mine.completed, others.completed, shown, 1 / (window_ns * NS)), at_ends=False
        ),
        replace(_line("latency p99", "s", mine.latency_p99_ns, others.latency_p99_ns, shown, NS), at_ends=False),
        _line("backlog", "", mine.backlog, others.backlog, shown),
        *_samples(episode, shown, count, lambda name: name.startswith(STATES)),
        *_longest_lines(episode, shown, count),
    ]
    begin_ns = episode.begin_ns
    faults = tuple(
        (one.fault, (one.start_ns - begin_ns) / 1e9, None if one.end_ns < 0 else (one.end_ns - begin_ns) / 1e9)
        for one in episode.run.episodes
    )
    at = (np.arange(count, dtype=np.int64)[shown] * window_ns - begin_ns) / 1e9
    return Picture(episode.run.index, tuple(at.tolist()), tuple(lines), faults)


def _line(name: str, unit: str, values: object, baseline: object, shown: slice, scale: float = 1.0) -> Line:
    mine, others = (np.asarray(one, np.float64)[shown] * scale for one in (values, baseline))
    return Line(name, unit, tuple(mine.tolist()), tuple(others.tolist()))


def _samples(episode: Episode, shown: slice, count: int, wanted: Callable[[str], bool]) -> list[Line]:
    """Samples at the ends of windows."""
    lines = []
    for name in episode.run.samples:
        if wanted(name):
            mine, others = (at_ends(level(one, name), count) for one in (episode.run, episode.baseline))
            line = _line(name, "", mine, others, shown)
            lines += [line] if line.values != line.baseline else []  # what the fault does not move tells nothing
    return lines


def _longest_lines(episode: Episode, shown: slice, count: int) -> list[Line]:
    lines = _samples(episode, shown, count, lambda name: name.startswith("queue."))
    grown = {line.name: max(line.values, default=0.0) - 2 * max(line.baseline, default=0.0) for line in lines}
    lines = [line for line in lines if grown[line.name] > 0]
    return sorted(lines, key=lambda line: -grown[line.name])[:MOST_QUEUES]
