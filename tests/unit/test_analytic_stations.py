"""M/M/c and its relatives, each against a Markov chain written down independently, or a second formula.

Chains are cut where less than 1e-12 of the time is spent beyond, so that they are exact to the tolerances used.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammainc

from calibration.closed_forms.chains import PhaseType
from calibration.closed_forms.disciplines import mmc_priority, mmc_ps, mmc_ps_sojourn
from calibration.closed_forms.limited import erlang_a, mgcc, mmck
from calibration.closed_forms.stations import mmc, mmc_sojourn_quantile_s, mmc_sojourn_tail, mmc_wait_quantile_s
from sim.analytic.stations import birth_death, erlang_b, erlang_c
from sim.errors import Unstable
from tests.closed_forms.chains import steady
from tests.closed_forms.queues import mmc_preemptive_priority, mmc_wait_tail

CASES = [(0.3, 1.0, 1), (0.95, 1.0, 1), (7.2, 1.0, 8), (0.9, 2.0, 2), (40.0, 0.1, 5), (90.0, 1.0, 100)]


def test_erlang_b_agrees_with_its_definition():
    for load, servers in ((0.5, 1), (10.0, 10), (3.0, 7), (50.0, 30)):
        terms = [load**n / math.factorial(n) for n in range(servers + 1)]
        assert erlang_b(load, servers) == pytest.approx(terms[-1] / math.fsum(terms), rel=1e-13)
    assert erlang_b(3.0, 0) == 1
    assert erlang_b(2000.0, 100_000_000) == 0  # at once, although there are so many
    assert erlang_b(0.0, 4) == 0
    assert erlang_b(1e5, 10**5) == pytest.approx(math.sqrt(2 / math.pi / 1e5), rel=1e-2)  # known limit at load = c


def test_erlang_c_agrees_with_its_definition():
    for load, servers in ((0.5, 1), (8.0, 10), (3.0, 7), (29.0, 30)):
        last = load**servers / math.factorial(servers) * servers / (servers - load)
        terms = [load**n / math.factorial(n) for n in range(servers)]
        assert erlang_c(load, servers) == pytest.approx(last / (math.fsum(terms) + last), rel=1e-12)


@pytest.mark.parametrize(("rate", "service", "servers"), CASES)
def test_mmc_means_agree_with_the_birth_death_chain(rate, service, servers):
    q = mmc(rate, service, servers)
    n = 1500
    shares = birth_death([rate] * n, [min(k, servers) / service for k in range(1, n + 1)])
    present = np.arange(n + 1)
    assert q.population_mean == pytest.approx(float(shares @ present), rel=1e-9)
    assert q.queue_mean == pytest.approx(float(shares @ np.maximum(present - servers, 0)), rel=1e-9)
    assert q.wait_probability == pytest.approx(float(shares[servers:].sum()), rel=1e-9)
    assert q.utilisation == pytest.approx(float(shares @ np.minimum(present, servers)) / servers, rel=1e-9)
    assert q.sojourn_mean_s == pytest.approx(q.population_mean / rate)
    assert q.wait_mean_s == pytest.approx(q.queue_mean / rate)


@pytest.mark.parametrize(("rate", "service", "servers"), CASES)
def test_mmc_tails_agree_with_the_passage_through_the_queue(rate, service, servers):
    """An arrival that meets n >= c jobs waits for n - c + 1 departures at rate c mu and is then served at mu."""
    ahead = math.ceil(math.log(1e-13) / math.log(rate * service / servers))
    met = birth_death([rate] * (servers + ahead), [min(k, servers) / service for k in range(1, servers + ahead + 1)])
    # Phases: the number of departures still to wait for (0 = in service).
    start = np.concatenate(([met[:servers].sum()], met[servers:]))
    generator = np.diag([-1 / service] + [-servers / service] * (len(start) - 1))
    generator += np.diag([servers / service] * (len(start) - 1), -1)
    sojourn = PhaseType(start, generator)
    wait = PhaseType(start[1:], generator[1:, 1:])
    for t in (0.0, 0.4 * service, 1.7 * service, 6.0 * service):
        assert mmc_sojourn_tail(rate, service, servers, t) == pytest.approx(sojourn.tail(t), abs=1e-11)
        assert mmc_wait_tail(rate, service, servers, t) == pytest.approx(wait.tail(t), abs=1e-11)
    mean = quad(lambda t: mmc_sojourn_tail(rate, service, servers, t), 0, 800 * service, limit=500)[0]
    assert mean == pytest.approx(mmc(rate, service, servers).sojourn_mean_s, rel=1e-7)


@pytest.mark.parametrize(("rate", "service", "servers"), CASES)
def test_mmc_quantiles_invert_the_tails(rate, service, servers):
    for p in (0.01, 0.5, 0.9, 0.99, 0.9999):
        t = mmc_sojourn_quantile_s(rate, service, servers, p)
        assert mmc_sojourn_tail(rate, service, servers, t) == pytest.approx(1 - p, rel=1e-9)
        w = mmc_wait_quantile_s(rate, service, servers, p)
        if w > 0:
            assert mmc_wait_tail(rate, service, servers, w) == pytest.approx(1 - p, rel=1e-9)
        else:
            assert mmc_wait_tail(rate, service, servers, 0.0) <= 1 - p


def test_the_sojourn_tail_is_smooth_where_its_two_rates_coincide():
    # c mu - lambda = mu at lambda = c - 1: the textbook formula divides 0 by 0 there.
    at = mmc_sojourn_tail(3.0, 1.0, 4, 2.5)
    assert mmc_sojourn_tail(3.0 + 1e-9, 1.0, 4, 2.5) == pytest.approx(at, rel=1e-8)
    waits = erlang_c(3.0, 4)
    assert at == pytest.approx(math.exp(-2.5) * (1 + 2.5 * waits), rel=1e-13)


def test_mm1_is_the_special_case_of_mmc():
    assert mmc(0.8, 1.0).sojourn_mean_s == pytest.approx(5.0)
    for p in (0.1, 0.5, 0.99):
        exact = -math.log1p(-p) / (1 - 0.8)  # exponential with rate mu - lambda
        assert mmc_sojourn_quantile_s(0.8, 1.0, 1, p) == pytest.approx(exact, rel=1e-12)


def test_the_yardstick_of_eight_servers_comes_out():
    # M/M/8 at 0.9: mean 1.8769, median 1.489, p99 7.087 service times, known to many simulators.
    assert mmc(7.2, 1.0, 8).sojourn_mean_s == pytest.approx(1.8769, abs=5e-5)
    assert mmc_sojourn_quantile_s(7.2, 1.0, 8, 0.99) == pytest.approx(7.0873, abs=5e-5)


@pytest.mark.parametrize(("rate", "servers", "places"), [(0.5, 1, 1), (2.0, 1, 5), (3.0, 4, 9), (50.0, 3, 20)])
def test_mmck_agrees_with_the_general_solver(rate, servers, places):
    chain = steady(lambda n: [(rate if n < places else 0.0, n + 1), (min(n, servers) / 0.8, n - 1 if n else 0)], 0)
    q = mmck(rate, 0.8, servers, places)
    assert q.blocking == pytest.approx(chain.probability(lambda n: n == places), rel=1e-12)
    assert q.population_mean == pytest.approx(chain.mean(lambda n: n), rel=1e-12)
    assert q.throughput_per_s == pytest.approx(chain.mean(lambda n: min(n, servers)) / 0.8, rel=1e-12)
    assert q.utilisation == pytest.approx(chain.mean(lambda n: min(n, servers)) / servers, rel=1e-12)
    assert q.sojourn_mean_s == pytest.approx(q.population_mean / q.throughput_per_s, rel=1e-12)
    assert q.queue_mean == pytest.approx(q.throughput_per_s * q.wait_mean_s, rel=1e-12)


def test_mmck_grows_into_mmc_and_shrinks_to_erlang_b():
    assert mmck(3.0, 1.0, 4, 400).sojourn_mean_s == pytest.approx(mmc(3.0, 1.0, 4).sojourn_mean_s, rel=1e-10)
    assert mmck(3.0, 1.0, 4, 4).blocking == pytest.approx(erlang_b(3.0, 4), rel=1e-13)


def test_loss_does_not_depend_on_the_law_of_service():
    """M/E2/3/3: the state counts the servers in the first and in the second stage."""

    def moves(state):
        first, second = state
        arrive = (2.5, (first + 1, second)) if first + second < 3 else (0.0, state)
        return [arrive, (2 * first, (first - 1, second + 1)), (2 * second, (first, second - 1))]

    chain = steady(lambda s: [m for m in moves(s) if m[0]], (0, 0))
    q = mgcc(2.5, 1.0, 3)
    assert q.blocking == pytest.approx(chain.probability(lambda s: sum(s) == 3), rel=1e-12)
    assert q.population_mean == pytest.approx(chain.mean(lambda s: sum(s)), rel=1e-12)
    assert q.utilisation == pytest.approx(q.population_mean / 3)
    assert q.wait_mean_s == q.queue_mean == 0


@pytest.mark.parametrize(
    ("rate", "servers", "patience"), [(0.9, 1, 2.0), (12.0, 10, 0.5), (5.0, 8, 30.0), (100.0, 80, 1.0)]
)
def test_erlang_a_agrees_with_the_formula_in_incomplete_gamma_functions(rate, servers, patience):
    """P(wait) = A B / (1 + (A - 1) B) and P(abandon | wait) = 1 / (rho A) + 1 - 1 / rho.

    B is Erlang's loss formula, A = x e^y y^-x gamma(x, y) with x = c mu / theta, y = lambda / theta.
    Source: Mandelbaum & Zeltyn, Service engineering in action: the Palm/Erlang-A queue (2007), after Palm (1957).
    """
    theta = 1 / patience
    x, y = servers / theta, rate / theta
    a = math.exp(y - x * math.log(y) + math.lgamma(x + 1)) * gammainc(x, y)
    b = erlang_b(rate, servers)
    waits = a * b / (1 + (a - 1) * b)
    rho = rate / servers
    abandon_given_wait = 1 / (rho * a) + 1 - 1 / rho
    q = erlang_a(rate, 1.0, servers, patience)
    assert q.wait_probability == pytest.approx(waits, rel=1e-9)
    assert q.abandon_probability == pytest.approx(waits * abandon_given_wait, rel=1e-8)
    assert q.wait_mean_s == pytest.approx(q.abandon_probability * patience, rel=1e-12)
    assert q.throughput_per_s == pytest.approx(rate * (1 - q.abandon_probability), rel=1e-12)
    assert q.utilisation == pytest.approx(q.throughput_per_s / servers, rel=1e-12)


def test_waits_of_the_served_agree_with_following_one_customer():
    """A tagged customer with j ahead: they leave at c mu + j theta, it gives up at theta, served at the front."""
    rate, servers, patience = 6.0, 5, 2.0
    theta, size = 1 / patience, 200
    met = birth_death([rate] * size, [min(n, servers) + max(n - servers, 0) * theta for n in range(1, size + 1)])
    wait_and_served, wait, served = 0.0, 0.0, 0.0
    time_if_served = chance = 0.0
    for j in range(size - servers):  # one more ahead than the state before: first step, then that state
        out = servers + (j + 1) * theta
        step = servers if j == 0 else servers + j * theta  # whoever but the tagged one leaves first
        chance, time_if_served = (
            (step / out * (chance if j else 1.0)),
            # E[W; served] = P(step) (E[first step] P(served after) + E[W; served after])
            step / out * ((chance if j else 1.0) / out + (time_if_served if j else 0.0)),
        )
        wait_and_served += met[servers + j] * time_if_served
        served += met[servers + j] * chance
        wait += met[servers + j] * (1 - chance) * patience  # by rate conservation: P(abandon) = theta E[W]
    served += met[:servers].sum()
    q = erlang_a(rate, 1.0, servers, patience)
    assert q.wait_served_mean_s == pytest.approx(wait_and_served / served, rel=1e-10)
    assert q.wait_mean_s == pytest.approx(wait, rel=1e-10)


def test_endless_patience_gives_mmc_and_no_patience_gives_erlang_b():
    patient = erlang_a(4.0, 1.0, 5, 1e9)
    assert patient.wait_mean_s == pytest.approx(mmc(4.0, 1.0, 5).wait_mean_s, rel=1e-6)
    assert patient.wait_served_mean_s == pytest.approx(mmc(4.0, 1.0, 5).wait_mean_s, rel=1e-6)
    hasty = erlang_a(4.0, 1.0, 5, 1e-9)
    assert hasty.abandon_probability == pytest.approx(erlang_b(4.0, 5), rel=1e-6)


@pytest.mark.parametrize(("rate", "cores"), [(0.5, 1), (0.9, 1), (3.2, 4), (14.0, 16)])
def test_sharing_keeps_the_mean_of_mmc(rate, cores):
    sojourn = mmc_ps_sojourn(rate, 1.0, cores)
    assert sojourn.mean() == pytest.approx(mmc(rate, 1.0, cores).sojourn_mean_s, rel=1e-9)
    assert mmc_ps(rate, 1.0, cores) == mmc(rate, 1.0, cores)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_sharing_of_one_core_has_the_known_variance(rate):
    sojourn = mmc_ps_sojourn(rate * 2, 0.5)
    variance = sojourn.moment(2) - sojourn.mean() ** 2
    # Coffman, Muntz & Trotter, Journal of the ACM 17 (1970).
    assert variance == pytest.approx((0.5 / (1 - rate)) ** 2 * (2 + rate) / (2 - rate), rel=1e-8)


def test_sharing_among_hardly_anybody_is_service_alone():
    sojourn = mmc_ps_sojourn(1e-9, 2.0, 3)
    assert sojourn.quantile(0.99) == pytest.approx(-2 * math.log(0.01), rel=1e-6)


def test_nonpreemptive_priorities_agree_with_a_chain_of_two_classes():
    rates, servers, top = (0.5, 0.7), 2, 60

    def moves(state):
        busy, urgent, patient = state
        for k, rate in enumerate(rates):
            if busy < servers:
                yield rate, (busy + 1, urgent, patient)
            elif (urgent, patient)[k] < top:
                yield rate, (busy, urgent + (k == 0), patient + (k == 1))
        if busy:
            if urgent:
                yield busy, (busy, urgent - 1, patient)
            elif patient:
                yield busy, (busy, urgent, patient - 1)
            else:
                yield busy, (busy - 1, 0, 0)

    chain = steady(moves, (0, 0, 0))
    first, second = mmc_priority(rates, 1.0, servers)
    assert first.queue_mean == pytest.approx(chain.mean(lambda s: s[1]), rel=1e-8)
    assert second.queue_mean == pytest.approx(chain.mean(lambda s: s[2]), rel=1e-8)
    assert first.wait_probability == pytest.approx(chain.probability(lambda s: s[0] == servers), rel=1e-8)


def test_preemptive_priorities_agree_with_a_chain_of_two_classes():
    rates, servers, top = (0.6, 0.7), 2, 70

    def moves(state):
        urgent, patient = state
        if urgent < top:
            yield rates[0], (urgent + 1, patient)
        if patient < top:
            yield rates[1], (urgent, patient + 1)
        first = min(urgent, servers)
        second = min(patient, servers - first)
        if first:
            yield first, (urgent - 1, patient)
        if second:
            yield second, (urgent, patient - 1)

    chain = steady(moves, (0, 0))
    first, second = mmc_preemptive_priority(rates, 1.0, servers)
    assert first.population_mean == pytest.approx(chain.mean(lambda s: s[0]), rel=1e-8)
    assert second.population_mean == pytest.approx(chain.mean(lambda s: s[1]), rel=1e-8)


def test_priorities_conserve_the_mean_wait_over_all():
    rates = (1.0, 2.0, 0.8)
    whole = mmc(sum(rates), 0.9, 4)
    for queues in (mmc_priority(rates, 0.9, 4), mmc_preemptive_priority(rates, 0.9, 4)):
        assert math.fsum(q.queue_mean for q in queues) == pytest.approx(whole.queue_mean, rel=1e-12)
        assert math.fsum(q.utilisation for q in queues) == pytest.approx(whole.utilisation, rel=1e-12)


def test_a_load_that_cannot_be_served_is_unstable():
    for ask in (
        lambda: mmc(1.0, 1.0, 1),
        lambda: mmc(8.0, 1.0, 8),
        lambda: erlang_c(3.0, 2),
        lambda: mmc_sojourn_quantile_s(9.0, 1.0, 8, 0.5),
        lambda: mmc_ps_sojourn(2.0, 1.0, 2),
        lambda: mmc_priority((0.5, 0.5), 1.0, 1),
        lambda: mmc_preemptive_priority((0.5, 0.5), 1.0, 1),
    ):
        with pytest.raises(Unstable):
            ask()


def test_nonsense_arguments_fail_an_assertion():
    for ask in (
        lambda: mmc(-1.0, 1.0, 1),
        lambda: mmc(1.0, math.nan, 1),
        lambda: mmc(1.0, 0.0, 1),
        lambda: mmc_wait_quantile_s(0.5, 1.0, 1, 1.0),
        lambda: mmck(1.0, 1.0, 5, 4),
        lambda: erlang_a(1.0, 1.0, 1, 0.0),
    ):
        with pytest.raises(AssertionError):
            ask()
