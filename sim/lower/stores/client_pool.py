"""Connections of Temporal's pods to a SQL store: one pool for all pods of history, and what opening one costs."""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting, gauge
from sim.lower.steps import Step, acquire, count, delay, release, use
from sim.network.places import Resource
from sim.network.sources import PoissonArrivals, Source
from sim.scenario.model.platform import TemporalCluster
from sim.units.tables import SECOND

CLIENT = "connections"
"""Resource: connections of the pods' pools."""


class ClientPool:
    """The pool's places in `parts`, and the ways in and out of it as steps.

    product: whose constants tell what a connection takes. cores: the station that sets one up. backend: of what
    a transaction holds a connection to the primary.
    """

    backend = CLIENT

    @property
    def hop_ns(self) -> int:
        """What something between the pods and the primary adds to a round trip."""
        return 0

    def __init__(
        self, parts: Parts, constants: Constants, temporal: TemporalCluster, product: str, cores: str
    ) -> None:
        self.parts = parts
        self.constants = constants
        self.temporal = temporal
        self.cores = cores
        self.connect = constants.distribution(f"{product}.connect", temporal.sql.connect)
        self.connect_cpu_ns = constants.number(f"{product}.connect_cpu")
        self.acquire_timeout_ns = constants.number("temporal.acquire_timeout", temporal.sql.acquire_timeout_ns)
        self.pods = temporal.history.replicas if temporal.history is not None else 1
        self.most = self.pods * (temporal.sql.max_conns or constants.number("temporal.max_conns"))

    def enter(self, anew: bool = False) -> Iterator[Step]:
        """A connection of the pod's pool. anew: the one before was lost, so that the primary has to set one up."""
        yield acquire(CLIENT, patience_ns=self.acquire_timeout_ns)
        if anew:
            yield use(self.cores, self.connect_cpu_ns)
            yield count(connection=1)

    def leave(self) -> Iterator[Step]:
        """The connection is given back."""
        yield release(CLIENT)

    def begin(self, messages: int) -> Iterator[Step]:
        """A transaction of so many messages begins."""
        yield from ()

    def end(self) -> Iterator[Step]:
        """A transaction has ended."""
        yield from ()

    def _add_client_pool(self, nodes: str | int) -> None:
        """nodes: the group at whose other end they are; 1 where something before it keeps them."""
        constants, initial = self.constants, self.temporal.sql.initial
        self.parts.add_resource(
            CLIENT,
            Resource(
                nodes=nodes,
                units=self.most,
                open=None if initial is None else self.pods * initial,
                opening=self.connect,
                when_down="refuse",
            ),
            Setting(
                "connections",
                "temporal.sql.max_conns",
                "maxConns",
                f"{gauge('persistence_sql_in_use')} / {gauge('persistence_sql_max_open_conn')}",
                "restart",
                self.most // self.pods,
            ),
        )
        if self.pods > 1:
            constants.record_assumption(
                "connection pools of the history pods",
                f"act as one of {self.most}",
                "derived: an execution may use any",
            )
        constants.record_assumption(
            "CPU of setting up a connection",
            "taken by history's that are opened anew after a loss, on top of their time; not by those that are opened "
            "while a pool grows, nor by applications'",
        )

    def _add_recycling(self) -> None:
        """Connections that have come of age: closed, and opened anew at the cost of one."""
        lifetime_ns = self.temporal.sql.max_conn_lifetime_ns
        if lifetime_ns is None:
            return
        self.parts.routines["recycle-connection"] = (
            acquire(CLIENT),
            delay(self.connect, "service", "reconnect"),
            *((use(self.cores, self.connect_cpu_ns),) if self.connect_cpu_ns else ()),
            release(CLIENT),
        )
        self.parts.sources["recycled-connections"] = Source(
            routine="recycle-connection",
            arrivals=PoissonArrivals(poisson_per_s=self.most * SECOND / lifetime_ns),
            counted=False,
        )
        self.constants.record_assumption(
            "connections that come of age",
            "one at a time at random, whole pool open",
            "derived: opened at random times",
        )
