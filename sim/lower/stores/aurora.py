"""Amazon Aurora under either engine: commits by a quorum of storage nodes, failover to a reader.

The writer sends its log, and nothing else, to six storage nodes, two in each of three zones; a commit is durable when
four have it. So it takes as long as the fourth of six answers. Nobody waits in a group, there are no pages to write,
no checkpoints, and a restart replays nothing. Readers share the volume: a failover loses no acknowledged commit.

Sources: AWS blog and Verbitski et al., SIGMOD 2017 and 2018, as excerpts: 4 of 6, log records only.
"""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting
from sim.lower.steps import Distribution, Step, call, constant, use
from sim.lower.sums import kth_fastest, mean_ns, sum_of
from sim.network.places import Delay
from sim.scenario.model.stores.base import Failover
from sim.scenario.model.stores.managed import AuroraCluster

STORAGE = "aurora-storage"
"""Station: until a quorum of storage nodes has a commit."""
QUORUM, COPIES, IN_ITS_ZONE = 4, 6, 2


class QuorumCommit:
    """The storage in `parts`, and a commit as a step on it. key: of the store, whose constants tell its times."""

    def __init__(self, parts: Parts, constants: Constants, key: str, near_ns: int, far_ns: int | None) -> None:
        """near_ns, far_ns: round trip within a zone and to another one; None takes the preset's."""
        self.parts = parts
        further_ns = constants.number(f"{key}.replication_rtt", far_ns)
        if parts.zoning is not None:
            further_ns = parts.zoning.zones.rtt_ns
        ways_ns = (*[near_ns] * IN_ITS_ZONE, *[further_ns] * (COPIES - IN_ITS_ZONE))
        self.answer = kth_fastest(QUORUM, constants.distribution(f"{key}.aurora_write"), ways_ns)
        path = f"constants.{key}.aurora_write"
        parts.add_station(
            STORAGE,
            Delay(kind="delay", service=self.answer),
            Setting("Aurora's storage", path, "nothing: it is Amazon's", "CloudWatch CommitLatency"),
        )
        constants.record_assumptions(
            {
                "what the death of the writer loses": "no acknowledged commit: readers share the volume",
                "Aurora's storage": (
                    "has room for everybody, in the run and in the bill; a lost zone leaves a quorum, here as fast as "
                    "before"
                ),
                "pages in memory after a failover": "none: the cache of the reader that takes over is not told",
            }
        )

    def step(self) -> Step:
        """From COMMIT until a quorum has it."""
        self.parts.routines.setdefault("commit", (use(STORAGE),))
        return call("commit")

    def mean_ns(self) -> int:
        """Mean time of a commit."""
        return round(mean_ns(self.answer))


def aurora_away(constants: Constants, key: str, aurora: AuroraCluster, own: Failover) -> Distribution:
    """From the death of the writer until connections find one that takes writes."""
    redirect = constant(0) if own.redirect is None else own.redirect
    if own.time is not None:
        return sum_of(own.time, redirect)
    if not aurora.readers:
        constants.record_assumption(
            "an Aurora writer without readers", "restarts where it is: a new instance is not waited for"
        )
        return sum_of(constants.distribution(f"{key}.aurora_restart"), redirect)
    return sum_of(constants.distribution(f"{key}.aurora_failover"), redirect)
