"""What the rows of a run tell of its overload: what comes, goes and is turned away by batch of time, and the share of
their time in which executions make no headway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.results.columns import FAILED, REJECTED, Ints, Question, Replication
from sim.results.questions import CORRECT
from sim.stats.intervals import FloatArray

BATCHES = 10
"""Batches of a replication."""
WAITING = ("wait.", "opening.", "blocked.", "backoff", "lost", "paused")
"""States in which an execution makes no headway."""
OF_CHILDREN = ("child.", "told")
"""States in which parent and child wait for one another."""
TURNED_AWAY = frozenset(
    {
        *("rejected", "refused", "patience", "open_circuit", "preempted", "join", "cancelled"),
        *("timeout_schedule_to_start", "timeout_start_to_close", "timeout_schedule_to_close", "timeout_heartbeat"),
    }
)
"""Failures that a full place can bring about; others are the scenario's own."""


def edges(run: Replication) -> Ints:
    """Between which samples of the timeline the batches of the window lie; none where it has no samples."""
    inside = np.flatnonzero(run.in_window(run.sample_ns))
    return inside[np.linspace(0, len(inside) - 1, BATCHES + 1).astype(int)] if len(inside) else inside


def sums_by_batch(at: Ints, edges_ns: Ints) -> FloatArray:
    """How many of the sorted instants lie in each batch between two edges."""
    return np.diff(np.searchsorted(at, edges_ns)).astype(np.float64)


def asked_by_overload(run: Replication) -> Iterator[Question[Any]]:
    """What the judgement of overload asks of a run."""
    yield from (MovedByBatch(routine) for routine in run.routines)
    yield IdleShares()


@dataclass(frozen=True, slots=True)
class Moved:
    """A workflow's executions that sources let in.

    By batch: arrivals; in_flight, by how much the number of those grew that have not ended, or a child of which has
    not (None where nothing has children: the timeline tells); turned_away, ends without success because of what a full
    place brings about, also of a child whose failure they bear. In the window: offered; ended, with all children;
    done, correctly.
    """

    arrivals: FloatArray
    in_flight: FloatArray | None
    turned_away: FloatArray
    offered: int
    ended: int
    done: int


@dataclass(frozen=True, slots=True)
class MovedByBatch:
    """What came, went and was turned away of a workflow."""

    workflow: str

    def of(self, run: Replication) -> Moved:
        """Counts by batch, and of the window."""
        rows, edges_ns = run.executions, run.sample_ns[edges(run)]
        mine = np.flatnonzero(rows.routine == run.routines.index(self.workflow))
        mine = mine[rows.let_in(mine)]
        grown = None
        if rows.parent is not None:
            grown = np.diff(run.open_at(mine, edges_ns)).astype(np.float64)
        turned_away = [ordinal for ordinal, error in rows.errors.items() if error in TURNED_AWAY]
        failed = np.isin(rows.outcome[mine], (FAILED, REJECTED)) & np.isin(mine, turned_away)
        correct = np.isin(rows.outcome[mine], CORRECT)
        return Moved(
            arrivals=sums_by_batch(rows.start_ns[mine], edges_ns),
            in_flight=grown,
            turned_away=sums_by_batch(np.sort(rows.end_ns[mine[failed]]), edges_ns),
            offered=int(np.count_nonzero(run.in_window(rows.start_ns[mine]))),
            ended=int(np.count_nonzero(run.in_window(rows.family_end_ns[mine]))),
            done=int(np.count_nonzero(run.in_window(rows.end_ns[mine]) & correct)),
        )


@dataclass(frozen=True, slots=True)
class IdleShares:
    """By workflow, the share of the time of its executions and of their children in which they made no headway.

    While a parent waits for a child its headway is the child's, and that time is the child's alone.
    """

    def of(self, run: Replication) -> Mapping[str, float]:
        """The shares."""
        rows = run.executions
        waits = [state.startswith(WAITING) for state in rows.states]
        own = [not state.startswith(OF_CHILDREN) for state in rows.states]
        routine = rows.routine[rows.roots[rows.cohort]]
        found = {}
        for index in np.unique(routine):
            split = rows.split[routine == index].sum(axis=0)
            whole = split[own].sum()
            found[run.routines[index]] = float(split[waits].sum() / whole) if whole else 0.0
        return found
