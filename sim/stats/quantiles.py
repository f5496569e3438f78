"""Percentiles by sectioning over replications, or their refusal.

The point estimate comes from the pooled sample, the interval from how the sections' own quantiles scatter about it
(Asmussen & Glynn, Stochastic Simulation, 2007, III.5). Two things are added, both measured in `tests/statistics`:

* The scatter is that of logarithms. The interval of a percentile of a duration is then the same in any unit and on
  any monotone scale to first order, never reaches below zero, and leans the way congestion does.
* The t-quantile has the degrees of freedom of `clustering`. At a utilisation of 0.95 the 80 durations of a
  run of 8,000 beyond its 99th percentile come in one or two congestions; many runs see none, and the plain interval
  of 20 such runs covers 66 times in 100 instead of 95.

The rule of refusal. Where the relaxation time is known, the runs have to be long enough beside it (`relaxation`): a
rule that no sample has a say in, so that it does not keep those whose tail came out short. Where it is not known, the
pooled sample has to hold at least MIN_EXCURSIONS independent excursions (clusters, not durations) beyond the
percentile. In any case there are at least MIN_SECTIONS sections; replications with less than MIN_BEYOND durations
beyond the percentile each are merged with their neighbours while 10 sections remain. A percentile above one minus the
share still open is refused whatever the sample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.figure import Figure
from sim.results.histogram import Histogram
from sim.stats.intervals import NS, FloatArray, clustering, t_quantile
from sim.stats.relaxation import Length

MIN_EXCURSIONS = 6
MIN_SEEN = 1
"""Excursions that have to be seen where the runs are known to be long enough: less in one case of thousands."""
MIN_SECTIONS = 5
MIN_BEYOND = 2.0


@dataclass(frozen=True, slots=True)
class Sectioned:
    """Interval of a quantile from its sections, in the unit of the values; independent excursions that it rests on."""

    low: float
    high: float
    excursions: float


def sectioned(
    value: float, section_values: FloatArray, beyond: FloatArray, expected: FloatArray, confidence: float
) -> Sectioned:
    """Interval about a pooled quantile from the quantiles of two or more sections.

    beyond: number of observations of each section beyond the pooled quantile; expected: what its size entitles it to.
    The logarithmic scale needs positive values; with a zero among them the plain scale is used, cut off at zero.
    """
    n = section_values.size
    assert n >= 2
    spread = clustering(beyond, expected)
    if bool((section_values == value).all()):  # an atom, such as a constant delay
        return Sectioned(value, value, spread.excursions)
    t = t_quantile(confidence, spread.freedom)
    if value > 0 and bool((section_values > 0).all()):
        error = math.sqrt(float((np.log(section_values / value) ** 2).sum()) / (n - 1) / n)
        reach = math.exp(min(t * error, 700.0))
        return Sectioned(value / reach, value * reach, spread.excursions)
    error = math.sqrt(float(((section_values - value) ** 2).sum()) / (n - 1) / n)
    low, high = max(0.0, value - t * error), value + t * error
    return Sectioned(low, high, spread.excursions)


def merge_to_sections(replications: Sequence[Histogram], p: float) -> list[Histogram]:
    """Replications in index order, neighbours merged where each holds too few durations beyond the percentile."""
    beyond_each = (1 - p) * sum(part.count for part in replications) / len(replications)
    together = max(1, min(math.ceil(MIN_BEYOND / beyond_each), len(replications) // 10))
    if together == 1:
        return list(replications)
    groups = np.array_split(np.arange(len(replications)), len(replications) // together)
    return [Histogram.merged([replications[i] for i in group]) for group in groups]


def counts_beyond(pooled: Histogram, parts: Sequence[Histogram], p: float) -> FloatArray:
    """Durations of each part beyond the pooled p-quantile; the bucket it lies in is split so that the sum fits."""
    index, _ = pooled.locate(p)
    inside, above = pooled.counts_at(index)
    share = ((1 - p) * pooled.count - above) / inside
    return np.array([above + share * inside for inside, above in (part.counts_at(index) for part in parts)])


def percentile_interval(
    replications: Sequence[Histogram],
    p: float,
    open_share: float = 0.0,
    confidence: float = 0.95,
    length: Length | None = None,
) -> Figure:
    """The p-quantile of durations, in seconds, with an interval over replications, or its refusal with a best guess.

    replications: one histogram each, of nanoseconds, in index order.
    open_share: share of the executions started that had not ended when the run did.
    length: how long the runs are beside the relaxation time; None where that is not known.

    The interval takes in the width of the bucket. `n` counts sections. The module's docstring gives the method and
    the rule of refusal.
    """
    assert 0 < p < 1
    pooled = Histogram.merged(replications)
    n = len(replications)
    if pooled.count == 0:
        return Figure.refused("s", "nothing was counted", n)
    if open_share > 1 - p:
        note = f"{open_share:.3g} of the executions were still open, so that no percentile above it can be told"
        return Figure.refused("s", note, n)
    value = pooled.quantile(p)
    guess = f"best guess {value * NS:.3g} s"
    if length is not None and (why := length.refuses_percentile(p)):
        return Figure.refused("s", f"{guess}; {why}", n)
    beyond = (1 - p) * pooled.count
    if beyond < MIN_EXCURSIONS:
        return Figure.refused("s", f"{guess}, from {beyond:.2g} durations beyond it; {_longer(beyond)}", n)
    if n < MIN_SECTIONS:
        return Figure.refused("s", f"{guess}; {MIN_SECTIONS} replications are needed for an interval", n)
    parts = [part for part in merge_to_sections(replications, p) if part.count]
    if len(parts) < MIN_SECTIONS:
        return Figure.refused("s", f"{guess}; only {len(parts)} replications saw anything", n)
    result = sectioned(
        value,
        np.array([part.quantile(p) for part in parts]),
        counts_beyond(pooled, parts, p),
        (1 - p) * np.array([part.count for part in parts], dtype=np.float64),
        confidence,
    )
    if result.excursions < (MIN_EXCURSIONS if length is None else MIN_SEEN):
        rests_on = f"{guess}, from about {result.excursions:.2g} independent excursions beyond it"
        return Figure.refused("s", f"{rests_on}; {_longer(result.excursions)}", n)
    first, last = pooled.quantile_bounds(p)
    low, high = result.low - (value - first), result.high + (last - value)
    note = "" if len(parts) == n else f"{n} replications merged into {len(parts)} sections"
    half_bucket = (last - first) / 2 * NS
    return Figure(value * NS, "s", max(0.0, low) * NS, high * NS, confidence, len(parts), note, resolution=half_bucket)


def _longer(excursions: float) -> str:
    factor = max(1.5, MIN_EXCURSIONS / max(excursions, 0.1))
    return f"{MIN_EXCURSIONS} are needed: run about {factor:.2g} times as long, or as many replications"
