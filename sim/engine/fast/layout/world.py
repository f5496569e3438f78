"""What comes by itself and what is left behind: sources, faults, logs, spans, caches, monitors."""

from __future__ import annotations

from typing import Final

from sim.engine.elements import EXAMPLES

# -- source -------------------------------------------------------------------------------------------------
S_KEY: Final = 0  # alarm, three words
U_KIND: Final = 3
U_ROUTINE: Final = 4
U_PRIORITY: Final = 5
U_START: Final = 6
U_STOP: Final = 7  # -1 without; with `during`, SHUT while the fault is not there
SHUT: Final = 0
U_LIMIT: Final = 8
U_COUNTED: Final = 9
U_ID: Final = 10
U_STARTED: Final = 11
U_STREAM: Final = 12
U_ELEMENT: Final = 13
U_BATCH: Final = 14  # number: kind, value, stream
U_SIZE_OF: Final = 17  # number: size of a burst
U_DIST: Final = 20  # gaps, or thinks
U_DIST_STREAM: Final = 21
U_MEAN: Final = 22
U_TIME: Final = 23
U_ORDINAL: Final = 24
U_PROFILE: Final = 25
U_PHASES: Final = 26  # base of (rate, stay), number, present one, its end, changes, stream
U_PHASE_COUNT: Final = 27
U_PHASE: Final = 28
U_PHASE_END: Final = 29
U_CHANGES: Final = 30
U_STAY_STREAM: Final = 31
U_BURST: Final = 32
U_EVERY: Final = 33
U_JITTER: Final = 34
U_TRACE: Final = 35
U_TRACE_SIZE: Final = 36
U_CLIENTS: Final = 37
U_CLIENT_COUNT: Final = 38
U_CODE: Final = 39
U_INDEX: Final = 40
U_AT: Final = 41
AHEAD: Final = 8
"""So many arrivals of a steady Poisson source are drawn in one go."""
U_GAPS: Final = 42
U_FIRST: Final = 50  # a time that each execution draws: its distribution, or 0, and stream
U_PATHS: Final = 52  # paths of the executions to come, and these times
U_FIRSTS: Final = 60
U_ORIGIN: Final = 68  # from which a profile counts
U_SINCE: Final = 69  # first ordinal of the present episode
U_SIZE: Final = 70

POISSON: Final = 0
RENEWAL: Final = 1
MODULATED: Final = 2
BURST: Final = 3
TRACE: Final = 4
CLOSED_LOOP: Final = 5

# profile
V_COUNT: Final = 0
V_LINEAR: Final = 1
V_PERIOD: Final = 2  # 0 without
V_TIMES: Final = 3
V_RATES: Final = 4

# client of a closed loop
C_KEY: Final = 0  # alarm, three words
C_CYCLE: Final = 3
C_BEGUN: Final = 4
C_IDLE: Final = 5
C_STATE: Final = 6  # 0: before its start; 1: thinks; 2: at work
C_PATH: Final = 7
C_SIZE: Final = 8

# -- fault --------------------------------------------------------------------------------------------------
# one record a process; those of a fault share the specification
FA_KEY: Final = 0  # alarm, three words
FA_SPEC: Final = 3
FA_PATH: Final = 4
FA_EPISODE: Final = 5
FA_STATE: Final = 6  # 0: up; 1: down; 2: has given notice; 3: crashes in this instant, with nothing left
FA_RECORD: Final = 7
FA_ONLY: Final = 8  # with `each`: group; node
FA_NODE: Final = 9
FA_LINKS: Final = 10  # among those that have given notice
FA_SIZE: Final = 11
FS_EFFECT: Final = 0
FS_VALUE: Final = 1  # speed, probability or jump
FS_AT: Final = 2  # or -1
FS_WAIT: Final = 3
FS_WAIT_STREAM: Final = 4
FS_LENGTH: Final = 5
FS_LENGTH_STREAM: Final = 6
FS_PICK: Final = 7
FS_ERRORS: Final = 8
FS_ELEMENT: Final = 9
FS_TARGETS: Final = 10  # base of (group, kind, base of nodes, number of nodes), number
FS_TARGET_COUNT: Final = 11
FS_INDEX: Final = 12
FS_COMMON: Final = 13  # chance of a common cause, its stream
FS_COMMON_STREAM: Final = 14
FS_PERIOD: Final = 15  # of the window, 0 without; when it opens in it, for how long
FS_OPENS: Final = 16
FS_OPEN: Final = 17
FS_SOURCES: Final = 18  # base of the sources that are `during` it, number
FS_SOURCE_COUNT: Final = 19
FS_NOTICE: Final = 20  # -1 without
FS_SIZE: Final = 21

CRASH: Final = 0
PAUSE: Final = 1
SLOW: Final = 2
ERRORS: Final = 3
LOAD: Final = 4
CLOCK: Final = 5

ALL_NODES: Final = 0
ANY_NODE: Final = 1
LISTED_NODES: Final = 2

# episode
EP_NEXT: Final = 0
EP_FAULT: Final = 1
EP_START: Final = 2
EP_END: Final = 3
EP_HIT: Final = 4
EP_ONLY: Final = 5  # group and node of a process of `each`, else -1
EP_ALL: Final = 7  # whether it is a common cause
EP_DOWN: Final = 8  # its start, or the end of its notice; -1: not yet
EP_NODES: Final = 9  # one a target: the node drawn, or -1

# -- controller ---------------------------------------------------------------------------------------------
KO_KEY: Final = 0  # alarm, three words
KO_GROUP: Final = 3
KO_PLACES: Final = 4  # base of (place, target, area under its use at the last look, two words), number
KO_PLACE_COUNT: Final = 5
KO_FORM: Final = 6
KO_POINTS: Final = 7  # base of (time, nodes), number, period or 0
KO_POINT_COUNT: Final = 8
KO_PERIOD: Final = 9
KO_MINIMUM: Final = 10
KO_INTERVAL: Final = 11
KO_LIMIT: Final = 12  # or -1
KO_DELAY: Final = 13
KO_DELAY_STREAM: Final = 14
KO_ELEMENT: Final = 15
KO_LOOKS: Final = 16
KO_WANTED: Final = 17  # base of what the last looks wanted, number
KO_BACK: Final = 18
KO_NODES: Final = 19
KO_KEPT: Final = 22
KO_LAST: Final = 23
KO_AREA: Final = 24  # two words
KO_MAX: Final = 26
KO_WINDOW_MAX: Final = 27
KO_STARTS: Final = 28
KO_MARKED: Final = 29  # two areas, then two numbers of starts
KO_ON: Final = 35  # how many are on at the start
KO_SIZE: Final = 36
KW_PLACE: Final = 0
KW_TARGET: Final = 1  # use that a node stands for, a double; or how many of the backlog
KW_USED: Final = 2
KW_SIZE: Final = 4
BY_USE: Final = 0
BY_BACKLOG: Final = 1
BY_CLOCK: Final = 2
# its node
KN_KEY: Final = 0  # alarm, three words
KN_STATE: Final = 3
KN_LEFT: Final = 4
KN_BEGUN: Final = 5
KN_ORDER: Final = 6  # of its start among all
KN_SIZE: Final = 7
KN_OFF: Final = 0
KN_STARTING: Final = 1
KN_ON: Final = 2
KN_LEAVING: Final = 3

# -- log: a growing list of words ---------------------------------------------------------------------------
LOG_FIRST: Final = 0
LOG_LAST: Final = 1
LOG_COUNT: Final = 2
LOG_SIZE: Final = 3
LOG_CHUNK: Final = 510

# -- span, level of a routine, sampler, cache ---------------------------------------------------------------
SP_LOG: Final = 0  # of (end, duration)
SP_RECOVERY: Final = 3
SP_READY: Final = 4  # which readied mark it counts from
SP_GROUP: Final = 5
SP_SIZE: Final = 6

RL_CURRENT: Final = 0
RL_LAST: Final = 1
RL_AREA: Final = 2
RL_MAX: Final = 4
RL_WINDOW_MAX: Final = 5
RL_MARKED: Final = 6  # two areas
RL_SIZE: Final = 10

SA_KEY: Final = 0  # alarm, three words
SA_INTERVAL: Final = 3
SA_NUMBER: Final = 4
SA_LOG: Final = 5
SA_SIZE: Final = 9  # the last word: how many routines

CA_CAPACITY: Final = 0
CA_HITS: Final = 1
CA_MISSES: Final = 2
CA_NODES: Final = 3  # of (first, last, number)
CA_SIZE: Final = 4
# what a node remembers of an execution
CE_JOB: Final = 0
CE_LINKS: Final = 1
CE_NODE: Final = 2
CE_NEXT: Final = 3  # of the same execution
CE_SIZE: Final = 4

# -- monitor ------------------------------------------------------------------------------------------------
MO_FORM: Final = 0
MO_ONE: Final = 1
MO_OTHER: Final = 2
MO_LIMIT: Final = 3
MO_SLOT: Final = 4
MO_AMOUNTS: Final = 5  # base of (mark, amount), number
MO_AMOUNT_COUNT: Final = 6
MO_TALLY: Final = 7  # put to the test, checked, undecided, violated, examples kept
MO_EXAMPLES: Final = 12
MO_KEPT: Final = EXAMPLES
MO_SIZE: Final = MO_EXAMPLES + MO_KEPT

EVENTUALLY: Final = 0
NEVER_BOTH: Final = 1
AT_MOST_ONCE: Final = 2
CONSERVE: Final = 3
