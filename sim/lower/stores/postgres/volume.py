"""The volume under PostgreSQL's primary, and what PostgreSQL does by itself beside the load.

Pages are of 8 KiB, and writes fail while the volume is full. Checkpoints write pages, autovacuum clears dead rows."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.rates import operations_per_s, rate_of
from sim.lower.setting import inner
from sim.lower.steps import Steps, acquire, constant, count, delay, fail, release, use
from sim.lower.stores.postgres.commit import PRIMARY
from sim.lower.stores.postgres.pool import CPU
from sim.lower.stores.postgres.recovery import WAL_BYTES, redo_bytes
from sim.lower.stores.volume import Volume, VolumeSpec
from sim.network.places import NodeGroup, Resource
from sim.network.routines import Loop, LoopBody
from sim.network.sources import BurstArrivals, PoissonArrivals, Profile, Source
from sim.network.sources import Step as Point
from sim.scenario.model.stores.postgres import PostgresCluster
from sim.units.tables import SECOND

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
        self.parts.add_resource(ROOM, Resource(nodes=SPACE, units=10**9), inner("whether there is room on the volume"))
        self.constants.record_assumption(
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


CHECKPOINT = "checkpoint-writes"
VACUUM = "autovacuum"


def add_background(parts: Parts, constants: Constants, postgres: PostgresCluster, volume: Volume) -> None:
    """Put it beside the load, which is known by now."""
    assert PRIMARY in parts.nodes
    if volume.disk is not None:
        _checkpoints(parts, constants, postgres, volume)
    if postgres.autovacuum:
        _vacuum(parts, constants)


def _checkpoints(parts: Parts, constants: Constants, postgres: PostgresCluster, volume: Volume) -> None:
    """Each checkpoint writes the pages that were touched since the last, one operation of the volume each, spread
    over its share of the interval; the log and reads of pages share the volume with them."""
    executions_per_s = sum(rate_of(source.arrivals) for source in parts.sources.values() if source.counted)
    log_bytes_per_s = operations_per_s(parts, WAL_BYTES)
    if not executions_per_s or not log_bytes_per_s:
        return
    shortest, longest = redo_bytes(constants, postgres.checkpoint, log_bytes_per_s)
    every_ns = round((longest - shortest) / log_bytes_per_s * SECOND)
    share = shortest / (longest - shortest)
    pages_per_s = executions_per_s * constants.number("postgres.pages_per_execution")
    over = (Point(at_ns=0, factor=1.0), Point(at_ns=max(1, round(share * every_ns)), factor=0.0))
    profile = Profile(points=over, period_ns=every_ns) if 0 < share < 1 else None
    parts.routines[CHECKPOINT] = volume.page()
    parts.sources[CHECKPOINT] = Source(
        routine=CHECKPOINT,
        arrivals=PoissonArrivals(poisson_per_s=pages_per_s / (share or 1.0), profile=profile),
        counted=False,
    )
    constants.record_assumption(
        "checkpoints", "write each execution's pages once; their full-page images are not in the log"
    )


def _vacuum(parts: Parts, constants: Constants) -> None:
    """One worker, once in each interval: it cleans the pages of rows that died since, and rests for a while after as
    many as its cost limit allows."""
    number = constants.number
    every_ns = number("postgres.autovacuum_naptime")
    dead_per_s = operations_per_s(parts, WAL_BYTES) / number("postgres.wal_bytes_per_row")
    pages = dead_per_s * every_ns / SECOND / number("postgres.rows_per_page")
    at_once = number("postgres.vacuum_cost_limit") // number("postgres.vacuum_cost_page_dirty")
    rounds = round(pages / at_once)
    if not rounds:
        return
    work = (
        use(CPU, at_once * number("postgres.vacuum_cpu_per_page")),
        delay(constant(number("postgres.vacuum_cost_delay")), "timer"),
    )
    parts.routines[VACUUM] = (Loop(loop=LoopBody(times=rounds, steps=work)),)
    parts.sources[VACUUM] = Source(routine=VACUUM, arrivals=BurstArrivals(burst=1, every_ns=every_ns), counted=False)
    constants.record_assumption(
        "autovacuum", "one worker; every changed row leaves a dead one; its reads and writes are not waited for"
    )
