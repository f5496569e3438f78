"""Draws of the kernel: a distribution in memory and a stream give the same value as `sim.draws.sampler` does."""

from __future__ import annotations

from sim.draws.inverse import sample_of, to_ns
from sim.draws.jit import inner
from sim.draws.kinds import CONSTANT, EXPONENTIAL
from sim.draws.mathematics import log_of_normal
from sim.draws.streams import uniform
from sim.engine.fast.layout import Count, CountKind, Distribution, Draw, Header, Job, Ref
from sim.engine.fast.memory import Floats, Memory, high


@inner
def _value(m: Memory, f: Floats, draw: Ref[Draw], path: int, index: int) -> float:
    dist = m[draw + Draw.DIST]
    u = uniform(m[draw + Draw.STREAM], path, index)
    if m[dist + Distribution.KIND] == EXPONENTIAL:  # the most frequent one, at once
        return -f[dist + Distribution.A] * log_of_normal(1.0 - u)
    return sample_of(
        m[dist + Distribution.KIND],
        f[dist + Distribution.A],
        f[dist + Distribution.B],
        f[dist + Distribution.C],
        f,
        m[dist + Distribution.TABLE],
        m[dist + Distribution.LENGTH],
        u,
    )


@inner
def time_of(m: Memory, f: Floats, draw: Ref[Draw], path: int, index: int) -> int:
    """A time in ns."""
    dist = m[draw + Draw.DIST]
    if m[dist + Distribution.KIND] == CONSTANT:
        return m[dist + Distribution.NS]
    return to_ns(_value(m, f, draw, path, index))


@inner
def time_of_step(m: Memory, f: Floats, job: Ref[Job], at: int) -> int:
    """A time of a step in ns; `at` is where its draw is, and behind that whether sources draw it ahead."""
    if m[at + Draw.SIZE] and high(m[job + Job.LINK]) == 0 and high(m[job + Job.OWN]) == job:
        ahead = m[job + m[Header.JOB_FIRST]]
        if ahead >= 0:
            return ahead
    return time_of(m, f, at, m[job + Job.PATH], 0)


@inner
def count_of(m: Memory, f: Floats, number: int, path: int) -> int:
    """A count that no attribute gives; `number` is where its three words are."""
    if m[number] == CountKind.CONSTANT:
        return m[number + 1]
    return int(_value(m, f, number + Count.VALUE, path, 0))


@inner
def number_of(m: Memory, f: Floats, number: int, job: Ref[Job], path: int) -> int:
    """A count that a step needs: plain, an attribute of the execution, or drawn."""
    if m[number] == CountKind.ATTRIBUTE:
        return m[high(m[job + Job.OWN]) + m[Header.JOB_ATTRIBUTES] + m[number + 1]]
    return count_of(m, f, number, path)
