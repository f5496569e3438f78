"""PostgreSQL's memory: executions whose pages are there, and reads from the disk of those whose pages are not.

After a crash or a failover nobody's pages are there, and each execution that is touched reads its own: work is slower
at first and recovers as they come back. Reads queue at the volume.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting
from sim.lower.steps import Step, cached, use
from sim.lower.stores.postgres.commit import PRIMARY
from sim.lower.stores.postgres.volume import PAGE_BYTES, Volume
from sim.lower.watch import waits_of_postgres
from sim.network.places import Cache, Delay
from sim.network.routines import Loop, LoopBody
from sim.scenario.model.stores.postgres import PostgresCluster

BUFFERS = "postgres-buffers"
DISK = "postgres-disk"


class Buffers:
    """The memory's places in `parts`, and the look into it as a step. Without a size everything is in memory."""

    def __init__(self, parts: Parts, constants: Constants, postgres: PostgresCluster, volume: Volume) -> None:
        self.volume = volume
        self.size_bytes = postgres.cache_bytes
        if self.size_bytes is None:
            constants.note("pages of executions", "are all in memory, also after a failover")
            return
        self.pages = constants.number("postgres.pages_per_execution")
        capacity = max(1, self.size_bytes // (self.pages * PAGE_BYTES))
        parts.caches[BUFFERS] = Cache(nodes=PRIMARY, capacity=capacity)
        reads = Setting(
            "PostgreSQL's page reads",
            "constants.postgres.page_read",
            "a faster disk, or more memory",
            waits_of_postgres("^datafileread"),
            "failover",
        )
        latency = Delay(kind="delay", service=constants.distribution("postgres.page_read"))
        parts.add_station(DISK, latency, reads)
        constants.note(
            "pages in memory at the start", "none: an execution under way reads its own when it is touched first"
        )

    def touch(self, held: str, is_new: bool) -> Iterator[Step]:
        """Look whether the execution's pages are there, and read them if not. Those of a new one are just written.

        held: the connection that the transaction runs on.
        """
        if self.size_bytes is None:
            return
        read = (Loop(loop=LoopBody(times=self.pages, steps=(*self.volume.page(), use(DISK)))),)
        yield cached(BUFFERS, held, miss=() if is_new else read)
