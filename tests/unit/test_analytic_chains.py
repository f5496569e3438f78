"""The solvers: finite chains, endless chains by levels, phase-type laws, and availability built on them."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.linalg import expm

from calibration.closed_forms.chains import PhaseType, stationary
from calibration.closed_forms.levels import solve_levels
from sim.analytic.availability import k_of_n
from sim.analytic.stations import birth_death
from sim.errors import Unstable
from tests.closed_forms.chains import explore, level_share, mean_time_to, steady


def random_generator(size, seed, spread):
    rng = np.random.default_rng(seed)
    q = 10 ** rng.uniform(-spread, spread, (size, size)) * (rng.random((size, size)) < 0.4)
    q[np.arange(size), (np.arange(size) + 1) % size] += 1  # a ring, so that every state is reached
    np.fill_diagonal(q, 0)
    return q - np.diag(q.sum(axis=1))


def test_stationary_shares_balance_every_state():
    for seed in range(5):
        q = random_generator(30, seed, 1.0)
        shares = stationary(q)
        assert shares.sum() == pytest.approx(1)
        assert np.abs(shares @ q).max() < 1e-12 * np.abs(q).max()


def test_tiny_shares_keep_their_digits():
    # A birth-death chain with deaths a million times as fast: share n is exactly 1e-6n of the first.
    n = 12
    q = np.diag(np.ones(n - 1), 1) + 1e6 * np.diag(np.ones(n - 1), -1)
    q -= np.diag(q.sum(axis=1))
    shares = stationary(q)
    assert shares / shares[0] == pytest.approx([1e-6**k for k in range(n)], rel=1e-13)


def test_a_chain_that_falls_apart_is_refused():
    with pytest.raises(AssertionError):
        stationary(np.array([[0.0, 0.0], [1.0, -1.0]]) @ np.eye(2)[::-1])


def test_the_sparse_solver_agrees_with_a_geometric_law():
    large = steady(lambda n: [(0.9, min(n + 1, 999)), (1.0, max(n - 1, 0))], 0)
    assert large.mean(lambda n: n) == pytest.approx(9.0, rel=1e-9)
    assert large.probability(lambda n: n == 0) == pytest.approx(0.1, rel=1e-9)


def test_birth_death_agrees_with_the_general_solver_and_does_not_overflow():
    births, deaths = [3.0, 2.0, 5.0, 1.0], [1.0, 4.0, 0.5, 2.0]
    q = np.diag(births, 1) + np.diag(deaths, -1)
    q -= np.diag(q.sum(axis=1))
    assert birth_death(births, deaths) == pytest.approx(stationary(q), rel=1e-13)
    huge = birth_death([1e6] * 500, [1.0] * 500)
    assert huge[-1] == pytest.approx(1 - 1e-6, rel=1e-12)
    assert np.isfinite(huge).all()
    steep = np.diag([1e6] * 80, 1) + np.diag([1.0] * 80, -1)  # weights of up to 1e480
    steep -= np.diag(steep.sum(axis=1))
    assert stationary(steep)[-3:] == pytest.approx(birth_death([1e6] * 80, [1.0] * 80)[-3:], rel=1e-12)
    assert stationary(steep)[-1] == pytest.approx(1 - 1e-6, rel=1e-12)


def test_mean_time_to_a_target_agrees_with_a_linear_system():
    q = random_generator(20, 7, 1.0)
    targets = {17, 18, 19}
    hit = np.linalg.solve(-q[:17, :17], np.ones(17))
    found = mean_time_to(lambda i: [(q[i, j], j) for j in range(20) if j != i], 0, lambda i: i in targets)
    assert found == pytest.approx(hit[0], rel=1e-10)


def test_phase_type_tail_and_moments_agree_with_the_matrix_exponential():
    q = random_generator(6, 3, 0.5) - np.diag([0.1, 0.0, 0.5, 0.0, 0.2, 0.0])
    start = np.array([0.5, 0.2, 0.0, 0.0, 0.0, 0.2])  # one in ten leaves at once
    law = PhaseType(start, q)
    for t in (0.0, 0.3, 4.0, 30.0):
        assert law.tail(t) == pytest.approx(float((start @ expm(q * t)).sum()), abs=1e-12)
    inverse = np.linalg.inv(-q)
    assert law.moment(2) == pytest.approx(2 * float((start @ inverse @ inverse).sum()))
    assert law.quantile(0.05) == 0
    for p in (0.2, 0.5, 0.99, 0.99999):
        assert law.tail(law.quantile(p)) == pytest.approx(1 - p, rel=1e-7)


def two_speed_queue(n, phase):
    """M/M/1 whose server changes between two speeds, and whose arrivals are richer in phase 1."""
    yield (0.5, n + 1, phase)
    yield (0.2 if phase == 0 else 0.3, n, 1 - phase)
    if phase == 1:
        yield (0.4, n + 1, 0)
    if n:
        yield ((2.0 if phase == 0 else 0.9), n - 1, phase)


def test_endless_chains_agree_with_chains_cut_far_out():
    levels = solve_levels(two_speed_queue, lambda n: (0, 1), 1)
    cut = steady(lambda s: [(rate, (n, p)) for rate, n, p in two_speed_queue(*s) if n <= 250], (0, 0))
    assert levels.mean(lambda n, p: n) == pytest.approx(cut.mean(lambda s: s[0]), rel=1e-10)
    assert levels.mean(lambda n, p: p) == pytest.approx(cut.mean(lambda s: s[1]), rel=1e-10)
    assert levels.mean(lambda n, p: 1.0) == pytest.approx(1.0, rel=1e-13)
    for n in (0, 1, 2, 9):
        share = cut.probability(lambda s, n=n: s[0] == n)
        assert level_share(levels, n) == pytest.approx(share, rel=1e-10)


def test_an_endless_chain_that_drifts_away_is_unstable():
    with pytest.raises(Unstable):
        solve_levels(lambda n, p: [(1.01, n + 1, 0), *([(1.0, n - 1, 0)] if n else [])], lambda n: (0,), 1)


def test_moves_that_do_not_repeat_are_noticed():
    with pytest.raises(AssertionError, match="repeat"):
        solve_levels(lambda n, p: [(1.0, n + 1, 0), *([(2.0 + n, n - 1, 0)] if n else [])], lambda n: (0,), 1)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (3, 2), (5, 3), (9, 1)])
def test_k_of_n_with_a_crew_each_is_binomial(n, k):
    up = 200 / (200 + 3)
    expected = sum(math.comb(n, i) * up**i * (1 - up) ** (n - i) for i in range(k))
    found = k_of_n(n, k, 200.0, 3.0)
    assert found.unavailability == pytest.approx(expected, rel=1e-12)
    assert found.outages_per_s * found.outage_mean_s == pytest.approx(expected, rel=1e-12)


def test_k_of_n_times_to_failure_agree_with_the_chain():
    for n, k, crews in ((3, 2, 1), (4, 2, 2), (5, 5, 5)):

        def moves(down, n=n, crews=crews):
            return [((n - down) / 50.0, down + 1), (min(down, crews) / 4.0, down - 1)]

        expected = mean_time_to(
            lambda d, m=moves: [x for x in m(d) if 0 <= x[1] <= 10], 0, lambda d, n=n, k=k: n - d < k
        )
        assert k_of_n(n, k, 50.0, 4.0, crews).mttf_s == pytest.approx(expected, rel=1e-12)


def test_outages_of_k_of_n_are_counted_where_the_chain_crosses():
    # 3 of which 2 are needed: outages begin with the second failure, 2 / mttf while one is down.
    f, r = 1 / 50.0, 1 / 4.0
    one_down = 3 * f * r**2 / (f + r) ** 3
    assert k_of_n(3, 2, 50.0, 4.0).outages_per_s == pytest.approx(2 * f * one_down, rel=1e-12)
    series = k_of_n(4, 4, 50.0, 4.0)  # any failure is an outage
    assert series.outages_per_s == pytest.approx(4 * f * series.availability, rel=1e-12)


def test_k_of_n_holds_for_times_that_differ_by_many_orders():
    # Two disks, 10^6 h against 10 h: MTTF = (3 f + r) / (2 f^2), the textbook mirrored pair.
    f, r = 1e-6, 0.1
    assert k_of_n(2, 1, 1 / f, 1 / r).mttf_s == pytest.approx((3 * f + r) / (2 * f * f), rel=1e-12)


def test_every_state_of_a_product_space_is_explored_once():
    chain = explore(lambda s: [(1.0, (s[0] ^ 1, s[1])), (1.0, (s[0], s[1] ^ 1))], (0, 0))
    assert sorted(chain.states) == sorted(product((0, 1), repeat=2))
    with pytest.raises(AssertionError, match="more than 10"):
        explore(lambda n: [(1.0, n + 1)], 0, states_max=10)
