"""What a drill says of an outage, against the queue's closed form: from the outage to the end of its backlog.

M/M/1 and a pause of D. The run has D more work to do than its baseline run and makes that good whenever the baseline
run is idle, so that the two are one again when the run is empty for the first time, T after the pause began. There the
arrivals until then, rho T of work, and the work V met at the beginning are done in T - D: T = (D + V) / (1 - rho) on
average, by Wald's identity. Source: Takacs, Introduction to the Theory of Queues (1962), chapter 1; V by Pollaczek and
Khinchine.
"""

from __future__ import annotations

import numpy as np
from measure import ERROR, FULL, quick_and_full

from sim.lower.load import load
from sim.stats.intervals import mean_interval
from sim.studies.drill.study import DrillOptions, drill

ARRIVING, SERVICE_S, PAUSE_S = 7.0, 0.1, 10.0
TEXT = f"""
name: drain
network:
  sources: {{jobs: {{routine: job, arrivals: {ARRIVING}/s}}}}
  stations: {{server: {{servers: 1, service: {{exponential: {SERVICE_S} s}}}}}}
  routines: {{job: [{{use: server}}]}}
  faults: {{pause: {{targets: [{{group: server}}], effect: pause, at: 10 s, duration: {PAUSE_S} s}}}}
run: {{drill_window: 120 s}}
"""


@quick_and_full
def test_an_outage_is_over_when_its_work_is_made_good_in_idle_times(size: int) -> None:
    (case,) = drill(load(TEXT), DrillOptions("pause", episodes=75 * size, processes=1)).cases
    rho = ARRIVING * SERVICE_S
    over_s = (PAUSE_S + rho * SERVICE_S / (1 - rho)) / (1 - rho)
    assert case.recovery.never_back.value == 0
    # The first execution that is the same in both is the next one that comes.
    one_again = [(one.recoupled_ns - one.begin_ns) * 1e-9 for one in case.episodes if one.recoupled_ns is not None]
    assert len(one_again) == len(case.episodes)
    found = mean_interval(one_again, "s", 1 - ERROR)
    assert found.low is not None
    assert found.high is not None
    assert found.low < over_s + 1 / ARRIVING < found.high
    assert found.high - found.low < (0.2 if size == FULL else 0.4) * over_s
    # `drain` is the last sample that shows more than the baseline run's: up to a window early.
    drained = mean_interval([float(one.times().drain_ns or np.nan) * 1e-9 for one in case.episodes], "s", 1 - ERROR)
    window_s = case.episodes[0].window_ns * 1e-9
    assert drained.low is not None
    assert drained.high is not None
    assert drained.low < over_s
    assert drained.high > over_s - window_s
