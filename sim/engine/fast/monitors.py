"""Monitors: the marks of each execution, checked against the properties that every one must keep."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import Header, Job, MarkStep, Monitor, MonitorForm, Ref, Table
from sim.engine.fast.memory import Memory
from sim.engine.fast.queues import append, unlink


@inner
def _is_late(m: Memory, monitor: Ref[Monitor], requested: int, now: int) -> bool:
    return m[monitor + Monitor.LIMIT] >= 0 and now - requested > m[monitor + Monitor.LIMIT]


@inner
def watch_mark(m: Memory, execution: Ref[Job], step: Ref[MarkStep]) -> None:
    """An execution has made a mark. Made `once` again, it is the same one."""
    now = m[Header.NOW]
    if m[execution + m[Header.JOB_MARKED]] == 0:
        m[execution + m[Header.JOB_MARKED]] = 1
        append(m, Header.WATCHED, execution, m[Header.JOB_MARKED] + 1)
    slot = execution + m[Header.JOB_COUNTS] + m[step + MarkStep.WATCHED]
    if m[step + MarkStep.ONCE] and m[slot]:
        return
    m[slot] += 1
    requested = execution + m[Header.JOB_REQUESTED]  # of each question the instant + 1
    for number in range(m[step + MarkStep.ANSWERS + Table.COUNT]):
        monitor = m[m[step + MarkStep.ANSWERS] + number]
        question = requested + m[monitor + Monitor.SLOT]
        if m[question]:
            if _is_late(m, monitor, m[question] - 1, now):
                m[execution + m[Header.JOB_LATE] + m[monitor + Monitor.SLOT]] = 1
            m[question] = 0
    for number in range(m[step + MarkStep.ASKS + Table.COUNT]):
        question = requested + m[m[m[step + MarkStep.ASKS] + number] + Monitor.SLOT]
        if m[question] == 0:
            m[question] = now + 1


@inner
def judge(m: Memory, execution: Ref[Job], decided: bool) -> None:
    """Hold an execution against every property; `decided` when all its jobs have ended."""
    if not m[Header.JOB_MARKED] or not m[execution + m[Header.JOB_MARKED]]:
        return
    m[execution + m[Header.JOB_MARKED]] = 0
    unlink(m, Header.WATCHED, execution, m[Header.JOB_MARKED] + 1)
    counts = execution + m[Header.JOB_COUNTS]
    for number in range(m[Header.MONITORS + Table.COUNT]):
        monitor = m[Header.MONITORS] + number * Monitor.SIZE
        form = m[monitor + Monitor.FORM]
        one = m[counts + m[monitor + Monitor.ONE]]
        if form == MonitorForm.EVENTUALLY:
            relevant = one > 0
            requested = m[execution + m[Header.JOB_REQUESTED] + m[monitor + Monitor.SLOT]]
            unanswered = requested > 0 and (decided or _is_late(m, monitor, requested - 1, m[Header.NOW]))
            broken = unanswered or m[execution + m[Header.JOB_LATE] + m[monitor + Monitor.SLOT]] > 0
        elif form == MonitorForm.NEVER_BOTH:
            other = m[counts + m[monitor + Monitor.OTHER]]
            relevant = one > 0 or other > 0
            broken = one > 0 and other > 0
        elif form == MonitorForm.AT_MOST_ONCE:
            relevant = one > 0
            broken = one > 1
        else:
            relevant = False
            total = 0
            for item in range(m[monitor + Monitor.AMOUNTS + Table.COUNT]):
                at = m[monitor + Monitor.AMOUNTS] + 2 * item
                made = m[counts + m[at]]
                relevant = relevant or made > 0
                total += m[at + 1] * made
            broken = decided and total != 0
        if not relevant:
            continue
        tally = monitor + Monitor.TALLY
        m[tally] += 1
        if broken:
            m[tally + 3] += 1
            if m[tally + 4] < Monitor.KEPT:
                m[monitor + Monitor.EXAMPLES + m[tally + 4]] = m[execution + Job.ORDER] >> 24
                m[tally + 4] += 1
        elif decided:
            m[tally + 1] += 1
        else:
            m[tally + 2] += 1
