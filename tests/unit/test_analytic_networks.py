"""Networks against chains of their joint states, and the closed forms against each other."""

from __future__ import annotations

import math

import pytest
from scipy.integrate import quad

from calibration.closed_forms.networks import (
    closed_network,
    fork_join_2_s,
    jackson,
    machine_repair,
    mva,
    tandem_sojourn,
)
from sim.analytic.stations import harmonic
from sim.errors import Unstable
from tests.closed_forms.chains import steady

ROUTING = [[0.0, 0.6, 0.1], [0.3, 0.2, 0.5], [0.0, 0.0, 0.0]]


def test_an_open_network_agrees_with_the_chain_of_its_joint_states():
    arrivals, means, servers, top = (0.3, 0.1), (0.6, 0.7), (1, 2), 60
    routing = [[0.0, 0.6], [0.3, 0.2]]

    def moves(state):
        for i in (0, 1):
            up = tuple(n + (k == i) for k, n in enumerate(state))
            if up[i] <= top:
                yield arrivals[i], up
            rate = min(state[i], servers[i]) / means[i]
            if not rate:
                continue
            gone = tuple(n - (k == i) for k, n in enumerate(state))
            yield rate * (1 - sum(routing[i])), gone
            for j in (0, 1):
                moved = tuple(n + (k == j) for k, n in enumerate(gone))
                yield rate * routing[i][j], moved if moved[j] <= top else gone

    chain = steady(moves, (0, 0))
    net = jackson(arrivals, routing, means, servers)
    for i in (0, 1):
        assert net.stations[i].population_mean == pytest.approx(chain.mean(lambda s, i=i: s[i]), rel=1e-8)
        busy = chain.mean(lambda s, i=i: min(s[i], servers[i])) / servers[i]
        assert net.stations[i].utilisation == pytest.approx(busy, rel=1e-8)
    assert net.sojourn_mean_s == pytest.approx(chain.mean(sum) / 0.4, rel=1e-8)


def test_visits_balance_the_traffic_and_delays_add_their_time():
    net = jackson([2.0, 0.5, 0.0], ROUTING, [0.1, 0.2, 3.0], [2, 2, None])
    for j, arrival in enumerate((2.0, 0.5, 0.0)):
        inflow = arrival + math.fsum(net.throughputs_per_s[i] * ROUTING[i][j] for i in range(3))
        assert net.throughputs_per_s[j] == pytest.approx(inflow, rel=1e-12)
        assert net.visits[j] == pytest.approx(net.throughputs_per_s[j] / 2.5)
    assert net.stations[2].sojourn_mean_s == 3.0
    by_visits = math.fsum(v * q.sojourn_mean_s for v, q in zip(net.visits, net.stations, strict=True))
    assert net.sojourn_mean_s == pytest.approx(by_visits, rel=1e-12)


def test_the_overloaded_station_of_a_network_is_named():
    with pytest.raises(Unstable, match="station 1"):
        jackson([1.0, 0.0], [[0.0, 1.0], [0.0, 0.0]], [0.5, 1.0], [1, 1])
    with pytest.raises(AssertionError, match="never left"):
        jackson([1.0], [[1.0]], [0.1], [1])


def test_the_sojourn_through_two_stations_is_a_convolution():
    """(b exp(-at) - a exp(-bt)) / (b - a) for rates a = 1.2 - 0.5 and b = 2 - 0.5; and Erlang for equal ones."""
    a, b = 0.7, 1.5
    law = tandem_sojourn(0.5, [1 / 1.2, 1 / 2])
    for t in (0.0, 0.4, 3.0, 11.0):
        expected = (b * math.exp(-a * t) - a * math.exp(-b * t)) / (b - a)
        assert law.tail(t) == pytest.approx(expected, abs=1e-12)
    same = tandem_sojourn(0.5, [0.5, 0.5, 0.5])
    for t in (0.3, 2.0, 8.0):
        expected = math.exp(-1.5 * t) * (1 + 1.5 * t + (1.5 * t) ** 2 / 2)
        assert same.tail(t) == pytest.approx(expected, abs=1e-12)
    assert same.quantile(0.99) == pytest.approx(5.60396, abs=1e-4)  # chi-squared 6 df, 16.8119 / 2 / 1.5
    net = jackson([0.5, 0, 0], [[0, 1, 0], [0, 0, 1], [0, 0, 0]], [0.5] * 3, [1] * 3)
    assert same.mean() == pytest.approx(net.sojourn_mean_s)


@pytest.mark.parametrize("clients", [1, 2, 7, 60])
def test_mean_value_analysis_agrees_with_convolution(clients):
    demands = [0.4, 0.1, 0.3]
    for think in (0.0, 5.0):
        a, b = mva(clients, think, demands), closed_network(clients, think, demands, [1, 1, 1])
        assert a.throughput_per_s == pytest.approx(b.throughput_per_s, rel=1e-10)
        assert a.response_s == pytest.approx(b.response_s, rel=1e-9)
        assert a.populations == pytest.approx(b.populations, rel=1e-9)
        assert a.residences_s == pytest.approx(b.residences_s, rel=1e-9)
        assert a.utilisations == pytest.approx(b.utilisations, rel=1e-10)


def test_a_closed_network_with_many_servers_agrees_with_the_chain_of_its_joint_states():
    """Think -> CPU (3 servers) -> disk (1) -> network delay -> think; 6 clients."""
    clients, think, means, servers = 6, 2.0, (0.9, 0.35, 0.5), (3, 1, None)

    def moves(state):
        thinking = clients - sum(state)
        if thinking:
            yield thinking / think, (state[0] + 1, state[1], state[2])
        for i in range(3):
            busy = state[i] if servers[i] is None else min(state[i], servers[i])
            if busy:
                after = list(state)
                after[i] -= 1
                if i < 2:
                    after[i + 1] += 1
                yield busy / means[i], tuple(after)

    chain = steady(moves, (0, 0, 0))
    net = closed_network(clients, think, means, servers)
    for i in range(3):
        assert net.populations[i] == pytest.approx(chain.mean(lambda s, i=i: s[i]), rel=1e-10)
    assert net.throughput_per_s == pytest.approx(chain.mean(lambda s: min(s[1], 1)) / 0.35, rel=1e-10)
    assert net.utilisations[0] == pytest.approx(chain.mean(lambda s: min(s[0], 3)) / 3, rel=1e-10)
    # Little over the whole cycle
    assert net.throughput_per_s * (think + net.response_s) == pytest.approx(clients, rel=1e-10)


def test_a_crowded_closed_network_runs_at_its_bottleneck():
    net = closed_network(2000, 10.0, [0.2, 0.04], [4, 1])
    assert net.throughput_per_s == pytest.approx(20.0, rel=1e-6)
    assert math.fsum(net.populations) + net.throughput_per_s * 10 == pytest.approx(2000, rel=1e-9)


@pytest.mark.parametrize(("machines", "crews"), [(1, 1), (5, 2), (40, 3), (4, 4)])
def test_machine_repair_is_a_closed_network(machines, crews):
    net = closed_network(machines, 30.0, [4.0], [crews])
    shop = machine_repair(machines, 30.0, 4.0, crews)
    assert shop.failures_per_s == pytest.approx(net.throughput_per_s, rel=1e-11)
    assert shop.down_mean_s == pytest.approx(net.response_s, rel=1e-9)
    assert shop.crew_utilisation == pytest.approx(net.utilisations[0], rel=1e-11)
    assert shop.up_mean + net.populations[0] == pytest.approx(machines, rel=1e-11)
    assert math.fsum(shop.down_shares) == pytest.approx(1.0)


def test_machines_with_a_crew_each_are_independent():
    shop = machine_repair(4, 30.0, 4.0, 4)
    assert shop.availability == pytest.approx(30 / 34)
    assert shop.wait_mean_s == 0
    assert shop.down_shares[4] == pytest.approx((4 / 34) ** 4)


@pytest.mark.parametrize("load", [0.2, 0.5, 0.8])
def test_fork_join_of_two_agrees_with_the_chain_of_both_queues(load):
    """A job is unfinished while either queue holds one of its tasks: E[max(n1, n2)] = lambda E[T]."""
    top = 130

    def moves(state):
        a, b = state
        if max(state) < top:
            yield load, (a + 1, b + 1)
        if a:
            yield 1.0, (a - 1, b)
        if b:
            yield 1.0, (a, b - 1)

    chain = steady(moves, (0, 0))
    assert fork_join_2_s(load, 1.0) == pytest.approx(chain.mean(max) / load, rel=1e-8)


def test_the_longest_of_independent_sojourns_has_a_harmonic_mean():
    mean = quad(lambda t: 1 - (1 - math.exp(-t / 2)) ** 5, 0, 200, limit=200)[0]
    assert 2 * harmonic(5) == pytest.approx(mean)
