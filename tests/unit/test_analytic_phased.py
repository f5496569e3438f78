"""Servers with states, against formulas for one server, known decompositions and chains cut far out."""

from __future__ import annotations

import pytest

from calibration.closed_forms.mg1 import mg1_breakdowns
from calibration.closed_forms.moments import Exponential
from calibration.closed_forms.networks import closed_network
from calibration.closed_forms.phased import mmc_breakdowns, mmc_setup, nested_resources
from calibration.closed_forms.stations import mmc
from sim.errors import Unstable
from tests.closed_forms.chains import steady
from tests.closed_forms.queues import mg1_setup, mg1_setup_share


@pytest.mark.parametrize("load", [0.1, 0.8, 0.99])
def test_one_server_with_set_up_agrees_with_welch(load):
    q = mmc_setup(load, 1.0, 1, 3.0)
    exact = mg1_setup(load, Exponential(1.0), Exponential(3.0))
    assert q.sojourn_mean_s == pytest.approx(exact.sojourn_mean_s, rel=1e-9)
    assert q.starting_mean == pytest.approx(mg1_setup_share(load, 1.0, 3.0), rel=1e-9)
    assert q.busy_mean == pytest.approx(load)


@pytest.mark.parametrize(("rate", "servers", "setup"), [(1.2, 2, 0.5), (3.0, 5, 4.0), (14.0, 15, 20.0)])
def test_staggered_set_ups_add_one_mean_set_up_to_mmc(rate, servers, setup):
    """Gandhi, Harchol-Balter & Adan (2010): with one set-up at a time the extra delay is the set-up, exactly."""
    q = mmc_setup(rate, 1.0, servers, setup, setups_at_once=1)
    assert q.sojourn_mean_s == pytest.approx(mmc(rate, 1.0, servers).sojourn_mean_s + setup, rel=1e-9)
    assert q.wait_mean_s == pytest.approx(q.sojourn_mean_s - 1.0, rel=1e-12)
    together = mmc_setup(rate, 1.0, servers, setup)
    assert mmc(rate, 1.0, servers).sojourn_mean_s < together.sojourn_mean_s < q.sojourn_mean_s


def test_set_ups_of_three_servers_agree_with_a_chain_cut_far_out():
    rate, setup, top = 2.0, 1.5, 160

    def moves(state):
        n, on = state
        if n < top:
            yield rate, (n + 1, on)
        if on < 3 and n > on:
            yield min(3 - on, n - on) / setup, (n, on + 1)
        if on:
            yield float(on), (n - 1, on if n > on else on - 1)

    chain = steady(moves, (0, 0))
    q = mmc_setup(rate, 1.0, 3, setup)
    assert q.population_mean == pytest.approx(chain.mean(lambda s: s[0]), rel=1e-9)
    assert q.busy_mean == pytest.approx(chain.mean(lambda s: s[1]), rel=1e-9)
    assert q.starting_mean == pytest.approx(chain.mean(lambda s: min(3 - s[1], s[0] - s[1])), rel=1e-9)


@pytest.mark.parametrize(("rate", "mttf", "mttr"), [(0.5, 10.0, 1.0), (0.7, 100.0, 30.0), (0.1, 1.0, 4.0)])
def test_one_server_with_breakdowns_agrees_with_avi_itzhak_and_naor(rate, mttf, mttr):
    exact = mg1_breakdowns(rate, Exponential(1.0), mttf, Exponential(mttr))
    q = mmc_breakdowns(rate, 1.0, 1, mttf, mttr)
    assert q.sojourn_mean_s == pytest.approx(exact.sojourn_mean_s, rel=1e-9)
    assert q.wait_mean_s == pytest.approx(exact.wait_mean_s, rel=1e-9)
    assert q.utilisation == pytest.approx(exact.utilisation, rel=1e-9)
    assert q.wait_probability == pytest.approx(exact.wait_probability, rel=1e-9)


def test_breakdowns_of_three_servers_agree_with_a_chain_cut_far_out():
    rate, mttf, mttr, top = 1.6, 9.0, 2.0, 250

    def moves(state):
        n, up = state
        if n < top:
            yield rate, (n + 1, up)
        if n:
            yield float(min(n, up)), (n - 1, up)
        yield up / mttf, (n, up - 1)
        yield float(up < 3) / mttr, (n, up + 1)  # one crew

    chain = steady(moves, (0, 3))
    q = mmc_breakdowns(rate, 1.0, 3, mttf, mttr, crews=1)
    assert q.population_mean == pytest.approx(chain.mean(lambda s: s[0]), rel=1e-9)
    assert q.utilisation == pytest.approx(chain.mean(lambda s: min(s)) / chain.mean(lambda s: s[1]), rel=1e-9)
    assert q.wait_probability == pytest.approx(chain.probability(lambda s: s[0] >= s[1]), rel=1e-9)


def test_servers_that_hardly_ever_fail_are_mmc():
    q, exact = mmc_breakdowns(7.2, 1.0, 8, 1e9, 1e-3), mmc(7.2, 1.0, 8)
    assert q.sojourn_mean_s == pytest.approx(exact.sojourn_mean_s, rel=1e-6)
    assert q.wait_probability == pytest.approx(exact.wait_probability, rel=1e-6)


def test_breakdowns_are_unstable_where_the_servers_that_are_up_do_not_suffice():
    # Two servers up 2/3 of the time: 4/3 erlangs in the mean.
    assert mmc_breakdowns(1.32, 1.0, 2, 2.0, 1.0).population_mean > 10
    with pytest.raises(Unstable):
        mmc_breakdowns(1.334, 1.0, 2, 2.0, 1.0)


def test_one_outer_unit_makes_one_server_of_service_and_think_time():
    """M/G/1 whose service is the sum of two exponentials."""
    rate, service, think = 0.6, 0.5, 0.8
    # E[X^2] of a sum of exponentials a, b: 2 (a^2 + ab + b^2).
    second = 2 * (service**2 + service * think + think**2)
    wait = rate * second / (2 * (1 - rate * (service + think)))
    q = nested_resources(rate, 1, 3, service, think)
    assert q.wait_outer_mean_s == pytest.approx(wait, rel=1e-9)
    assert q.wait_inner_mean_s == 0
    assert q.sojourn_mean_s == pytest.approx(wait + service + think, rel=1e-9)


def test_outer_units_without_end_leave_an_mmc_and_a_delay():
    q = nested_resources(1.0, 60, 2, 1.0, 2.0)
    inner = mmc(1.0, 1.0, 2)
    assert q.wait_outer_mean_s == pytest.approx(0, abs=1e-9)
    assert q.wait_inner_mean_s == pytest.approx(inner.wait_mean_s, rel=1e-6)
    assert q.sojourn_mean_s == pytest.approx(inner.sojourn_mean_s + 2.0, rel=1e-6)


def test_nested_resources_agree_with_a_chain_cut_far_out():
    """Written the other way round: (waiting outside, at the inner resource, thinking)."""
    rate, outer, inner, service, think, top = 1.1, 4, 2, 1.0, 1.4, 150

    def moves(state):
        outside, at_inner, thinking = state
        held = at_inner + thinking
        if held < outer:
            yield rate, (outside, at_inner + 1, thinking)
        elif outside < top:
            yield rate, (outside + 1, at_inner, thinking)
        if at_inner:
            yield min(at_inner, inner) / service, (outside, at_inner - 1, thinking + 1)
        if thinking:
            freed = (outside - 1, at_inner + 1, thinking - 1) if outside else (0, at_inner, thinking - 1)
            yield thinking / think, freed

    chain = steady(moves, (0, 0, 0))
    q = nested_resources(rate, outer, inner, service, think)
    assert q.population_mean == pytest.approx(chain.mean(sum), rel=1e-9)
    assert q.sojourn_mean_s == pytest.approx(chain.mean(sum) / rate, rel=1e-9)
    assert q.wait_outer_mean_s == pytest.approx(chain.mean(lambda s: s[0]) / rate, rel=1e-9)
    assert q.wait_inner_mean_s == pytest.approx(chain.mean(lambda s: max(s[1] - inner, 0)) / rate, rel=1e-9)
    assert q.utilisation_outer == pytest.approx(chain.mean(lambda s: s[1] + s[2]) / outer, rel=1e-9)
    assert q.utilisation_inner == pytest.approx(chain.mean(lambda s: min(s[1], inner)) / inner, rel=1e-9)
    parts = q.wait_outer_mean_s + q.wait_inner_mean_s + service + think
    assert q.sojourn_mean_s == pytest.approx(parts, rel=1e-9)


@pytest.mark.parametrize(("outer", "inner"), [(1, 1), (5, 2), (20, 4)])
def test_nested_resources_saturate_at_the_throughput_of_the_closed_loop(outer, inner):
    limit = closed_network(outer, 0.07, [0.01], [inner]).throughput_per_s
    busy = nested_resources(limit * 0.999, outer, inner, 0.01, 0.07)
    assert busy.utilisation_outer > 0.99
    with pytest.raises(Unstable):
        nested_resources(limit * 1.0001, outer, inner, 0.01, 0.07)


def test_a_large_nested_system_is_solved_as_well():
    q = nested_resources(900.0, 100, 12, 0.01, 0.09)
    assert q.sojourn_mean_s > 0.1
    parts = q.wait_outer_mean_s + q.wait_inner_mean_s + 0.1
    assert q.sojourn_mean_s == pytest.approx(parts, rel=1e-9)
