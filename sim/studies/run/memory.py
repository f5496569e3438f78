"""What the runs of a scenario remember: relaxation times by its closed form, at the load that the runs have shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sim.analytic.estimate import estimate
from sim.analytic.relaxation import Pace, paces
from sim.network import Network
from sim.results.columns import PlaceUse, Replication
from sim.stats.relaxation import Memory, Relaxation
from sim.stats.room import busy_of
from sim.studies.window import MeasuredWindow, is_stationary

ERRORS = 4.0
"""Standard errors by which the runs have to be off the closed form before they are believed instead."""
NS = 1e-9


def memory_of(known: Mapping[str, Pace], window: MeasuredWindow, runs: Sequence[Replication]) -> Memory:
    """Relaxation times of a network's places, and how long its runs are. known: see `paces_of`.

    The utilisation is that of the closed form, which no luck of the runs can move, as long as the runs are within
    ERRORS standard errors of it; else the nearest that they are. Where work is turned away or gives up at a place that
    is asked for more than it can do, the closed form does not hold, and its time is not known.
    """
    found = {}
    for name, pace in known.items():
        uses = [run.places[name] for run in runs]
        shown = [busy_of(use, run.horizon_ns - run.begin_ns) for use, run in zip(uses, runs, strict=True)]
        utilisation = _believed(pace, shown)
        if utilisation >= 1 and any(use.rejected or use.refused or use.abandoned for use in uses):
            continue
        wait = _wait_s(pace, uses, utilisation)
        seconds = pace.relaxation_s(utilisation)
        found[name] = Relaxation(name, utilisation, seconds, wait, pace.visits, pace.scv)
    return Memory(found, (window.horizon_ns - window.warmup_ns) * NS, window.warmup_ns * NS, len(runs))


def paces_of(network: Network) -> dict[str, Pace]:
    """What relaxation times are made of, by place; nothing where load or faults depend on the time."""
    return paces(network, estimate(network)) if is_stationary(network) else {}


def _believed(pace: Pace, shown: Sequence[float | None]) -> float:
    """The utilisation that is gone by."""
    computed = pace.estimate.utilisation
    values = np.array([share for share in shown if share is not None], dtype=np.float64)
    if not pace.measured or len(values) < max(len(shown), 2):
        return computed
    reach = ERRORS * float(values.std(ddof=1)) / len(values) ** 0.5
    return float(np.clip(computed, values.mean() - reach, values.mean() + reach))


def _wait_s(pace: Pace, uses: Sequence[PlaceUse], utilisation: float) -> float:
    """Mean wait of a visit: the longer of what the runs have shown and of the closed form, where it has one."""
    count = sum(use.wait_count for use in uses)
    shown = sum(use.wait_sum_ns for use in uses) * NS / count if count else 0.0
    computed = pace.estimate.wait_s
    return shown if math.isinf(computed) and utilisation < 1 else max(shown, computed)
