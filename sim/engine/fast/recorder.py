"""What a run leaves behind: executions, spans, levels, recoveries, samples. Places measure in `meters`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import (
    LOW,
    Breaker,
    Budget,
    Controller,
    Group,
    Header,
    Job,
    Level,
    Node,
    Place,
    Ref,
    Sampler,
    Span,
    Status,
    Table,
    Word,
)
from sim.engine.fast.memory import Memory, add_product, log_word
from sim.engine.fast.queues import append, unlink
from sim.engine.fast.timers import set_timer
from sim.network.policies import TOKEN

# -- executions, spans and levels ------------------------------------------------------------------------------------


@inner
def level_of(m: Memory, routine: int) -> int:
    """How many executions of a routine are at work."""
    return m[Header.ROUTINES] + routine * Level.SIZE


@inner
def level_changes(m: Memory, level: Ref[Level], by: int) -> None:
    """So many more from now on."""
    now = m[Header.NOW]
    current = m[level + Level.CURRENT]
    add_product(m, level + Level.AREA, current, now - m[level + Level.LAST])
    m[level + Level.LAST] = now
    current += by
    m[level + Level.CURRENT] = current
    if current > m[level + Level.MAX]:
        m[level + Level.MAX] = current


@inner
def mark_level(m: Memory, level: Ref[Level], second: int) -> None:
    """The window begins (0), or ends (1)."""
    level_changes(m, level, 0)
    m[level + Level.MARKED + 2 * second] = m[level + Level.AREA]
    m[level + Level.MARKED + 2 * second + 1] = m[level + Level.AREA + 1]
    m[level + Level.WINDOW_MAX] = m[level + Level.MAX]
    m[level + Level.MAX] = m[level + Level.CURRENT]


@inner
def row_opens(m: Memory, ordinal: int, job: Ref[Job], routine: int) -> None:
    """An execution has started. While it is open its row knows its job, whose times are written in the row at once."""
    m[m[Header.ROWS] + ordinal] = m[Header.NOW]
    m[m[Header.ROW_ENDS] + ordinal] = -job
    if m[job + Job.STATE] & Job.COHORT:
        m[Header.COHORT_OPEN] += 1
        states = m[Header.STATES]
        split = m[Header.SPLITS] + ordinal * states
        for state in range(states):
            m[split + state] = 0
        m[job + Job.ACCOUNT] = split
    if m[Header.JOB_LIVE]:
        append(m, Header.LIVE, job, m[Header.JOB_LIVE])
    level_changes(m, level_of(m, routine), 1)


@inner
def row_closes(m: Memory, job: Ref[Job], routine: int, outcome: int, error: int) -> None:
    """An execution has ended."""
    ordinal = m[job + Job.ORDER] >> 24
    m[m[Header.ROW_ENDS] + ordinal] = m[Header.NOW]
    cohort = 1 if m[job + Job.STATE] & Job.COHORT else 0
    m[m[Header.ROW_NOTES] + ordinal] = routine << 32 | cohort << 31 | error << 3 | outcome
    if m[Header.JOB_LIVE]:
        unlink(m, Header.LIVE, job, m[Header.JOB_LIVE])
    if cohort:
        m[Header.COHORT_OPEN] -= 1
    level_changes(m, level_of(m, routine), -1)


@inner
def row_is_dropped(m: Memory, job: Ref[Job], source: int) -> None:
    """An execution has been called off at the end: it stays open, but its job is gone."""
    m[m[Header.ROW_ENDS] + (m[job + Job.ORDER] >> 24)] = -1 - source
    if m[Header.JOB_LIVE]:
        unlink(m, Header.LIVE, job, m[Header.JOB_LIVE])


@inner
def room_for_row(m: Memory, ordinal: int) -> bool:
    """Whether one more execution can be written down; the run stops where not."""
    if ordinal < m[Header.ROW_LIMIT]:
        return True
    m[Header.STATUS] = Status.ROWS_FULL
    return False


@inner
def reacted(m: Memory) -> None:
    """A timer, a retry or a failover has reacted to something."""
    log_word(m, Header.REACTIONS, m[Header.NOW])


@inner
def span_ends(m: Memory, log: Word, begun: int) -> None:
    """A span has ended; those that began in the window count."""
    if m[Header.BEGIN] <= begun < m[Header.HORIZON]:
        log_word(m, log, m[Header.NOW])
        log_word(m, log, m[Header.NOW] - begun)


# -- recovery from crashes ---------------------------------------------------------------------------------


@inner
def node_crashed(m: Memory, group: Ref[Group], where: int) -> None:
    """A node has crashed: remember the executions that it hits, for the spans that measure their recovery.

    Those that ran there bear the flag RUNNING_HERE, and lose it here.
    """
    node = (where - m[group + Group.NODES]) // Node.SIZE
    job = m[Header.LIVE]
    while job:
        ran = 1 if m[job + Job.STATE] & Job.RUNNING_HERE else 0
        m[job + Job.STATE] = (m[job + Job.STATE] | Job.RUNNING_HERE) ^ Job.RUNNING_HERE
        touched = ran == 1
        for number in range(m[group + Group.AFFINITIES + Table.COUNT]):
            slot = m[m[group + Group.AFFINITIES] + number]
            touched = touched or m[job + m[Header.JOB_AFFINITIES] + slot] == node + 1
        if touched:
            for number in range(m[Header.RECOVERIES + Table.COUNT]):
                span = m[m[Header.RECOVERIES] + number]
                at = job + m[Header.JOB_CRASHES] + number
                if m[span + Span.GROUP] == m[group + Group.INDEX] and m[at] == 0:
                    m[at] = (m[Header.NOW] + 1) << 1 | ran
        job = m[job + m[Header.JOB_LIVE]] & LOW


@inner
def recovered(m: Memory, execution: Ref[Job], number: int) -> None:
    """A mark was made that ends the recovery of an execution, if it was hit."""
    at = execution + m[Header.JOB_CRASHES] + number
    hit = m[at]
    if hit == 0:
        return
    m[at] = 0
    span = m[m[Header.RECOVERIES] + number]
    begun = (hit >> 1) - 1
    if hit & 1 == 0:
        begun = max(begun, m[execution + m[Header.JOB_READIED] + m[span + Span.READY]])
    span_ends(m, span, begun)


# -- samples ---------------------------------------------------------------------------------------------------------


@inner
def take_sample(m: Memory) -> None:
    """How many wait and are served at every place, how many executions are at work, and what policies say."""
    sampler = m[Header.SAMPLE]
    log = sampler + Sampler.LOG
    log_word(m, log, m[Header.NOW])
    for number in range(m[Header.PLACES + Table.COUNT]):
        place = m[m[Header.PLACES] + number]
        log_word(m, log, m[place + Place.WAITING])
        log_word(m, log, m[place + Place.BUSY])
    for routine in range(m[Header.ROUTINES + Table.COUNT]):
        log_word(m, log, m[level_of(m, routine) + Level.CURRENT])
    for number in range(m[Header.CONTROLLERS + Table.COUNT]):
        log_word(m, log, m[m[m[Header.CONTROLLERS] + number] + Controller.KEPT + Level.CURRENT])
    for number in range(m[Header.BREAKERS + Table.COUNT]):
        log_word(m, log, m[m[m[Header.BREAKERS] + number] + Breaker.LEVEL])
    for number in range(m[Header.BUDGETS + Table.COUNT]):
        log_word(m, log, m[m[m[Header.BUDGETS] + number] + Budget.SUM] // TOKEN)
    for number in range(m[Header.PLACES + Table.COUNT]):
        place = m[m[Header.PLACES] + number]
        if m[place + Place.SHED] >= 0:
            log_word(m, log, m[place + Place.REJECTED] - m[place + Place.REJECTED_BEFORE])
            m[place + Place.REJECTED_BEFORE] = m[place + Place.REJECTED]
    m[sampler + Sampler.NUMBER] += 1
    set_timer(m, m[sampler + Sampler.NUMBER] * m[sampler + Sampler.INTERVAL], sampler)
