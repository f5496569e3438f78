"""Results: from the run-time parts of the engine to the columns of a replication."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.engine.reference.batches import BatchStation
from sim.engine.reference.controllers import ControllerProcess
from sim.engine.reference.deadlock import Knot, unending
from sim.engine.reference.meters import MARKED
from sim.engine.reference.servers import ONE_CORE, Shared
from sim.network.facts import node_groups
from sim.results.columns import (
    BreakerUse,
    BudgetUse,
    Episodes,
    Executions,
    FaultEpisode,
    InFlight,
    NodesOn,
    PlaceUse,
    Replication,
    SpanUse,
)
from sim.results.histogram import Histogram

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine


def replication_of(engine: Engine, followed_ns: int) -> Replication:
    """What the run leaves behind."""
    recorder, plan, clock = engine.recorder, engine.plan, engine.clock
    stuck = Knot(engine).deadlock()
    routines = tuple(engine.routine_ids)
    return Replication(
        index=plan.replication,
        engine="reference",
        routines=routines,
        begin_ns=plan.warmup_ns,
        horizon_ns=plan.horizon_ns,
        followed_ns=followed_ns,
        end_ns=clock._now,
        executions=_executions(engine),
        places={
            **{name: _place(engine, name, "resource", pool) for name, pool in engine.pools.items()},
            **{name: _place(engine, name, "station", station) for name, station in engine.stations.items()},
        },
        spans={
            span.metric: SpanUse(
                span.metric,
                Histogram.of(np.array(span.durations, np.int64)),
                sum(span.durations),
                len(span.durations),
                np.array(span.ended, np.int64),
                np.array(span.durations, np.int64),
                span.group is not None,
            )
            for span in recorder.spans
        },
        in_flight={
            routines[index]: InFlight(level.areas[1] - level.areas[0], level.window_maximum)
            for index, level in recorder.in_flight.items()
        },
        counts={(routines[routine], name): number for (routine, name), number in sorted(recorder.counts.items())},
        attempts={routines[routine]: (first, more) for routine, (first, more) in sorted(recorder.attempts.items())},
        off_path_ns=recorder.off_path_ns,
        caches={name: (cache.hits, cache.misses) for name, cache in engine.caches.items()},
        sample_ns=np.array(recorder.sample_ns, np.int64),
        samples={name: np.array(values, np.int64) for name, values in recorder.samples.items()},
        reactions_ns=np.array(recorder.reactions, np.int64),
        episodes=Episodes.of(
            engine.network.faults,
            node_groups(engine.network),
            (FaultEpisode(e.fault, e.start_ns, e.end_ns, tuple(e.nodes), e.hit, e.down_ns) for e in recorder.episodes),
        ),
        monitors=tuple(engine.watch.tally.values()),
        events=_events(engine),
        findings=() if stuck is not None else tuple(unending(engine)),
        nodes_on={name: _nodes_on(controller) for name, controller in engine.controllers.items()},
        breakers={
            name: BreakerUse(len(one.circuits), one.requested, one.turned_away, one.opened)
            for name, one in engine.breakers.items()
        },
        budgets={name: BudgetUse(one.wanted, one.withheld) for name, one in engine.budgets.items()},
        deadlock=stuck,
    )


def _nodes_on(controller: ControllerProcess) -> NodesOn:
    kept, starts = controller.kept, controller.marks
    return NodesOn(kept.areas[1] - kept.areas[0], kept.window_maximum, starts[1] - starts[0], controller.spec.of)


def _events(engine: Engine) -> int:
    """Arrivals, starts and ends of timed activities (services, delays, back-offs), faults and repairs."""
    visits: int = sum(2 * station.meter.served - station.meter.busy for station in engine.stations.values())
    return engine.ordinal + visits + engine.recorder.activities


def _executions(engine: Engine) -> Executions:
    recorder = engine.recorder
    outcome = np.array(recorder.outcomes, np.int8)
    start = np.array(recorder.starts, np.int64)
    cohort = np.array(recorder.cohort, np.int64)
    states = sorted({state for split in recorder.splits.values() for state in split})
    column = {state: index for index, state in enumerate(states)}
    table = np.zeros((len(cohort), len(states)), np.int64)
    place = {int(ordinal): index for index, ordinal in enumerate(cohort)}
    for ordinal, split in recorder.splits.items():
        row = table[place[ordinal]]
        for state, spent in split.items():
            row[column[state]] = spent
    return Executions(
        start_ns=start,
        end_ns=np.array(recorder.ends, np.int64),
        outcome=outcome,
        routine=np.array(recorder.routine_ids, np.int16),
        cohort=cohort,
        states=tuple(states),
        split=table,
        errors=dict(sorted(recorder.errors.items())),
        parent=None if recorder.parents is None else np.array(recorder.parents, np.int64),
    )


def _place(engine: Engine, name: str, kind: str, place: Any) -> PlaceUse:
    meter = place.meter
    meter.tick()
    begin, end = meter.marks
    busy_now, waiting_now = _present(place)
    passed = {name: end[name] - begin[name] for name in MARKED}
    units = float(meter.units)
    if isinstance(place, Shared):
        units = place.cores * place.group.count
    elif isinstance(place, BatchStation):
        units = float(len(place.nodes))
    shares = isinstance(place, Shared | BatchStation)
    if isinstance(place, Shared) and place.group.name in engine.groups_switched:
        units = place.cores * (passed["units_area"] / (place.units * (engine.plan.horizon_ns - engine.plan.warmup_ns)))
    waits = np.array(meter.waits, np.int64)
    return PlaceUse(
        name=name,
        kind=kind,
        units=units,
        busy_area=passed["busy_area"],
        waiting_area=passed["waiting_area"],
        units_area=passed["units_area"],
        requested=passed["requested"],
        served=passed["served"],
        abandoned=passed["abandoned"],
        rejected=passed["rejected"],
        refused=passed["refused"],
        waited=meter.waited,
        max_waiting=meter.max_waiting,
        waits=Histogram.of(waits),
        wait_sum_ns=sum(meter.waits),
        wait_count=len(meter.waits),
        speed_area=passed["work_area"] / ONE_CORE if shares else None,
        excess_area=passed["excess_area"] / ONE_CORE if shares else None,
        all_busy_area=meter.busy_area,
        all_waiting_area=meter.waiting_area,
        all_held_sum=meter.held_sum + busy_now,
        all_wait_sum=meter.wait_sum + waiting_now,
        all_served=meter.served,
        all_requested=meter.requested,
        all_gone=meter.abandoned + meter.rejected + meter.refused,
        peak_excess=meter.overdrawn,
        still_waiting=meter.waiting,
        still_busy=meter.busy,
        batches=passed["batches"] if isinstance(place, BatchStation) else None,
    )


def _present(place: Any) -> tuple[int, int]:
    """What those still there have held and waited so far, in ns, by asking each of them."""
    now = place.clock._now
    held = sum(grant.units * (now - grant.granted_ns) for grant in place.present_grants())
    waited = sum(now - grant.requested_ns for grant in place.waiting_grants())
    return held, waited
