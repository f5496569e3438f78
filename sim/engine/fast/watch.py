"""Monitors at work: the marks of each execution held against the properties that every one must keep."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import (
    AT_MOST_ONCE,
    EVENTUALLY,
    H_MONITORS,
    H_NOW,
    H_WATCH,
    H_WATCHED,
    J_ORDER,
    MK_ANSWER_COUNT,
    MK_ANSWERS,
    MK_ASK_COUNT,
    MK_ASKS,
    MK_ONCE,
    MK_WATCHED,
    MO_AMOUNT_COUNT,
    MO_AMOUNTS,
    MO_EXAMPLES,
    MO_FORM,
    MO_KEPT,
    MO_LIMIT,
    MO_ONE,
    MO_OTHER,
    MO_SIZE,
    MO_SLOT,
    MO_TALLY,
    NEVER_BOTH,
    X_ASKED,
    X_COUNTS,
    X_LATE,
    X_MARKED,
)
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Memory


@inner
def _is_late(m: Memory, monitor: int, asked: int, now: int) -> bool:
    return m[monitor + MO_LIMIT] >= 0 and now - asked > m[monitor + MO_LIMIT]


@inner
def watch_mark(m: Memory, execution: int, step: int) -> None:
    """An execution has made a mark. Made `once` again, it is the same one."""
    now = m[H_NOW]
    if m[execution + m[X_MARKED]] == 0:
        m[execution + m[X_MARKED]] = 1
        append(m, H_WATCHED, execution, m[X_MARKED] + 1)
    slot = execution + m[X_COUNTS] + m[step + MK_WATCHED]
    if m[step + MK_ONCE] and m[slot]:
        return
    m[slot] += 1
    asked = execution + m[X_ASKED]  # of each question the instant + 1
    for number in range(m[step + MK_ANSWER_COUNT]):
        monitor = m[m[step + MK_ANSWERS] + number]
        question = asked + m[monitor + MO_SLOT]
        if m[question]:
            if _is_late(m, monitor, m[question] - 1, now):
                m[execution + m[X_LATE] + m[monitor + MO_SLOT]] = 1
            m[question] = 0
    for number in range(m[step + MK_ASK_COUNT]):
        question = asked + m[m[m[step + MK_ASKS] + number] + MO_SLOT]
        if m[question] == 0:
            m[question] = now + 1


@inner
def judge(m: Memory, execution: int, decided: bool) -> None:
    """Hold an execution against every property; `decided` when all its jobs have ended."""
    if not m[X_MARKED] or not m[execution + m[X_MARKED]]:
        return
    m[execution + m[X_MARKED]] = 0
    unlink(m, H_WATCHED, execution, m[X_MARKED] + 1)
    counts = execution + m[X_COUNTS]
    for number in range(m[H_MONITORS]):
        monitor = m[H_WATCH] + number * MO_SIZE
        form = m[monitor + MO_FORM]
        one = m[counts + m[monitor + MO_ONE]]
        if form == EVENTUALLY:
            relevant = one > 0
            asked = m[execution + m[X_ASKED] + m[monitor + MO_SLOT]]
            unanswered = asked > 0 and (decided or _is_late(m, monitor, asked - 1, m[H_NOW]))
            broken = unanswered or m[execution + m[X_LATE] + m[monitor + MO_SLOT]] > 0
        elif form == NEVER_BOTH:
            other = m[counts + m[monitor + MO_OTHER]]
            relevant = one > 0 or other > 0
            broken = one > 0 and other > 0
        elif form == AT_MOST_ONCE:
            relevant = one > 0
            broken = one > 1
        else:
            relevant = False
            total = 0
            for item in range(m[monitor + MO_AMOUNT_COUNT]):
                at = m[monitor + MO_AMOUNTS] + 2 * item
                made = m[counts + m[at]]
                relevant = relevant or made > 0
                total += m[at + 1] * made
            broken = decided and total != 0
        if not relevant:
            continue
        tally = monitor + MO_TALLY
        m[tally] += 1
        if broken:
            m[tally + 3] += 1
            if m[tally + 4] < MO_KEPT:
                m[monitor + MO_EXAMPLES + m[tally + 4]] = m[execution + J_ORDER] >> 24
                m[tally + 4] += 1
        elif decided:
            m[tally + 1] += 1
        else:
            m[tally + 2] += 1
