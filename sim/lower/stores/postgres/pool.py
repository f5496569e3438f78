"""Connections to PostgreSQL: the pools of the pods, pgbouncer behind them, and what backends cost each other.

Without pgbouncer a pod's connection is a backend of the primary, kept for all transactions of a transition and closed
when the primary dies. With pgbouncer in transaction mode it is a connection to pgbouncer; a backend is taken for one
transaction at a time, and who finds none waits in pgbouncer, also while the primary is away.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting, of
from sim.lower.steps import Distribution, Step, acquire, count, delay, release, use
from sim.lower.stores.postgres.commit import PRIMARY
from sim.lower.watch import cpu, gauge
from sim.network.distributions import Uniform
from sim.network.places import Contention, NodeGroup, Resource, Server
from sim.network.sources import PoissonArrivals, Source
from sim.scenario.model.platform import TemporalCluster
from sim.scenario.model.stores.pgbouncer import PgBouncer
from sim.scenario.model.stores.postgres import PostgresCluster
from sim.units.tables import SECOND

CPU = "postgres-cpu"
CLIENT = "connections"
"""Resource: connections of the pods' pools."""
BACKEND = "server-connections"
"""Resource: connections of pgbouncer to the primary."""
BOUNCER = "pgbouncer"


class Pool:
    """The pools' places in `parts`, and the ways in and out of them as steps."""

    def __init__(
        self,
        parts: Parts,
        constants: Constants,
        temporal: TemporalCluster,
        postgres: PostgresCluster,
        bouncer: PgBouncer | None,
    ) -> None:
        self.parts = parts
        self.constants = constants
        self.temporal = temporal
        self.bouncer = bouncer
        own = temporal.sql.connect
        self.connect = constants.distribution("postgres.connect") if own is None else own
        self.connect_cpu_ns = constants.number("postgres.connect_cpu")
        own_ns = temporal.sql.acquire_timeout_ns
        self.acquire_timeout_ns = constants.number("temporal.acquire_timeout") if own_ns is None else own_ns
        self.pods = temporal.history.replicas if temporal.history is not None else 1
        self.most = _most(constants, temporal)
        parts.add_station(CPU, cores_of(constants, postgres), cores_setting(postgres))
        self._add_client_pool()
        if bouncer is not None:
            self._add_bouncer(bouncer)
        if temporal.sql.max_conn_lifetime_ns is not None:
            self._add_recycling(temporal.sql.max_conn_lifetime_ns)

    @property
    def _by_transaction(self) -> bool:
        return self.bouncer is not None and self.bouncer.pool_mode == "transaction"

    @property
    def backend(self) -> str:
        """The resource of which a transaction holds a connection to the primary."""
        return BACKEND if self._by_transaction else CLIENT

    def enter(self, anew: bool = False) -> Iterator[Step]:
        """A connection of the pod's pool. anew: the one before was lost, so that the primary has to set one up."""
        yield acquire(CLIENT, patience_ns=self.acquire_timeout_ns)
        if anew:
            yield use(CPU, self.connect_cpu_ns)
            yield count(connection=1)

    def leave(self) -> Iterator[Step]:
        """The connection is given back."""
        yield release(CLIENT)

    def application(self, queue: str, pods: int) -> str:
        """The pool of an application's own connections, on the workers of a queue; its name."""
        name = f"{queue}-connections"
        size = self.constants.number("postgres.application_pool")
        resource = Resource(
            nodes=1 if self._by_transaction else PRIMARY,
            units=pods * size,
            opening=self.connect,
            when_down="refuse",
        )
        setting = Setting(
            of(queue, "own connections"),
            "constants.postgres.application_pool",
            "pool size of the application",
            gauge("pg_stat_activity_count", state="active"),
            "restart",
            size,
        )
        self.parts.add_resource(name, resource, setting)
        self.constants.note("round trip of applications to the primary", "that of the history service")
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
        ttl_ns = self.bouncer.dns_max_ttl_ns
        longest_ns = self.constants.number("postgres.pgbouncer_dns_max_ttl") if ttl_ns is None else ttl_ns
        return Uniform(uniform_ns=(0, longest_ns)) if longest_ns else None

    def _query_wait_timeout_ns(self) -> int:
        assert self.bouncer is not None
        own_ns = self.bouncer.query_wait_timeout_ns
        return self.constants.number("postgres.pgbouncer_query_wait_timeout") if own_ns is None else own_ns

    def _add_client_pool(self) -> None:
        constants, initial = self.constants, self.temporal.sql.initial
        # pgbouncer accepts a connection at once and outlives the primary; in session mode it only passes on.
        resource = Resource(
            nodes=1 if self._by_transaction else PRIMARY,
            units=self.most,
            open=None if initial is None else self.pods * initial,
            opening=self.connect,
            when_down="refuse",
        )
        setting = Setting(
            "connections",
            "temporal.sql.max_conns",
            "maxConns",
            f"{gauge('persistence_sql_in_use')} / {gauge('persistence_sql_max_open_conn')}",
            "restart",
            self.most // self.pods,
        )
        self.parts.add_resource(CLIENT, resource, setting)
        if self.pods > 1:
            constants.note(
                "connection pools of the history pods",
                f"act as one of {self.most}",
                "derived: an execution may use any",
            )
        constants.note(
            "CPU of setting up a connection",
            "taken by history's that are opened anew after a loss, on top of their time; not by those that are opened "
            "while a pool grows, nor by applications'",
        )

    def _add_bouncer(self, bouncer: PgBouncer) -> None:
        constants = self.constants
        self.parts.nodes[BOUNCER] = NodeGroup(count=bouncer.replicas)
        # One process, one thread: more than a core is of no use to it.
        one = Setting(
            "pgbouncer's CPU",
            "pgbouncer.replicas",
            "more processes (so_reuseport)",
            cpu("pgbouncer"),
            "live",
            bouncer.replicas,
        )
        self.parts.add_station("pgbouncer-cpu", Server(nodes=BOUNCER, cores=min(bouncer.cpu_cores, 1.0)), one)
        if self._by_transaction:
            size = pool_size(constants, bouncer)
            backends = Setting(
                "pgbouncer's connections",
                "pgbouncer.default_pool_size",
                "default_pool_size",
                gauge("pgbouncer_pools_client_waiting_connections"),
                "live",
                size // bouncer.replicas,
            )
            self.parts.add_resource(
                BACKEND, Resource(nodes=PRIMARY, units=size, open=0, opening=self.connect), backends
            )
            if bouncer.replicas > 1:
                constants.note("pools of the pgbouncer replicas", "act as one", "derived: a pod's connections use any")

    def _add_recycling(self, lifetime_ns: int) -> None:
        """Connections that have come of age: closed, and opened anew at the cost of one."""
        self.parts.routines["recycle-connection"] = (
            acquire(CLIENT),
            delay(self.connect, "service", "reconnect"),
            *((use(CPU, self.connect_cpu_ns),) if self.connect_cpu_ns else ()),
            release(CLIENT),
        )
        self.parts.sources["recycled-connections"] = Source(
            routine="recycle-connection",
            arrivals=PoissonArrivals(poisson_per_s=self.most * SECOND / lifetime_ns),
            counted=False,
        )
        self.constants.note(
            "connections that come of age",
            "one at a time at random, whole pool open",
            "derived: opened at random times",
        )


def cores_setting(postgres: PostgresCluster) -> Setting:
    """The setting of the cores of the primary."""
    words, knob = "PostgreSQL's CPU", "instance class"
    if postgres.rds is not None:
        return Setting(words, "postgres.rds.class", knob, gauge("aws_rds_cpuutilization_average"), "failover")
    return Setting(words, "postgres.cpu", knob, cpu("postgres"), "failover", postgres.cores)


def pool_size(constants: Constants, bouncer: PgBouncer) -> int:
    """Backends that all replicas of pgbouncer may open."""
    size = bouncer.default_pool_size or constants.number("postgres.pgbouncer_default_pool_size")
    return bouncer.replicas * size


def _most(constants: Constants, temporal: TemporalCluster) -> int:
    pods = temporal.history.replicas if temporal.history is not None else 1
    return pods * (temporal.sql.max_conns or constants.number("temporal.max_conns"))


def cores_of(constants: Constants, postgres: PostgresCluster) -> Server:
    """The cores of the primary, on which backends at work slow each other."""
    own = postgres.backend_coherency
    coherency = constants.ratio("postgres.backend_coherency") if own is None else own
    return Server(
        nodes=PRIMARY, cores=postgres.cores, contention=Contention(coherency=coherency) if coherency else None
    )
