"""Whether databases, tables, queries and ingest fit together. What fits inside one of them, the models check."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Path, Problem, dotted
from sim.network.distributions import FromAttribute
from sim.scenario.checks.words import unknown, unless_known
from sim.scenario.model.platform import SERVICES
from sim.scenario.model.stores.registry import that_can
from sim.scenario.model.tables import Condition, Table
from sim.scenario.presets import versions
from sim.scenario.scenario import DATA, Scenario

TAKEN = (*SERVICES, *that_can("zones"), "zones")
"""Names of what a platform brings along."""


def table_problems(scenario: Scenario) -> Iterator[Problem]:
    """Everything that does not fit, each with its path in the file."""
    if not any(key in scenario.model_fields_set for key in DATA):
        return
    if not scenario.queries and not scenario.ingest:
        yield Problem("databases", "are there, and nothing is asked of them", "add `queries` or `ingest`")
    if scenario.run.start == "in_progress" and not scenario.workflows:
        yield Problem("run.start", "is in_progress, and there are no workflows", "write start: empty")
    yield from _databases(scenario)
    for name, table in scenario.tables.items():
        yield from _table(scenario, name, table)
    yield from _queries(scenario)
    yield from _ingest(scenario)


def _databases(scenario: Scenario) -> Iterator[Problem]:
    for name, database in scenario.databases.items():
        path: Path = ("databases", name)
        if name in scenario.workers or name in TAKEN:
            yield Problem(dotted(path), "has the name of a part of the platform", "name it otherwise")
        profile = database.disk.profile
        yield from unless_known((*path, "disk", "profile"), "a hardware profile", profile, versions("disk"))
        by = database.spread_by
        for table_name, table in scenario.tables.items():
            if by is not None and table.database == name and by not in table.columns:
                yield unknown((*path, "spread_by"), f"a column of {table_name}", by, table.columns)


def _table(scenario: Scenario, name: str, table: Table) -> Iterator[Problem]:
    path: Path = ("tables", name)
    if table.database not in scenario.databases:
        yield unknown((*path, "database"), "a database", table.database, scenario.databases)
        return
    kind = scenario.databases[table.database].kind
    if table.kept_ns is not None and not any(one.table == name for one in scenario.ingest.values()):
        yield Problem(
            dotted((*path, "kept")), "tells its size by what is written, and nothing is", "write   rows: 100M"
        )
    if (table.key is not None) != (kind == "cassandra"):
        where = "key" if table.key is not None else "database"
        hint = "leave it out" if table.key is not None else "add   key: {partition: [COLUMN], order: COLUMN}"
        yield Problem(dotted((*path, where)), f"is of {kind}; a `key` belongs to Cassandra, and only there", hint)
    for key in ("indexes", "partition"):
        if kind == "cassandra" and getattr(table, key):
            yield Problem(dotted((*path, key)), "is nothing that a Cassandra table has", "use its `key`")
    if table.packed is not None and kind != "timescaledb":
        yield Problem(dotted((*path, "packed")), f"is for TimescaleDB; {table.database} is {kind}")
    yield from _columns(table, path)


def _columns(table: Table, path: Path) -> Iterator[Problem]:
    named: list[tuple[Path, str]] = []
    partition, packed, key = table.partition, table.packed, table.key
    if partition is not None:
        named.append(((*path, "partition", "by"), partition.by))
        if partition.every_ns is not None and partition.by in table.columns:
            yield from _span(table, partition.by, (*path, "partition", "every"))
    if packed is not None:
        named.append(((*path, "packed", "order_by"), packed.order_by))
        if packed.segment_by is not None:
            named.append(((*path, "packed", "segment_by"), packed.segment_by))
        if packed.after_ns is not None and partition is None:
            yield Problem(dotted((*path, "packed", "after")), "is about older chunks; add a `partition`")
        elif packed.after_ns is not None and partition is not None and partition.by in table.columns:
            yield from _span(table, partition.by, (*path, "packed", "after"))
    if key is not None:
        named += [((*path, "key", "partition", index), one) for index, one in enumerate(key.partition)]
        named.append(((*path, "key", "order"), key.order))
        if key.bucket_ns is not None and key.order in table.columns:
            yield from _span(table, key.order, (*path, "key", "bucket"))
    for name, index in table.indexes.items():
        here = (*path, "indexes", name)
        named += [((*here, "columns", place), one) for place, one in enumerate(index.columns)]
        yield from _conditions(table, index.only, (*here, "only"))
    for where, column in named:
        yield from unless_known(where, "a column of it", column, table.columns)


def _conditions(table: Table, where: dict[str, Condition], path: Path) -> Iterator[Problem]:
    for name, condition in where.items():
        if name not in table.columns:
            yield unknown((*path, name), "a column of the table", name, table.columns)
        elif condition.range_ns is not None:
            yield from _span(table, name, (*path, name, "range"))


def _span(table: Table, column: str, path: Path) -> Iterator[Problem]:
    """A length of time is a share of the rows only where it is known what time they cover."""
    if table.columns[column].span_ns is None and table.kept_ns is None:
        yield Problem(
            dotted(path), f"is a time, and how much time `{column}` covers is not told", "give the column a `span`"
        )


def _queries(scenario: Scenario) -> Iterator[Problem]:
    for name, query in scenario.queries.items():
        path: Path = ("queries", name)
        yield from _name(scenario, path, name)
        if query.table not in scenario.tables:
            yield unknown((*path, "table"), "a table", query.table, scenario.tables)
            continue
        table = scenario.tables[query.table]
        yield from _conditions(table, query.where, (*path, "where"))
        for index, column in enumerate(query.reads):
            yield from unless_known((*path, "reads", index), "a column of the table", column, table.columns)
        for key in ("batch", "burst"):
            if isinstance(getattr(query.arrivals, key, None), FromAttribute):
                yield Problem(dotted((*path, "arrivals", key)), "is an attribute, which queries do not carry")
        database = scenario.databases.get(table.database)
        for key in ("parallel", "plans"):
            if database is not None and key in query.model_fields_set and database.is_ring != (key == "parallel"):
                yield Problem(dotted((*path, key)), f"is not for {database.kind}", "leave it out")


def _ingest(scenario: Scenario) -> Iterator[Problem]:
    for name, ingest in scenario.ingest.items():
        path: Path = ("ingest", name)
        yield from _name(scenario, path, name)
        if ingest.table not in scenario.tables:
            yield unknown((*path, "table"), "a table", ingest.table, scenario.tables)
            continue
        database = scenario.databases.get(scenario.tables[ingest.table].database)
        for key in ("method", "statement"):
            if database is not None and key in ingest.model_fields_set and database.is_ring != (key == "statement"):
                yield Problem(dotted((*path, key)), f"is nothing that {database.kind} has", "leave it out")


def _name(scenario: Scenario, path: Path, name: str) -> Iterator[Problem]:
    """Queries, ingest and workflows are told apart by name in every figure."""
    if name in scenario.workflows or (path[0] == "ingest" and name in scenario.queries):
        yield Problem(dotted(path), "has the name of a workflow or a query", "name it otherwise")
