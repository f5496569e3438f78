"""Episodes of a fault beside their baseline runs on the same draws, and the figures of many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from sim.figure import Figure
from sim.results.columns import FAILED, OPEN, REJECTED, SUCCEEDED, Ints, Replication
from sim.stats import recovery as one
from sim.stats.intervals import NS, FloatArray, mean_interval
from sim.stats.recovery import CONFIRMING_WINDOWS, Windows, recovery_figures
from sim.stats.skewed import bootstrap_t_interval, independent_share
from sim.stats.summary import Recovery

PLATFORM_SPAN = "span.platform"
"""The platform's own latency, where a network has it, tells sooner than whole executions whether all is well."""


@dataclass(frozen=True)
class Episode:
    """One injected fault: the run with it, and the baseline run on the same draws without it.

    fault: its name in the columns. begin_ns: when it began. recoupled_ns: see `recoupled_ns`. objective_p99_ns: bound
    on the p99 of the platform's latency (or of executions, where there is no such span); the baseline run is the
    measure without one.
    """

    fault: str
    begin_ns: int
    run: Replication
    baseline: Replication
    recoupled_ns: int | None = None
    objective_p99_ns: float | None = None

    @property
    def window_ns(self) -> int:
        """Time between two samples."""
        return int(self.run.sample_ns[1] - self.run.sample_ns[0])

    @cached_property
    def windows(self) -> tuple[Windows, Windows]:
        """Rate, backlog and latency of the run and of its baseline run, window by window: kept, since each figure at
        each level asks for them."""
        return windows_of(self.run, self.window_ns), windows_of(self.baseline, self.window_ns)

    @property
    def end_ns(self) -> int:
        """When the fault was over: the last of those that it consists of. One that stays is over when it begins."""
        ends = self.run.episodes.end_ns
        return max(int(ends.max(initial=-1)), self.begin_ns)

    def times(self, limit_ns: int | None = None) -> one.Recovery:
        """Detect, restore, drain and latency ok. limit_ns: how long after the fault's end they are looked for, at
        most; as long as the record lasts by default."""
        end_ns, window_ns = self.end_ns, self.window_ns
        left_ns = self.run.horizon_ns - end_ns - window_ns
        new = np.setdiff1d(self.run.reactions_ns, self.baseline.reactions_ns)
        new = new[new >= self.begin_ns]
        return one.recovery(
            *self.windows,
            window_ns,
            self.begin_ns,
            end_ns,
            left_ns if limit_ns is None else min(limit_ns, left_ns),
            int(new[0]) if new.size else None,
            self.objective_p99_ns,
        )

    @property
    def is_over(self) -> bool:
        """Whether nothing of the fault is left at the end of the record: the runs are one again, or rate, backlog and
        latency are back in order."""
        return self.recoupled_ns is not None or not self.times().metastable

    def not_in_order_ns(self, limit_ns: int | None = None) -> int:
        """Time from the beginning of the fault until rate and latency are back, in windows in which they are not in
        order; to the end of the record where they do not come back."""
        window_ns, times = self.window_ns, self.times(limit_ns)
        good = one.in_order(*self.windows, self.objective_p99_ns)
        first = self.begin_ns // window_ns
        last = good.rate.size
        if times.restore_ns is not None and times.latency_ok_ns is not None:
            last = -(-(self.begin_ns + max(times.restore_ns, times.latency_ok_ns)) // window_ns)
        return int((~(good.rate & good.latency))[first:last].sum()) * window_ns

    @property
    def still_open(self) -> int:
        """Executions that sources let in during the record and that are not known to have ended, beyond those of the
        baseline run."""
        return self.run.ended(OPEN) - self.baseline.ended(OPEN)

    @property
    def lost(self) -> int:
        """Executions that failed or were turned away beyond those of the baseline run; of those that sources let in,
        since a child that takes its parent along is one loss."""
        return self.run.ended(FAILED, REJECTED) - self.baseline.ended(FAILED, REJECTED)

    @property
    def redone(self) -> int:
        """Attempts made again beyond those of the baseline run, by children too."""
        return _further_attempts(self.run) - _further_attempts(self.baseline)

    @property
    def amplification(self) -> float:
        """Attempts for each thing attempted, over those of the baseline run."""
        return _attempts(self.run) / _attempts(self.baseline)


def recoupled_ns(run: Replication, baseline: Replication) -> int | None:
    """From when on executions of the run and of its baseline run, children included, have the same outcomes and ends;
    None where they do not.

    They need not: draws that are counted at a place (flushes of a log) go on differently after a fault. To call them
    one again, the samples of all places have to be the same for CONFIRMING_WINDOWS before the end of the window, and
    some execution that began since has to have ended.
    """
    until_ns = min(run.end_ns, baseline.end_ns)
    mine, others = _reported_until(run, until_ns), _reported_until(baseline, until_ns)
    count = min(mine.shape[1], others.shape[1])
    if not count:
        return None
    same = (mine[:, -count:] == others[:, -count:]).all(axis=0)
    different = np.flatnonzero(~same)
    since = mine[:, -count:][:, int(different[-1]) + 1 if different.size else 0 :]
    if not since.size or not (since[1] >= 0).any():
        return None
    since_ns = int(since[0, 0])
    last = np.searchsorted(run.sample_ns, run.horizon_ns)
    confirming = slice(max(int(last) - CONFIRMING_WINDOWS, 0), int(last))
    shared = min(len(run.sample_ns), len(baseline.sample_ns))
    if last < CONFIRMING_WINDOWS or shared < last or since_ns > run.sample_ns[confirming][0]:
        return None
    settled = all(
        np.array_equal(run.samples[name][confirming], baseline.samples[name][confirming]) for name in run.samples
    )
    return since_ns if settled else None


def _reported_until(run: Replication, until_ns: int) -> Ints:
    """Starts, ends, outcomes and routines of those that began in the window, as they are known at an instant."""
    rows = run.executions
    began = rows.start_ns < run.horizon_ns
    ended = rows.end_ns <= until_ns
    columns = (rows.start_ns, np.where(ended, rows.end_ns, -1), np.where(ended, rows.outcome, OPEN), rows.routine)
    return np.stack([column[began].astype(np.int64) for column in columns])


def recovery_of(episodes: Sequence[Episode], limit_ns: int | None, confidence: float) -> Recovery:
    """Recovery from one kind of fault. limit_ns: see `Episode.times`."""
    times = [episode.times(limit_ns) for episode in episodes]
    # All but the first reaction, whose instant is known, are told to the window that they begin in.
    step_s = episodes[0].window_ns * NS
    figures = {
        "detect": recovery_figures([e.detect_ns for e in times], confidence),
        "restore": recovery_figures([e.restore_ns for e in times], confidence, step_s),
        "drain": recovery_figures([e.drain_ns for e in times], confidence, step_s),
        "latency_ok": recovery_figures([e.latency_ok_ns for e in times], confidence, step_s),
    }
    return Recovery(
        fault=episodes[0].fault,
        at_s=Figure.exact(float(np.mean([e.begin_ns for e in episodes])) * NS, "s"),
        episodes=len(episodes),
        detect_s=_detected([e.detect_ns for e in times], confidence),
        restore_s=figures["restore"]["mean"],
        drain_s=figures["drain"]["mean"],
        latency_ok_s=figures["latency_ok"]["mean"],
        lost=mean_interval([e.lost for e in episodes], "", confidence).with_note(
            "executions that failed beyond those of the baseline run"
        ),
        redone=mean_interval([e.redone for e in episodes], "", confidence).with_note(
            "attempts made again beyond those of the baseline run"
        ),
        amplification=mean_interval([e.amplification for e in episodes], "ratio", confidence),
        never_back=independent_share(sum(e.metastable for e in times), len(times), confidence),
        percentiles={name: {"p50": one["p50"], "p95": one["p95"]} for name, one in figures.items()},
    )


def differences(first: Sequence[Episode], other: Sequence[Episode], confidence: float) -> dict[str, Figure]:
    """What an episode of the other case takes beyond one of the first, on average and paired by their draws: restore,
    drain, latency_ok (s; of the pairs in which both came), lost, redone, not_in_order (s)."""
    pairs = [(a.times(), b.times()) for a, b in zip(first, other, strict=False)]
    found = {}
    for name in ("restore", "drain", "latency_ok"):
        times = [(getattr(a, f"{name}_ns"), getattr(b, f"{name}_ns")) for a, b in pairs]
        both = [(b - a) * NS for a, b in times if a is not None and b is not None]
        if not both:
            found[name] = Figure.refused("s", f"in none of the {len(pairs)} pairs both come back", len(pairs))
            continue
        figure, missing = mean_interval(both, "s", confidence), len(pairs) - len(both)
        found[name] = figure.with_note(f"in {missing} of {len(pairs)} pairs one never came") if missing else figure
    for name in ("lost", "redone"):
        values = [float(getattr(b, name) - getattr(a, name)) for a, b in zip(first, other, strict=False)]
        found[name] = mean_interval(values, "", confidence)
    bad = [(b.not_in_order_ns() - a.not_in_order_ns()) * NS for a, b in zip(first, other, strict=False)]
    return found | {"not_in_order": mean_interval(bad, "s", confidence)}


def losses_in(
    drilled: Sequence[Replication], counted: Mapping[str, str], ages: Mapping[str, str], confidence: float
) -> dict[str, Figure]:
    """What a drill takes for good, by the figure's name. counted: the operation whose number it is; ages: the family
    of spans whose longest it is, in seconds; 0 where nothing is lost."""
    numbers = {
        name: mean_interval([run.operations(operation) for run in drilled], "", confidence)
        for name, operation in counted.items()
    }
    return numbers | {
        name: mean_interval([_longest_ns(run, family) * NS for run in drilled], "s", confidence)
        for name, family in ages.items()
    }


def _longest_ns(run: Replication, family: str) -> int:
    found = [span for name, span in run.spans.items() if name.startswith(f"{family}.") and span.count]
    return max((int(span.durations_ns.max()) for span in found), default=0)


def _detected(times_ns: Sequence[int | None], confidence: float) -> Figure:
    """The mean time to the first reaction, of the episodes in which anything reacted."""
    came = [time * NS for time in times_ns if time is not None]
    if not came:
        return Figure.refused("s", "nothing reacted in any episode", len(times_ns))
    figure = bootstrap_t_interval(came, "s", confidence)
    missing = len(times_ns) - len(came)
    return figure.with_note(f"in {missing} of {len(times_ns)} episodes nothing reacted") if missing else figure


def windows_of(run: Replication, window_ns: int) -> Windows:
    """Completions, backlog and 99th percentile of latency in consecutive windows from time 0.

    Of executions that sources let in: children are part of them, and of the backlog as long as one is open.
    """
    count = run.horizon_ns // window_ns
    edges = np.arange(count + 1, dtype=np.int64) * window_ns
    rows = run.executions
    done = np.flatnonzero(rows.outcome == SUCCEEDED)
    done = done[rows.let_in(done)]
    completed = np.histogram(rows.end_ns[done], edges)[0]
    backlog = at_ends(run.at_work(), count)
    if PLATFORM_SPAN in run.spans:
        span = run.spans[PLATFORM_SPAN]
        ended, latency = span.ended_ns, span.durations_ns
    else:
        ended, latency = rows.end_ns[done], (rows.end_ns - rows.start_ns)[done]
    return Windows(completed, backlog, _p99_by_window(ended, latency, edges))


def at_ends(samples: ArrayLike, count: int) -> FloatArray:
    """Samples at the ends of so many windows; the last one stands for those that there are none of."""
    later = np.asarray(samples, np.float64)[1 : count + 1]
    return np.concatenate([later, np.full(count - len(later), later[-1] if len(later) else 0.0)])


def _p99_by_window(ended: Ints, latency: Ints, edges: Ints) -> FloatArray:
    """The 99th percentile (`inverted_cdf`: one of the values) of the latencies that ended in each window, from one
    edge up to the next; nan in a window without any. All windows at once: a drill has tens of thousands."""
    window = np.searchsorted(edges, ended, side="right") - 1
    order = np.lexsort((latency, window))
    bounds = np.searchsorted(window[order], np.arange(len(edges)))
    sizes = np.diff(bounds)
    ranks = np.maximum(np.ceil(sizes * 0.99 - 1).astype(np.int64), 0)
    p99 = np.full(len(sizes), np.nan)
    p99[sizes > 0] = latency[order[(bounds[:-1] + ranks)[sizes > 0]]]
    return p99


def _attempts(run: Replication) -> float:
    """Attempts for each thing attempted; 1 where nothing ever is."""
    first = sum(first for first, _ in run.attempts.values())
    return (first + _further_attempts(run)) / first if first else 1.0


def _further_attempts(run: Replication) -> int:
    return sum(more for _, more in run.attempts.values())
