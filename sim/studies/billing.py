"""From a lowered scenario and its runs to the bill: what was consumed, and at whose prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from sim.cost.bill import Bill, bill
from sim.cost.catalogue import Catalogue, load_catalogue
from sim.cost.propagate import times, total
from sim.cost.terms import Reduction, SavingsPlan, Terms
from sim.cost.usage import GIB, DiskUse, MeterUse, NodeUse, Usage, WorkflowUse, kept_gib
from sim.errors import InputErrors, Problem
from sim.figure import Figure
from sim.lower.load import Loaded
from sim.lower.lowered import Lowered, Machine
from sim.network.facts import waited_for
from sim.results.columns import Replication
from sim.results.questions import EndedInWindow
from sim.stats.intervals import mean_interval
from sim.stats.metrics import Cohort

DEFAULT_CATALOGUE = "aws-us-east-1"
HOUR_NS = 3_600_000_000_000


def bill_of(
    loaded: Loaded, runs: Sequence[Replication], steady: bool, runs_per_month: float | None, confidence: float
) -> Bill | None:
    """The bill of the machines and volumes of a scenario; None when it names none.

    Raises InputErrors for node types, disks and terms without a price.
    """
    lowered = loaded.lowered
    if not lowered.machines and not lowered.volumes:
        return None
    usage = usage_of(lowered, runs, steady, None if steady else runs_per_month, confidence)
    return bill(usage, catalogue_of(loaded), terms_of(loaded))


def price_problems(loaded: Loaded) -> list[Problem]:
    """Every machine, volume and condition of the scenario that has no price, by its path; none when all have one."""
    lowered, terms = loaded.lowered, terms_of(loaded)
    if not lowered.machines and not lowered.volumes:
        return []
    try:
        catalogue = catalogue_of(loaded)
    except InputErrors as error:
        return list(error.problems)
    parts: list[Callable[[], object]] = [
        *(partial(_paid_for, catalogue, terms, one) for one in lowered.machines),
        *(partial(catalogue.disk, one.disk, f"{one.resource}.disk.type") for one in lowered.volumes),
        *(partial(catalogue.meter, meter, "prices.catalogue") for meter in lowered.traffic),
    ]
    return list(dict.fromkeys(problem for ask in parts for problem in _said_by(ask)))


def _paid_for(catalogue: Catalogue, terms: Terms, machine: Machine) -> Reduction:
    """What comes off the price of a machine. Raises InputErrors where it has no price, or its terms no rate."""
    return terms.reduction(catalogue.node(machine.node, f"{machine.resource}.node"), catalogue, machine.spot)


def _said_by(ask: Callable[[], object]) -> Sequence[Problem]:
    try:
        ask()
    except InputErrors as error:
        return error.problems
    return ()


def catalogue_of(loaded: Loaded) -> Catalogue:
    """The price list of a scenario, with its own prices of whole nodes. Raises InputErrors where there is none."""
    prices = loaded.scenario.prices
    return load_catalogue(prices.catalogue or DEFAULT_CATALOGUE).with_nodes(prices.nodes)


def terms_of(loaded: Loaded) -> Terms:
    """What stands between the list and what is paid."""
    prices = loaded.scenario.prices
    plan = prices.savings_plan
    return Terms(
        discount=prices.discount,
        savings_plan=None if plan is None else SavingsPlan(plan.years, plan.coverage, plan.saving),
        spot_saving=prices.spot_saving,
        downtime_usd_per_min=None if prices.downtime_usd_per_hour is None else prices.downtime_usd_per_hour / 60,
    )


def usage_of(
    lowered: Lowered,
    runs: Sequence[Replication],
    steady: bool,
    runs_per_month: float | None,
    confidence: float,
) -> Usage:
    """What the runs consumed over their window, per run, with intervals over the runs.

    An execution counts with the workflow that it runs, also as a child: nobody's work or history counts twice.
    """
    hours = float(np.mean([run.window_ns for run in runs])) / HOUR_NS

    def over_runs(values: Sequence[float]) -> Figure:
        return mean_interval(values, "", confidence)

    workflows = []
    waited = waited_for(lowered.network)
    for name in lowered.deadlines_ns:
        counts = [_executions(run, name) for run in runs]
        started = Cohort(runs, name).started.tolist()
        if not any(counts):
            continue
        workflows.append(
            WorkflowUse(
                name,
                over_runs(counts),
                transitions_per_execution=_per_execution(runs, started, name, "transition") or 1.0,
                tasks_per_execution=_per_execution(runs, started, name, "activity_task"),
                children=tuple(sorted(set().union(*(found for (who, _), found in waited.items() if who == name)))),
            )
        )
    seconds = hours * 3600
    retained, active = [], []
    for name, history in lowered.histories.items():
        rate = over_runs([_executions(run, name) / seconds for run in runs])
        retained.append(kept_gib(history.bytes, rate, history.retention_ns / 1e9))
        # Histories of the open ones are on average half as long as at their end.
        active.append(times(over_runs([_in_flight(run, name) for run in runs]), history.bytes / 2**31, "GiB"))
    return Usage(
        window_hours=hours,
        steady=steady,
        nodes=_nodes(lowered, runs, hours, not steady, confidence),
        disks=_disks(lowered, not steady),
        meters=tuple(
            MeterUse("traffic", meter, over_runs([run.operations(counted) / GIB for run in runs]))
            for meter, counted in lowered.traffic.items()
        ),
        workflows=tuple(workflows),
        runs_per_month=runs_per_month,
        active_gib=total(active, "GiB") if lowered.histories else None,
        retained_gib=total(retained, "GiB") if lowered.histories else None,
        statements=over_runs([run.operations("storage_query") for run in runs]),
        commits=over_runs([run.operations("commit") for run in runs]),
    )


def _nodes(
    lowered: Lowered, runs: Sequence[Replication], hours: float, standing: bool, confidence: float
) -> tuple[NodeUse, ...]:
    """The machines over so many hours. Those that a controller keeps are paid as long as it did in the runs; in a
    finite scenario they are no standing ones, since between two runs nothing is there that would keep them."""
    found = []
    for one in lowered.machines:
        kept = [run.nodes_on[one.controller].area / HOUR_NS for run in runs] if one.controller is not None else []
        paid = mean_interval(kept, "h", confidence) if kept else Figure.exact(one.count * hours, "h")
        found.append(NodeUse(one.resource, one.node, paid, standing=standing and not kept, spot=one.spot))
    return tuple(found)


def _disks(lowered: Lowered, standing: bool) -> tuple[DiskUse, ...]:
    """The volumes."""
    return tuple(
        DiskUse(
            one.resource,
            one.disk,
            Figure.exact(one.gib, "GiB"),
            Figure.exact(float(one.count), ""),
            one.iops,
            one.mb_per_s,
            standing=standing,
        )
        for one in lowered.volumes
    )


def _executions(run: Replication, routine: str) -> float:
    """Executions of the routine that closed in the window."""
    ended, _ = run.ask(EndedInWindow(routine))
    return float(ended)


def _in_flight(run: Replication, routine: str) -> float:
    level = run.in_flight.get(routine)
    return 0.0 if level is None else level.area / run.window_ns


def _per_execution(runs: Sequence[Replication], started: Sequence[float], routine: str, operation: str) -> float:
    counted = sum(run.counts.get((routine, operation), 0) for run in runs)
    return counted / max(sum(started), 1.0)
