"""Amazon Aurora under either engine: commits by the fourth of six answers, failover to a reader, nothing to replay.

Goal: both engines commit and fail over by Aurora's mechanism, and what it decides itself cannot be told a second time.
Method: constants, by hand; the same on PostgreSQL and on MySQL. Times were never measured.
"""

from __future__ import annotations

import pytest
from lower_fixture import SMALL, latencies_ms, run

from sim.errors import InputErrors
from sim.lower.load import Loaded, load
from sim.lower.stores.aurora import STORAGE
from sim.lower.sums import mean_ns
from sim.network.distributions import Constant
from sim.network.places import Delay, Server
from sim.studies.envelope import calibration_of, features

PLAIN = "postgres: {nodes: 1, cpu: 4, synchronous_standbys: 0, flush: 1 ms, rtt: 0 ms}"
FREE = "  postgres: {cpu_per_message: 0 ms, connect: 0 ms, connect_cpu: 0 ms}"
COMMITS, SERVICE = 13, 100.0

of_both = pytest.mark.parametrize("store", ["postgres", "mysql"])


def aurora(store: str, *sets: str, readers: int = 1, beside: str = "") -> Loaded:
    told = f"{store}: {{aurora: {{class: db.r6g.2xlarge, readers: {readers}}}, rtt: 0 ms{beside}}}"
    text = SMALL.replace(PLAIN, told).replace(FREE, FREE.replace("postgres", store))
    written = f"constants.{store}.aurora_write=1 ms"
    priced = "prices.catalogue=aws-us-east-1"
    return load(text, ["temporal.transfer_queue.max_poll_rate=100k/s", written, priced, *sets])


def storage(loaded: Loaded) -> Delay:
    found = loaded.lowered.network.stations[STORAGE]
    assert isinstance(found, Delay)
    return found


@of_both
def test_a_commit_waits_for_the_fourth_of_six_answers(store: str) -> None:
    # Two nodes are in the writer's zone, at no distance here; the fourth answer comes from another one, 0.7 ms away.
    loaded = aurora(store)
    assert storage(loaded).service == Constant(constant_ns=1_700_000)
    assert latencies_ms(run(loaded)) == [pytest.approx(COMMITS * 1.7 + SERVICE, abs=0.03)]
    assert not loaded.lowered.flushes


@of_both
def test_answers_that_vary_are_an_order_statistic(store: str) -> None:
    even = aurora(
        store, f"constants.{store}.aurora_write={{exponential: 1 ms}}", f"constants.{store}.replication_rtt=0 ms"
    )
    # The fourth of six exponential times: 1/6 + 1/5 + 1/4 + 1/3.
    service = storage(even).service
    assert service is not None
    assert mean_ns(service) / 1e6 == pytest.approx(1 / 6 + 1 / 5 + 1 / 4 + 1 / 3, rel=0.01)


@of_both
def test_a_reader_takes_over_and_a_lone_writer_restarts(store: str) -> None:
    target = {"postgres": "postgres.primary", "mysql": "mysql.source"}[store]
    loss = f"faults.loss={{target: {target}, at: 50 ms}}"
    for readers, seconds in ((1, 20.0), (0, 32.5)):
        away = aurora(store, loss, readers=readers).lowered.network.faults["loss"].duration
        assert away is not None
        assert mean_ns(away) / 1e9 == pytest.approx(seconds)
    own = (
        aurora(store, loss, f"{store}.failover={{time: 12 s, redirect: 5 s}}").lowered.network.faults["loss"].duration
    )
    assert own == Constant(constant_ns=17 * 10**9)


@of_both
def test_nothing_is_at_risk_and_nothing_is_written_in_the_background(store: str) -> None:
    network = aurora(store, "workflows.order.arrivals=5/s", "temporal.history_shards=64").lowered.network
    assert "commits-at-risk" not in network.resources
    assert set(network.sources) == {"order"}


@of_both
def test_the_class_tells_cores_and_the_bill_has_every_instance(store: str) -> None:
    loaded = aurora(store, readers=2)
    cores = loaded.lowered.network.stations[f"{store}-cpu"]
    assert isinstance(cores, Server)
    assert cores.cores == 8
    assert [(one.node, one.count) for one in loaded.lowered.machines] == [("aurora.db.r6g.2xlarge", 3)]
    assert loaded.lowered.settings[f"{store}-cpu"].path == f"{store}.aurora.class"


@of_both
def test_a_lost_zone_takes_the_writer_and_no_quorum(store: str) -> None:
    zones = "zones={names: [a, b, c], rtt: 2 ms, primary: a}"
    loaded = aurora(store, zones, "faults.far={target: zone.b, at: 50 ms, repair: 1 min}")
    assert storage(loaded).service == Constant(constant_ns=3_000_000)
    hit = {target.group for fault in loaded.lowered.network.faults.values() for target in fault.targets}
    assert not any(group.startswith(store) for group in hit)
    near = aurora(store, zones, "faults.home={target: zone.a, at: 50 ms, repair: 1 min}").lowered.network.faults
    lengths = [one.duration for one in near.values() if one.targets[0].group == f"{store}-primary"]
    assert [mean_ns(length) / 1e9 for length in lengths if length is not None] == [pytest.approx(20.0)]


@of_both
def test_it_was_never_measured(store: str) -> None:
    loaded = aurora(store)
    found = calibration_of(features(loaded.scenario, loaded.document.data, {}))
    assert found.place == "OUTSIDE"
    assert "Aurora not measured" in found.reasons


@pytest.mark.parametrize(
    ("store", "beside", "said"),
    [
        ("postgres", ", nodes: 3", "nodes is told by `aurora`"),
        ("postgres", ", synchronous_commit: local", "synchronous_commit is told by `aurora`"),
        ("mysql", ", semi_sync: {replicas: 1}", "semi_sync is told by `aurora`"),
        ("mysql", ", sync_binlog: 0", "sync_binlog is told by `aurora`"),
        ("mysql", ", disk: {type: gp3}", "disk is told by `aurora`"),
    ],
)
def test_what_aurora_decides_itself_cannot_be_told(store: str, beside: str, said: str) -> None:
    with pytest.raises(InputErrors) as caught:
        aurora(store, beside=beside)
    assert said in "; ".join(f"{one.path} {one.message}" for one in caught.value.problems)


@pytest.mark.parametrize(
    ("store", "sets", "said"),
    [
        ("postgres", "faults.full={target: postgres.disk, at: 1 s, repair: 1 s}", "grows by itself"),
        (
            "postgres",
            "regions={names: [eu, us], rtt: 20 ms, replication: {to: us, failover: 1 s}}",
            "is not known for Aurora",
        ),
        ("mysql", "faults.one={target: mysql.replica, at: 1 s, repair: 1 s}", "no commit waits for a reader"),
        ("postgres", "postgres.aurora.class=db.x9.large", "whose cores and memory are not known here"),
    ],
)
def test_what_goes_by_a_log_or_a_volume_of_its_own_is_refused(store: str, sets: str, said: str) -> None:
    with pytest.raises(InputErrors) as caught:
        aurora(store, sets)
    assert said in "; ".join(f"{one.path} {one.message}" for one in caught.value.problems)
