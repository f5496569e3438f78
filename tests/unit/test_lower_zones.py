"""Zones on the bridge: round trips by where things stand, worked out by hand; bytes that cross and what they cost.

Goal: each round trip takes the time of its two ends, and every byte between zones is counted. Method: constants and
one execution at a time where the ends are certain; where they are drawn, the share and its mean, with four standard
errors (a miss of a true claim once in 16,000).
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from lower_fixture import counts, latencies_ms, run, small

from sim.lower.constants import Constants
from sim.lower.load import load
from sim.lower.placement.zones import AWAY, Zoning, binomial
from sim.lower.sums import kth_fastest, mean_ns
from sim.network.distributions import Constant, Exponential, Mixture
from sim.studies.billing import bill_of

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
ONE_POD = ("temporal.history={replicas: 1, cpu: 1}", "temporal.matching={replicas: 1, cpu: 1}")
ROUND_TRIPS = 12 + 19 + 11 + 9 + 11 + 10 + 11
"""Of a workflow of one activity, as in `test_lower_timelines`; each of its three reads of a queue takes one more."""


def zones(names: str = "[a, b]", rtt: str = "2 ms", primary: str = "a", spread: str = "even") -> str:
    return f"zones={{names: {names}, rtt: {rtt}, primary: {primary}, spread: {spread}}}"


def test_a_pod_in_the_primarys_zone_is_as_near_as_without_zones() -> None:
    assert latencies_ms(run(small(QUICK, *ONE_POD, zones()))) == latencies_ms(run(small(QUICK, *ONE_POD)))


def test_from_another_zone_every_round_trip_to_the_store_takes_the_zones_time() -> None:
    # The only pod of history stands in zone a, the first; the primary in b.
    near = latencies_ms(run(small(QUICK, *ONE_POD)))[0]
    far = latencies_ms(run(small(QUICK, *ONE_POD, zones(primary="b"))))[0]
    assert far - near == pytest.approx((ROUND_TRIPS + 3) * 2)


def test_all_that_stands_in_the_primarys_zone_is_near_wherever_that_is() -> None:
    pods = ("temporal.history={replicas: 4, cpu: 1}", "temporal.matching={replicas: 3, cpu: 1}")
    near = latencies_ms(run(small(QUICK, *pods)))
    assert latencies_ms(run(small(QUICK, *pods, zones(primary="b", spread="primary")))) == near


def test_executions_are_near_in_the_share_of_the_pods_that_are() -> None:
    # Three pods of history, two zones: pods 0 and 2 stand in a, pod 1 in b.
    pods = ("temporal.history={replicas: 3, cpu: 100}", "temporal.matching={replicas: 1, cpu: 100}")
    sets = (QUICK, *pods, "workflows.order.arrivals={burst: 300}", "temporal.history_shards=10000")
    quiet = (
        "temporal.sql={max_conns: 1000}",
        "workers.orders={replicas: 1, cpu: 1, activity_pollers: 300, workflow_task_pollers: 300}",
    )
    replication = run(small(*sets, *quiet, zones(rtt="20 ms")), horizon_s=30)
    far = sum(latency > 100 + (ROUND_TRIPS + 1) * 20 for latency in latencies_ms(replication)) / 300
    assert far == pytest.approx(1 / 3, abs=4 * math.sqrt(2 / 9 / 300))


def test_a_task_crosses_zones_on_as_many_hops_as_binomial_chance_has_it() -> None:
    loaded = small(
        "temporal.history={replicas: 3, cpu: 1}", "temporal.matching={replicas: 3, cpu: 1}", zones("[a, b, c]")
    )
    read = loaded.lowered.network.stations["transfer-queue"].read  # type: ignore[union-attr]
    assert isinstance(read, Mixture)
    # Five hops of 1 ms each way with chance 2/3, and a round trip of 2 ms to the store with chance 2/3.
    assert mean_ns(read) == pytest.approx((5 * 2 / 3 * 1 + 2 / 3 * 2) * 1e6, rel=1e-6)
    none = next(part.weight for part in read.mixture if part.of == Constant(constant_ns=0))
    assert none == pytest.approx((1 / 3) ** 6)
    assert sum(binomial(5, 2 / 3)) == pytest.approx(1)


def test_standbys_stand_in_the_zones_after_the_primarys() -> None:
    given = ("postgres.nodes=3", "postgres.synchronous_standbys=1", QUICK, *ONE_POD)
    alone = latencies_ms(run(small(QUICK, *ONE_POD)))[0]
    # Flush 1 ms more on the standby; a round trip of 2 ms to it. Thirteen flushes are waited for.
    assert latencies_ms(run(small(*given, zones("[a, b, c]"))))[0] - alone == pytest.approx(13 * (2 + 1))
    # Two zones, three standbys: in b, a, b. One confirmation comes from the same zone; two do not.
    more = ("postgres.nodes=4", "postgres.rtt=0 ms")
    one = latencies_ms(run(small(*given, *more, zones())))[0]
    two = latencies_ms(run(small(*given, *more, "postgres.synchronous_standbys=2", zones())))[0]
    assert one - alone == pytest.approx(13 * 1)
    assert two - one == pytest.approx(13 * 2)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_fastest_of_several_at_different_distances_is_that_of_their_drawn_times(k: int) -> None:
    ahead_ns = [0, 2_000_000, 5_000_000]
    found = mean_ns(kth_fastest(k, Exponential(exponential_ns=3_000_000), tuple(ahead_ns)))
    draws = np.random.default_rng(7).exponential(3e6, (200_000, 3)) + np.array(ahead_ns)
    sorted_draws = np.sort(draws, axis=1)[:, k - 1]
    # The table keeps means within a percent; the draws have a standard error of 0.3 % at most.
    assert found == pytest.approx(sorted_draws.mean(), rel=0.02)


def test_every_byte_between_zones_is_counted() -> None:
    one = (*ONE_POD, QUICK, zones(primary="b"))
    # Messages of 600 bytes: the round trips and what is done in the background; no standby, no hop crosses.
    found = counts(run(small(*one)))
    background = 3 + 1 + 1 + 15
    assert found["cross_zone_byte"] == 600 * (ROUND_TRIPS + background)
    near = counts(run(small(*ONE_POD, QUICK, zones(primary="a"))))
    assert "cross_zone_byte" not in near


def test_standbys_in_other_zones_are_sent_the_log() -> None:
    two = small(*ONE_POD, QUICK, zones(), "postgres.nodes=3", "postgres.synchronous_standbys=1")
    four = small(*ONE_POD, QUICK, zones("[a, b, c]"), "postgres.nodes=3", "postgres.synchronous_standbys=1")
    # Two zones: one of the two standbys stands beside the primary.
    assert counts(run(four))["cross_zone_byte"] == 2 * counts(run(two))["cross_zone_byte"] > 0


def test_spreading_over_zones_sends_more_across_and_costs_more_than_staying_in_one() -> None:
    sets = (
        "temporal.history={replicas: 3, cpu: 8}",
        "temporal.matching={replicas: 3, cpu: 8}",
        "machines={one: {node: n}}",
    )
    priced = ("prices={nodes: {n: 1 USD/month}}", "workflows.order.arrivals=20/s")
    bills = {}
    for spread in ("even", "primary"):
        loaded = small(*sets, *priced, zones("[a, b, c]", spread=spread), "postgres.nodes=3")
        replications = [run(loaded, horizon_s=5, seed=seed) for seed in (1, 2)]
        bill = bill_of(loaded, replications, True, None, 0.95)
        assert bill is not None
        (item,) = [item for item in bill.items if item.price.sku == "cross_zone"]
        assert item.price.unit_price == 0.02
        sent = [counts(one)["cross_zone_byte"] / 2**30 for one in replications]
        assert item.quantity.value == pytest.approx(sum(sent) / 2 * 730 * 3600 / 5)
        bills[spread] = item.cost.value
    assert bills["even"] > 1.5 * bills["primary"] > 0


def test_without_zones_nothing_is_drawn_or_counted_for_them() -> None:
    network = small().lowered.network
    assert AWAY not in network.attributes
    assert small().lowered.traffic == {}


def test_a_share_of_pods_is_what_their_number_gives() -> None:
    loaded = load(small().document.text, [zones("[a, b, c]")])
    scenario = loaded.scenario
    assert scenario.zones is not None
    assert scenario.temporal is not None
    zoning = Zoning(Constants(scenario), scenario.zones, scenario.temporal)
    assert zoning.shares(4) == [0.5, 0.25, 0.25]
    assert zoning.pods_in(0, 4) == (0, 3)
