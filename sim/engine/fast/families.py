"""Forks and races: children at the same time, and when enough of them have ended."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast import layout as L
from sim.engine.fast.jobs import new_child, wait_for, wake
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Memory, add, give, interrupt, take


@inner
def stop_family(m: Memory, family: int) -> None:
    """Stop the children that still run, in order."""
    child = m[family + L.B_CHILDREN]
    while child:
        interrupt(m, child, L.X_CANCELLED, -1, 0)
        child = m[child + L.J_SIBLINGS] & L.LOW


@inner
def new_family(m: Memory, job: int, step: int, count: int, same: bool, needed: int, cancels: int, spare: int) -> int:
    """Start the children of a step; with `same` all do what the first body says. Awaited when any are needed."""
    family = take(m, L.B_SIZE)
    m[family + L.B_KIND] = L.FAMILY
    m[family + L.B_JOB] = job
    m[family + L.B_NEEDED] = needed
    m[family + L.B_CANCELS] = cancels
    m[family + L.B_SUCCEEDED] = 0
    m[family + L.B_FAILED] = 0
    m[family + L.B_SPARE] = spare
    m[family + L.B_OPEN] = 1 if needed > 0 else 0
    m[family + L.B_DECIDING] = 0
    m[family + L.B_ERROR] = 0
    m[family + L.B_CHILDREN] = 0
    m[family + L.B_CHILDREN + 1] = 0
    m[family + L.B_AWAITED] = 1 if needed > 0 else 0
    base = child_path(m[job + L.J_PATH], m[step + L.O_SALT])
    for index in range(count):
        body = m[step + L.FO_BODIES + (0 if same else index)]
        child = new_child(m, job, child_path(base, index), body, family, 0)
        append(m, family + L.B_CHILDREN, child, L.J_SIBLINGS)
    if needed > 0:
        wait_for(m, job, L.W_FAMILY, family, step)
    elif cancels:
        stop_family(m, family)
    return family


@inner
def give_family(m: Memory, family: int) -> None:
    """Give the record back, when neither parent nor children need it."""
    if m[family + L.B_AWAITED] == 0 and m[family + L.B_CHILDREN] == 0:
        give(m, family, L.B_SIZE)


@inner
def family_child_ended(m: Memory, family: int, child: int, error: int) -> None:
    """A child has ended."""
    unlink(m, family + L.B_CHILDREN, child, L.J_SIBLINGS)
    decides = False
    if m[family + L.B_OPEN]:
        if error == 0:
            m[family + L.B_SUCCEEDED] += 1
        else:
            m[family + L.B_FAILED] += 1
        decides = m[family + L.B_SUCCEEDED] >= m[family + L.B_NEEDED] or m[family + L.B_FAILED] > m[family + L.B_SPARE]
    if decides:
        m[family + L.B_OPEN] = 0
        m[family + L.B_DECIDING] = child
        m[family + L.B_ERROR] = error
        m[child + L.J_REFS] += 1  # its time is still wanted
        wake(m, m[family + L.B_JOB], 0)
    else:
        add(m, L.H_OFF_PATH, m[L.H_NOW] - m[child + L.J_BEGAN])
    give_family(m, family)
