"""Distributions, counts and steps, as the compiled program has them."""

from __future__ import annotations

from typing import Final

# -- distribution and number --------------------------------------------------------------------------------
D_KIND: Final = 0
D_A: Final = 1
D_B: Final = 2
D_C: Final = 3
D_TABLE: Final = 4
D_LENGTH: Final = 5
D_NS: Final = 6  # of a constant
DIST_SIZE: Final = 7

NUM_CONSTANT: Final = 0
NUM_ATTRIBUTE: Final = 1
NUM_DRAWN: Final = 2

# -- steps --------------------------------------------------------------------------------------------------
O_CODE: Final = 0
O_NEXT: Final = 1
O_ELEMENT: Final = 2
O_SALT: Final = 3
O_ARGS: Final = 4

(
    OP_END,
    OP_RETURN,
    OP_ACQUIRE,
    OP_RELEASE,
    OP_USE,
    OP_DELAY,
    OP_BRANCH,
    OP_LOOP,
    OP_LOOP_END,
    OP_FORK,
    OP_RACE,
    OP_ATTEMPT,
    OP_ATTEMPT_END,
    OP_START,
    OP_SAGA,
    OP_SAGA_END,
    OP_UNDO_END,
    OP_COMPENSATE,
    OP_CALL,
    OP_MARK,
    OP_COUNT,
    OP_SET,
    OP_FAIL,
    OP_CACHED,
    OP_FORGET,
    OP_ACQUIRE_PLAIN,
    OP_RELEASE_PLAIN,
    OP_USE_PLAIN,
    OP_PROMPT,
    OP_NOTIFY,
) = range(30)

AQ_PLACE: Final = 4
AQ_UNITS: Final = 5
AQ_PRIORITY: Final = 6  # whether it has one of its own; which
AQ_OWN_PRIORITY: Final = 7
AQ_AT: Final = 8  # resource, or 0
AQ_AFFINITY: Final = 9  # slot, or -1
AQ_LEASE: Final = 10  # or -1
AQ_PATIENCE: Final = 11
AQ_PATIENCE_STREAM: Final = 12
AQ_OTHERWISE: Final = 13
AQ_SIZE: Final = 14

US_PLACE: Final = 4
US_UNITS: Final = 5  # always 1
US_PRIORITY: Final = 6
US_OWN_PRIORITY: Final = 7
US_AT: Final = 8
US_PATIENCE: Final = 11
US_PATIENCE_STREAM: Final = 12
US_DEMAND: Final = 13
US_DEMAND_STREAM: Final = 14
US_AHEAD: Final = 15  # whether sources draw it ahead; behind distribution and stream, as DE_AHEAD is
US_KEEPS: Final = 16
US_PER: Final = 17  # base of (attribute, each), number
US_PER_COUNT: Final = 18
US_SIZE: Final = 19

DE_KEY: Final = 4  # kind of event
DE_STATE: Final = 5
DE_DIST: Final = 6
DE_STREAM: Final = 7
DE_AHEAD: Final = 8
DE_FLOOR: Final = 9
DE_GRID: Final = 10
DE_PER: Final = 11
DE_PER_COUNT: Final = 12
DE_TIMERS: Final = 13  # or 0
DE_SIZE: Final = 14

BR_STREAM: Final = 4
BR_DRAWS: Final = 5
BR_COUNT: Final = 6
BR_WAYS: Final = 7  # each: kind, chance or attribute, has above, above, has below, below, first step
BR_WAY: Final = 7

LO_NUMBER: Final = 4
LO_BODY: Final = 7
LO_SIZE: Final = 8

FO_KIND: Final = 4  # 0: branches; 1: items
FO_NUMBER: Final = 5
FO_JOIN: Final = 8  # -1 all, -2 first, else k
FO_CANCELS: Final = 9
FO_COUNT: Final = 10
FO_BODIES: Final = 11

AT_BODY: Final = 4
AT_AFTER: Final = 5  # or 0
AT_TIMED: Final = 6
AT_STARTS: Final = 7
AT_STC: Final = 8  # timeouts, or -1
AT_STS: Final = 9
AT_SCC: Final = 10
AT_BEAT: Final = 11
AT_BEAT_INTERVAL: Final = 12
AT_SILENT: Final = 13
AT_COUNTED: Final = 14
AT_RETRY: Final = 15
AT_FIRST: Final = 16  # doubles: first interval, coefficient, longest, jitter
AT_COEFFICIENT: Final = 17
AT_LONGEST: Final = 18
AT_JITTER: Final = 19
AT_JITTER_STREAM: Final = 20
AT_MAXIMUM: Final = 21  # or -1
AT_FLOOR: Final = 22
AT_GRID: Final = 23  # or 0
AT_FATAL: Final = 24  # base, number of failures that are not tried again
AT_FATAL_COUNT: Final = 25
AT_BREAKER: Final = 26  # or 0
AT_BUDGET: Final = 27  # or 0
AT_STOPS: Final = 28
AT_TIMERS: Final = 29  # or 0
AT_SIZE: Final = 30

AT_ONCE: Final = 0
GRANTED: Final = 1
BY_STEP: Final = 2

SG_BODY: Final = 4
SG_SIZE: Final = 6

CO_BODY: Final = 4
CL_BODY: Final = 4

MK_ENDS: Final = 4  # base of (slot of the open span, span), number
MK_END_COUNT: Final = 5
MK_STARTS: Final = 6  # base of slots, number
MK_START_COUNT: Final = 7
MK_RECOVERS: Final = 8  # base of numbers of recoveries, number
MK_RECOVER_COUNT: Final = 9
MK_READIES: Final = 10  # slot, or -1
MK_WATCHED: Final = 11  # slot of its count, or -1
MK_ONCE: Final = 12
MK_ANSWERS: Final = 13  # base of monitors, number
MK_ANSWER_COUNT: Final = 14
MK_ASKS: Final = 15
MK_ASK_COUNT: Final = 16
MK_SIZE: Final = 17

CN_COUNT: Final = 4
CN_ITEMS: Final = 5  # each: operation, number

SE_COUNT: Final = 4
SE_ITEMS: Final = 5  # each: attribute, adds, number (3)
SE_ITEM: Final = 5

FL_ERROR: Final = 4
FL_ALWAYS: Final = 5
FL_CHANCE: Final = 6
FL_STREAM: Final = 7
FL_SIZE: Final = 8

CC_CACHE: Final = 4
CC_AT: Final = 5
CC_HIT: Final = 6
CC_MISS: Final = 7
CC_SIZE: Final = 8

RE_PLACE: Final = 4
FG_SLOT: Final = 4
PR_PLACE: Final = 4
NO_TIMERS: Final = 4
