"""Jobs, what they go back to, and what they await."""

from __future__ import annotations

from typing import Final

from sim.engine.fast.layout.header import LOW
from sim.engine.fast.layout.record import Numbers, Record, number, size_here, word, words


class Job(Record):
    """One thread of control of an execution; what follows the fields below is where the header says."""

    KEY = word()  # of its timer
    ORDER = word()
    PATH = word()
    SINCE = word()
    STATE = (
        word()
    )  # step (31 bits), what it waits for (4), stale wake-ups (5), interruptions (5), flags (6), source (11)
    LINK = word()  # low: what it waits at; high: frames
    OWN = word()  # low: grants held, last first; high: its execution, which is the main line's job
    ACCOUNT = word()  # low: split; high: grants so far
    SMALL = size_here()
    TREE = word()  # low: parent; high: the fork or attempt that it is a child of
    SIBLINGS = word()  # low: next; high: previous
    REFS = word()  # low: who still needs the record; high: the innermost attempt around
    BEGAN = word()
    SAGA = word()  # low: innermost saga; high: visit whose server is kept

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
    MOVING_MASK: Final = (LOW | WAIT_MASK << WAIT_SHIFT) ^ ((1 << 63) - 1)  # all but the step and what is waited for


class Wait(Numbers):
    """What a job waits for."""

    NOTHING = number()
    START = number()
    DELAY = number()
    QUEUE = number()
    OPENING = number()
    VISIT = number()
    BLOCKED = number()  # after service
    DELAY_STATION = number()
    NO_SERVER = number()  # at a station that has none: group commit, polled queue, token bucket
    FORK = number()
    ATTEMPT = number()
    BACKOFF = number()
    PAUSED = number()
    CHILD = number()
    TOLD = number()


class Frame(Record):
    """What a job goes back to."""

    NEXT = word()  # low: frame below; high: kind
    STEP = word()
    PATH = word()
    CALL_SIZE = size_here()
    INDEX = word()
    BASE = word()
    OTHER = word()
    VALUE = word()
    HANDLE = word()
    PASSAGE = word()  # of an attempt: leave to go through its breaker, or 0


class FrameKind(Numbers):
    """Of which step."""

    CALL = number()
    LOOP = number()
    ATTEMPT = number()
    SAGA = number()
    UNDO = number()


class Parent(Numbers):
    """The first word of what a job may be a child of."""

    NONE = number()
    FORK = number()
    ATTEMPT = number()
    CHILD = number()
    TELLING = number()


class Family(Record):
    """Of an execution: what it has from its parent, and its open children."""

    LINK = word()  # while it is open: its own link, 0 where a source has let it in
    PRIORITY = word()
    COUNTED = word()
    FOLLOWED = word()  # whether one that it is a child of is of the cohort
    CHILDREN = words(2)  # first, last: links


class ChildLink(Record):
    """How a child execution hangs together with its parent."""

    KIND = word()
    STEP = word()
    JOB = word()  # who waits for its end, while that is HEARD
    PARENT = word()  # main lines of both
    CHILD = word()
    WORKING = word()  # the job that has to end before the parent hears
    HEARD = word()
    ASKED = word()  # what becomes of it with its parent has been done
    SETTLED = word()  # the parent is about to hear
    ERROR = word()
    LISTED = word()  # whether it is among the open children
    LINKS = word()


class Telling(Record):
    """A parent that is being told."""

    KIND = word()
    JOB = word()  # who waits, or 0
    CHILD = word()
    SETTLED = word()


class Fork(Record):
    """The branches of a fork or race under way."""

    KIND = word()
    JOB = word()
    NEEDED = word()
    CANCELS = word()
    SUCCEEDED = word()
    FAILED = word()
    SPARE = word()
    OPEN = word()
    DECIDING = word()
    ERROR = word()
    CHILDREN = words(2)  # first, last
    AWAITED = word()


class Attempt(Record):
    """One timed attempt under way."""

    KIND = word()
    STEP = word()
    JOB = word()
    CHILD = word()
    OUTER = word()
    OPEN = word()
    EXPIRED = word()
    LOST = word()
    STARTED = word()
    BEAT = word()
    SETTLED = word()
    NODE = word()  # node of a group, 0 without
    LINKS = word()
    ERROR = word()
    TIMERS = words(4)  # handles, by Timeout
    LISTED = word()
