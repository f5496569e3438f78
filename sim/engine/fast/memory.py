"""The kernel's memory: records by size, immediate events in a ring, growing logs, sums beyond 64 bits."""

from __future__ import annotations

from typing import Protocol

from sim.draws.jit import inner
from sim.engine.fast.layout import FULL_SUM, LOW, Header, Immediate, Interruption, Job, Log, Ref, Ring, Status, Word


class Memory(Protocol):
    """The memory as words: compiled, a pointer; uncompiled, a view whose items are plain integers."""

    def __getitem__(self, at: Word, /) -> int: ...
    def __setitem__(self, at: Word, word: Word, /) -> None: ...


class Floats(Protocol):
    """The same memory as doubles."""

    def __getitem__(self, at: Word, /) -> float: ...
    def __setitem__(self, at: Word, value: float, /) -> None: ...


@inner
def low(word: int) -> int:
    """The low handle of a word that two share."""
    return word & LOW


@inner
def high(word: int) -> int:
    """The high handle of a word that two share."""
    return word >> 31


@inner
def set_low(m: Memory, at: Word, value: Word) -> None:
    """Change the low handle of a word."""
    m[at] = (m[at] >> 31 << 31) | value


@inner
def set_high(m: Memory, at: Word, value: Word) -> None:
    """Change the high handle of a word."""
    m[at] = (m[at] & LOW) | value << 31


@inner
def large(m: Memory, size: int) -> int:
    """A record of any size, of words never used, for good."""
    handle = m[Header.TOP]
    if handle + size > m[Header.END]:
        m[Header.STATUS] = Status.MEMORY_FULL
        return Header.SINK
    m[Header.TOP] = handle + size
    return handle


@inner
def allocate(m: Memory, size: int) -> int:
    """A record of `size` words, with anything in them."""
    handle = m[Header.FREE + size]
    if handle:
        m[Header.FREE + size] = m[handle]
        return handle
    return large(m, size)


@inner
def cleared(m: Memory, size: int) -> int:
    """A record of `size` words, all 0."""
    handle = allocate(m, size)
    for word in range(size):
        m[handle + word] = 0
    return handle


@inner
def free(m: Memory, handle: Word, size: int) -> None:
    """Give a record back."""
    m[handle] = m[Header.FREE + size]
    m[Header.FREE + size] = handle


@inner
def run_next(m: Memory, kind: int, word: int) -> None:
    """Queue an immediate event: first-in first-out, before any other event."""
    tail = m[Header.EVENTS + Ring.TAIL]
    if tail - m[Header.EVENTS + Ring.HEAD] > m[Header.EVENTS + Ring.MASK]:
        m[Header.STATUS] = Status.MEMORY_FULL
        return
    m[m[Header.EVENTS] + (tail & m[Header.EVENTS + Ring.MASK])] = kind << Immediate.SHIFT | word
    m[Header.EVENTS + Ring.TAIL] = tail + 1


@inner
def interrupt(m: Memory, job: Ref[Job], error: int, depth: int, grant: int) -> None:
    """Interrupt a job where it waits, when its turn comes.

    grant: 1 when it is asked then whether the job still holds its grant number `depth`.
    """
    state = m[job + Job.STATE]
    if state & Job.PENDING_MASK == Job.PENDING_MASK:
        m[Header.STATUS] = Status.CROWDED
        return
    m[job + Job.STATE] = state + Job.PENDING_ONE
    record = allocate(m, Interruption.SIZE)
    m[record + Interruption.JOB] = job
    m[record + Interruption.ERROR] = error
    m[record + Interruption.DEPTH] = depth
    m[record + Interruption.GRANT] = grant
    run_next(m, Immediate.INTERRUPT, record)


@inner
def add(m: Memory, at: Word, amount: int) -> None:
    """Add a non-negative amount below 2^62 to a sum of two words, exactly: below 2^62, and how many times that."""
    total = m[at] + amount
    if total >= FULL_SUM:
        total -= FULL_SUM
        m[at + 1] += 1
    m[at] = total


@inner
def add_product(m: Memory, at: Word, count: int, passed: int) -> None:
    """Add count x passed to a sum of two words, exactly; both are below 2^62."""
    if passed <= LOW and count <= LOW:
        add(m, at, count * passed)
    else:
        _add_long(m, at, count, passed)


@inner
def _add_shifted(m: Memory, at: Word, amount: int, bits: int) -> None:
    """Add amount x 2^bits."""
    add(m, at, (amount & ((1 << (62 - bits)) - 1)) << bits)
    m[at + 1] += amount >> (62 - bits)


@inner
def _add_long(m: Memory, at: Word, count: int, passed: int) -> None:
    # count = a 2^40 + b 2^20 + c, passed = d 2^31 + e: every product stays below 2^53 for both below 2^62.
    # Units without a limit are so many: 10^12 on each of tens of thousands of nodes.
    a, b, c = count >> 40, (count >> 20) & ((1 << 20) - 1), count & ((1 << 20) - 1)
    d, e = passed >> 31, passed & LOW
    add(m, at, c * e)
    _add_shifted(m, at, b * e, 20)
    _add_shifted(m, at, a * e, 40)
    _add_shifted(m, at, c * d, 31)
    _add_shifted(m, at, b * d, 51)
    m[at + 1] += (a * d) << 9


@inner
def mul_div(a: int, b: int, c: int, up: bool) -> int:
    """a b / c, exactly, rounded down or up, where the result is below 2^62; none negative, c positive."""
    ceiling = c - 1 if up else 0
    if a <= LOW and b <= LOW:
        return (a * b + ceiling) // c
    whole = a // c * b
    rest = a % c
    if b == 0 or rest <= (1 << 61) // b:
        return whole + (rest * b + ceiling) // c
    quotient, left = 0, 0  # long multiplication by the bits of b, highest first; left stays below c
    for bit in range(62, -1, -1):
        quotient *= 2
        left *= 2
        if left >= c:
            left -= c
            quotient += 1
        if b >> bit & 1:
            left += rest
            if left >= c:
                left -= c
                quotient += 1
    return whole + quotient + (1 if up and left else 0)


@inner
def log_word(m: Memory, log: Word, word: int) -> None:
    """Append a word to a log: chunks of Log.CHUNK words behind the handle of the next one."""
    count = m[log + Log.COUNT]
    place = count % Log.CHUNK
    if place == 0:
        chunk = allocate(m, Log.CHUNK + 1)
        m[chunk] = 0
        if count:
            m[m[log + Log.LAST]] = chunk
        else:
            m[log] = chunk
        m[log + Log.LAST] = chunk
    m[m[log + Log.LAST] + 1 + place] = word
    m[log + Log.COUNT] = count + 1


@inner
def half_even(value: float) -> int:
    """A non-negative double as the nearest integer, a half going to the even neighbour."""
    if value < 4503599627370496.0:  # 2^52: from there on doubles are whole
        return int((value + 4503599627370496.0) - 4503599627370496.0)
    return int(value)


@inner
def multiple_above(value: Word, step: int) -> int:
    """The least multiple of `step` that is not below `value`."""
    return (value + step - 1) // step * step
