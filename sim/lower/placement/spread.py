"""The store once for each master: its places copied, and every routine that uses them in a version for each.

Everything that stands on the primary is made once more for every further master, with the name of its region behind
its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim.lower.parts import Parts
from sim.lower.placement.masters import MASTER, WAY, ManyMasters
from sim.lower.setting import Setting
from sim.lower.steps import call
from sim.lower.stores.base import Store
from sim.lower.temporal.renamed import mentions, renamed
from sim.network.monitors import Span
from sim.network.places import NodeGroup, Resource


def spread_over_masters(store: Store, many: ManyMasters, own_work: Sequence[str]) -> None:
    """Give each master its own places, and what uses them a version for each.

    own_work: sources of what the store does by itself; each master has as many rows changed as all of them write.
    """
    parts, transitions = store.parts, store.carried_out
    parts.attributes |= {MASTER: 0, WAY: 0}
    groups = [name for name in parts.nodes if name == store.primary or store.standby_of(name) is not None]
    copied = [
        name
        for name, place in _places(parts).items()
        if name in store.on_no_nodes or getattr(place, "nodes", "") in groups
    ]
    routines = [name for name, steps in parts.routines.items() if mentions(steps, copied)]
    for master in range(1, len(many.at)):
        for group in groups:
            parts.nodes[many.named(group, master)] = NodeGroup(count=parts.nodes[group].count)
            parts.not_pods.add(many.named(group, master))
        for name in copied:
            copy, nodes = many.named(name, master), getattr(_places(parts)[name], "nodes", None)
            moved = {"nodes": many.named(nodes, master)} if isinstance(nodes, str) else {}
            if name in parts.caches:
                parts.caches[copy] = parts.caches[name].model_copy(update=moved)
            else:
                parts.copy_place(name, copy, many.at[master], **moved)
    _add_appliers(parts, many)
    for name in routines:
        versions = []
        for master, region in enumerate(many.at):
            names = {place: many.named(place, master) for place in copied}
            rows = transitions[name].changed_rows if name in transitions else 0
            version = (*renamed(parts.routines[name], names), *(many.shipped(master, rows) if rows else ()))
            parts.routines[f"{name}-at-{region}"] = version
            versions.append((call(f"{name}-at-{region}"),))
        parts.routines[name] = (many.by_master(versions),)
    for name in own_work:
        source = parts.sources[name]
        for master, region in enumerate(many.at) if source.routine in routines else ():
            there = {"routine": f"{source.routine}-at-{region}"}
            parts.sources[many.named(name, master)] = source.model_copy(update=there)


def _places(parts: Parts) -> dict[str, Any]:
    """Resources, stations and caches by name."""
    return {**parts.resources, **parts.stations, **parts.caches}


def _add_appliers(parts: Parts, many: ManyMasters) -> None:
    """The processes that apply what other masters have written, and how long it takes to arrive."""
    for master, region in enumerate(many.at):
        parts.spans[f"replication-lag-{region}"] = Span(
            start="committed", end=f"replicated-{region}", metric=f"replication_lag.{region}"
        )
        for origin in many.others(master):
            setting = Setting(
                f"apply process at {region} for {many.at[origin]}",
                f"constants.{many.log.apply_per_row}",
                "faster cores, or fewer rows written",
                many.log.applied,
                "failover",
            )
            parts.add_resource(many.applier(origin, master), Resource(units=1), setting)
