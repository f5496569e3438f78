"""What each missed objective comes from, and the cheapest known fix of it.

The cause is the element that its executions wait for, or the mechanism of a fault. Latency and what else is said of a
workflow: where the time goes, near the p99 or on average as the metric has it, and where that is a child workflow,
of the child the same; in an overloaded run the innermost full place goes first. A wait in a task queue: the longest
wait among the elements of its workers and the platform's. Figures of one element: that element. Recovery: what it has
to wait for.

Fixes are tried by runs: the file's mitigations, then the product's knobs, from the cheapest on, free ones first, and
of the same price the file's own first; a fix counts when the objective's figure is on the right side of its bound and
none that was met is missed. Runs have the same seeds as the prediction's and are fewer; none begins once they have had
MOST_EVENTS times the events of the prediction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sim.errors import InputErrors
from sim.lower.constants import Constants
from sim.lower.load import Loaded, mitigated
from sim.lower.setting import Element, of
from sim.network.facts import waited_for
from sim.report.wording import state_of
from sim.scenario.model.fault_targets import recovery_of
from sim.scenario.model.stores.registry import STORES
from sim.scenario.reading.document import where
from sim.scenario.reading.edit import as_assignments
from sim.stats.summary import Cause, Fix, Remedy, Summary, Verdict
from sim.studies.billing import bill_of
from sim.studies.run.study import Options, Prediction, predict
from sim.units import format_duration_ns, format_ratio

MATTERS = 0.05
"""Share of an execution's time from which what it waits for is named before what it is served by."""
QUICK_STICKY_NS = 2_000_000_000
QUICK_TASK_NS = 3_000_000_000
"""What is tried for workers that are to recover sooner: below, slow tasks would be taken for dead ones."""
WAITS = ("wait.", "opening.", "blocked.")
"""States in which somebody else is served."""
RECOVERIES = ("worker_recovery", "sticky_timeout", "retried")
OF_QUEUES = ("schedule_to_start", "workflow_task_schedule_to_start", "schedule_to_end", "start_to_return")


@dataclass(frozen=True, slots=True)
class FoundCause:
    """A cause, with what may be changed about it: elements, the most important first, and assignments."""

    cause: Cause
    elements: tuple[str, ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()


def cause_of(objective: Verdict, loaded: Loaded, prediction: Prediction) -> FoundCause | None:
    """What a missed objective comes from; None where nothing is known of it."""
    head, _, rest = objective.metric.partition(".")
    subject = rest.split(".")[0].split(" within ")[0]
    elements = loaded.elements
    if head in RECOVERIES and subject in loaded.scenario.workers:
        return _of_workers(loaded, subject)
    if head == "recovery" and subject in loaded.scenario.faults:
        return _of_fault(loaded, subject)
    if subject in elements:
        return FoundCause(_cause_at(elements[subject], elements[subject].setting.words), (subject,))
    if subject in prediction.summary.splits:
        return _of_overload(loaded, prediction) or _of_split(objective, subject, loaded, prediction)
    if head in (*OF_QUEUES, "span"):
        return _of_overload(loaded, prediction) or _of_waits(head, subject, elements, prediction)
    if head == "cost" and prediction.bill is not None and prediction.bill.items:
        largest = max(prediction.bill.items, key=lambda item: item.cost.value or 0.0)
        return FoundCause(Cause(f"the largest item of the bill is {largest.item}"))
    return None


def _cause_at(element: Element, words: str) -> Cause:
    return Cause(words, element.setting.path, element.where.short if element.setting.path else "")


def _of_overload(loaded: Loaded, prediction: Prediction) -> FoundCause | None:
    """The innermost full place of an overloaded run."""
    found = prediction.summary.overload
    if found is None or not found.overloaded or not found.full:
        return None
    elements = loaded.elements
    # What stands around the innermost is full because it waits for it; what is behind would be full next.
    every = (found.full[0], *found.behind, *found.full[1:])
    names = [one.name for one in every if not elements[one.name].setting.is_inner]
    if not names:
        return None
    first = elements[names[0]]
    return FoundCause(_cause_at(first, f"{first.setting.words}, full"), tuple(names))


def _of_split(objective: Verdict, workflow: str, loaded: Loaded, prediction: Prediction) -> FoundCause | None:
    """Where the time of a workflow's executions goes: what they wait for, then what they are served by."""
    elements = loaded.elements
    split = prediction.summary.splits[workflow]
    at_p99 = not objective.metric.endswith((".mean", ".p50"))
    seconds = split.tail_s if at_p99 else split.mean_s
    whole = sum(seconds.values())
    if not whole:
        return None
    states = sorted(seconds, key=lambda state: -seconds[state])
    children = {state: found for state in states if (found := _child_of(workflow, state, loaded, prediction))}
    waits = [one for one in states if one in children or (one.startswith(WAITS) and _known(one, elements))]
    first = waits[0] if waits and seconds[waits[0]] >= MATTERS * whole else states[0]
    share = format_ratio(round(seconds[first] / whole, 2))
    when = "near the p99" if at_p99 else "on average"
    names = tuple(dict.fromkeys(_place(one) for one in (first, *waits, *states) if _known(one, elements)))
    words = f"{share} of the time {when} is {_phrase(first, elements)}"
    if first in children:
        inner = _of_split(objective, children[first], loaded, prediction)
        words = f"{share} of the time {when} is waiting for child workflow {children[first]}: see its own split"
        if inner is not None:
            cause = replace(inner.cause, words=f"{words}, where {inner.cause.words}")
            return FoundCause(cause, tuple(dict.fromkeys((*inner.elements, *names))))
        return FoundCause(Cause(words), names)
    place = elements.get(_place(first)) if _known(first, elements) else None
    return FoundCause(Cause(words) if place is None else _cause_at(place, words), names)


def _child_of(workflow: str, state: str, loaded: Loaded, prediction: Prediction) -> str | None:
    """The workflow that executions wait for in this state, if it is one with a split: of several the slowest."""
    kind, _, label = state.partition(".")
    if kind != "child":
        return None
    splits = prediction.summary.splits
    known = waited_for(loaded.lowered.network).get((workflow, label), set()) & splits.keys()
    return max(sorted(known), key=lambda name: sum(splits[name].mean_s.values()), default=None)


def _place(state: str) -> str:
    return state.partition(".")[2]


def _known(state: str, elements: Mapping[str, Element]) -> bool:
    """Whether a state is spent at an element that a user can change; a child may have the name of one."""
    place = _place(state)
    return not state.startswith("child.") and place in elements and not elements[place].setting.is_inner


def _phrase(state: str, elements: Mapping[str, Element]) -> str:
    kind, _, place = state.partition(".")
    if kind in ("child", "told"):
        return state_of(state)
    words = elements[place].setting.words if place in elements else place
    phrases = {"wait": f"waiting for {words}", "opening": f"opening {words}", "blocked": f"blocked after {words}"}
    return phrases.get(kind, words or {"backoff": "back-off", "lost": "lost work"}.get(kind, kind))


def _of_waits(head: str, subject: str, elements: Mapping[str, Element], prediction: Prediction) -> FoundCause | None:
    """The longest waits among the elements that a task of the queue passes."""
    metrics = prediction.summary.metrics
    waits: dict[str, float] = {}
    for name, element in elements.items():
        path = element.setting.path
        other = path.startswith("workers.") and head in OF_QUEUES and not path.startswith(f"workers.{subject}.")
        wait = metrics.get(f"wait.{name}.mean")
        if path and not other and wait is not None and wait.value:
            waits[name] = wait.value
    if not waits:
        return None
    names = sorted(waits, key=lambda name: -waits[name])
    first = elements[names[0]]
    took = format_duration_ns(round(waits[names[0]] * 1e9))
    return FoundCause(_cause_at(first, f"waits for {first.setting.words}, {took} on average"), tuple(names))


# -- recovery ---------------------------------------------------------------------------------------------------


def _of_workers(loaded: Loaded, queue: str) -> FoundCause:
    """Work of a dead worker waits: for the worker that knew its execution, or until its task has timed out."""
    pool, constants = loaded.scenario.workers[queue], Constants(loaded.scenario)
    sticky_ns = pool.sticky_schedule_to_start_ns or constants.number("sdk.sticky_schedule_to_start")
    task_ns = pool.workflow_task_timeout_ns or constants.number("temporal.workflow_task_timeout")
    sticky = f"workers.{queue}.sticky_schedule_to_start"
    words = (
        f"{of(queue, 'sticky timeout')}, {format_duration_ns(sticky_ns)}; "
        f"a workflow task that had started waits for its timeout, {format_duration_ns(task_ns)}"
    )
    cause = Cause(words, sticky, where(loaded.document, sticky).short)
    sets: list[tuple[str, ...]] = []
    if sticky_ns > QUICK_STICKY_NS:
        sets.append((f"{sticky}={format_duration_ns(QUICK_STICKY_NS)}",))
        if task_ns > QUICK_TASK_NS:
            timeout = f"workers.{queue}.workflow_task_timeout={format_duration_ns(QUICK_TASK_NS)}"
            sets.append((*sets[0], timeout))
    return FoundCause(cause, (), tuple(sets))


def _of_fault(loaded: Loaded, name: str) -> FoundCause:
    """What recovery from a fault has to wait for."""
    fault = loaded.scenario.faults[name]
    targets = fault.each_target
    pools = [target.removeprefix("workers.") for target in targets if target.startswith("workers.")]
    if pools:
        return _of_workers(loaded, pools[0])
    for path in filter(None, map(recovery_of, targets)):
        if fault.happens == "crash":
            product = STORES[path.partition(".")[0]].product
            return FoundCause(Cause(f"the failover of {product}", path, where(loaded.document, path).short))
    path = f"faults.{name}.repair"
    lasts = "" if fault.repair is None else " until it is repaired"
    return FoundCause(Cause(f"the fault lasts{lasts}", path, where(loaded.document, path).short))


def changes_of(found: FoundCause, loaded: Loaded) -> Iterator[tuple[str, ...]]:
    """What may be changed about a cause, as assignments: a mechanism's own; then twice, then four times what is short:
    of the element that matters most, of it with the next one, and with the next two; at last of the next one alone."""
    yield from found.sets
    more = [tuple(_more(loaded.elements[name], loaded)) for name in found.elements]
    more = list(dict.fromkeys(one for one in more if one))[:3]
    for factor in range(2):
        for count in range(1, len(more) + 1):
            yield tuple(dict.fromkeys(change for one in more[:count] for change in one[factor]))
    yield from more[1] if len(more) > 1 else ()


def _more(element: Element, loaded: Loaded) -> Iterator[tuple[str, ...]]:
    """Twice and four times what an element has, where a number says so and its user may change it."""
    setting = element.setting
    if setting.value is None or not (setting.change or setting.path.startswith("network.")):
        return  # no number, or somebody else's
    parts = setting.path.split(".")
    for factor in (2, 4):
        value = _written(setting.value * factor) + setting.unit
        if parts[0] == "workers" and parts[-1] in ("replicas", "cpu"):
            least, most = loaded.scenario.workers[parts[1]].replicas
            value = f"{least * factor}..{most * factor}" if least < most else str(most * factor)
            yield (f"workers.{parts[1]}.replicas={value}",)  # more cores by more pods, whose price is known
        else:
            yield (f"{setting.path}={value}",)


def _written(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6g}"


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


def predict_and_mend(loaded: Loaded, options: Options, try_fixes: bool) -> Prediction:
    """The prediction with the cause of each missed objective and, if so wanted, the fix that runs find."""
    prediction = predict(loaded, options)
    found = remedies(loaded, options, prediction, try_fixes and not prediction.interrupted)
    return replace(prediction, summary=replace(prediction.summary, remedies=found))


def remedies(loaded: Loaded, options: Options, prediction: Prediction, try_fixes: bool = True) -> tuple[Remedy, ...]:
    """Of each missed objective its cause, and the cheapest fix that runs find; without trials the cause alone."""
    search = _Search(loaded, options, prediction)
    return tuple(
        search.remedy(position, verdict, try_fixes)
        for position, verdict in enumerate(prediction.summary.objectives)
        if verdict.verdict == "missed"
    )


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
            key = (candidate.sets, drills)
            is_spent = self.stopped or self.spent > MOST_EVENTS * _events(self.prediction)
            if tried >= MOST_TRIALS or (is_spent and key not in self.known):
                left += 1
                continue
            if key not in self.known:
                self.known[key] = self._run(candidate.loaded, drills)
            summary = self.known[key]
            tried += summary is not None
            if summary is not None and self._meets(summary, position):
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
            with_it = self.loaded.with_(*sets)
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

    def _run(self, loaded: Loaded, drills: bool) -> Summary | None:
        """The prediction of a scenario with a fix, in fewer runs; None where it cannot be run."""
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
