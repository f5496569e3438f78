"""Data stores, their tables, queries and ingest, in a network; what they hold, what that costs, how one fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sim.errors import Problem, dotted
from sim.lower.constants import Constants
from sim.lower.context import Context
from sim.lower.faults.pods import as_fault
from sim.lower.lowered import Computed, Machine, Volume
from sim.lower.rates import operations_each, rate_of
from sim.lower.steps import Distribution
from sim.lower.stores.postgres.recovery import WAL_BYTES, redo_time, taken_over
from sim.lower.sums import sum_of
from sim.lower.tables.held import Held, cache_bytes, held, index_bytes, resident
from sim.lower.tables.ingest import written
from sim.lower.tables.queries import PlannedQuery, plan_query
from sim.lower.tables.shape import rows_of
from sim.lower.tables.site import Site
from sim.network.faults import Fault, Target
from sim.network.sources import PoissonArrivals, Source
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.model.stores.postgres import Checkpoint
from sim.scenario.model.tables import Database
from sim.scenario.scenario import Scenario
from sim.units import DAY, SECOND, format_bytes, format_duration_ns, format_ratio

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Stores:
    """What the data stores of a scenario add to it. routines: those that sources run."""

    routines: tuple[str, ...] = ()
    computed: dict[str, Computed] = field(default_factory=dict)
    machines: tuple[Machine, ...] = ()
    volumes: tuple[Volume, ...] = ()


def tables_of(scenario: Scenario, constants: Constants) -> dict[str, Held]:
    """Every table, as a node of its database holds it."""
    return {
        name: held(name, table, scenario.databases[table.database], scenario.ingest, constants)
        for name, table in scenario.tables.items()
    }


def add_stores(context: Context) -> Stores:
    """Put the data stores of a scenario in place."""
    parts, constants, scenario = context.parts, context.constants, context.scenario
    tables = tables_of(scenario, constants)
    sites = {name: Site(context, name, database) for name, database in scenario.databases.items()}
    in_memory = {name: _in_memory(context, name, tables) for name in sites}
    computed: dict[str, Computed] = {}
    for name, query in scenario.queries.items():
        database = scenario.tables[query.table].database
        found = plan_query(sites[database], tables[query.table], query, in_memory[database])
        parts.sources[name] = Source(routine=name, arrivals=query.arrivals)
        parts.routines[name] = found.steps
        computed |= dict(_computed(name, found))
        _explain(constants, name, found)
    for name, ingest in scenario.ingest.items():
        database = scenario.tables[ingest.table].database
        arrivals = PoissonArrivals(poisson_per_s=ingest.rows_per_s / ingest.batch)
        parts.sources[name] = Source(routine=name, arrivals=arrivals)
        parts.routines[name] = written(sites[database], tables[ingest.table], ingest, in_memory[database])
    for name, table in tables.items():
        computed |= dict(_sizes(name, table, scenario.databases[table.shape.table.database]))
        rate = sum(ingest.rows_per_s for ingest in scenario.ingest.values() if ingest.table == name)
        if rate:
            each = computed[f"storage.{name}"].value / rows_of(table.shape.table, rate)
            how = "GiB that a day of ingest takes in the end, all copies, indexes and packing included"
            computed[f"growth.{name}"] = Computed(each * rate * DAY / SECOND, "GiB/day", how)
    _note_what_is_left_out(context)
    return Stores(
        (*scenario.queries, *scenario.ingest),
        computed,
        tuple(_machines(scenario)),
        tuple(_volumes(scenario, tables)),
    )


def _in_memory(context: Context, name: str, tables: dict[str, Held]) -> float:
    """Share of what is used regularly on a node of this database that is in memory."""
    busy = sum(one.busy_bytes for one in tables.values() if one.shape.table.database == name)
    cache = cache_bytes(context.scenario.databases[name], context.constants)
    found = resident(cache, busy)
    what = f"{name}: pages in memory"
    context.constants.record_assumption(
        what,
        f"{format_ratio(found)} of the {format_bytes(busy)} that are used regularly, in {format_bytes(cache)}",
        "derived: each page of them as likely as any other; upper index pages always",
    )
    return found


def stored_bytes(name: str, tables: dict[str, Held]) -> float:
    """Bytes on a node of a database."""
    return sum(one.bytes for one in tables.values() if one.shape.table.database == name)


def full_disks(constants: Constants, scenario: Scenario) -> Iterator[Problem]:
    """Volumes that are smaller than what they have to hold."""
    tables = tables_of(scenario, constants)
    for name, database in scenario.databases.items():
        disk = database.disk
        needed = stored_bytes(name, tables)
        if disk.size_bytes is not None and disk.size_bytes * disk.volumes < needed:
            yield Problem(
                f"databases.{name}.disk.size",
                f"is {format_bytes(disk.size_bytes * disk.volumes)} a node, too small for {format_bytes(needed)}",
                "give it more, or keep less",
            )


def _computed(name: str, found: PlannedQuery) -> Iterator[tuple[str, Computed]]:
    yield f"pages.{name}", Computed(found.pages, "", f"pages touched by {found.plan}")
    how = "mean time with nothing in its way; not simulated"
    yield f"unloaded.{name}.mean", Computed(found.unloaded_ns / 1e9, "s", how)


def _explain(constants: Constants, name: str, found: PlannedQuery) -> None:
    times = "" if found.times == 1 else f"{found.times:,.0f} times "
    time = format_duration_ns(round(found.unloaded_ns))
    rejected = "; ".join(map(str, sorted(found.others, key=lambda plan: plan.cost or 0)))
    constants.record_assumption(
        f"plan of {name}",
        f"{times}{found.plan}; {time} without load" + (f". Not chosen: {rejected}" if rejected else ""),
        "computed from the table, its indexes and partitions",
    )


def _sizes(name: str, one: Held, database: Database) -> Iterator[tuple[str, Computed]]:
    """Sizes in GiB: in all, copies included; of one copy of the rows, and of the indexes."""
    copies = database.machines
    how = f"{one.shape.rows:,.0f} rows of {one.shape.row_bytes} B on each of {database.nodes} nodes"
    yield f"storage.{name}", Computed(one.bytes * copies / GIB, "GiB", f"{how}, all copies")
    yield f"storage.{name}.heap", Computed(one.heap_bytes * copies / GIB, "GiB", f"{how}, without indexes")
    if one.plain is not None:
        for index in one.shape.table.indexes:
            size = index_bytes(one.plain, index) * copies / GIB
            yield f"storage.{name}.{index}", Computed(size, "GiB", f"{how}, index {index}")


def _machines(scenario: Scenario) -> Iterator[Machine]:
    for name, one in scenario.databases.items():
        if one.node is not None:
            yield Machine(f"databases.{name}", one.node, one.machines, scenario.prices.nodes.get(one.node))


def _volumes(scenario: Scenario, tables: dict[str, Held]) -> Iterator[Volume]:
    """As large as was told, or as what they hold."""
    for name, one in scenario.databases.items():
        disk = one.disk
        if disk.type is None:
            continue
        size = disk.size_bytes or stored_bytes(name, tables) / disk.volumes
        count = one.machines * disk.volumes
        throughput = disk.throughput_bytes_per_s / 1e6
        yield Volume(f"databases.{name}", disk.type, size / GIB, count, disk.iops, throughput)


def _note_what_is_left_out(context: Context) -> None:
    scenario, note = context.scenario, context.constants.record_assumption
    note("conditions on several columns", "independent of each other", "as PostgreSQL takes them by default")
    context.constants.record_assumptions(
        {
            "plans": "no index-only scans, joins or sorts; statistics are right; planning takes no time",
            "parallel workers": "there whenever a plan wants them; those of all queries are not counted together",
            "sizes of tables": "those of the steady state: what is written in the time that is kept, or as told",
            "memory": (
                "its share of pages stays the same; what a burst or a large scan would drive out is not followed"
            ),
            "disk operations": "up to 50 a query are drawn one by one; of more, their mean number is one visit",
        }
    )
    if any(database.copies > 1 and not database.is_ring for database in scenario.databases.values()):
        note("standbys", "answer no queries; they repeat the writes of their primary, which takes nothing from it")
    if any(database.is_ring for database in scenario.databases.values()):
        note("Cassandra's client", "adds up the rows that it gets in no time; digest reads cost as much as reads")
        note(
            "Cassandra's replicas",
            "in turn over the ring, not by token; no LWTs, no tombstones; CPU of requests at its mean",
        )
    if scenario.ingest:
        note("batches", "come at random (Poisson); WAL is written before its flush, pages by checkpoints all the time")


def database_fault(context: Context, fault: DeploymentFault) -> Fault:
    """A fault of a data store, as one of its node."""
    constants, database = context.constants, fault.target.removeprefix("databases.")
    if fault.happens != "crash":
        constants.record_assumption(f"statements at {database} that fail", "are not made again by anybody")
        return as_fault(fault, (Target(group=database),), fault.lasts)
    constants.record_assumption(
        f"clients of {database} while it is away",
        "wait until it is back; statements under way fail, and nobody makes them again",
    )
    constants.record_assumption(f"memory of {database} after a crash", "holds its share of the pages at once")
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
