"""Cassandra under Temporal: what a transition writes there, in rounds among the replicas.

A transition appends to the history with a plain write and changes the execution with a batch in the partition of its
shard, conditional on the shard's owner and the execution's version: a lightweight transaction, which takes several
rounds of Paxos. History's lock on the shard keeps two of them from meeting in one partition.

Nodes stand in as many racks as a row has replicas, and each rack holds one replica of every row, as is usual with one
rack to a zone. Which node of a rack has a row is told by a hash of the execution, drawn apart for each rack. A round
is a fork whose join is the k-th answer of n; the slower ones are worked off all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting, cpu
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
    call,
    constant,
    count,
    delay,
    fail,
    use,
)
from sim.lower.stores.base import Loss, Store
from sim.lower.sums import sum_of
from sim.network.faults import Target as NodeTarget
from sim.network.places import Keyed, NodeGroup, Server
from sim.network.routines import Retry
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.stores.cassandra import CassandraCluster
from sim.scenario.presets import Transition
from sim.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Replica:
    """The nodes of one rack. far: in another data centre than Temporal's services."""

    group: str
    far: bool

    @property
    def station(self) -> str:
        """The cores of its nodes."""
        return f"{self.group}-cpu"


class Replicas:
    """The racks' places in `parts`, and rounds among them as steps."""

    def __init__(self, parts: Parts, constants: Constants, cassandra: CassandraCluster) -> None:
        self.parts = parts
        self.constants = constants
        self.cassandra = cassandra
        self.replicas: list[Replica] = []
        compaction = constants.ratio("cassandra.compaction", cassandra.compaction)
        self.replica_rtt_ns = constants.number("cassandra.replica_rtt", cassandra.replica_rtt_ns)
        self.write = constants.distribution("cassandra.cpu_per_write")
        factor, cores = cassandra.replication_factor, cassandra.cpu_cores * (1 - compaction)
        threads = constants.number("cassandra.concurrent_writes") + constants.number("cassandra.concurrent_reads")
        for center in range(cassandra.datacenters):
            for rack in range(factor):
                group = f"cassandra{'' if center == 0 else f'-{center + 1}'}-rack-{rack + 1}"
                replica = Replica(group, center > 0)
                self.replicas.append(replica)
                parts.nodes[group] = NodeGroup(count=len(range(rack, cassandra.nodes, factor)))
                station = Server(nodes=group, cores=cores, servers=threads, keyed=Keyed(), when_down="refuse")
                words = f"CPU of Cassandra's rack {rack + 1}" + (f", data centre {center + 1}" if center else "")
                parts.add_station(
                    replica.station,
                    station,
                    Setting(words, "cassandra.nodes", "more nodes", cpu("cassandra"), "live", cassandra.nodes),
                )
        self.near = [replica for replica in self.replicas if not replica.far]
        self.far = [replica for replica in self.replicas if replica.far]
        self.majority = factor // 2 + 1

    @property
    def needed(self) -> int:
        """Answers that the consistency level waits for."""
        match self.cassandra.consistency:
            case "one":
                return 1
            case "local_quorum":
                return self.majority
            case "quorum":
                return len(self.replicas) // 2 + 1
            case "all":
                return len(self.replicas)

    def way_ns(self, needed: int) -> int:
        """Time on the way in a round. The coordinator is a replica itself (token-aware clients), so that one answer
        takes no way; two or more wait for another rack."""
        return 0 if needed == 1 else self.replica_rtt_ns

    # -- rounds -----------------------------------------------------------------------------------------------

    def mutation(self, demand: Distribution) -> Steps:
        """Every replica writes; as many as the consistency level says have to have."""
        if not self.far or self.cassandra.consistency in ("quorum", "all"):
            return (self._fork([self._kept(replica, demand) for replica in self.replicas], self.needed),)
        return (
            self._fork([self._kept(replica, demand) for replica in self.far], 0),
            self._fork([self._kept(replica, demand) for replica in self.near], self.needed),
        )

    def mutation_behind(self, demand: Distribution) -> Steps:
        """Every replica writes, and nobody waits for it."""
        return (self._fork([self._kept(replica, demand) for replica in self.replicas], 0),)

    def agreement(self, demand: Distribution) -> Steps:
        """A round of Paxos: the replicas of the data centre are asked (LOCAL_SERIAL), a majority has to answer."""
        return (self._fork([self._requested(replica, demand) for replica in self.near], self.majority),)

    def reading(self, demand: Distribution, needed: int) -> Steps:
        """As many replicas as have to answer are asked, by turns; if one of them is down, all are.

        Those of the own data centre go first; those of others are asked by the levels that count them alone.
        """
        return self._by_turns(demand, requested=needed, needed=needed)

    def logging(self, demand: Distribution, behind: bool = False) -> Steps:
        """A batch is written down (or struck out, behind the operation) on two nodes, of which one has to answer."""
        return self._by_turns(demand, requested=min(2, len(self.near)), needed=0 if behind else 1)

    def _by_turns(self, demand: Distribution, requested: int, needed: int) -> Steps:
        far = self.far if self.cassandra.consistency in ("quorum", "all") else []
        everybody = [self._requested(replica, demand) for replica in self.near + far]
        if requested == len(everybody):
            return (self._fork(everybody, needed),)
        turns = len(self.near)
        options = []
        for turn in range(turns):
            chosen = (_turned(self.near, turn) + _turned(far, turn))[:requested]
            branches = [self._requested(replica, demand) for replica in chosen]
            steps = (self._fork(branches, needed),) if len(branches) > 1 or needed == 0 else branches[0]
            options.append(Option(probability=None if turn == turns - 1 else 1 / turns, steps=steps))
        branch = Branch(branch=tuple(options))
        if needed == 0:
            return (branch,)
        body = AttemptBody(steps=(branch,), on_failure=(self._fork(everybody, needed),), counted=False)
        return (Attempt(attempt=body),)

    def _fork(self, branches: list[Steps], needed: int) -> Step:
        return Fork(fork=ForkBody(branches=tuple(branches), join=needed))

    def _requested(self, replica: Replica, demand: Distribution) -> Steps:
        there = use(replica.station, demand=demand)
        return (delay(constant(self._far_ns()), "network"), there) if replica.far else (there,)

    def _far_ns(self) -> int:
        far_ns = self.cassandra.datacenter_rtt_ns
        assert far_ns is not None, "checked when it was read"
        return far_ns

    # -- hinted handoff ---------------------------------------------------------------------------------------

    def _kept(self, replica: Replica, demand: Distribution) -> Steps:
        """A write by a replica; if it is down, the write is kept for it, which is no answer."""
        missed: Steps = (count(missed_write=1),)
        if self.cassandra.hinted_handoff:
            missed = (*missed, self._fork([(call(self._hint(replica)),)], 0))
        body = AttemptBody(
            steps=self._requested(replica, demand), on_failure=(*missed, fail("unavailable")), counted=False
        )
        return (Attempt(attempt=body),)

    def _hint(self, replica: Replica) -> str:
        """The routine of a hint: another rack writes it down, and delivers it once the node is back."""
        name = f"hint-{replica.group}"
        if name not in self.parts.routines:
            number = self.constants.number
            others = [other for other in self.replicas if other.far == replica.far and other != replica]
            written = (use(others[0].station, demand=self.write),) if others else ()
            every_ns = number("cassandra.hint_interval")
            delivery = AttemptBody(
                steps=(use(replica.station, demand=self.write), count(hint_delivered=1)),
                retry=Retry(
                    initial_interval_ns=every_ns,
                    backoff_coefficient=1.0,
                    maximum_attempts=1 + number("cassandra.hint_window") // every_ns,
                ),
                on_failure=(count(hint_expired=1),),
                counted=False,
            )
            self.parts.routines[name] = (*written, Attempt(attempt=delivery))
        return name

    # -- faults -----------------------------------------------------------------------------------------------

    def targets(self, nodes: Literal["any", "all"] | tuple[int, ...], each: bool) -> tuple[NodeTarget, ...]:
        """Which nodes of the first data centre a fault hits: all, one that is drawn, or those listed.

        The nodes are counted round the racks.
        """
        if each or nodes == "all":
            return tuple(NodeTarget(group=replica.group) for replica in self.near)
        if nodes == "any":
            self.constants.record_assumption(
                "the node of Cassandra that fails", "one of the first rack; the racks are alike"
            )
            return (NodeTarget(group=self.near[0].group, nodes="any"),)
        racks: dict[int, list[int]] = {}
        for node in nodes:
            racks.setdefault(node % len(self.near), []).append(node // len(self.near))
        return tuple(
            NodeTarget(group=self.near[rack].group, nodes=tuple(found)) for rack, found in sorted(racks.items())
        )


def _turned(replicas: list[Replica], turn: int) -> list[Replica]:
    """The list from one of them on, going round."""
    if not replicas:
        return []
    first = turn % len(replicas)
    return replicas[first:] + replicas[:first]


@dataclass(frozen=True, slots=True)
class Round:
    """What a replica does in a round of Paxos, in reads and writes of the row and of `system.paxos`.

    requested: a majority is asked and has to answer, as in a read; else all are asked.
    """

    reads: int = 0
    writes: int = 0
    requested: bool = False


PREPARE = Round(reads=1, writes=1)
READ = Round(reads=1, requested=True)
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
        self.client_rtt_ns = constants.number("cassandra.rtt", cassandra.rtt_ns)
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
            self.constants.record_assumption(
                "a node of Cassandra that stands still", "is asked all the same: nobody gives it up"
            )
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
            steps += replicas.reading(work, replicas.majority) if round_.requested else replicas.agreement(work)
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
        note = self.constants.record_assumption
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
        self.constants.record_assumptions(
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
