"""A drill: many episodes of one kind of fault beside their baseline runs, at one or more phases, with and without a
mitigation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sim.cost.bill import bill
from sim.cost.propagate import times, total
from sim.cost.usage import GIB, MeterUse, NodeUse, Usage
from sim.errors import InputErrors, Problem, StandsStill
from sim.figure import Figure
from sim.lower.load import Loaded, mitigated
from sim.lower.lowered import Assumption
from sim.meant import meant
from sim.report.wording import deadlock_sentence
from sim.results.columns import Replication
from sim.scenario.model.settings import RunSettings
from sim.stats.episodes import Episode, differences, losses_in, recovery_of
from sim.stats.intervals import NS, mean_interval
from sim.stats.metrics import recoveries_of_executions
from sim.stats.pictures import Picture, at_quantile, by_badness, picture
from sim.stats.summarise import monitors, recovery_metrics, standstill, verdicts
from sim.stats.summary import MonitorResult, Recovery, Standstill, Verdict
from sim.studies.base import Runner, RunOptions, StudyResult
from sim.studies.billing import catalogue_of, terms_of
from sim.studies.envelope import calibration_of, features, judged_widely
from sim.studies.episodes import Bench, EpisodeRequest, limit_of, phase_ns_of
from sim.studies.loading.inputs import check_inputs
from sim.units import format_duration_ns

HOUR_NS = 3_600_000_000_000

IN_IT = (
    "node-hours and traffic beyond the baseline run's to the end of the record, at the bill's prices; not in order, "
    "at `prices.downtime`: windows from the beginning of the fault until rate and latency are back, in which the p99 "
    "is out of order or fewer than 95 % of the baseline run's executions complete"
)
NOT_IN_IT = "people, credits to customers, and machines that stand anyway"


@dataclass(frozen=True, slots=True)
class EpisodeCost:
    """Means over episodes, of one.

    node_hours: of pools that scale, beyond the baseline run's. thrown_away: time of attempts that failed, beyond the
    baseline run's: waits and work, by machines that are paid anyway. not_in_order: time in which rate or latency was
    not. nodes, traffic, downtime, total: USD; None where nothing has a price.
    """

    node_hours: Figure
    thrown_away: Figure
    not_in_order: Figure
    nodes: Figure | None
    traffic: Figure | None
    downtime: Figure | None

    @property
    def total(self) -> Figure | None:
        """All that has a price; None where nothing has."""
        parts = [one for one in (self.nodes, self.traffic, self.downtime) if one is not None]
        return total(parts, "USD") if parts else None


def cost_of(loaded: Loaded, episodes: Sequence[Episode], limit_ns: int | None, confidence: float) -> EpisodeCost:
    """The mean cost of an episode."""
    lowered = loaded.lowered
    scaled = {one.controller: one for one in lowered.machines if one.controller is not None}

    def beyond(value: Callable[[Replication], float], unit: str) -> Figure:
        return mean_interval([value(one.run) - value(one.baseline) for one in episodes], unit, confidence)

    def hours(name: str) -> Callable[[Replication], float]:
        return lambda run: run.nodes_on[name].area / HOUR_NS

    usage = Usage(
        window_hours=1.0,
        steady=False,
        nodes=tuple(NodeUse(one.resource, one.node, Figure.exact(1.0, "h"), spot=one.spot) for one in scaled.values()),
        meters=tuple(MeterUse(meter, meter, Figure.exact(1.0, "")) for meter in lowered.traffic),
    )
    prices: dict[str, Figure] = {}
    if usage.nodes or usage.meters:
        items = bill(usage, catalogue_of(loaded), terms_of(loaded)).items
        prices = {item.resource: item.cost for item in items}
    nodes = [beyond(hours(name), "h").scaled(_usd(prices[one.resource]), "USD") for name, one in scaled.items()]
    traffic = [
        beyond(lambda run, by=counted: run.operations(by) / GIB, "").scaled(_usd(prices[meter]), "USD")  # type: ignore[misc]
        for meter, counted in lowered.traffic.items()
    ]
    bad = mean_interval([one.not_in_order_ns(limit_ns) * NS for one in episodes], "s", confidence)
    per_hour = loaded.scenario.prices.downtime_usd_per_hour
    return EpisodeCost(
        node_hours=beyond(lambda run: sum(kept.area for kept in run.nodes_on.values()) / HOUR_NS, "h"),
        thrown_away=beyond(_thrown_away_s, "s"),
        not_in_order=bad,
        nodes=total(nodes, "USD") if nodes else None,
        traffic=total(traffic, "USD") if traffic else None,
        downtime=None if per_hour is None else times(bad, per_hour / 3600, "USD"),
    )


def _usd(figure: Figure) -> float:
    assert figure.value is not None, "an exact quantity at a known price"
    return figure.value


def _thrown_away_s(run: Replication) -> float:
    """Time of attempts that failed, and of services cut off, over the executions of the run, children included.

    What a child had thrown away in an attempt that its parent throws away later counts with both.
    """
    rows = run.executions
    return float(rows.split[:, rows.states.index("lost")].sum()) * NS if "lost" in rows.states else 0.0


EPISODES = 40
ANY = "any"
"""A phase that is drawn for each episode."""


@dataclass(frozen=True, slots=True)
class DrillOptions(RunOptions):
    """What is requested. phases: texts for `phase_ns_of`, or ANY; none: the time that the scenario gives the fault, or
    drawn ones where it gives none. mitigation: compared with the scenario as it stands. limit_ns: see `limit_of`."""

    fault: str
    phases: tuple[str, ...] = ()
    episodes: int = EPISODES
    limit_ns: int | None = None
    mitigation: str | None = None


@dataclass(frozen=True, slots=True)
class DrillCase:
    """Episodes that are summarised together. when: at which phase they began; mitigation: with which one, "" without.

    median, bad: the episodes that stand where the 50th and 95th percentile of latency back in order does. longer: how
    many were not over within `run.drill_window` and were run on; cut: how many of these not within the limit either.
    against_first: of all cases but the first, see `differences`. objectives: those of the scenario on recovery from
    it; monitors: over all episodes.
    """

    when: str
    mitigation: str
    recovery: Recovery
    cost: EpisodeCost
    median: Picture
    bad: Picture
    episodes: tuple[Episode, ...]
    longer: int
    cut: int
    objectives: tuple[Verdict, ...]
    monitors: tuple[MonitorResult, ...]
    against_first: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What distinguishes it from the others."""
        return f"{self.when}, with {self.mitigation}" if self.mitigation else self.when


@dataclass(frozen=True, slots=True)
class DrillReport(StudyResult):
    """What a drill gives. limit_ns: how long after its beginning an episode was followed at most. standstills:
    deadlocks of the episodes, by case; they never come back, and are counted so."""

    command: str
    fault: str
    window_ns: int
    limit_ns: int
    cases: tuple[DrillCase, ...]
    events: int
    warnings: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    interrupted: bool
    standstills: tuple[Standstill, ...] = ()


def drill(loaded: Loaded, options: DrillOptions) -> DrillReport:
    """Run the drill.

    Raises InputErrors for a fault, a phase or a mitigation that the scenario does not have, AuditFailed when a run
    breaks a law, KeyboardInterrupt when it is stopped before there is any result.
    """
    settings = options.settings(loaded.scenario.run)
    limit_ns = limit_of(settings, options.limit_ns)
    ways = {"": loaded}
    if options.mitigation is not None:
        ways[options.mitigation] = mitigated(loaded, options.mitigation)
    cases: list[DrillCase] = []
    warnings: dict[str, None] = {}
    interrupted = False
    for mitigation, one in ways.items():
        # A mitigated scenario has run settings of its own, and the seed of the one that it is compared with.
        its_own = one.scenario.run.model_copy(update={"seed": settings.seed})
        trial = _Trial(one, its_own, options, limit_ns)
        cases += trial.cases(mitigation)
        warnings |= dict.fromkeys(trial.runner.warnings)
        interrupted = trial.runner.interrupted
        if interrupted:
            break
    if not cases:
        raise KeyboardInterrupt
    calm = standstill(
        [one.baseline for case in cases for one in case.episodes], loaded.lowered.words, "without the fault"
    )
    if calm is not None:
        raise StandsStill(
            f"{deadlock_sentence(calm)}\n\nA drill is held against runs without the fault, and these stand still "
            f"themselves: it would show nothing.\nFirst see   sim run {loaded.document.file}"
        )
    stuck = [standstill([one.run for one in case.episodes], loaded.lowered.words, case.name) for case in cases]
    first, level = cases[0].episodes, settings.confidence
    cases[1:] = [replace(one, against_first=differences(first, one.episodes, level)) for one in cases[1:]]
    return DrillReport(
        name=loaded.scenario.name,
        file=loaded.document.file,
        hash=loaded.hash,
        command=options.command,
        seed=settings.seed,
        fault=options.fault,
        window_ns=settings.drill_window_ns,
        limit_ns=limit_ns,
        cases=tuple(cases),
        events=sum(one.run.events for case in cases for one in case.episodes),
        warnings=tuple(warnings),
        assumptions=loaded.lowered.assumptions,
        interrupted=interrupted,
        standstills=tuple(one for one in stuck if one is not None),
    )


class _Trial:
    """The drill of one scenario."""

    def __init__(self, loaded: Loaded, settings: RunSettings, options: DrillOptions, limit_ns: int) -> None:
        self.loaded = loaded
        self.settings = settings
        self.options = options
        self.limit_ns = limit_ns
        self.runner = Runner(loaded.lowered, check_inputs(loaded), options)
        self.bench = Bench(loaded, settings, self.runner, drain_ns=min(settings.drain_ns, self.limit_ns))
        kinds = self.bench.kinds
        if options.fault not in kinds:
            known = f"faults here: {', '.join(kinds)}" if kinds else "nothing fails in it; write   faults:"
            message = f"is `{options.fault}`, which is no fault of this scenario"
            raise InputErrors([Problem("--fault", message, meant(options.fault, kinds, known))])
        self.kind = kinds[options.fault]
        if any(fault.duration is None for one in self.kind.variants for fault in one.faults.values()):
            self.runner.warn(f"{self.kind.name} stays, since it has no `duration`: what comes back does so beside it")

    def cases(self, mitigation: str) -> Iterator[DrillCase]:
        """One case for each phase, run in one batch."""
        whens = self._whens()
        count = self.options.episodes
        requests = [
            EpisodeRequest(((self.kind, begin_ns(index)),), index, self.settings.drill_window_ns)
            for index in range(count)
            for begin_ns in whens.values()
        ]
        found = self.bench.run(requests, self.limit_ns, what="episodes")
        for place, when in enumerate(whens):
            episodes = found[place :: len(whens)]
            if episodes:
                yield self._case(when, mitigation, episodes)

    def _whens(self) -> dict[str, Callable[[int], int]]:
        """Each phase in words, and when an episode at it begins, by its replication."""
        requested, at_ns = self.options.phases, self.kind.at_ns
        if not requested and at_ns is not None:
            return {f"at {format_duration_ns(at_ns)} of the run": lambda replication: at_ns}
        bench, cycle = self.bench, self.bench.cycle
        whens: dict[str, Callable[[int], int]] = {}
        for text in requested or (ANY,):
            if text == ANY:
                when = f"at any phase of {format_duration_ns(cycle.length_ns)}"
                if self.kind.window is not None:
                    when = "while its window is open"
                whens[when if cycle.length_ns else "after the warm-up"] = partial(bench.begin_ns, self.kind)
            else:
                phase = phase_ns_of(text, cycle)
                whens[f"at {text}"] = partial(bench.begin_ns, self.kind, phase_ns=phase)
                if self.kind.window is not None and not cycle.meets(phase, self.kind.window):
                    problem = f"is `{text}`, but {self.kind.name} never begins there: its `window` is closed"
                    raise InputErrors([Problem("--phase", problem)])
        if not cycle.whole:
            self.runner.warn(
                f"the periods of this load hardly ever meet: phases are those of the longest, "
                f"{format_duration_ns(cycle.length_ns)}"
            )
        bench.settle()
        return whens

    def _case(self, when: str, mitigation: str, episodes: Sequence[Episode]) -> DrillCase:
        lowered, level = self.loaded.lowered, self.settings.confidence
        recovery = recovery_of(episodes, None, level)
        open_ = sum(one.still_open for one in episodes) / len(episodes)
        lost = recovery.lost
        if open_:
            lost = lost.with_note(f"{open_:+.3g} are still open at the end of the record")
        losses = losses_in([one.run for one in episodes], lowered.in_drills, lowered.ages_in_drills, level)
        ordered = by_badness(episodes)
        records_ns = [one.run.horizon_ns - one.begin_ns for one in episodes]
        longer = [length for length in records_ns if length > self.settings.drill_window_ns + episodes[0].window_ns]
        return DrillCase(
            when=when,
            mitigation=mitigation,
            recovery=replace(recovery, lost=lost, losses=losses, followed_s=self.limit_ns / 1e9),
            cost=cost_of(self.loaded, episodes, None, level),
            median=picture(at_quantile(ordered, 0.5)),
            bad=picture(at_quantile(ordered, 0.95)),
            episodes=tuple(episodes),
            longer=len(longer),
            cut=sum(length >= self.limit_ns for length in longer),
            objectives=self._objectives(episodes),
            monitors=monitors([one.run for one in episodes], {}),
        )

    def _objectives(self, episodes: Sequence[Episode]) -> tuple[Verdict, ...]:
        """Objectives on what this fault does, and on the recovery of the executions that a crash hits."""

        def figures_at(level: float) -> dict[str, Figure]:
            of_fault = replace(recovery_of(episodes, None, level), fault=self.kind.name)
            hit = recoveries_of_executions([one.run for one in episodes], level, drilled=True)
            return recovery_metrics([of_fault]) | hit

        level = self.settings.confidence
        known = figures_at(level)
        concerned = [one for one in self.loaded.scenario.objectives if one.metric in known]
        place = calibration_of(features(self.loaded.scenario, self.loaded.document.data, {}))
        judged = zip(concerned, verdicts(concerned, figures_at, level), strict=True)
        return tuple(judged_widely(objective, one, place) for objective, one in judged)
