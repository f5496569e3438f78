"""Monitors at work: the marks of each execution held against the properties that every one must keep."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Memory


@inner
def _is_late(m: Memory, monitor: int, asked: int, now: int) -> bool:
    return m[monitor + L.MO_LIMIT] >= 0 and now - asked > m[monitor + L.MO_LIMIT]


@inner
def watch_mark(m: Memory, execution: int, step: int) -> None:
    """An execution has made a mark. Made `once` again, it is the same one."""
    now = m[L.H_NOW]
    if m[execution + m[L.X_MARKED]] == 0:
        m[execution + m[L.X_MARKED]] = 1
        append(m, L.H_WATCHED, execution, m[L.X_MARKED] + 1)
    slot = execution + m[L.X_COUNTS] + m[step + L.MK_WATCHED]
    if m[step + L.MK_ONCE] and m[slot]:
        return
    m[slot] += 1
    asked = execution + m[L.X_ASKED]  # of each question the instant + 1
    for number in range(m[step + L.MK_ANSWER_COUNT]):
        monitor = m[m[step + L.MK_ANSWERS] + number]
        question = asked + m[monitor + L.MO_SLOT]
        if m[question]:
            if _is_late(m, monitor, m[question] - 1, now):
                m[execution + m[L.X_LATE] + m[monitor + L.MO_SLOT]] = 1
            m[question] = 0
    for number in range(m[step + L.MK_ASK_COUNT]):
        question = asked + m[m[m[step + L.MK_ASKS] + number] + L.MO_SLOT]
        if m[question] == 0:
            m[question] = now + 1


@inner
def judge(m: Memory, execution: int, decided: bool) -> None:
    """Hold an execution against every property; `decided` when all its jobs have ended."""
    if not m[L.X_MARKED] or not m[execution + m[L.X_MARKED]]:
        return
    m[execution + m[L.X_MARKED]] = 0
    unlink(m, L.H_WATCHED, execution, m[L.X_MARKED] + 1)
    counts = execution + m[L.X_COUNTS]
    for number in range(m[L.H_MONITORS]):
        monitor = m[L.H_WATCH] + number * L.MO_SIZE
        form = m[monitor + L.MO_FORM]
        one = m[counts + m[monitor + L.MO_ONE]]
        if form == L.EVENTUALLY:
            relevant = one > 0
            asked = m[execution + m[L.X_ASKED] + m[monitor + L.MO_SLOT]]
            unanswered = asked > 0 and (decided or _is_late(m, monitor, asked - 1, m[L.H_NOW]))
            broken = unanswered or m[execution + m[L.X_LATE] + m[monitor + L.MO_SLOT]] > 0
        elif form == L.NEVER_BOTH:
            other = m[counts + m[monitor + L.MO_OTHER]]
            relevant = one > 0 or other > 0
            broken = one > 0 and other > 0
        elif form == L.AT_MOST_ONCE:
            relevant = one > 0
            broken = one > 1
        else:
            relevant = False
            total = 0
            for item in range(m[monitor + L.MO_AMOUNT_COUNT]):
                at = m[monitor + L.MO_AMOUNTS] + 2 * item
                made = m[counts + m[at]]
                relevant = relevant or made > 0
                total += m[at + 1] * made
            broken = decided and total != 0
        if not relevant:
            continue
        tally = monitor + L.MO_TALLY
        m[tally] += 1
        if broken:
            m[tally + 3] += 1
            if m[tally + 4] < L.MO_KEPT:
                m[monitor + L.MO_EXAMPLES + m[tally + 4]] = m[execution + L.J_ORDER] >> 24
                m[tally + 4] += 1
        elif decided:
            m[tally + 1] += 1
        else:
            m[tally + 2] += 1
