"""Episodes: kinds of faults that begin at given times while nothing else fails, run beside baseline runs on the same
draws.

The baseline run of an episode is the same run without any fault. Episodes of several kinds on the same draws share it.
What is not over at the end of its record is run again with a record twice as long, up to a limit. An episode begins at
a given phase of the load's cycle, or at one that is drawn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias

from sim.draws.streams import stream_key
from sim.engine.plan import Plan
from sim.engine.run import Planned
from sim.errors import InputErrors, Problem
from sim.lower.load import Loaded
from sim.lower.lowered import Lowered, Variant
from sim.network import Network
from sim.network.faults import Fault, Window
from sim.network.sources import BurstArrivals, PoissonArrivals, Source, TraceArrivals
from sim.results.columns import Replication
from sim.scenario.model.settings import RunSettings
from sim.stats.episodes import PLATFORM_SPAN, Episode, recoupled_ns
from sim.studies.base import Runner
from sim.studies.window import settled_ns
from sim.units import HOUR, MINUTE, format_duration_ns, parse_duration_ns

MOST_CYCLES = 8
"""A common cycle of more than this many of the longest period is none that anybody sees twice."""

_CLOCK = re.compile(r"(\d{1,3})?:([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Cycle:
    """What the load goes round in.

    length_ns: 0 where nothing has a period. whole: whether all repeats with it; else it is the longest of periods that
        hardly ever meet. of_load: whether it is the users' load; else only what the store does by itself repeats.
    """

    length_ns: int
    whole: bool = True
    of_load: bool = True

    def begin_ns(self, phase_ns: int, earliest_ns: int) -> int:
        """The first instant at this phase that is not before `earliest_ns`."""
        late = phase_ns - earliest_ns
        return earliest_ns + (late % self.length_ns if self.length_ns else max(late, 0))

    def drawn_ns(self, drawn: float, window: Window | None, earliest_ns: int) -> int:
        """When a fault begins that comes at any time alike; drawn: that time, as a share of all.

        What would come outside of its window comes when that opens next. Told is the first instant at that phase that
        is not before `earliest_ns`: the load is the same in each cycle.
        """
        if window is None:
            return self.begin_ns(int(drawn * self.length_ns) + earliest_ns, earliest_ns)
        wanted_ns = int(drawn * math.lcm(window.period_ns, self.length_ns or 1))
        since_ns = (wanted_ns - window.from_ns) % window.period_ns
        begin_ns = wanted_ns if since_ns < window.length_ns else wanted_ns + window.period_ns - since_ns
        return self.begin_ns(begin_ns, earliest_ns) if self.length_ns else earliest_ns

    def meets(self, phase_ns: int, window: Window) -> bool:
        """Whether a window is ever open at a phase."""
        step = math.gcd(self.length_ns, window.period_ns)
        return (phase_ns - window.from_ns) % step < window.length_ns


def cycle_of(loaded: Loaded) -> Cycle:
    """The cycle that the settings name; else the least common multiple of the periods of load and controllers; where
    these have none, of background work."""
    run = loaded.scenario.run
    if run.cycle_ns is not None:
        return Cycle(run.cycle_ns)
    for of_load, periods in ((True, set(_of_load(loaded))), (False, set(_of_background(loaded)))):
        if periods:
            common = math.lcm(*periods)
            whole = common <= MOST_CYCLES * max(periods)
            return Cycle(common if whole else max(periods), whole, of_load)
    return Cycle(0, of_load=False)


def goes_round(loaded: Loaded, window_ns: int) -> bool:
    """Whether a stretch of this length holds whole cycles of a load that goes on for ever, so that as many of them as
    fit into a month are the month's."""
    network, cycle = loaded.lowered.network, cycle_of(loaded)
    if loaded.scenario.run.finite or not (cycle.of_load and cycle.length_ns and cycle.whole):
        return False
    by_chance = all(fault.at_ns is None or fault.is_drill for fault in network.faults.values())
    lasting = all(_lasts(source) for source in network.sources.values() if source.counted)
    return by_chance and lasting and window_ns % cycle.length_ns == 0


def _lasts(source: Source) -> bool:
    """Whether a source never comes to its end, and is the same in each of its periods."""
    if source.during is not None:  # as its fault is
        return True
    match source.arrivals:
        case TraceArrivals():
            return False
        case BurstArrivals() as bursts if bursts.every_ns is None:
            return False
        case PoissonArrivals() as poisson if poisson.profile is not None and poisson.profile.period_ns is None:
            return False
    return source.stop_ns is None and source.limit is None


def _of_load(loaded: Loaded) -> Iterator[int]:
    network = loaded.lowered.network
    for source in network.sources.values():
        if source.counted:
            yield from _period(source)
    for workflow in loaded.scenario.workflows.values():
        if workflow.schedule is not None:  # a loop around the executions, which no source tells of
            yield workflow.schedule.every_ns
    for controller in network.controllers.values():
        if controller.schedule is not None and controller.schedule.period_ns is not None:
            yield controller.schedule.period_ns


def _of_background(loaded: Loaded) -> Iterator[int]:
    for source in loaded.lowered.network.sources.values():
        if not source.counted:
            yield from _period(source)


def _period(source: Source) -> Iterator[int]:
    arrivals = source.arrivals
    if source.during is not None:  # it counts from a fault
        return
    if isinstance(arrivals, PoissonArrivals) and arrivals.profile is not None and arrivals.profile.period_ns:
        yield arrivals.profile.period_ns
    if isinstance(arrivals, BurstArrivals) and arrivals.every_ns is not None:
        yield arrivals.every_ns


def phase_ns_of(text: str, cycle: Cycle) -> int:
    """The phase that is meant by `:58`, `10:58` (since the start of the cycle) or a time such as `3 h`.

    Raises InputErrors for a text that is none, for a load without a cycle, and for a phase that is not in it.
    """
    clock = _CLOCK.fullmatch(text.strip())
    try:
        phase = int(clock[1] or 0) * HOUR + int(clock[2]) * MINUTE if clock else parse_duration_ns(text)
    except ValueError:
        hint = "write   :58   or   10:58   or   '3 h'"
        raise InputErrors([Problem("--phase", f"is `{text}`, which is no phase of a cycle", hint)]) from None
    if not cycle.length_ns or not cycle.of_load:
        message = f"is `{text}`, but nothing in this scenario's load goes round in a cycle"
        hint = "leave it out, or say how long a cycle is   --set 'run.cycle=1 day'"
        raise InputErrors([Problem("--phase", message, hint)])
    if phase >= cycle.length_ns:
        length = format_duration_ns(cycle.length_ns)
        message = f"is `{text}`, but the load's cycle is {length} long"
        raise InputErrors([Problem("--phase", message, f"a time below {length} is expected")])
    return phase


# -- kinds of faults ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault.

    variants: the ways in which an episode of it may go; their chances add up to 1. at_ns: when the scenario itself
        lets it begin; None where it comes at random. window: when it may begin, where that is not at any time.
    """

    name: str
    variants: tuple[Variant, ...]
    at_ns: int | None = None
    window: Window | None = None

    def variant(self, seed: int, replication: int) -> Mapping[str, Fault]:
        """The faults of the episode on these draws."""
        left = share(seed, replication, f"{self.name}/variant")
        for one in self.variants:
            left -= one.chance
            if left < 0:
                return one.faults
        return self.variants[-1].faults


def share(seed: int, replication: int, name: str) -> float:
    """A number drawn uniformly from [0, 1), by its name."""
    return (stream_key(seed, replication, name) >> 10) / 2.0**53


def kinds_of(lowered: Lowered) -> dict[str, FaultKind]:
    """Every kind of fault of a scenario by its name: those that it scripts, and those that come at random."""
    network, companions = lowered.network, lowered.companion_of
    found = {}
    for name, fault in network.faults.items():
        if fault.at_ns is not None and name not in companions:
            together = (name, *lowered.companions.get(name, ()))
            found[name] = FaultKind(name, (Variant(1.0, _from_zero(network, together, fault.at_ns)),), fault.at_ns)
    return found | {name: FaultKind(name, one.variants, window=one.window) for name, one in lowered.classes.items()}


def calm(network: Network) -> Network:
    """The network in which nothing fails: every fault is a drill that nobody asks for."""
    return _with(network, {name: fault.model_copy(update={"drill": True}) for name, fault in network.faults.items()})


Begins: TypeAlias = "Sequence[tuple[Mapping[str, Fault], int]]"
"""Groups of faults, and from when on each happens."""
REMEMBERED: Final = 64
"""So many networks with faults are given again: the drills of a scenario, run by run."""


def disturbed(network: Network, begins: Begins) -> tuple[Network, str]:
    """The network in which these faults happen, each group from its time on, and nothing else; and the drill by which
    a plan lets them happen.

    Faults keep their names, by which sources know them; what would come twice is a fault of its own the second time.
    """
    faults = dict(calm(network).faults)
    drill = ""
    for variant, begin_ns in begins:
        for name, fault in variant.items():
            place = name
            while (place in faults and not faults[place].is_drill) or place == drill:
                place += "-again"
            assert fault.at_ns is not None, "scripted"
            drill = drill or place
            changes = {"at_ns": fault.at_ns + begin_ns, "drill": place == drill}
            faults[place] = fault.model_copy(update=changes)
    return _with(network, faults), drill


def _with(network: Network, faults: Mapping[str, Fault]) -> Network:
    return network.model_copy(update={"faults": dict(faults)})


def _from_zero(network: Network, names: Sequence[str], first_ns: int) -> dict[str, Fault]:
    """Faults that the network scripts, as they follow on the first one."""
    faults = {name: network.faults[name] for name in names}
    return {name: fault.model_copy(update={"at_ns": (fault.at_ns or 0) - first_ns}) for name, fault in faults.items()}


RECOVERY_WINDOW_NS = 10_000_000_000
"""Windows in which recovery is looked for, unless a record is too short for it (SEMANTICS.md, Recovery)."""
LIMIT_WINDOWS = 8
"""An episode that is not over is followed for this many times `run.drill_window`, unless told otherwise."""
BASELINE = ""
"""The drill of a baseline run: no fault bears this name. So it is followed as long as its episode is, and sampled as
often."""
LEAST_WINDOWS = 12
"""So many of them follow on the beginning of a fault at least."""


@dataclass(frozen=True, slots=True)
class EpisodeRequest:
    """An episode to be run. begins: the kinds of faults that come, and when each begins; replication: on which draws;
    record_ns: how long after the last of these beginnings the record goes on."""

    begins: tuple[tuple[FaultKind, int], ...]
    replication: int
    record_ns: int

    @property
    def last_ns(self) -> int:
        """When the last of the kinds begins."""
        return max(begin_ns for _, begin_ns in self.begins)


def limit_of(settings: RunSettings, requested_ns: int | None = None) -> int:
    """How long after its beginning an episode is followed at most, by `sim run` and `sim drill` alike."""
    return max(requested_ns or LIMIT_WINDOWS * settings.drill_window_ns, settings.drill_window_ns)


Over = Callable[[Episode], bool]
"""Whether nothing of a fault is left at the end of an episode's record."""


class Bench:
    """Episodes of the faults of one scenario.

    kinds: what may come, by its name. cycle: of the load, see `Cycle`. settled_ns: from when on the empty start is
    forgotten. drain_ns: how long executions that began in the record are followed after it, without further load; by
    default not at all, so that those that are open at its end count as open.
    """

    def __init__(
        self,
        loaded: Loaded,
        settings: RunSettings,
        runner: Runner,
        settled_ns: int = 0,
        drain_ns: int = 0,
    ) -> None:
        self.loaded = loaded
        self.network = loaded.lowered.network
        self.settings = settings
        self.runner = runner
        self.settled_ns = settled_ns
        self.drain_ns = drain_ns
        self.kinds = kinds_of(loaded.lowered)
        self.cycle: Cycle = cycle_of(loaded)
        self.calm = calm(self.network)
        self.objective_p99_ns = bound_of_latency_ns(loaded)
        self._disturbed: dict[tuple[tuple[int, int], ...], tuple[Network, str, Begins]] = {}
        """Networks with faults by the identity of the faults and their times. The faults are kept beside, so that no
        others can have their identity."""

    def settle(self) -> None:
        """Find from when on the empty start is forgotten: no episode at a phase begins before.

        Raises KeyboardInterrupt when it is stopped meanwhile.
        """
        cycle_ns = self.cycle.length_ns if self.cycle.of_load else 0
        self.settled_ns = settled_ns(self.calm, self.settings, cycle_ns, partial(self.runner.pilots, self.calm))

    # -- requests --------------------------------------------------------------------------------------------

    def request(
        self, kind: FaultKind, replication: int, phase_ns: int | None = None, record_ns: int | None = None
    ) -> EpisodeRequest:
        """An episode of one kind at a phase of the cycle, or (None) at one that is drawn."""
        begin_ns = self.begin_ns(kind, replication, phase_ns)
        return EpisodeRequest(((kind, begin_ns),), replication, record_ns or self.settings.drill_window_ns)

    def begin_ns(self, kind: FaultKind, replication: int, phase_ns: int | None = None) -> int:
        """When an episode of a kind begins, once the start is forgotten: at a phase, or at one drawn uniformly over
        the cycle, or as the kind's window has it."""
        if phase_ns is not None:
            return self.cycle.begin_ns(phase_ns, self.settled_ns)
        drawn = share(self.settings.seed, replication, f"{kind.name}/phase")
        return self.cycle.drawn_ns(drawn, kind.window, self.settled_ns)

    # -- what is run ------------------------------------------------------------------------------------------

    def episode_of(self, request: EpisodeRequest) -> Planned:
        """The run in which it happens."""
        seed, replication = self.settings.seed, request.replication
        begins = [(kind.variant(seed, replication), begin_ns) for kind, begin_ns in request.begins]
        key = tuple((id(faults), begin_ns) for faults, begin_ns in begins)
        if key not in self._disturbed:
            if len(self._disturbed) >= REMEMBERED:
                self._disturbed.clear()
            self._disturbed[key] = (*disturbed(self.network, begins), begins)
        network, drill, _ = self._disturbed[key]
        return network, replace(self._plan(request), drill=drill)

    def baseline_of(self, request: EpisodeRequest) -> Planned:
        """The same run without any fault."""
        return self.calm, self._plan(request)

    def _plan(self, request: EpisodeRequest) -> Plan:
        sample = min(RECOVERY_WINDOW_NS, max(self.settings.drill_window_ns // LEAST_WINDOWS, 1))
        horizon = -(-(request.last_ns + request.record_ns) // sample) * sample
        run = self.settings
        return Plan(
            seed=run.seed,
            replication=request.replication,
            horizon_ns=horizon,
            follow_ns=sample + 1,
            drain_ns=self.drain_ns,
            sample_ns=sample,
            drill=BASELINE,
            memory_bytes=run.memory_bytes,
            max_events=run.max_events,
        )

    def run(
        self, requests: Sequence[EpisodeRequest], limit_ns: int = 0, over: Over | None = None, what: str = "drills"
    ) -> list[Episode]:
        """The episodes in order, in one batch over all cores; fewer, always with their baseline runs, when it is
        interrupted.

        limit_ns: up to which a record is made longer that ends too soon; 0 leaves all as they are. over:
        tells which do not end too soon; by default those of which nothing is left, see `Episode.is_over`.
        """
        found = list(self._pairs(requests, what))
        now = dict(enumerate(requests[: len(found)]))
        while now := {
            at: replace(ask, record_ns=min(2 * ask.record_ns, limit_ns))
            for at, ask in now.items()
            if ask.record_ns < limit_ns and not (self._is_over(ask, found[at]) if over is None else over(found[at]))
        }:
            longer = list(self._pairs(list(now.values()), f"{what}, longer"))
            for at, episode in zip(now, longer, strict=False):
                found[at] = episode
            if self.runner.interrupted:
                break
        return found

    def _is_over(self, request: EpisodeRequest, episode: Episode) -> bool:
        """Whether nothing is left of what was requested, and all that ends has ended."""
        faults = self.episode_of(request)[0].faults
        stays = any(one.end_ns < 0 and faults[one.fault].duration is not None for one in episode.run.episodes)
        return not stays and episode.is_over

    def _pairs(self, requests: Sequence[EpisodeRequest], what: str) -> Iterator[Episode]:
        """Episodes with their baseline runs, up to the first one that is not there. Equal baseline runs are run
        once."""
        planned: list[Planned] = []
        baselines: dict[Plan, int] = {}
        places: list[tuple[EpisodeRequest, str, int, int]] = []
        for request in requests:
            baseline, episode = self.baseline_of(request), self.episode_of(request)
            if baseline[1] not in baselines:
                baselines[baseline[1]] = len(planned)
                planned.append(baseline)
            places.append((request, episode[1].drill or "", baselines[baseline[1]], len(planned)))
            planned.append(episode)
        runs = self.runner.run(what, planned)
        for request, fault, baseline_at, run_at in places:
            if run_at < len(runs):
                yield self._episode(request, fault, runs[run_at], runs[baseline_at])

    def _episode(self, request: EpisodeRequest, fault: str, run: Replication, baseline: Replication) -> Episode:
        first_ns = min(begin_ns for _, begin_ns in request.begins)
        return Episode(fault, first_ns, run, baseline, recoupled_ns(run, baseline), self.objective_p99_ns)


def bound_of_latency_ns(loaded: Loaded) -> float | None:
    """The bound that the scenario puts on the p99 by which recovery is told; None where it puts none."""
    network = loaded.lowered.network
    routines = {source.routine for source in network.sources.values() if source.counted}
    metric = f"{PLATFORM_SPAN}.p99"
    if PLATFORM_SPAN.removeprefix("span.") not in network.spans:
        metric = f"latency.{min(routines)}.p99" if len(routines) == 1 else ""
    bounds = [one.below for one in loaded.scenario.objectives if one.metric == metric and one.below is not None]
    return min(bounds) * 1e9 if bounds else None
