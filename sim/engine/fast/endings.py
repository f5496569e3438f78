"""What a job gives back, how it ends, and the frames that it goes back to. How it fails is told in `ends`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.caches import drop_execution
from sim.engine.fast.families import family_child_ended
from sim.engine.fast.jobs import (
    give_back_record,
    grant_place,
    keep_no_more,
    spend,
)
from sim.engine.fast.layout import (
    ATTEMPT_FRAME,
    CALL_FRAME,
    DROPPED,
    E_CLIENT,
    ENDED,
    F_CALL_SIZE,
    F_HANDLE,
    F_NEXT,
    F_PATH,
    F_SIZE,
    F_STEP,
    FAMILY,
    G_HELD,
    H_NOW,
    H_SOURCES,
    H_ST_LOST,
    H_STATES,
    H_TREE,
    J_LINK,
    J_OWN,
    J_PATH,
    J_STATE,
    J_TREE,
    P_KIND,
    RESOURCE,
    SOURCE_SHIFT,
    U_ROUTINE,
    WAIT_MASK,
    WAIT_SHIFT,
    X_CACHED,
    X_CLIENT,
    X_COMPENSATED,
    X_OPEN,
    X_REFUSED,
    X_REJECTED,
)
from sim.engine.fast.memory import (
    Floats,
    Memory,
    effect,
    give,
    high,
    low,
    set_high,
    set_low,
    take,
)
from sim.engine.fast.pools import drop_grant, serve, take_units
from sim.engine.fast.records import COMPENSATED, FAILED, REJECTED, SUCCEEDED, row_closes, row_is_dropped
from sim.engine.fast.servers import free_visit
from sim.engine.fast.trials import trial_child_ended
from sim.engine.fast.watch import judge

# -- giving back --------------------------------------------------------------------------------------------


@inner
def free_grant(m: Memory, f: Floats, grant: int) -> None:
    """Give the units or the server of a grant back, if it still has them, and let the next one have them."""
    place = grant_place(m, grant)
    if m[place + P_KIND] == RESOURCE:
        node = take_units(m, place, grant)
        if node >= 0:
            serve(m, f, place, node)
    else:
        free_visit(m, f, place, grant)
    drop_grant(m, place, grant)


@inner
def give_back(m: Memory, f: Floats, job: int, base: int) -> None:
    """Give back, last first, the grants numbered `base` and above."""
    if m[H_TREE]:
        keep_no_more(m, job)
    grant = low(m[job + J_OWN])
    while grant and high(m[grant + G_HELD]) >= base:
        set_low(m, job + J_OWN, low(m[grant + G_HELD]))
        free_grant(m, f, grant)
        grant = low(m[job + J_OWN])


# -- the end of a job --------------------------------------------------------------------------------------


@inner
def _main_ended(m: Memory, job: int, error: int) -> None:
    source = m[job + J_STATE] >> SOURCE_SHIFT
    if m[job + J_STATE] & DROPPED:
        row_is_dropped(m, job, source)
        return
    outcome = FAILED
    if error == 0:
        outcome = SUCCEEDED
    elif error == X_COMPENSATED:
        outcome = COMPENSATED
        error = 0
    elif error == X_REJECTED or error == X_REFUSED:
        outcome = REJECTED
    row_closes(m, job, m[m[m[H_SOURCES] + source] + U_ROUTINE], outcome, error)
    if m[X_CACHED]:
        drop_execution(m, job)
    if m[X_CLIENT] and m[job + m[X_CLIENT]]:
        effect(m, E_CLIENT, m[job + m[X_CLIENT]])


@inner
def end_job(m: Memory, f: Floats, job: int, error: int) -> None:
    """The job's thread of control ends, well (0) or with a failure."""
    spend(m, job, m[H_ST_LOST], m[H_NOW])  # only a job interrupted between two steps has anything left to book
    if low(m[job + J_OWN]):
        give_back(m, f, job, 0)
    m[job + J_STATE] = (m[job + J_STATE] | WAIT_MASK << WAIT_SHIFT) ^ WAIT_MASK << WAIT_SHIFT | ENDED
    execution = high(m[job + J_OWN])
    if m[X_OPEN]:
        m[execution + m[X_OPEN]] -= 1
    if execution == job:
        _main_ended(m, job, error)
    else:
        within = high(m[job + J_TREE])
        if m[within] == FAMILY:
            family_child_ended(m, within, job, error)
        else:
            trial_child_ended(m, within, error)
    if m[X_OPEN] and m[execution + m[X_OPEN]] == 0 and m[execution + J_STATE] & DROPPED == 0:
        judge(m, execution, True)
    give_back_record(m, job)


# -- frames ------------------------------------------------------------------------------------------------


@inner
def push_frame(m: Memory, job: int, kind: int, step: int, size: int) -> int:
    """Something to go back to; it remembers the path."""
    frame = take(m, size)
    m[frame + F_NEXT] = high(m[job + J_LINK]) | kind << 31
    m[frame + F_STEP] = step
    m[frame + F_PATH] = m[job + J_PATH]
    set_high(m, job + J_LINK, frame)
    return frame


@inner
def pop_frame(m: Memory, job: int, frame: int) -> None:
    """Gone back to: the path is what it was."""
    m[job + J_PATH] = m[frame + F_PATH]
    set_high(m, job + J_LINK, low(m[frame + F_NEXT]))
    kind = high(m[frame + F_NEXT])
    if kind == ATTEMPT_FRAME:
        before = low(m[frame + F_HANDLE])
        if before:
            give(m, before, m[H_STATES])
    give(m, frame, F_CALL_SIZE if kind == CALL_FRAME else F_SIZE)
