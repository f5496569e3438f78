"""Cassandra under Temporal: what a transition writes there, in rounds among the replicas.

A transition appends to the history with a plain write and changes the execution with a batch in the partition of its
shard, conditional on the shard's owner and the execution's version: a lightweight transaction, which takes several
rounds of Paxos. History's lock on the shard keeps two of them from meeting in one partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.steps import Distribution, Fork, ForkBody, Step, Steps, call, constant, delay
from sim.lower.stores.base import Loss, Store
from sim.lower.stores.replicas import Replicas
from sim.lower.sums import sum_of
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.presets import Transition
from sim.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Round:
    """What a replica does in a round of Paxos, in reads and writes of the row and of `system.paxos`.

    asked: a majority is asked and has to answer, as in a read; else all are asked.
    """

    reads: int = 0
    writes: int = 0
    asked: bool = False


PREPARE = Round(reads=1, writes=1)
READ = Round(reads=1, asked=True)
PREPARE_AND_READ = Round(reads=2, writes=1)
PROPOSE = Round(reads=1, writes=1)
COMMIT_WRITES = 2
"""The mutation, and the state of the partition in `system.paxos`."""
ROUNDS = {"v1": (PREPARE, READ, PROPOSE), "v2": (PREPARE_AND_READ, PROPOSE)}
"""Rounds before the commit, by `paxos_variant`."""


class CassandraStore(Store):
    """A Cassandra cluster as Temporal's store."""

    def __init__(self, parts: Parts, constants: Constants, scenario: Scenario) -> None:
        super().__init__(parts, constants, scenario)
        assert scenario.cassandra is not None
        cassandra = self.cassandra = scenario.cassandra
        self.replicas = Replicas(parts, constants, cassandra)
        self.read = constants.distribution("cassandra.cpu_per_read")
        own_ns = cassandra.rtt_ns
        self.client_rtt_ns = constants.number("cassandra.rtt") if own_ns is None else own_ns
        self.rtt_ns = self.client_rtt_ns + self.replicas.way_ns(self.replicas.needed)
        self._add_operations()
        self._note()

    def writing(self, transition: Transition, on_the_way_ns: int, owned: bool, anew: bool = False) -> Iterator[Step]:
        """Reads, the append, the conditional write, one after the other; behind them what nobody waits for."""
        if on_the_way_ns:
            yield delay(constant(on_the_way_ns), "network")
        for _ in range(transition.read_requests):
            yield call("cassandra-read")
        if transition.append:
            yield call("cassandra-batch" if transition.append_transaction else "cassandra-write")
        yield call(self._change())
        behind = [(call("cassandra-read"),)] * transition.queue_reads
        behind += [(call(self._change() if first else "cassandra-write"),) for first in _deletes(transition)]
        if behind:
            yield Fork(fork=ForkBody(branches=tuple(behind), join=0))

    def operations(self, transition: Transition) -> dict[str, int]:
        """Requests by kind."""
        deletes = list(_deletes(transition))
        conditional = 1 + sum(deletes)
        plain = len(deletes) - sum(deletes) + (1 if transition.append else 0)
        if not self.cassandra.conditional_writes:
            conditional, plain = 0, plain + conditional
        reads = transition.read_requests + transition.queue_reads
        return {
            "storage_query": reads + plain + conditional,
            "conditional_write": conditional,
            "plain_write": plain,
            "read": reads,
        }

    def outage(self, fault: DeploymentFault) -> tuple[Loss, ...]:
        """Nodes that are away until they are repaired; nothing takes their place meanwhile."""
        assert fault.nodes != "rolling", "checked when it was read"
        if fault.happens == "pause":
            self.constants.note("a node of Cassandra that stands still", "is asked all the same: nobody gives it up")
        return (Loss(self.replicas.targets(fault.nodes, each=fault.mttf_ns is not None), fault.lasts),)

    @classmethod
    def cores_among(cls, stations: Iterable[str]) -> Iterator[str]:
        """Those of the racks."""
        yield from (name for name in stations if name.startswith("cassandra") and name.endswith("-cpu"))

    # -- operations -------------------------------------------------------------------------------------------

    def _change(self) -> str:
        return "cassandra-conditional-write" if self.cassandra.conditional_writes else "cassandra-write"

    def _add_operations(self) -> None:
        replicas, routines = self.replicas, self.parts.routines
        needed = replicas.needed
        routines["cassandra-read"] = (
            self._way(needed, first=True),
            *replicas.reading(self._work(Round(reads=1)), needed),
        )
        written = self._work(Round(writes=1))
        routines["cassandra-write"] = (self._way(needed, first=True), *replicas.mutation(written))
        # A logged batch of two partitions is written down elsewhere first, and struck out there afterwards.
        routines["cassandra-batch"] = (
            self._way(min(2, len(replicas.near)), first=True),
            *replicas.logging(written),
            self._way(needed),
            *replicas.mutation(self._work(Round(writes=2))),
            *replicas.logging(written, behind=True),
        )
        if self.cassandra.conditional_writes:
            routines["cassandra-conditional-write"] = self._conditional()

    def _conditional(self) -> Steps:
        replicas, steps = self.replicas, list[Step]()
        for number, round_ in enumerate(ROUNDS[self.cassandra.paxos]):
            steps.append(self._way(replicas.majority, first=number == 0))
            work = self._work(round_)
            steps += replicas.reading(work, replicas.majority) if round_.asked else replicas.agreement(work)
        commit = self._work(Round(writes=COMMIT_WRITES))
        if self.cassandra.paxos == "v2":
            return (*steps, *replicas.mutation_behind(commit))
        return (*steps, self._way(replicas.needed), *replicas.mutation(commit))

    def _way(self, needed: int, first: bool = False) -> Step:
        """The way of a round; with the first one of an operation, that of the request and its answer."""
        return delay(constant(self.replicas.way_ns(needed) + (self.client_rtt_ns if first else 0)), "network")

    def _work(self, round_: Round) -> Distribution:
        return sum_of(*[self.read] * round_.reads, *[self.replicas.write] * round_.writes)

    def _note(self) -> None:
        note = self.constants.note
        note(
            "what a transition is in Cassandra",
            "a plain append to the history, then a conditional batch in the partition of the shard",
            "Temporal server, common/persistence/cassandra (mutable_state_store.go, history_store.go), 2026-08",
        )
        if self.cassandra.conditional_writes:
            note(
                f"rounds of a conditional write (Paxos {self.cassandra.paxos})",
                "prepare, read, propose, commit: 4" if self.cassandra.paxos == "v1" else "2, the commit behind them",
                "DataStax documentation, lightweight transactions; AxonOps documentation, Paxos v2; 2026-08",
            )
        self.constants.note_each(
            {
                "a batch of rows in one partition": "one write, however many rows",
                "the coordinator's own replica": "answers as late as one in another rack",
                "disks of Cassandra": (
                    "in nobody's way: the commit log is synced every 10 s (periodic), reads hit the cache"
                ),
                "a node of Cassandra that fails": "known to be down at once: no request waits for its timeout",
                "visibility records": (
                    "in a store of their own, neither simulated nor billed: Cassandra keeps none since 1.24"
                ),
            }
        )


def _deletes(transition: Transition) -> Iterator[bool]:
    """The deletions that follow the retention; the first, of the current execution, is conditional."""
    return (number == 0 for number in range(transition.deletes))
