"""The fault of a database that holds tables: how long it is away, and what becomes of the work there."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Problem
from sim.lower.context import Context
from sim.lower.faults.pods import as_fault
from sim.lower.rates import operations_each, rate_of
from sim.lower.steps import Distribution
from sim.lower.stores.postgres.recovery import WAL_BYTES, redo_time, taken_over
from sim.lower.sums import sum_of
from sim.network.faults import Fault, Target
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.stores.postgres import Checkpoint
from sim.scenario.model.tables import Database
from sim.scenario.reading.document import dotted
from sim.scenario.scenario import Scenario


def database_fault(context: Context, fault: DeploymentFault) -> Fault:
    """A fault of a data store, as one of its node."""
    constants, database = context.constants, fault.target.removeprefix("databases.")
    if fault.happens != "crash":
        assert fault.repair is not None, "checked when it was read"
        constants.note(f"statements at {database} that fail", "are not made again by anybody")
        return as_fault(fault, (Target(group=database),), fault.repair)
    constants.note(
        f"clients of {database} while it is away",
        "wait until it is back; statements under way fail, and nobody makes them again",
    )
    constants.note(f"memory of {database} after a crash", "holds its share of the pages at once")
    return as_fault(fault, (Target(group=database),), _away(context, database))


def database_fault_problems(scenario: Scenario) -> Iterator[Problem]:
    """Faults of data stores that cannot be meant."""
    for path, fault in scenario.failing:
        if not fault.of_database:
            continue
        database = scenario.databases.get(fault.target.removeprefix("databases."))
        if database is None:
            continue
        problem = _problem(database)
        if problem:
            yield Problem(dotted(path), f"is {fault.target}, {problem[0]}", problem[1])


def _problem(database: Database) -> tuple[str, str] | None:
    if database.is_ring:
        return "a ring, whose nodes are asked in turn here, not by token", "lose a node of the store   cassandra"
    if database.nodes > 1:
        return (
            f"whose rows lie on {database.nodes} nodes; who asks one that is away would go to another one",
            "make do with a database of one node",
        )
    return None


def _away(context: Context, name: str) -> Distribution:
    """A standby takes over where there is one; else the log since the last checkpoint is replayed."""
    parts, constants, scenario = context.parts, context.constants, context.scenario
    if scenario.databases[name].copies > 1:
        return sum_of(*taken_over(constants))
    written = [one for one, ingest in scenario.ingest.items() if scenario.tables[ingest.table].database == name]
    log_bytes_per_s = sum(
        rate_of(parts.sources[one].arrivals) * operations_each(parts, one, WAL_BYTES) for one in written
    )
    return redo_time(constants, Checkpoint(), log_bytes_per_s)
