"""M/G/1, M/D/c, GI/M/1 and orders of service, against chains with staged services, series and a simulation."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import pdtrc

from calibration.closed_forms.chains import PhaseType
from calibration.closed_forms.disciplines import PriorityClass, mg1_preemptive_priority, mmc_priority, mmc_ps
from calibration.closed_forms.levels import solve_levels
from calibration.closed_forms.mdc import mdc, mdc_wait_quantile_s, mdc_wait_tail
from calibration.closed_forms.mg1 import gim1, mg1, mg1_breakdowns
from calibration.closed_forms.moments import Deterministic, Exponential, Lognormal
from calibration.closed_forms.stations import mmc
from sim.errors import Unstable
from tests.closed_forms.chains import level_share, steady
from tests.closed_forms.moments import Erlang, Hyperexponential, Pareto, Uniform
from tests.closed_forms.queues import (
    mg1_lifo_wait_variance_s2,
    mg1_priority,
    mg1_setup,
    mg1_setup_share,
    mg1_wait_variance_s2,
    mmc_preemptive_priority,
)


def staged_queue(rate, service_rates, branch):
    """M/Ph/1 as levels: service in phase i at service_rates[i], branch(i) the next phases, branch(None) the first."""

    def moves(n, phase):
        if n == 0:
            for p, first in branch(None):
                yield rate * p, 1, first
            return
        yield rate, n + 1, phase
        for p, after in branch(phase):
            if after is not None:
                yield p * service_rates[phase], n, after
                continue
            for q, first in branch(None):
                yield p * q * service_rates[phase], n - 1, first if n > 1 else "idle"

    return solve_levels(moves, lambda n: list(range(len(service_rates))) if n else ["idle"], 1)


def erlang_branch(stages):
    def branch(phase):
        if phase is None:
            return [(1.0, 0)]
        return [(1.0, phase + 1 if phase + 1 < stages else None)]

    return branch


@pytest.mark.parametrize("load", [0.2, 0.7, 0.95])
def test_pollaczek_khinchine_agrees_with_a_chain_of_staged_services(load):
    erlang = staged_queue(load, [3.0] * 3, erlang_branch(3))
    q = mg1(load, Erlang(1.0, 3))
    assert q.population_mean == pytest.approx(erlang.mean(lambda n, i: n), rel=1e-9)
    assert q.queue_mean == pytest.approx(erlang.mean(lambda n, i: max(n - 1, 0)), rel=1e-9)
    assert q.utilisation == pytest.approx(1 - level_share(erlang, 0), rel=1e-9)

    law = Hyperexponential.balanced(1.0, 5.0)

    def branch(phase):
        return [(p, i) for i, p in enumerate(law.probabilities)] if phase is None else [(1.0, None)]

    hyper = staged_queue(load, [1 / m for m in law.means_s], branch)
    assert mg1(load, law).population_mean == pytest.approx(hyper.mean(lambda n, i: n), rel=1e-9)


def test_exponential_and_deterministic_services_are_the_textbook_cases():
    assert mg1(0.8, Exponential(1.0)).wait_mean_s == pytest.approx(mmc(0.8, 1.0).wait_mean_s)
    assert mg1(0.8, Deterministic(1.0)).wait_mean_s == pytest.approx(mmc(0.8, 1.0).wait_mean_s / 2)
    assert mg1(0.2, Pareto.from_mean(1.0, 1.8)).wait_mean_s == math.inf


def test_the_variance_of_the_wait_agrees_with_the_number_left_behind():
    """Distributional Little for FIFO: E[N (N - 1)] = lambda² E[T²] (Haji & Newell 1971), N from the chain."""
    rate = 0.6
    chain = staged_queue(rate, [2.0] * 2, erlang_branch(2))
    # The chain's second moment by summing its levels far out.
    second = math.fsum(n * (n - 1) * level_share(chain, n) for n in range(2, 400))
    law = Erlang(1.0, 2)
    sojourn_s = mg1(rate, law).sojourn_mean_s
    # Wait and service are independent.
    assert mg1_wait_variance_s2(rate, law) + 0.5 == pytest.approx(second / rate**2 - sojourn_s**2, rel=1e-9)


def test_lognormal_services_agree_with_a_simulation():
    """Lindley recursion, 400 independent stretches of 4000 waits after 4000 dropped; error rate 1e-5 a figure."""
    rate, law, runs = 0.6, Lognormal(1.0, 1.2), 400
    rng = np.random.default_rng(20261124)
    wait, totals, squares = np.zeros(runs), np.zeros(runs), np.zeros(runs)
    for k in range(8000):
        if k >= 4000:
            totals += wait
            squares += wait**2
        service = np.exp(rng.normal(law.mu, law.sigma, runs))
        wait = np.maximum(wait + service - rng.exponential(1 / rate, runs), 0)
    expected = mg1(rate, law).wait_mean_s
    for sample, exact in ((totals, expected), (squares, mg1_wait_variance_s2(rate, law) + expected**2)):
        sample = sample / 4000
        assert abs(sample.mean() - exact) < 4.42 * sample.std(ddof=1) / math.sqrt(runs)


def busy_period(rate, stages, first):
    """Time from one job in stage `first` to the empty station, M/E_k/1 with stages of rate k; cut at 80 jobs."""
    top = 80
    size = top * stages
    generator = np.zeros((size, size))
    for n in range(top):  # n other jobs wait
        for i in range(stages):
            here = n * stages + i
            if n + 1 < top:
                generator[here, here + stages] += rate
                generator[here, here] -= rate
            generator[here, here] -= stages
            after = here + 1 if i + 1 < stages else ((n - 1) * stages if n else None)
            if after is not None:
                generator[here, after] += stages
    start = np.zeros(size)
    start[:stages] = first
    return PhaseType(start, generator)


@pytest.mark.parametrize("stages", [1, 2])
def test_last_come_first_served_is_a_matter_of_busy_periods(stages):
    rate, law = 0.6, Erlang(1.0, stages)
    # Without preemption one waits for the busy period begun by the rest of the service met: any stage alike.
    met = busy_period(rate, stages, np.full(stages, 1 / stages))
    mean_s = rate * met.moment(1)
    assert mg1(rate, law).wait_mean_s == pytest.approx(mean_s, rel=1e-7)
    assert mg1_lifo_wait_variance_s2(rate, law) == pytest.approx(rate * met.moment(2) - mean_s**2, rel=1e-6)


def test_sharing_depends_on_the_mean_service_only():
    """M/E2/1-PS as a chain of (jobs in stage 1, jobs in stage 2), each served at 1 / n."""
    rate, top = 0.6, 60

    def moves(state):
        a, b = state
        if a + b < top:
            yield rate, (a + 1, b)
        if a:
            yield 2 * a / (a + b), (a - 1, b + 1)
        if b:
            yield 2 * b / (a + b), (a, b - 1)

    chain = steady(moves, (0, 0))
    assert mmc_ps(rate, 1.0).population_mean == pytest.approx(chain.mean(sum), rel=1e-9)


def two_classes(preemptive, rates, stages, top):
    """M/E_k/1 of two classes as a finite chain: (jobs, jobs, class in service, stages done of each class)."""

    def start(a, b, done):
        return (a, b, 1 if a else 2 if b else 0, done)

    def moves(state):
        a, b, serving, done = state
        if a < top:
            new = (a + 1, b, serving, done)
            yield rates[0], start(*new[:2], done) if preemptive or not serving else new
        if b < top:
            new = (a, b + 1, serving, done)
            yield rates[1], start(*new[:2], done) if not serving else new
        if not serving:
            return
        k = serving - 1
        advanced = tuple(d + (i == k) for i, d in enumerate(done))
        if advanced[k] < stages[k]:
            yield stages[k] / MEANS[k], (a, b, serving, advanced)
        else:
            cleared = tuple(0 if i == k else d for i, d in enumerate(done))
            yield stages[k] / MEANS[k], start(a - (k == 0), b - (k == 1), cleared)

    return steady(moves, (0, 0, 0, (0, 0)))


MEANS = (0.8, 1.2)


@pytest.mark.parametrize("preemptive", [False, True])
def test_priorities_with_general_services_agree_with_a_chain(preemptive):
    rates, stages = (0.3, 0.25), (2, 3)
    classes = [PriorityClass(r, Erlang(m, k)) for r, m, k in zip(rates, MEANS, stages, strict=True)]
    chain = two_classes(preemptive, rates, stages, 40)
    queues = (mg1_preemptive_priority if preemptive else mg1_priority)(classes)
    for k in (0, 1):
        assert queues[k].population_mean == pytest.approx(chain.mean(lambda s, k=k: s[k]), rel=1e-6)
        busy = chain.probability(lambda s, k=k: s[2] == k + 1)
        assert queues[k].utilisation == pytest.approx(busy, rel=1e-6)


def test_priorities_of_one_law_agree_with_the_formulas_for_many_servers():
    classes = [PriorityClass(r, Exponential(1.0)) for r in (0.2, 0.3, 0.4)]
    for general, special in (
        (mg1_priority(classes), mmc_priority((0.2, 0.3, 0.4), 1.0, 1)),
        (mg1_preemptive_priority(classes), mmc_preemptive_priority((0.2, 0.3, 0.4), 1.0, 1)),
    ):
        for a, b in zip(general, special, strict=True):
            assert a.sojourn_mean_s == pytest.approx(b.sojourn_mean_s, rel=1e-12)
            assert a.wait_probability == pytest.approx(b.wait_probability, rel=1e-12)


def test_set_up_times_agree_with_a_chain_of_staged_set_ups():
    """Service E2 of mean 1, set-up E3 of mean 2: levels of jobs, phases 's0'..'s2' (setting up), 0, 1 (serving)."""
    rate = 0.55

    def moves(n, phase):
        if n == 0:
            yield rate, 1, "s0"
            return
        yield rate, n + 1, phase
        if isinstance(phase, str):
            yield 1.5, n, {"s0": "s1", "s1": "s2", "s2": 0}[phase]
        elif phase == 0:
            yield 2.0, n, 1
        else:
            yield 2.0, n - 1, 0 if n > 1 else "off"

    chain = solve_levels(moves, lambda n: ["s0", "s1", "s2", 0, 1] if n else ["off"], 1)
    q = mg1_setup(rate, Erlang(1.0, 2), Erlang(2.0, 3))
    assert q.population_mean == pytest.approx(chain.mean(lambda n, i: n), rel=1e-9)
    assert q.utilisation == pytest.approx(chain.mean(lambda n, i: float(i in (0, 1))), rel=1e-9)
    setting = chain.mean(lambda n, i: float(isinstance(i, str) and i != "off"))
    assert mg1_setup_share(rate, 1.0, 2.0) == pytest.approx(setting, rel=1e-9)


@pytest.mark.parametrize("only_while_serving", [False, True])
def test_breakdowns_agree_with_a_chain_of_staged_services_and_repairs(only_while_serving):
    """Service E2 of mean 1, repair E2 of mean 3, breakdowns after 10 in the mean: (service stage, repair stage)."""
    rate, fails = 0.5, 0.1

    def moves(n, phase):
        stage, repair = phase
        yield rate, n + 1, phase
        if repair:
            yield 2 / 3, n, (stage, repair - 1)
            return
        if n or not only_while_serving:
            yield fails, n, (stage, 2)
        if n and stage == 0:
            yield 2.0, n, (1, 0)
        elif n:
            yield 2.0, n - 1, (0, 0)

    def phases(n):
        repairs = (0,) if only_while_serving and n == 0 else (0, 1, 2)
        return [(stage, repair) for stage in ((0, 1) if n else (0,)) for repair in repairs]

    chain = solve_levels(moves, phases, 1)
    q = mg1_breakdowns(rate, Erlang(1.0, 2), 10.0, Erlang(3.0, 2), only_while_serving=only_while_serving)
    assert q.population_mean == pytest.approx(chain.mean(lambda n, i: n), rel=1e-9)
    up = chain.mean(lambda n, i: float(i[1] == 0))
    serving = chain.mean(lambda n, i: float(n > 0 and i[1] == 0))
    assert q.utilisation == pytest.approx(serving / up, rel=1e-9)
    at_once = chain.mean(lambda n, i: float(n == 0 and i[1] == 0))
    assert q.wait_probability == pytest.approx(1 - at_once, rel=1e-9)


def test_a_server_that_hardly_ever_fails_is_mg1():
    q = mg1_breakdowns(0.7, Uniform(0.5, 1.5), 1e15, Exponential(5.0))
    assert q.sojourn_mean_s == pytest.approx(mg1(0.7, Uniform(0.5, 1.5)).sojourn_mean_s, rel=1e-12)


def spitzer_queue(load, servers):
    """Mean number waiting in M/D/c as sum over k of E[(Poisson(ka) - kc)+] / k (Crommelin 1932, Spitzer 1956)."""
    k = np.arange(1, 60_000)
    surplus = k * load * pdtrc(k * servers - 1, k * load) - k * servers * pdtrc(k * servers, k * load)
    return float((surplus / k).sum())


@pytest.mark.parametrize(
    ("load", "servers"), [(0.3, 1), (0.95, 1), (1.0, 2), (1.9, 2), (8.0, 10), (9.5, 10), (92.0, 100), (30.0, 100)]
)
def test_mdc_agrees_with_crommelins_series(load, servers):
    q = mdc(load / 2.0, 2.0, servers)
    assert q.queue_mean == pytest.approx(spitzer_queue(load, servers), rel=1e-8, abs=1e-10)
    k = np.arange(1, 60_000)
    below_c = math.exp(-float((pdtrc(k * servers - 1, k * load) / k).sum()))  # P(N < c): no weak ladder height
    assert 1 - q.wait_probability == pytest.approx(below_c, rel=1e-8)


def test_md1_is_mdc_with_one_server():
    assert mdc(0.8, 1.0, 1).wait_mean_s == pytest.approx(mg1(0.8, Deterministic(1.0)).wait_mean_s, rel=1e-13)
    assert mdc(0.8, 1.0, 1).wait_probability == pytest.approx(0.8, rel=1e-13)


def test_waits_in_md1_agree_with_erlangs_alternating_sum():
    """P(W <= t) = (1 - rho) sum over k <= t of (rho (k - t))^k / k! exp(rho (t - k)) (Erlang 1909)."""
    load = 0.7
    for t in (0.0, 0.3, 1.0, 2.7, 5.5):
        terms = [(load * (k - t)) ** k / math.factorial(k) * math.exp(load * (t - k)) for k in range(int(t) + 1)]
        assert mdc_wait_tail(load, 1.0, 1, t) == pytest.approx(1 - (1 - load) * math.fsum(terms), abs=1e-11)


@pytest.mark.parametrize(("load", "servers"), [(0.8, 1), (1.7, 2), (4.0, 5), (45.0, 50)])
def test_the_tail_of_waits_in_mdc_integrates_to_its_mean(load, servers):
    q = mdc(load, 1.0, servers)
    assert mdc_wait_tail(load, 1.0, servers, 0.0) == pytest.approx(q.wait_probability, abs=1e-11)
    area = math.fsum(
        quad(lambda t: mdc_wait_tail(load, 1.0, servers, t), k, k + 1, epsabs=1e-12)[0]
        for k in range(40 if servers < 50 else 3)
    )
    assert area == pytest.approx(q.wait_mean_s, rel=1e-5)
    for p in (0.5, 0.95, 0.999):
        t = mdc_wait_quantile_s(load, 1.0, servers, p)
        assert (t == 0 and q.wait_probability <= 1 - p) or mdc_wait_tail(load, 1.0, servers, t) == pytest.approx(
            1 - p, rel=1e-6
        )


def test_waits_in_mdc_agree_with_a_simulation():
    """M/D/3 at 0.8: 200 stretches of 2000 waits, starting from 500 dropped; error rate 1e-5 a figure."""
    rng = np.random.default_rng(7)
    late = {0.25: [], 1.0: [], 1.6: []}
    for _ in range(200):
        free = [0.0, 0.0, 0.0]
        clock, waits = 0.0, []
        for gap in rng.exponential(1 / 2.4, 2500):
            clock += gap
            begin = max(clock, heapq.heappop(free))
            heapq.heappush(free, begin + 1.0)
            waits.append(begin - clock)
        for t, shares in late.items():
            shares.append(np.mean(np.array(waits[500:]) > t))
    for t, shares in late.items():
        error = np.std(shares, ddof=1) / math.sqrt(len(shares))
        assert abs(np.mean(shares) - mdc_wait_tail(2.4, 1.0, 3, t)) < 4.42 * error


@pytest.mark.parametrize("load", [0.3, 0.9])
def test_gim1_agrees_with_a_chain_of_staged_arrivals(load):
    stages, pace = 3, 3 * load

    def moves(n, stage):
        yield pace, n + (stage == stages - 1), (stage + 1) % stages
        if n:
            yield 1.0, n - 1, stage

    chain = solve_levels(moves, lambda n: range(stages), 1)
    q = gim1(Erlang(1 / load, stages), 1.0)
    assert q.population_mean == pytest.approx(chain.mean(lambda n, i: n), rel=1e-9)
    busy_at_arrivals = chain.mean(lambda n, i: float(n > 0 and i == stages - 1)) * stages
    assert q.wait_probability == pytest.approx(busy_at_arrivals, rel=1e-9)


def test_gim1_with_poisson_arrivals_is_mm1_and_bursty_arrivals_wait_longer():
    assert gim1(Exponential(1.25), 1.0).sojourn_mean_s == pytest.approx(5.0, rel=1e-11)
    regular = gim1(Deterministic(1.25), 1.0).wait_mean_s
    assert gim1(Hyperexponential.balanced(1.25, 200.0), 1.0).wait_mean_s > 50 * regular
    # In heavy traffic half the sum of both scvs, times the wait of M/M/1 (Allen & Cunneen).
    assert gim1(Hyperexponential.balanced(1 / 0.999, 50.0), 1.0).wait_mean_s == pytest.approx(
        (50.0 + 1.0) / 2 * mmc(0.999, 1.0).wait_mean_s, rel=0.01
    )


def test_a_load_that_cannot_be_served_is_unstable():
    two = [PriorityClass(0.5, Deterministic(1.0))] * 2
    for ask in (
        lambda: mg1(1.0, Deterministic(1.0)),
        lambda: mdc(2.0, 1.0, 2),
        lambda: gim1(Deterministic(1.0), 1.0),
        lambda: mg1_priority(two),
        lambda: mg1_preemptive_priority(two),
        lambda: mg1_breakdowns(0.8, Deterministic(1.0), 10.0, Exponential(3.0)),
        lambda: mg1_setup(1.0, Deterministic(1.0), Exponential(3.0)),
    ):
        with pytest.raises(Unstable):
            ask()
