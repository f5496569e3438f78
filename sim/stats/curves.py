"""Pictures of a prediction as numbers: latency by percentile, quantities over time, where the time goes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.results.columns import SUCCEEDED, Replication
from sim.results.histogram import Histogram
from sim.stats.freedom import FloatArray
from sim.stats.metrics import NS, Cohort
from sim.stats.quantiles import percentile_interval
from sim.stats.relaxation import Memory
from sim.stats.summary import Curve, Series, Split, Timeline

PROBABILITIES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9999)
TAIL = (0.985, 0.995)
"""Executions around the 99th percentile, for a split of the tail."""


def latency_curve(cohort: Cohort, confidence: float, memory: Memory) -> Curve:
    """Latency of those that succeeded, at every percentile that the sample carries."""
    histograms = [Histogram.of(part) for part in cohort.ended(SUCCEEDED)]
    length = memory.of_routine(cohort.routine, cohort.mean_s)
    rows = []
    for p in PROBABILITIES:
        figure = percentile_interval(histograms, p, cohort.open_share, confidence, length)
        if figure.value is not None and figure.low is not None and figure.high is not None:
            rows.append((p, figure.value, figure.low, figure.high))
    columns = tuple(zip(*rows, strict=True)) if rows else ((), (), (), ())
    return Curve(*columns)


def split(replications: Sequence[Replication], routine: str) -> Split:
    """Where the time of the routine's successful executions goes: on average, and around the 99th percentile."""
    means: dict[str, float] = {}
    tails: dict[str, float] = {}
    count = tail_count = 0
    pooled: list[
        tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Replication, np.ndarray[tuple[int], np.dtype[np.intp]]]
    ] = []
    for run in replications:
        rows = run.executions
        index = run.routines.index(routine)
        mine = np.flatnonzero((rows.routine[rows.cohort] == index) & (rows.outcome[rows.cohort] == SUCCEEDED))
        ordinals = rows.cohort[mine]
        pooled.append((rows.end_ns[ordinals] - rows.start_ns[ordinals], run, mine))
    every = np.concatenate([latency for latency, _, _ in pooled]) if pooled else np.zeros(0, np.int64)
    if every.size == 0:
        return Split({}, {})
    low, high = np.quantile(every, TAIL)
    for latency, run, mine in pooled:
        rows = run.executions
        tail = (latency >= low) & (latency <= high)
        count, tail_count = count + len(mine), tail_count + int(tail.sum())
        for column, state in enumerate(rows.states):
            spent = rows.split[mine, column]
            means[state] = means.get(state, 0.0) + float(spent.sum()) * NS
            tails[state] = tails.get(state, 0.0) + float(spent[tail].sum()) * NS
    return Split(
        {state: total / count for state, total in means.items() if total},
        {state: total / max(tail_count, 1) for state, total in tails.items() if total},
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
    for index, routine in enumerate(replications[0].routines):
        counts = np.stack([completions(run, index, times) for run in replications])
        if counts.any():
            series.append(_series(f"completions.{routine}", "1/s", times[:-1], counts / width))
    return Timeline(fault, begin, end, tuple(series))


def completions(
    run: Replication, routine: int, edges_ns: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Successful ends of a routine in each window between two edges."""
    rows = run.executions
    ends = rows.end_ns[(rows.routine == routine) & (rows.outcome == SUCCEEDED)]
    return np.histogram(ends, edges_ns)[0]


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
