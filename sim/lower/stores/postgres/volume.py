"""The volume under PostgreSQL's primary: pages of 8 KiB, and writes that fail while it is full."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import inner
from sim.lower.steps import Steps, acquire, count, fail, release
from sim.lower.stores.volume import Volume, VolumeSpec
from sim.network.places import NodeGroup, Resource
from sim.scenario.model.stores.postgres import PostgresCluster

IOPS = "postgres-iops"
SPACE = "postgres-space"
"""Node group: room on the volume; away while it is full."""
ROOM = "room-on-disk"
"""Resource: what a write asks for there."""
FULL = "disk_full"
"""Failure, and operation: a write finds no room, SQLSTATE 53100."""
PAGE_BYTES = 8192


class PostgresVolume(Volume):
    """The volume's places in `parts`, and the work there as steps."""

    def __init__(self, parts: Parts, constants: Constants, postgres: PostgresCluster) -> None:
        path = "postgres.disk" if postgres.rds is None else "postgres.rds"
        disk, bytes_per_s = postgres.disk, postgres.disk_bytes_per_s
        super().__init__(
            parts, constants, VolumeSpec("postgres", postgres.product, disk, bytes_per_s, path, PAGE_BYTES)
        )

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

    def log(self, log_bytes: int) -> Steps:
        """What a transaction adds to the log, on its way to the volume; or the failure to find room for it."""
        if not log_bytes or ROOM not in self.parts.resources:
            return super().log(log_bytes)
        full = acquire(ROOM, patience_ns=0, otherwise=(count(**{FULL: 1}), fail(FULL)))
        return (full, release(ROOM), *super().log(log_bytes))
