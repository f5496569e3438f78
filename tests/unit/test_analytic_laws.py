"""Scalability, group commit, retries and run lengths, each by a second route."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from calibration.closed_forms.batching import group_commit, group_commit_limited
from calibration.closed_forms.moments import Deterministic, Exponential, Lognormal
from calibration.closed_forms.networks import usl_throughput_per_s
from calibration.closed_forms.retries import Backoff, retry
from sim.errors import Unstable
from tests.closed_forms.chains import steady
from tests.closed_forms.moments import Erlang
from tests.closed_forms.runlength import (
    ggc_run_approximate_s,
    mm1_population_run_s,
    mm1_wait_customers,
    mm1_waits_per_independent_one,
)


def test_scalability_is_linear_without_penalties_and_peaks_with_coherency():
    assert usl_throughput_per_s(7, 100.0, 0.0, 0.0) == 700
    peak = math.sqrt((1 - 0.04) / 0.0006)
    best = max(range(1, 200), key=lambda n: usl_throughput_per_s(n, 100.0, 0.04, 0.0006))
    assert abs(best - peak) < 1


@pytest.mark.parametrize("load", [0.1, 1.0, 6.0])
@pytest.mark.parametrize("stages", [1, 4])
def test_group_commit_agrees_with_a_chain_of_staged_flushes(load, stages):
    """States: idle (-1, 0), or (stages done, waiting for the next flush); all who wait go together."""
    top = 150

    def moves(state):
        done, waiting = state
        if done < 0:
            return [(load, (0, 0))]
        arrive = [(load, (done, waiting + 1))] if waiting < top else []
        if done + 1 < stages:
            return [*arrive, (stages, (done + 1, waiting))]
        return [*arrive, (stages, (0, 0) if waiting else (-1, 0))]

    chain = steady(moves, (-1, 0))
    q = group_commit(load, Erlang(1.0, stages))
    assert q.utilisation == pytest.approx(chain.probability(lambda s: s[0] >= 0), rel=1e-9)
    assert q.wait_mean_s == pytest.approx(chain.mean(lambda s: s[1]) / load, rel=1e-9)
    assert q.flushes_per_s == pytest.approx(q.utilisation, rel=1e-12)  # flushes last 1 in the mean
    assert q.batch_mean == pytest.approx(load / q.flushes_per_s, rel=1e-12)
    assert q.sojourn_mean_s == pytest.approx(q.wait_mean_s + 1)


@pytest.mark.parametrize(("load", "largest"), [(0.5, 1), (1.9, 2), (3.0, 4), (0.2, 10), (40.0, 50)])
def test_group_commit_with_a_limit_agrees_with_a_chain(load, largest):
    top = 4000

    def moves(waiting):
        if waiting < 0:
            return [(load, 0)]
        arrive = [(load, waiting + 1)] if waiting < top else []
        return [*arrive, (1.0, max(waiting - largest, 0) if waiting else -1)]

    chain = steady(moves, -1)
    q = group_commit_limited(load, 1.0, largest)
    assert q.utilisation == pytest.approx(chain.probability(lambda n: n >= 0), rel=1e-8)
    assert q.wait_mean_s == pytest.approx(chain.mean(lambda n: max(n, 0)) / load, rel=1e-8)
    assert q.batch_mean == pytest.approx(load / q.utilisation, rel=1e-12)


def test_a_limit_out_of_reach_changes_nothing_and_one_within_reach_is_unstable():
    free, limited = group_commit(3.0, Exponential(0.5)), group_commit_limited(3.0, 0.5, 500)
    assert limited.sojourn_mean_s == pytest.approx(free.sojourn_mean_s, rel=1e-9)
    assert limited.batch_mean == pytest.approx(free.batch_mean, rel=1e-9)
    with pytest.raises(Unstable):
        group_commit_limited(4.0, 1.0, 4)


def test_a_busy_committer_makes_everybody_wait_for_half_a_flush():
    assert group_commit(1e6, Deterministic(0.004)).sojourn_mean_s == pytest.approx(0.006, rel=1e-3)
    assert group_commit(1e6, Lognormal(0.004, 1.0)).sojourn_mean_s == pytest.approx(0.008, rel=1e-3)
    assert group_commit(1e-6, Deterministic(0.004)).sojourn_mean_s == pytest.approx(0.004, rel=1e-6)


BACKOFFS = [
    Backoff(1.0, 2.0, 100.0),
    Backoff(0.5, 1.0),
    Backoff(0.1, 3.0),
    Backoff(2.0, 2.0, 2.0),
    Backoff(0.0),
    Backoff(1.0, 2.0, 64.0),
    Backoff(1.0, 1.1, 1.3),
]


@pytest.mark.parametrize("backoff", BACKOFFS, ids=repr)
@pytest.mark.parametrize("success", [1.0, 0.9, 0.5, 0.05, 0.0])
@pytest.mark.parametrize("attempts", [1, 2, 3, 9, 40])
def test_retries_agree_with_the_sum_over_all_outcomes(backoff, success, attempts):
    delays = [min(backoff.cap_s, backoff.first_s * backoff.factor**k) for k in range(attempts)]
    outcomes = [  # probability, attempts, time, time backing off, success
        (success * (1 - success) ** k, k + 1, k * 0.7 + 0.2 + sum(delays[:k]), sum(delays[:k]), True)
        for k in range(attempts)
    ]
    backing_off = sum(delays[: attempts - 1])
    outcomes.append(((1 - success) ** attempts, attempts, attempts * 0.7 + backing_off, backing_off, False))
    found = retry(success, 0.2, 0.7, backoff, attempts)
    good = math.fsum(o[0] for o in outcomes if o[4])
    assert found.success_probability == pytest.approx(good, rel=1e-12)
    assert found.attempts_mean == pytest.approx(math.fsum(o[0] * o[1] for o in outcomes), rel=1e-12)
    assert found.backoff_mean_s == pytest.approx(math.fsum(o[0] * o[3] for o in outcomes), rel=1e-9)
    assert found.latency_mean_s == pytest.approx(math.fsum(o[0] * o[2] for o in outcomes), rel=1e-9)
    if success > 0.05 or (success and backoff.cap_s < math.inf):
        # otherwise the calls that give up carry nearly all of the mean and the rest has few digits
        by_success = math.fsum(o[0] * o[2] for o in outcomes if o[4]) / good
        assert found.latency_success_mean_s == pytest.approx(by_success, rel=1e-6)


@pytest.mark.parametrize("backoff", [Backoff(1.0, 2.0, 100.0), Backoff(0.5, 1.0), Backoff(0.1, 1.5)], ids=repr)
def test_retries_without_a_limit_are_the_limit_of_many(backoff):
    endless, many = retry(0.6, 0.2, 0.7, backoff), retry(0.6, 0.2, 0.7, backoff, 400)
    assert endless.success_probability == 1
    assert endless.latency_mean_s == pytest.approx(many.latency_mean_s, rel=1e-12)
    assert endless.attempts_mean == pytest.approx(1 / 0.6)


def test_series_with_a_ratio_near_one_keep_their_digits():
    # A chance to fail of 1/2 and delays that double: every term of the series is alike, or nearly so.
    for failure in (0.5, 0.5 + 1e-12, 0.5 - 3e-10, 0.5 + 1e-5):
        exact = math.fsum(failure**k * 2.0 ** (k - 1) for k in range(1, 41))
        assert Backoff(1.0, 2.0).total_mean_s(failure, 40) == pytest.approx(exact, rel=1e-13)


def test_delays_that_outgrow_the_chance_of_needing_them_have_no_mean():
    assert retry(0.4, 0.1, 0.1, Backoff(1.0, 2.0)).latency_mean_s == math.inf
    assert retry(0.4, 0.1, 0.1, Backoff(1.0, 2.0, 1e6)).latency_mean_s < math.inf
    with pytest.raises(AssertionError):
        retry(0.0, 0.1, 0.1, Backoff(1.0))


@pytest.mark.parametrize("load", [0.3, 0.7, 0.9])
def test_the_run_length_for_the_population_agrees_with_the_chain(load):
    """The asymptotic variance of a time average of f is 2 sum of p_i (f_i - mean) g_i, where Q g = mean - f.

    In a birth-death chain this (Poisson's) equation gives the rises of g one by one:
    p_i b_i (g_{i+1} - g_i) = sum over k > i of p_k (mean - f_k), up to sign.
    """
    number = np.arange(600)
    shares = (1 - load) * load**number
    mean = load / (1 - load)
    above = np.cumsum((shares * (number - mean))[::-1])[::-1]
    g = np.concatenate(([0.0], np.cumsum(above[1:] / (shares[:-1] * load))))
    variance = 2 * float(shares @ ((number - mean) * g))
    z = NormalDist().inv_cdf(0.975)
    expected = variance * (z / (0.05 * mean)) ** 2
    assert mm1_population_run_s(load, 1.0, 0.05) == pytest.approx(expected, rel=1e-6)
    assert mm1_population_run_s(load * 4, 0.25, 0.05) == pytest.approx(expected / 4, rel=1e-6)


def test_the_number_of_waits_agrees_with_the_spread_of_many_runs():
    """Variance of the mean of 3000 waits over 3000 runs, M/M/1 at 0.5.

    The sample variance has a relative standard error of sqrt(2 / 3000) = 2.6 % (the means are near normal); the
    finite run takes off about 1 %. Tolerance 4.4 standard errors + 1 %: error rate 1e-5.
    """
    load, runs, length = 0.5, 3000, 3000
    rng = np.random.default_rng(5)
    wait, total = np.zeros(runs), np.zeros(runs)
    for k in range(length + 200):
        if k >= 200:
            total += wait
        wait = np.maximum(wait + rng.exponential(1.0, runs) - rng.exponential(1 / load, runs), 0)
    variance = length * (total / length).var(ddof=1)
    z = NormalDist().inv_cdf(0.975)
    mean = load / (1 - load)
    assert mm1_wait_customers(load, 1.0, 0.1) == pytest.approx(variance * (z / (0.1 * mean)) ** 2, rel=0.125)


def test_a_wait_among_many_is_worth_little():
    assert mm1_waits_per_independent_one(0.9) == pytest.approx(360, rel=0.01)
    assert mm1_waits_per_independent_one(0.9) == pytest.approx(
        mm1_wait_customers(0.9, 1.0, 0.05) / (NormalDist().inv_cdf(0.975) ** 2 * 99 / 81 / 0.0025), rel=1e-9
    )


def test_the_approximate_run_length_nears_the_exact_one_in_heavy_traffic():
    exact = mm1_population_run_s(0.98, 1.0, 0.05)
    assert ggc_run_approximate_s(0.98, 1.0, 1, 1.0, 1.0, 0.05) == pytest.approx(exact, rel=0.03)
    with pytest.raises(Unstable):
        mm1_population_run_s(1.0, 1.0, 0.05)
