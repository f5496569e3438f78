"""Grants, guests, lines, places, their nodes, and groups of nodes."""

from __future__ import annotations

from typing import Final

ONE_CORE: Final = 1 << 20
"""The speed of one core. Speeds are whole multiples of 2^-20 core, so that both engines compute them alike."""

# -- grant: asking for units, then holding them; a visit to a server is one ---------------------------------
G_WHO: Final = 0  # low: job; high: step
G_LINKS: Final = 1  # in a line or among the holders of a node. low: next; high: previous
G_TIME: Final = 2  # of asking, then of the grant
G_HELD: Final = 3  # low: the grant that the job acquired before; high: number among the job's grants
G_NODE: Final = 4  # low: node granted + 1, or 0; then flags and the node wanted + 1
G_PLAIN: Final = 5  # words of a plain grant
G_DEMAND: Final = 5
G_VISIT: Final = 6  # words of a plain visit
G_SERIAL: Final = 6
G_PRIORITY: Final = 7
G_LIMIT: Final = 8  # alarm of its patience
G_RANKED: Final = 9  # words where lines are several or ranked, or patience is limited
G_CAME: Final = 9
G_LEFT: Final = 10
G_FINISH: Final = 11
G_SLOT: Final = 12  # place among those in service
G_GRANTED: Final = 13
G_FULL: Final = 14

WANTED_SHIFT: Final = 31
NODE_MASK: Final = (1 << 24) - 1
WANTED_MASK: Final = NODE_MASK << WANTED_SHIFT
IN_LINE: Final = 1 << 55
CHOSE: Final = 1 << 56
WAITED: Final = 1 << 57
OPENS: Final = 1 << 58
IN_SERVICE: Final = 1 << 59
KEPT: Final = 1 << 60
WAS_GRANTED: Final = 1 << 61

# -- guest: at a group commit, a polled queue or a token bucket ---------------------------------------------
Q_JOB: Final = 0
Q_LINKS: Final = 1
Q_ASKED: Final = 2
Q_GRANTED: Final = 3
Q_STATE: Final = 4  # node << 2 | left << 1 | inside
Q_LIMIT: Final = 5
Q_SIZE: Final = 6
INSIDE: Final = 1
LEFT: Final = 2

# -- line: head, tail, length, heap of a priority line ------------------------------------------------------
L_HEAD: Final = 0
L_TAIL: Final = 1
L_LENGTH: Final = 2
L_SIZE: Final = 3

# -- place --------------------------------------------------------------------------------------------------
P_KIND: Final = 0
P_ELEMENT: Final = 1
P_GROUP: Final = 2
P_COUNT: Final = 3
P_UNITS: Final = 4
P_QUEUE: Final = 5
P_PREEMPTIVE: Final = 6
P_LIMIT: Final = 7
P_CHOICE: Final = 8
P_KEYED: Final = 9  # 0: not; 1: by the execution; 2 + attribute
P_KEY_STREAM: Final = 10
P_KEY_BOUNDS: Final = 11  # table of doubles, count - 1 of them; 0 without skew
P_KEY_SLOT: Final = 12
P_AT_NODE: Final = 13
P_REFUSES: Final = 14
P_PLAIN: Final = 15
P_SINGLE: Final = 16
P_SERIAL: Final = 17
P_NEXT: Final = 18
P_CHOICE_STREAM: Final = 19
P_NODES: Final = 20
P_GRANT_SIZE: Final = 21
P_DIST: Final = 22  # opening, set-up, flush or read: distribution and stream
P_STREAM: Final = 23
P_BITS: Final = 24  # who can serve a newcomer: base of the levels, number of levels
P_LEVELS: Final = 25
P_LINE: Final = 26  # three words
P_DOOR: Final = 29  # three words
P_BLOCKS: Final = 32
P_CORES: Final = 33  # in 2^-20 core
P_CONTENTION: Final = 36  # doubles: cores, contention, coherency; then whether there is contention
P_FLUSHES: Final = 40
P_BATCH: Final = 41
P_INTERVAL: Final = 42
P_TRIGGER: Final = 43
P_FULL_AT: Final = 44
P_SLACK: Final = 45
P_SETUPS: Final = 46  # begun; then how many are starting; then the last begun
P_STARTING: Final = 47
P_STARTS: Final = 48
P_EASY: Final = 49  # whether `plain` may serve those steps that ask for nothing special
P_INDEX: Final = 50
P_ST_WAIT: Final = 51
P_ST_SERVICE: Final = 52
P_ST_BLOCKED: Final = 53
P_ST_OPENING: Final = 54
P_WORK: Final = 55  # two words
P_EXCESS: Final = 57  # two words
P_BATCHES: Final = 59
P_TIMED_WAITS: Final = 60  # whether a wait is known at the grant
M_LAST: Final = 61
M_BUSY: Final = 62
M_WAITING: Final = 63
M_MAX: Final = 64
M_BUSY_AREA: Final = 65  # areas and sums take two words
M_WAIT_AREA: Final = 67
M_UNITS: Final = 69
M_UNITS_LAST: Final = 70
M_UNITS_AREA: Final = 71
M_ASKED: Final = 73
M_SERVED: Final = 74
M_ABANDONED: Final = 75
M_REJECTED: Final = 76
M_REFUSED: Final = 77
M_WAITED: Final = 78
M_WAIT_SUM: Final = 79
M_HELD_SUM: Final = 81
M_OVERDRAWN: Final = 83
M_WAITS: Final = 84  # histogram: base
M_WINDOW_SUM: Final = 85
M_WINDOW_COUNT: Final = 87
P_GUESTS: Final = 88  # token bucket and group commit: the line, three words
P_ALARM: Final = 91  # alarm, three words: token, or flush
P_ROUND: Final = 94  # round of a group commit (see R)
P_MARKED: Final = 104  # two copies of what is marked
MARKS: Final = 16
P_SHED: Final = P_MARKED + 2 * MARKS  # the age of a line from which on it rejects, or -1
P_SPARES: Final = P_SHED + 1  # whether it spares a priority; which
P_SPARED: Final = P_SHED + 2
P_REJECTED: Final = P_SHED + 3  # up to the sample before
P_FOLLOWS: Final = P_SHED + 4  # polled queue: whether who comes while a read is planned has another one follow
P_SIZE: Final = P_SHED + 5

RESOURCE: Final = 0
SERVER: Final = 1
SETUP: Final = 2
SHARED: Final = 3
DELAY: Final = 4
COMMIT: Final = 5
POLLED: Final = 6
BUCKET: Final = 7

FIFO: Final = 0
LIFO: Final = 1
PRIORITY: Final = 2

ROUND_ROBIN: Final = 0
RANDOM: Final = 1
LEAST_LOADED: Final = 2
POWER_OF_TWO: Final = 3

# -- node of a place ----------------------------------------------------------------------------------------
N_FREE: Final = 0
N_OPEN: Final = 1
N_HOLDERS: Final = 2  # first, last
N_BOUND: Final = 4  # line
N_CHOSEN: Final = 7  # line
N_SIZE: Final = 10
# shared cores have more
S_ALARM: Final = 10
S_PRESENT: Final = 13
S_VIRTUAL: Final = 14
S_LAST: Final = 15
S_SPEED: Final = 16
S_DUE: Final = 17
S_HEAP: Final = 18  # base, capacity
S_SIZE: Final = 20

# -- round of a batch; a polled queue has one a node, with the queue before it ------------------------------
R_ALARM: Final = 0
R_FIRST: Final = 3  # guests being served: first, last
R_BEGUN: Final = 5
R_ENDS: Final = 6
R_LEFT: Final = 7  # what is left of it when paused, or -1
R_NODE: Final = 8
R_SIZE: Final = 9
K_LINE: Final = 0
K_READ: Final = 3  # alarm
K_FULL_AT: Final = 6
K_READS: Final = 7
K_AGAIN: Final = 8  # somebody came while a read was planned: another one follows
K_ROUND: Final = 9
K_SIZE: Final = K_ROUND + R_SIZE

# -- group of nodes -----------------------------------------------------------------------------------------
GR_COUNT: Final = 0
GR_NODES: Final = 1
GR_RESIDENTS: Final = 2  # base of handles (a cache has its handle negated), number
GR_RESIDENT_COUNT: Final = 3
GR_CHOOSERS: Final = 4
GR_CHOOSER_COUNT: Final = 5
GR_AFFINITIES: Final = 6  # base, number
GR_AFFINITY_COUNT: Final = 7
GR_INDEX: Final = 8
GR_DOWN: Final = 10  # how many nodes are down
GR_LEAVING: Final = 11  # how many are up but about to go off
GR_SIZE: Final = 12
# its node
D_DOWNS: Final = 0
D_SINCE: Final = 1
D_READY: Final = 2
D_SPEEDS: Final = 3  # first, last of a list (next, factor)
D_ERRORS: Final = 5  # first, last of a list (next, stream, episode, chance)
D_TRIALS: Final = 7  # first, last
D_RESUMED: Final = 9  # first, last
D_SPEED: Final = 11
D_LEAVES: Final = 12  # how many want it to: a controller by which it is off or about to be, faults with notice
D_SIZE: Final = 13

# D_READY
NOT_READY: Final = 0
READY: Final = 1
ONLY_BOUND: Final = 2  # serves those who are bound to it; leaves

# -- job waiting on a paused node ---------------------------------------------------------------------------
Z_JOB: Final = 0
Z_LINKS: Final = 1
Z_NODE: Final = 2
Z_SIZE: Final = 3
