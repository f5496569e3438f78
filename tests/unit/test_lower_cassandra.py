"""Cassandra on the bridge: rounds among replicas, by hand and by order statistics; switches; nodes that are lost.

Goal: an operation waits for the k-th answer of n replicas that are queues, as often as its kind has rounds. Method:
the small deployment with Cassandra in place of PostgreSQL: a way of 1 ms to the coordinator, of 2 ms to another rack,
and 0.1 ms of CPU for each read and write of a replica, which has cores enough.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import fmean

import pytest
from lower_fixture import SMALL, counts, latencies_ms, run

from sim.engine.fast import run as run_fast
from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import Loaded, load
from sim.lower.steps import call
from sim.network import Network
from sim.network.sources import Arrivals, BurstArrivals, PoissonArrivals, Source
from sim.results.audit import audit
from sim.results.columns import Replication
from sim.units.tables import SECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
TEXT = SMALL.replace(
    "postgres: {nodes: 1, cpu: 4, synchronous_standbys: 0, flush: 1 ms, rtt: 0 ms}",
    "cassandra: {nodes: 3, cpu: 8, rtt: 1 ms, replica_rtt: 2 ms}",
).replace(
    "  postgres: {cpu_per_message: 0 ms, connect: 0 ms, connect_cpu: 0 ms}",
    "  cassandra: {cpu_per_write: 0.1 ms, cpu_per_read: 0.1 ms}",
)


def deployment(*sets: str) -> Loaded:
    return load(TEXT, [QUICK, *sets])


def only(loaded: Loaded, operation: str, arrivals: Arrivals) -> Network:
    """The network in which nothing happens but this operation."""
    network = loaded.lowered.network
    routines = {**network.routines, "one": (call(operation),)}
    sources = {"one": Source(routine="one", arrivals=arrivals)}
    return network.model_copy(update={"routines": routines, "sources": sources})


def alone(operation: str, *sets: str) -> float:
    """Latency in ms of one operation with nothing else at work."""
    network = only(deployment(*sets), operation, BurstArrivals(burst=1))
    rows = Engine(network, Plan(seed=1, horizon_ns=SECOND)).run().executions
    return float(rows.end_ns[0] - rows.start_ns[0]) / 1e6


def written(loaded: Loaded, rate_per_s: float, horizon_s: float) -> Replication:
    """The store alone under so many plain writes a second, which are followed to their ends."""
    network = only(loaded, "cassandra-write", PoissonArrivals(poisson_per_s=rate_per_s))
    plan = Plan(seed=1, horizon_ns=round(horizon_s * SECOND), follow_ns=0, drain_ns=1000 * SECOND)
    return run_fast(network, plan)


def finished_per_s(loaded: Loaded, rate_per_s: float, horizon_s: float = 0.3) -> float:
    """Plain writes finished a second while many more arrive."""
    ends = written(loaded, rate_per_s, horizon_s).executions.end_ns
    return float(((ends >= 0) & (ends < horizon_s * SECOND)).sum()) / horizon_s


# -- by hand --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "sets", "expected_ms"),
    [
        # The way to the coordinator, the way to another rack, the work there.
        ("cassandra-write", [], 1 + 2 + 0.1),
        ("cassandra-read", [], 1 + 2 + 0.1),
        # The coordinator is a replica, so one answer takes no way.
        ("cassandra-write", ["cassandra.consistency=one"], 1 + 0.1),
        ("cassandra-read", ["cassandra.consistency=one"], 1 + 0.1),
        ("cassandra-write", ["cassandra.replication_factor=1"], 1 + 0.1),
        ("cassandra-write", ["cassandra.consistency=all"], 1 + 2 + 0.1),
        # A batch of two partitions is written down first; then two writes.
        ("cassandra-batch", [], 1 + (2 + 0.1) + (2 + 0.2)),
        # Prepare (read, write), read, propose (read, write), commit (two writes): four rounds.
        ("cassandra-conditional-write", [], 1 + 4 * 2 + 0.2 + 0.1 + 0.2 + 0.2),
        # Prepare with the read, propose; nobody waits for the commit.
        ("cassandra-conditional-write", ["cassandra.paxos=v2"], 1 + 2 * 2 + 0.3 + 0.2),
        # Agreement takes a majority whatever the level; the commit alone waits for one answer.
        ("cassandra-conditional-write", ["cassandra.consistency=one"], 1 + 3 * 2 + 0.7),
    ],
)
def test_an_operation_alone_takes_its_rounds(operation: str, sets: list[str], expected_ms: float) -> None:
    assert alone(operation, *sets) == pytest.approx(expected_ms, abs=1e-6)


@pytest.mark.parametrize(
    ("level", "expected_ms"),
    # Of 6 replicas in 2 data centres 4 are a majority: at least one answer comes from afar, 10 ms away.
    [("local_quorum", 3.1), ("quorum", 13.1), ("all", 13.1), ("one", 1.1)],
)
@pytest.mark.parametrize("operation", ["cassandra-write", "cassandra-read"])
def test_only_a_level_that_counts_other_data_centres_waits_for_them(
    level: str, expected_ms: float, operation: str
) -> None:
    sets = ("cassandra.datacenters=2", "cassandra.datacenter_rtt=10 ms", f"cassandra.consistency={level}")
    assert alone(operation, *sets) == pytest.approx(expected_ms, abs=1e-6)


def test_a_workflow_alone_takes_the_sum_of_its_operations() -> None:
    replication = run(deployment())
    found = counts(replication)
    # Seven transitions; in the background one conditional deletion, three plain ones, six reads of queues.
    assert found["transition"] == 7
    assert found["conditional_write"] == 7 + 1
    assert found["plain_write"] == 6 + 3
    assert found["read"] == 3 + 6
    # One batch that creates a branch, five other appends, three reads that are waited for, and for each of the three
    # tasks a read of its transfer queue, of which the way is told.
    expected = 100 + 7 * 9.7 + 5.3 + 5 * 3.1 + 3 * 3.1 + 3 * 3
    assert latencies_ms(replication) == [pytest.approx(expected, abs=1e-6)]


# -- order statistics -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "k"), [("one", 1), ("local_quorum", 2), ("all", 3)])
def test_a_write_waits_for_the_kth_answer_of_three(level: str, k: int) -> None:
    loaded = deployment(
        f"cassandra.consistency={level}",
        "constants.cassandra.cpu_per_write={exponential: 1 ms}",
        "cassandra.cpu=1000",
        "cassandra.rtt=0 ms",
        "cassandra.replica_rtt=0 ms",
    )
    latencies = latencies_ms(written(loaded, 1000, 4))
    # Exponential answers of mean 1: the k-th of 3 has the mean of 1/3 + 1/2 + ..., and the variance of their squares.
    mean = sum(1 / (3 - i) for i in range(k))
    sd = math.sqrt(sum(1 / (3 - i) ** 2 for i in range(k)))
    assert abs(fmean(latencies) - mean) < 4 * sd / math.sqrt(len(latencies))  # wrong once in 16,000 runs


@pytest.mark.parametrize("level", ["one", "all"])
def test_every_replica_works_off_every_write_whoever_is_waited_for(level: str) -> None:
    loaded = deployment("cassandra.cpu=2", "cassandra.compaction=50 %", f"cassandra.consistency={level}")
    replication = written(loaded, 5000, 0.5)
    for rack in (1, 2, 3):
        cores = replication.places[f"cassandra-rack-{rack}-cpu"].speed_area
        assert cores is not None
        # 5000/s x 0.1 ms: half a core. 2,500 Poisson arrivals, so within 4 standard deviations of 2 % (6e-5).
        assert cores / (0.5 * SECOND) == pytest.approx(0.5, rel=0.08)


# -- switches -------------------------------------------------------------------------------------------------------


def test_more_replicas_leave_less_room_for_writes() -> None:
    # Three nodes of 1 core, of which half is at work: 15,000 rows/s of 0.1 ms, or a third of that on three replicas.
    # What is begun but not done at the end is 64 on each node at most: 2 % of what was done.
    one, three = (
        finished_per_s(deployment("cassandra.cpu=1", f"cassandra.replication_factor={factor}"), 20_000)
        for factor in (1, 3)
    )
    assert one == pytest.approx(15_000, rel=0.05)
    assert three == pytest.approx(5_000, rel=0.05)


def test_compaction_takes_from_what_writes_get() -> None:
    none, half = (
        finished_per_s(deployment("cassandra.cpu=1", f"cassandra.compaction={share} %"), 15_000) for share in (0, 50)
    )
    assert none == pytest.approx(10_000, rel=0.05)
    assert half == pytest.approx(5_000, rel=0.05)


def test_conditional_writes_cost_several_times_a_plain_one() -> None:
    with_rounds, without = (run(deployment(f"cassandra.conditional_writes={on}")) for on in ("true", "false"))
    assert latencies_ms(with_rounds)[0] - latencies_ms(without)[0] == pytest.approx(7 * (9.7 - 3.1), abs=1e-6)
    assert counts(without).get("conditional_write", 0) == 0
    assert counts(without)["storage_query"] == counts(with_rounds)["storage_query"]


def test_fewer_rounds_make_start_to_end_shorter() -> None:
    v1, v2 = (latencies_ms(run(deployment(f"cassandra.paxos={variant}")))[0] for variant in ("v1", "v2"))
    assert v1 - v2 == pytest.approx(7 * (9.7 - 5.5), abs=1e-6)


# -- nodes that are lost --------------------------------------------------------------------------------------------

LOSS = (
    "workflows.order.arrivals=20/s",
    "workers.orders.replicas=8",
    "faults.loss={target: cassandra.node, at: 1 s, repair: 4 s}",
)


@cache
def lost(*sets: str) -> tuple[Replication, Replication]:
    """The deployment under load, whole and with a node away from 1 s to 5 s."""
    network = deployment(*LOSS, *sets).lowered.network
    whole, hurt = (
        run_fast(network, Plan(seed=1, horizon_ns=6 * SECOND, follow_ns=0, drain_ns=300 * SECOND, drill=drill))
        for drill in (None, "loss")
    )
    assert audit(whole) == audit(hurt) == []
    return whole, hurt


def test_with_a_quorum_nobody_notices_a_lost_node() -> None:
    whole, hurt = lost()
    assert [episode.end_ns - episode.start_ns for episode in hurt.episodes] == [4 * SECOND]
    assert counts(hurt)["missed_write"] > 0
    # Reads that wanted the node ask all others at once. Who was being served there as it fell is not the one waited
    # for; the greatest latency stays what it was.
    assert max(latencies_ms(hurt)) < max(latencies_ms(whole)) + 20


def test_with_all_replicas_wanted_a_lost_node_stops_its_rows() -> None:
    whole, hurt = lost("cassandra.consistency=all")
    assert max(latencies_ms(whole)) < 500
    # With three nodes every row has a replica there: who starts in the first second of the outage waits for its end.
    rows = hurt.executions
    met = [row for row in rows.cohort if 1.0 < rows.start_ns[row] / 1e9 < 2.0]
    assert met
    assert all(rows.end_ns[row] > 5 * SECOND for row in met)


def test_writes_that_a_node_missed_are_delivered_once_it_is_back() -> None:
    # Looked at every half second, so all are delivered at 5.5 s, while there are still executions to follow.
    every = "constants.cassandra.hint_interval=500 ms"
    found = counts(lost(every)[1])
    assert found["hint_delivered"] == found["missed_write"] > 0
    without = counts(lost(every, "cassandra.hinted_handoff=false")[1])
    assert without["missed_write"] > 0
    assert "hint_delivered" not in without


def test_a_node_that_is_away_for_too_long_is_given_up() -> None:
    hints = ("constants.cassandra.hint_interval=500 ms", "constants.cassandra.hint_window=1 s")
    found = counts(lost("faults.loss.repair=2 h", *hints)[1])
    # Missed from 1 s on and given up a second later, until the run ends soon after 6 s.
    assert 0.7 * found["missed_write"] < found["hint_expired"] < found["missed_write"]
    assert "hint_delivered" not in found


def test_a_slow_node_is_slow_in_its_rack() -> None:
    fault = "faults.boom={target: cassandra.node, nodes: [1], effect: slow, speed: 0.1, at: 1 s, repair: 1 min}"
    [slow] = deployment(fault).lowered.network.faults.values()
    assert [(one.group, one.nodes) for one in slow.targets] == [("cassandra-rack-2", (0,))]
    assert (slow.effect, slow.speed) == ("slow", 0.1)


def test_any_node_or_all_of_them_fail_where_there_is_a_common_cause() -> None:
    fault = "faults.boom={target: cassandra.node, rate: 3/year, common: 10 %, repair: 1 min}"
    [found] = deployment(fault).lowered.network.faults.values()
    assert [one.group for one in found.targets] == ["cassandra-rack-1", "cassandra-rack-2", "cassandra-rack-3"]
    assert (found.each, found.common) == (True, 0.1)
    [alone, everywhere] = deployment(fault).lowered.classes["boom"].variants
    assert (alone.chance, everywhere.chance) == (0.9, 0.1)
    assert len(everywhere.faults["boom"].targets) == 3
