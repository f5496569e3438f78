"""Several masters on the bridge: whose an execution is, and what each applies for the others.

An execution draws its master when it starts; its transitions go there. Once one is acknowledged its rows
travel to each of the others, where one process for each origin applies them, one transaction after the other, on the
cores that also serve that master's own executions: masters add no capacity for writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.lower.constants import Constants
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Branch,
    Distribution,
    Fork,
    ForkBody,
    Option,
    Step,
    Steps,
    acquire,
    constant,
    count,
    delay,
    mark,
    release,
    set_to,
    use,
)
from sim.lower.stores.log import ReplicationLog
from sim.network.routines import Retry
from sim.scenario.model.regions import Masters, Regions
from sim.units.tables import MICROSECOND, SECOND

CROSS_REGION = "cross_region_byte"
"""Operation: a byte that goes from one region to another."""
MASTER = "master"
"""Attribute: index of the master that an execution belongs to."""
WAY = "master-way"
"""Attribute: round trip from there to the farthest other one, in microseconds."""


class ManyMasters:
    """The masters of a scenario.

    waits: whether a commit waits until all of them have it. log: what each writes, as the others apply it.
    """

    def __init__(
        self, constants: Constants, regions: Regions, masters: Masters, serializable: bool, log: ReplicationLog
    ) -> None:
        self.constants = constants
        self.log = log
        self.regions = regions
        self.masters = masters
        self.at = masters.at
        self.waits = masters.isolation == "serializable" and serializable
        if masters.isolation == "serializable" and not self.waits:
            constants.record_assumption(
                "serializable isolation over masters that tell each other later",
                "is not to be had: a transaction does not see what another master has answered within the lag; "
                "`conflict_share` and `anomaly_window` tell how often and for how long",
                "derived: what has not arrived cannot be read; a commit that waits for all masters restores it",
            )
        constants.record_assumptions(
            {
                "services of the platform": "as near to each master as to the first one",
                "what a master applies for the others": (
                    "takes its cores, checkpoints and autovacuum; no page is read for it and nobody waits for its "
                    "flush"
                ),
                "what is on its way when its master is lost": (
                    "arrives all the same; what has not been sent is in its log"
                ),
            }
        )

    def named(self, place: str, master: int) -> str:
        """Name of the copy of a place; the first master has the plain names."""
        return place if master == 0 else f"{place}-{self.at[master]}"

    def way_ns(self, one: int, other: int) -> int:
        """Round trip between two masters."""
        return self.regions.between_ns(self.at[one], self.at[other])

    def others(self, master: int) -> list[int]:
        """All but one."""
        return [index for index in range(len(self.at)) if index != master]

    def ahead_ns(self, one: int, other: int, error_ns: int) -> int:
        """How far the clock of one master is ahead of another one's, 0 where it is behind; the first is ahead most."""
        return max(other - one, 0) * error_ns // (len(self.at) - 1)

    # -- executions ---------------------------------------------------------------------------------------------

    def place_execution(self) -> Step:
        """The step that draws the master of an execution."""
        weights = self.masters.weights or (1.0,) * len(self.at)
        options = []
        for index, weight in enumerate(weights):
            farthest_ns = max(self.way_ns(index, other) for other in self.others(index))
            steps = (set_to(MASTER, index), set_to(WAY, farthest_ns // MICROSECOND))
            last = index == len(weights) - 1
            options.append(Option(probability=None if last else weight / sum(weights), steps=steps))
        return Branch(name="master", branch=tuple(options))

    def by_master(self, versions: Sequence[Steps]) -> Step:
        """What an execution does at its master; one version for each."""
        options = [
            Option(attribute=MASTER, above=index - 0.5, below=index + 0.5, steps=steps)
            for index, steps in enumerate(versions)
        ]
        return Branch(branch=tuple(options))

    def confirmed(self, flush: Distribution) -> Iterator[Step]:
        """What a commit waits for once it is flushed at its own master."""
        if self.waits:
            yield delay(flush, "network", per_ns={WAY: MICROSECOND})

    # -- what the others are told -------------------------------------------------------------------------------

    def applier(self, origin: int, master: int) -> str:
        """The process at a master that applies what another one has written."""
        return f"apply-{self.at[origin]}-at-{self.at[master]}"

    def shipped(self, master: int, rows: int) -> Steps:
        """What a transaction sets off once it is acknowledged at its master; nobody waits for it."""
        size = self.log.bytes(self.constants, rows)
        ways = tuple(
            (*self.applied(master, other, rows), mark(f"replicated-{self.at[other]}")) for other in self.others(master)
        )
        sent = count(**{CROSS_REGION: size * len(ways)})
        return (sent, mark("committed"), Fork(fork=ForkBody(branches=ways, join=0)))

    def applied(self, master: int, other: int, rows: int) -> Steps:
        """The way of a transaction's rows from its master to another one, until they are applied there."""
        applier = self.applier(master, other)
        work: Steps = (
            acquire(applier),
            use(self.named(self.log.cores, other), self.log.apply_ns(self.constants, rows)),
            release(applier),
        )
        # A master that was away is sent again what it had not applied.
        again = Retry(initial_interval_ns=SECOND, backoff_coefficient=1.0)
        return (
            delay(constant(self.way_ns(master, other) // 2), "network"),
            Attempt(attempt=AttemptBody(steps=work, retry=again, counted=False)),
        )
