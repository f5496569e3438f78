"""A drill: many episodes of one kind of fault beside their baseline runs, at one or more phases, with and without a
mitigation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sim.errors import InputErrors, Problem, StandsStill
from sim.figure import Figure
from sim.lower.load import Loaded, mitigated
from sim.lower.lowered import Assumption
from sim.meant import meant
from sim.report.finding import deadlock_sentence
from sim.scenario.model.settings import RunSettings
from sim.stats.episode_picture import Picture, at_quantile, by_badness, picture
from sim.stats.episodes import Episode, differences, losses_in, recovery_of
from sim.stats.metrics import recoveries_of_executions
from sim.stats.standstill import Standstill, standstill
from sim.stats.summarise import monitors, recovery_metrics, verdicts
from sim.stats.summary import MonitorResult, Recovery, Verdict
from sim.studies.base import Runner, RunOptions
from sim.studies.drill.episode_cost import EpisodeCost, cost_of
from sim.studies.envelope import calibration_of, judged_widely
from sim.studies.episodes.bench import Bench, EpisodeRequest, limit_of
from sim.studies.episodes.kinds import FaultKind
from sim.studies.episodes.phases import phase_ns_of
from sim.studies.features import features
from sim.studies.loading.inputs import check_inputs
from sim.units import format_duration_ns

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
class DrillReport:
    """What a drill gives. limit_ns: how long after its beginning an episode was followed at most. standstills:
    deadlocks of the episodes, by case; they never come back, and are counted so."""

    name: str
    file: str
    hash: str
    command: str
    seed: int
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
    settings = options.seeded(loaded.scenario.run)
    limit_ns = limit_of(settings, options.limit_ns)
    ways = {"": loaded}
    if options.mitigation is not None:
        ways[options.mitigation] = mitigated(loaded, options.mitigation)
    cases: list[DrillCase] = []
    warnings: dict[str, None] = {}
    interrupted = False
    for mitigation, one in ways.items():
        trial = _Trial(one, settings_of(one, settings), options, limit_ns)
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


def settings_of(loaded: Loaded, settings: RunSettings) -> RunSettings:
    """The settings of a mitigated scenario with the seed of the one that it is compared with."""
    return loaded.scenario.run.model_copy(update={"seed": settings.seed})


class _Trial:
    """The drill of one scenario."""

    def __init__(self, loaded: Loaded, settings: RunSettings, options: DrillOptions, limit_ns: int) -> None:
        self.loaded = loaded
        self.settings = settings
        self.options = options
        self.limit_ns = limit_ns
        self.runner = Runner(loaded.lowered, check_inputs(loaded), options)
        self.bench = Bench(loaded, settings, self.runner, drain_ns=min(settings.drain_ns, self.limit_ns))
        self.kind = self._kind()
        if any(fault.duration is None for one in self.kind.variants for fault in one.faults.values()):
            self.runner.warn(f"{self.kind.name} stays, since it has no `duration`: what comes back does so beside it")

    def _kind(self) -> FaultKind:
        kinds, name = self.bench.kinds, self.options.fault
        if name in kinds:
            return kinds[name]
        known = f"faults here: {', '.join(kinds)}" if kinds else "nothing fails in it; write   faults:"
        message = f"is `{name}`, which is no fault of this scenario"
        raise InputErrors([Problem("--fault", message, meant(name, kinds, known))])

    def cases(self, mitigation: str) -> Iterator[DrillCase]:
        """One case for each phase, run in one batch."""
        whens = self._whens()
        count = self.options.episodes
        requests = [self._request(phase, index) for index in range(count) for phase in whens.values()]
        found = self.bench.run(requests, self.limit_ns, what="episodes")
        for place, when in enumerate(whens):
            episodes = found[place :: len(whens)]
            if episodes:
                yield self._case(when, mitigation, episodes)

    def _whens(self) -> dict[str, int | str]:
        """Each phase in words, and what is requested: a phase, ANY or (the scenario's own time) the empty text."""
        requested = self.options.phases
        if not requested and self.kind.at_ns is not None:
            return {f"at {format_duration_ns(self.kind.at_ns)} of the run": ""}
        bench, cycle = self.bench, self.bench.cycle
        whens: dict[str, int | str] = {}
        for text in requested or (ANY,):
            if text == ANY:
                when = f"at any phase of {format_duration_ns(cycle.length_ns)}"
                if self.kind.window is not None:
                    when = "while its window is open"
                whens[when if cycle.length_ns else "after the warm-up"] = ANY
            else:
                phase = whens[f"at {text}"] = phase_ns_of(text, cycle)
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

    def _request(self, phase: int | str, replication: int) -> EpisodeRequest:
        if phase == "":
            assert self.kind.at_ns is not None
            return EpisodeRequest(((self.kind, self.kind.at_ns),), replication, self.settings.drill_window_ns)
        return self.bench.request(self.kind, replication, phase if isinstance(phase, int) else None)

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
