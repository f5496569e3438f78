"""Which node, which key, what is remembered: choice of node, skewed keys, least-recently-used caches."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest
from measure import full, simulate, station
from scipy.integrate import quad
from scipy.stats import binom

from calibration.closed_forms.mg1 import gim1
from calibration.closed_forms.stations import mmc
from tests.closed_forms.chains import steady
from tests.closed_forms.moments import Erlang


def nodes(count: int, rate: float, choice: str) -> str:
    """Nodes with one exponential server each, one of which is chosen on arrival."""
    server = f"{{nodes: {count}, servers: 1, wait_at: node, choice: {choice}, service: {{exponential: 1 s}}}}"
    return station(f"{rate}/s", server)


@full
def test_random_choice_makes_each_node_m_m_1(size: int) -> None:
    runs = simulate(nodes(4, 2.4, "random"), 50, 300, size)
    runs.agree({"latency.job.mean": mmc(0.6, 1.0).sojourn_mean_s}, within=0.06)


@full
def test_rotation_makes_each_node_e_k_m_1(size: int) -> None:
    runs = simulate(nodes(4, 2.4, "round_robin"), 40, 250, size)
    runs.agree({"latency.job.mean": gim1(Erlang(4 / 2.4, 4), 1.0).sojourn_mean_s})


Pair = tuple[int, int]


def shortest_of_two(rate: float, informed: float) -> float:
    """Mean latency of two M/M/1 nodes where a share `informed` of arrivals goes to the shorter line, others anywhere.

    By the chain of (shorter, longer), cut off where 60 stand in one line, which has a probability below 1e-12 here.
    """

    def moves(pair: Pair) -> Iterable[tuple[float, Pair]]:
        short, long = pair
        if long < 60:
            yield rate * (1 - informed) / 2, (short, long + 1)
            up = (short + 1, long) if short < long else (short, long + 1)
            yield rate * (1 + informed) / 2, up
        if long:
            yield 1.0, (min(short, long - 1), max(short, long - 1))
        if short:
            yield 1.0, (short - 1, long)

    return steady(moves, (0, 0)).mean(lambda pair: pair[0] + pair[1]) / rate


@full
@pytest.mark.parametrize(("choice", "informed"), [("least_loaded", 1.0), ("power_of_two", 0.5)])
def test_two_nodes_agree_with_the_chain_of_their_lines(choice: str, informed: float, size: int) -> None:
    # Two draws of two nodes are the same node half the time; else the shorter line is taken.
    runs = simulate(nodes(2, 1.4, choice), 50, 500, size)
    runs.agree({"latency.job.mean": shortest_of_two(1.4, informed)}, within=0.08)


@full
def test_two_choices_among_many_nodes_are_near_the_mean_field(size: int) -> None:
    # Infinitely many nodes: the sum over i of rho^(2^i - 2) services (Mitzenmacher, IEEE Transactions on Parallel and
    # Distributed Systems 12, 2001), 1.61 here; 100 nodes are about 1 % off, and random choice takes 3.33.
    runs = simulate(nodes(100, 70.0, "power_of_two"), 15, 5, size)
    mean_field_s = math.fsum(0.7 ** (2**i - 2) for i in range(1, 8))
    runs.agree({"latency.job.mean": mean_field_s}, within=0.05)


@full
def test_skewed_keys_load_nodes_in_proportion_to_zipf(size: int) -> None:
    server = "{nodes: 3, servers: 1, keyed: {skew: 1}, service: {exponential: 1 s}}"
    runs = simulate(station("1/s", server), 50, 450, size)
    shares = [6 / 11, 3 / 11, 2 / 11]
    latency_s = math.fsum(share * mmc(share, 1.0).sojourn_mean_s for share in shares)
    waits = math.fsum(share * share for share in shares)  # each node is busy for its share of the time
    runs.agree({"latency.job.mean": latency_s, "wait_probability.server": waits}, within=0.06)


@full
def test_a_least_recently_used_cache_hits_as_independent_references_do(size: int) -> None:
    # Ten executions come back once a second, forty every ten seconds, 15 are remembered. A look hits when less than
    # 15 others were looked at since the last one; with exponential gaps their number has a known law at each instant.
    # Source: King, Analysis of demand paging algorithms, IFIP Congress (1971); Fagin, J. Computer and System Sciences
    # 14 (1977). Counts are those of the whole run, from a cold start: 50 first looks of 11000 cannot hit, of which
    # less than 13 would have, 0.12 %.
    text = """
        nodes: {hosts: {count: 1}}
        sources:
          hot: {routine: often, arrivals: {burst: 10}}
          cold: {routine: seldom, arrivals: {burst: 40}}
        resources: {slot: {nodes: hosts, units: 100}}
        caches: {sticky: {nodes: hosts, capacity: 15}}
        routines:
          often: [{loop: {times: 1000000, steps: [{delay: {exponential: 1 s}}, {call: look}]}}]
          seldom: [{loop: {times: 1000000, steps: [{delay: {exponential: 10 s}}, {call: look}]}}]
          look: [{acquire: slot}, {cached: {cache: sticky, at: slot}}, {release: slot}]
        """
    runs = simulate(text, 0, 200, size, follow_s=0)

    def hit(rate: float, hot: int, cold: int) -> float:
        """hot, cold: how many others there are of each."""

        def density(t_s: float) -> float:
            seen_hot, seen_cold = -math.expm1(-t_s), -math.expm1(-t_s / 10)
            fits = sum(binom.pmf(k, hot, seen_hot) * binom.cdf(14 - k, cold, seen_cold) for k in range(hot + 1))
            return float(rate * math.exp(-rate * t_s) * fits)

        return float(quad(density, 0, 100)[0])

    rate = (10 * 1.0 * hit(1.0, 9, 40) + 40 * 0.1 * hit(0.1, 10, 39)) / 14
    runs.agree({"hit_rate.sticky": rate}, within=0.02)
