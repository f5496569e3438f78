"""Warm-up and drift on queues that begin empty: M/M/1, whose steady state is known and whose overload has none.

Fixed seeds, a share of seeds within five standard errors of the rate the method is meant to have.
"""

from __future__ import annotations

import numpy as np
import pytest
from lindley import from_empty

from sim.stats.drift import drift
from sim.stats.intervals import mean_interval
from sim.stats.warmup import warm_up

REPLICATIONS, WINDOWS, JOBS = 20, 200, 100  # jobs of a window


def window_means(rho: float, seeds: int, windows: int = WINDOWS) -> np.ndarray:
    """Mean sojourn by window, shape (seeds, replications, windows), of M/M/1 from empty."""
    runs = from_empty(rho)(windows * JOBS, seeds * REPLICATIONS, np.random.default_rng(8))
    means = runs.reshape(windows, JOBS, -1).mean(axis=1)
    return means.T.reshape(seeds, REPLICATIONS, windows)


def test_the_warm_up_of_a_loaded_queue_is_cut_and_the_mean_is_then_unbiased() -> None:
    # At 0.9 the relaxation time is about 400 arrivals, four of 200 windows.
    truth, held, cuts = 1 / (1 - 0.9), 0, []
    runs = window_means(0.9, 60)
    for series in runs:
        cut = warm_up({"sojourn": series})
        assert not cut.refusal
        cuts.append(cut.windows)
        figure = mean_interval(series[:, cut.windows :].mean(axis=1), "s")
        assert figure.low is not None
        assert figure.high is not None
        held += figure.low <= truth <= figure.high
    assert np.median(cuts) <= 40
    assert held >= 60 * (0.95 - 5 * np.sqrt(0.95 * 0.05 / 60))


@pytest.mark.parametrize("rho", [0.99, 0.995, 1.0, 1.05])
def test_a_queue_that_has_not_settled_in_the_run_is_refused(rho: float) -> None:
    # At 0.99 the relaxation time is about 2 (1 + rho) / (1 - rho)^2 = 40,000 arrivals and the run has 10,000.
    for series in window_means(rho, 20, windows=100):
        assert warm_up({"sojourn": series}).refusal


@pytest.mark.parametrize(("rho", "growing"), [(0.5, False), (0.8, False), (1.1, True)])
def test_an_overloaded_queue_grows_and_a_stable_one_does_not(rho: float, growing: bool) -> None:
    verdicts = [drift(series[:, 20:]).growing for series in window_means(rho, 20)]
    # The test calls one stable run in 200 growing: two of 20 would be the mean and six standard errors.
    assert sum(verdict is not growing for verdict in verdicts) <= (0 if growing else 1)
