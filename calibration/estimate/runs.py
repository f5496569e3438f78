"""A long run of a network, and what it shows: whether it is overloaded, which places are full, how long work takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.network import Network
from sim.network.places import TokenBucket
from sim.results.columns import FAILED, OPEN, REJECTED, Replication
from sim.stats.room import fullness

SAMPLES = 120
"""Samples of the timeline over a run."""
GROWS = 0.015
"""A line grows when over the second half of a run it becomes longer by more than this share of the visits there."""
GROWS_WHERE_FULL = 0.004
"""The same where the place is FULL: the share of one hot node among many may be as small."""
FULL = 0.992
ERRORS = 3.0
"""Executions at work grow by more than so many standard errors of a Poisson number too: those in long waits vary."""
SAVED = 0.005
"""Tokens that a bucket has saved at the start, of those of a run, at most: with more of them it would carry a load
above its rate for all of the first half, and the line would only begin to grow."""
DRAIN_NS = 30 * 86_400_000_000_000
"""Who has not ended after this long counts as open."""
BATCHES = 20
"""Parts of a run whose means tell the noise of its mean."""


@dataclass(frozen=True)
class Shown:
    """What a run shows, by the executions of its window. network: as it was run."""

    network: Network
    run: Replication

    @cached_property
    def full(self) -> dict[str, float]:
        """By place, the share of what it can do that it did; of places that something limits."""
        return {name: share for name, share in fullness(self.network, self.run).items() if share is not None}

    @cached_property
    def growing(self) -> tuple[str, ...]:
        """Places whose line grows, the fastest first."""
        found = {}
        for name, use in self.run.places.items():
            grown = self._grown(self.run.samples.get(f"queue.{name}"))
            share = GROWS_WHERE_FULL if self.full.get(name, 0.0) > FULL else GROWS
            # A line at its limit is a random walk, which a few hundred visits let look like growth.
            if grown > max(share * use.requested, math.sqrt(use.requested)):
                found[name] = grown
        return tuple(sorted(found, key=lambda name: -found[name]))

    @cached_property
    def overloaded(self) -> bool:
        """Whether a line grows, or the number of executions at work."""
        if self.growing:
            return True
        at_work = self.run.at_work()
        late = at_work[len(at_work) // 2 :]
        noise = ERRORS * math.sqrt(max(float(late.mean()), 1.0)) if len(late) else 0.0
        return self._grown(at_work) > GROWS * self.executions + noise

    def _grown(self, series: NDArray[np.int64] | None) -> float:
        """By how much it became more over the second half of the run, by a straight line through its samples."""
        if series is None or len(series) < 8:
            return 0.0
        late = series[len(series) // 2 :].astype(float)
        return float(np.polyfit(np.arange(len(late)), late, 1)[0]) * len(late)

    @property
    def executions(self) -> int:
        """Executions that sources let in within the window, children and work in progress at the start apart."""
        return len(self.run.from_sources)

    @cached_property
    def latency_s(self) -> dict[str, tuple[float, float]]:
        """By routine that a source lets in: mean latency of all that ended, well or not, and its relative noise."""
        rows = self.run.executions
        found = {}
        ended = self.run.from_sources[rows.outcome[self.run.from_sources] != OPEN]
        for index in sorted({int(one) for one in rows.routine[ended]}):
            mine = ended[rows.routine[ended] == index]
            taken = (rows.end_ns[mine] - rows.start_ns[mine]) * 1e-9
            mean = float(taken.mean())
            means = [float(part.mean()) for part in np.array_split(taken, BATCHES) if len(part)]
            noise = float(np.std(means, ddof=1)) / math.sqrt(len(means)) if len(means) > 1 else mean
            found[self.run.routines[index]] = (mean, noise / mean if mean else 0.0)
        return found

    @property
    def mean_latency_s(self) -> float:
        """Of all executions that sources let in and that ended; 0 where none did."""
        rows = self.run.executions
        ended = self.run.from_sources[rows.outcome[self.run.from_sources] != OPEN]
        return float((rows.end_ns[ended] - rows.start_ns[ended]).mean()) * 1e-9 if len(ended) else 0.0

    @property
    def throughput_per_s(self) -> dict[str, float]:
        """By routine that a source lets in, executions that ended in the window, in a second."""
        rows = self.run.executions
        asked_for = {source.routine for source in self.network.sources.values() if source.counted}
        ended = rows.routine[self.run.in_window(rows.end_ns)]
        window_s = self.run.window_ns * 1e-9
        return {
            name: float((ended == index).sum()) / window_s
            for index, name in enumerate(self.run.routines)
            if name in asked_for
        }

    @property
    def failed(self) -> float:
        """Share of executions that ended failed or rejected."""
        rows = self.run.executions
        outcomes = rows.outcome[self.run.from_sources]
        ended = outcomes[outcomes != OPEN]
        return float(np.isin(ended, (FAILED, REJECTED)).mean()) if len(ended) else 0.0

    @property
    def turned_away(self) -> dict[str, float]:
        """By place, the share of visits that were rejected or refused, or that gave up; of places that have any."""
        lost = {name: use.rejected + use.abandoned + use.refused for name, use in self.run.places.items()}
        return {name: gone / max(self.run.places[name].requested, 1) for name, gone in lost.items() if gone}


def run(network: Network, seed: int, length_s: float, skipped: float = 0.5, follow_s: float = 0.0) -> Shown:
    """One run. skipped: share of it before the window. follow_s: how long sources go on beyond its end, while the
    executions of the window are followed; then those that are left are followed to their close, and no samples are
    taken: an execution may wait for days."""
    length_ns = max(int(length_s * 1e9), SAMPLES)
    plan = Plan(
        seed=seed,
        warmup_ns=int(length_ns * skipped),
        horizon_ns=length_ns,
        follow_ns=int(follow_s * 1e9),
        drain_ns=DRAIN_NS if follow_s else 0,
        sample_ns=0 if follow_s else length_ns // SAMPLES,
    )
    drained = with_little_saved(network, length_s)
    return Shown(drained, run_one(drained, plan))


def with_little_saved(network: Network, length_s: float) -> Network:
    """The network with no more tokens saved than a run of this length spends unseen."""

    def of(station: TokenBucket) -> TokenBucket:
        most = max(1, int(SAVED * station.rate_per_s * length_s))
        return station.model_copy(update={"burst": min(station.burst, most)})

    stations: Mapping[str, object] = {
        name: of(one) if isinstance(one, TokenBucket) else one for name, one in network.stations.items()
    }
    return network.model_copy(update={"stations": dict(stations)})
