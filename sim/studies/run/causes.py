"""What a missed objective comes from: the element that its executions wait for, or the mechanism of a fault.

Latency and what else is said of a workflow: where the time goes, near the p99 or on average as the metric has it;
in an overloaded run the innermost full place goes first. A wait in a task queue: the longest wait among the elements
of its workers and the platform's. Figures of one element: that element. Recovery: what it has to wait for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sim.lower.constants import Constants
from sim.lower.load import Loaded
from sim.lower.setting import Element, of
from sim.scenario.model.fault_targets import recovery_of
from sim.scenario.model.stores.registry import STORES
from sim.scenario.reading.where import where
from sim.stats.summary import Cause, Verdict
from sim.studies.run.study import Prediction
from sim.units import format_duration_ns, format_ratio

MATTERS = 0.05
"""Share of an execution's time from which what it waits for is named before what it is served by."""
QUICK_STICKY_NS = 2_000_000_000
QUICK_TASK_NS = 3_000_000_000
"""What is tried for workers that are to recover sooner: below, slow tasks would be taken for dead ones."""
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
        return _of_element(elements[subject], subject)
    if subject in prediction.summary.splits:
        return _of_overload(loaded, prediction) or _of_split(objective, subject, elements, prediction)
    if head in (*OF_QUEUES, "span"):
        return _of_overload(loaded, prediction) or _of_waits(head, subject, elements, prediction)
    if head == "cost" and prediction.bill is not None and prediction.bill.items:
        largest = max(prediction.bill.items, key=lambda item: item.cost.value or 0.0)
        return FoundCause(Cause(f"the largest item of the bill is {largest.item}"))
    return None


def _of_element(element: Element, name: str) -> FoundCause:
    return FoundCause(_told(element, element.setting.words), (name,))


def _told(element: Element, words: str) -> Cause:
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
    return FoundCause(_told(first, f"{first.setting.words}, full"), tuple(names))


def _of_split(
    objective: Verdict, workflow: str, elements: Mapping[str, Element], prediction: Prediction
) -> FoundCause | None:
    """Where the time of a workflow's executions goes."""
    split = prediction.summary.splits[workflow]
    at_p99 = not objective.metric.endswith((".mean", ".p50"))
    seconds = split.tail_s if at_p99 else split.mean_s
    whole = sum(seconds.values())
    if not whole:
        return None
    states = sorted(seconds, key=lambda state: -seconds[state])
    waits = [one for one in states if one.startswith(("wait.", "opening.", "blocked.")) and _known(one, elements)]
    first = waits[0] if waits and seconds[waits[0]] >= MATTERS * whole else states[0]
    share = format_ratio(round(seconds[first] / whole, 2))
    when = "near the p99" if at_p99 else "on average"
    names = tuple(dict.fromkeys(_place(one) for one in (first, *waits, *states) if _known(one, elements)))
    place = elements.get(_place(first))
    words = f"{share} of the time {when} is {_phrase(first, elements)}"
    return FoundCause(Cause(words) if place is None else _told(place, words), names)


def _place(state: str) -> str:
    return state.partition(".")[2]


def _known(state: str, elements: Mapping[str, Element]) -> bool:
    """Whether a state is spent at an element that a user can change."""
    return _place(state) in elements and not elements[_place(state)].setting.is_inner


def _phrase(state: str, elements: Mapping[str, Element]) -> str:
    kind, _, place = state.partition(".")
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
    return FoundCause(_told(first, f"waits for {first.setting.words}, {took} on average"), tuple(names))


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
