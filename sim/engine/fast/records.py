"""What a run leaves behind: rows of executions, spans, levels, reactions, recoveries. Places measure in `meters`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import (
    COHORT,
    D_SIZE,
    GR_AFFINITIES,
    GR_AFFINITY_COUNT,
    GR_INDEX,
    GR_NODES,
    H_BEGIN,
    H_COHORT_OPEN,
    H_HORIZON,
    H_LIVE,
    H_NOW,
    H_REACTIONS,
    H_RECOVERIES,
    H_RECOVERY_COUNT,
    H_ROUTINES,
    H_ROW_ENDS,
    H_ROW_LIMIT,
    H_ROW_NOTES,
    H_ROWS,
    H_SPLITS,
    H_STATES,
    H_STATUS,
    J_ACCOUNT,
    J_ORDER,
    J_STATE,
    LOW,
    RL_AREA,
    RL_CURRENT,
    RL_LAST,
    RL_MAX,
    RL_SIZE,
    ROWS_FULL,
    RUNNING_HERE,
    SP_GROUP,
    SP_READY,
    X_AFFINITIES,
    X_CRASHES,
    X_LIVE,
    X_READIED,
)
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Memory, add_product, log_word

SUCCEEDED, COMPENSATED, FAILED, REJECTED = range(4)


@inner
def level_changes(m: Memory, routine: int, by: int) -> None:
    """So many more executions of a routine are at work from now on."""
    level = m[H_ROUTINES] + routine * RL_SIZE
    now = m[H_NOW]
    current = m[level + RL_CURRENT]
    add_product(m, level + RL_AREA, current, now - m[level + RL_LAST])
    m[level + RL_LAST] = now
    current += by
    m[level + RL_CURRENT] = current
    if current > m[level + RL_MAX]:
        m[level + RL_MAX] = current


@inner
def row_opens(m: Memory, ordinal: int, job: int, routine: int) -> None:
    """An execution has started. While it is open its row knows its job, whose times are written in the row at once."""
    m[m[H_ROWS] + ordinal] = m[H_NOW]
    m[m[H_ROW_ENDS] + ordinal] = -job
    if m[job + J_STATE] & COHORT:
        m[H_COHORT_OPEN] += 1
        states = m[H_STATES]
        split = m[H_SPLITS] + ordinal * states
        for state in range(states):
            m[split + state] = 0
        m[job + J_ACCOUNT] = split
    if m[X_LIVE]:
        append(m, H_LIVE, job, m[X_LIVE])
    level_changes(m, routine, 1)


@inner
def row_closes(m: Memory, job: int, routine: int, outcome: int, error: int) -> None:
    """An execution has ended."""
    ordinal = m[job + J_ORDER] >> 24
    m[m[H_ROW_ENDS] + ordinal] = m[H_NOW]
    cohort = 1 if m[job + J_STATE] & COHORT else 0
    m[m[H_ROW_NOTES] + ordinal] = routine << 32 | cohort << 31 | error << 3 | outcome
    if m[X_LIVE]:
        unlink(m, H_LIVE, job, m[X_LIVE])
    if cohort:
        m[H_COHORT_OPEN] -= 1
    level_changes(m, routine, -1)


@inner
def row_is_dropped(m: Memory, job: int, source: int) -> None:
    """An execution has been called off at the end: it stays open, but its job is gone."""
    m[m[H_ROW_ENDS] + (m[job + J_ORDER] >> 24)] = -1 - source
    if m[X_LIVE]:
        unlink(m, H_LIVE, job, m[X_LIVE])


@inner
def room_for_row(m: Memory, ordinal: int) -> bool:
    """Whether one more execution can be written down; the run stops where not."""
    if ordinal < m[H_ROW_LIMIT]:
        return True
    m[H_STATUS] = ROWS_FULL
    return False


@inner
def reacted(m: Memory) -> None:
    """A timer, a retry or a failover has reacted to something."""
    log_word(m, H_REACTIONS, m[H_NOW])


@inner
def span_ends(m: Memory, log: int, begun: int) -> None:
    """A span has ended; those that began in the window count."""
    if m[H_BEGIN] <= begun < m[H_HORIZON]:
        log_word(m, log, m[H_NOW])
        log_word(m, log, m[H_NOW] - begun)


# -- recovery from crashes ---------------------------------------------------------------------------------


@inner
def node_crashed(m: Memory, group: int, where: int) -> None:
    """A node has crashed: remember the executions that it hits, for the spans that measure their recovery.

    Those that ran there bear the flag RUNNING_HERE, and lose it here.
    """
    node = (where - m[group + GR_NODES]) // D_SIZE
    job = m[H_LIVE]
    while job:
        ran = 1 if m[job + J_STATE] & RUNNING_HERE else 0
        m[job + J_STATE] = (m[job + J_STATE] | RUNNING_HERE) ^ RUNNING_HERE
        touched = ran == 1
        for number in range(m[group + GR_AFFINITY_COUNT]):
            slot = m[m[group + GR_AFFINITIES] + number]
            touched = touched or m[job + m[X_AFFINITIES] + slot] == node + 1
        if touched:
            for number in range(m[H_RECOVERY_COUNT]):
                span = m[m[H_RECOVERIES] + number]
                at = job + m[X_CRASHES] + number
                if m[span + SP_GROUP] == m[group + GR_INDEX] and m[at] == 0:
                    m[at] = (m[H_NOW] + 1) << 1 | ran
        job = m[job + m[X_LIVE]] & LOW


@inner
def recovered(m: Memory, execution: int, number: int) -> None:
    """A mark was made that ends the recovery of an execution, if it was hit."""
    at = execution + m[X_CRASHES] + number
    hit = m[at]
    if hit == 0:
        return
    m[at] = 0
    span = m[m[H_RECOVERIES] + number]
    begun = (hit >> 1) - 1
    if hit & 1 == 0:
        begun = max(begun, m[execution + m[X_READIED] + m[span + SP_READY]])
    span_ends(m, span, begun)
