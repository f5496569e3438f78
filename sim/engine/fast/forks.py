"""Forks and races: children at the same time, and when enough of them have ended."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast.jobs import new_child, wait_for, wake
from sim.engine.fast.layout import (
    LOW,
    Failure,
    Fork,
    ForkAt,
    ForkStep,
    ForkStepAt,
    Header,
    Job,
    JobAt,
    Parent,
    Step,
    Wait,
)
from sim.engine.fast.memory import Memory, add, allocate, free, interrupt
from sim.engine.fast.queues import append, unlink


@inner
def stop_family(m: Memory, family: ForkAt) -> None:
    """Stop the children that still run, in order."""
    child = m[family + Fork.CHILDREN]
    while child:
        interrupt(m, child, Failure.CANCELLED, -1, 0)
        child = m[child + Job.SIBLINGS] & LOW


@inner
def new_family(
    m: Memory, job: JobAt, step: ForkStepAt, count: int, same: bool, needed: int, cancels: int, spare: int
) -> int:
    """Start the children of a step; with `same` all do what the first body says. Awaited when any are needed."""
    family = allocate(m, Fork.SIZE)
    m[family + Fork.KIND] = Parent.FORK
    m[family + Fork.JOB] = job
    m[family + Fork.NEEDED] = needed
    m[family + Fork.CANCELS] = cancels
    m[family + Fork.SUCCEEDED] = 0
    m[family + Fork.FAILED] = 0
    m[family + Fork.SPARE] = spare
    m[family + Fork.OPEN] = 1 if needed > 0 else 0
    m[family + Fork.DECIDING] = 0
    m[family + Fork.ERROR] = 0
    m[family + Fork.CHILDREN] = 0
    m[family + Fork.CHILDREN + 1] = 0
    m[family + Fork.AWAITED] = 1 if needed > 0 else 0
    base = child_path(m[job + Job.PATH], m[step + Step.SALT])
    for index in range(count):
        body = m[step + ForkStep.BODIES + (0 if same else index)]
        child = new_child(m, job, child_path(base, index), body, family, 0)
        append(m, family + Fork.CHILDREN, child, Job.SIBLINGS)
    if needed > 0:
        wait_for(m, job, Wait.FORK, family, step)
    elif cancels:
        stop_family(m, family)
    return family


@inner
def give_family(m: Memory, family: ForkAt) -> None:
    """Give the record back, when neither parent nor children need it."""
    if m[family + Fork.AWAITED] == 0 and m[family + Fork.CHILDREN] == 0:
        free(m, family, Fork.SIZE)


@inner
def family_child_ended(m: Memory, family: ForkAt, child: JobAt, error: int) -> None:
    """A child has ended."""
    unlink(m, family + Fork.CHILDREN, child, Job.SIBLINGS)
    decides = False
    if m[family + Fork.OPEN]:
        if error == 0:
            m[family + Fork.SUCCEEDED] += 1
        else:
            m[family + Fork.FAILED] += 1
        decides = (
            m[family + Fork.SUCCEEDED] >= m[family + Fork.NEEDED] or m[family + Fork.FAILED] > m[family + Fork.SPARE]
        )
    if decides:
        m[family + Fork.OPEN] = 0
        m[family + Fork.DECIDING] = child
        m[family + Fork.ERROR] = error
        m[child + Job.REFS] += 1  # its time is still wanted
        wake(m, m[family + Fork.JOB], 0)
    else:
        add(m, Header.OFF_PATH, m[Header.NOW] - m[child + Job.BEGAN])
    give_family(m, family)
