"""Jobs, what they go back to, and what they await."""

from __future__ import annotations

from typing import Final

from sim.engine.fast.layout.header import LOW

# -- job ----------------------------------------------------------------------------------------------------
J_KEY: Final = 0
J_ORDER: Final = 1
J_PATH: Final = 2
J_SINCE: Final = 3
J_STATE: Final = (
    4  # step (31 bits), what it waits for (4), stale wake-ups (5), interruptions (5), flags (6), source (11)
)
J_LINK: Final = 5  # low: what it waits at; high: frames
J_OWN: Final = 6  # low: grants held, last first; high: its execution, which is the main line's job
J_ACCOUNT: Final = 7  # low: split; high: grants so far
J_SMALL: Final = 8
J_TREE: Final = 8  # low: parent; high: the family or trial that it is a child of
J_SIBLINGS: Final = 9  # low: next; high: previous
J_REFS: Final = 10  # low: who still needs the record; high: the innermost trial around
J_BEGAN: Final = 11
J_SAGA: Final = 12  # low: innermost saga; high: visit whose server is kept
J_LARGE: Final = 13

WAIT_SHIFT: Final = 31
WAIT_MASK: Final = 15
STALE_ONE: Final = 1 << 35
STALE_MASK: Final = 31 << 35
PENDING_ONE: Final = 1 << 40  # interruptions on their way
PENDING_MASK: Final = 31 << 40
COHORT: Final = 1 << 45
DROPPED: Final = 1 << 46
ENDED: Final = 1 << 47
WOKEN: Final = 1 << 48
RUNNING_HERE: Final = 1 << 50
SOURCE_SHIFT: Final = 51
MOVING_MASK: Final = (LOW | WAIT_MASK << WAIT_SHIFT) ^ ((1 << 63) - 1)
"""Keeps everything but the program counter and what is waited for."""

W_START: Final = 1
W_DELAY: Final = 2
W_LINE: Final = 3
W_OPENING: Final = 4
W_VISIT: Final = 5
W_DOOR: Final = 6
W_ROOM: Final = 7  # a delay station
W_GUEST: Final = 8
W_FAMILY: Final = 9
W_TRIAL: Final = 10
W_BACKOFF: Final = 11
W_PAUSED: Final = 12

# -- frame: what a job goes back to -------------------------------------------------------------------------
F_NEXT: Final = 0  # low: frame below; high: kind
F_STEP: Final = 1
F_PATH: Final = 2
F_CALL_SIZE: Final = 3
F_INDEX: Final = 3
F_BASE: Final = 4
F_OTHER: Final = 5
F_VALUE: Final = 6
F_HANDLE: Final = 7
F_PASSAGE: Final = 8  # of an attempt: leave to go through its breaker, or 0
F_SIZE: Final = 9

CALL_FRAME: Final = 0
LOOP_FRAME: Final = 1
ATTEMPT_FRAME: Final = 2
SAGA_FRAME: Final = 3
UNDO_FRAME: Final = 4

# -- family of a fork or race -------------------------------------------------------------------------------
FAMILY: Final = 1
TRIAL: Final = 2
B_KIND: Final = 0
B_JOB: Final = 1
B_NEEDED: Final = 2
B_CANCELS: Final = 3
B_SUCCEEDED: Final = 4
B_FAILED: Final = 5
B_SPARE: Final = 6
B_OPEN: Final = 7
B_DECIDING: Final = 8
B_ERROR: Final = 9
B_CHILDREN: Final = 10  # first, last
B_AWAITED: Final = 12
B_SIZE: Final = 13

# -- trial: one timed attempt under way ---------------------------------------------------------------------
Y_KIND: Final = 0
Y_STEP: Final = 1
Y_JOB: Final = 2
Y_CHILD: Final = 3
Y_OUTER: Final = 4
Y_OPEN: Final = 5
Y_EXPIRED: Final = 6
Y_LOST: Final = 7
Y_STARTED: Final = 8
Y_BEAT: Final = 9
Y_SETTLED: Final = 10
Y_NODE: Final = 11  # node of a group, 0 without
Y_LINKS: Final = 12
Y_ERROR: Final = 13
Y_ALARMS: Final = 14  # four handles
Y_LISTED: Final = 18
Y_SIZE: Final = 19
