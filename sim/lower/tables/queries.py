"""A query as a routine: the plan of each node that it asks, and the steps that carry it out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.lower.steps import Fork, ForkBody, Step, Steps, count
from sim.lower.sums import mean_ns
from sim.lower.tables.columnar import Packed
from sim.lower.tables.held import Held, hit_share
from sim.lower.tables.planner import Costs, Plan, Planner, parallel_workers, pruned, together
from sim.lower.tables.shape import Shape
from sim.lower.tables.site import Site
from sim.scenario.model.tables import Query


@dataclass(frozen=True, slots=True)
class PlannedQuery:
    """What becomes of a query.

    steps: of its routine. plan: on one node, or of one of Cassandra's partitions. others: plans that were not chosen.
    times: how many of them in all. unloaded_ns: mean time with nothing in its way.
    """

    steps: Steps
    plan: Plan
    others: tuple[Plan, ...]
    times: float
    unloaded_ns: float

    @property
    def pages(self) -> float:
        """Pages touched by the whole query."""
        return self.times * self.plan.pages


def plan_query(site: Site, held: Held, query: Query, share: float) -> PlannedQuery:
    """A query on a table. share: of what is used regularly that is in memory."""
    if held.wide is not None:
        return _of_partitions(site, held, query, share)
    plan, others, nodes = _of_rows(site, held, query)
    hit = hit_share(share, plan.region, held.shape.table.hot, query.newest)
    cpu_ns = _cpu_ns(site, plan)
    steps = (*site.on_a_node(*_shared_out(site, plan, hit, cpu_ns)), _counted(site, plan, hit))
    unloaded = site.unloaded_ns(plan, hit, cpu_ns, processes=plan.workers + 1)
    if nodes == 1:
        return PlannedQuery(steps, plan, others, 1.0, unloaded)
    return PlannedQuery((Fork(fork=ForkBody(items=nodes, steps=steps)),), plan, others, float(nodes), unloaded)


def _shared_out(site: Site, plan: Plan, hit: float, cpu_ns: float) -> Steps:
    """The work of a plan, by the process that was asked or by it and its workers side by side, in equal parts."""
    processes = plan.workers + 1
    steps = (*site.work(cpu_ns / processes), *site.fetch(plan.part(processes), hit))
    return steps if processes == 1 else (Fork(fork=ForkBody(items=processes, steps=steps)),)


def _counted(site: Site, plan: Plan, hit: float) -> Step:
    single, ahead = site.missed(plan, hit)
    return count(page=round(plan.pages), page_read=round(single + ahead), row_examined=round(plan.rows))


def _cpu_ns(site: Site, plan: Plan) -> float:
    number = site.constants.number
    found = site.message_ns + plan.rows * number("storage.cpu_per_row") + plan.values * number("storage.cpu_per_value")
    return found + (plan.inner_pages + plan.random_pages) * number("storage.cpu_per_page") + plan.cpu_ns


def _of_rows(site: Site, held: Held, query: Query) -> tuple[Plan, tuple[Plan, ...], int]:
    """The plan on a node of PostgreSQL or TimescaleDB, those not chosen, and how many nodes are asked."""
    known, nodes = _spread(site, held.shape, query)
    shape = held.shape
    shares = {name: shape.share(name, condition) for name, condition in query.where.items()} | known
    newer, older = _by_age(held, query, shares)
    chosen: list[Plan] = []
    others: list[Plan] = []
    if held.plain is not None and newer is not None:
        planner = Planner(held.plain, query, costs(site), shares | newer)
        plan = planner.chosen()
        others += [one for one in planner.plans() if one != plan]
        chosen.append(replace(plan, region=plan.region * (1 - held.packed_share)))
    if held.packed is not None and older is not None:
        parts, inside = pruned(held.packed, query.where, shares | older)
        packed = Packed(held.packed, site.constants).scan(query, shares | older | inside, parts)
        limits = costs(site)
        workers = parallel_workers(packed.pages, limits.table_pages, limits.workers)
        chosen.append(replace(packed, workers=workers, region=packed.region * held.packed_share))
    plan = chosen[0] if len(chosen) == 1 else together(*chosen)
    return plan, tuple(others), nodes


def _spread(site: Site, shape: Shape, query: Query) -> tuple[dict[str, float], int]:
    """Nodes that are asked, and what a condition on the column that spreads the rows leaves on each of them."""
    database = site.database
    if database.multi_master or database.nodes == 1:
        return {}, 1
    by = database.spread_by
    condition = query.where.get(by) if by is not None else None
    if by is None or condition is None or condition.equal is None:
        return {}, database.nodes
    nodes = min(condition.equal, database.nodes)
    given = shape.columns[by].distinct
    values = float(given) if given is not None else shape.rows * database.nodes
    return {by: min(condition.equal / nodes / max(values / database.nodes, 1.0), 1.0)}, nodes


def _by_age(
    held: Held, query: Query, shares: dict[str, float]
) -> tuple[dict[str, float] | None, dict[str, float] | None]:
    """What the condition on the age leaves of the newer, plain rows and of the older, packed ones; None: nothing."""
    partition = held.shape.table.partition
    if held.plain is None or held.packed is None or partition is None or partition.by not in query.where:
        return {}, {}
    newer = held.plain.rows / held.shape.rows
    wanted = shares[partition.by]
    if not query.newest:
        return {partition.by: wanted}, {partition.by: wanted}
    of_newer, of_older = min(wanted / newer, 1.0), max(wanted - newer, 0.0) / (1 - newer)
    return {partition.by: of_newer}, {partition.by: of_older} if of_older > 0 else None


def costs(site: Site) -> Costs:
    """The planner's constants; its effective_cache_size is set to the memory that holds pages."""
    take = site.constants.ratio
    cached = take("storage.cache_share") * site.database.memory_bytes / 8192
    return Costs(
        take("storage.seq_page_cost"),
        take("storage.random_page_cost"),
        take("storage.cpu_tuple_cost"),
        take("storage.cpu_index_tuple_cost"),
        take("storage.cpu_operator_cost"),
        cached,
        site.constants.number("storage.parallel_workers"),
        take("storage.parallel_setup_cost"),
    )


def _of_partitions(site: Site, held: Held, query: Query, share: float) -> PlannedQuery:
    """Cassandra: the client reads partitions side by side, each from as many replicas as have to answer."""
    assert held.wide is not None
    plan, partitions = held.wide.read(query)
    replicas = replicas_requested(site)
    at_once = max(min(query.parallel, int(partitions)), 1)
    each = partitions / at_once
    hit = hit_share(share, plan.region, held.shape.table.hot, query.newest)
    constants = site.constants
    cpu_ns = mean_ns(constants.distribution("cassandra.cpu_per_read"))
    cpu_ns += round(plan.rows * constants.number("storage.cassandra_cpu_row"))
    whole = plan.part(1 / each)
    steps = (
        *site.on_a_node(*site.work(each * cpu_ns), *site.fetch(whole, hit), round_trips=each),
        _counted(site, whole, hit),
    )
    unloaded = site.unloaded_ns(whole, hit, each * cpu_ns, each)
    fork = Fork(fork=ForkBody(items=at_once * replicas, steps=steps))
    return PlannedQuery((fork,), plan, (), partitions * replicas, unloaded)


def replicas_requested(site: Site) -> int:
    """Replicas that have to answer."""
    database = site.database
    return 1 if database.consistency == "one" else database.copies // 2 + 1
