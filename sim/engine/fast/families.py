"""Forks and races: children at the same time, and when enough of them have ended."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast.jobs import new_child, wait_for, wake
from sim.engine.fast.layout import (
    B_AWAITED,
    B_CANCELS,
    B_CHILDREN,
    B_DECIDING,
    B_ERROR,
    B_FAILED,
    B_JOB,
    B_KIND,
    B_NEEDED,
    B_OPEN,
    B_SIZE,
    B_SPARE,
    B_SUCCEEDED,
    FAMILY,
    FO_BODIES,
    H_NOW,
    H_OFF_PATH,
    J_BEGAN,
    J_PATH,
    J_REFS,
    J_SIBLINGS,
    LOW,
    O_SALT,
    W_FAMILY,
    X_CANCELLED,
)
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Memory, add, give, interrupt, take


@inner
def stop_family(m: Memory, family: int) -> None:
    """Stop the children that still run, in order."""
    child = m[family + B_CHILDREN]
    while child:
        interrupt(m, child, X_CANCELLED, -1, 0)
        child = m[child + J_SIBLINGS] & LOW


@inner
def new_family(m: Memory, job: int, step: int, count: int, same: bool, needed: int, cancels: int, spare: int) -> int:
    """Start the children of a step; with `same` all do what the first body says. Awaited when any are needed."""
    family = take(m, B_SIZE)
    m[family + B_KIND] = FAMILY
    m[family + B_JOB] = job
    m[family + B_NEEDED] = needed
    m[family + B_CANCELS] = cancels
    m[family + B_SUCCEEDED] = 0
    m[family + B_FAILED] = 0
    m[family + B_SPARE] = spare
    m[family + B_OPEN] = 1 if needed > 0 else 0
    m[family + B_DECIDING] = 0
    m[family + B_ERROR] = 0
    m[family + B_CHILDREN] = 0
    m[family + B_CHILDREN + 1] = 0
    m[family + B_AWAITED] = 1 if needed > 0 else 0
    base = child_path(m[job + J_PATH], m[step + O_SALT])
    for index in range(count):
        body = m[step + FO_BODIES + (0 if same else index)]
        child = new_child(m, job, child_path(base, index), body, family, 0)
        append(m, family + B_CHILDREN, child, J_SIBLINGS)
    if needed > 0:
        wait_for(m, job, W_FAMILY, family, step)
    elif cancels:
        stop_family(m, family)
    return family


@inner
def give_family(m: Memory, family: int) -> None:
    """Give the record back, when neither parent nor children need it."""
    if m[family + B_AWAITED] == 0 and m[family + B_CHILDREN] == 0:
        give(m, family, B_SIZE)


@inner
def family_child_ended(m: Memory, family: int, child: int, error: int) -> None:
    """A child has ended."""
    unlink(m, family + B_CHILDREN, child, J_SIBLINGS)
    decides = False
    if m[family + B_OPEN]:
        if error == 0:
            m[family + B_SUCCEEDED] += 1
        else:
            m[family + B_FAILED] += 1
        decides = m[family + B_SUCCEEDED] >= m[family + B_NEEDED] or m[family + B_FAILED] > m[family + B_SPARE]
    if decides:
        m[family + B_OPEN] = 0
        m[family + B_DECIDING] = child
        m[family + B_ERROR] = error
        m[child + J_REFS] += 1  # its time is still wanted
        wake(m, m[family + B_JOB], 0)
    else:
        add(m, H_OFF_PATH, m[H_NOW] - m[child + J_BEGAN])
    give_family(m, family)
