"""Funds stay conserved and move once while everything fails that can, and no two executions ever wait for each other.

Goal: the properties of coinbase hold in every execution, not only in calm ones. Method: the registry's run in which
workers, history pods and the primary are lost, attempts are given up while they run and replies get lost. That each of
these really happened is asserted before what is claimed; that the run would show a broken promise is
`test_mechanisms`' part, which takes the sagas and the keys away.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration import case_studies
from sim.lower.load import load
from sim.results.columns import COMPENSATED, FAILED, SUCCEEDED
from sim.studies.run.study import Options, predict
from sim.units.tables import SECOND

ROOT = Path(__file__).parents[2]
FAULTS = ("worker_loss", "history_loss", "pg_loss")
PROPERTIES = ("funds_are_conserved", "never_both", "released_once", "locked_once")


@pytest.mark.long
def test_coinbase_keeps_what_it_promises_in_every_execution_while_everything_fails() -> None:
    registry = case_studies.registry()
    run = registry.runs["coinbase-hostile"]
    found = predict(load(ROOT / "configs" / run.file, run.set), Options(replications=3, processes=1))  # audited
    runs = found.replications
    for fault in FAULTS:
        assert all(any(episode.fault == fault for episode in one.episodes) for one in runs), fault
    assert all(one.operations("lost_reply") > 100 for one in runs)
    # Attempts that were given up or unheard of had their effect, and the next one met it.
    assert all(one.operations("prevented_side_effect") > 100 for one in runs)
    assert all(one.operations("duplicate_side_effect") == 0 for one in runs)
    by_name = {monitor.name: monitor for monitor in found.summary.monitors}
    for name in PROPERTIES:
        monitor = by_name[name]
        assert monitor.violated == 0
        assert monitor.checked > 50_000
        assert monitor.upper_bound.high == pytest.approx(3 / monitor.checked)
    for rows in (one.executions for one in runs):
        # A client gives a start up that the store refuses for a minute; nothing of that transfer has begun.
        given_up = rows.cohort[rows.outcome[rows.cohort] == FAILED]
        assert len(given_up) < 0.01 * len(rows.cohort)
        assert (rows.end_ns[given_up] - rows.start_ns[given_up] > 40 * SECOND).all()
        assert set(np.unique(rows.outcome[rows.cohort]).tolist()) - {FAILED} <= {SUCCEEDED, COMPENSATED}
