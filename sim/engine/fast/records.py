"""What a run leaves behind: rows of executions, spans, levels, reactions, recoveries. Places measure in `meters`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Memory, add_product, log_word

SUCCEEDED, COMPENSATED, FAILED, REJECTED = range(4)


@inner
def level_changes(m: Memory, routine: int, by: int) -> None:
    """So many more executions of a routine are at work from now on."""
    level = m[L.H_ROUTINES] + routine * L.RL_SIZE
    now = m[L.H_NOW]
    current = m[level + L.RL_CURRENT]
    add_product(m, level + L.RL_AREA, current, now - m[level + L.RL_LAST])
    m[level + L.RL_LAST] = now
    current += by
    m[level + L.RL_CURRENT] = current
    if current > m[level + L.RL_MAX]:
        m[level + L.RL_MAX] = current


@inner
def row_opens(m: Memory, ordinal: int, job: int, routine: int) -> None:
    """An execution has started. While it is open its row knows its job, whose times are written in the row at once."""
    m[m[L.H_ROWS] + ordinal] = m[L.H_NOW]
    m[m[L.H_ROW_ENDS] + ordinal] = -job
    if m[job + L.J_STATE] & L.COHORT:
        m[L.H_COHORT_OPEN] += 1
        states = m[L.H_STATES]
        split = m[L.H_SPLITS] + ordinal * states
        for state in range(states):
            m[split + state] = 0
        m[job + L.J_ACCOUNT] = split
    if m[L.X_LIVE]:
        append(m, L.H_LIVE, job, m[L.X_LIVE])
    level_changes(m, routine, 1)


@inner
def row_closes(m: Memory, job: int, routine: int, outcome: int, error: int) -> None:
    """An execution has ended."""
    ordinal = m[job + L.J_ORDER] >> 24
    m[m[L.H_ROW_ENDS] + ordinal] = m[L.H_NOW]
    cohort = 1 if m[job + L.J_STATE] & L.COHORT else 0
    m[m[L.H_ROW_NOTES] + ordinal] = routine << 32 | cohort << 31 | error << 3 | outcome
    if m[L.X_LIVE]:
        unlink(m, L.H_LIVE, job, m[L.X_LIVE])
    if cohort:
        m[L.H_COHORT_OPEN] -= 1
    level_changes(m, routine, -1)


@inner
def row_is_dropped(m: Memory, job: int, source: int) -> None:
    """An execution has been called off at the end: it stays open, but its job is gone."""
    m[m[L.H_ROW_ENDS] + (m[job + L.J_ORDER] >> 24)] = -1 - source
    if m[L.X_LIVE]:
        unlink(m, L.H_LIVE, job, m[L.X_LIVE])


@inner
def room_for_row(m: Memory, ordinal: int) -> bool:
    """Whether one more execution can be written down; the run stops where not."""
    if ordinal < m[L.H_ROW_LIMIT]:
        return True
    m[L.H_STATUS] = L.ROWS_FULL
    return False


@inner
def reacted(m: Memory) -> None:
    """A timer, a retry or a failover has reacted to something."""
    log_word(m, L.H_REACTIONS, m[L.H_NOW])


@inner
def span_ends(m: Memory, log: int, begun: int) -> None:
    """A span has ended; those that began in the window count."""
    if m[L.H_BEGIN] <= begun < m[L.H_HORIZON]:
        log_word(m, log, m[L.H_NOW])
        log_word(m, log, m[L.H_NOW] - begun)


# -- recovery from crashes ---------------------------------------------------------------------------------


@inner
def node_crashed(m: Memory, group: int, where: int) -> None:
    """A node has crashed: remember the executions that it hits, for the spans that measure their recovery.

    Those that ran there bear the flag RUNNING_HERE, and lose it here.
    """
    node = (where - m[group + L.GR_NODES]) // L.D_SIZE
    job = m[L.H_LIVE]
    while job:
        ran = 1 if m[job + L.J_STATE] & L.RUNNING_HERE else 0
        m[job + L.J_STATE] = (m[job + L.J_STATE] | L.RUNNING_HERE) ^ L.RUNNING_HERE
        touched = ran == 1
        for number in range(m[group + L.GR_AFFINITY_COUNT]):
            slot = m[m[group + L.GR_AFFINITIES] + number]
            touched = touched or m[job + m[L.X_AFFINITIES] + slot] == node + 1
        if touched:
            for number in range(m[L.H_RECOVERY_COUNT]):
                span = m[m[L.H_RECOVERIES] + number]
                at = job + m[L.X_CRASHES] + number
                if m[span + L.SP_GROUP] == m[group + L.GR_INDEX] and m[at] == 0:
                    m[at] = (m[L.H_NOW] + 1) << 1 | ran
        job = m[job + m[L.X_LIVE]] & L.LOW


@inner
def recovered(m: Memory, execution: int, number: int) -> None:
    """A mark was made that ends the recovery of an execution, if it was hit."""
    at = execution + m[L.X_CRASHES] + number
    hit = m[at]
    if hit == 0:
        return
    m[at] = 0
    span = m[m[L.H_RECOVERIES] + number]
    begun = (hit >> 1) - 1
    if hit & 1 == 0:
        begun = max(begun, m[execution + m[L.X_READIED] + m[span + L.SP_READY]])
    span_ends(m, span, begun)
