"""Two predictions side by side, paired by replication under common random numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sim.figure import Figure
from sim.results.columns import SUCCEEDED, Replication
from sim.results.histogram import Histogram
from sim.stats.compare import Comparison, paired_difference, paired_percentile
from sim.stats.episodes import recovery_of
from sim.stats.metrics import LATENCY_PERCENTILES, NS, Cohort, metrics
from sim.stats.summarise import recovery_metrics
from sim.studies.run.study import Prediction

PERCENTILES = LATENCY_PERCENTILES


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
    if statistic in PERCENTILES and family == "latency" and name in a.replications[0].routines:
        return paired_percentile(_latency(runs_a, name), _latency(runs_b, name), PERCENTILES[statistic], confidence)
    if statistic in PERCENTILES and all(metric.rpartition(".")[0] in run.spans for run in (*runs_a, *runs_b)):
        span = metric.rpartition(".")[0]
        return paired_percentile(
            [run.spans[span].histogram for run in runs_a],
            [run.spans[span].histogram for run in runs_b],
            PERCENTILES[statistic],
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
    return [Histogram.of(part) for part in Cohort(runs, routine).ended(SUCCEEDED)]


def _value(run: Replication, metric: str, deadlines_ns: Mapping[str, int | None], confidence: float) -> float:
    """The metric of one replication alone."""
    family, _, rest = metric.partition(".")
    if family == "latency" and rest.endswith(".mean") and rest.removesuffix(".mean") in run.routines:
        part = Cohort([run], rest.removesuffix(".mean")).ended(SUCCEEDED)[0]
        return float(part.mean()) * NS
    found = metrics([run], deadlines_ns, confidence)
    if family == "count" and metric not in found:
        return 0.0
    return _told(metric, found[metric])


def _in_drill(prediction: Prediction, metric: str, confidence: float) -> list[float]:
    """A figure of recovery, drill by drill."""
    fault = metric.split(".")[1]
    values = []
    for episode in prediction.drills[fault]:
        row = recovery_of([replace(episode, objective_p99_ns=None)], None, confidence)
        values.append(_told(metric, recovery_metrics([row])[metric]))
    return values


def _told(metric: str, figure: Figure) -> float:
    if figure.value is None:
        raise KeyError(f"{metric} cannot be told from one replication: {figure.note}")
    return figure.value
