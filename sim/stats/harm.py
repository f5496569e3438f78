"""What one episode of a fault does to a service level: bad events beyond its baseline run's, until the two are one
again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.results.columns import OPEN, Replication
from sim.stats.sli import Sli, events_of

NS = 1e-9
SIGNIFICANT = 3.0
"""Standard deviations by which counts of bad events differ for a reason: by chance once in 700 times."""


@dataclass(frozen=True, slots=True)
class Harm:
    """One episode.

    extra: bad events beyond the baseline run's, up to the end of the record. outage_s: how long the fault itself was
    there. lasted_s: from its begin until the run and its baseline run were one again, or (as they need not be to the
    last draw) rate, backlog and latency were in order; else to the end of the record; never less than the outage,
    which nobody may have noticed. is_back: whether bad events have stopped to be more than the baseline run's; else
    `extra` is only what the record holds. exposed: events that began or were open while the fault was there, the most
    that it can have spoilt by itself. cost: simulated events, those of the baseline run included.
    calm_bad, calm_begun, calm_s: of the baseline run, from the begin of the fault on.
    """

    extra: int
    outage_s: float
    lasted_s: float
    is_back: bool
    exposed: int
    cost: int
    calm_bad: int
    calm_begun: int
    calm_s: float


def harm_of(
    run: Replication,
    baseline: Replication,
    sli: Sli,
    begin_ns: int,
    recoupled_ns: int | None,
    recovered_ns: int | None = None,
) -> Harm:
    """The harm of an episode.

    run, baseline run: the same draws with the fault and without any. recoupled_ns: from when on they are the same;
    None where they are not, or never exactly: then the last quarter of what follows on the fault decides, in which
    there must not be significantly more bad events than in the baseline run. recovered_ns: when a drill would call the
    system recovered.
    """
    mine, calm = events_of(run, sli), events_of(baseline, sli)
    ends = run.episodes.end_ns
    is_over = bool((ends >= 0).all())
    end_ns = int(ends.max(initial=begin_ns)) if is_over else run.horizon_ns
    quarter_ns = run.horizon_ns - max(run.horizon_ns - end_ns, 0) // 4
    late, late_calm = (one.bad_in(quarter_ns, run.horizon_ns) for one in (mine, calm))
    is_quiet = is_over and late - late_calm <= SIGNIFICANT * math.sqrt(late + late_calm)
    last_ns = next((one for one in (recoupled_ns, recovered_ns) if one is not None), run.horizon_ns)
    return Harm(
        extra=mine.bad - calm.bad,
        outage_s=(end_ns - begin_ns) * NS,
        lasted_s=(max(last_ns, end_ns) - begin_ns) * NS,
        is_back=recoupled_ns is not None or is_quiet,
        exposed=_exposed(run, sli, begin_ns, end_ns),
        cost=run.events + baseline.events,
        calm_bad=calm.bad_in(begin_ns, baseline.horizon_ns),
        calm_begun=int((calm.begun_ns >= begin_ns).sum()),
        calm_s=(baseline.horizon_ns - begin_ns) * NS,
    )


def _exposed(run: Replication, sli: Sli, begin_ns: int, end_ns: int) -> int:
    rows = run.executions
    mine = run.cohort_of(sli.routine)
    still = (rows.outcome[mine] == OPEN) | (rows.end_ns[mine] >= begin_ns)
    return int(np.count_nonzero((rows.start_ns[mine] <= end_ns) & still))
