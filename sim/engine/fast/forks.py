"""Forks and races: children at the same time, and when enough of them have ended."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast.jobs import new_child, wait_for, wake
from sim.engine.fast.layout import LOW, Failure, Fork, ForkStep, Header, Job, Parent, Ref, Step, Wait
from sim.engine.fast.memory import Memory, add, cleared, free, interrupt
from sim.engine.fast.queues import append, unlink


@inner
def stop_fork_group(m: Memory, fork_group: Ref[Fork]) -> None:
    """Stop the children that still run, in order."""
    child = m[fork_group + Fork.CHILDREN]
    while child:
        interrupt(m, child, Failure.CANCELLED, -1, 0)
        child = m[child + Job.SIBLINGS] & LOW


@inner
def new_fork_group(
    m: Memory, job: Ref[Job], step: Ref[ForkStep], count: int, same: bool, needed: int, cancels: int, spare: int
) -> int:
    """Start the children of a step; with `same` all do what the first body says. Awaited when any are needed."""
    fork_group = cleared(m, Fork.SIZE)
    m[fork_group + Fork.KIND] = Parent.FORK
    m[fork_group + Fork.JOB] = job
    m[fork_group + Fork.NEEDED] = needed
    m[fork_group + Fork.CANCELS] = cancels
    m[fork_group + Fork.SPARE] = spare
    m[fork_group + Fork.OPEN] = 1 if needed > 0 else 0
    m[fork_group + Fork.AWAITED] = 1 if needed > 0 else 0
    base = child_path(m[job + Job.PATH], m[step + Step.STREAM_OFFSET])
    for index in range(count):
        body = m[step + ForkStep.BODIES + (0 if same else index)]
        child = new_child(m, job, child_path(base, index), body, fork_group, 0)
        append(m, fork_group + Fork.CHILDREN, child, Job.SIBLINGS)
    if needed > 0:
        wait_for(m, job, Wait.FORK, fork_group, step)
    elif cancels:
        stop_fork_group(m, fork_group)
    return fork_group


@inner
def free_fork_group(m: Memory, fork_group: Ref[Fork]) -> None:
    """Give the record back, when neither parent nor children need it."""
    if m[fork_group + Fork.AWAITED] == 0 and m[fork_group + Fork.CHILDREN] == 0:
        free(m, fork_group, Fork.SIZE)


@inner
def fork_group_child_ended(m: Memory, fork_group: Ref[Fork], child: Ref[Job], error: int) -> None:
    """A child has ended."""
    unlink(m, fork_group + Fork.CHILDREN, child, Job.SIBLINGS)
    decides = False
    if m[fork_group + Fork.OPEN]:
        if error == 0:
            m[fork_group + Fork.SUCCEEDED] += 1
        else:
            m[fork_group + Fork.FAILED] += 1
        decides = (
            m[fork_group + Fork.SUCCEEDED] >= m[fork_group + Fork.NEEDED]
            or m[fork_group + Fork.FAILED] > m[fork_group + Fork.SPARE]
        )
    if decides:
        m[fork_group + Fork.OPEN] = 0
        m[fork_group + Fork.DECIDING] = child
        m[fork_group + Fork.ERROR] = error
        m[child + Job.REFS] += 1  # its time is still wanted
        wake(m, m[fork_group + Fork.JOB], 0)
    else:
        add(m, Header.OFF_PATH, m[Header.NOW] - m[child + Job.BEGAN])
    free_fork_group(m, fork_group)
