"""The header of the memory, timers, immediate events and failures."""

from __future__ import annotations

from typing import Final

from sim.engine.fast.layout.record import Numbers, Record, fixed, number, word

LOW: Final = (1 << 31) - 1
"""Mask of the low half of a word that two handles share."""

FULL_SUM: Final = 1 << 62
"""What one in the second word of a sum stands for."""


class Command(Numbers):
    """What the kernel is asked to do."""

    RUN = number()
    BEGIN = number()
    MARK_BEGIN = number()
    MARK_END = number()
    CALL_OFF = number()
    JUDGE = number()
    NEXT = number()


class Heap(Record):
    """Timers by the instants that they are set for, the next one first."""

    COUNT = word()
    BASE = word()  # of entries (time, handle)
    HOLE = word()  # whether the root is one
    CAPACITY = word()


class Ring(Record):
    """Immediate events, first-in first-out."""

    BASE = word()
    MASK = word()
    HEAD = word()
    TAIL = word()


class Table(Record):
    """A list of words or records whose number is known."""

    BASE = word()
    COUNT = word()


class Log(Record):
    """A growing list of words."""

    FIRST = word()
    LAST = word()
    COUNT = word()

    CHUNK: Final = 510


class Header(Record):
    """The first words of the memory."""

    NOTHING = fixed()  # handle 0 is none
    NOW = fixed()
    STATUS = fixed()
    HEAP = fixed(Heap.SIZE)
    FAULT_HEAP = fixed(Heap.SIZE)  # timers of faults, most of which are far away
    EVENTS = fixed(Ring.SIZE)
    TOP = fixed()  # first word never used
    END = fixed()  # and the end of the memory
    ORDINAL = fixed()
    COHORT_OPEN = fixed()
    BEGIN = fixed()  # window
    HORIZON = fixed()
    STOPPED = fixed()
    PAUSES = fixed()
    ACTIVITIES = fixed()
    OFF_PATH = fixed(2)
    ROWS = fixed()  # base of the starts, of the ends, of the closings; how many fit
    ROW_ENDS = fixed()
    ROW_NOTES = fixed()
    ROW_PARENTS = fixed()  # base of the parents' ordinals, 0 where there are no child executions
    ROW_LIMIT = fixed()
    SPLITS = fixed()  # base of the times by state, so many a row
    STATES = fixed()
    MAIN_SIZE = fixed()
    CHILD_SIZE = fixed()
    TREE = fixed()  # whether jobs have children, sagas or kept servers
    PLACES = fixed(Table.SIZE)  # handles
    SOURCES = fixed(Table.SIZE)
    ROUTINES = fixed(Table.SIZE)  # levels of the routines
    SLOTS_KNOWN = fixed()  # whether timers know their slots; those of faults
    FAULT_SLOTS_KNOWN = fixed()
    SAMPLE = fixed()  # the sampler's record
    OPERATIONS = fixed(Table.SIZE)  # base of counts by routine and operation, number of operations
    ATTEMPTS = fixed()  # base of counts by routine
    HITS = fixed()  # whom the crash at hand hits
    MONITORS = fixed(Table.SIZE)
    STARTED_BY_GRANT = fixed()  # whether any attempt starts with a grant
    RECOVERIES = fixed(Table.SIZE)  # the spans after a crash
    LIVE = fixed(2)  # live executions: first, last
    CULPRIT = fixed()  # a source whose client takes no time
    HANDLED = fixed()
    SPANS = fixed()  # how many open spans a job carries
    STATE_LOST = fixed()
    STATE_BACKOFF = fixed()
    STATE_PAUSED = fixed()
    # where the parts of a job begin that not every network needs
    JOB_SPANS = fixed()
    JOB_ATTRIBUTES = fixed()
    JOB_AFFINITIES = fixed()
    JOB_KEYS = fixed()
    JOB_CHILDREN = fixed()
    JOB_OPEN = fixed()
    JOB_CLIENT = fixed()
    JOB_SAGAS = fixed()
    JOB_CACHED = fixed()
    JOB_LIVE = fixed()
    JOB_CRASHES = fixed()
    JOB_READIED = fixed()
    JOB_COUNTS = fixed()
    JOB_REQUESTED = fixed()
    JOB_LATE = fixed()
    JOB_PATH = fixed()
    JOB_MARKED = fixed()  # two words: whether it is watched; its links among those that are
    JOB_FIRST = fixed()  # a time drawn ahead by the source, or -1
    JOB_FAMILY = fixed()  # parent and children
    START_VALUES = fixed(Table.SIZE)  # the attributes' values at the start
    REACTIONS = fixed(Log.SIZE)
    EPISODES = fixed(2)  # first, last
    CHOOSING = fixed()  # who chooses again after the crash at hand
    CHOOSING_LAST = fixed()
    WATCHED = fixed(2)  # first, last: executions that the monitors watch
    FAULTS = fixed(Table.SIZE)  # processes of faults
    CONTROLLERS = fixed(Table.SIZE)  # handles
    BREAKERS = fixed(Table.SIZE)
    BUDGETS = fixed(Table.SIZE)
    NOTICES = fixed(2)  # first, last: processes of faults that have given notice
    WALL = fixed()  # how far the wall clock is ahead
    WALL_FLAGS = fixed(Table.SIZE)  # by element, whether its timeouts read it
    SIZES: Final = 2048
    FREE = fixed(SIZES)  # lists of freed records, by size
    SINK = fixed(SIZES)  # where writes go when the memory is full, until that is noticed


class Status(Numbers):
    """Of a run."""

    RUNNING = number()
    REACHED = number()
    MEMORY_FULL = number()
    ROWS_FULL = number()
    STANDS_STILL = number()
    BUDGET_SPENT = number()
    CROWDED = number()  # more interruptions of one job at one instant than can be counted


class Timer(Record):
    """The first words of whatever waits for an instant.

    Key: kind of event (3 bits), element (24), what is due (4), place in the heap (32). The order at one instant is by
    kind, element, visit.
    """

    KEY = word()
    VISIT = word()
    OWNER = word()

    KIND_SHIFT: Final = 60
    ELEMENT_SHIFT: Final = 36
    DUE_SHIFT: Final = 32
    DUE_MASK: Final = 15
    SLOT_MASK: Final = (1 << 32) - 1
    FAR: Final = 1 << 31  # bit of the place in the heap: it is the heap of faults
    NOT_SET: Final = SLOT_MASK  # place in the heap of a timer that is not set
    NEVER: Final = (1 << 63) - 1  # time of an entry that is not there


class Due(Numbers):
    """What a timer is for."""

    JOB = number()
    PATIENCE = number()
    ATTEMPT = number()
    CORES = number()
    ROUND = number()
    READ = number()
    SETUP = number()
    TOKEN = number()
    SOURCE = number()
    LATE = number()
    CLIENT = number()
    FAULT = number()
    SAMPLE = number()
    LOOK = number()
    START = number()


class Immediate(Numbers):
    """Immediate events, a word each: kind << 32 | value << 31 | handle."""

    START = number()
    RESUME = number()
    INTERRUPT = number()
    CHOOSE = number()
    CLIENT = number()

    VALUE: Final = 1 << 31
    SHIFT: Final = 32


class Interruption(Record):
    """One on its way to a job."""

    JOB = word()
    ERROR = word()
    DEPTH = word()  # number of the outermost grant lost, or -1
    GRANT = word()  # with a preemption, whether the grant of that depth is still held is asked when its turn comes


class Hit(Record):
    """A job that a crash hits."""

    NEXT = word()
    ORDER = word()
    JOB = word()
    DEPTH = word()  # number of the outermost grant that it loses, or -1


class Failure(Numbers):
    """The failures that every network has; its own ones have the numbers that follow."""

    NONE = number()
    CRASH = number()
    PREEMPTED = number()
    REJECTED = number()
    REFUSED = number()
    PATIENCE = number()
    ERROR = number()
    JOIN = number()
    NOT_HELD = number()
    TIMEOUT_START_TO_CLOSE = number()
    TIMEOUT_SCHEDULE_TO_START = number()
    TIMEOUT_SCHEDULE_TO_CLOSE = number()
    TIMEOUT_HEARTBEAT = number()
    COMPENSATED = number()
    CANCELLED = number()
    OPEN_CIRCUIT = number()
    TERMINATED = number()
    CANCEL_REQUESTED = number()


ERRORS_BUILT_IN: Final = ("", *(name.lower() for name in Failure.NAMES[1:]))


class Timeout(Numbers):
    """Which of an attempt's timers; the failure is TIMEOUT_START_TO_CLOSE and so many more."""

    START_TO_CLOSE = number()
    SCHEDULE_TO_START = number()
    SCHEDULE_TO_CLOSE = number()
    HEARTBEAT = number()
