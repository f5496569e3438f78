"""Child executions: let in by a `child` step, heard of at their end, told of on the way, closed with their parent."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast.jobs import new_child, new_execution, release_record, spend, start_state, wait_for, wake
from sim.engine.fast.layout import (
    LOW,
    ChildLink,
    ChildStep,
    Failure,
    Family,
    Header,
    Job,
    OnClose,
    Parent,
    Ref,
    Source,
    Step,
    Table,
    Telling,
    TellStep,
    Wait,
)
from sim.engine.fast.memory import Memory, cleared, free, high, interrupt
from sim.engine.fast.queues import append, unlink
from sim.engine.fast.recorder import room_for_row, row_opens


@inner
def family_of(m: Memory, execution: Ref[Job]) -> int:
    """Where an execution keeps what it has from its parent, and its children."""
    return execution + m[Header.JOB_FAMILY]


@inner
def begin_family(m: Memory, execution: Ref[Job], source: Ref[Source]) -> None:
    """A source has let an execution in: it is nobody's child."""
    family = family_of(m, execution)
    m[family + Family.PRIORITY] = m[source + Source.PRIORITY]
    m[family + Family.COUNTED] = m[source + Source.COUNTED]
    m[m[Header.ROW_PARENTS] + (m[execution + Job.ORDER] >> 24)] = -1


@inner
def is_followed(m: Memory, execution: Ref[Job]) -> bool:
    """Whether an execution is a child, however far down, of one of the cohort."""
    return m[Header.JOB_FAMILY] != 0 and m[family_of(m, execution) + Family.FOLLOWED] != 0


# -- letting in --------------------------------------------------------------------------------------------


@inner
def _let_in(m: Memory, job: Ref[Job], step: Ref[ChildStep], ordinal: int) -> int:
    """The child execution of a step."""
    parent = high(m[job + Job.OWN])
    above = family_of(m, parent)
    m[Header.ORDINAL] = ordinal + 1
    cohort = 0
    if m[above + Family.COUNTED] and m[Header.BEGIN] <= m[Header.NOW] < m[Header.HORIZON]:
        cohort = Job.COHORT
    path = child_path(m[job + Job.PATH], m[step + Step.STREAM_OFFSET])
    child = new_execution(m, ordinal << 24, path, m[step + ChildStep.BODY], m[step + ChildStep.SOURCE], cohort)
    start_state(m, child, path)
    attributes = m[Header.JOB_ATTRIBUTES]
    for item in range(m[step + ChildStep.TAKES + Table.COUNT]):
        at = attributes + m[m[step + ChildStep.TAKES] + item]
        m[child + at] = m[parent + at]
    family = family_of(m, child)
    m[family + Family.PRIORITY] = m[above + Family.PRIORITY]
    m[family + Family.COUNTED] = m[above + Family.COUNTED]
    m[family + Family.FOLLOWED] = 1 if m[above + Family.FOLLOWED] or m[parent + Job.STATE] & Job.COHORT else 0
    m[m[Header.ROW_PARENTS] + ordinal] = m[parent + Job.ORDER] >> 24
    row_opens(m, ordinal, child, m[m[m[Header.SOURCES] + m[step + ChildStep.SOURCE]] + Source.ROUTINE])
    return child


@inner
def step_child(m: Memory, job: Ref[Job], step: Ref[ChildStep]) -> int:
    """Let a child execution in, and wait for its end where the step says so."""
    ordinal = m[Header.ORDINAL]
    if not room_for_row(m, ordinal):
        return 0
    parent = high(m[job + Job.OWN])
    child = _let_in(m, job, step, ordinal)
    link = cleared(m, ChildLink.SIZE)
    m[link + ChildLink.KIND] = Parent.CHILD
    m[link + ChildLink.STEP] = step
    m[link + ChildLink.JOB] = job
    m[link + ChildLink.PARENT] = parent
    m[link + ChildLink.CHILD] = child
    m[link + ChildLink.WORKING] = child
    m[link + ChildLink.HEARD] = m[step + ChildStep.WAITS]
    m[link + ChildLink.LISTED] = 1
    m[family_of(m, child) + Family.LINK] = link
    append(m, family_of(m, parent) + Family.CHILDREN, link, ChildLink.LINKS)
    m[parent + Job.REFS] += 1
    m[child + Job.REFS] += 1
    if m[step + ChildStep.WAITS] == 0:
        return m[step + Step.NEXT]
    wait_for(m, job, Wait.CHILD, link, step)
    return 0


@inner
def _free_link(m: Memory, link: Ref[ChildLink]) -> None:
    parent, child = m[link + ChildLink.PARENT], m[link + ChildLink.CHILD]
    free(m, link, ChildLink.SIZE)
    release_record(m, child)
    release_record(m, parent)


# -- the end -----------------------------------------------------------------------------------------------


@inner
def close_child(m: Memory, link: Ref[ChildLink]) -> None:
    """Do what `on_close` says to an open child: its parent has closed, or who waited for it has been interrupted."""
    policy = m[m[link + ChildLink.STEP] + ChildStep.POLICY]
    child = m[link + ChildLink.CHILD]
    if m[link + ChildLink.ASKED] or m[child + Job.STATE] & Job.ENDED or policy == OnClose.ABANDON:
        return
    m[link + ChildLink.ASKED] = 1
    error = Failure.CANCELLED if policy == OnClose.TERMINATE else Failure.CANCEL_REQUESTED
    interrupt(m, child, error, -1, 0)


@inner
def _let_go_of_children(m: Memory, execution: Ref[Job]) -> None:
    """The execution has closed: its open children have what their steps say, in order."""
    children = family_of(m, execution) + Family.CHILDREN
    link = m[children]
    while link:
        following = m[link + ChildLink.LINKS] & LOW
        m[link + ChildLink.LISTED] = 0
        close_child(m, link)
        link = following
    m[children] = 0
    m[children + 1] = 0


@inner
def _settle(m: Memory, link: Ref[ChildLink]) -> None:
    """The parent hears of the end, where it still waits for it."""
    if m[link + ChildLink.HEARD]:
        m[link + ChildLink.SETTLED] = 1
        wake(m, m[link + ChildLink.JOB], 0)
    else:
        _free_link(m, link)


@inner
def family_closed(m: Memory, main: Ref[Job], error: int) -> None:
    """The main line of an execution has ended: its children go, and it does what comes after it as a child."""
    _let_go_of_children(m, main)
    link = m[family_of(m, main) + Family.LINK]
    if link == 0:
        return
    m[family_of(m, main) + Family.LINK] = 0
    if m[link + ChildLink.LISTED]:
        m[link + ChildLink.LISTED] = 0
        unlink(m, family_of(m, m[link + ChildLink.PARENT]) + Family.CHILDREN, link, ChildLink.LINKS)
    m[link + ChildLink.ERROR] = error
    step = m[link + ChildLink.STEP]
    if m[step + ChildStep.AFTER]:
        path = child_path(m[main + Job.PATH], m[step + Step.STREAM_OFFSET])
        m[link + ChildLink.WORKING] = new_child(m, main, path, m[step + ChildStep.AFTER], link, 0)
    else:
        m[main + Job.REFS] += 1  # it is about to end, and gives its record back itself
        _settle(m, link)
        m[main + Job.REFS] -= 1


@inner
def after_ended(m: Memory, link: Ref[ChildLink], error: int) -> None:
    """What comes after a child has ended."""
    if m[link + ChildLink.ERROR] == 0:
        m[link + ChildLink.ERROR] = error
    _settle(m, link)


@inner
def hear(m: Memory, job: Ref[Job], step: Ref[ChildStep], link: Ref[ChildLink]) -> int:
    """The job hears of the end: it takes the values that the child gives. Gives the failure."""
    spend(m, job, m[step + ChildStep.STATE], m[Header.NOW])
    attributes = m[Header.JOB_ATTRIBUTES]
    for item in range(m[step + ChildStep.GIVES + Table.COUNT]):
        at = attributes + m[m[step + ChildStep.GIVES] + item]
        m[m[link + ChildLink.PARENT] + at] = m[m[link + ChildLink.CHILD] + at]
    error = m[link + ChildLink.ERROR]
    _free_link(m, link)
    return error


@inner
def stop_hearing(m: Memory, job: Ref[Job], link: Ref[ChildLink]) -> None:
    """The job that waits for a child is interrupted."""
    spend(m, job, m[m[link + ChildLink.STEP] + ChildStep.STATE], m[Header.NOW])
    if m[link + ChildLink.SETTLED]:
        _free_link(m, link)
        return
    m[link + ChildLink.HEARD] = 0
    if m[m[link + ChildLink.PARENT] + Job.STATE] & Job.DROPPED == 0:
        close_child(m, link)


# -- telling the parent ------------------------------------------------------------------------------------


@inner
def step_tell(m: Memory, job: Ref[Job], step: Ref[TellStep]) -> int:
    """Have the parent take the steps that it has for being told."""
    execution = high(m[job + Job.OWN])
    link = m[family_of(m, execution) + Family.LINK] if m[Header.JOB_FAMILY] else 0
    if link == 0:  # no child, or closed
        return m[step + Step.NEXT]
    parent = m[link + ChildLink.PARENT]
    told = m[m[link + ChildLink.STEP] + ChildStep.TOLD]
    if told == 0 or m[parent + Job.STATE] & Job.ENDED:
        return m[step + Step.NEXT]
    telling = cleared(m, Telling.SIZE)
    m[telling + Telling.KIND] = Parent.TELLING
    m[telling + Telling.JOB] = job
    path = child_path(m[job + Job.PATH], m[step + Step.STREAM_OFFSET])
    m[telling + Telling.CHILD] = new_child(m, parent, path, told, telling, 0)
    wait_for(m, job, Wait.TOLD, telling, step)
    return 0


@inner
def told_ended(m: Memory, telling: Ref[Telling]) -> None:
    """The parent has taken the steps, well or badly."""
    if m[telling + Telling.JOB]:
        m[telling + Telling.SETTLED] = 1
        wake(m, m[telling + Telling.JOB], 0)
    else:
        free(m, telling, Telling.SIZE)


@inner
def told(m: Memory, job: Ref[Job], step: Ref[TellStep], telling: Ref[Telling]) -> None:
    """The teller goes on."""
    spend(m, job, m[step + TellStep.STATE], m[Header.NOW])
    free(m, telling, Telling.SIZE)


@inner
def stop_telling(m: Memory, job: Ref[Job], step: Ref[TellStep], telling: Ref[Telling]) -> None:
    """The teller is interrupted: what the parent has begun goes on."""
    spend(m, job, m[step + TellStep.STATE], m[Header.NOW])
    if m[telling + Telling.SETTLED]:
        free(m, telling, Telling.SIZE)
    else:
        m[telling + Telling.JOB] = 0
