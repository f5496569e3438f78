"""Who waits for whom at the end of a run: wait-for cycles, and jobs that no event will ever wake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.engine.reference.engine import Engine
    from sim.engine.reference.pools import Grant, Pool


def cycles(engine: Engine) -> Iterator[str]:
    """A finding for each knot: resources of which every unit is held by jobs that wait, without a time limit, for
    units of these same resources."""
    waiting: dict[str, list[Grant]] = {}
    for pool in engine.pools.values():
        blocked = [grant for grant in pool.waiting_grants() if not grant.limited]
        if blocked:
            waiting[pool.name] = blocked
    knot = set(waiting)
    changed = True
    while changed:  # the greatest set of resources that only members of the set could free
        changed = False
        for name in list(knot):
            stuck = {grant.job for other in knot for grant in waiting[other]}
            pool = engine.pools[name]
            if not _all_held_by(pool, stuck):
                knot.discard(name)
                changed = True
    if knot:
        edges = [
            f"execution {grant.job.execution.ordinal} holds {', '.join(g.pool.name for g in grant.job.held) or 'nothing'}"
            f" and waits for {name}"
            for name in sorted(knot)
            for grant in waiting[name][:3]
        ]
        yield f"deadlock over {', '.join(sorted(knot))}: {'; '.join(edges)}"
    elif engine.clock.next_ns is None and engine.recorder.cohort_open:
        yield (
            f"{engine.recorder.cohort_open} executions are open and no event is left that could end them; "
            f"look at one with --execution"
        )


def _all_held_by(pool: Pool, stuck: set[object]) -> bool:
    up = [node for node in range(pool.group.count) if pool.group.is_up(node)]
    if not up:
        return False
    held = sum(grant.units for grant in pool.present_grants() if grant.job in stuck)
    return held >= pool.units * len(up)
