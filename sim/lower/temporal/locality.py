"""Data and the workers that read it: at one site, or moved from site to site.

The pods of a queue that reads data act as one worker for each site. Where an activity's data lies is drawn evenly over
the sites. A site-aware queue offers its task to the workers beside the data first, and to any after a while; a plain
one to whichever comes first, so that it is beside the data by chance. What runs elsewhere first moves the data, which
the worker's slot waits for.
"""

from __future__ import annotations

from sim.lower.context import Context
from sim.lower.names import pods_of
from sim.lower.placement.masters import CROSS_REGION
from sim.lower.placement.regions import MANY, Regional
from sim.lower.setting import inner
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Option,
    Step,
    Steps,
    acquire,
    constant,
    count,
    delay,
    release,
)
from sim.network.places import Resource
from sim.units.tables import SECOND

MOVED = "moved_byte"
"""Operation: a byte of data that is moved to the worker that reads it."""


class Locality:
    """The sites of one queue. wait_ns: how long a task waits for a worker beside its data."""

    def __init__(self, context: Context, queue: str, regional: Regional, sites: int, wait_ns: int) -> None:
        self.parts, self.constants = context.parts, context.constants
        self.queue = queue
        self.regional = regional
        self.sites = sites
        self.wait_ns = wait_ns
        self._data, self._beside = f"{queue}-data", f"{queue}-beside-data"

    @property
    def shares(self) -> dict[str, tuple[str, str]]:
        """The share of tasks that ran beside their data."""
        return {f"local_share.{self.queue}": (f"local_{self.queue}", f"reading_{self.queue}")}

    def slot(self, slots: str, missed: Steps, patience_ns: int) -> Steps:
        """A slot beside the data where there is one in time, else any; the job remembers which by a unit it holds."""
        if not self.regional.locality:
            return (acquire(slots, patience_ns=patience_ns, otherwise=(*missed, acquire(slots))),)
        self.parts.add_resource(
            self._data,
            Resource(nodes=pods_of(self.queue), units=MANY, choice="random"),
            inner("where the data of a task lies"),
        )
        self.parts.add_resource(self._beside, Resource(units=MANY), inner("who is beside its data"))
        self.constants.record_assumption(
            "a task that has waited in vain for a worker beside its data", "counts as moved, wherever it then runs"
        )
        anywhere: Steps = (release(self._beside), acquire(slots))
        if self.wait_ns <= patience_ns:
            wait = acquire(slots, at=self._data, patience_ns=self.wait_ns, otherwise=anywhere)
        else:
            later = acquire(slots, at=self._data, patience_ns=self.wait_ns - patience_ns, otherwise=anywhere)
            wait = acquire(slots, at=self._data, patience_ns=patience_ns, otherwise=(*missed, later))
        return (acquire(self._data), acquire(self._beside), wait, release(self._data))

    def read(self, size: int) -> Step:
        """What a task does before it works: nothing beside its data, else it has the data moved."""
        regions = self.regional.regions
        bandwidth = regions.bandwidth_bytes_per_s
        transfer_ns = 0 if bandwidth is None else round(size / bandwidth * SECOND)
        here: Steps = (count(**{f"local_{self.queue}": 1, f"reading_{self.queue}": 1}),)
        moved: Steps = (
            count(**{f"reading_{self.queue}": 1, MOVED: size, CROSS_REGION: size}),
            delay(constant(regions.rtt_ns + transfer_ns), "network"),
        )
        if not self.regional.locality:
            return Branch(branch=(Option(probability=1 / self.sites, steps=here), Option(steps=moved)))
        beside = AttemptBody(steps=(release(self._beside), *here), on_failure=moved, counted=False)
        return Attempt(attempt=beside)
