"""Distributions, counts and steps, as the compiled program has them."""

from __future__ import annotations

from sim.engine.fast.layout.header import Table
from sim.engine.fast.layout.record import Numbers, Record, inside, number, rest, word


class Distribution(Record):
    """Of times or counts."""

    KIND = word()
    A = word()
    B = word()
    C = word()
    TABLE = word()
    LENGTH = word()
    NS = word()  # of a constant


class Draw(Record):
    """A distribution, or 0, and the stream that it is drawn in."""

    DIST = word()
    STREAM = word()


class Count(Record):
    """How many: a number, that of an attribute, or drawn."""

    KIND = word()
    VALUE = inside(Draw)  # or the number, or the attribute


class CountKind(Numbers):
    """Of a count."""

    CONSTANT = number()
    ATTRIBUTE = number()
    DRAWN = number()


class Op(Numbers):
    """What a step does."""

    END = number()
    RETURN = number()
    ACQUIRE = number()
    RELEASE = number()
    USE = number()
    DELAY = number()
    BRANCH = number()
    LOOP = number()
    LOOP_END = number()
    FORK = number()
    RACE = number()
    ATTEMPT = number()
    ATTEMPT_END = number()
    START = number()
    SAGA = number()
    SAGA_END = number()
    UNDO_END = number()
    COMPENSATE = number()
    CALL = number()
    MARK = number()
    COUNT = number()
    SET = number()
    FAIL = number()
    CACHED = number()
    FORGET = number()
    ACQUIRE_PLAIN = number()
    RELEASE_PLAIN = number()
    USE_PLAIN = number()
    PROMPT = number()
    NOTIFY = number()
    CHILD = number()
    TELL = number()


class Step(Record):
    """What every step has; what it needs beside comes behind."""

    CODE = word()
    NEXT = word()
    ELEMENT = word()
    STREAM_OFFSET = word()


class PlaceStep(Step):
    """A step that asks for units of a resource or station."""

    PLACE = word()
    UNITS = word()  # of a station always 1
    PRIORITY = word()  # whether it has one of its own; which
    OWN_PRIORITY = word()
    AT = word()  # resource, or 0
    AFFINITY = word()  # of a resource: slot, or -1
    LEASE = word()  # of a resource, or -1
    PATIENCE = inside(Draw)


class AcquireStep(PlaceStep):
    """Acquire units of a resource."""

    OTHERWISE = word()


class UseStep(PlaceStep):
    """Visit a station."""

    DEMAND = inside(Draw)
    AHEAD = word()  # whether sources draw it ahead; behind the draw, as in DelayStep
    KEEPS = word()
    PER = inside(Table)  # of (attribute, each)


class DelayStep(Step):
    """Wait for a time."""

    KEY = word()  # kind of event
    STATE = word()
    DIST = inside(Draw)
    AHEAD = word()
    FLOOR = word()
    GRID = word()
    PER = inside(Table)
    TIMERS = word()  # or 0


class Way(Record):
    """One of a branch."""

    KIND = word()
    CHANCE = word()  # or attribute
    HAS_ABOVE = word()
    ABOVE = word()
    HAS_BELOW = word()
    BELOW = word()
    FIRST = word()  # step


class BranchStep(Step):
    """Go one of several ways."""

    STREAM = word()
    DRAWS = word()
    COUNT = word()
    WAYS = rest()


class LoopStep(Step):
    """Do something so many times."""

    NUMBER = inside(Count)
    BODY = word()


class ForkStep(Step):
    """Do several things at once."""

    KIND = word()  # 0: branches; 1: items
    NUMBER = inside(Count)
    JOIN = word()  # -1 all, -2 first, else k
    CANCELS = word()
    COUNT = word()
    BODIES = rest()


class AttemptStep(Step):
    """Do something until it succeeds, under timeouts and a retry policy."""

    BODY = word()
    AFTER = word()  # or 0
    TIMED = word()
    STARTS = word()
    STC = word()  # timeouts, or -1
    STS = word()
    SCC = word()
    BEAT = word()
    BEAT_INTERVAL = word()
    SILENT = word()
    COUNTED = word()
    RETRY = word()
    FIRST = word()  # doubles: first interval, coefficient, longest, jitter
    COEFFICIENT = word()
    LONGEST = word()
    JITTER = word()
    JITTER_STREAM = word()
    MAXIMUM = word()  # or -1
    FLOOR = word()
    GRID = word()  # or 0
    FATAL = inside(Table)  # failures that are not tried again
    BREAKER = word()  # or 0
    BUDGET = word()  # or 0
    STOPS = word()
    TIMERS = word()  # or 0


class Starts(Numbers):
    """When an attempt counts as started."""

    AT_ONCE = number()
    GRANTED = number()
    BY_STEP = number()


class BodyStep(Step):
    """A saga, what undoes the steps before it, or a call: another list of steps."""

    BODY = word()


class ChildStep(Step):
    """Let a child execution in."""

    BODY = word()
    SOURCE = word()  # number that its jobs bear as that of a source
    TOLD = word()  # first step, or 0
    AFTER = word()  # the same
    WAITS = word()
    POLICY = word()
    STATE = word()
    TAKES = inside(Table)  # of attributes
    GIVES = inside(Table)


class OnClose(Numbers):
    """What becomes of a child when its parent closes."""

    TERMINATE = number()
    CANCEL = number()
    ABANDON = number()


class TellStep(Step):
    """Tell the parent."""

    STATE = word()


class MarkStep(Step):
    """Begin and end spans; answer and ask monitors."""

    ENDS = inside(Table)  # of (slot of the open span, span)
    STARTS = inside(Table)  # of slots
    RECOVERS = inside(Table)  # of numbers of recoveries
    READIES = word()  # slot, or -1
    WATCHED = word()  # slot of its count, or -1
    ONCE = word()
    ANSWERS = inside(Table)  # of monitors
    ASKS = inside(Table)


class CountedItem(Record):
    """Of a step that counts operations."""

    OPERATION = word()
    NUMBER = word()


class CountStep(Step):
    """Count operations."""

    COUNT = word()
    ITEMS = rest()


class SetItem(Record):
    """An attribute that a step sets."""

    ATTRIBUTE = word()
    ADDS = word()
    NUMBER = inside(Count)


class SetStep(Step):
    """Set attributes."""

    COUNT = word()
    ITEMS = rest()


class FailStep(Step):
    """Fail, always or by chance."""

    ERROR = word()
    ALWAYS = word()
    CHANCE = word()
    STREAM = word()


class CachedStep(Step):
    """Look whether a node remembers the execution."""

    CACHE = word()
    AT = word()
    HIT = word()
    MISS = word()


class ReleaseStep(Step):
    """Release the latest grant of a resource."""

    PLACE = word()


class ForgetStep(Step):
    """Forget an affinity."""

    SLOT = word()


class PromptStep(Step):
    """Have a polled queue read."""

    PLACE = word()


class NotifyStep(Step):
    """Tell a timer queue that a timer is new."""

    TIMERS = word()
