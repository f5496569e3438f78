"""Circuit breakers, retry budgets and timer queues."""

from __future__ import annotations

from sim.engine.fast.layout.record import Numbers, Record, number, rest, word


class Breaker(Record):
    """A circuit breaker: the policy, and what is counted of all its circuits."""

    AT = word()  # resource whose node it is, or 0
    GROUP = word()  # its group, or 0
    COUNT = word()
    CIRCUITS = word()
    WIDTH = word()  # words of a circuit
    WINDOW = word()
    OPENING = word()  # failures that open it, closed; and half-open
    REOPENING = word()
    OPEN = word()
    TRIALS = word()
    LEVEL = word()  # the states of its circuits added up
    REQUESTED = word()
    TURNED = word()
    OPENED = word()


class Circuit(Record):
    """That of one node, or of all."""

    BREAKER = word()
    STATE = word()
    PHASE = word()
    UNTIL = word()
    THROUGH = word()  # let through in this phase, and under way
    KNOWN = word()  # outcomes remembered; failures among them; where the next one goes
    FAILED = word()
    NEXT = word()
    OUTCOMES = rest()  # one word each


class CircuitState(Numbers):
    """Of a circuit."""

    CLOSED = number()
    HALF_OPEN = number()
    OPEN = number()


class Budget(Record):
    """A retry budget, in parts of a token."""

    AT = word()  # resource whose node it is, or 0
    GROUP = word()  # its group, or 0
    COUNT = word()
    NODES = word()  # what each has
    DEPOSIT = word()
    FULL = word()
    SUM = word()  # what all have together
    WANTED = word()
    WITHHELD = word()


class TimerQueue(Record):
    """The timer queue of a workflow service, read ahead."""

    AHEAD = word()
    AFTER = word()
    LEAST = word()  # nothing new ends before it
    READ = word()  # up to where it has been read
