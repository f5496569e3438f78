"""Grants, queues, resources and stations, their nodes, and groups of nodes."""

from __future__ import annotations

from typing import Final

from sim.engine.fast.layout.header import Table, Timer
from sim.engine.fast.layout.record import Numbers, Record, inside, number, size_here, word, words
from sim.engine.fast.layout.steps import Draw

ONE_CORE: Final = 1 << 20
"""The speed of one core. Speeds are whole multiples of 2^-20 core, so that both engines compute them alike."""


class Grant(Record):
    """Asking for units, then holding them; a visit to a server is one."""

    WHO = word()  # low: job; high: step
    LINKS = word()  # in a queue or among the holders of a node. low: next; high: previous
    TIME = word()  # of asking, then of the grant
    HELD = word()  # low: the grant that the job acquired before; high: number among the job's grants
    NODE = word()  # low: node granted + 1, or 0; then flags and the node wanted + 1
    PLAIN_SIZE = size_here()
    DEMAND = word()
    VISIT_SIZE = size_here()  # of a plain visit
    SERIAL = word()
    PRIORITY = word()
    LIMIT = word()  # timer of its patience
    RANKED_SIZE = size_here()  # where queues are several or ranked, or patience is limited
    VALUE = word()  # of the attribute that orders the queue, from coming into it
    ORDERED_SIZE = size_here()
    CAME = word()
    LEFT = word()
    FINISH = word()
    SLOT = word()  # place among those in service
    GRANTED = word()

    WANTED_SHIFT: Final = 31
    NODE_MASK: Final = (1 << 24) - 1
    WANTED_MASK: Final = NODE_MASK << WANTED_SHIFT
    IN_QUEUE: Final = 1 << 55
    CHOSE: Final = 1 << 56
    WAITED: Final = 1 << 57
    OPENS: Final = 1 << 58
    IN_SERVICE: Final = 1 << 59
    KEPT: Final = 1 << 60
    WAS_GRANTED: Final = 1 << 61


class Customer(Record):
    """A job at a station without servers: a group commit, a polled queue, a token bucket."""

    JOB = word()
    LINKS = word()
    REQUESTED = word()
    GRANTED = word()
    STATE = word()  # node << 2 | left << 1 | inside
    LIMIT = word()

    INSIDE: Final = 1
    LEFT: Final = 2


class Queue(Record):
    """Who waits, or what a cache remembers, in order."""

    HEAD = word()
    TAIL = word()
    LENGTH = word()


class Round(Timer):
    """Work on a batch."""

    FIRST = word()  # customers being served: first, last
    LAST = word()
    BEGUN = word()
    ENDS = word()
    LEFT = word()  # what is left of it when paused, or -1
    NODE = word()


class Marked(Record):
    """What is measured of a resource or station, and marked at both ends of the window; areas take two words."""

    BUSY_AREA = words(2)
    WAIT_AREA = words(2)
    IN_USE_AREA = words(2)
    REQUESTED = word()
    SERVED = word()
    ABANDONED = word()
    REJECTED = word()
    REFUSED = word()
    WORK = words(2)
    EXCESS = words(2)
    BATCHES = word()


class Place(Marked):
    """A resource or station."""

    KIND = word()
    ELEMENT = word()
    GROUP = word()
    COUNT = word()
    UNITS = word()
    DISCIPLINE = word()
    PREEMPTIVE = word()
    LIMIT = word()
    CHOICE = word()
    KEYED = word()  # 0: not; 1: by the execution; 2 + attribute
    KEY_STREAM = word()
    KEY_BOUNDS = word()  # table of doubles, count - 1 of them; 0 without skew
    KEY_SLOT = word()
    AT_NODE = word()
    REFUSES = word()
    PLAIN = word()
    SINGLE = word()
    SERIAL = word()
    NEXT = word()
    CHOICE_STREAM = word()
    NODES = word()
    GRANT_SIZE = word()
    DIST = inside(Draw)  # opening, set-up, flush or read
    BITS = inside(Table)  # who can serve a newcomer: the levels
    QUEUE = inside(Queue)
    BLOCKED = inside(Queue)  # after service elsewhere, as this queue is full
    BLOCKS = word()
    CORES = word()  # in 2^-20 core
    SHARED_CORES = word()  # doubles: cores, contention, coherency; then whether there is contention
    CONTENTION = word()
    COHERENCY = word()
    IS_CONTENDED = word()
    BATCH = word()
    INTERVAL = word()
    TRIGGER = word()
    FULL_AT = word()
    SLACK = word()
    SETUPS = word()  # begun; then how many are starting; then the last begun
    STARTING = word()
    STARTS = word()
    EASY = word()  # whether `plain` may serve those steps that ask for nothing special
    INDEX = word()
    STATE_WAIT = word()
    STATE_SERVICE = word()
    STATE_BLOCKED = word()
    STATE_OPENING = word()
    TIMED_WAITS = word()  # whether a wait is known at the grant
    # what is measured beside; sums take two words
    LAST = word()
    BUSY = word()
    WAITING = word()
    MAX = word()
    IN_USE = word()
    IN_USE_LAST = word()
    WAITED = word()
    WAIT_SUM = words(2)
    HELD_SUM = words(2)
    OVERDRAWN = word()
    WAITS = word()  # histogram: base
    WINDOW_SUM = words(2)
    WINDOW_COUNT = word()
    TOKEN_QUEUE = inside(Queue)  # of a token bucket
    TIMER = inside(Timer)  # of a token
    MARKED = words(2 * Marked.SIZE)
    SHED = word()  # the age of a queue from which on it rejects, or -1
    SPARES = word()  # whether it spares a priority; which
    SPARED = word()
    REJECTED_BEFORE = word()  # up to the sample before
    FOLLOWS = word()  # polled queue: whether who comes while a read is planned has another one follow


class PlaceKind(Numbers):
    """Of a resource or station."""

    RESOURCE = number()
    SERVER = number()
    SETUP = number()
    CORES = number()  # shared
    DELAY = number()
    COMMIT = number()
    POLLED = number()
    BUCKET = number()


class Discipline(Numbers):
    """Who is next in a queue. From PRIORITY on it is ranked: those who come may stand before others.

    From ATTRIBUTE on it goes by an attribute, whose number is added twice: ATTRIBUTE + 2 a, PRIORITY_ATTRIBUTE + 2 a.
    """

    FIFO = number()
    LIFO = number()
    PRIORITY = number()
    ATTRIBUTE = number()
    PRIORITY_ATTRIBUTE = number()


class Choice(Numbers):
    """Which of several nodes."""

    ROUND_ROBIN = number()
    RANDOM = number()
    LEAST_LOADED = number()
    POWER_OF_TWO = number()


class PlaceNode(Record):
    """A node of a resource or of a station with servers."""

    FREE = word()
    OPEN = word()
    HOLDERS = word()
    LAST_HOLDER = word()
    BOUND = inside(Queue)
    CHOSEN = inside(Queue)


class CoresNode(PlaceNode):
    """A node with shared cores."""

    TIMER = inside(Timer)
    PRESENT = word()
    VIRTUAL = word()
    LAST = word()
    SPEED = word()
    DUE = word()
    HEAP = word()  # base, capacity
    HEAP_CAPACITY = word()


class BatchNode(Record):
    """A node of a polled queue; the first one of a group commit flushes for all, and is never planned to read."""

    QUEUE = inside(Queue)
    READ = inside(Timer)
    FULL_AT = word()
    READS = word()
    AGAIN = word()  # somebody came while a read was planned: another one follows
    ROUND = inside(Round)


class Group(Record):
    """A group of nodes."""

    COUNT = word()
    NODES = word()
    RESIDENTS = inside(Table)  # handles; a cache has its handle negated
    CHOOSERS = inside(Table)
    AFFINITIES = inside(Table)
    INDEX = word()
    DOWN = word()  # how many nodes are down
    DRAINING = word()  # how many are up but about to go off


class Node(Record):
    """A node of a group."""

    DOWNS = word()
    SINCE = word()
    READY = word()
    SPEEDS = words(2)  # first, last
    ERRORS = words(2)  # first, last
    ATTEMPTS = words(2)  # first, last
    RESUMED = words(2)  # first, last
    SPEED = word()
    DRAINS = word()  # how many want it to: a controller by which it is off or about to be, faults with notice


class Influence(Record):
    """What a fault does to a node while it is there: one that slows it has a factor, one that spoils it all three."""

    NEXT = word()
    STREAM = word()
    EPISODE = word()
    VALUE = word()


class Readiness(Numbers):
    """Of a node."""

    DOWN = number()
    READY = number()
    ONLY_BOUND = number()  # serves those who are bound to it; drains


class Paused(Record):
    """A job that waits on a paused node."""

    JOB = word()
    LINKS = word()
    NODE = word()
