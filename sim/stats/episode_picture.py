"""One episode beside its baseline run as a picture in numbers: how it stood window by window, and when the fault was
there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.stats.curves import level
from sim.stats.episodes import Episode, at_ends, windows_of
from sim.stats.metrics import NS

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
    mine, others = (windows_of(run, window_ns) for run in (episode.run, episode.baseline))
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
    return Picture(episode.replication, tuple(at.tolist()), tuple(lines), faults)


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
