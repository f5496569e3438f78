"""Whom a crash hits: jobs with the number of the outermost grant that each one loses."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.memory import Memory, take

HIT_NEXT = 0
HIT_ORDER = 1
HIT_JOB = 2
HIT_DEPTH = 3
HIT_SIZE = 4


@inner
def add_hit(m: Memory, job: int, depth: int) -> None:
    """Note that a crash hits a job; depth -1: it loses no grant. One job may be noted several times."""
    hit = take(m, HIT_SIZE)
    m[hit + HIT_NEXT] = m[L.H_HITS]
    m[hit + HIT_ORDER] = m[job + L.J_ORDER]
    m[hit + HIT_JOB] = job
    m[hit + HIT_DEPTH] = depth
    m[L.H_HITS] = hit
