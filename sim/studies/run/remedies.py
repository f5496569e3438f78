"""The cheapest known fix of each missed objective, tried by runs: the file's mitigations, then the product's knobs.

Fixes are tried from the cheapest on, free ones first, and of the same price the file's own first; a fix counts when
the objective's figure is on the right side of its bound and none that was met is missed. Runs have the same seeds as
the prediction's and are fewer; none begins once they have had MOST_EVENTS times the events of the prediction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sim.errors import InputErrors
from sim.lower.load import Loaded, changed, mitigated
from sim.scenario.model.mitigations import as_assignments
from sim.scenario.model.stores.registry import STORES
from sim.scenario.reading.where import where
from sim.stats.summary import Fix, Remedy, Summary, Verdict
from sim.studies.billing import bill_of
from sim.studies.run.causes import cause_of, changes_of
from sim.studies.run.study import Options, Prediction, predict

MOST_EVENTS = 1
"""Events of all trials together, over those of the prediction's runs and drills, from which on none begins."""
MOST_TRIALS = 8
"""Trials for one objective."""
FEWEST_RUNS = 5
"""Replications of a trial, unless the prediction had fewer: as many as a percentile's interval needs."""
SHARE_OF_RUNS = 4
"""The prediction's replications over those of a trial."""
FREE_USD = 0.5
"""A month's difference that is none."""


@dataclass(frozen=True, slots=True)
class FixCandidate:
    """A fix that may be tried. usd_per_month: what it costs more, None where that is not known."""

    name: str
    sets: tuple[str, ...]
    loaded: Loaded
    usd_per_month: float | None


def remedies(loaded: Loaded, options: Options, prediction: Prediction, try_fixes: bool = True) -> tuple[Remedy, ...]:
    """Of each missed objective its cause, and the cheapest fix that runs find; without trials the cause alone."""
    search = _Search(loaded, options, prediction)
    found = []
    for position, verdict in enumerate(prediction.summary.objectives):
        if verdict.verdict == "missed":
            found.append(search.remedy(position, verdict, try_fixes))
    return tuple(found)


@dataclass
class _Search:
    loaded: Loaded
    options: Options
    prediction: Prediction
    spent: int = 0
    known: dict[tuple[tuple[str, ...], bool], Summary | None] = field(default_factory=dict)
    stopped: bool = False

    @property
    def _base(self) -> Summary:
        return self.prediction.summary

    @property
    def _is_spent(self) -> bool:
        """Whether trials have had all the events that they may."""
        return self.spent > MOST_EVENTS * _events(self.prediction)

    def remedy(self, position: int, verdict: Verdict, try_fixes: bool) -> Remedy:
        """What one missed objective comes from, and what meets it."""
        found = cause_of(verdict, self.loaded, self.prediction)
        remedy = Remedy(verdict.name, verdict.metric, None if found is None else found.cause)
        if not try_fixes:
            return remedy
        candidates = list(self._mitigations())
        if found is not None:
            candidates += [one for sets in changes_of(found, self.loaded) if (one := self._knobs(sets)) is not None]
        if verdict.metric == "cost.total":
            candidates = [one for one in candidates if one.usd_per_month is not None and one.usd_per_month < 0]
        candidates.sort(key=_order)
        drills, tried, left = _needs_drills(verdict), 0, 0
        for candidate in candidates:
            is_new = (candidate.sets, drills) not in self.known
            if tried >= MOST_TRIALS or (is_new and (self.stopped or self._is_spent)):
                left += 1
                continue
            summary = self._trial(candidate, drills)
            if summary is None:
                continue
            tried += 1
            if self._meets(summary, position):
                return replace(remedy, tried=tried, fix=self._fix(candidate, summary, position))
        return replace(remedy, tried=tried, left=left)

    # -- what may be tried ----------------------------------------------------------------------------------------

    def _mitigations(self) -> Iterator[FixCandidate]:
        for name, mitigation in self.loaded.scenario.mitigations.items():
            with_it = mitigated(self.loaded, name)
            yield FixCandidate(name, tuple(as_assignments(mitigation)), with_it, self._more_usd(with_it))

    def _knobs(self, sets: tuple[str, ...]) -> FixCandidate | None:
        """The scenario with assignments; None where they do not fit, as pools beyond the database's connections."""
        try:
            with_it = changed(self.loaded, sets)
        except InputErrors:
            return None
        paths = {one.partition("=")[0] for one in sets}
        usd = self._more_usd(with_it)
        disks = tuple(f"{store}.disk." for store in STORES)
        if any(path.endswith(".cpu") or path.startswith(disks) for path in paths):
            usd = None  # cores and disks of its own size that no price is told of
        return FixCandidate("", sets, with_it, usd)

    def _more_usd(self, loaded: Loaded) -> float | None:
        """What the scenario costs more a month, with what the prediction's runs consumed."""
        before = self._base.metrics.get("cost.total")
        if before is None or before.value is None:
            return None
        settings = self.options.settings(self.loaded.scenario.run)
        try:
            bill = bill_of(loaded, self.prediction.replications, not settings.finite, settings.runs_per_month, 0.95)
        except (InputErrors, KeyError):
            return None
        after = None if bill is None or bill.total_per_month is None else bill.total_per_month.value
        return None if after is None else after - before.value

    # -- trials -----------------------------------------------------------------------------------------------------

    def _trial(self, candidate: FixCandidate, drills: bool) -> Summary | None:
        """The prediction of a scenario with a fix, in fewer runs; None where it cannot be run."""
        key = (candidate.sets, drills)
        if key not in self.known:
            self.known[key] = self._run(candidate.loaded, drills)
        return self.known[key]

    def _run(self, loaded: Loaded, drills: bool) -> Summary | None:
        base = self._base
        runs = min(base.replications, max(FEWEST_RUNS, base.replications // SHARE_OF_RUNS))
        run = loaded.scenario.run
        drilled = None if run.drills is None else min(run.drills, max(FEWEST_RUNS, run.drills // SHARE_OF_RUNS))
        briefer = run.model_copy(update={"drills": drilled, "precision": None})
        loaded = replace(loaded, scenario=loaded.scenario.model_copy(update={"run": briefer}))
        options = replace(
            self.options,
            replications=runs,
            precision=None,
            warmup=round(base.warmup_s * 1e9),
            lives=False,
            drills=drills,
            draws=None,
        )
        try:
            found = predict(loaded, options)
        except InputErrors:
            return None
        except KeyboardInterrupt:
            self.stopped = True
            return None
        self.stopped = found.interrupted
        self.spent += _events(found)
        return found.summary

    def _meets(self, summary: Summary, position: int) -> bool:
        """Whether the objective's figure is on the right side in these runs, and none is lost that was met."""
        after = summary.objectives[position]
        if after.verdict == "missed" or after.figure.value is None or not self._inside(position, after.figure.value):
            return False
        before = self._base.objectives
        return not any(
            now.verdict == "missed" and then.verdict == "met"
            for now, then in zip(summary.objectives, before, strict=True)
        )

    def _inside(self, position: int, value: float) -> bool:
        objective = self.loaded.scenario.objectives[position]
        if objective.below is not None:
            return value < objective.below
        return objective.above is not None and value >= objective.above

    def _fix(self, candidate: FixCandidate, summary: Summary, position: int) -> Fix:
        after = summary.objectives[position]
        first = candidate.sets[0].partition("=")[0]
        place = f"mitigations.{candidate.name}" if candidate.name else first
        usd = candidate.usd_per_month
        return Fix(
            candidate.name,
            candidate.sets,
            where(self.loaded.document, place).short,
            0.0 if usd is not None and abs(usd) < FREE_USD else usd,
            after.figure,
            summary.replications,
            after.verdict == "met",
            self.prediction.bill is not None,
        )


def _events(prediction: Prediction) -> int:
    """Events of its runs and drills."""
    episodes = (one for some in prediction.drills.values() for one in some)
    return prediction.summary.events + sum(one.run.events for one in episodes)


def _order(candidate: FixCandidate) -> tuple[float, bool]:
    """Free ones before costly ones, those of no known price last; then the file's own; else as they were named."""
    usd = candidate.usd_per_month
    unknown = 0.0 if candidate.name else float("inf")
    price = unknown if usd is None else 0.0 if abs(usd) < FREE_USD else usd
    return price, not candidate.name


def _needs_drills(verdict: Verdict) -> bool:
    return verdict.metric.partition(".")[0] in ("recovery", "worker_recovery", "sticky_timeout", "retried")
