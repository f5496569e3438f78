"""Which event comes first when several fall on one instant. The meaning of each kind is in SEMANTICS.md."""

from __future__ import annotations

from typing import Final

WAKE: Final = 0
"""An immediate event, caused by the event being handled: first-in first-out, before any other event."""
UP: Final = 1
"""Repair, capacity up."""
COMPLETION: Final = 2
"""End of a service, flush, delay, set-up, opening."""
TIMEOUT: Final = 3
"""Timer, patience, end of a back-off, lease."""
DOWN: Final = 4
"""Fault, capacity down."""
ARRIVAL: Final = 5
"""A source lets an execution in."""
OBSERVATION: Final = 6
"""Samples, controllers, monitors."""

VISIT_BITS: Final = 63
ELEMENT_BITS: Final = 24
CHILD_BITS: Final = 24
"""An execution has at most 2^24 children, a run at most 2^39 executions."""


def key(kind: int, element: int) -> int:
    """The part of an event's key that its kind and element fix; add the visit (below 2^63) to complete it."""
    assert 0 <= element < 1 << ELEMENT_BITS
    return (kind << ELEMENT_BITS | element) << VISIT_BITS
