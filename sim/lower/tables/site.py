"""The nodes of a data store as places of a network: connections, cores, disks, log. Work there as steps.

Cores and disks are shared by all who are at work, each with one core or one disk operation at a time: a scan of many
pages and a look at one go on beside each other. Under Poisson arrivals the mean time of either is then that of M/M/c,
whatever the shape of the work (Kelly, Reversibility and Stochastic Networks, 1979).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from sim.lower.context import Context
from sim.lower.setting import Setting, cpu, gauge, of, rate, waits_of_postgres
from sim.lower.steps import Distribution, Step, constant
from sim.lower.sums import mean_ns, sum_of
from sim.lower.tables.planner import Plan
from sim.network.distributions import Poisson
from sim.network.places import Keyed, NodeGroup, Polled, Resource, Server
from sim.network.routines import (
    Acquire,
    AcquireBody,
    DelayStep,
    Fork,
    ForkBody,
    Loop,
    LoopBody,
    Release,
    Use,
    UseBody,
)
from sim.scenario.model.tables import Database

MOST_DRAWN = 50.0
"""Mean number of disk operations up to which their number and each of their times are drawn; beyond, the mean number
is one visit as long as all of them, whose spread would be below 1 in 7."""
BATCH = 1_000_000
"""No limit on the commits that share a flush."""
MEGABYTE = 1e6


class Site:
    """One data store."""

    def __init__(self, context: Context, name: str, database: Database) -> None:
        constants = self.constants = context.constants
        self.parts = context.parts
        self.name = name
        self.database = database
        self.connections = f"{name}-connections"
        self.cpu, self.disk, self.transfer, self.log = (f"{name}-{one}" for one in ("cpu", "disk", "transfer", "log"))
        self.rtt_ns = database.rtt_ns or 0
        if database.rtt_ns is None:
            self.rtt_ns = constants.number("cassandra.rtt" if database.is_ring else "postgres.rtt")
        self.message_ns = constants.number("postgres.cpu_per_message")
        disk = database.disk
        self.read = cast(Distribution, constants.disk(disk.profile, "read"))
        self.read_ns = mean_ns(self.read)
        self.iops = disk.volumes * (disk.iops or constants.disk(disk.profile, "iops"))
        slowest = constants.disk(disk.profile, "throughput") * MEGABYTE
        self.bytes_per_s = disk.volumes * (disk.throughput_bytes_per_s or slowest)
        self.readahead = constants.number("storage.readahead_pages")
        self._add_places()

    def _add_places(self) -> None:
        parts, database, name = self.parts, self.database, self.name
        parts.nodes[name] = NodeGroup(count=database.nodes)
        parts.not_pods.add(name)
        path, disk = f"databases.{name}", database.disk
        instance = "instance class, or more nodes"
        parts.add_resource(
            self.connections,
            Resource(nodes=name, units=database.connections),
            Setting(
                of(name, "connections"),
                f"{path}.connections",
                "native_transport_max_threads" if database.is_ring else "max_connections",
                _watched(database, "connections"),
                "restart",
                database.connections,
            ),
        )
        parts.add_station(
            self.cpu,
            Server(nodes=name, cores=database.cpu_cores),
            Setting(
                of(name, "CPU"), f"{path}.cpu", instance, _watched(database, "cpu"), "failover", database.cpu_cores
            ),
        )
        # Little's law: so many operations a second of that length are in flight at most.
        parts.add_station(
            self.disk,
            Server(nodes=name, cores=self.iops * self.read_ns / 1e9),
            Setting(
                of(name, "disk operations"),
                f"{path}.disk.iops",
                "IOPS of the volume",
                rate("node_disk_io_time_weighted_seconds_total"),
                "live",
                self.iops / disk.volumes,
            ),
        )
        parts.add_station(
            self.transfer,
            Server(nodes=name, cores=1.0),
            Setting(
                of(name, "disk throughput"),
                f"{path}.disk.throughput",
                "throughput of the volume",
                f"{rate('node_disk_read_bytes_total')} + {rate('node_disk_written_bytes_total')}",
                "live",
                self.bytes_per_s / disk.volumes / MEGABYTE,
                " MB/s",
            ),
        )
        # A group commit on each node: a read of a polled queue takes all who wait, and the next begins at its end.
        parts.add_station(
            self.log,
            Polled(kind="polled", nodes=name, keyed=Keyed(), interval_ns=1, batch=BATCH, read=self._flush()),
            Setting(of(name, "log"), f"{path}.flush", "disk of the log", _watched(database, "log"), "failover"),
        )

    def _flush(self) -> Distribution:
        flush = self.constants.distribution("postgres.flush", self.database.flush)
        if not self.database.synchronous:
            return flush
        return sum_of(flush, constant(self.constants.number("postgres.replication_rtt")), flush)

    def on_a_node(self, *steps: Step, round_trips: float = 1.0) -> tuple[Step, ...]:
        """Steps on a connection to a node, taken in turn."""
        taken = Acquire(acquire=AcquireBody(resource=self.connections))
        travel = DelayStep(delay=constant(round(round_trips * self.rtt_ns)), kind="network")
        return (taken, travel, *steps, Release(release=self.connections))

    def aside(self, *steps: Step) -> Step:
        """Steps that nobody waits for and that need no connection: a checkpoint, a compaction. Nodes in turn."""
        free = [
            step.model_copy(update={"use": step.use.model_copy(update={"at": None})})
            if isinstance(step, Use)
            else step
            for step in steps
        ]
        return Fork(fork=ForkBody(items=1, steps=tuple(free), join=0))

    def work(self, cpu_ns: float) -> Iterator[Step]:
        """So much work of a core."""
        yield from self._visit(self.cpu, cpu_ns)

    def move(self, amount: float) -> Iterator[Step]:
        """So many bytes to or from the disk."""
        yield from self._visit(self.transfer, amount / self.bytes_per_s * 1e9)

    def operate(self, operations: float) -> Iterator[Step]:
        """So many disk operations on average, one after the other."""
        if 0 < operations <= MOST_DRAWN:
            one = Use(use=UseBody(station=self.disk, demand=self.read, at=self.connections))
            yield Loop(loop=LoopBody(times=Poisson(poisson=operations), steps=(one,)))
        else:
            yield from self._visit(self.disk, operations * self.read_ns)

    def write(self, operations: float) -> Iterator[Step]:
        """So many disk operations that write; they take as long as those that read."""
        yield from self._visit(self.disk, operations * self.read_ns)

    def commit(self) -> Iterator[Step]:
        """Wait for a flush of the log."""
        yield Use(use=UseBody(station=self.log, at=self.connections))

    def fetch(self, plan: Plan, hit: float) -> Iterator[Step]:
        """The pages of a plan, of which this share is in memory."""
        single, ahead = self.missed(plan, hit)
        yield from self.operate(single)
        # Read-ahead is one operation after the other as well, but never short of them.
        yield from self._visit(self.disk, ahead / self._together(plan) * self.read_ns)
        yield from self.move((single + ahead) * plan.page_bytes)

    def missed(self, plan: Plan, hit: float) -> tuple[float, float]:
        """Pages that are not in memory: those read one by one, and those read ahead."""
        return (1 - hit) * plan.random_pages, (1 - hit) * plan.sequential_pages

    def _together(self, plan: Plan) -> float:
        """Pages that one operation reads ahead."""
        return max(self.readahead * 8192 / plan.page_bytes, 1.0)

    def unloaded_ns(
        self, plan: Plan, hit: float, cpu_ns: float, round_trips: float = 1.0, processes: int = 1
    ) -> float:
        """Mean time of a plan with nothing in its way, the way there and back included; shared by processes."""
        single, ahead = self.missed(plan, hit)
        operations = single + ahead / self._together(plan)
        moved = (single + ahead) * plan.page_bytes / self.bytes_per_s * 1e9
        at_once = min(float(processes), self.iops * self.read_ns / 1e9)
        # Whoever moves bytes moves them over the same line.
        return round_trips * self.rtt_ns + cpu_ns / processes + operations * self.read_ns / at_once + moved

    def _visit(self, station: str, length_ns: float) -> Iterator[Step]:
        if round(length_ns) > 0:
            yield Use(use=UseBody(station=station, demand=constant(round(length_ns)), at=self.connections))


def _watched(database: Database, what: str) -> str:
    """What to watch of a data store of this kind."""
    if database.is_ring:
        return {
            "connections": "nodetool tpstats: pending of Native-Transport-Requests",
            "cpu": cpu("cassandra"),
            "log": "nodetool sjk mx -b org.apache.cassandra.metrics:type=CommitLog,name=WaitingOnCommit",
        }[what]
    return {
        "connections": gauge("pg_stat_activity_count", state="active"),
        "cpu": cpu("postgres"),
        "log": waits_of_postgres("^wal"),
    }[what]
