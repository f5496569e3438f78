"""SQLite under Temporal's dev server: one connection, which has every operation to itself, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting, inner, p99
from sim.lower.steps import Fork, ForkBody, Step, Steps, acquire, constant, delay, release, use
from sim.lower.stores.base import Loss, Store
from sim.lower.sums import sum_of
from sim.network.places import Resource, Server
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.presets import Transition
from sim.scenario.scenario import Scenario

WRITER = "sqlite"
"""The connection."""
CPU = "sqlite-cpu"
"""The cores that statements run on, where a host has them."""


_CONNECTION = Setting(
    "SQLite's connection",
    "sqlite.database",
    "another database: SQLite has one writer",
    p99("persistence_latency", operation="UpdateWorkflowExecution"),
    "new cluster",
)


class SqliteStore(Store):
    """A SQLite database as Temporal's store.

    on_host: whether its statements are work on the cores of a host, while the connection is held, and its commits
        waits for the disk beside them; else the time of both passes beside all cores.
    """

    def __init__(self, parts: Parts, constants: Constants, scenario: Scenario) -> None:
        super().__init__(parts, constants, scenario)
        assert scenario.sqlite is not None
        self.sqlite = scenario.sqlite
        on_host = any("sqlite" in host.components for host in scenario.hosts.values())
        self.rtt_ns = 0  # in the process of the server
        self.statement_ns = constants.number("sqlite.statement")
        self.on_host = on_host
        if on_host:
            parts.add_resource(WRITER, Resource(units=1), _CONNECTION)
            parts.add_station(CPU, Server(cores=1), inner("cores of the host, which takes their place"))
        else:
            parts.add_station(WRITER, Server(servers=1), _CONNECTION)
            constants.record_assumption(
                "cores of the dev server's host", "the store's time passes beside those of its services"
            )
        constants.record_assumption(
            "connections to SQLite",
            "one: whoever reads or writes waits for its turn",
            "Temporal server, common/persistence/sql/sqlplugin/sqlite, 2026-08-21",
        )

    def writing(self, transition: Transition, on_the_way_ns: int, owned: bool, anew: bool = False) -> Iterator[Step]:
        """Reads, the append that commits by itself, the transaction; what nobody waits for comes after them."""
        if on_the_way_ns:
            yield delay(constant(on_the_way_ns), "network")
        if transition.reads:
            yield from self._visit(transition.reads, 0)
        if transition.append:
            yield from self._visit(transition.append + (2 if transition.append_transaction else 0), 1)
        yield from self._visit(len(transition.rows) + 2, 1)
        if transition.background:
            behind = self._visit(transition.background, transition.background_commits)
            yield Fork(fork=ForkBody(branches=(behind,), join=0))

    def operations(self, transition: Transition) -> dict[str, int]:
        """Statements and commits."""
        return {
            "storage_query": transition.statements,
            "commit": transition.waited_commits,
            "background_commit": transition.background_commits,
        }

    def outage(self, fault: DeploymentFault) -> tuple[Loss, ...]:
        """It is part of the server's process: no target leads here."""
        raise AssertionError(fault.target)

    @classmethod
    def features(cls, constants: Constants, scenario: Scenario) -> Iterator[tuple[str, float | str]]:
        """Where it lives."""
        assert scenario.sqlite is not None
        yield "database", scenario.sqlite.database

    def _visit(self, statements: int, commits: int) -> Steps:
        cpu = constant(statements * self.statement_ns)
        writes = [self.constants.distribution("sqlite.commit")] * commits if self.sqlite.database == "file" else []
        if not self.on_host:
            return (use(WRITER, demand=sum_of(cpu, *writes)),)
        waits = (delay(sum_of(*writes), "service"),) if writes else ()
        return (acquire(WRITER), use(CPU, demand=cpu), *waits, release(WRITER))
