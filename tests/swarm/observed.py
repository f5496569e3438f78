"""One run of the reference engine with eyes open: which kinds of events met at one instant, and what came about.

What counts as having come about is listed in `coverage`. The engine itself is not changed: its clock is replaced by
one that keeps the books, for the time of the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop
from itertools import combinations_with_replacement

from sim.engine import order
from sim.engine.reference import engine as reference
from sim.engine.reference.clock import Clock
from sim.results.columns import Replication

from . import see_causes as see_causes  # its looks need nothing but to be there
from . import see_children as see_children
from . import see_controllers as see_controllers
from . import see_places, see_steps
from . import see_policies as see_policies
from .coverage import told_by_columns
from .generate import Case
from .looks import looking, replaced

KINDS = {
    order.UP: "up",
    order.COMPLETION: "completion",
    order.TIMEOUT: "timeout",
    order.DOWN: "down",
    order.ARRIVAL: "arrival",
    order.OBSERVATION: "observation",
}
PAIRS = tuple(f"{one} + {other}" for one, other in combinations_with_replacement(KINDS.values(), 2))
"""Every pair of kinds that can meet at one instant."""
_KIND_SHIFT = order.ELEMENT_BITS + order.VISIT_BITS
MOST_HANDLED = 80_000
"""Events and effects that a run may take; a bound on its time that is the same on every machine."""


class Overrun(Exception):
    """The run is too long for a test."""


class ObservingClock(Clock):
    """The reference engine's clock, that notes which kinds of events are handled at one instant."""

    def __init__(self) -> None:
        super().__init__()
        self.handled = 0
        self.instant = -1
        self.here: list[int] = []
        self.pairs: set[str] = set()

    def run_before(self, end_ns: int) -> None:
        """As the clock does, with a look at the key of each event. Raises Overrun."""
        queue = self._queue
        while queue and queue[0][0] < end_ns:
            self._now, key, _, event = heappop(queue)
            callbacks = event.callbacks
            if callbacks is None:  # cancelled
                self.dead -= 1
                continue
            kind = key >> _KIND_SHIFT
            if kind != order.WAKE:
                self.note(kind)
            self.handled += 1
            if self.handled > MOST_HANDLED:
                raise Overrun
            event.callbacks = None
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value
            if self.watches:
                self.watch()
        self._now = end_ns

    def note(self, kind: int) -> None:
        """One more event of this instant. Three of a kind say no more than two."""
        if self._now != self.instant:
            self.instant, self.here = self._now, []
        if self.here.count(kind) < 2:
            for other in self.here:
                self.pairs.add(f"{KINDS[min(kind, other)]} + {KINDS[max(kind, other)]}")
            self.here.append(kind)


@dataclass(frozen=True)
class Observed:
    """A run of the reference engine, the pairs of kinds of events that met in it, and what came about."""

    replication: Replication
    pairs: frozenset[str]
    features: frozenset[str]


def observe(case: Case, closely: bool = True) -> Observed:
    """Run a case on the reference engine, `closely` or without a look at features.

    Raises Overrun when it takes too long.
    """
    network = case.network()
    seen: set[str] = set()
    see_places.looking_at(network)
    see_steps.looking_at(network)
    with replaced([(reference, "Clock", ObservingClock), *(looking(seen) if closely else ())]):
        engine = reference.Engine(network, case.plan, case.traces)
        replication = engine.run()
    assert isinstance(engine.clock, ObservingClock)
    seen |= told_by_columns(network, case.plan, replication)
    return Observed(replication, frozenset(engine.clock.pairs), frozenset(seen))
