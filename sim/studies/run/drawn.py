"""Uncertainty that fitted parameters bring into one scenario: its runs again, with parameters drawn anew for each.

Run r is made twice on the same random numbers, with the scenario's own parameters and with those of draw r. By how
much a figure moves from the one to the other, as the standard deviation of the logarithm of the ratio over the runs,
is its input uncertainty; the little noise that common random numbers leave is in it. Unlike the interval of a mean it
does not shrink with the number of runs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sim.engine.plan import Plan
from sim.engine.run import Planned
from sim.lower.load import Loaded, changed
from sim.results.columns import SUCCEEDED, Replication
from sim.results.histogram import Histogram
from sim.stats.metrics import LATENCY_PERCENTILES, Cohort, measured_routines, metrics
from sim.studies.envelope import group_of

Draws = Callable[[int], Sequence[Sequence[str]]]
"""Gives changes as for `--set`, a list for each of so many replications."""


def planned(loaded: Loaded, draws: Sequence[Sequence[str]], plans: Sequence[Plan]) -> list[Planned]:
    """The runs with drawn parameters. Raises InputErrors where the scenario has no such parameter."""
    return [(changed(loaded, changes).lowered.network, plan) for changes, plan in zip(draws, plans, strict=True)]


def input_spread(base: Sequence[Replication], drawn: Sequence[Replication]) -> dict[str, float]:
    """By metric, the standard deviation of the logarithm of drawn over base, of runs paired in order."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for plain, moved in zip(base, drawn, strict=False):
        before, after = _values(plain), _values(moved)
        for name, value in before.items():
            other = after.get(name, 0.0)
            if value > 0 and other > 0:
                ratios[name].append(math.log(other / value))
    return {name: float(np.std(found, ddof=1)) for name, found in ratios.items() if len(found) >= 2}


def _values(run: Replication) -> Mapping[str, float]:
    """The figures of one run that have an input uncertainty: times and rates."""
    found = {name: figure.value for name, figure in metrics([run], {}, 0.95).items() if group_of(name) is not None}
    values = {name: value for name, value in found.items() if value is not None}
    times = {f"{name}": span.histogram for name, span in run.spans.items()}
    for routine in measured_routines([run]):
        times[f"latency.{routine}"] = Histogram.of(Cohort([run], routine).ended(SUCCEEDED)[0])
    for name, histogram in times.items():
        if histogram.count:
            values |= {f"{name}.{level}": histogram.quantile(p) * 1e-9 for level, p in LATENCY_PERCENTILES.items()}
    return values
