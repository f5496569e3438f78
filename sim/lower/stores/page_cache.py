"""A store's memory for pages: executions whose pages are there, and reads from the disk of those whose pages are not.

After a crash or a failover nobody's pages are there, and each execution that is touched reads its own: work is slower
at first and recovers as they come back. Reads queue at the volume.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.setting import Setting, of
from sim.lower.steps import Step, cached, use
from sim.lower.stores.volume import Volume
from sim.network.places import Cache, Delay
from sim.network.routines import Loop, LoopBody


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
            constants.note("pages of executions", "are all in memory, also after a failover")
            return
        self.pages = constants.number(f"{key}.pages_per_execution")
        capacity = max(1, self.size_bytes // (self.pages * volume.page_bytes))
        parts.caches[self.memory] = Cache(nodes=f"{key}-primary", capacity=capacity)
        reads = Setting(
            of(product, "page reads"),
            f"constants.{key}.page_read",
            "a faster disk, or more memory",
            waits,
            "failover",
        )
        latency = Delay(kind="delay", service=constants.distribution(f"{key}.page_read"))
        parts.add_station(self.disk, latency, reads)
        constants.note(
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
