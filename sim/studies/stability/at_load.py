"""A scenario at one factor of its load: episodes of a fault, runs without it, runs from an overloaded start, with a
backlog at the instant 0 that enters no figure.

What is kept of the runs are numbers, since a search looks at many loads; runs themselves are handed on and forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sim.analytic.estimate import estimate
from sim.engine.run import Planned, Traces
from sim.lower.load import Loaded
from sim.lower.lower import lower
from sim.network import Network
from sim.network.sources import BurstArrivals, Source
from sim.results.columns import Replication
from sim.scenario.load import repeated, scaled
from sim.scenario.model.settings import RunSettings
from sim.stats.episodes import Episode
from sim.stats.intervals import FloatArray
from sim.stats.late import Late, all_there, at_work, is_draining, late, left_by, lines_grow
from sim.stats.recovery import CONFIRMING_WINDOWS
from sim.studies.base import Runner, RunOptions
from sim.studies.episodes import LEAST_WINDOWS, RECOVERY_WINDOW_NS, Bench, EpisodeRequest, FaultKind


def overloaded(network: Network, backlog: int) -> Network:
    """The network with so many executions more at the instant 0, of the routines that sources count, in proportion to
    their rates. They come after the other sources in the order of elements, so that those draw and stand as before."""
    sources = dict(network.sources)
    for routine, count in shares(_rates(network), backlog).items():
        name = f"backlog-of-{routine}"
        while name in sources:
            name += "-"
        if count:
            sources[name] = Source(routine=routine, arrivals=BurstArrivals(burst=count), counted=False)
    return network.model_copy(update={"sources": sources})


def shares(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """A whole number dealt out in proportion to weights, by largest remainders.

    >>> shares({"a": 1.0, "b": 2.0}, 10)
    {'a': 3, 'b': 7}
    """
    whole = sum(weights.values())
    exact = {name: total * weight / whole for name, weight in weights.items()}
    found = {name: int(part) for name, part in exact.items()}
    left = total - sum(found.values())
    for name in sorted(exact, key=lambda name: found[name] - exact[name])[:left]:
        found[name] += 1
    return found


def _rates(network: Network) -> dict[str, float]:
    """Executions a second of what is counted; all alike where nothing has a lasting rate."""
    counted = {source.routine for source in network.sources.values() if source.counted}
    known = estimate(network).rates_per_s
    rates = {routine: known.get(routine, 0.0) for routine in sorted(counted)}
    return rates if sum(rates.values()) else dict.fromkeys(rates, 1.0)


@dataclass(frozen=True, slots=True)
class TriggerWatch:
    """What is the same at every load.

    fault: the kind of fault that is the trigger. begin_ns: when the scenario lets it begin; None: at a phase of the
    load's cycle that is drawn, once the run has settled (settled_ns). lasts_ns: how long the fault lasts, at most in
    99 of 100 episodes. limit_ns: how long after its end the system may take to come back. traces: as read.
    """

    fault: str
    begin_ns: int | None
    settled_ns: int
    lasts_ns: int
    limit_ns: int
    settings: RunSettings
    traces: Traces

    @property
    def record_ns(self) -> int:
        """How long after the beginning of the fault a record goes on: to the limit, and until what is back by then is
        confirmed."""
        window_ns = min(RECOVERY_WINDOW_NS, max(self.limit_ns // LEAST_WINDOWS, 1))
        return self.lasts_ns + self.limit_ns + (CONFIRMING_WINDOWS + 1) * window_ns


@dataclass(frozen=True, slots=True)
class After:
    """What an episode came to. back: whether the system is back beside its baseline run within the limit. draining:
    whether what is left of a backlog gets less, where it is not. late: its last stretch. left: the backlog of the
    fault."""

    back: bool
    draining: bool
    late: Late
    left: int


@dataclass(frozen=True, slots=True)
class Alone:
    """What a run without the fault came to. grows: whether its lines do. working, there: executions at work, and all
    that is there, sample by sample from the second quarter of the run on."""

    late: Late
    grows: bool
    working: FloatArray
    there: FloatArray


@dataclass(slots=True)
class AtLoad:
    """One factor of the load, and what its runs have told so far, by replication from 0 on."""

    factor: float
    loaded: Loaded
    watch: TriggerWatch
    bench: Bench
    runner: Runner
    after: list[After] = field(default_factory=list)
    alone: list[Alone] = field(default_factory=list)
    overloads: list[Alone] = field(default_factory=list)

    @classmethod
    def of(cls, loaded: Loaded, factor: float, watch: TriggerWatch, options: RunOptions) -> AtLoad:
        """The scenario at a factor of its load."""
        traces = watch.traces
        if factor != 1:
            traces = {name: repeated(times, factor) for name, times in traces.items()}
        runner = Runner(loaded.lowered, traces, options)
        scenario = scaled(loaded.scenario, factor)
        if scenario is not loaded.scenario:
            loaded = replace(loaded, scenario=scenario, lowered=lower(scenario))
        return cls(factor, loaded, watch, Bench(loaded, watch.settings, runner, watch.settled_ns), runner)

    @property
    def kind(self) -> FaultKind:
        """The trigger, as it is at this load."""
        return self.bench.kinds[self.watch.fault]

    def request(self, replication: int) -> EpisodeRequest:
        """The episode on these draws."""
        begin_ns = self.watch.begin_ns
        if begin_ns is None:
            begin_ns = self.bench.begin_ns(self.kind, replication)
        return EpisodeRequest(((self.kind, begin_ns),), replication, self.watch.record_ns)

    def run_more(self, count: int) -> list[Episode]:
        """So many episodes more beside their baseline runs."""
        first = len(self.after)
        episodes = self.bench.run(
            [self.request(first + index) for index in range(count)], what=f"load {self.factor:.3g}: episodes"
        )
        if self.runner.interrupted:
            raise KeyboardInterrupt  # half an answer is none
        for episode in episodes:
            self.after.append(self._after(episode))
            if len(self.alone) < len(self.after):
                self.alone.append(self._alone(episode.baseline))
        return episodes

    def run_alone(self, count: int) -> None:
        """So many runs more without the fault."""
        runs = self.runner.whole(f"load {self.factor:.3g}: without the fault", self._baselines(self.alone, count))
        self.alone += map(self._alone, runs)

    def alone_up_to(self, count: int) -> None:
        """Runs without the fault, until there are so many."""
        if count > len(self.alone):
            self.run_alone(count - len(self.alone))

    def run_overloaded(self, backlog: int, count: int) -> None:
        """So many runs more without the fault that begin with a backlog."""
        planned = [(overloaded(network, backlog), plan) for network, plan in self._baselines(self.overloads, count)]
        self.overloads += map(self._alone, self.runner.whole(f"load {self.factor:.3g}: from a backlog", planned))

    def _baselines(self, done: Sequence[Alone], count: int) -> list[Planned]:
        """So many runs without the fault on the draws that follow on what is done."""
        return [self.bench.baseline_of(self.request(len(done) + index)) for index in range(count)]

    def _late(self, run: Replication) -> Late:
        """The last stretch of a run: the second half of the limit."""
        horizon = run.horizon_ns
        return late(run, horizon - self.watch.limit_ns // 2, horizon, self.loaded.lowered.deadlines_ns)

    def _alone(self, run: Replication) -> Alone:
        quarter, end = run.horizon_ns // 4, run.horizon_ns
        working, there = at_work(run, quarter, end), all_there(run, quarter, end)
        return Alone(self._late(run), lines_grow(run, quarter), working, there)

    def _after(self, episode: Episode) -> After:
        run, baseline, end_ns = episode.run, episode.baseline, episode.end_ns
        back = episode.recoupled_ns is not None or not episode.times(self.watch.limit_ns).metastable
        draining = not back and is_draining(run, baseline, end_ns, run.horizon_ns)
        left = left_by(run, baseline, episode.begin_ns, min(end_ns + 2 * episode.window_ns, run.horizon_ns))
        return After(back, draining, self._late(run), left)


def good_share(alone: Sequence[Alone]) -> float:
    """Good ends for each start over several runs."""
    starts = sum(one.late.starts for one in alone)
    return sum(one.late.good for one in alone) / starts if starts else 1.0
