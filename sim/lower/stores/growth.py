"""What the store keeps for the platform: growth by executions written, and whether its volume ends up full.

Each closed execution leaves the content of its history, its rows with their headers and the entries of their primary
keys, until the retention is over. In the steady state the rate times the retention are there (Little's law).
"""

from __future__ import annotations

from collections.abc import Mapping

from sim.lower.lowered import Computed, History
from sim.lower.rates import rate_of
from sim.lower.stores.base import Store
from sim.units import DAY, SECOND, format_bytes, format_ratio

GIB = 2**30


def growth_of(store: Store, histories: Mapping[str, History]) -> dict[str, Computed]:
    """Size, growth and use of the store's volume in the steady state; nothing where they are not known."""
    constants, key, disk = store.constants, store.key, store.cluster.disk
    if "growth" not in store.cluster.can or not histories:
        return {}
    rates = {source.routine: rate_of(source.arrivals) for source in store.parts.sources.values() if source.counted}
    if not all(rates.get(routine) for routine in histories):
        constants.record_assumption("growth of the store", "not told: the rate of starts is not known before the run")
        return {}
    each = {routine: store.stored_bytes(history) for routine, history in histories.items()}
    held = sum(rates[routine] * histories[routine].retention_ns / SECOND * size for routine, size in each.items())
    held *= 1 + store.dead_share()
    growth = sum(rates[routine] * size for routine, size in each.items()) * DAY / SECOND
    found = {
        f"storage.{key}": Computed(held / GIB, "GiB", "of closed executions on each node, indexes included"),
        f"growth.{key}": Computed(growth / GIB, "GiB/day", "on each node, until the retention takes as much away"),
    }
    constants.record_assumption("open executions", "not in the size of the store: they are counted by the run")
    if disk is not None and disk.size_bytes is not None:
        used = held / disk.size_bytes
        found[f"disk_use.{key}"] = Computed(used, "ratio", "what is kept in the steady state over the volume's size")
        constants.record_assumption(
            "the volume of the store",
            _ends(used, held, disk.size_bytes, growth),
            "derived: arrivals, retention, histories, rows and indexes; beside the log and what else is on it",
        )
    return found


def _ends(used: float, held: float, size_bytes: int, growth: float) -> str:
    """What becomes of the volume, in words."""
    if used <= 1:
        return f"{format_ratio(used)} of it are used in the steady state: {format_bytes(held)}"
    days = size_bytes / growth
    return (
        f"is full after {days:.3g} days of this load, and writes fail from then on; the retention needs "
        f"{format_bytes(held)}"
    )
