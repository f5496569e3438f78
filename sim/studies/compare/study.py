"""Variants of a deployment beside the first: what differs in their settings, and what that does to the figures.

All variants run on the same draws, replication by replication, so that a difference has an interval of its own, mostly
far narrower than those of the two figures. With many differences some would lie apart from 0 by chance; verdicts are
Holm's, right together at the confidence of the scenario.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from sim.errors import InputErrors, Problem
from sim.figure import Figure
from sim.lower.load import Loaded
from sim.results.columns import SUCCEEDED, Replication
from sim.results.histogram import Histogram
from sim.scenario.model.objectives import ServiceLevel
from sim.scenario.reading.document import where
from sim.stats.compare import Comparison, paired_difference, paired_percentile
from sim.stats.episodes import recovery_of
from sim.stats.intervals import NS
from sim.stats.metrics import LATENCY_PERCENTILES, Cohort, metrics
from sim.stats.summarise import recovery_metrics
from sim.stats.summary import Summary
from sim.stats.verdicts import Outcome, holm
from sim.studies.metrics.families import PHASES, metric_units
from sim.studies.run.study import Options, Prediction, predict

Change = Literal["better", "worse", "more", "less", "no difference seen", ""]
BETTER_ABOVE = frozenset({"availability", "throughput", "goodput", "succeeded", "room"})
"""Families of metrics of which more is better."""
BETTER_BELOW = frozenset({"latency", "span", "schedule_to_start", "recovery", "cost", "wait", "queue", "backlog"})
"""Families of metrics of which less is better."""


@dataclass(frozen=True, slots=True)
class ChangedSetting:
    """A setting that differs from the first variant's. where: `cluster.yaml:41`, an assignment, or `default`."""

    path: str
    before: Any
    after: Any
    where: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of a variant against the first. difference: variant - first; refused where it is not known.

    change: what Holm's procedure says of it; empty where that is not known. worth: variance of independent runs over
    that of these, so that unpaired it would take `worth` times the replications; None where that is not known.
    """

    difference: Figure
    change: Change
    worth: float | None


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric: its figure in each variant, None where a variant has none, and the differences from the first."""

    metric: str
    figures: tuple[Figure | None, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Variants:
    """What came of all variants. settings: of each but the first, what differs. summaries: of each prediction, whole.
    notes: what was done otherwise than the files say."""

    names: tuple[str, ...]
    summaries: tuple[Summary, ...]
    notes: tuple[str, ...]
    settings: tuple[tuple[ChangedSetting, ...], ...]
    rows: tuple[MetricRow, ...]
    replications: int
    seed: int
    confidence: float
    command: str
    interrupted: bool


def compare_variants(
    variants: Mapping[str, Loaded], metrics: Sequence[str] = (), options: Options | None = None
) -> Variants:
    """Predict every variant on the draws of the first, and take the differences from it.

    variants: two or more, by name. metrics: shown beside those of the objectives, the latency, availability and
    throughput of each workflow, the time until latency is back after each drill, and the cost. Seed and number of
    replications are the first one's for all.

    Raises InputErrors for a metric that no variant has, and for what is wrong with one of them; KeyboardInterrupt.
    """
    assert len(variants) > 1, "one variant has nothing to be compared with"
    options = options or Options()
    names, loaded = tuple(variants), tuple(variants.values())
    known = set().union(*(metric_units(one.lowered) for one in loaded))
    wrong = [name for name in metrics if name not in known]
    if wrong:
        hint = f"`sim schema metrics {loaded[0].document.file}` lists them"
        raise InputErrors([Problem("--metric", f"is {name}, which no run of these has", hint) for name in wrong])
    run = options.settings(loaded[0].scenario.run)
    same = replace(options, seed=run.seed, replications=run.replications, lives=False)
    found = []
    for one in loaded:
        fixed = one.scenario.model_copy(update={"run": one.scenario.run.model_copy(update={"precision": None})})
        found.append(predict(replace(one, scenario=fixed), same))
    precise = [name for name, one in variants.items() if one.scenario.run.precision is not None]
    return Variants(
        names=names,
        summaries=tuple(one.summary for one in found),
        notes=tuple(f"run.precision of {name} is not used: all variants have as many runs" for name in precise),
        settings=tuple(tuple(changes(loaded[0], one)) for one in loaded[1:]),
        rows=tuple(_rows(loaded, found, metrics, run.confidence)),
        replications=run.replications,
        seed=run.seed,
        confidence=run.confidence,
        command=options.command,
        interrupted=any(one.interrupted for one in found),
    )


def changes(first: Loaded, other: Loaded) -> Iterator[ChangedSetting]:
    """The settings that differ, defaults and presets included, each at its place in the other file."""
    before, after = (_flat(one.scenario.model_dump(mode="json", by_alias=True)) for one in (first, other))
    for path in [*before, *(path for path in after if path not in before)]:
        if path.split(".")[0] not in ("name", "mitigations") and before.get(path) != after.get(path):
            yield ChangedSetting(path, before.get(path), after.get(path), where(other.document, path).short)


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every value that is no mapping and no list, by its dotted path."""
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        value = {str(index): one for index, one in enumerate(value)}
    if not isinstance(value, dict):
        return {path: value}
    return {key: one for name, part in value.items() for key, one in _flat(part, f"{path}.{name}".lstrip(".")).items()}


def _rows(
    loaded: Sequence[Loaded], found: Sequence[Prediction], metrics: Sequence[str], confidence: float
) -> Iterator[MetricRow]:
    of_each = [one.summary.metrics for one in found]
    shown = [name for name in _shown(loaded, metrics) if any(name in one for one in of_each)]
    tests = {(name, other): _Test(found[0], one, name) for name in shown for other, one in enumerate(found[1:])}
    known = [key for key, test in tests.items() if test.is_known(confidence)]
    verdicts = dict(zip(known, holm([tests[key].differs for key in known], confidence), strict=True))
    for name in shown:
        differences = (
            Difference(tests[key].at(confidence), _change(name, verdicts.get(key)), tests[key].worth)
            for key in ((name, other) for other in range(len(found) - 1))
        )
        yield MetricRow(name, tuple(one.get(name) for one in of_each), tuple(differences))


def _shown(loaded: Sequence[Loaded], metrics: Sequence[str]) -> list[str]:
    """Metrics of objectives, then the usual ones, then those requested, each once."""
    every = [one for each in loaded for one in each.scenario.objectives]
    objectives = [one.metric for one in every if not isinstance(one, ServiceLevel)]
    workflows = dict.fromkeys(name for one in loaded for name in one.lowered.deadlines_ns)
    usual = [
        f"{family}.{name}{level}"
        for name in workflows
        for family, level in (("latency", ".p50"), ("latency", ".p99"), ("availability", ""), ("throughput", ""))
    ]
    faults = dict.fromkeys(
        name for one in loaded for name, fault in one.lowered.network.faults.items() if fault.is_drill
    )
    recovery = [f"recovery.{name}.{PHASES[-1]}.mean" for name in faults]
    return list(dict.fromkeys([*objectives, *usual, *recovery, *metrics, "cost.total"]))


class _Test:
    """The difference of one metric between two predictions, at any confidence."""

    def __init__(self, first: Prediction, other: Prediction, metric: str) -> None:
        self.first, self.other, self.metric = first, other, metric
        self.worth: float | None = None
        self.at = cache(self._difference)

    def is_known(self, confidence: float) -> bool:
        """Whether there is a difference with an interval."""
        figure = self.at(confidence)
        return None not in (figure.value, figure.low, figure.high)

    def _difference(self, confidence: float) -> Figure:
        """other - first, with its interval; refused where it is not known."""
        a, b = (one.summary.metrics.get(self.metric) for one in (self.first, self.other))
        if a is None or b is None:
            return Figure.refused("", f"only {'the second' if a is None else 'the first'} has it")
        if a.value is None or b.value is None:
            return Figure.refused(a.unit, a.note if a.value is None else b.note)
        if self.metric == "cost.total" or (a.confidence is None and b.confidence is None):
            return _apart(a, b)
        try:
            found = compare(self.first, self.other, self.metric, confidence)
        except KeyError as reason:
            return Figure.refused(a.unit, str(reason.args[0]))
        self.worth = 1 / found.variance_ratio if found.variance_ratio else None
        return found.difference

    def differs(self, confidence: float) -> Outcome:
        """Met where the whole interval is below 0, missed where it is above, undecided where 0 is in it."""
        figure = self.at(confidence)
        assert figure.low is not None
        assert figure.high is not None
        return "met" if figure.high < 0 else "missed" if figure.low > 0 else "undecided"


def _apart(a: Figure, b: Figure) -> Figure:
    """b - a of figures that are not known run by run: exact if both are, else as if they were independent."""
    was, was_low, was_high, now, now_low, now_high = (
        math.nan if end is None else end for one in (a, b) for end in (one.value, one.low, one.high)
    )
    value = now - was
    if math.isnan(value + was_low + was_high + now_low + now_high):
        return Figure.refused(a.unit, "one of the two has no interval")
    if a.confidence is None and b.confidence is None:
        return Figure.exact(value, a.unit)
    low = value - math.hypot(now - now_low, was_high - was)
    high = value + math.hypot(now_high - now, was - was_low)
    n = min(one.n for one in (a, b) if one.confidence is not None)
    return Figure(value, a.unit, low, high, a.confidence or b.confidence, n, "as if the two were independent")


def _change(metric: str, verdict: Outcome | None) -> Change:
    """What a verdict of `_Test.differs` says of the metric; empty where there is none."""
    if verdict is None:
        return ""
    if verdict == "undecided":
        return "no difference seen"
    family = metric.partition(".")[0]
    if family in BETTER_BELOW | BETTER_ABOVE:
        return "better" if (verdict == "met") == (family in BETTER_BELOW) else "worse"
    return "less" if verdict == "met" else "more"


def compare(a: Prediction, b: Prediction, metric: str, confidence: float = 0.95) -> Comparison:
    """The difference b - a of one metric, such as `latency.W.p99` or `utilisation.R`, with its interval.

    Both must come from the same seed and as many replications, so that the n-th runs of the two saw the same draws.
    An operation that is counted in one of them alone was made no times in the other. Raises KeyError when any other
    metric is in neither or only one of them.
    """
    runs_a, runs_b = _paired(a, b)
    family, _, rest = metric.partition(".")
    if family == "recovery":
        values_a, values_b = _in_drill(a, metric, confidence), _in_drill(b, metric, confidence)
        count = min(len(values_a), len(values_b))
        return paired_difference(values_a[:count], values_b[:count], a.summary.metrics[metric].unit, confidence)
    name, _, statistic = rest.rpartition(".")
    if statistic in LATENCY_PERCENTILES and family == "latency" and name in a.replications[0].routines:
        return paired_percentile(
            _latency(runs_a, name), _latency(runs_b, name), LATENCY_PERCENTILES[statistic], confidence
        )
    if statistic in LATENCY_PERCENTILES and all(metric.rpartition(".")[0] in run.spans for run in (*runs_a, *runs_b)):
        span = metric.rpartition(".")[0]
        return paired_percentile(
            [run.spans[span].histogram for run in runs_a],
            [run.spans[span].histogram for run in runs_b],
            LATENCY_PERCENTILES[statistic],
            confidence,
        )
    values_a, values_b = (
        [_value(run, metric, of.deadlines_ns, confidence) for run in runs] for of, runs in ((a, runs_a), (b, runs_b))
    )
    unit = next((one.summary.metrics[metric].unit for one in (a, b) if metric in one.summary.metrics), None)
    if unit is None:
        raise KeyError(metric)
    return paired_difference(values_a, values_b, unit, confidence)


def _paired(a: Prediction, b: Prediction) -> tuple[Sequence[Replication], Sequence[Replication]]:
    count = min(len(a.replications), len(b.replications))
    assert a.summary.seed == b.summary.seed, "common random numbers need one seed for both"
    return a.replications[:count], b.replications[:count]


def _latency(runs: Sequence[Replication], routine: str) -> list[Histogram]:
    return [part.histogram for part in Cohort(runs, routine).durations(SUCCEEDED)]


def _value(run: Replication, metric: str, deadlines_ns: Mapping[str, int | None], confidence: float) -> float:
    """The metric of one replication alone."""
    family, _, rest = metric.partition(".")
    if family == "latency" and rest.endswith(".mean") and rest.removesuffix(".mean") in run.routines:
        part = Cohort([run], rest.removesuffix(".mean")).durations(SUCCEEDED)[0]
        return part.sum_ns / part.count * NS if part.count else math.nan
    found = metrics([run], deadlines_ns, confidence)
    if family == "count" and metric not in found:
        return 0.0
    return _told(metric, found[metric])


def _in_drill(prediction: Prediction, metric: str, confidence: float) -> list[float]:
    """A figure of recovery, drill by drill."""
    fault = metric.split(".")[1]
    episodes = (replace(episode, objective_p99_ns=None) for episode in prediction.drills[fault])
    return [_told(metric, recovery_metrics([recovery_of([one], None, confidence)])[metric]) for one in episodes]


def _told(metric: str, figure: Figure) -> float:
    if figure.value is None:
        raise KeyError(f"{metric} cannot be told from one replication: {figure.note}")
    return figure.value
