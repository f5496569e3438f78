"""The volume under a primary, operations and bytes a second, each a queue of its own; and the memory for its pages.

Reads and writes of pages take an operation each and move a page; the log moves what transactions add to it. Whoever
moves bytes shares the volume's throughput with all others who do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting, of, rate
from sim.lower.steps import Step, Steps, cached, use
from sim.network.places import Cache, Delay, Server, TokenBucket
from sim.network.routines import Loop, LoopBody
from sim.scenario.model.stores.base import Disk
from sim.units.tables import SECOND


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """What is said about a volume.

    key: of the store; its places, constants and settings are named so. path: where the scenario describes the volume.
    bytes_per_s: its throughput; 0 where that is not told. page_bytes: of a page.
    """

    key: str
    product: str
    disk: Disk | None
    bytes_per_s: float
    path: str
    page_bytes: int


class Volume:
    """The volume's places in `parts`, and the work there as steps. Where no disk is named nothing queues for it."""

    def __init__(self, parts: Parts, constants: Constants, spec: VolumeSpec) -> None:
        self.parts = parts
        self.constants = constants
        self.spec = spec
        self.disk, self.page_bytes = spec.disk, spec.page_bytes
        key, product, disk, path = spec.key, spec.product, spec.disk, spec.path
        self.operations, self.transfer = f"{key}-iops", f"{key}-transfer"
        if disk is None:
            constants.record_assumption(
                "the volume of the primary", "keeps nobody waiting, however much is written: add `disk`"
            )
            return
        iops = disk.iops or constants.ratio(f"{key}.volume_iops")
        self.bytes_per_s = spec.bytes_per_s or constants.number(f"{key}.volume_bytes_per_s")
        unit = 1_000_000
        parts.add_station(
            self.operations,
            TokenBucket(kind="token_bucket", rate_per_s=iops),
            Setting(
                of(product, "disk operations"),
                f"{path}.iops",
                "IOPS of the volume",
                rate("node_disk_io_time_weighted_seconds_total"),
                "live",
                iops,
            ),
        )
        parts.add_station(
            self.transfer,
            Server(nodes=f"{key}-primary", cores=1.0),
            Setting(
                of(product, "disk throughput"),
                f"{path}.throughput",
                "throughput of the volume",
                f"{rate('node_disk_read_bytes_total')} + {rate('node_disk_written_bytes_total')}",
                "live",
                self.bytes_per_s / unit,
                " MB/s",
            ),
        )
        constants.record_assumption(
            "flushes of the log",
            "take none of the operations a second that pages queue for: at most one for each time of a flush",
        )
        constants.record_assumption("volumes of the standbys", "keep up with what they are sent")

    def page(self) -> Steps:
        """The read or write of one page, beside its latency."""
        return () if self.disk is None else (use(self.operations), self._move(self.page_bytes))

    def log(self, log_bytes: int) -> Steps:
        """What a transaction adds to the log, on its way to the volume."""
        return () if self.disk is None or not log_bytes else (self._move(log_bytes),)

    def _move(self, amount: int) -> Step:
        return use(self.transfer, round(amount * SECOND / self.bytes_per_s))


class PageCache:
    """The memory's places in `parts`, and the look into it as a step. Without a size everything is in memory.

    waits: what tells who waits for a read.
    """

    def __init__(self, volume: Volume, size_bytes: int | None, waits: str) -> None:
        parts, constants, key, product = volume.parts, volume.constants, volume.spec.key, volume.spec.product
        self.volume = volume
        self.size_bytes = size_bytes
        self.memory, self.disk = f"{key}-buffers", f"{key}-disk"
        if self.size_bytes is None:
            constants.record_assumption("pages of executions", "are all in memory, also after a failover")
            return
        self.pages = constants.number(f"{key}.pages_per_execution")
        capacity = max(1, self.size_bytes // (self.pages * volume.page_bytes))
        parts.caches[self.memory] = Cache(nodes=f"{key}-primary", capacity=capacity)
        parts.add_station(
            self.disk,
            Delay(kind="delay", service=constants.distribution(f"{key}.page_read")),
            Setting(
                of(product, "page reads"),
                f"constants.{key}.page_read",
                "a faster disk, or more memory",
                waits,
                "failover",
            ),
        )
        constants.record_assumption(
            "pages in memory at the start", "none: an execution under way reads its own when it is touched first"
        )

    def touch(self, held: str, is_new: bool) -> Iterator[Step]:
        """Look whether the execution's pages are there, and read them if not. Those of a new one are just written.

        held: the connection that the transaction runs on.
        """
        if self.size_bytes is None:
            return
        read = (Loop(loop=LoopBody(times=self.pages, steps=(*self.volume.page(), use(self.disk)))),)
        yield cached(self.memory, held, miss=() if is_new else read)
