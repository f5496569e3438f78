"""Recovery of one episode of a fault against its baseline run, and its figures over many episodes.

The baseline run is the same run on the same draws without the fault. Meanings are those of `sim/engine/SEMANTICS.md`,
all counted from the start of the fault:

    detect       first reaction of any timer, breaker, failover or retry (given, not found here)
    restore      the completion rate is back at 95 % of the baseline run's, and stays so for 3 windows
    drain        the backlog is at most the baseline run's + 5 %, and stays so
    latency ok   the window's p99 is inside the objective (or 1.1 x the baseline run's), and stays so

Once their draws have parted, a run and its baseline run differ by chance for ever. 'Stays so' therefore lets pass what
the baseline run itself might have shown: backlog and p99 of a window are held to the high percentile of a gamma law
with the mean and the variance that the baseline run has around that window (for a backlog at least Poisson's
variance). Measured on records of 40 windows of M/M/1 in which nothing was wrong: 1 in 25 has an excursion all the same
at 70 % utilisation, 1 in 9 at 90 %.

What does not come within the declared limit after the fault's end is None, and the episode is metastable.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.figure import Figure
from sim.stats.intervals import NS
from sim.stats.skewed import bootstrap_t_interval, independent_percentile

CONFIRMING_WINDOWS = 3
RATE_SHARE = 0.95
BACKLOG_SHARE = 1.05
LATENCY_SHARE = 1.1
BY_CHANCE = 0.01
"""Share of records in which what is in order would look as if it were not, were mean and variance known."""
AROUND = 15
"""Windows before and after one that tell what is usual in it."""

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Windows:
    """What a run showed in consecutive windows of one length, from time 0 of the record.

    completed: completions in each window. backlog: executions waiting or running at its end.
    latency_p99_ns: 99th percentile of those that completed in it; NaN where none did.
    """

    completed: ArrayLike
    backlog: ArrayLike
    latency_p99_ns: ArrayLike


@dataclass(frozen=True, slots=True)
class Recovery:
    """Times of one episode in ns from the start of the fault; None for what did not come within the limit."""

    detect_ns: int | None
    restore_ns: int | None
    drain_ns: int | None
    latency_ok_ns: int | None

    @property
    def metastable(self) -> bool:
        """Whether rate, backlog or latency stayed away although the trigger was gone."""
        return self.restore_ns is None or self.drain_ns is None or self.latency_ok_ns is None


@dataclass(frozen=True, slots=True)
class InOrder:
    """Window by window: whether the completion rate, the backlog and the latency are in order."""

    rate: BoolArray
    backlog: BoolArray
    latency: BoolArray


def in_order(faulted: Windows, baseline: Windows, objective_p99_ns: float | None = None) -> InOrder:
    """What is in order in each window of a run, held against its baseline run. objective_p99_ns: see `recovery`."""
    completed, completed_baseline = _pair(faulted.completed, baseline.completed)
    backlog, backlog_baseline = _pair(faulted.backlog, baseline.backlog)
    latency, latency_baseline = _pair(faulted.latency_p99_ns, baseline.latency_p99_ns)
    assert completed.size == backlog.size == latency.size
    allowed = LATENCY_SHARE * latency_baseline
    if objective_p99_ns is not None:
        allowed = np.where(latency_baseline <= objective_p99_ns, objective_p99_ns, allowed)
        allowed = np.where(np.isnan(latency_baseline), objective_p99_ns, allowed)
    allowed = np.fmax(allowed, by_chance(latency_baseline))
    silent, silent_baseline = np.isnan(latency), np.isnan(latency_baseline)
    # Where nothing completed the latency is good only if nothing did in the baseline run either. What completes where
    # the baseline run has nothing to compare with is held to the objective, or let pass.
    latency_good = np.where(silent, silent_baseline, (latency <= allowed) | (silent_baseline & np.isnan(allowed)))
    drained = np.maximum(BACKLOG_SHARE * backlog_baseline, by_chance(backlog_baseline, counts=True))
    return InOrder(completed >= RATE_SHARE * completed_baseline, backlog <= drained, latency_good)


def by_chance(baseline: NDArray[np.float64], counts: bool = False) -> NDArray[np.float64]:
    """Up to where values of the same law might have gone in each window of a record, by the baseline run's around it.

    counts: whether they vary as counts do at least. NaN where the baseline run has nothing around.
    """
    from sim.draws.special import gammaincinv

    known = ~np.isnan(baseline)
    number = _around(known.astype(np.float64))
    mean = _ratio(_around(np.where(known, baseline, 0.0)), number)
    squares = _ratio(_around(np.where(known, baseline * baseline, 0.0)), number)
    variance = np.maximum(squares - mean**2, 0.0) * _ratio(number, np.maximum(number - 1, 1.0))
    if counts:
        variance = np.maximum(variance, mean)
    varies = (mean > 0) & (variance > 1e-12 * mean**2)  # less is rounding
    shape = np.where(varies, mean**2 / np.where(varies, variance, 1.0), 1.0)
    high = gammaincinv(shape, 1 - BY_CHANCE / max(baseline.size, 1)) / shape * mean
    return np.asarray(np.where(varies, high, mean), np.float64)


def _around(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over each window and those AROUND it."""
    sums: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(values.size)
    found: NDArray[np.float64] = (
        sums[np.minimum(places + AROUND + 1, values.size)] - sums[np.maximum(places - AROUND, 0)]
    )
    return found


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotients; NaN over nothing."""
    found = np.full(above.shape, np.nan)
    np.divide(above, below, out=found, where=below > 0)
    return found


def recovery(
    faulted: Windows,
    baseline: Windows,
    window_ns: int,
    fault_start_ns: int,
    fault_end_ns: int,
    limit_ns: int,
    detect_ns: int | None = None,
    objective_p99_ns: float | None = None,
) -> Recovery:
    """Recovery of one episode, to the resolution of a window: a time is that of the first good window's beginning.

    fault_start_ns, fault_end_ns: in the time of the record. limit_ns: how long after `fault_end_ns` recovery counts.
    detect_ns: instant of the first reaction in the time of the record, None for none.
    objective_p99_ns: objective of the latency; without one, and in windows in which the baseline run itself misses it,
        the measure is 1.1 x the baseline run's.

    'Stays' is to the limit, or to the end of the record, at least CONFIRMING_WINDOWS windows. The rate is looked for
    from the first window that falls short, which has to be one not later than CONFIRMING_WINDOWS after the fault's
    end: a queue can hide a fault for a while, but the noise of a later hour is not its doing. Never short: 0.
    """
    assert 0 <= fault_start_ns <= fault_end_ns
    good = in_order(faulted, baseline, objective_p99_ns)
    windows = good.rate.size
    limit = fault_end_ns + limit_ns
    first = fault_start_ns // window_ns
    stop = min(windows, limit // window_ns + CONFIRMING_WINDOWS)  # enough to confirm one at the limit
    assert windows * window_ns >= limit, "the record ends before the limit"

    def instant(window: int | None) -> int | None:
        if window is None or window * window_ns > limit:
            return None
        return max(0, window * window_ns - fault_start_ns)

    last_onset = math.ceil(fault_end_ns / window_ns) + CONFIRMING_WINDOWS
    restore = _first_confirmed(good.rate[:stop], first, last_onset)
    return Recovery(
        None if detect_ns is None else detect_ns - fault_start_ns,
        instant(restore),
        instant(_first_lasting(good.backlog[:stop], first)),
        instant(_first_lasting(good.latency[:stop], first)),
    )


def _pair(faulted: ArrayLike, baseline: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b = np.asarray(faulted, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    assert a.ndim == 1
    assert a.shape == b.shape, "the same windows of the run and of its baseline run"
    return a, b


def _first_confirmed(good: BoolArray, first: int, last_onset: int) -> int | None:
    """First window of CONFIRMING_WINDOWS good ones in a row, from the onset of the shortfall; `first` without one."""
    short = np.flatnonzero(~good[first : last_onset + 1])
    start = first + (int(short[0]) if short.size else 0)
    run = 0
    for window in range(start, good.size):
        run = run + 1 if good[window] else 0
        if run == CONFIRMING_WINDOWS:
            return window - CONFIRMING_WINDOWS + 1
    return None


def _first_lasting(good: BoolArray, first: int) -> int | None:
    """First window from which on all are good, with at least CONFIRMING_WINDOWS of them; None without one."""
    bad = np.flatnonzero(~good[first:])
    start = first + (int(bad[-1]) + 1 if bad.size else 0)
    return start if good.size - start >= CONFIRMING_WINDOWS else None


def recovery_figures(
    times_ns: Sequence[int | None], confidence: float = 0.95, step_s: float = 0.0
) -> dict[str, Figure]:
    """One of the four times over independent episodes, in seconds from the start of the fault, to a step.

    p50, p95: of all episodes, those that never came counting as infinite. mean: of those that came.
    """
    times = np.array([math.inf if time is None else time * NS for time in times_ns], dtype=np.float64)
    came = times[np.isfinite(times)]
    missing = times.size - came.size
    mean = bootstrap_t_interval(came, "s", confidence)
    if not came.size and missing:
        mean = Figure.refused("s", f"in none of the {missing} episodes it came", missing)
    elif missing:
        mean = mean.with_note(f"of the {came.size} episodes that came back")
    p50, p95 = (independent_percentile(times, p, "s", confidence) for p in (0.5, 0.95))
    return {name: replace(one, resolution=step_s) for name, one in (("p50", p50), ("p95", p95), ("mean", mean))}
