"""Linked lists, and queues by discipline: FIFO, LIFO, by priority.

A list has two words, first and last; its members carry one word of links (low: next, high: previous).
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import LOW, At, Discipline, Grant, Header, Job, Queue, Ref, Word
from sim.engine.fast.memory import Memory, high, set_high, set_low


@inner
def append(m: Memory, chain: Word, item: Word, at: At) -> None:
    """Put a member at the end; `at` is where its links are."""
    last = m[chain + Queue.TAIL]
    m[item + at] = last << 31
    if last:
        set_low(m, last + at, item)
    else:
        m[chain + Queue.HEAD] = item
    m[chain + Queue.TAIL] = item


@inner
def unlink(m: Memory, chain: Word, item: Word, at: At) -> None:
    """Take a member out, wherever it stands."""
    links = m[item + at]
    after, before = links & LOW, links >> 31
    if before:
        set_low(m, before + at, after)
    else:
        m[chain + Queue.HEAD] = after
    if after:
        set_high(m, after + at, before)
    else:
        m[chain + Queue.TAIL] = before


@inner
def is_ranked(queue: int) -> bool:
    """Whether those who come into a line of this discipline may stand before others."""
    return queue >= Discipline.PRIORITY


@inner
def ranks_before(m: Memory, queue: int, one: Word, other: Word) -> bool:
    """Whether one waiting grant goes before another of the same place."""
    if is_ranked(queue):
        by_priority = queue == Discipline.PRIORITY or (queue - Discipline.ATTRIBUTE) & 1 == 1
        if by_priority and m[one + Grant.PRIORITY] != m[other + Grant.PRIORITY]:
            return m[one + Grant.PRIORITY] > m[other + Grant.PRIORITY]
        if queue >= Discipline.ATTRIBUTE and m[one + Grant.VALUE] != m[other + Grant.VALUE]:
            return m[one + Grant.VALUE] < m[other + Grant.VALUE]
    if queue == Discipline.LIFO:
        return m[one + Grant.SERIAL] > m[other + Grant.SERIAL]
    return m[one + Grant.SERIAL] < m[other + Grant.SERIAL]


@inner
def _insert_by_rank(m: Memory, queue: int, line: Ref[Queue], grant: Ref[Grant]) -> None:
    """Stand by rank; the place is sought from both ends at once."""
    ahead, behind = m[line + Queue.TAIL], m[line + Queue.HEAD]
    while True:
        if ahead == 0 or not ranks_before(m, queue, grant, ahead):
            behind = m[ahead + Grant.LINKS] & LOW if ahead else m[line + Queue.HEAD]
            break
        if ranks_before(m, queue, grant, behind):
            ahead = m[behind + Grant.LINKS] >> 31
            break
        ahead = m[ahead + Grant.LINKS] >> 31
        behind = m[behind + Grant.LINKS] & LOW
    m[grant + Grant.LINKS] = ahead << 31 | behind
    if ahead:
        set_low(m, ahead + Grant.LINKS, grant)
    else:
        m[line + Queue.HEAD] = grant
    if behind:
        set_high(m, behind + Grant.LINKS, grant)
    else:
        m[line + Queue.TAIL] = grant


@inner
def stand(m: Memory, queue: int, line: Ref[Queue], grant: Ref[Grant]) -> None:
    """Join a line."""
    m[grant + Grant.NODE] |= Grant.IN_QUEUE
    m[line + Queue.LENGTH] += 1
    if is_ranked(queue):
        if queue >= Discipline.ATTRIBUTE:
            execution = high(m[(m[grant + Grant.WHO] & LOW) + Job.OWN])
            attribute = (queue - Discipline.ATTRIBUTE) >> 1
            m[grant + Grant.VALUE] = m[execution + m[Header.JOB_ATTRIBUTES] + attribute]
        _insert_by_rank(m, queue, line, grant)
    else:
        append(m, line, grant, Grant.LINKS)


@inner
def leave(m: Memory, line: Ref[Queue], grant: Ref[Grant]) -> None:
    """Leave a line, served or not."""
    m[grant + Grant.NODE] ^= Grant.IN_QUEUE
    m[line + Queue.LENGTH] -= 1
    unlink(m, line, grant, Grant.LINKS)


@inner
def head_of(m: Memory, queue: int, line: Ref[Queue]) -> int:
    """Who goes next, or 0."""
    return m[line + Queue.TAIL] if queue == Discipline.LIFO else m[line + Queue.HEAD]


@inner
def sort_chain(m: Memory, first: int, link: At, key: At) -> int:
    """Sort a chain of records by the word at `key`; `link` is where the handle of the next one is (0: the last).

    Merges runs of 1, 2, 4, ... records, as no memory is needed for that. Gives the new first one.
    """
    run = 1
    while True:
        rest, first, last, merges = first, 0, 0, 0
        while rest:
            merges += 1
            other = rest
            left = 0
            while left < run and other:
                left += 1
                other = m[other + link]
            right = run
            while left > 0 or (right > 0 and other):
                if left > 0 and (right == 0 or other == 0 or m[rest + key] <= m[other + key]):
                    taken = rest
                    rest = m[rest + link]
                    left -= 1
                else:
                    taken = other
                    other = m[other + link]
                    right -= 1
                if last:
                    m[last + link] = taken
                else:
                    first = taken
                last = taken
            rest = other
        if last:
            m[last + link] = 0
        if merges <= 1:
            return first
        run *= 2


@inner
def append_plain(m: Memory, chain: Word, item: Word) -> None:
    """Put a member at the end of a list of plain links: its first word is the next one."""
    m[item] = 0
    if m[chain + 1]:
        m[m[chain + 1]] = item
    else:
        m[chain] = item
    m[chain + 1] = item


@inner
def remove_plain(m: Memory, chain: Word, before: Word, item: Word) -> None:
    """Take a member out of such a list; `before` is the one before it."""
    if before:
        m[before] = m[item]
    else:
        m[chain] = m[item]
    if m[chain + 1] == item:
        m[chain + 1] = before
