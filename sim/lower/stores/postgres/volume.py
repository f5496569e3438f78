"""The volume under PostgreSQL's primary: operations a second and bytes a second, each a queue of its own.

Reads and writes of pages take an operation each and move a page; the log moves what transactions add to it. Whoever
moves bytes shares the volume's throughput with all others who do.
"""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting, inner
from sim.lower.steps import Step, Steps, acquire, count, fail, release, use
from sim.lower.stores.postgres.commit import PRIMARY
from sim.lower.watch import rate
from sim.network.places import NodeGroup, Resource, Server, TokenBucket
from sim.scenario.model.stores.postgres import PostgresCluster
from sim.units.tables import SECOND

IOPS = "postgres-iops"
TRANSFER = "postgres-transfer"
SPACE = "postgres-space"
"""Node group: room on the volume; away while it is full."""
ROOM = "room-on-disk"
"""Resource: what a write asks for there."""
FULL = "disk_full"
"""Failure, and operation: a write finds no room, SQLSTATE 53100."""
PAGE_BYTES = 8192


class Volume:
    """The volume's places in `parts`, and the work there as steps. Where no disk is named nothing queues for it."""

    def __init__(self, parts: Parts, constants: Constants, postgres: PostgresCluster) -> None:
        self.parts = parts
        self.constants = constants
        disk = self.disk = postgres.disk
        if disk is None:
            constants.note("the volume of the primary", "keeps nobody waiting, however much is written: add `disk`")
            return
        iops = disk.iops or constants.ratio("postgres.volume_iops")
        self.bytes_per_s = postgres.disk_bytes_per_s or constants.number("postgres.volume_bytes_per_s")
        path, unit = "postgres.disk" if postgres.rds is None else "postgres.rds", 1_000_000
        operations = Setting(
            "PostgreSQL's disk operations",
            f"{path}.iops",
            "IOPS of the volume",
            rate("node_disk_io_time_weighted_seconds_total"),
            "live",
            iops,
        )
        parts.add_station(IOPS, TokenBucket(kind="token_bucket", rate_per_s=iops), operations)
        moved = Setting(
            "PostgreSQL's disk throughput",
            f"{path}.throughput",
            "throughput of the volume",
            f"{rate('node_disk_read_bytes_total')} + {rate('node_disk_written_bytes_total')}",
            "live",
            self.bytes_per_s / unit,
            " MB/s",
        )
        parts.add_station(TRANSFER, Server(nodes=PRIMARY, cores=1.0), moved)
        constants.note(
            "flushes of the log",
            "take none of the operations a second that pages queue for: at most one for each time of a flush",
        )
        constants.note("volumes of the standbys", "keep up with what they are sent")

    def add_limits_of_space(self) -> None:
        """A fault may take the room away."""
        self.parts.nodes[SPACE] = NodeGroup(count=1)
        self.parts.not_pods.add(SPACE)
        room = Resource(nodes=SPACE, units=10**9)
        self.parts.add_resource(ROOM, room, inner("whether there is room on the volume"))
        self.constants.note(
            "writes while the disk is full",
            f"fail with {FULL} and are tried again, here over a new connection; the server stays up, and reads are "
            "answered",
            "PostgreSQL 16 documentation, 29.2 disk full failure; where the log has no volume of its own the server "
            "stops: a fault of postgres.primary",
        )

    def page(self) -> Steps:
        """The read or write of one page, beside its latency."""
        return () if self.disk is None else (use(IOPS), self._move(PAGE_BYTES))

    def log(self, log_bytes: int) -> Steps:
        """What a transaction adds to the log, on its way to the volume; or the failure to find room for it."""
        if not log_bytes:
            return ()
        room: Steps = ()
        if ROOM in self.parts.resources:
            room = (acquire(ROOM, patience_ns=0, otherwise=(count(**{FULL: 1}), fail(FULL))), release(ROOM))
        return room if self.disk is None else (*room, self._move(log_bytes))

    def _move(self, amount: int) -> Step:
        return use(TRANSFER, round(amount * SECOND / self.bytes_per_s))
