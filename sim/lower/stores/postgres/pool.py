"""Connections to PostgreSQL: the pools of the pods, pgbouncer behind them, and what backends cost each other.

Without pgbouncer a pod's connection is a backend of the primary, kept for all transactions of a transition and closed
when the primary dies. With pgbouncer in transaction mode it is a connection to pgbouncer; pgbouncer
allocates a backend for one transaction at a time. A transaction that finds no free backend waits in pgbouncer, also
while the primary is away.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting, cpu, gauge, of
from sim.lower.steps import Distribution, Step, acquire, release, use
from sim.lower.stores.client_pool import CLIENT, ClientPool
from sim.lower.stores.postgres.commit import PRIMARY
from sim.lower.stores.sql_store import cores_setting
from sim.network.distributions import Uniform
from sim.network.places import Contention, NodeGroup, Resource, Server
from sim.scenario.model.platform import TemporalCluster
from sim.scenario.model.stores.postgres import PgBouncer, PostgresCluster

CPU = "postgres-cpu"
BACKEND = "server-connections"
"""Resource: connections of pgbouncer to the primary."""
BOUNCER = "pgbouncer"


class Pool(ClientPool):
    """The pools' places in `parts`, and the ways in and out of them as steps."""

    def __init__(
        self,
        parts: Parts,
        constants: Constants,
        temporal: TemporalCluster,
        postgres: PostgresCluster,
        bouncer: PgBouncer | None,
    ) -> None:
        super().__init__(parts, constants, temporal, "postgres", CPU)
        self.bouncer = bouncer
        self.backend = BACKEND if self._by_transaction else CLIENT
        parts.add_station(CPU, cores_of(constants, postgres), cores_setting("postgres", postgres))
        # pgbouncer accepts a connection at once and outlives the primary; in session mode it only passes on.
        self._add_client_pool(1 if self._by_transaction else PRIMARY)
        if bouncer is not None:
            self._add_bouncer(bouncer)
        self._add_recycling()

    @property
    def _by_transaction(self) -> bool:
        return self.bouncer is not None and self.bouncer.pool_mode == "transaction"

    def application(self, queue: str, pods: int) -> str:
        """The pool of an application's own connections, on the workers of a queue; its name."""
        name = f"{queue}-connections"
        size = self.constants.number("postgres.application_pool")
        self.parts.add_resource(
            name,
            Resource(
                nodes=1 if self._by_transaction else PRIMARY,
                units=pods * size,
                opening=self.connect,
                when_down="refuse",
            ),
            Setting(
                of(queue, "own connections"),
                "constants.postgres.application_pool",
                "pool size of the application",
                gauge("pg_stat_activity_count", state="active"),
                "restart",
                size,
            ),
        )
        self.constants.record_assumption("round trip of applications to the primary", "that of the history service")
        return name

    def begin(self, messages: int) -> Iterator[Step]:
        """A transaction begins: pgbouncer passes its messages on, over a backend where it takes one for each."""
        if self.bouncer is None:
            return
        if self._by_transaction:
            yield acquire(BACKEND, patience_ns=self._query_wait_timeout_ns())
        yield use("pgbouncer-cpu", messages * self.constants.number("postgres.pgbouncer_cpu_per_message"))

    def end(self) -> Iterator[Step]:
        """A transaction has ended."""
        if self._by_transaction:
            yield release(BACKEND)

    @property
    def hop_ns(self) -> int:
        """What pgbouncer adds to a round trip."""
        return 0 if self.bouncer is None else self.constants.number("postgres.pgbouncer_hop")

    def redirect(self) -> Distribution | None:
        """From the promotion until connections go to the new primary, where that takes time."""
        if self.bouncer is None:
            return None
        longest_ns = self.constants.number("postgres.pgbouncer_dns_max_ttl", self.bouncer.dns_max_ttl_ns)
        return Uniform(uniform_ns=(0, longest_ns)) if longest_ns else None

    def _query_wait_timeout_ns(self) -> int:
        assert self.bouncer is not None
        return self.constants.number("postgres.pgbouncer_query_wait_timeout", self.bouncer.query_wait_timeout_ns)

    def _add_bouncer(self, bouncer: PgBouncer) -> None:
        constants = self.constants
        self.parts.nodes[BOUNCER] = NodeGroup(count=bouncer.replicas)
        # One process, one thread: more than a core is of no use to it.
        self.parts.add_station(
            "pgbouncer-cpu",
            Server(nodes=BOUNCER, cores=min(bouncer.cpu_cores, 1.0)),
            Setting(
                "pgbouncer's CPU",
                "pgbouncer.replicas",
                "more processes (so_reuseport)",
                cpu("pgbouncer"),
                "live",
                bouncer.replicas,
            ),
        )
        if self._by_transaction:
            size = pool_size(constants, bouncer)
            self.parts.add_resource(
                BACKEND,
                Resource(nodes=PRIMARY, units=size, open=0, opening=self.connect),
                Setting(
                    "pgbouncer's connections",
                    "pgbouncer.default_pool_size",
                    "default_pool_size",
                    gauge("pgbouncer_pools_client_waiting_connections"),
                    "live",
                    size // bouncer.replicas,
                ),
            )
            if bouncer.replicas > 1:
                constants.record_assumption(
                    "pools of the pgbouncer replicas", "act as one", "derived: a pod's connections use any"
                )


def pool_size(constants: Constants, bouncer: PgBouncer) -> int:
    """Backends that all replicas of pgbouncer may open."""
    size = bouncer.default_pool_size or constants.number("postgres.pgbouncer_default_pool_size")
    return bouncer.replicas * size


def cores_of(constants: Constants, postgres: PostgresCluster) -> Server:
    """The cores of the primary, on which backends at work slow each other."""
    coherency = constants.ratio("postgres.backend_coherency", postgres.backend_coherency)
    return Server(
        nodes=PRIMARY, cores=postgres.cores, contention=Contention(coherency=coherency) if coherency else None
    )
