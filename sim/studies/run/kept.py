"""What a prediction asks of the rows of a base run, so that the run can be handed over without them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sim.lower.load import Loaded
from sim.results.columns import Question, Replication
from sim.results.questions import GoodWithin, of_every_routine
from sim.scenario.model.objectives import ServiceLevel
from sim.stats.batches import asked_by_overload
from sim.stats.sli import EventsCounted, Sli


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions of a scenario: of every routine, for its figures, pictures and bill; of its overload; of its
    service levels."""

    deadlines_ns: Mapping[str, int | None]
    slis: tuple[Sli, ...]

    @classmethod
    def of(cls, loaded: Loaded) -> Asked:
        """Those of a scenario."""
        return cls(dict(loaded.lowered.deadlines_ns), slis_of(loaded))

    def __call__(self, run: Replication) -> Iterator[Question[Any]]:
        """The questions that a run is asked."""
        yield from of_every_routine(run)
        for routine in run.routines:
            deadline_ns = self.deadlines_ns.get(routine)
            if deadline_ns is not None:
                yield GoodWithin(routine, deadline_ns)
        yield from asked_by_overload(run)
        yield from (EventsCounted(sli) for sli in self.slis)


def slis_of(loaded: Loaded) -> tuple[Sli, ...]:
    """What the service levels of a scenario look at."""
    levels = (one for one in loaded.scenario.objectives if isinstance(one, ServiceLevel))
    return tuple(Sli.of(one, loaded.lowered.deadlines_ns) for one in levels)
