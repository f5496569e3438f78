"""The claims of this directory can fail: a theory that is off is refused, and so is a run too short to tell."""

from __future__ import annotations

import pytest
from measure import simulate, station

from calibration.closed_forms.stations import mmc


def test_a_theory_that_is_off_by_a_tenth_is_refused() -> None:
    runs = simulate(station("4/s", "{servers: 8, service: {exponential: 1 s}}"), 10, 40, 1)
    theory = mmc(4.0, 1.0, 8)
    runs.agree({"utilisation.server": theory.utilisation})
    with pytest.raises(AssertionError, match=r"utilisation.server: theory says 0.55, the run 0.4"):
        runs.agree({"utilisation.server": 1.1 * theory.utilisation})


def test_an_interval_too_wide_to_tell_is_refused() -> None:
    runs = simulate(station("4/s", "{servers: 8, service: {exponential: 1 s}}"), 10, 40, 1)
    with pytest.raises(AssertionError, match="too wide to tell"):
        runs.agree({"latency.job.p99": runs.figures["latency.job.p99"].value or 0.0}, within=0.001)


def test_a_figure_that_does_not_exist_is_named() -> None:
    runs = simulate(station("4/s", "{kind: delay, service: 1 s}"), 0, 1, 1)
    with pytest.raises(AssertionError, match="no such figures"):
        runs.agree({"latency.jobs.mean": 1.0})
