"""A managed PostgreSQL: what its class and storage tell, how long its failover takes, what it costs.

Goal: a scenario that names a class of RDS is the same as one that spells out what the class has, but for what RDS does
otherwise: its failover, and replication that nobody pays for. Method: the two held against each other, prices and
limits by hand.
"""

from __future__ import annotations

import pytest
import yaml
from lower_fixture import SMALL, counts, latencies_ms, run, small

from sim.lower.load import Loaded, load
from sim.lower.sums import mean_ns
from sim.network.distributions import Constant
from sim.network.places import Cache, Server, TokenBucket
from sim.network.routines import Use
from sim.studies.run.study import Options, predict

LOSS = "faults.loss={target: postgres.primary, at: 50 ms}"
PLAIN = "postgres: {nodes: 1, cpu: 4, synchronous_standbys: 0, flush: 1 ms, rtt: 0 ms}"


def managed(rds: str = "multi_az: instance, storage: 1000 GB", *sets: str, beside: str = "") -> Loaded:
    text = SMALL.replace(PLAIN, f"postgres: {{rds: {{class: db.r6g.2xlarge, {rds}}}, flush: 1 ms, rtt: 0 ms{beside}}}")
    return load(text, ["temporal.transfer_queue.max_poll_rate=100k/s", "prices.catalogue=aws-us-east-1", *sets])


def away_s(loaded: Loaded) -> float:
    duration = loaded.lowered.network.faults["loss"].duration
    assert duration is not None
    return mean_ns(duration) * 1e-9


def test_the_class_and_the_storage_are_what_they_stand_for() -> None:
    spelt_out = small(
        "temporal.transfer_queue.max_poll_rate=100k/s",
        "postgres={nodes: 2, cpu: 8, memory: 64 GiB, synchronous_standbys: 1, flush: 1 ms, rtt: 0 ms, cache: 16 GiB, "
        "disk: {type: rds.gp3, size: 1000 GB, iops: 12000}, node: db.r6g.2xlarge}",
        "constants.postgres.volume_bytes_per_s=500000000",  # what comes with the volume, and is not bought
        "prices.catalogue=aws-us-east-1",
    )
    by_class = managed(rds="multi_az: instance, storage: 1000 GB, iops: 12000, throughput: 500 MB/s")
    assert by_class.lowered.network == spelt_out.lowered.network
    assert by_class.lowered.machines == spelt_out.lowered.machines
    assert by_class.lowered.volumes == spelt_out.lowered.volumes


def test_cores_memory_and_operations_are_those_of_the_class() -> None:
    network = managed().lowered.network
    cores, reads = network.stations["postgres-cpu"], network.stations["postgres-iops"]
    assert isinstance(cores, Server)
    assert cores.cores == 8
    assert isinstance(reads, TokenBucket)
    assert reads.rate_per_s == 12_000
    # A quarter of 64 GiB in executions of 8 pages of 8 KiB.
    assert network.caches["postgres-buffers"] == Cache(nodes="postgres-primary", capacity=2**34 // 2**16)


@pytest.mark.parametrize(
    ("storage", "reads_per_s"),
    [
        ("storage: 100 GB", 3_000),
        ("storage: 1000 GB", 12_000),
        ("storage: 1000 GB, iops: 20000", 20_000),
        # Pages of 8 KiB through 500 MB/s, and through twice as much.
        ("storage: 1000 GB, iops: 64000", 500e6 / 8192),
        ("storage: 1000 GB, iops: 64000, throughput: 1000 MB/s", 64_000),
    ],
)
def test_reads_of_pages_are_limited_by_operations_or_by_throughput(storage: str, reads_per_s: float) -> None:
    network = managed(storage, "workflows.order.arrivals=10/s").lowered.network
    operations = network.stations["postgres-iops"]
    assert isinstance(operations, TokenBucket)
    # What a checkpoint does for a page is what a read does: an operation, and the way of its bytes.
    _, moved = network.routines["checkpoint-writes"]
    assert isinstance(moved, Use)
    assert isinstance(moved.use.demand, Constant)
    assert min(operations.rate_per_s, 1e9 / moved.use.demand.constant_ns) == pytest.approx(reads_per_s, rel=1e-4)


def test_a_failover_takes_what_it_is_said_to_take_and_60_to_120_s_otherwise() -> None:
    assert away_s(managed("multi_az: instance, storage: 1 TB", LOSS)) == pytest.approx(90)
    assert away_s(managed("multi_az: instance, storage: 1 TB", LOSS, "postgres.failover.time=5 s")) == 5
    # Until connections go there, too: pgbouncer looks a name up again after up to 15 s.
    bouncer = ("pgbouncer={cpu: 1, pool_mode: transaction}", "postgres.failover.time=5 s")
    assert away_s(managed("multi_az: instance, storage: 1 TB", LOSS, *bouncer)) == pytest.approx(5 + 7.5, rel=1e-4)
    pair = ("postgres.nodes=2", "postgres.synchronous_standbys=1", "postgres.failover={time: 7 s, redirect: 2 s}")
    assert away_s(small(LOSS, *pair)) == 9


def test_without_a_standby_it_replays_its_log_and_commits_wait_for_nobody() -> None:
    assert away_s(managed("storage: 1 TB", LOSS)) < 1
    alone, pair = (latencies_ms(run(managed(f"{az}storage: 1 TB")))[0] for az in ("", "multi_az: instance, "))
    # 13 commits of an execution follow each other; the flush of the standby takes 1 ms and its way 0.7.
    assert pair - alone == pytest.approx(13 * 1.7)


def test_after_a_failover_pages_are_read_again() -> None:
    sets = (LOSS, "postgres.failover.time=10 ms", "constants.postgres.page_read=10 ms")
    cold = latencies_ms(run(managed("multi_az: instance, storage: 1 TB", *sets), drill="loss"))[0]
    warm = latencies_ms(run(managed("multi_az: instance, storage: 1 TB", *sets)))[0]
    assert cold - warm == pytest.approx(8 * 10, abs=1)


def test_what_it_sends_to_its_own_standby_is_not_charged() -> None:
    zones = ("zones={names: [a, b], rtt: 0.7 ms}", "temporal.history={replicas: 2, cpu: 1}")
    pair = ("postgres.nodes=2", "postgres.synchronous_standbys=1")
    own = counts(run(small(*zones, *pair)))
    rds = counts(run(managed("multi_az: instance, storage: 1 TB", *zones)))
    assert own["cross_zone_byte"] - rds["cross_zone_byte"] == own["wal_byte"] > 0


def test_it_costs_two_instances_and_two_volumes_with_a_standby() -> None:
    few = "run={replications: 2, horizon: 5 s, warmup: 0 s}"
    sets = ("workflows.order.arrivals=5/s", few)
    costs = []
    for az in ("", "multi_az: instance, "):
        found = predict(managed(f"{az}storage: 1000 GB", *sets), Options(processes=1)).summary.metrics
        costs.append(found["cost.total"].value)
    # 0.9 USD x 730 h, and 1000 GB = 931.3 GiB at 0.115 USD; 12,000 operations come with the volume.
    assert costs == pytest.approx([657 + 107.10, 2 * (657 + 107.10)], abs=0.01)


def test_the_loss_of_a_zone_costs_a_failover_or_nothing_and_a_lone_instance_all_of_it() -> None:
    def losses(zone: str, az: str) -> dict[str, float]:
        sets = ("zones={names: [a, b], rtt: 0 ms}", f"faults.gone={{target: zone.{zone}, at: 50 ms, repair: 1 h}}")
        faults = managed(f"{az}storage: 1 TB", *sets).lowered.network.faults.values()
        return {
            target.group: mean_ns(fault.duration) * 1e-9
            for fault in faults
            for target in fault.targets
            if fault.duration is not None and target.group.startswith("postgres")
        }

    assert losses("a", "multi_az: instance, ") == {"postgres-primary": pytest.approx(90)}
    assert losses("b", "multi_az: instance, ") == {}
    assert losses("a", "") == {"postgres-primary": 3600}


def test_dbos_runs_on_it_as_well() -> None:
    text = managed().document.data | {"dbos": {}}
    del text["temporal"]
    del text["constants"]["temporal"]
    del text["constants"]["sdk"]
    text["workflows"]["order"]["steps"] = [{"activity": {"name": "charge", "service": "100 ms"}}]
    cores = load(yaml.safe_dump(text)).lowered.network.stations["postgres-cpu"]
    assert isinstance(cores, Server)
    assert cores.cores == 8
