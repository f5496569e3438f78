"""Job completion: release what it holds and return to the parent."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.attempt_timers import attempt_child_ended
from sim.engine.fast.caches import drop_execution
from sim.engine.fast.children import after_ended, family_closed, told_ended
from sim.engine.fast.forks import fork_group_child_ended
from sim.engine.fast.jobs import (
    free_job,
    grant_place,
    keep_no_more,
    spend,
)
from sim.engine.fast.layout import (
    Failure,
    Frame,
    FrameKind,
    Grant,
    Header,
    Immediate,
    Job,
    Parent,
    Place,
    PlaceKind,
    Ref,
    Source,
    Step,
)
from sim.engine.fast.memory import (
    Floats,
    Memory,
    allocate,
    free,
    high,
    low,
    run_next,
    set_high,
    set_low,
)
from sim.engine.fast.monitors import judge
from sim.engine.fast.pools import drop_grant, serve, take_units
from sim.engine.fast.recorder import row_closes, row_is_dropped
from sim.engine.fast.servers import free_visit
from sim.results.columns import COMPENSATED, FAILED, REJECTED, SUCCEEDED

# -- giving back --------------------------------------------------------------------------------------------


@inner
def free_grant(m: Memory, f: Floats, grant: Ref[Grant]) -> None:
    """Give the units or the server of a grant back, if it still has them, and let the next one have them."""
    place = grant_place(m, grant)
    if m[place + Place.KIND] == PlaceKind.RESOURCE:
        node = take_units(m, place, grant)
        if node >= 0:
            serve(m, f, place, node)
    else:
        free_visit(m, f, place, grant)
    drop_grant(m, place, grant)


@inner
def give_back(m: Memory, f: Floats, job: Ref[Job], base: int) -> None:
    """Give back, last first, the grants numbered `base` and above."""
    if m[Header.TREE]:
        keep_no_more(m, job)
    grant = low(m[job + Job.OWN])
    while grant and high(m[grant + Grant.HELD]) >= base:
        set_low(m, job + Job.OWN, low(m[grant + Grant.HELD]))
        free_grant(m, f, grant)
        grant = low(m[job + Job.OWN])


# -- the end of a job --------------------------------------------------------------------------------------


@inner
def _main_ended(m: Memory, job: Ref[Job], error: int) -> None:
    source = m[job + Job.STATE] >> Job.SOURCE_SHIFT
    if m[job + Job.STATE] & Job.DROPPED:
        row_is_dropped(m, job, source)
        return
    outcome = FAILED
    named = error
    if error == 0:
        outcome = SUCCEEDED
    elif error == Failure.COMPENSATED:
        outcome = COMPENSATED
        named = 0
    elif error == Failure.REJECTED or error == Failure.REFUSED:
        outcome = REJECTED
    elif error == Failure.CANCELLED:  # not dropped: a child, closed with its parent
        named = error = Failure.TERMINATED
    row_closes(m, job, m[m[m[Header.SOURCES] + source] + Source.ROUTINE], outcome, named)
    if m[Header.JOB_CACHED]:
        drop_execution(m, job)
    if m[Header.JOB_CLIENT] and m[job + m[Header.JOB_CLIENT]]:
        run_next(m, Immediate.CLIENT, m[job + m[Header.JOB_CLIENT]])
    if m[Header.JOB_FAMILY]:
        family_closed(m, job, error)


@inner
def end_job(m: Memory, f: Floats, job: Ref[Job], error: int) -> None:
    """The job's thread of control ends, well (0) or with a failure."""
    spend(
        m, job, m[Header.STATE_LOST], m[Header.NOW]
    )  # only a job interrupted between two steps has anything left to book
    if low(m[job + Job.OWN]):
        give_back(m, f, job, 0)
    m[job + Job.STATE] = (
        m[job + Job.STATE] | Job.WAIT_MASK << Job.WAIT_SHIFT
    ) ^ Job.WAIT_MASK << Job.WAIT_SHIFT | Job.ENDED
    execution = high(m[job + Job.OWN])
    if m[Header.JOB_OPEN]:
        m[execution + m[Header.JOB_OPEN]] -= 1
    if execution == job:
        _main_ended(m, job, error)
    else:
        within = high(m[job + Job.TREE])
        if m[within] == Parent.FORK:
            fork_group_child_ended(m, within, job, error)
        elif m[within] == Parent.ATTEMPT:
            attempt_child_ended(m, within, error)
        elif m[within] == Parent.CHILD:
            after_ended(m, within, error)
        else:
            told_ended(m, within)
    if m[Header.JOB_OPEN] and m[execution + m[Header.JOB_OPEN]] == 0 and m[execution + Job.STATE] & Job.DROPPED == 0:
        judge(m, execution, True)
    free_job(m, job)


# -- frames ------------------------------------------------------------------------------------------------


@inner
def push_frame(m: Memory, job: Ref[Job], kind: int, step: Ref[Step], size: int) -> int:
    """Something to go back to; it remembers the path."""
    frame = allocate(m, size)
    m[frame + Frame.NEXT] = high(m[job + Job.LINK]) | kind << 31
    m[frame + Frame.STEP] = step
    m[frame + Frame.PATH] = m[job + Job.PATH]
    set_high(m, job + Job.LINK, frame)
    return frame


@inner
def pop_frame(m: Memory, job: Ref[Job], frame: Ref[Frame]) -> None:
    """Gone back to: the path is what it was."""
    m[job + Job.PATH] = m[frame + Frame.PATH]
    set_high(m, job + Job.LINK, low(m[frame + Frame.NEXT]))
    kind = high(m[frame + Frame.NEXT])
    if kind == FrameKind.ATTEMPT:
        before = low(m[frame + Frame.HANDLE])
        if before:
            free(m, before, m[Header.STATES])
    free(m, frame, Frame.CALL_SIZE if kind == FrameKind.CALL else Frame.SIZE)
