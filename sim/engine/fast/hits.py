"""Whom a crash hits: jobs with the number of the outermost grant that each one loses."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import Header, Hit, Job
from sim.engine.fast.memory import Memory, take


@inner
def add_hit(m: Memory, job: int, depth: int) -> None:
    """Note that a crash hits a job; depth -1: it loses no grant. One job may be noted several times."""
    hit = take(m, Hit.SIZE)
    m[hit + Hit.NEXT] = m[Header.HITS]
    m[hit + Hit.ORDER] = m[job + Job.ORDER]
    m[hit + Hit.JOB] = job
    m[hit + Hit.DEPTH] = depth
    m[Header.HITS] = hit
