"""Deadlocks over many runs: when, in how many, and who holds what and waits for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.results.columns import Replication


@dataclass(frozen=True, slots=True)
class Holder:
    """Executions of a workflow that hold units of some places, outermost first, while they wait for another."""

    workflow: str
    holds: tuple[str, ...]
    waits_for: str


@dataclass(frozen=True, slots=True)
class Standstill:
    """A deadlock, as the first run shows it in which it closes.

    during: the runs that it came about in, such as "drills of pod_crash"; empty for the base runs. at_s: the earliest
    over all runs. runs: in how many. of: how many there were. holders: one cycle, each waits for what the next holds.
    """

    during: str
    at_s: float
    runs: int
    of: int
    holders: tuple[Holder, ...]


def standstill(
    replications: Sequence[Replication], words: Mapping[str, str] | None = None, during: str = ""
) -> Standstill | None:
    """The deadlocks of some runs together; None without one. words: what people call a place, its name by default."""
    found = [(run.deadlock, run) for run in replications if run.deadlock is not None]
    if not found:
        return None
    deadlock, run = min(found, key=lambda one: one[0].since_ns)

    def call(place: str) -> str:
        return (words or {}).get(place, place)

    holders = (
        Holder(
            run.routines[int(run.executions.routine[one.execution])],
            tuple(call(place) for place in dict.fromkeys(one.holds)),
            call(one.waits_for),
        )
        for one in deadlock.cycle
    )
    return Standstill(during, deadlock.since_ns / 1e9, len(found), len(replications), tuple(dict.fromkeys(holders)))
