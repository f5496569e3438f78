"""Sources, faults, controllers; logs, spans, caches, monitors."""

from __future__ import annotations

from typing import Final

from sim.engine.elements import EXAMPLES
from sim.engine.fast.layout.header import Log, Table, Timer
from sim.engine.fast.layout.record import Numbers, Record, inside, number, rest, word, words
from sim.engine.fast.layout.steps import Count, Draw


class Source(Timer):
    """What lets executions in."""

    AHEAD: Final = 8  # so many arrivals of a steady Poisson source are drawn in one go
    SHUT: Final = 0

    KIND = word()
    ROUTINE = word()
    PRIORITY = word()
    START = word()
    STOP = word()  # -1 without; with `during`, SHUT while the fault is not there
    LIMIT = word()
    COUNTED = word()
    ID = word()
    STARTED = word()
    STREAM = word()
    ELEMENT = word()
    BATCH = inside(Count)
    SIZE_OF = inside(Count)  # of a burst
    DIST = inside(Draw)  # gaps, or thinks
    MEAN = word()
    TIME = word()
    ORDINAL = word()
    PROFILE = word()
    PHASES = inside(Table)  # of (rate, stay); present one, its end, changes, stream
    PHASE = word()
    PHASE_END = word()
    CHANGES = word()
    STAY_STREAM = word()
    BURST = word()
    EVERY = word()
    JITTER = word()
    TRACE = inside(Table)
    CLIENTS = inside(Table)
    CODE = word()
    INDEX = word()
    AT = word()
    GAPS = words(AHEAD)
    FIRST = inside(Draw)  # a time that each execution draws
    PATHS = words(AHEAD)  # paths of the executions to come, and these times
    FIRSTS = words(AHEAD)
    ORIGIN = word()  # from which a profile counts
    SINCE = word()  # first ordinal of the present episode


class SourceKind(Numbers):
    """How executions arrive."""

    POISSON = number()
    RENEWAL = number()
    MODULATED = number()
    BURST = number()
    TRACE = number()
    CLOSED_LOOP = number()


class Profile(Record):
    """A rate over time."""

    COUNT = word()
    LINEAR = word()
    PERIOD = word()  # 0 without
    TIMES = word()
    RATES = word()


class Client(Timer):
    """One of a closed loop."""

    CYCLE = word()
    BEGUN = word()
    IDLE = word()
    STATE = word()  # 0: before its start; 1: thinks; 2: at work
    PATH = word()


class FaultProcess(Timer):
    """What makes a fault happen again and again; those of one fault share the specification."""

    SPEC = word()
    PATH = word()
    EPISODE = word()
    STATE = word()  # 0: up; 1: down; 2: has given notice; 3: crashes in this instant, with nothing left
    RECORD = word()
    ONLY = word()  # with `each`: group; node
    NODE = word()
    LINKS = word()  # among those that have given notice


class Fault(Record):
    """The specification of a fault."""

    EFFECT = word()
    VALUE = word()  # speed, probability or jump
    AT = word()  # or -1
    WAIT = inside(Draw)
    LENGTH = inside(Draw)
    PICK = word()
    ERRORS = word()
    ELEMENT = word()
    TARGETS = inside(Table)  # of (group, kind, base of nodes, number of nodes)
    INDEX = word()
    COMMON = word()  # chance of a common cause, its stream
    COMMON_STREAM = word()
    PERIOD = word()  # of the window, 0 without; when it opens in it, for how long
    OPENS = word()
    OPEN = word()
    SOURCES = inside(Table)  # those that are `during` it
    NOTICE = word()  # -1 without


class FaultEffect(Numbers):
    """What a fault does to its targets."""

    CRASH = number()
    PAUSE = number()
    SLOW = number()
    ERRORS = number()
    LOAD = number()
    CLOCK = number()


class Pick(Numbers):
    """Which nodes of a target."""

    ALL = number()
    ANY = number()
    LISTED = number()


class Episode(Record):
    """One time that a fault has happened."""

    NEXT = word()
    FAULT = word()
    START = word()
    END = word()
    HIT = word()
    ONLY = word()  # group and node of a process of `each`, else -1
    ONLY_NODE = word()
    ALL = word()  # whether it is a common cause
    DOWN = word()  # its start, or the end of its notice; -1: not yet
    NODES = rest()  # one a target: the node drawn, or -1


class Level(Record):
    """How many executions of a routine there are, or nodes that a controller keeps."""

    CURRENT = word()
    LAST = word()
    AREA = words(2)
    MAX = word()
    WINDOW_MAX = word()
    MARKED = words(4)  # two areas


class Controller(Timer):
    """What switches nodes of a group on and off."""

    GROUP = word()
    PLACES = inside(Table)  # records of what it watches
    FORM = word()
    POINTS = inside(Table)  # of (time, nodes)
    PERIOD = word()  # or 0
    MINIMUM = word()
    INTERVAL = word()
    LIMIT = word()  # or -1
    DELAY = inside(Draw)
    ELEMENT = word()
    LOOKS = word()
    WANTED = word()  # base of what the last looks wanted, number
    BACK = word()
    NODES = word()
    KEPT = inside(Level)  # nodes that are not off
    STARTS = word()
    MARKED_STARTS = words(2)
    ON = word()  # how many are on at the start


class Watched(Record):
    """A resource or station that a controller looks at."""

    PLACE = word()
    TARGET = word()  # use that a node stands for, a double; or how many of the backlog
    USED = words(2)  # area under its use at the last look


class ControllerForm(Numbers):
    """What a controller goes by."""

    BY_USE = number()
    BY_BACKLOG = number()
    BY_CLOCK = number()


class ControlledNode(Timer):
    """A node that a controller switches."""

    STATE = word()
    LEFT = word()
    BEGUN = word()
    ORDER = word()  # of its start among all


class Power(Numbers):
    """Whether such a node is on."""

    OFF = number()
    STARTING = number()
    ON = number()
    DRAINING = number()


class Span(Log):
    """A log of (end, duration)."""

    RECOVERY = word()
    READY = word()  # which readied mark it counts from
    GROUP = word()


class Sampler(Timer):
    """What takes samples."""

    INTERVAL = word()
    NUMBER = word()
    LOG = inside(Log)


class Cache(Record):
    """The caches of a group's nodes."""

    CAPACITY = word()
    HITS = word()
    MISSES = word()
    NODES = word()  # base of a list of entries each


class CacheEntry(Record):
    """What a node remembers of an execution."""

    JOB = word()
    LINKS = word()
    NODE = word()
    NEXT = word()  # of the same execution


class Monitor(Record):
    """What is claimed of every execution, and how it has fared."""

    KEPT: Final = EXAMPLES

    FORM = word()
    ONE = word()
    OTHER = word()
    LIMIT = word()
    SLOT = word()
    AMOUNTS = inside(Table)  # of (mark, amount)
    TALLY = words(5)  # put to the test, checked, undecided, violated, examples kept
    EXAMPLES = words(KEPT)


class MonitorForm(Numbers):
    """What is claimed."""

    EVENTUALLY = number()
    NEVER_BOTH = number()
    AT_MOST_ONCE = number()
    CONSERVE = number()
