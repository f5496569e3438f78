"""MySQL under Temporal: what a commit waits for, what its loss costs, what is refused; by timelines of hand.

Goal: each setting waits for what MySQL's documentation says it waits for, and for nothing else. Method: the small
deployment on another store; F = 1 ms for a flush of either log, R = 2 ms to a replica and back; one execution of 13
commits one after the other. Costs were never measured: what is tested is the mechanism.
"""

from __future__ import annotations

import pytest
from lower_fixture import SMALL, counts, in_drill, latencies_ms, run

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.errors import InputErrors
from sim.lower.load import Loaded, load
from sim.lower.sums import kth_fastest, mean_ns
from sim.network.distributions import Constant, Uniform
from sim.network.faults import Target
from sim.network.places import Cache, GroupCommit, Server
from sim.scenario.presets import preset
from sim.studies.envelope import calibration_of, features
from sim.studies.error_budget.levels import not_in_it
from sim.units.tables import SECOND

COMMITS = 13
FLUSH, TRAVEL, SERVICE = 1.0, 2.0, 100.0
PLAIN = "postgres: {nodes: 1, cpu: 4, synchronous_standbys: 0, flush: 1 ms, rtt: 0 ms}"
FREE = "  postgres: {cpu_per_message: 0 ms, connect: 0 ms, connect_cpu: 0 ms}"


def mysql(*sets: str, nodes: int = 3, more: str = "", rds: str = "") -> Loaded:
    told = f"nodes: {nodes}, cpu: 4, replication_rtt: 2 ms" if not rds else f"rds: {rds}"
    text = SMALL.replace(PLAIN, f"mysql: {{{told}, flush: 1 ms, rtt: 0 ms{more}}}")
    text = text.replace(FREE, FREE.replace("postgres", "mysql"))
    return load(text, ["temporal.transfer_queue.max_poll_rate=100k/s", *sets])


def problem(*sets: str, **how: str) -> str:
    with pytest.raises(InputErrors) as caught:
        mysql(*sets, **how)  # type: ignore[arg-type]
    return "; ".join(f"{one.path} {one.message} / {one.hint}" for one in caught.value.problems)


# -- commits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("redo", "binlog", "semi_sync", "waits_ms"),
    [
        (1, 1, "null", 2 * FLUSH),
        (2, 1, "null", FLUSH),
        (1, 0, "null", FLUSH),
        (0, 0, "null", 0.0),
        (1, 1, "{replicas: 1}", 2 * FLUSH + TRAVEL + FLUSH),
        (1, 1, "{replicas: 2}", 2 * FLUSH + TRAVEL + FLUSH),
        (2, 0, "{replicas: 1}", TRAVEL + FLUSH),
    ],
)
def test_a_commit_waits_for_its_logs_and_its_replicas(redo: int, binlog: int, semi_sync: str, waits_ms: float) -> None:
    loaded = mysql(
        f"mysql.flush_log_at_trx_commit={redo}", f"mysql.sync_binlog={binlog}", f"mysql.semi_sync={semi_sync}"
    )
    # Between commits nothing takes time; each of the three reads of the transfer queue may wait 10 us for its turn.
    assert latencies_ms(run(loaded)) == [pytest.approx(COMMITS * waits_ms + SERVICE, abs=0.03)]


def test_a_lone_commit_waits_for_twice_as_many_flushes_as_in_postgresql() -> None:
    own = load(SMALL, ["temporal.transfer_queue.max_poll_rate=100k/s"])
    of_postgres, of_mysql = latencies_ms(run(own))[0] - SERVICE, latencies_ms(run(mysql(nodes=1)))[0] - SERVICE
    assert of_mysql == pytest.approx(2 * of_postgres, abs=0.06)


def test_both_logs_are_flushed_in_groups() -> None:
    stations = mysql().lowered.network.stations
    on_source = [
        name for name, one in stations.items() if isinstance(one, GroupCommit) and one.nodes == "mysql-primary"
    ]
    assert on_source == ["mysql-redo", "mysql-binlog"]
    assert mysql().lowered.flushes == ("mysql-redo", "mysql-binlog")


def test_an_acknowledgement_is_that_of_the_fastest_replicas() -> None:
    loaded = mysql("mysql.flush={exponential: 1 ms}", "mysql.semi_sync={replicas: 2}", nodes=4)
    waited = loaded.lowered.network.stations["mysql-acknowledgement"]
    assert isinstance(waited, GroupCommit)
    # The second fastest of three exponential flushes of mean 1 ms, behind the way: 1/3 + 1/2.
    assert mean_ns(waited.flush) / 1e6 == pytest.approx(TRAVEL + 5 / 6, abs=0.01)


def test_a_transition_has_the_statements_that_it_has_in_postgresql() -> None:
    other = load(SMALL, ["temporal.transfer_queue.max_poll_rate=100k/s"])
    of_postgres, of_mysql = counts(run(other)), counts(run(mysql()))
    for operation in ("storage_query", "commit", "background_commit", "transition"):
        assert of_mysql[operation] == of_postgres[operation], operation
    assert of_mysql["binlog_byte"] == of_postgres["wal_byte"] / 400 * 500


# -- what is lost -------------------------------------------------------------------------------------------------


def test_the_lag_of_an_asynchronous_replica_is_the_way_and_its_flush() -> None:
    lag = run(mysql()).spans["replication_lag.mysql"]
    assert (lag.count, lag.sum_ns) == (COMMITS, COMMITS * round((TRAVEL + FLUSH) * 1e6))


def test_a_commit_that_a_replica_has_acknowledged_cannot_be_lost() -> None:
    assert "commits-at-risk" not in mysql("mysql.semi_sync={}").lowered.network.resources


def test_a_lone_source_loses_what_the_second_flush_has_not_written() -> None:
    network = mysql("mysql.flush_log_at_trx_commit=2", nodes=1).lowered.network
    assert "mysql-redo-writer" in network.stations
    assert "commits-at-risk" in network.resources
    lag = run(mysql("mysql.flush_log_at_trx_commit=2", nodes=1), horizon_s=2).spans["replication_lag.mysql"]
    # Each commit takes a flush of the binary log: seven return at 1 to 7 ms, six after the activity at 108 to 113 ms.
    # All are in the round that begins at 1 s and takes 1 ms. The reads of the transfer queue add 10 us now and then.
    assert lag.count == COMMITS
    assert lag.sum_ns / 1e6 == pytest.approx(COMMITS * 1001 - sum(range(1, 8)) - sum(range(108, 114)), abs=0.5)


def test_a_lone_source_whose_logs_are_flushed_loses_nothing() -> None:
    assert "commits-at-risk" not in mysql(nodes=1).lowered.network.resources


# -- failures -----------------------------------------------------------------------------------------------------


def lost(loaded: Loaded, name: str = "loss") -> tuple[tuple[Target, ...], float]:
    fault = loaded.lowered.network.faults[name]
    assert fault.duration is not None
    return fault.targets, mean_ns(fault.duration) * 1e-9


SOURCE = "faults.loss={target: mysql.source, at: 50 ms}"


def test_a_failover_is_its_phases() -> None:
    whole = lost(mysql(SOURCE, "mysql.failover={time: 7 s, redirect: 1 s}"))
    assert whole == ((Target(group="mysql-primary"),), 8.0)
    assert lost(mysql(SOURCE, "mysql.failover={detect: 3 s, promote: 2 s}"))[1] == 5.0
    # 5 to 15 s to find out, 2 to 20 s to promote.
    assert lost(mysql(SOURCE))[1] == pytest.approx(10 + 11, rel=0.01)


def test_a_lone_source_replays_at_most_its_redo_log() -> None:
    loaded = mysql(SOURCE, "mysql.redo_log_capacity=200 MB", nodes=1)
    # 5 s of restart and 0 to 200 MB at 100 MB/s.
    assert lost(loaded)[1] == pytest.approx(5 + 1, rel=0.01)


REPLICAS = "faults.loss={target: mysql.replica, nodes: all, at: 50 ms, repair: 2 min}"


def test_commits_wait_for_lost_replicas_until_the_timeout() -> None:
    loaded = mysql(REPLICAS, "mysql.semi_sync={replicas: 1, timeout: 1500 ms}")
    targets, away_s = lost(loaded)
    assert targets == (Target(group="mysql-replica-1"), Target(group="mysql-replica-2"))
    assert away_s == pytest.approx(120)
    fault = loaded.lowered.network.faults["loss-1"]
    assert (fault.targets, fault.effect) == ((Target(group="mysql-semi-sync"),), "pause")
    assert lost(loaded, "loss-1")[1] == 1.5
    # At 50 ms the activity is running. Its answer has flushed both logs soon after 135 ms and waits until 1.55 s,
    # within its timeout of 2 s; then it is acknowledged, and five more commits take 5 ms each.
    plan = Plan(seed=1, horizon_ns=SECOND, follow_ns=0, drain_ns=1000 * SECOND, drill="loss")
    (latency,) = latencies_ms(Engine(in_drill(loaded, "loss"), plan).run())
    assert latency == pytest.approx(1550 + TRAVEL + FLUSH + 5 * (2 * FLUSH + TRAVEL + FLUSH), abs=0.1)


def test_replicas_that_are_back_before_the_timeout_end_the_wait() -> None:
    loaded = mysql(REPLICAS.replace("2 min", "1 s"), "mysql.semi_sync={}")
    assert lost(loaded, "loss-1")[1] == 1


def test_commits_do_not_wait_while_enough_replicas_are_left() -> None:
    one = REPLICAS.replace("all", "[1]")
    assert list(mysql(one, "mysql.semi_sync={replicas: 1}").lowered.network.faults) == ["loss"]
    assert list(mysql(one, "mysql.semi_sync={replicas: 2}").lowered.network.faults) == ["loss", "loss-1"]
    assert list(mysql(REPLICAS).lowered.network.faults) == ["loss"]  # asynchronous: nobody waits


def test_a_crash_of_the_source_is_felt_and_passes() -> None:
    loaded = mysql(SOURCE, "mysql.failover={time: 1 s}")
    (latency,) = latencies_ms(run(loaded, drill="loss"))
    assert 1050 < latency < 10_000


ZONES = "zones={names: [a, b, c], rtt: 2 ms, primary: a}"


def test_the_loss_of_a_zone_takes_its_replica_and_maybe_the_acknowledgements() -> None:
    gone = "faults.loss={target: zone.b, at: 50 ms, repair: 1 min}"
    text = ["mysql.replication_rtt=null", ZONES, gone]
    hit = [
        target.group for target in mysql(*text, "mysql.semi_sync={replicas: 2}").lowered.network.faults["loss"].targets
    ]
    assert "mysql-replica-1" in hit
    assert "mysql-replica-2" not in hit
    waits = mysql(*text, "mysql.semi_sync={replicas: 2}").lowered.network.faults
    assert any(Target(group="mysql-semi-sync") in fault.targets for fault in waits.values())
    goes_on = mysql(*text, "mysql.semi_sync={replicas: 1}").lowered.network.faults
    assert not any(Target(group="mysql-semi-sync") in fault.targets for fault in goes_on.values())


# -- RDS ----------------------------------------------------------------------------------------------------------

RDS = "{class: db.m5.large, storage: 1000 GB%s}"
PRICED = "prices.catalogue=aws-us-east-1"


def test_a_mirrored_volume_flushes_when_both_have() -> None:
    alone, mirrored = mysql(PRICED, rds=RDS % ""), mysql(PRICED, rds=RDS % ", multi_az: instance")
    for loaded, flush in ((alone, Constant(constant_ns=10**6)), (mirrored, Constant(constant_ns=1_700_000))):
        log = loaded.lowered.network.stations["mysql-binlog"]
        assert isinstance(log, GroupCommit)
        assert log.flush == flush  # 1 ms here, and there after 0.7 ms of way
    varying = mysql(PRICED, "mysql.flush={exponential: 1 ms}", rds=RDS % ", multi_az: instance")
    log = varying.lowered.network.stations["mysql-redo"]
    assert isinstance(log, GroupCommit)
    assert varying.scenario.mysql is not None
    assert varying.scenario.mysql.flush is not None
    assert log.flush == kth_fastest(2, varying.scenario.mysql.flush, (0, 700_000))


def test_the_class_tells_cores_memory_pool_and_price() -> None:
    loaded = mysql(PRICED, SOURCE, rds=RDS % ", multi_az: instance")
    network = loaded.lowered.network
    assert network.stations["mysql-cpu"] == Server(nodes="mysql-primary", cores=2)
    # Three quarters of 8 GiB in executions of 6 pages of 16 KiB.
    assert network.caches["mysql-buffers"] == Cache(nodes="mysql-primary", capacity=6 * 2**30 // (6 * 2**14))
    assert [machine.node for machine in loaded.lowered.machines] == ["mysql.db.m5.large"]
    assert [machine.count for machine in loaded.lowered.machines] == [2]
    assert network.faults["loss"].duration == Uniform(uniform_ns=(60 * 10**9, 120 * 10**9))


# -- what it says of itself ---------------------------------------------------------------------------------------


def test_it_was_never_measured_and_a_prediction_says_so() -> None:
    loaded = mysql()
    found = calibration_of(features(loaded.scenario, loaded.document.data, {}))
    assert found.place == "OUTSIDE"
    assert "MySQL not measured" in found.reasons


def test_every_cost_that_nobody_published_has_a_range() -> None:
    for constant in preset("mysql", "8.4").values():
        assert constant.source or constant.range is not None, constant.name


def test_growth_and_the_size_of_the_disk_are_known() -> None:
    kept = mysql(
        "temporal.retention={closed: 7 days, payload: 1 kB}",
        "workflows.order.arrivals=5/s",
        "mysql.disk={type: gp3}",
        "temporal.history_shards=64",
        PRICED,
    )
    assert kept.lowered.computed["storage.mysql"].value > 0
    assert [volume.resource for volume in kept.lowered.volumes] == ["mysql"]
    assert "page-cleaner" in kept.lowered.network.sources


def test_an_error_budget_knows_its_failover() -> None:
    seen = mysql("faults.loss={target: mysql.source, seen: 1 in 1 year}")
    assert "failover of the store" not in not_in_it(seen)
    assert "failover of the store" in not_in_it(mysql())


# -- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (["pgbouncer={cpu: 1}"], "pgbouncer stands before PostgreSQL"),
        (["postgres={cpu: 4}"], "is a second store"),
        (["mysql.synchronous_commit=on"], "mysql.synchronous_commit"),
        (["mysql.sync_binlog=100"], "mysql.sync_binlog is 100"),
        (["mysql.semi_sync={replicas: 3}"], "is 3, but beside the source there are 2 replicas"),
        (
            ["workflows.order.steps.0.activity.transaction={reads: 1, writes: 1}"],
            "is made in PostgreSQL, and there is no `postgres`",
        ),
        (["faults.loss={target: postgres.primary, at: 1 s}"], "is postgres.primary, but the store is mysql"),
        (["faults.loss={target: mysql.source, at: 1 s, repair: 1 s}"], "told under `mysql.failover`"),
        (["faults.loss={target: mysql.replica, at: 1 s}"], "needs `repair`"),
        (["faults.loss={target: mysql.replica, effect: slow, speed: 0.5, at: 1 s, repair: 1 s}"], "is slow"),
        (["faults.loss={target: mysql.replica, nodes: [2], at: 1 s, repair: 1 s}"], "names pod 2; there are 2"),
        ([ZONES], "mysql.replication_rtt is told a second time"),
        (
            ["regions={names: [eu, us], rtt: 20 ms, replication: {to: us, failover: 1 s}}"],
            "regions.replication is known for `postgres` only",
        ),
        (["regions={names: [eu, us], rtt: 20 ms, masters: {at: [eu, us]}}"], "are known for `postgres` only"),
        (["constants.postgres={cpu_per_message: 10 us}"], "is about another store than this one, mysql"),
        (["mysql.max_connections=1"], "mysql.max_connections is 1, but the pools may open"),
        (["mysql.memory=10 MB"], "connections may need"),
    ],
)
def test_what_mysql_does_not_have_is_refused(sets: list[str], said: str) -> None:
    assert said in problem(*sets)


def test_what_rds_tells_is_told_once_and_its_standby_is_no_replica() -> None:
    assert "is told by `rds`" in problem(PRICED, rds=RDS % "", more=", semi_sync: {replicas: 1}")
    fault = "faults.loss={target: mysql.replica, at: 1 s, repair: 1 s}"
    assert "the standby of RDS is no replica" in problem(PRICED, fault, rds=RDS % ", multi_az: instance")
