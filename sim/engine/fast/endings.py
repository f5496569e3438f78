"""What a job gives back, how it ends, and the frames that it goes back to. How it fails is told in `ends`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.caches import drop_execution
from sim.engine.fast.families import family_child_ended
from sim.engine.fast.jobs import (
    give_back_record,
    grant_place,
    keep_no_more,
    spend,
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
    if m[place + L.P_KIND] == L.RESOURCE:
        node = take_units(m, place, grant)
        if node >= 0:
            serve(m, f, place, node)
    else:
        free_visit(m, f, place, grant)
    drop_grant(m, place, grant)


@inner
def give_back(m: Memory, f: Floats, job: int, base: int) -> None:
    """Give back, last first, the grants numbered `base` and above."""
    if m[L.H_TREE]:
        keep_no_more(m, job)
    grant = low(m[job + L.J_OWN])
    while grant and high(m[grant + L.G_HELD]) >= base:
        set_low(m, job + L.J_OWN, low(m[grant + L.G_HELD]))
        free_grant(m, f, grant)
        grant = low(m[job + L.J_OWN])


# -- the end of a job --------------------------------------------------------------------------------------


@inner
def _main_ended(m: Memory, job: int, error: int) -> None:
    source = m[job + L.J_STATE] >> L.SOURCE_SHIFT
    if m[job + L.J_STATE] & L.DROPPED:
        row_is_dropped(m, job, source)
        return
    outcome = FAILED
    if error == 0:
        outcome = SUCCEEDED
    elif error == L.X_COMPENSATED:
        outcome = COMPENSATED
        error = 0
    elif error == L.X_REJECTED or error == L.X_REFUSED:
        outcome = REJECTED
    row_closes(m, job, m[m[m[L.H_SOURCES] + source] + L.U_ROUTINE], outcome, error)
    if m[L.X_CACHED]:
        drop_execution(m, job)
    if m[L.X_CLIENT] and m[job + m[L.X_CLIENT]]:
        effect(m, L.E_CLIENT, m[job + m[L.X_CLIENT]])


@inner
def end_job(m: Memory, f: Floats, job: int, error: int) -> None:
    """The job's thread of control ends, well (0) or with a failure."""
    spend(m, job, m[L.H_ST_LOST], m[L.H_NOW])  # only a job interrupted between two steps has anything left to book
    if low(m[job + L.J_OWN]):
        give_back(m, f, job, 0)
    m[job + L.J_STATE] = (m[job + L.J_STATE] | L.WAIT_MASK << L.WAIT_SHIFT) ^ L.WAIT_MASK << L.WAIT_SHIFT | L.ENDED
    execution = high(m[job + L.J_OWN])
    if m[L.X_OPEN]:
        m[execution + m[L.X_OPEN]] -= 1
    if execution == job:
        _main_ended(m, job, error)
    else:
        within = high(m[job + L.J_TREE])
        if m[within] == L.FAMILY:
            family_child_ended(m, within, job, error)
        else:
            trial_child_ended(m, within, error)
    if m[L.X_OPEN] and m[execution + m[L.X_OPEN]] == 0 and m[execution + L.J_STATE] & L.DROPPED == 0:
        judge(m, execution, True)
    give_back_record(m, job)


# -- frames ------------------------------------------------------------------------------------------------


@inner
def push_frame(m: Memory, job: int, kind: int, step: int, size: int) -> int:
    """Something to go back to; it remembers the path."""
    frame = take(m, size)
    m[frame + L.F_NEXT] = high(m[job + L.J_LINK]) | kind << 31
    m[frame + L.F_STEP] = step
    m[frame + L.F_PATH] = m[job + L.J_PATH]
    set_high(m, job + L.J_LINK, frame)
    return frame


@inner
def pop_frame(m: Memory, job: int, frame: int) -> None:
    """Gone back to: the path is what it was."""
    m[job + L.J_PATH] = m[frame + L.F_PATH]
    set_high(m, job + L.J_LINK, low(m[frame + L.F_NEXT]))
    kind = high(m[frame + L.F_NEXT])
    if kind == L.ATTEMPT_FRAME:
        before = low(m[frame + L.F_HANDLE])
        if before:
            give(m, before, m[L.H_STATES])
    give(m, frame, L.F_CALL_SIZE if kind == L.CALL_FRAME else L.F_SIZE)
