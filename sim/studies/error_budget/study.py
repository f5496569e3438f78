"""The error budget of a scenario: episodes of every kind of fault that comes at random, beside baseline runs.

Each kind is run by itself, from the load's cycle at a random phase; then more episodes go where the sum is least
certain for what they cost; then pairs that could matter. What the episodes mean is `sim.stats.error_budget`'s matter.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from sim.analytic.availability import k_of_n
from sim.engine.run import Planned
from sim.errors import StandsStill
from sim.lower.load import Loaded
from sim.lower.lowered import Variant
from sim.lower.sums import mean_ns
from sim.network.facts import node_groups
from sim.network.faults import Fault
from sim.report.wording import deadlock_sentence
from sim.results.columns import Replication
from sim.results.questions import AskedFor
from sim.stats.asked import Questions
from sim.stats.episodes import Episode
from sim.stats.error_budget import ErrorBudget, Kind, Pair, error_budget
from sim.stats.sli import Harm, Sli, harm_of
from sim.stats.sums import YEAR_S, Frequency, Pilot, allotted
from sim.studies.base import Runner, RunOptions, StudyResult, provenance
from sim.studies.episodes import Bench, EpisodeRequest, FaultKind, share
from sim.studies.error_budget.levels import (
    classes_of,
    evidence_of,
    frequency_of,
    levels_of,
    not_in_it,
    outage_mean_s,
)
from sim.studies.loading.inputs import check_inputs
from sim.units import MONTH, YEAR, format_duration_ns

PILOT = 20
"""Episodes of each kind to begin with: fewer have no interval."""
FIRST = 4
"""Of these, how many are run before the others of their kind."""
PAIRS = 20
"""Episodes of each pair that is run."""
APART = 1 << 14
"""Replications between the first of two kinds: no two kinds share draws, so that their harms are independent."""
ALONE = "the first of two"
LONGEST = 16
"""A record ends at so many times the drill's window, or the mean outage: what is not back then never comes back."""


@dataclass(frozen=True, slots=True)
class ErrorBudgetOptions(RunOptions):
    """What the caller may ask for beside the scenario; None leaves the scenario's own. episodes: of each kind on
    average."""

    episodes: int = 40


@dataclass(frozen=True, slots=True)
class ErrorBudgets(StudyResult):
    """The error budgets of a scenario's service levels, and where they come from.

    episodes: of all kinds, without those of pairs. executions, events: simulated for all of it, warm-up, baseline
    runs, pairs and records that were too short included; of executions those that sources let in.
    """

    command: str
    episodes: int
    executions: int
    events: int
    error_budgets: tuple[ErrorBudget, ...]
    warnings: tuple[str, ...]
    provenance: Mapping[str, object]
    interrupted: bool = False


def error_budgets_of(loaded: Loaded, options: ErrorBudgetOptions | None = None) -> ErrorBudgets:
    """The error budget of every service level of a scenario.

    Raises InputErrors where there is no service level or nothing fails at random; KeyboardInterrupt when it is stopped
    before every kind has an episode.
    """
    options = options or ErrorBudgetOptions()
    began = time.perf_counter()
    books = _Books(loaded, options)
    for name in books.kinds:
        books.run(name, min(PILOT, options.episodes))
    books.run_more(options.episodes * len(books.kinds))
    books.run_pairs()
    return ErrorBudgets(
        name=loaded.scenario.name,
        file=loaded.document.file,
        hash=loaded.hash,
        command=options.command,
        seed=books.bench.settings.seed,
        episodes=sum(len(harms) for harms in books.harms[0].values()),
        executions=books.runner.executions,
        events=books.runner.events,
        error_budgets=tuple(books.error_budget(index) for index in range(len(books.levels))),
        warnings=tuple(books.runner.warnings),
        provenance=provenance(options.engine, time.perf_counter() - began),
        interrupted=books.runner.interrupted,
    )


class _Counting(Runner):
    """A runner that counts what it simulates."""

    executions = 0
    events = 0

    def run(self, what: str, planned: Sequence[Planned], asked: Questions | None = None) -> list[Replication]:
        """The replications in order, see `Runner`."""
        runs = super().run(what, planned, asked)
        self.executions += sum(run.ask(AskedFor()) for run in runs)
        self.events += sum(run.events for run in runs)
        if self.standstills:
            raise StandsStill(
                f"{deadlock_sentence(self.standstills[0])}\n\nMinutes below target have no meaning while work waits "
                "for itself for ever: nothing was booked.\nAcquire in the same order everywhere, release before "
                "acquiring more, or give an acquire `patience`."
            )
        return runs


class _Books:
    """The error budgets of one scenario in the making. harms: by service level and kind; pairs: by service level."""

    def __init__(self, loaded: Loaded, options: ErrorBudgetOptions) -> None:
        self.loaded = loaded
        settings = options.settings(loaded.scenario.run)
        traces = check_inputs(loaded)
        self.levels = levels_of(loaded)
        self.classes = classes_of(loaded)
        self.runner = _Counting(loaded.lowered, traces, options)
        self.bench = Bench(loaded, settings, self.runner, drain_ns=settings.drain_ns)
        self.bench.settle()
        self.kinds = {name: FaultKind(name, one.variants, window=one.window) for name, one in self.classes.items()}
        self.harms: list[dict[str, list[Harm]]] = [{name: [] for name in self.kinds} for _ in self.levels]
        self.needed_ns: dict[str, list[int]] = {name: [] for name in self.kinds}
        self.pairs: list[list[Pair]] = [[] for _ in self.levels]
        self.met: list[Meeting] = []

    # -- episodes ---------------------------------------------------------------------------------------------

    def run(self, name: str, count: int) -> None:
        """More episodes of a kind."""
        kind, done = self.kinds[name], len(self.harms[0][name])
        first = list(self.kinds).index(name) * APART
        # The first few tell how long a record has to be.
        for low, high in pairwise(sorted({done, min(max(FIRST, done), done + count), done + count})):
            record_ns, limit_ns = self._records_ns(name)
            requests = [self.bench.request(kind, first + index, record_ns=record_ns) for index in range(low, high)]
            for episode in self.bench.run(requests, limit_ns, self._is_over, f"episodes of {name}"):
                self.needed_ns[name].append(episode.run.horizon_ns - episode.begin_ns)
                for (_, sli), harms in zip(self.levels, self.harms, strict=True):
                    harms[name].append(_harm(episode, sli))
        if not self.harms[0][name]:
            raise KeyboardInterrupt

    def _records_ns(self, name: str) -> tuple[int, int]:
        """How long the record of an episode is at first, and at most."""
        window_ns, outage_s = self.bench.settings.drill_window_ns, outage_mean_s(self.classes[name])
        mean_ns = round((outage_s or 0.0) * 1e9)
        needed_ns = sorted(self.needed_ns[name])
        usual_ns = needed_ns[len(needed_ns) // 2] if needed_ns else max(window_ns // 4, mean_ns)
        return usual_ns, LONGEST * max(window_ns, mean_ns)

    def _is_over(self, episode: Episode) -> bool:
        """Whether the record tells all of the harm: the runs are one again, or, as they need not be to the last draw,
        a drill would call the system recovered, nothing is worse than in the baseline run, and for as long as the
        outage lasted, or a quarter of a drill's window, nothing more has come."""
        if episode.recoupled_ns is not None:
            return True
        end_ns = episode.end_ns
        enough_ns = max(self.bench.settings.drill_window_ns // 4, end_ns - episode.begin_ns)
        if episode.run.horizon_ns - end_ns < enough_ns or not episode.is_over:
            return False
        return all(_harm(episode, sli).is_back for _, sli in self.levels)

    def run_more(self, total: int) -> None:
        """The rest of the episodes, where they make the sums most certain."""
        pilots = [self._pilot(name) for name in self.kinds]
        for name, count in zip(self.kinds, allotted(pilots, total), strict=True):
            if count:
                self.run(name, count)

    def _pilot(self, name: str) -> Pilot:
        often = self.classes[name].rate.per_s
        spreads = [
            float(np.std([harm.extra for harm in harms[name]])) / (1 - level.target)
            for (level, _), harms in zip(self.levels, self.harms, strict=True)
        ]
        harms = self.harms[0][name]
        return Pilot(often, max(spreads), float(np.mean([harm.cost for harm in harms])), len(harms))

    # -- pairs ------------------------------------------------------------------------------------------------

    def run_pairs(self) -> None:
        """Episodes in which a second fault comes during that of a first, for the pairs that could matter."""
        least = min(level.budget_min for level, _ in self.levels)
        often = {name: frequency_of(one) for name, one in self.classes.items()}
        self.met = meetings(often, self.harms[0], least)
        for index, meeting in enumerate(one for one in self.met if one.is_run):
            first = (len(self.kinds) + index) * APART
            found = [self._together(meeting, first + number, number) for number in range(PAIRS)]
            whole = [one for one in found if one is not None]
            # Where all is over with the outage itself, what fails by one clock cannot meet itself.
            meets = any(lag for _, lag in whole)
            for position, pairs in enumerate(self.pairs):
                if meets:
                    excess, lag_s = [one[position] for one, _ in whole], [lag for _, lag in whole]
                    pairs.append(Pair(meeting.first, meeting.second, excess, lag_s))

    def _together(self, meeting: Meeting, replication: int, number: int) -> tuple[list[float], float] | None:
        """Bad events beyond those of both by themselves, by service level, all on the same draws; and how long the
        second may come, s.

        That is for as long as the first one's episode lasts: later it meets what it would without. Its begin is drawn
        from slice `number` of that time, so that all slices are met alike; intervals, which take the episodes as
        independent, are rather too wide for it.
        """
        seed = self.bench.settings.seed
        one, other = self.kinds[meeting.first], self.kinds[meeting.second]
        if other is one:
            other = _again(one)
        record_ns, limit_ns = (
            max(ends) for ends in zip(*map(self._records_ns, (meeting.first, meeting.second)), strict=True)
        )
        begin_ns = self.bench.begin_ns(one, replication)
        alone = self.bench.run(
            [EpisodeRequest(((one, begin_ns),), replication, record_ns)], limit_ns, self._is_over, ALONE
        )
        if not alone:
            return None
        # What fails by one clock, not thing by thing, is not hit again before it is repaired.
        fault = self.loaded.lowered.network.faults.get(one.name)
        is_one_clock = meeting.first == meeting.second and (fault is None or not fault.each)
        earliest_ns = alone[0].end_ns if is_one_clock else begin_ns
        lasted_ns = begin_ns + int(_harm(alone[0], self.levels[0][1]).lasted_s * 1e9) - earliest_ns
        slice_of = (number + share(seed, replication, f"{one.name}/then")) / PAIRS
        then = (other, earliest_ns + int(slice_of * lasted_ns))
        requests = [
            EpisodeRequest(((one, begin_ns), then), replication, record_ns),
            EpisodeRequest((then,), replication, record_ns),
        ]
        found = self.bench.run(requests, limit_ns, self._is_over, f"{one.name}, then {other.name}")
        if len(found) < len(requests):
            return None
        every = (found[0], alone[0], found[1])
        harms = ([_harm(episode, sli).extra for _, sli in self.levels] for episode in every)
        return [float(both - first - second) for both, first, second in zip(*harms, strict=True)], lasted_ns / 1e9

    # -- the error budgets ------------------------------------------------------------------------------------------

    def _three_nodes_min(self) -> float:
        """Bound on three nodes of a kind at once, whose pairs are run or bounded."""
        network = self.loaded.lowered.network
        bounds = (
            three_nodes_min(
                network.faults[name], node_groups(network), float(np.mean([one.lasted_s for one in harms]))
            )
            for name, harms in self.harms[0].items()
            if name in network.faults
        )
        return sum(bounds, start=0.0)

    def error_budget(self, index: int) -> ErrorBudget:
        """The error budget of one service level."""
        level, _ = self.levels[index]
        kinds = [
            Kind(
                name,
                frequency_of(one),
                self.harms[index][name],
                evidence_of(one),
                one.source,
                outage_mean_s(one),
            )
            for name, one in self.classes.items()
        ]
        left_out_min = sum(meeting.bound_min for meeting in self.met if not meeting.is_run) + self._three_nodes_min()
        windows = {
            format_duration_ns(level.window_s * 1e9): level.window_s,
            "a month": MONTH / 1e9,
            "a year": YEAR / 1e9,
        }
        confidence = self.bench.settings.confidence
        found = error_budget(level, kinds, self.pairs[index], left_out_min, windows, confidence)
        return replace(found, not_in_it=tuple(not_in_it(self.loaded)))


def _harm(episode: Episode, sli: Sli) -> Harm:
    return harm_of(episode.run, episode.baseline, sli, episode.begin_ns, episode.recoupled_ns, _recovered_ns(episode))


def _recovered_ns(episode: Episode) -> int | None:
    """When rate, backlog and latency were in order again, as a drill tells it; None where that was not so."""
    if episode.recoupled_ns is not None:
        return episode.recoupled_ns
    found = episode.times()
    after = (found.restore_ns, found.drain_ns, found.latency_ok_ns)
    if found.metastable:
        return None
    return max(episode.end_ns, episode.begin_ns + max(one for one in after if one is not None))


def _again(kind: FaultKind) -> FaultKind:
    """The same kind under a name of its own, so that its draws are the same with a first one and without."""
    again = tuple(
        Variant(one.chance, {f"{name}-again": fault for name, fault in one.faults.items()}) for one in kind.variants
    )
    return FaultKind(f"{kind.name}-again", again)


WORTH = 0.01
"""Share of the budget above which a pair's bound has it run."""
MOST = 6
"""Pairs that are run, those with the greatest bounds."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """A second fault that begins while the first one's episode lasts.

    bound_min: the minutes that the pair can add in a year, if all events are bad for as long as the two episodes last,
    one after the other. It is exceeded only where together they last longer than that.
    """

    first: str
    second: str
    bound_min: float
    is_run: bool


def meetings(often: Mapping[str, Frequency], harms: Mapping[str, Sequence[Harm]], budget_min: float) -> list[Meeting]:
    """Every ordered pair, the greatest bound first. A kind may meet itself."""
    lasted = {name: np.array([harm.lasted_s for harm in found]) for name, found in harms.items()}
    found = []
    for first, long in lasted.items():
        for second, longer in lasted.items():
            both_s2 = float((long**2).mean() + long.mean() * longer.mean())
            bound = often[first].per_s * often[second].per_s * both_s2 * YEAR_S / 60
            found.append(Meeting(first, second, bound, False))
    found.sort(key=lambda one: -one.bound_min)
    return [
        Meeting(one.first, one.second, one.bound_min, index < MOST and one.bound_min > WORTH * budget_min)
        for index, one in enumerate(found)
    ]


def three_nodes_min(fault: Fault, groups: Mapping[str, int], lasted_s: float) -> float:
    """Bound on what three nodes or more of one kind that are down together can add, minutes a year.

    Nodes that fail by clocks of their own make a Markov chain of how many are down (`sim.analytic.availability`, where
    repair times matter by their mean alone, since nobody waits for a repairer); how often it comes to three, and for
    how long, it tells. Everything is taken to be bad then, and for `lasted_s`, an episode of one, after it. 0 for a
    fault of one clock.
    """
    nodes = sum(groups[one.group] if one.nodes in ("all", "any") else len(one.nodes) for one in fault.targets)
    if not fault.each or nodes < 3 or fault.mttf is None or fault.duration is None:
        return 0.0
    chain = k_of_n(nodes, nodes - 2, mean_ns(fault.mttf) / 1e9, mean_ns(fault.duration) / 1e9)
    return chain.outages_per_s * (chain.outage_mean_s + lasted_s) * YEAR_S / 60
