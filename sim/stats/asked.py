"""What studies ask of a run where it ran, so that it can be handed over without its rows.

Other processes import this beside the engine, and nothing of a scenario: its models take them longer than short runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.results.columns import Question, Replication
from sim.results.questions import AskedFor, GoodWithin, OfCycle, of_every_routine
from sim.stats.batches import asked_by_overload
from sim.stats.joined import joined
from sim.stats.sli import EventsCounted, Sli

Questions = Callable[[Replication], Iterable[Question[Any]]]
"""Gives what a run is asked."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """What becomes of a run where it ran: work in progress joins its workflow, and of the rows only answers are left
    where it is asked for them."""

    in_progress: Mapping[str, str]
    asked: Questions | None

    def __call__(self, run: Replication) -> Replication:
        """What is handed over."""
        run = joined(run, self.in_progress)
        return run if self.asked is None else run.reduced(self.asked(run))


@dataclass(frozen=True, slots=True)
class AskedOfRuns:
    """What a prediction asks: of every routine, for its figures, pictures and bill; of its overload; of its service
    levels."""

    deadlines_ns: Mapping[str, int | None]
    slis: tuple[Sli, ...]

    def __call__(self, run: Replication) -> Iterator[Question[Any]]:
        """The questions that a run is asked."""
        yield from of_every_routine(run)
        for routine in run.routines:
            deadline_ns = self.deadlines_ns.get(routine)
            if deadline_ns is not None:
                yield GoodWithin(routine, deadline_ns)
        yield from asked_by_overload(run)
        yield from (EventsCounted(sli) for sli in self.slis)


@dataclass(frozen=True, slots=True)
class Taken:
    """How long the counted executions that sources let in took, their children included, up to the end of a run."""

    def of(self, run: Replication) -> NDArray[np.int64]:
        """In ns, one by one."""
        rows, mine = run.executions, run.from_sources
        last_ns = rows.family_end_ns[mine]
        return np.asarray(np.where(last_ns < 0, run.end_ns, last_ns) - rows.start_ns[mine])


def asked_of_pilots(run: Replication) -> Iterator[Question[Any]]:
    """What the search for a warm-up asks of its runs."""
    yield from (Taken(), AskedFor(), OfCycle())
    yield from asked_by_overload(run)
