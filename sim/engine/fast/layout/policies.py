"""Circuit breakers."""

from __future__ import annotations

from typing import Final

# -- breaker --------------------------------------------------------------------------------------------------
BK_AT: Final = 0  # resource whose node it is, or 0
BK_GROUP: Final = 1  # its group, or 0
BK_COUNT: Final = 2
BK_CIRCUITS: Final = 3
BK_WIDTH: Final = 4  # words of a circuit
BK_WINDOW: Final = 5
BK_OPENING: Final = 6  # failures that open it, closed; and half-open
BK_REOPENING: Final = 7
BK_OPEN: Final = 8
BK_TRIALS: Final = 9
BK_LEVEL: Final = 10  # the states of its circuits added up
BK_ASKED: Final = 11
BK_TURNED: Final = 12
BK_OPENED: Final = 13
BK_SIZE: Final = 14

# -- its circuit: that of a node, or of all -------------------------------------------------------------------
BC_BREAKER: Final = 0
BC_STATE: Final = 1
BC_PHASE: Final = 2
BC_UNTIL: Final = 3
BC_THROUGH: Final = 4  # let through in this phase, and under way
BC_KNOWN: Final = 5  # outcomes remembered; failures among them; where the next one goes
BC_FAILED: Final = 6
BC_NEXT: Final = 7
BC_OUTCOMES: Final = 8  # one word each

CIRCUIT_CLOSED: Final = 0
CIRCUIT_HALF_OPEN: Final = 1
CIRCUIT_OPEN: Final = 2

# -- retry budget, in parts of a token -------------------------------------------------------------------------
BU_AT: Final = 0  # resource whose node it is, or 0
BU_GROUP: Final = 1  # its group, or 0
BU_COUNT: Final = 2
BU_NODES: Final = 3  # what each has
BU_DEPOSIT: Final = 4
BU_FULL: Final = 5
BU_SUM: Final = 6  # what all have together
BU_WANTED: Final = 7
BU_WITHHELD: Final = 8
BU_SIZE: Final = 9

# -- timer queue -------------------------------------------------------------------------------------------------
TQ_AHEAD: Final = 0
TQ_AFTER: Final = 1
TQ_LEAST: Final = 2  # nothing new ends before it
TQ_READ: Final = 3  # up to where it has been read
TQ_SIZE: Final = 4
