"""From runs with a scripted fault and their twins without it to the recovery of the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sim.figure import Figure
from sim.results.columns import FAILED, REJECTED, SUCCEEDED, Replication
from sim.stats.intervals import mean_interval
from sim.stats.metrics import NS, operations
from sim.stats.recovery import Windows, recovery, recovery_figures
from sim.stats.skewed import independent_share
from sim.stats.summary import Recovery

PLATFORM_SPAN = "span.platform"
"""The platform's own latency, where a network has it, tells sooner than whole executions whether all is well."""


def drill_recovery(
    fault: str,
    drilled: Sequence[Replication],
    twins: Sequence[Replication],
    limit_ns: int,
    objective_p99_ns: float | None,
    confidence: float,
) -> Recovery:
    """Recovery from one scripted fault, each run against its twin on the same draws.

    limit_ns: how long after the fault's end recovery is looked for. objective_p99_ns: of the platform's latency (or
    of executions, where there is no such span); without one the twin is the measure.
    """
    episodes = []
    lost, redone, amplification = [], [], []
    starts = []
    for run, twin in zip(drilled, twins, strict=True):
        episode = next(e for e in run.episodes if e.fault == fault)
        starts.append(episode.start_ns)
        window_ns = int(run.sample_ns[1] - run.sample_ns[0])
        end_ns = episode.end_ns if episode.end_ns >= 0 else episode.start_ns
        new = np.setdiff1d(run.reactions_ns, twin.reactions_ns)
        new = new[new >= episode.start_ns]
        episodes.append(
            recovery(
                windows_of(run, window_ns),
                windows_of(twin, window_ns),
                window_ns,
                episode.start_ns,
                end_ns,
                min(limit_ns, run.horizon_ns - end_ns - window_ns),
                int(new[0]) if new.size else None,
                objective_p99_ns,
            )
        )
        lost.append(float(_failures(run) - _failures(twin)))
        redone.append(float(_further_attempts(run) - _further_attempts(twin)))
        amplification.append(_tries(run) / _tries(twin))
    figures = {
        "detect": recovery_figures([e.detect_ns for e in episodes], confidence),
        "restore": recovery_figures([e.restore_ns for e in episodes], confidence),
        "drain": recovery_figures([e.drain_ns for e in episodes], confidence),
        "latency_ok": recovery_figures([e.latency_ok_ns for e in episodes], confidence),
    }
    percentiles = {name: {"p50": f.p50, "p95": f.p95} for name, f in figures.items()}
    return Recovery(
        fault=fault,
        at_s=Figure.exact(float(np.mean(starts)) * NS, "s"),
        episodes=len(episodes),
        detect_s=_told(figures["detect"].mean, episodes, "detect_ns"),
        restore_s=figures["restore"].mean,
        drain_s=figures["drain"].mean,
        latency_ok_s=figures["latency_ok"].mean,
        lost=mean_interval(lost, "", confidence).with_note("executions that failed beyond those of the twin"),
        redone=mean_interval(redone, "", confidence).with_note("attempts made again beyond those of the twin"),
        amplification=mean_interval(amplification, "ratio", confidence),
        never_back=independent_share(sum(e.metastable for e in episodes), len(episodes), confidence),
        percentiles=percentiles,
    )


def losses_in_drill(
    drilled: Sequence[Replication], counted: Mapping[str, str], ages: Mapping[str, str], confidence: float
) -> dict[str, Figure]:
    """What a drill takes for good, by the figure's name. counted: the operation whose number it is; ages: the family
    of spans whose longest it is, in seconds; 0 where nothing is lost."""
    numbers = {
        name: mean_interval([operations(run, operation) for run in drilled], "", confidence)
        for name, operation in counted.items()
    }
    return numbers | {
        name: mean_interval([_longest_ns(run, family) * NS for run in drilled], "s", confidence)
        for name, family in ages.items()
    }


def _longest_ns(run: Replication, family: str) -> int:
    found = [span for name, span in run.spans.items() if name.startswith(f"{family}.") and span.count]
    return max((int(span.durations_ns.max()) for span in found), default=0)


def _told(figure: Figure, episodes: Sequence[object], name: str) -> Figure:
    missing = sum(getattr(episode, name) is None for episode in episodes)
    if missing == len(episodes):
        return Figure.refused("s", "nothing reacted in any episode", len(episodes))
    return figure.with_note(f"in {missing} of {len(episodes)} episodes nothing reacted") if missing else figure


def windows_of(run: Replication, window_ns: int) -> Windows:
    """Completions, backlog and 99th percentile of latency in consecutive windows from time 0."""
    count = run.horizon_ns // window_ns
    edges = np.arange(count + 1, dtype=np.int64) * window_ns
    rows = run.executions
    done = rows.outcome == SUCCEEDED
    completed = np.histogram(rows.end_ns[done], edges)[0]
    backlog = np.zeros(count)
    for index, routine in enumerate(run.routines):
        mine = rows.routine == index
        if mine.any():
            sampled = run.samples[f"in_flight.{routine}"]
            backlog += sampled[1 : count + 1] if len(sampled) > count else _padded(sampled[1:], count)
    if PLATFORM_SPAN in run.spans:
        span = run.spans[PLATFORM_SPAN]
        ended, latency = span.ended_ns, span.durations_ns
    else:
        ended, latency = rows.end_ns[done], (rows.end_ns - rows.start_ns)[done]
    return Windows(completed, backlog, _p99_by_window(ended, latency, edges))


def _padded(values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return np.concatenate([values, np.full(count - len(values), values[-1] if len(values) else 0)])


def _p99_by_window(
    ended: NDArray[np.int64], latency: NDArray[np.int64], edges: NDArray[np.int64]
) -> NDArray[np.float64]:
    p99 = np.full(len(edges) - 1, np.nan)
    order = np.argsort(ended, kind="stable")
    bounds = np.searchsorted(ended[order], edges)
    for window in range(len(p99)):
        part = latency[order[bounds[window] : bounds[window + 1]]]
        if part.size:
            p99[window] = np.quantile(part, 0.99, method="inverted_cdf")
    return p99


def _failures(run: Replication) -> int:
    rows = run.executions
    return int(np.isin(rows.outcome[rows.cohort], (FAILED, REJECTED)).sum())


def _tries(run: Replication) -> float:
    """Attempts for each thing attempted; 1 where nothing ever is."""
    first = sum(first for first, _ in run.attempts.values())
    return (first + _further_attempts(run)) / first if first else 1.0


def _further_attempts(run: Replication) -> int:
    return sum(more for _, more in run.attempts.values())
