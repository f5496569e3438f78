"""The header of the memory, alarms, effects and failures."""

from __future__ import annotations

from typing import Final

LOW: Final = (1 << 31) - 1
"""Mask of the low half of a word that two handles share."""

FULL_SUM: Final = 1 << 62
"""What one in the second word of a sum stands for."""

# -- what the kernel is asked to do ---------------------------------------------------------------------------
RUN: Final = 0
BEGIN: Final = 1
MARK_BEGIN: Final = 2
MARK_END: Final = 3
CALL_OFF: Final = 4
JUDGE: Final = 5
NEXT: Final = 6

# -- header: the first words of the memory ------------------------------------------------------------------
H_NOW: Final = 1
H_STATUS: Final = 2
H_HEAP: Final = 4  # alarms: number, base, whether the root is a hole, capacity
H_FAULT_HEAP: Final = 8  # alarms of faults, most of which are far away
H_QUEUE: Final = 12  # effects: base, mask, head, tail
H_TOP: Final = 16  # first word never used
H_END: Final = 17  # and the end of the memory
H_ORDINAL: Final = 18
H_COHORT_OPEN: Final = 19
H_BEGIN: Final = 20  # window
H_HORIZON: Final = 21
H_STOPPED: Final = 22
H_PAUSES: Final = 23
H_ACTIVITIES: Final = 24
H_OFF_PATH: Final = 25  # two words
H_ROWS: Final = 27  # base of the starts, of the ends, of the closings; how many fit
H_ROW_ENDS: Final = 28
H_ROW_NOTES: Final = 29
H_ROW_LIMIT: Final = 30
H_SPLITS: Final = 31  # base of the times by state, so many a row
H_STATES: Final = 32
H_MAIN_SIZE: Final = 35
H_CHILD_SIZE: Final = 36
H_TREE: Final = 37  # whether jobs have children, sagas or kept servers
H_PLACES: Final = 38  # table of handles, number
H_PLACE_COUNT: Final = 39
H_SOURCES: Final = 40
H_ROUTINES: Final = 41  # levels of the routines: base
H_SLOTS_KNOWN: Final = 42  # whether alarms know their slots; those of faults
H_REACTIONS: Final = 100  # a log
H_EPISODES: Final = 104  # first, last
H_CHOOSING: Final = 106  # first, last: who chooses again after the crash at hand
H_WATCHED: Final = 108  # first, last: executions that the monitors watch
H_SAMPLE: Final = 44  # the sampler's record
H_OPERATIONS: Final = 45  # base of counts by routine and operation
H_OPERATION_COUNT: Final = 46
H_ATTEMPTS: Final = 47  # base of counts by routine
H_HITS: Final = 48  # whom the crash at hand hits
H_WATCH: Final = 49  # monitors: base
H_MONITORS: Final = 50
H_TRIALS: Final = 51  # whether any attempt starts with a grant
H_RECOVERIES: Final = 52  # base of the spans after a crash
H_RECOVERY_COUNT: Final = 53
H_LIVE: Final = 54  # live executions: first, last
H_MARKS: Final = 57  # number of routines
H_CULPRIT: Final = 58  # a source whose client takes no time
H_HANDLED: Final = 59
H_SPANS: Final = 61  # how many open spans a job carries
H_ST_LOST: Final = 62
H_ST_BACKOFF: Final = 65
H_ST_PAUSED: Final = 66
H_SOURCE_COUNT: Final = 67
H_FAULT_GAP: Final = 110  # first process of a fault; number
H_CONTROLLERS: Final = 112  # base of handles, number
H_BREAKERS: Final = 114  # base of handles, number
H_BUDGETS: Final = 116
H_NOTICES: Final = 118  # first, last: processes of faults that have given notice
H_WALL: Final = 120  # how far the wall clock is ahead
H_WALL_FLAGS: Final = 121  # base of flags, number: elements whose timeouts read it
H_WALL_COUNT: Final = 122
# where the parts of a job begin that not every network needs
X_SPANS: Final = 70
X_ATTRIBUTES: Final = 71
X_AFFINITIES: Final = 72
X_KEYS: Final = 73
X_CHILDREN: Final = 74
X_OPEN: Final = 75
X_CLIENT: Final = 76
X_SAGAS: Final = 77
X_CACHED: Final = 78
X_LIVE: Final = 79
X_CRASHES: Final = 80
X_READIED: Final = 81
X_COUNTS: Final = 82
X_ASKED: Final = 83
X_LATE: Final = 84
X_PATH: Final = 85
X_MARKED: Final = 86  # two words: whether it is watched; its links among those that are
N_ATTRIBUTES: Final = 87
X_FIRST: Final = 88  # a time drawn ahead by the source, or -1
H_START_VALUES: Final = 93  # base of the attributes' values at the start
H_FREE: Final = 128  # lists of freed records, by size
SIZES: Final = 2048
H_SINK: Final = H_FREE + SIZES  # where writes go when the memory is full, until that is noticed
H_SIZE: Final = H_SINK + SIZES

# -- status of a run ----------------------------------------------------------------------------------------
RUNNING: Final = 0
REACHED: Final = 1
MEMORY_FULL: Final = 2
ROWS_FULL: Final = 3
STANDS_STILL: Final = 4
BUDGET_SPENT: Final = 5
CROWDED: Final = 6  # more interruptions of one job at one instant than can be counted

# -- alarm: the first words of whatever waits for an instant ------------------------------------------------
# A_KEY: kind (3 bits), element (24), tag (4), place in the heap (32). The key at one instant is kind, element, visit.
A_KEY: Final = 0
A_VISIT: Final = 1
A_OWNER: Final = 2
A_SIZE: Final = 3
KIND_SHIFT: Final = 60
ELEMENT_SHIFT: Final = 36
TAG_SHIFT: Final = 32
TAG_MASK: Final = 15
SLOT_MASK: Final = (1 << 32) - 1
FAR: Final = 1 << 31
"""Bit of the place in the heap: it is the heap of faults."""
NOT_SET: Final = SLOT_MASK
"""Place in the heap of an alarm that is not set."""
NEVER: Final = (1 << 63) - 1
"""Time of an entry that is not there."""

T_JOB: Final = 0
T_PATIENCE: Final = 1
T_TRIAL: Final = 2
T_SHARED: Final = 3
T_ROUND: Final = 4
T_READ: Final = 5
T_SETUP: Final = 6
T_TOKEN: Final = 7
T_SOURCE: Final = 8
T_LATE: Final = 9
T_CLIENT: Final = 10
T_FAULT: Final = 11
T_SAMPLE: Final = 12
T_LOOK: Final = 13
T_START: Final = 14

# -- effects: kind << 32 | value << 31 | handle -------------------------------------------------------------
E_START: Final = 0
E_RESUME: Final = 1
E_INTERRUPT: Final = 2
E_CHOOSE: Final = 3
E_CLIENT: Final = 4
E_VALUE: Final = 1 << 31
E_SHIFT: Final = 32

# -- interruption -------------------------------------------------------------------------------------------
I_JOB: Final = 0
I_ERROR: Final = 1
I_DEPTH: Final = 2  # number of the outermost grant lost, or -1
I_GRANT: Final = 3  # with a preemption, whether the grant of that depth is still held is asked when its turn comes
I_SIZE: Final = 4

# -- failures -----------------------------------------------------------------------------------------------
ERRORS_BUILT_IN: Final = (
    "",
    "crash",
    "preempted",
    "rejected",
    "refused",
    "patience",
    "error",
    "join",
    "not_held",
    "timeout_start_to_close",
    "timeout_schedule_to_start",
    "timeout_schedule_to_close",
    "timeout_heartbeat",
    "compensated",
    "cancelled",
    "open_circuit",
)
X_CRASH: Final = 1
X_PREEMPTED: Final = 2
X_REJECTED: Final = 3
X_REFUSED: Final = 4
X_PATIENCE: Final = 5
X_ERROR: Final = 6
X_JOIN: Final = 7
X_NOT_HELD: Final = 8
X_TIMEOUT: Final = 9  # and the three after it
X_COMPENSATED: Final = 13
X_CANCELLED: Final = 14
X_OPEN_CIRCUIT: Final = 15

START_TO_CLOSE: Final = 0
SCHEDULE_TO_START: Final = 1
SCHEDULE_TO_CLOSE: Final = 2
HEARTBEAT: Final = 3
